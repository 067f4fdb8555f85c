//! Folders that resist: names at the limit, places that may not be written, links in the place of folders, lists of what
//! to ignore that nobody can read, files that change without looking so. Each costs itself alone, and nothing leaks out,
//! is taken for deleted, or goes unnoticed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use landfall::client::state::State;
use landfall::client::state::files::Body;
use landfall::client::state::pending::PendingWrite;

use super::place::{Desk, Place, Ran};
use super::unreadable::bound_by_permissions;
use crate::harness::delete;

/// Syncs as one who may not write to `folder`, be it that the tests run as root.
fn sync_without_writing_to(place: &Place, folder: &str) -> Ran {
    fs::set_permissions(place.path(folder), fs::Permissions::from_mode(0o555)).unwrap();
    let probe = place.path(folder).join("probe");
    let is_bound = fs::write(&probe, "").is_err();
    let plain = place.command(&["sync"]);
    let ran = if is_bound {
        place.run(&["sync"])
    } else {
        fs::remove_file(&probe).unwrap();
        let mut touch = Command::new("touch");
        touch.arg(&probe).current_dir(place.path(""));
        let probed = bound_by_permissions(&touch).output().expect("setpriv, of util-linux");
        let said = String::from_utf8_lossy(&probed.stderr).into_owned();
        assert!(said.contains("Permission denied"), "root's overrides cannot be laid down here: {said}");
        bound_by_permissions(&plain).output().unwrap().into()
    };
    fs::set_permissions(place.path(folder), fs::Permissions::from_mode(0o755)).unwrap();
    ran
}

/// The files in the client's bin, their numbers left out.
fn bin_of(place: &Place) -> Vec<String> {
    let names = fs::read_dir(place.path(".landfall/bin")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> =
        names.map(|name| name.to_str().unwrap().split_once('-').unwrap().1.to_owned()).collect();
    names.sort();
    names
}

#[test]
fn files_with_the_longest_names_are_removed() {
    let desk = Desk::new();
    let place = desk.place();
    let names = [format!("{}.md", "語".repeat(84)), format!("{}.txt", "x".repeat(251))];
    for name in &names {
        assert_eq!(name.len(), 255);
        place.write(name, "text\n");
    }
    place.write("b.md", "one\n");
    place.sync();
    for document in desk.ada.list("").items() {
        if document["title"] != "b.md" {
            let id = document["document_id"].as_str().unwrap();
            desk.ada.send(delete("gone", id).base(1)).expect_outcomes(["gone success v2"]);
        }
    }
    place.write("b.md", "two\n");
    place.sync();
    assert_eq!(place.files().into_keys().collect::<Vec<_>>(), ["b.md"]);
    assert_eq!(bin_of(&place), [format!("{}.txt", "x".repeat(218)), format!("{}.md", "語".repeat(73))]);
    assert_eq!(desk.documents()["b.md"], ["two\n"]);
}

#[test]
fn a_file_that_cannot_be_removed_costs_itself_only() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    here.write("closed/a.md", "one\n");
    here.write("b.md", "one\n");
    here.sync();
    there.sync();
    here.delete("closed/a.md");
    here.sync();
    for text in ["two\n", "three\n"] {
        there.write("b.md", text);
        let ran = sync_without_writing_to(&there, "closed").expect(1);
        assert!(ran.says(&["problem", "closed/a.md", "Permission denied"]), "{}", ran.stdout);
        assert_eq!(there.read("closed/a.md"), "one\n");
        assert_eq!(desk.documents()["b.md"], [text], "what was done elsewhere is pushed");
        assert_eq!(desk.documents().len(), 1);
    }
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(bin_of(&there), ["a.md"]);
}

/// A sync was cut off between its note of a write and the write, and then the folder was closed: what the file still
/// holds must not be taken for somebody's change.
#[test]
fn a_write_that_cannot_be_finished_costs_itself_only() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    let texts = ["top\n\nend\n", "TOP\n\nend\n", "TOP\n\nmiddle\n\nend\n"];
    here.write("closed/a.md", texts[0]);
    here.write("b.md", "one\n");
    here.sync();
    there.sync();
    here.write("closed/a.md", texts[1]);
    here.sync();
    there.sync();
    there.write("closed/a.md", texts[0]);
    there.write("closed/.landfall-draft-1", texts[1]);
    let mut state = State::open(&there.path(".landfall/state.db")).unwrap();
    let noted = state.change(|change| {
        let document_id = change.load_files_like("closed/a.md")?.remove(0).document_id;
        change.put_pending_write(&PendingWrite {
            document_id,
            path: "closed/a.md".into(),
            draft: "closed/.landfall-draft-1".into(),
            old_content: Some(texts[0].into()),
        })
    });
    noted.unwrap();
    drop(state);
    here.write("closed/a.md", texts[2]);
    here.sync();
    there.write("b.md", "two\n");
    for _ in 0..2 {
        let ran = sync_without_writing_to(&there, "closed").expect(1);
        assert!(ran.says(&["problem", "closed/a.md", "Permission denied"]), "{}", ran.stdout);
        assert_eq!(there.read("closed/a.md"), texts[0]);
        let documents = desk.documents();
        assert_eq!((&documents["closed/a.md"][0][..], &documents["b.md"][0][..]), (texts[2], "two\n"));
    }
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(there.read("closed/a.md"), texts[2]);
}

