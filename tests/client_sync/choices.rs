//! A person's choice in a conflict: one text made of both sides, and what is refused.

use super::place::{Desk, Place};

/// A folder whose `plan.md` was written here and by somebody else, with nothing that both began with.
fn place_in_conflict(desk: &Desk) -> (Place, Place) {
    let (here, there) = (desk.place(), desk.place());
    there.write("plan.md", "# Plan\n\nPaint the door red.\n\nBuy bread.\n");
    there.sync();
    here.write("plan.md", "# Plan\n\nPaint the door green.\n\nBuy bread.\n\nSleep.\n");
    let ran = here.run(&["sync"]).expect(1);
    assert!(ran.says(&["conflict", "plan.md"]), "{}", ran.stdout);
    (here, there)
}

const MERGED: &str = "# Plan\n\nPaint the door brown.\n\nBuy bread.\n\nSleep.\n";

fn assert_in_sync(desk: &Desk, here: &Place, there: &Place, text: &str) {
    here.sync();
    there.sync();
    assert_eq!((here.read("plan.md"), there.read("plan.md")), (text.to_owned(), text.to_owned()));
    assert_eq!(here.files(), there.files());
    assert_eq!(desk.documents().len(), 1);
    here.run(&["verify"]).expect(0);
    here.run(&["conflicts"]).expect(0);
}

#[test]
fn both_sides_are_shown_and_merged_in_a_file_beside() {
    let desk = Desk::new();
    let (here, there) = place_in_conflict(&desk);
    let files = here.all_files();
    let shown = here.run(&["conflicts", ".", "--show", "plan.md"]).expect(1).stdout;
    let expected = "# Plan\n\n<<<<<<< mine\nPaint the door green.\n=======\nPaint the door red.\n>>>>>>> theirs\n\n\
                    Buy bread.\n\nSleep.\n";
    assert_eq!(shown, expected);
    assert_eq!(here.all_files(), files, "a look changes nothing");
    let merged = desk.unconnected();
    merged.write("merged.md", &shown);
    let with = merged.path("merged.md").display().to_string();
    let settle = ["conflicts", ".", "--settle", "merged", "--with", &with, "plan.md"];
    let ran = here.run(&settle).expect(2);
    assert!(ran.says(&["line 3", "conflict marker"]), "{}", ran.stderr);
    assert_eq!(here.files(), [("plan.md".to_owned(), files["plan.md"].clone())].into(), "refused: nothing is done");
    merged.write("merged.md", MERGED);
    here.run(&settle).expect(0);
    assert_eq!(here.read("plan.md"), MERGED);
    let kept = here.all_files().into_iter().find(|(path, _)| path.starts_with(".landfall/bin/"));
    assert_eq!(kept.map(|(_, text)| text), Some(files["plan.md"].clone()), "what was here can be got back");
    assert_in_sync(&desk, &here, &there, MERGED);
}

#[test]
fn the_file_itself_is_merged_in_place() {
    let desk = Desk::new();
    let (here, there) = place_in_conflict(&desk);
    let settle = ["conflicts", ".", "--settle", "merged", "plan.md"];
    let ran = here.run(&settle).expect(2);
    assert!(ran.says(&["as it was when the conflict was found", "--show plan.md", "--with"]), "{}", ran.stderr);
    here.write("plan.md", here.run(&["conflicts", ".", "--show", "plan.md"]).expect(1).stdout);
    assert!(here.run(&settle).expect(2).says(&["conflict marker"]));
    here.run(&["sync"]).expect(1);
    assert!(!desk.documents()["plan.md"][0].contains("<<<<"), "markers are never pushed");
    here.write("plan.md", MERGED);
    here.run(&settle).expect(0);
    assert_in_sync(&desk, &here, &there, MERGED);
}

