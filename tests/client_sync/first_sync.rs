//! The first sync of a folder, or the first one after a reset: what is there already is matched, never doubled.

use super::place::Desk;
use crate::harness::{Database, on_both_databases};

on_both_databases!(
    equal_files_are_matched,
    a_reset_doubles_nothing,
    another_text_at_the_same_path_asks,
    documents_of_other_editors_become_files,
);

fn equal_files_are_matched(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    for place in [&here, &there] {
        for n in 0..30 {
            place.write(&format!("folder {n}/note.md"), format!("note {n}\n"));
        }
    }
    here.sync();
    let events = there.sync_json(0, &[]);
    assert_eq!(events.iter().filter(|event| event["event"] == "matched").count(), 30);
    assert_eq!((&events.last().unwrap()["pushed"], &events.last().unwrap()["pulled"]), (&0.into(), &30.into()));
    assert_eq!(desk.documents().len(), 30);
    there.write("folder 3/note.md", "changed\n");
    there.sync();
    here.sync();
    assert_eq!(here.read("folder 3/note.md"), "changed\n");
}

fn a_reset_doubles_nothing(database: Database) {
    let desk = Desk::on(database);
    let place = desk.place();
    for n in 0..25 {
        place.write(&format!("{n}.md"), format!("{n}\n"));
    }
    place.sync();
    let before = (place.files(), desk.documents());
    place.run(&["reset"]).expect(2);
    place.run(&["reset", "--yes"]).expect(0);
    place.sync();
    assert_eq!((place.files(), desk.documents()), before);
    place.run(&["verify"]).expect(0);
}

fn another_text_at_the_same_path_asks(database: Database) {
    for (side, expected) in [("mine", "here\n"), ("theirs", "there\n"), ("both", "there\n")] {
        let desk = Desk::on(database);
        let (here, there) = (desk.place(), desk.place());
        there.write("a.md", "there\n");
        there.sync();
        here.write("a.md", "here\n");
        here.write("b.md", "unharmed\n");
        let ran = here.run(&["sync"]).expect(1);
        assert!(ran.says(&["conflict", "a.md"]) && ran.says(&["created", "b.md"]), "{}", ran.stdout);
        assert_eq!(here.read("a.md"), "here\n", "nothing is overwritten");
        assert_eq!(desk.documents()["a.md"], ["there\n"]);
        here.run(&["conflicts"]).expect(1);
        here.run(&["conflicts", ".", "--settle", side, "a.md"]).expect(0);
        here.sync();
        there.sync();
        assert_eq!((here.read("a.md"), there.read("a.md")), (expected.into(), expected.into()));
        assert_eq!(there.has("a (mine).md"), side == "both");
        assert_eq!(here.files(), there.files());
    }
}

fn documents_of_other_editors_become_files(database: Database) {
    let desk = Desk::on(database);
    desk.ada.new_document("Groceries", "milk\n");
    desk.ada.new_document("Plans: 2027?", "sleep\n");
    desk.ada.new_document("twice.md", "one\n");
    desk.ada.new_document("twice.md", "two\n");
    desk.ada.new_document("Twice.md", "three\n");
    desk.ada.new_document("../../outside.md", "no\n");
    desk.ada.new_document(".landfall/state.db", "no\n");
    desk.ada.new_document("con.md", "yes\n");
    let place = desk.place();
    let ran = place.sync();
    for title in ["../../outside.md", ".landfall/state.db"] {
        assert!(ran.says(&["problem", title]), "{}", ran.stdout);
    }
    assert_eq!(place.read("Groceries.md"), "milk\n");
    assert_eq!(place.read("Plans_ 2027_.md"), "sleep\n");
    let mut texts: Vec<_> = place
        .files()
        .into_iter()
        .filter(|(path, _)| path.to_lowercase().starts_with("twice"))
        .map(|(_, text)| text)
        .collect();
    texts.sort();
    assert_eq!(texts, [b"one\n".to_vec(), b"three\n".to_vec(), b"two\n".to_vec()]);
    assert!(!place.path("../outside.md").exists());
    std::fs::rename(place.path("Groceries.md"), place.path("Food.md")).unwrap();
    place.sync();
    assert!(desk.documents().contains_key("Food"), "{:?}", desk.documents().keys());
    assert!(desk.documents().contains_key("Plans: 2027?"));
}