/// Its state may be damaged, or too much for the time and memory that one text is given.
#[test]
fn a_text_that_cannot_be_worked_on_costs_itself_only() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    for path in ["a.md", "b.md", "c.md"] {
        here.write(path, "one\n");
    }
    here.sync();
    there.sync();
    let mut state = State::open(&there.path(".landfall/state.db")).unwrap();
    let damaged = state.change(|change| {
        let id = change.load_files_like("a.md")?.remove(0).document_id;
        let (file, body) = change.find_with_body(id)?.unwrap();
        change.put_file(&file, &Body { yjs_state: Some(b"no Yjs state".to_vec()), ..body })
    });
    damaged.unwrap();
    drop(state);
    for path in ["a.md", "b.md"] {
        there.write(path, "two\n");
    }
    there.write("new.md", "new\n");
    let ran = there.run(&["sync"]).expect(1);
    assert!(ran.says(&["problem", "a.md", "cannot be pushed"]), "{}", ran.stdout);
    assert_eq!((&desk.documents()["b.md"][0][..], &desk.documents()["new.md"][0][..]), ("two\n", "new\n"));
    here.write("a.md", "by others\n");
    here.write("c.md", "by others\n");
    here.run(&["sync"]).expect(0);
    let ran = there.run(&["sync"]).expect(1);
    assert!(ran.says(&["problem", "a.md"]), "{}", ran.stdout);
    assert_eq!((there.read("a.md"), there.read("c.md")), ("two\n".into(), "by others\n".into()));
}

