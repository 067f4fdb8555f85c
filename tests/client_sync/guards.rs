//! What must not happen by accident: deleting much, undoing what others did, touching anything in a rehearsal.

use std::fs;

use super::place::Desk;
use crate::harness::{Database, on_both_databases};

on_both_databases!(
    a_rehearsal_changes_not_a_byte_on_either_side,
    many_deletions_here_need_a_word,
    many_deletions_there_need_a_word,
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
