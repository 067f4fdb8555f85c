//! Backups that are put back: the sync state without its files, the whole folder, the files without the state. Nothing
//! that others did may be deleted, undone or doubled.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::place::{Desk, Place};

/// A copy of a folder, or of a part of it, with times and modes.
struct Backup(TempDir);

impl Backup {
    fn of(place: &Place) -> Self {
        let copy = TempDir::new().unwrap();
        cp(&place.path("."), copy.path());
        Self(copy)
    }

    /// Takes away what is there and puts the copy of it back.
    fn put_back(&self, place: &Place, part: &str) {
        let target = place.path(part);
        for entry in fs::read_dir(&target).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
        }
        cp(&self.0.path().join(part), &target);
    }

    /// Copies over what is there, as a careless person might.
    fn copy_over(&self, place: &Place, part: &str) {
        cp(&self.0.path().join(part), &place.path(part));
    }
}

fn cp(from: &std::path::Path, to: &std::path::Path) {
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(copied.success());
}

/// Two folders; a backup of the second, of a day after which others and it have done something of every kind.
fn after_a_backup(desk: &Desk) -> (Place, Place, Backup) {
    let (here, there) = (desk.place(), desk.place());
    for name in ["edited", "edited twice", "moved", "deleted", "edited there", "untouched"] {
        here.write(&format!("{name}.md"), format!("{name}\n\nfirst\n"));
    }
    here.sync();
    there.sync();
    let backup = Backup::of(&there);
    here.write("edited.md", "edited\n\nfirst\n\nsecond\n");
    here.write("edited twice.md", "edited twice\n\nfirst\n\nsecond\n");
    fs::rename(here.path("moved.md"), here.path("moved away.md")).unwrap();
    here.delete("deleted.md");
    here.write("new.md", "new\n");
    here.sync();
    there.sync();
    there.write("edited there.md", "edited there\n\nfirst\n\nsecond\n");
    there.sync();
    // The last change is pulled by nobody else yet: in the second folder lies the version before.
    here.write("edited twice.md", "edited twice\n\nfirst\n\nsecond\n\nthird\n");
    here.write("new.md", "new, and changed\n");
    here.sync();
    (here, there, backup)
}

fn assert_nothing_undone(desk: &Desk, here: &Place, there: &Place, before: &impl PartialEq<Documents>) {
    let ran = there.run(&["sync"]).expect(0);
    assert!(ran.says(&["may be older than the folder"]), "{}", ran.stderr);
    assert!(
        *before == desk.documents(),
        "what others did was undone or doubled: {:?}\n{}",
        desk.documents(),
        ran.stdout
    );
    here.sync();
    assert_eq!(here.files(), there.files());
    let ran = there.sync();
    assert!(!ran.says(&["older"]) && ran.says(&["0 pushed, 0 pulled; in sync"]), "{}{}", ran.stdout, ran.stderr);
    there.run(&["verify"]).expect(0);
    // And it goes on as before.
    there.write("edited.md", there.read("edited.md") + "\nthird\n");
    there.sync();
    here.sync();
    assert_eq!(here.read("edited.md"), "edited\n\nfirst\n\nsecond\n\nthird\n");
}

type Documents = std::collections::BTreeMap<String, Vec<String>>;

#[test]
fn the_state_alone_is_put_back() {
    let desk = Desk::new();
    let (here, there, backup) = after_a_backup(&desk);
    let before = desk.documents();
    backup.put_back(&there, ".landfall");
    assert_nothing_undone(&desk, &here, &there, &before);
}

#[test]
fn the_state_is_copied_over_the_newer_one() {
    let desk = Desk::new();
    let (here, there, backup) = after_a_backup(&desk);
    let before = desk.documents();
    backup.copy_over(&there, ".landfall");
    assert_nothing_undone(&desk, &here, &there, &before);
}

#[test]
fn the_whole_folder_is_put_back() {
    let desk = Desk::new();
    let (here, there, backup) = after_a_backup(&desk);
    let before = desk.documents();
    backup.put_back(&there, ".");
    assert_nothing_undone(&desk, &here, &there, &before);
}

#[test]
fn the_state_is_put_back_without_any_file() {
    let desk = Desk::new();
    let (here, there, backup) = after_a_backup(&desk);
    let before = desk.documents();
    backup.put_back(&there, ".landfall");
    for path in there.files().into_keys() {
        there.delete(&path);
    }
    assert_nothing_undone(&desk, &here, &there, &before);
}

#[test]
fn a_rehearsal_on_an_old_state_foretells_what_the_sync_does() {
    let desk = Desk::new();
    let (here, there, backup) = after_a_backup(&desk);
    let documents = desk.documents();
    backup.put_back(&there, ".landfall");
    there.delete("untouched.md");
    there.write("mine.md", "mine\n");
    let before = there.all_files();
    let rehearsed = there.run(&["sync", "--dry-run"]).expect(0);
    assert!(rehearsed.says(&["may be older than the folder"]), "{}", rehearsed.stderr);
    assert_eq!((there.all_files(), desk.documents()), (before, documents));
    let told = |stdout: &str| -> Vec<String> {
        // All but the summary, which says what would be.
        let lines = stdout.lines().filter(|line| !line.contains(" pushed, "));
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let ran = there.sync();
    assert_eq!(told(&rehearsed.stdout), told(&ran.stdout));
    assert!(ran.says(&["created", "mine.md"]) && !ran.says(&["deleted"]), "{}", ran.stdout);
    here.sync();
    assert_eq!(here.files(), there.files());
}

#[test]
fn what_was_never_pushed_is_kept_through_a_backup() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    here.write("a.md", "one\n");
    here.write("b.md", "one\n");
    here.sync();
    there.sync();
    there.write("a.md", "one\n\nmine, never pushed\n");
    there.write("b.md", "one\n\nmine, never pushed\n");
    there.write("c.md", "mine, never pushed\n");
    let backup = Backup::of(&there);
    here.write("a.md", "one, by others\n");
    here.sync();
    backup.put_back(&there, ".");
    let ran = there.run(&["sync"]).expect(1);
    assert!(ran.says(&["conflict", "a.md", "no version has"]), "{}", ran.stdout);
    assert_eq!(there.read("a.md"), "one\n\nmine, never pushed\n", "nobody knows what it was made of: it asks");
    assert_eq!(desk.documents()["a.md"], ["one, by others\n"]);
    assert_eq!(desk.documents()["b.md"], ["one\n\nmine, never pushed\n"]);
    assert_eq!(desk.documents()["c.md"], ["mine, never pushed\n"]);
    there.run(&["conflicts", ".", "--settle", "both", "a.md"]).expect(0);
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(here.read("a (mine).md"), "one\n\nmine, never pushed\n");
}

/// What a person puts back is a person's edit: the state knows what was there last.
#[test]
fn old_files_under_a_current_state_are_edits() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    here.write("a.md", "one\n");
    here.sync();
    there.sync();
    let backup = Backup::of(&there);
    here.write("a.md", "one\ntwo\n");
    here.write("b.md", "new\n");
    here.sync();
    there.sync();
    fs::copy(backup.0.path().join("a.md"), there.path("a.md")).unwrap();
    there.sync();
    here.sync();
    assert_eq!((here.read("a.md"), here.read("b.md")), ("one\n".into(), "new\n".into()));
    let id = desk.ada.list("").column("document_id").into_iter().next().unwrap();
    assert_eq!(desk.ada.read(id.as_str().unwrap()).body["version"], 3, "the version between is in the history");
}