#[test]
fn lines_of_a_plain_document_are_merged_with_what_both_began_with() {
    let desk = Desk::new();
    let id = desk.ada.new_document("plan.md", "one\ntwo\nthree\nfour\n");
    let (here, there) = (desk.place(), desk.place());
    here.sync();
    there.sync();
    here.write("plan.md", "one\nTWO by me\nthree\nfour\n");
    there.write("plan.md", "one\nTWO by you\nthree\n");
    there.sync();
    here.run(&["sync"]).expect(1);
    let shown = here.run(&["conflicts", ".", "--show", "plan.md"]).expect(1).stdout;
    assert_eq!(shown, "one\n<<<<<<< mine\nTWO by me\n=======\nTWO by you\n>>>>>>> theirs\nthree\n", "four is gone");
    // Somebody goes on writing before the choice: it is told, and the choice is about what there is then.
    there.write("plan.md", "zero\none\nTWO by you\nthree\n");
    there.sync();
    here.run(&["sync"]).expect(1);
    assert!(here.run(&["conflicts", ".", "--show", "plan.md"]).expect(1).stdout.starts_with("zero\none\n"));
    here.write("plan.md", "zero\none\nTWO by both\nthree\n");
    here.run(&["conflicts", ".", "--settle", "merged", "plan.md"]).expect(0);
    assert_in_sync(&desk, &here, &there, "zero\none\nTWO by both\nthree\n");
    assert_eq!(desk.ada.read(&id).string("/content"), "zero\none\nTWO by both\nthree\n");
}

#[test]
fn a_merged_text_revives_what_others_deleted() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    here.write("plan.md", "one\n");
    here.sync();
    there.sync();
    there.delete("plan.md");
    there.sync();
    here.write("plan.md", "one, changed\n");
    here.run(&["sync"]).expect(1);
    let ran = here.run(&["conflicts", ".", "--show", "plan.md"]).expect(2);
    assert!(ran.says(&["deleted on the server"]), "{}", ran.stderr);
    here.write("plan.md", "one, changed again\n");
    here.run(&["conflicts", ".", "--settle", "merged", "plan.md"]).expect(0);
    assert_in_sync(&desk, &here, &there, "one, changed again\n");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let desk = Desk::new();
    let (here, _) = place_in_conflict(&desk);
    here.write("x.md", "x\n");
    for arguments in [
        &["--settle", "mine", "--with", "x.md", "plan.md"][..],
        &["--settle", "merged", "--with", "nowhere.md", "plan.md"],
        &["--settle", "merged", "--with", "x.md", "plan.md", "other.md"],
        &["--settle", "merged"],
        &["--settle", "merged", "x.md"],
        &["--show"],
        &["--show", "x.md"],
        &["--show", "--settle", "mine", "plan.md"],
        &["x.md"],
    ] {
        here.run(&[&["conflicts", "."], arguments].concat()).expect(2);
    }
    here.run(&["conflicts"]).expect(1);
}

#[test]
fn a_moved_file_keeps_its_place_through_a_choice() {
    let lines = |second: &str| format!("A first line that stays.\n{second}\n{}", "And a long rest of it. ".repeat(9));
    for (side, text) in [("mine", lines("two, by me")), ("theirs", lines("two, by you"))] {
        let desk = Desk::new();
        desk.ada.new_document("plan.md", &lines("two"));
        let (here, there) = (desk.place(), desk.place());
        here.sync();
        there.sync();
        here.delete("plan.md");
        here.write("moved.md", lines("two, by me"));
        there.write("plan.md", lines("two, by you"));
        there.sync();
        let ran = here.run(&["sync"]).expect(1);
        assert!(ran.says(&["conflict", "moved.md"]), "{}", ran.stdout);
        here.run(&["conflicts", ".", "--settle", side, "moved.md"]).expect(0);
        here.sync();
        there.sync();
        let files = here.files();
        assert_eq!(files, there.files());
        let path = if side == "mine" { "moved.md" } else { "plan.md" };
        assert_eq!(files, [(path.to_owned(), text.into_bytes())].into(), "{side}");
    }
}
