//! Two folders of one workspace, edited offline.

use super::place::{Desk, Place};
use crate::harness::{Database, on_both_databases};

on_both_databases!(
    different_paragraphs_of_one_file_are_both_kept,
    the_same_paragraph_keeps_the_words_of_both,
    both_write_into_an_empty_file,
    a_file_is_moved_by_one_and_edited_by_the_other,
    both_move_a_file,
    a_change_weighs_more_than_a_deletion,
    an_edit_of_a_deleted_file_asks,
    new_files_of_the_same_name_are_both_kept,
    a_plain_document_is_edited_by_line,
    two_documents_of_one_title_have_the_same_paths_everywhere,
    a_move_of_many_files_is_no_deletion,
    what_is_revived_has_what_others_wrote_before_it_was_deleted,
);

/// Two folders that have the same files.
pub fn two_places(desk: &Desk, files: &[(&str, &str)]) -> (Place, Place) {
    let (here, there) = (desk.place(), desk.place());
    for (path, text) in files {
        here.write(path, text);
    }
    here.sync();
    there.sync();
    assert_eq!(here.files(), there.files());
    (here, there)
}

/// Syncs both until nothing moves; they must be equal then.
pub fn settle(here: &Place, there: &Place) {
    here.sync();
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    for place in [here, there] {
        let ran = place.sync();
        assert!(ran.says(&["0 pushed, 0 pulled; in sync"]), "{}", ran.stdout);
        place.run(&["verify"]).expect(0);
    }
}

fn different_paragraphs_of_one_file_are_both_kept(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = two_places(&desk, &[("notes.md", "first\n\nsecond\n\nthird\n")]);
    here.write("notes.md", "first, by me\n\nsecond\n\nthird\n");
    there.write("notes.md", "first\n\nsecond\n\nthird, by you 🎈\n\nfourth\n");
    settle(&here, &there);
    assert_eq!(here.read("notes.md"), "first, by me\n\nsecond\n\nthird, by you 🎈\n\nfourth\n");
}

fn the_same_paragraph_keeps_the_words_of_both(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = two_places(&desk, &[("notes.md", "milk\n")]);
    here.write("notes.md", "oat milk\n");
    there.write("notes.md", "milk and honey\n");
    settle(&here, &there);
    assert_eq!(here.read("notes.md"), "oat milk and honey\n");
    here.write("notes.md", "tea\n");
    there.write("notes.md", "coffee\n");
    here.sync();
    let ran = there.run(&["sync"]).expect(1);
    assert!(ran.says(&["conflict", "notes.md", "the same words"]), "{}", ran.stdout);
    assert_eq!(there.read("notes.md"), "coffee\n", "no mixture of the two");
    there.run(&["conflicts", ".", "--settle", "mine", "notes.md"]).expect(0);
    settle(&there, &here);
    assert_eq!(here.read("notes.md"), "coffee\n");
}

fn both_write_into_an_empty_file(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = two_places(&desk, &[("empty.md", "")]);
    here.write("empty.md", "mine\n");
    there.write("empty.md", "yours\n");
    settle(&here, &there);
    let text = here.read("empty.md");
    assert_eq!(text, "mine\nyours\n", "the one that was there first comes first");
}

fn a_file_is_moved_by_one_and_edited_by_the_other(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = two_places(&desk, &[("a.md", "one\n"), ("sub/deep/b.md", "two\n")]);
    std::fs::create_dir_all(here.path("new folder")).unwrap();
    std::fs::rename(here.path("a.md"), here.path("new folder/c.md")).unwrap();
    there.write("a.md", "one\nmore\n");
    settle(&here, &there);
    assert_eq!(there.read("new folder/c.md"), "one\nmore\n");
    assert!(!there.has("a.md") && !here.has("a.md"));
    assert_eq!(desk.documents().len(), 2);
}

fn both_move_a_file(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = two_places(&desk, &[("a.md", "one\n")]);
    std::fs::rename(here.path("a.md"), here.path("b.md")).unwrap();
    std::fs::rename(there.path("a.md"), there.path("c.md")).unwrap();
    settle(&here, &there);
    assert_eq!(here.files().keys().collect::<Vec<_>>(), ["c.md"], "the last one wins");
}

fn a_change_weighs_more_than_a_deletion(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = two_places(&desk, &[("a.md", "one\n"), ("b.md", "two\n")]);
    here.write("a.md", "one, changed\n");
    there.delete("a.md");
    there.delete("b.md");
    here.sync();
    let ran = there.sync();
    assert!(ran.says(&["a.md", "it is back"]), "{}", ran.stdout);
    settle(&here, &there);
    assert_eq!(here.files(), [("a.md".to_owned(), b"one, changed\n".to_vec())].into());
    assert!(here.path(".landfall/bin").read_dir().unwrap().count() == 1, "what was taken away can be got back");
}

