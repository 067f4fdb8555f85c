//! What must not happen by accident: deleting much, undoing what others did, touching anything in a rehearsal.

use std::fs;

use super::place::{Desk, Place};
use crate::harness::{Database, on_both_databases};

on_both_databases!(
    a_rehearsal_changes_not_a_byte_on_either_side,
    many_deletions_here_need_a_word,
    many_deletions_there_need_a_word,
    only_the_deletions_wait,
    emptied_files_need_a_word,
    what_is_ignored_is_not_deleted,
    what_a_restored_server_lacks_is_kept,
    an_old_state_does_not_undo_what_others_did,
    a_file_with_the_servers_text_is_not_an_edit,
);

fn a_rehearsal_changes_not_a_byte_on_either_side(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    for path in ["a.md", "b.md", "c.md", "d.md"] {
        here.write(path, format!("text of {path}\n"));
    }
    here.sync();
    there.sync();
    here.write("a.md", "changed by others\n");
    here.write("new there.md", "new\n");
    here.delete("d.md");
    here.sync();
    there.write("b.md", "changed here\n");
    there.write("new here.md", "new\n");
    there.delete("c.md");
    let before = (there.all_files(), desk.documents(), desk.ada.list("&include_deleted=true").body);
    for command in ["sync", "push", "pull"] {
        let ran = there.run(&[command, "--dry-run"]).expect(0);
        if command != "pull" {
            assert!(ran.says(&["created", "new here.md"]) && ran.says(&["deleted", "c.md"]), "{}", ran.stdout);
        }
        if command != "push" {
            assert!(ran.says(&["written", "new there.md"]) && ran.says(&["removed", "d.md"]), "{}", ran.stdout);
        }
        assert_eq!((there.all_files(), desk.documents(), desk.ada.list("&include_deleted=true").body), before);
    }
    there.run(&["status"]).expect(1);
    there.run(&["verify"]).expect(1);
    assert_eq!(there.all_files(), before.0);
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
}

fn many_deletions_here_need_a_word(database: Database) {
    let desk = Desk::on(database);
    let place = desk.place();
    for n in 0..60 {
        place.write(&format!("{n}.md"), format!("{n}\n"));
    }
    place.sync();
    for n in 0..21 {
        place.delete(&format!("{n}.md"));
    }
    let ran = place.run(&["sync"]).expect(4);
    assert!(ran.says(&["--allow-mass-delete"]), "{}", ran.stderr);
    assert_eq!(desk.documents().len(), 60);
    place.run(&["sync", "--allow-mass-delete"]).expect(0);
    assert_eq!(desk.documents().len(), 39);
    for n in 21..41 {
        place.delete(&format!("{n}.md"));
    }
    place.sync();
    assert_eq!(desk.documents().len(), 19, "twenty need no word");
}

fn many_deletions_there_need_a_word(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    for n in 0..30 {
        here.write(&format!("{n}.md"), format!("{n}\n"));
    }
    here.sync();
    there.sync();
    for n in 0..25 {
        here.delete(&format!("{n}.md"));
    }
    here.run(&["sync", "--allow-mass-delete"]).expect(0);
    there.run(&["sync"]).expect(4);
    there.run(&["sync"]).expect(4);
    assert_eq!(there.files().len(), 30);
    there.run(&["sync", "--allow-mass-delete"]).expect(0);
    assert_eq!(there.files(), here.files());
}

/// The state of an earlier day, put back while the files are of today: following it would undo what others did.
fn an_old_state_does_not_undo_what_others_did(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    for n in 0..10 {
        here.write(&format!("{n}.md"), format!("{n}\n"));
    }
    here.sync();
    there.sync();
    let old_state = fs::read(there.path(".landfall/state.db")).unwrap();
    for n in 0..5 {
        here.write(&format!("{n}.md"), format!("{n}, changed\n"));
    }
    here.write("new.md", "new\n");
    here.delete("9.md");
    here.sync();
    there.sync();
    there.write("7.md", "changed there\n");
    there.sync();
    here.sync();
    fs::write(there.path(".landfall/state.db"), old_state).unwrap();
    let before = desk.documents();
    let ran = there.sync();
    assert!(ran.says(&["older than the folder"]), "{}", ran.stderr);
    assert_eq!(desk.documents(), before);
    assert_eq!(there.files(), here.files());
}

fn a_file_with_the_servers_text_is_not_an_edit(database: Database) {
    // As after a copy of the folder without its state.
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    here.write("a.md", "one\n");
    here.sync();
    there.sync();
    here.write("a.md", "one\ntwo\n");
    there.write("a.md", "one\ntwo\n");
    here.sync();
    there.sync();
    here.sync();
    assert_eq!((here.read("a.md"), there.read("a.md")), ("one\ntwo\n".into(), "one\ntwo\n".into()));
}

/// Two folders with sixty files.
fn sixty_files(desk: &Desk) -> (Place, Place) {
    let (here, there) = (desk.place(), desk.place());
    for n in 0..60 {
        here.write(&format!("{n:02}.md"), format!("{n}\n"));
    }
    here.sync();
    there.sync();
    (here, there)
}

