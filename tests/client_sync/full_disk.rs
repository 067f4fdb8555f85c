//! Full disks, for real: nothing is half-written, nothing is lost, the message says what to do, and once there is room
//! the next sync completes.

use std::fs;
use std::path::Path;

use super::place::{Desk, Place, Ran};
use super::small_disk::SmallDisk;
use crate::harness::{TestServer, User, create};

const DRAFTS: &str = ".landfall-draft-";

fn long_text(n: usize, word: &str) -> String {
    (0..1_000).map(|line| format!("{word} {line} of document {n}, which is a long one\n")).collect()
}

fn path(n: usize) -> String {
    format!("sub/{n:02}.md")
}

/// The message of a sync that found no room.
#[track_caller]
fn assert_says_what_to_do(ran: &Ran) {
    assert!(ran.says(&["make room", "run the command again"]), "{}\n{}", ran.stdout, ran.stderr);
}

#[test]
fn a_disk_that_gets_full_during_a_pull() {
    const DOCUMENTS: usize = 40;
    let desk = Desk::new();
    let here = desk.unconnected_with_small("sub", 2_048);
    here.run(&["init", ".", "--server", here.url()]).expect(0);
    let there = desk.place();
    for n in 0..DOCUMENTS {
        there.write(&path(n), format!("{n}\n"));
    }
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    for n in 0..DOCUMENTS {
        there.write(&path(n), long_text(n, "line"));
    }
    there.write("sub/new.md", long_text(99, "line"));
    there.sync();
    let documents = desk.documents();
    here.disk().fill(512, None);
    here.write("outside.md", "written here, where there is room\n");
    for _ in 0..2 {
        let ran = here.run(&["sync"]).expect(1);
        assert_says_what_to_do(&ran);
        let mut changed = 0;
        for n in 0..DOCUMENTS {
            let text = here.read(&path(n));
            assert!(text == format!("{n}\n") || text == long_text(n, "line"), "{} is half-written", path(n));
            changed += usize::from(text.len() > 10);
        }
        assert!(changed < DOCUMENTS, "the disk was never full");
        assert!(!here.has("sub/new.md") || here.read("sub/new.md") == long_text(99, "line"));
        let mut drafts = here.all_files().into_iter().filter(|(path, _)| path.contains(DRAFTS));
        assert!(drafts.all(|(_, text)| text.len() > 40_000), "half a draft takes room for nothing");
        let (mut now, mut then) = (desk.documents(), documents.clone());
        now.remove("outside.md");
        then.remove("outside.md");
        assert_eq!(now, then, "nothing that others wrote is undone");
    }
    // What is edited here meanwhile goes into the texts that could not be written yet.
    let last = path(DOCUMENTS - 1);
    assert_eq!(here.read(&last), format!("{}\n", DOCUMENTS - 1));
    here.disk().make_room(None);
    here.write(&last, format!("{}\nand edited while the disk was full\n", DOCUMENTS - 1));
    here.sync();
    there.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(here.files().len(), DOCUMENTS + 2);
    assert_eq!(here.read(&path(0)), long_text(0, "line"));
    let united = here.read(&last);
    assert!(united.contains("line 999 of") && united.contains("and edited while the disk was full\n"), "{united}");
    here.run(&["verify"]).expect(0);
}

/// However little room the state has, and wherever it runs out: before anything is queued, sent, or answered.
#[test]
fn a_disk_that_is_full_of_the_state() {
    let desk = Desk::new();
    let here = desk.unconnected_with_small(".landfall", 16_384);
    here.run(&["init", ".", "--server", here.url()]).expect(0);
    let there = desk.place();
    here.write("shared.md", "top\n\nend\n");
    here.sync();
    there.sync();
    let mut failures = 0;
    for (round, room_kib) in [0, 16, 48, 96, 160, 256, 400, 640, 1_024].into_iter().enumerate() {
        for n in 0..6 {
            here.write(&format!("here {round} {n}.md"), long_text(n, "here"));
            there.write(&format!("there {round} {n}.md"), long_text(n, "there"));
        }
        here.write("shared.md", format!("top, round {round}\n\nend\n"));
        there.sync();
        let files = here.files();
        here.disk().fill(room_kib, None);
        let ran = here.run(&["sync"]);
        if ran.status != 0 {
            failures += 1;
            let ran = ran.expect(1);
            assert_says_what_to_do(&ran);
        }
        for (path, bytes) in &files {
            assert!(here.files().get(path) == Some(bytes), "{path} was changed by round {round}");
        }
        here.run(&["sync"]);
        here.disk().make_room(None);
        settle(&desk, &here, &there);
    }
    assert!(failures >= 3, "the disk was never full");
    here.run(&["verify"]).expect(0);
}