#[test]
fn what_lies_behind_a_link_is_neither_moved_nor_read_nor_deleted() {
    let desk = Desk::new();
    let outside = tempfile::tempdir().unwrap();
    let (here, there) = (desk.place(), desk.place());
    for path in ["sub/a.md", "sub/b.md", "sub/c.md", "d.md"] {
        here.write(path, format!("text of {path}\n"));
    }
    here.sync();
    there.sync();
    fs::write(outside.path().join("a.md"), "private\n").unwrap();
    fs::write(outside.path().join("c.md"), "text of sub/c.md\n").unwrap();
    copy_folder(&there.path("sub"), &outside.path().join("put aside"));
    fs::remove_dir_all(there.path("sub")).unwrap();
    symlink(outside.path(), there.path("sub")).unwrap();
    fs::rename(here.path("sub/a.md"), here.path("moved.md")).unwrap();
    here.write("sub/b.md", "changed\n");
    here.delete("sub/c.md");
    here.write("d.md", "changed\n");
    here.sync();
    let before = desk.documents();
    for _ in 0..2 {
        let ran = there.run(&["sync"]).expect(1);
        assert!(ran.says(&["problem", "sub: ", "symbolic link", "synced files"]), "{}", ran.stdout);
        assert_eq!(there.read("d.md"), "changed\n");
        assert_eq!(desk.documents(), before);
        assert!(!there.has("moved.md"));
        let read = |name: &str| fs::read_to_string(outside.path().join(name)).unwrap();
        assert_eq!((read("a.md"), read("c.md")), ("private\n".into(), "text of sub/c.md\n".into()));
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 3);
    }
    let status = there.run(&["status"]).expect(1);
    assert!(!status.says(&["deleted"]) && status.says(&["sub", "symbolic link"]), "{}", status.stdout);
    fs::remove_file(there.path("sub")).unwrap();
    copy_folder(&outside.path().join("put aside"), &there.path("sub"));
    there.run(&["conflicts", ".", "--settle", "theirs", "sub/c.md"]).expect(0);
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(there.read("moved.md"), "text of sub/a.md\n");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn nothing_new_is_pushed_while_it_is_unknown_what_to_ignore() {
    let desk = Desk::new();
    let place = desk.place();
    for path in ["glob/old.md", "latin1/old.md", "folder/old.md", "dangling/old.md", "fine/old.md", "glob/moves.md"] {
        place.write(path, format!("text of {path}\n"));
    }
    place.sync();
    place.write("glob/.landfallignore", "*.txt\nprivate[z-a]/\n");
    place.write("latin1/.landfallignore", b"priv\xE9/\n");
    fs::create_dir(place.path("folder/.landfallignore")).unwrap();
    symlink("nowhere", place.path("dangling/.landfallignore")).unwrap();
    place.write("fine/.landfallignore", "# a comment\n\nprivate/\n");
    for folder in ["glob", "latin1", "folder", "dangling", "fine"] {
        place.write(&format!("{folder}/private/diary.md"), "private\n");
        place.write(&format!("{folder}/old.md"), "changed\n");
    }
    place.write("fine/new.md", "new\n");
    fs::rename(place.path("glob/moves.md"), place.path("glob/moved.md")).unwrap();
    let ran = place.run(&["sync"]).expect(1);
    for (folder, why) in
        [("glob", "line 2"), ("latin1", "cannot be read"), ("folder", "cannot be read"), ("dangling", "cannot be read")]
    {
        let path = format!("{folder}/.landfallignore");
        assert!(ran.says(&["problem", &path, why, "no new file"]), "{folder}: {}", ran.stdout);
    }
    assert!(!ran.says(&["fine/.landfallignore"]), "{}", ran.stdout);
    let status = place.run(&["status"]).expect(1);
    assert!(!status.says(&["new", "diary"]) && status.says(&["glob/.landfallignore"]), "{}", status.stdout);
    let documents = desk.documents();
    let titles: Vec<&str> = documents.keys().map(String::as_str).collect();
    assert_eq!(
        titles,
        [
            "dangling/old.md",
            "fine/new.md",
            "fine/old.md",
            "folder/old.md",
            "glob/moved.md",
            "glob/old.md",
            "latin1/old.md"
        ]
    );
    assert!(documents.iter().all(|(title, texts)| !title.ends_with("old.md") || *texts == ["changed\n"]));
    // Mended, one way or the other.
    place.write("glob/.landfallignore", "*.txt\nprivate/\n");
    place.write("latin1/.landfallignore", "privé/\n");
    fs::remove_dir(place.path("folder/.landfallignore")).unwrap();
    place.delete("dangling/.landfallignore");
    place.sync();
    let pushed: Vec<String> = desk.documents().into_keys().filter(|title| title.contains("diary")).collect();
    assert_eq!(pushed, ["dangling/private/diary.md", "folder/private/diary.md", "latin1/private/diary.md"]);
}

/// What `cp -p`, `rsync -t` and `unzip` leave: another text, of the same size and time.
#[test]
fn files_that_were_swapped_are_noticed() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    let set_time = |path: &str| {
        let touched = Command::new("touch").args(["-d", "2020-02-02 02:02:02"]).arg(here.path(path)).status();
        assert!(touched.unwrap().success());
    };
    for (path, text) in [("a.md", "one\n"), ("b.md", "two\n"), ("c.md", "six\n")] {
        here.write(path, text);
        set_time(path);
    }
    here.sync();
    there.sync();
    for (from, to) in [("a.md", "x"), ("b.md", "a.md"), ("x", "b.md")] {
        fs::rename(here.path(from), here.path(to)).unwrap();
    }
    // In place: its number stays, too.
    here.write("c.md", "ten\n");
    set_time("c.md");
    here.sync();
    there.sync();
    assert_eq!(["a.md", "b.md", "c.md"].map(|path| there.read(path)), ["two\n", "one\n", "ten\n"]);
    assert_eq!(here.files(), there.files());
}

#[test]
fn a_move_by_others_never_takes_the_place_of_a_file() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    here.write("Notes.md", "shared\n");
    here.sync();
    there.sync();
    there.write("notes.md", "my own\n");
    if there.read("Notes.md") == "my own\n" {
        // The file system knows no case, so there are no two such files.
        return;
    }
    there.sync();
    assert_eq!(there.read("Notes.md"), "shared\n", "the elder one keeps its place");
    fs::rename(here.path("Notes.md"), here.path("notes.md")).unwrap();
    here.sync();
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(there.read("notes.md"), "shared\n");
    let texts: Vec<Vec<u8>> = there.files().into_values().collect();
    assert!(texts.contains(&b"my own\n".to_vec()) && texts.len() == 2, "{:?}", there.files());
}