fn an_edit_of_a_deleted_file_asks(database: Database) {
    for (side, left) in [("mine", vec!["a.md"]), ("theirs", vec![]), ("both", vec!["a (mine).md"])] {
        let desk = Desk::on(database);
        let (here, there) = two_places(&desk, &[("a.md", "one\n")]);
        here.delete("a.md");
        there.write("a.md", "one, changed\n");
        here.sync();
        let ran = there.run(&["sync"]).expect(1);
        assert!(ran.says(&["conflict", "a.md", "deleted by somebody else"]), "{}", ran.stdout);
        assert_eq!(there.read("a.md"), "one, changed\n", "nothing is lost before the choice");
        there.write("a.md", "one, changed twice\n");
        there.run(&["sync"]).expect(1);
        assert!(desk.documents().is_empty(), "nothing is pushed before the choice");
        let listed = there.run(&["conflicts", "--json"]).expect(1);
        let conflict: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
        assert_eq!((&conflict["path"], &conflict["server_deleted"]), (&"a.md".into(), &true.into()));
        there.run(&["conflicts", ".", "--settle", side, "a.md"]).expect(0);
        settle(&there, &here);
        assert_eq!(here.files().keys().collect::<Vec<_>>(), left, "{side}");
        for path in left {
            assert_eq!(here.read(path), "one, changed twice\n");
        }
    }
}

fn new_files_of_the_same_name_are_both_kept(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = two_places(&desk, &[("other.md", "x\n")]);
    here.write("todo.md", "mine\n");
    there.write("todo.md", "yours\n");
    here.sync();
    there.run(&["sync"]).expect(1);
    there.run(&["conflicts", ".", "--settle", "both", "todo.md"]).expect(0);
    settle(&there, &here);
    assert_eq!((here.read("todo.md"), here.read("todo (mine).md")), ("mine\n".into(), "yours\n".into()));
}

fn a_plain_document_is_edited_by_line(database: Database) {
    let desk = Desk::on(database);
    let id = desk.ada.new_document("plain", "one\ntwo\nthree\n");
    let (here, there) = two_places(&desk, &[]);
    assert_eq!(here.read("plain.md"), "one\ntwo\nthree\n");
    here.write("plain.md", "ONE\ntwo\nthree\n");
    there.write("plain.md", "one\ntwo\nTHREE\n");
    settle(&here, &there);
    assert_eq!(desk.ada.read(&id).string("/content"), "ONE\ntwo\nTHREE\n");
    assert_eq!(desk.ada.read(&id).string("/title"), "plain", "its title stays without an ending");
    here.write("plain.md", "ONE\nmine\nTHREE\n");
    there.write("plain.md", "ONE\nyours\nTHREE\n");
    here.sync();
    let ran = there.run(&["sync"]).expect(1);
    assert!(ran.says(&["conflict", "plain.md"]), "{}", ran.stdout);
    assert_eq!(there.read("plain.md"), "ONE\nyours\nTHREE\n");
    there.run(&["conflicts", ".", "--settle", "mine", "plain.md"]).expect(0);
    settle(&there, &here);
    assert_eq!(here.read("plain.md"), "ONE\nyours\nTHREE\n");
}

fn two_documents_of_one_title_have_the_same_paths_everywhere(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = two_places(&desk, &[]);
    here.write("todo.md", "elder\n");
    here.sync();
    there.write("todo.md", "younger\n");
    there.run(&["push"]).expect(0);
    settle(&here, &there);
    assert_eq!(here.read("todo.md"), "elder\n");
    assert_eq!(here.files().len(), 2);
    here.write("todo.md", "elder, changed\n");
    settle(&here, &there);
    assert_eq!(there.read("todo.md"), "elder, changed\n");
}

fn a_move_of_many_files_is_no_deletion(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = two_places(&desk, &[("other.md", "stays\n")]);
    for n in 0..40 {
        here.write(&format!("old/{n}.md"), format!("{n}\n"));
    }
    settle(&here, &there);
    std::fs::rename(here.path("old"), here.path("new")).unwrap();
    there.write("old/7.md", "7\nmore\n");
    there.sync();
    settle(&here, &there);
    assert_eq!(there.read("new/7.md"), "7\nmore\n");
    assert!(!there.path("old").exists());
    assert_eq!(desk.documents().len(), 41);
}

fn what_is_revived_has_what_others_wrote_before_it_was_deleted(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = two_places(&desk, &[("a.md", "top\n\nend\n")]);
    here.write("a.md", "top, by others\n\nend\n");
    here.sync();
    here.delete("a.md");
    here.sync();
    there.write("a.md", "top\n\nend, by me\n");
    there.run(&["sync"]).expect(1);
    there.run(&["conflicts", ".", "--settle", "mine", "a.md"]).expect(0);
    settle(&there, &here);
    assert_eq!(here.read("a.md"), "top, by others\n\nend, by me\n");
}
