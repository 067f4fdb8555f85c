//! `sync --atomic` where all or nothing is more than one request: it arrives whole, or not at all, whoever is killed.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::place::{Desk, Place};
use crate::harness::user::new_id;
use crate::harness::{Database, on_both_databases};

on_both_databases!(
    a_folder_arrives_whole,
    a_conflict_pushes_nothing,
    a_clash_that_the_pull_finds_pushes_nothing,
    deletions_that_wait_push_nothing,
    a_client_that_is_killed_leaves_all_or_nothing,
    what_was_rehearsed_is_not_there,
);

/// So few operations to a request, and one upload at a time.
const SMALL: [(&str, &str); 2] = [("LANDFALL_MAX_OPERATIONS", "20"), ("LANDFALL_MAX_OPEN_UPLOADS", "1")];

fn fill(place: &Place, files: usize) {
    for n in 0..files {
        place.write(&format!("{}/{n:03}.md", n % 7), format!("# File {n}\n\nIts text.\n"));
    }
}

/// How many batches made the first versions of the documents.
fn batches(desk: &Desk) -> usize {
    let page = desk.ada.list("&page_size=500").expect(200);
    let ids = page.column("document_id");
    let first = ids.iter().map(|id| desk.ada.version(id.as_str().unwrap(), 1).expect(200).string("/batch_id"));
    first.collect::<BTreeSet<String>>().len()
}

/// No upload was left open: there is room for one.
fn leaves_nothing_staged(desk: &Desk) {
    let body = json!({
        "workspace_id": desk.ada.workspace_id, "upload_id": new_id(), "commit": false,
        "operations": [{ "operation": "create", "client_id": "a", "data": { "title": "A" } }],
    });
    desk.ada.post("/api/v1/documents/batch", &body).expect(200);
}

fn a_folder_arrives_whole(database: Database) {
    let desk = Desk::on_with(database, &SMALL);
    let place = desk.place();
    fill(&place, 330);
    place.run(&["sync", "--atomic"]).expect(0);
    assert_eq!((desk.documents().len(), batches(&desk)), (330, 1));
    // Nothing is left to do, here and there.
    let idle = place.run(&["sync", "--atomic"]).expect(0);
    assert!(idle.says(&["0 pushed"]), "{}", idle.stdout);
    let other = desk.place();
    other.sync();
    assert_eq!(other.files(), place.files());
    // Changes and deletions as well.
    for n in 0..40 {
        place.write(&format!("{}/{n:03}.md", n % 7), "changed\n");
    }
    place.delete("6/041.md");
    place.run(&["sync", "--atomic"]).expect(0);
    other.sync();
    assert_eq!((other.files(), desk.documents().len()), (place.files(), 329));
}

fn a_conflict_pushes_nothing(database: Database) {
    let desk = Desk::on_with(database, &SMALL);
    let (place, other) = (desk.place(), desk.place());
    place.write("plan.md", "one\n");
    place.sync();
    other.sync();
    // The server deletes what is changed here: nobody can decide that but the person.
    fill(&place, 100);
    place.write("plan.md", "changed here\n");
    other.delete("plan.md");
    other.sync();
    let ran = place.run(&["push", "--atomic"]).expect(1);
    assert!(ran.says(&["plan.md"]), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(desk.documents().len(), 0, "nothing of it is there");
    leaves_nothing_staged(&desk);
    desk.server.execute_sql("UPDATE uploads SET state = 2");
    let status = place.run(&["status"]).expect(1);
    assert!(status.says(&["100 operations pending"]), "{}", status.stdout);
    // Once that is settled, the rest goes, whole.
    place.run(&["conflicts", "--settle", "mine", "plan.md"]).expect(0);
    place.run(&["sync", "--atomic"]).expect(0);
    assert_eq!(desk.documents().len(), 101);
}

fn a_clash_that_the_pull_finds_pushes_nothing(database: Database) {
    let desk = Desk::on_with(database, &SMALL);
    let (place, other) = (desk.place(), desk.place());
    place.write("plan.md", "one\ntwo\nthree\n");
    place.sync();
    other.sync();
    // The same line, and a new file of the same name.
    other.write("plan.md", "one\ntheirs\nthree\n");
    other.write("new.md", "theirs\n");
    other.sync();
    place.write("plan.md", "one\nmine\nthree\n");
    place.write("new.md", "mine\n");
    place.write("free.md", "free\n");
    let before = desk.documents();
    // Found by this sync, and still open in the next ones.
    for arguments in [["sync", "--atomic"].as_slice(), &["push", "--atomic"], &["sync", "--atomic", "--dry-run"]] {
        let ran = place.run(arguments).expect(1);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        for words in ["--atomic pushes nothing", "landfall conflicts"] {
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(desk.documents(), before);
    }
    place.run(&["conflicts", "--settle", "mine", "plan.md"]).expect(0);
    place.run(&["sync", "--atomic"]).expect(1);
    assert_eq!(desk.documents(), before, "another is still open");
    place.run(&["conflicts", "--settle", "mine", "new.md"]).expect(0);
    place.run(&["sync", "--atomic"]).expect(0);
    other.sync();
    assert_eq!(other.files(), place.files());
    assert_eq!(other.read("free.md"), "free\n");
    assert_eq!(other.read("plan.md"), "one\nmine\nthree\n");
}

fn deletions_that_wait_push_nothing(database: Database) {
    let desk = Desk::on_with(database, &SMALL);
    let place = desk.place();
    fill(&place, 40);
    place.run(&["sync", "--atomic"]).expect(0);
    let before = desk.documents();
    for path in place.files().keys() {
        place.delete(path);
    }
    place.write("free.md", "free\n");
    let ran = place.run(&["sync", "--atomic"]).expect(4);
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("landfall keep"), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(desk.documents(), before);
    place.run(&["accept"]).expect(0);
    place.run(&["sync", "--atomic"]).expect(0);
    assert_eq!(desk.documents().len(), 1);
}

fn a_client_that_is_killed_leaves_all_or_nothing(database: Database) {
    const FILES: usize = 300;
    let desk = Desk::on_with(database, &SMALL);
    let place = desk.place();
    fill(&place, FILES);
    let started = Instant::now();
    let rehearsal = desk.place();
    fill(&rehearsal, FILES);
    rehearsal.run(&["sync", "--atomic", "--dry-run"]).expect(0);
    let takes = started.elapsed();
    for part in [3, 5, 6, 7, 8, 9] {
        let mut child = place.spawn(&["sync", "--atomic"]);
        thread::sleep(takes * part / 10);
        child.kill().unwrap();
        child.wait().unwrap();
        // What it sent last may still be on its way through the server.
        thread::sleep(Duration::from_millis(300));
        let there = desk.documents().len();
        assert!([0, FILES].contains(&there), "{there} of {FILES} after {part} tenths of {takes:?}");
    }
    place.run(&["sync", "--atomic"]).expect(0);
    assert_eq!((desk.documents().len(), batches(&desk)), (FILES, 1));
    let other = desk.place();
    other.sync();
    assert_eq!(other.files(), place.files());
    leaves_nothing_staged(&desk);
}

fn what_was_rehearsed_is_not_there(database: Database) {
    let desk = Desk::on_with(database, &SMALL);
    let place = desk.place();
    fill(&place, 50);
    let ran = place.run(&["sync", "--atomic", "--dry-run"]).expect(0);
    assert!(ran.says(&["50 would be pushed"]), "{}", ran.stdout);
    assert_eq!(desk.documents().len(), 0);
    leaves_nothing_staged(&desk);
}
