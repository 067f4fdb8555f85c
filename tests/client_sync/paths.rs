//! Paths are the same in every folder, whatever happened in whatever order; moved files stay the documents that they were.

use std::fs;

use super::place::{Desk, Place};
use super::two_people::{settle, two_places};
use crate::harness::operation::{delete, update};
use crate::harness::{Database, on_both_databases};

on_both_databases!(paths_follow_titles_alone, names_are_written_in_many_ways, a_file_takes_the_name_of_another);

fn rename(place: &Place, from: &str, to: &str) {
    let to = place.path(to);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(place.path(from), to).unwrap();
}

/// Of two documents with one title, and of two others, one is renamed, deleted, or changes titles; in one folder all that is
/// seen step by step, in the other at once, and a third comes later.
fn paths_follow_titles_alone(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    let eldest = desk.ada.new_document("todo.md", "eldest\n");
    desk.ada.new_document("todo.md", "younger\n");
    let one = desk.ada.new_document("one.md", "one\n");
    let two = desk.ada.new_document("two.md", "two\n");
    let step = |n: &str| {
        here.sync();
        if n == "last" {
            there.sync();
        }
    };
    step("first");
    assert_eq!(here.read("todo.md"), "eldest\n");
    desk.ada.send(update("a", &eldest).data("title", "done.md").field("base_version", 1));
    step("the eldest is renamed");
    assert_eq!(here.read("todo.md"), "younger\n");
    desk.ada.send(update("b", &one).data("title", "two.md").field("base_version", 1));
    step("two of one title");
    desk.ada.send(update("c", &two).data("title", "one.md").field("base_version", 1));
    step("titles swapped");
    assert_eq!((here.read("one.md"), here.read("two.md")), ("two\n".into(), "one\n".into()));
    desk.ada.send(update("d", &eldest).data("title", "todo.md").field("base_version", 2));
    step("the eldest is back");
    assert_eq!(here.read("todo.md"), "eldest\n");
    here.write("todo.md", "eldest, changed\n");
    desk.ada.new_document("todo.md", "youngest\n");
    step("another one");
    desk.ada.send(delete("e", &eldest).field("force", true));
    step("last");
    here.sync();
    let third = desk.place();
    third.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(here.files(), third.files());
    assert_eq!(here.read("todo.md"), "younger\n");
    assert!(here.sync().says(&["0 pushed, 0 pulled; in sync"]));
}

fn names_are_written_in_many_ways(database: Database) {
    let desk = Desk::on(database);
    let long = format!("{}.md", "x".repeat(245));
    let (here, there) = two_places(&desk, &[("In/a.md", "a\n"), ("Caf\u{e9}.md", "composed\n"), ("A1.md", "file\n")]);
    // A folder is renamed in case here, and gets a new file there; a name comes decomposed.
    fs::rename(here.path("In"), here.path("in")).unwrap();
    there.write("In/new.md", "new\n");
    there.write("in two/b.md", "b\n");
    here.write(&long, "long\n");
    desk.ada.new_document(&"語".repeat(85), "85 characters\n");
    desk.ada.new_document("A1.md/x.md", "below\n");
    desk.ada.new_document("cafe\u{301}.md", "decomposed\n");
    here.sync();
    there.sync();
    settle(&here, &there);
    assert_eq!((here.read("in/a.md"), here.read("in/new.md")), ("a\n".into(), "new\n".into()));
    assert!(!there.path("In").exists() && desk.documents().contains_key("In/new.md"), "titles stay as they are");
    assert_eq!((here.read("A1.md/x.md"), here.read("Caf\u{e9}.md")), ("below\n".into(), "composed\n".into()));
    assert!(here.files().keys().all(|path| path.split('/').all(|part| part.len() <= 240)), "{:?}", here.files());
    assert_eq!(here.files().len(), 9, "{:?}", here.files().keys());
    // After a reset nothing is doubled.
    here.run(&["reset", "--yes"]).expect(0);
    settle(&here, &there);
    assert_eq!(desk.documents().values().flatten().count(), 9);
    // The name of an untracked file differs from the document's only in how it is written.
    let third = desk.place();
    third.write("cafE\u{301} new.md", "new\n");
    desk.ada.new_document("Café new.md", "new\n");
    third.sync();
    assert!(third.has("Café new.md") && third.files().len() == 10, "{:?}", third.files().keys());
}

fn a_file_takes_the_name_of_another(database: Database) {
    let desk = Desk::on(database);
    let (here, there) =
        two_places(&desk, &[("p.md", "p's words\n"), ("q.md", "q's words\n"), ("s.md", "s\n"), ("t.md", "t\n")]);
    // `rm q; mv p q` while the other edits q, and a swap while the other edits one of the two.
    here.delete("q.md");
    rename(&here, "p.md", "q.md");
    rename(&here, "s.md", "x.md");
    rename(&here, "t.md", "s.md");
    rename(&here, "x.md", "t.md");
    there.write("q.md", "q's words\nand B's\n");
    there.write("s.md", "s\nand B's\n");
    there.sync();
    let ran = here.sync();
    assert!(ran.says(&["it was deleted here and changed by somebody else"]), "{}", ran.stdout);
    settle(&here, &there);
    assert_eq!((here.read("t.md"), here.read("s.md")), ("s\nand B's\n".into(), "t\n".into()));
    let mut texts: Vec<String> = desk.documents().into_values().flatten().collect();
    texts.sort();
    assert_eq!(texts, ["p's words\n", "q's words\nand B's\n", "s\nand B's\n", "t\n"], "nothing is lost or mixed");
    // Without an edit there, the one that was removed is gone for good.
    let gone = here.files().into_iter().find(|(_, text)| text == b"q's words\nand B's\n").unwrap().0;
    here.delete(&gone);
    rename(&here, "t.md", &gone);
    here.sync();
    settle(&here, &there);
    assert_eq!(desk.documents().values().flatten().count(), 3);
    assert_eq!(here.read(&gone), "s\nand B's\n");
}
