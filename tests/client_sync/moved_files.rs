//! Files that are moved, and changed on the way, stay the documents that they were.

use std::fs;

use super::place::{Desk, Place};

/// Some paragraphs that no other `subject` has.
fn article(subject: &str) -> String {
    let line =
        |n: usize| format!("The {n}. thing that is to be said of {subject} takes some {n} words of its own.\n\n");
    (1..12).map(line).collect()
}

fn move_and_edit(place: &Place, from: &str, to: &str, edit: impl FnOnce(String) -> String) {
    let text = edit(place.read(from));
    place.write(to, text);
    place.delete(from);
}

#[test]
fn a_file_that_is_moved_and_edited_stays_its_document() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    here.write("trees.md", article("trees"));
    here.write("birds.md", article("birds"));
    here.write("short.md", "a few words\n");
    here.sync();
    there.sync();
    let documents = |deleted: &str| desk.ada.list(&format!("&include_deleted={deleted}"));
    let ids = documents("false").column("document_id");
    move_and_edit(&here, "trees.md", "garden/old trees.md", |text| text.replace("The 3. thing", "The best thing"));
    move_and_edit(&here, "short.md", "moved.md", |text| text + "and some more\n");
    // Meanwhile somebody else writes into the file where it was.
    there.write("trees.md", there.read("trees.md") + "The end.\n");
    there.sync();
    let status = here.run(&["status"]).expect(1);
    assert!(status.says(&["moved trees.md -> garden/old trees.md"]), "{}", status.stdout);
    let rehearsal = here.run(&["sync", "--dry-run"]).expect(0);
    assert!(rehearsal.says(&["trees.md", "garden/old trees.md"]), "{}", rehearsal.stdout);
    here.sync();
    there.sync();
    let expected = article("trees").replace("The 3. thing", "The best thing") + "The end.\n";
    assert_eq!(there.read("garden/old trees.md"), expected);
    assert_eq!(here.files(), there.files());
    assert!(!there.has("trees.md"));
    let now = documents("false").column("document_id");
    assert_eq!(ids.iter().filter(|id| now.contains(id)).count(), 2, "the two long ones are what they were");
    assert_eq!(now.len(), 3);
    assert!(there.has("moved.md") && !there.has("short.md"), "a short one is another document");
    here.run(&["verify"]).expect(0);
}

#[test]
fn a_folder_of_edited_files_is_moved_without_a_word() {
    const FILES: usize = 40;
    let desk = Desk::new();
    let place = desk.place();
    for n in 0..FILES {
        place.write(&format!("old/{n}.md"), article(&format!("subject {n}")));
    }
    place.sync();
    let ids = desk.ada.list("&page_size=500").column("document_id");
    fs::rename(place.path("old"), place.path("new")).unwrap();
    for n in 0..FILES {
        let path = format!("new/{n}.md");
        place.write(&path, place.read(&path) + "One more line.\n");
    }
    place.sync();
    let now = desk.ada.list("&page_size=500").column("document_id");
    assert_eq!(now.len(), FILES);
    assert!(ids.iter().all(|id| now.contains(id)), "none was deleted and made anew");
    for (title, texts) in desk.documents() {
        let n = title.trim_start_matches("new/").trim_end_matches(".md");
        assert_eq!(texts, [article(&format!("subject {n}")) + "One more line.\n"], "{title}");
    }
}

#[test]
fn a_plain_document_is_moved_and_edited() {
    let desk = Desk::new();
    let id = desk.ada.new_document("plain", &article("stones"));
    let place = desk.place();
    place.sync();
    move_and_edit(&place, "plain.md", "simple.md", |text| text + "The end.\n");
    place.sync();
    let read = desk.ada.read(&id);
    assert_eq!((read.string("/title"), read.string("/content")), ("simple".into(), article("stones") + "The end.\n"));
}

#[test]
fn a_moved_and_edited_file_that_others_deleted_asks() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    here.write("trees.md", article("trees"));
    here.sync();
    there.sync();
    there.delete("trees.md");
    there.sync();
    move_and_edit(&here, "trees.md", "woods.md", |text| text + "The end.\n");
    let ran = here.run(&["sync"]).expect(1);
    assert!(ran.says(&["conflict", "woods.md", "deleted by somebody else"]), "{}", ran.stdout);
    here.run(&["conflicts", ".", "--settle", "mine", "woods.md"]).expect(0);
    here.sync();
    there.sync();
    assert_eq!(there.read("woods.md"), article("trees") + "The end.\n");
    assert_eq!(here.files(), there.files());
}