/// A colleague deletes 50 documents; both go on writing.
fn only_the_deletions_wait(database: Database) {
    for word in ["keep", "accept"] {
        let desk = Desk::on(database);
        let (here, there) = sixty_files(&desk);
        for n in 0..50 {
            here.delete(&format!("{n:02}.md"));
        }
        here.write("55.md", "55, changed there\n");
        let ran = here.run(&["sync"]).expect(4);
        assert!(ran.says(&["50 of 60", "landfall accept", "landfall keep"]), "{}", ran.stdout);
        assert_eq!(desk.documents()["55.md"], ["55, changed there\n"], "everything else is pushed");
        here.run(&["accept"]).expect(0);
        here.sync();
        assert_eq!(desk.documents().len(), 10);
        there.write("57.md", "57, changed here\n");
        there.write("new.md", "new\n");
        let ran = there.run(&["sync"]).expect(4);
        assert!(ran.says(&["50 of 60", "landfall accept", "landfall keep"]), "{}", ran.stdout);
        assert_eq!(there.read("55.md"), "55, changed there\n");
        assert_eq!(desk.documents()["57.md"], ["57, changed here\n"]);
        assert!(desk.documents().contains_key("new.md") && there.files().len() == 61);
        let events = there.sync_json(4, &[]);
        assert_eq!(events.last().unwrap()["guarded"], 50);
        there.run(&[word]).expect(0);
        there.sync();
        here.sync();
        let left = if word == "keep" { 61 } else { 11 };
        assert_eq!((desk.documents().len(), here.files().len()), (left, left), "{word}");
        assert_eq!(here.files(), there.files());
        assert!(there.sync().says(&["0 pushed, 0 pulled; in sync"]));
        assert!(there.run(&["keep"]).expect(0).says(&["no deletions are waiting"]));
    }
}

/// As after a power cut, or on a failing disk.
fn emptied_files_need_a_word(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = sixty_files(&desk);
    let before = desk.documents();
    for n in 0..60 {
        here.write(&format!("{n:02}.md"), "");
    }
    let ran = here.run(&["sync"]).expect(4);
    assert!(ran.says(&["60 of 60", "empty"]), "{}", ran.stdout);
    assert_eq!(desk.documents(), before);
    here.run(&["keep"]).expect(0);
    here.sync();
    assert_eq!(here.files(), there.files());
    here.write("00.md", "");
    here.sync();
    assert_eq!(desk.documents()["00.md"], [""], "a few may be empty");
}

fn what_is_ignored_is_not_deleted(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = sixty_files(&desk);
    here.write(".landfallignore", "00.md\n01.md\n02.md\n");
    here.write("00.md", "private now\n");
    here.delete("01.md");
    there.write("02.md", "2, changed there\n");
    there.delete("00.md");
    there.sync();
    here.sync();
    assert_eq!((here.read("00.md"), here.read("02.md")), ("private now\n".into(), "2\n".into()));
    assert!(!here.has("01.md") && desk.documents().contains_key("01.md"));
    desk.ada.new_document("sub/02.md", "ignored, too\n");
    here.write(".landfallignore", "00.md\n01.md\nsub/\n");
    here.sync();
    assert_eq!(here.read("02.md"), "2, changed there\n", "what is ignored no more is synced again");
    assert!(!here.path("sub").exists());
    here.run(&["status"]).expect(0);
    // A cloud drive has taken files away, and left placeholders.
    there.delete("10.md");
    there.write(".10.md.icloud", "placeholder");
    there.delete("11.md");
    there.write(".11.md", "placeholder");
    there.sync();
    assert!(desk.documents().contains_key("10.md") && desk.documents().contains_key("11.md"));
}

fn what_a_restored_server_lacks_is_kept(database: Database) {
    if database == Database::Postgres {
        // The protocol's side of it is tested on both.
        return;
    }
    let mut desk = Desk::restartable();
    let place = desk.place();
    place.write("old.md", "old\n");
    place.write("both.md", "first\n");
    place.sync();
    let data = desk.server.data_directory().to_owned();
    let backup = tempfile::tempdir().unwrap();
    let file = backup.path().join("backup").display().to_string();
    let admin = |arguments: &[&str]| {
        let settings = [("LANDFALL_DATA_DIR", data.to_str().unwrap())];
        let (status, _, complaint) = crate::harness::server::run_program(&[&["admin"], arguments].concat(), &settings);
        assert!(status.success(), "{complaint}");
    };
    admin(&["backup", &file]);
    for n in 0..5 {
        place.write(&format!("{n}.md"), format!("{n}\n"));
    }
    place.write("both.md", "first\nsecond\n");
    place.sync();
    assert!(desk.server.stop().success());
    admin(&["restore", &file]);
    desk.server.restart();
    place.write("1.md", "1, edited\n");
    let ran = place.run(&["sync"]).expect(4);
    assert!(ran.says(&["6 documents no more", "landfall keep", "sends them again"]), "{}", ran.stdout);
    assert_eq!(place.files().len(), 7, "nothing is taken for deleted");
    place.run(&["sync"]).expect(4);
    place.run(&["keep"]).expect(0);
    place.sync();
    let documents = desk.documents();
    assert_eq!((documents.len(), &documents["1.md"][0][..]), (7, "1, edited\n"));
    assert_eq!(documents["both.md"], ["first\nsecond\n"]);
    assert_eq!(place.files().len(), 7);
    let other = desk.place();
    other.sync();
    assert_eq!(other.files(), place.files());
    place.run(&["verify"]).expect(0);
}