fn settle(desk: &Desk, here: &Place, there: &Place) {
    here.sync();
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    let documents = desk.documents();
    assert!(documents.values().all(|texts| texts.len() == 1), "nothing is there twice");
    assert_eq!(documents.len(), here.files().len());
}

#[test]
fn a_folder_that_finds_no_room_to_begin_can_begin_later() {
    let desk = Desk::new();
    let place = desk.unconnected_with_small(".landfall", 1_024);
    place.write("a.md", "one\n");
    for room_kib in [0, 4, 16, 40, 60] {
        place.disk().fill(room_kib, None);
        let ran = place.run(&["init", ".", "--server", place.url()]).expect(1);
        assert_says_what_to_do(&ran);
        place.disk().make_room(None);
    }
    place.run(&["init", ".", "--server", place.url()]).expect(0);
    place.sync();
    assert_eq!(desk.documents()["a.md"], ["one\n"]);
}

/// Creates documents until the server finds no room, first in large steps, then in small ones.
fn fill_database(ada: &User) {
    for chars in [200_000, 1_000] {
        let filling = || ada.batch().with(create("new").title("filling").content(&"x".repeat(chars))).send();
        let refused = (0..200).map(|_| filling()).find(|answer| answer.status != 200);
        refused.expect("the disk gets full").expect_problem(503, "unavailable");
    }
}

#[test]
fn a_server_without_room_refuses_and_nothing_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let disk = SmallDisk::on(data.path(), 16_384);
    let settings = [("LANDFALL_DATA_DIR", data.path().to_str().unwrap()), ("LANDFALL_RATE_LIMIT", "off")];
    let server = TestServer::start_through(disk.around(Path::new("/")), &settings);
    let desk = Desk::of(server);
    let (here, there) = (desk.place(), desk.place());
    for n in 0..20 {
        here.write(&format!("{n}.md"), long_text(n, "line"));
    }
    here.sync();
    there.sync();
    // A login would have to be stored.
    let sync = |place: &Place, arguments: &[&str]| -> Ran {
        place.command(arguments).env("LANDFALL_TOKEN", &desk.ada.access_token).output().unwrap().into()
    };
    let filler = desk.ada.new_workspace("filling");
    let running = Some(desk.server.process_id());
    for changed in [1, 3, 20] {
        // What the background gives up meanwhile (a step of the search index) is room, too: then it is filled again.
        let word = (0..20)
            .find_map(|round| {
                let word = format!("line {changed} of round {round}");
                disk.fill(0, running);
                fill_database(&filler);
                for n in 0..changed {
                    here.write(&format!("{n}.md"), long_text(n, &word));
                }
                let ran = sync(&here, &["sync", "--retries", "1"]);
                if ran.status == 0 {
                    return None;
                }
                assert!(ran.expect(3).says(&["unavailable"]));
                let status = here.run(&["status"]).expect(1);
                status.says(&[&format!("{changed} operations pending"), "0 refused"]).then_some(word)
            })
            .expect("the disk stays full, and nothing is taken");
        assert_eq!(desk.documents().len(), 20, "what is there can still be read");
        disk.make_room(running);
        sync(&here, &["sync"]).expect(0);
        sync(&there, &["sync"]).expect(0);
        assert_eq!(here.files(), there.files());
        assert_eq!(there.read("0.md"), long_text(0, &word));
        assert_eq!(desk.documents().len(), 20);
    }
}

/// A disk of its own below the folder: what others move or delete there crosses from one to the other.
#[test]
fn a_folder_may_lie_on_two_disks() {
    let desk = Desk::new();
    let here = desk.unconnected_with_small("sub", 1_024);
    here.run(&["init", ".", "--server", here.url()]).expect(0);
    let there = desk.place();
    for path in ["out.md", "in.md", "sub/out.md", "sub/gone.md", "sub/stays.md"] {
        there.write(path, format!("text of {path}\n"));
    }
    there.sync();
    here.sync();
    fs::rename(there.path("sub/out.md"), there.path("came out.md")).unwrap();
    fs::rename(there.path("in.md"), there.path("sub/went in.md")).unwrap();
    there.delete("sub/gone.md");
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(here.files().len(), 4);
    let bin = here.path(".landfall/bin").read_dir().unwrap().map(|kept| kept.unwrap().path());
    let kept: Vec<String> = bin.map(|kept| fs::read_to_string(kept).unwrap()).collect();
    assert_eq!(kept, ["text of sub/gone.md\n"], "what was taken away can be got back");
    fs::rename(there.path("sub"), there.path("all")).unwrap();
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    here.run(&["verify"]).expect(0);
}
