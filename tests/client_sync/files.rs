//! Files of every kind, and what becomes of those that cannot be synced.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::place::{Desk, Ran};
use super::proxy::{Deed, Gate, Proxy};

#[test]
fn a_thousand_files_come_through_byte_by_byte() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    for n in 0..1_000 {
        here.write(&format!("{}/{}/{n}.md", n % 7, n % 3), format!("# {n}\r\tnaïve 文 🎈 {}\n", "x".repeat(n % 97)));
    }
    copy_docs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"), &here.path("docs"));
    here.write("empty.md", "");
    here.write("no newline.txt", "end");
    here.sync();
    there.sync();
    assert!(here.files().len() > 1_010);
    assert_eq!(here.files(), there.files());
    for n in 0..1_000 {
        there.write(&format!("{}/{}/{n}.md", n % 7, n % 3), format!("# {n}, changed\r\t文🎈{}\n", "y".repeat(n % 89)));
    }
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    assert!(here.read("1/1/1.md").starts_with("# 1, changed"));
    here.run(&["verify"]).expect(0);
}

pub(super) fn copy_docs(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_docs(&path, &target);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            fs::copy(&path, target).unwrap();
        }
    }
}

#[test]
fn a_large_file_and_a_small_change_of_it() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    let lines: Vec<String> =
        (0..100_000).map(|n| format!("line {n} of a file of some five megabytes, so it is long\n")).collect();
    let text = lines.concat();
    assert!(text.len() > 5_000_000);
    here.write("large.md", &text);
    here.sync();
    there.sync();
    assert_eq!(here.files(), there.files());
    let changed = text.replacen("line 50000 ", "line fifty thousand ", 1);
    there.write("large.md", &changed);
    there.sync();
    here.sync();
    assert!(here.read("large.md") == changed);
}

#[test]
fn what_cannot_be_synced_costs_itself_only() {
    let desk = Desk::with(&[("LANDFALL_MAX_CONTENT_BYTES", "100000")]);
    let place = desk.place();
    place.write("good.md", "good\n");
    place.write("latin1.md", b"caf\xE9\n");
    place.write("binary.txt", b"a\0b");
    place.write("large.md", "x".repeat(100_001));
    place.write("Case.md", "one\n");
    place.write("case.md", "two\n");
    place.write("con.md", "reserved elsewhere\n");
    place.write("what?.md", "barred elsewhere\n");
    place.write("notes.markdown", "another ending\n");
    place.write(".hidden.md", "hidden\n");
    place.write("picture.png", "not synced\n");
    place.write("drafts/a.md", "ignored\n");
    place.write(".landfallignore", "drafts/\n");
    fs::write(place.path("").join(std::ffi::OsStr::from_bytes(b"not \xff utf8.md")), "x").unwrap();
    symlink("..", place.path("loop")).unwrap();
    symlink("good.md", place.path("link.md")).unwrap();
    let ran = place.sync();
    let refused = [
        ("latin1.md", "not UTF-8"),
        ("binary.txt", "NUL"),
        ("large.md", "more than"),
        ("link.md", "symbolic link"),
        ("utf8.md", "not UTF-8"),
    ];
    for (path, why) in refused {
        assert!(ran.says(&["problem", path, why]), "{path}: {}", ran.stdout);
    }
    assert!(ran.says(&["1 file is not synced (1 image): `landfall status --skipped`"]), "{}", ran.stdout);
    for (path, why) in [("con.md", "reserved"), ("what?.md", "on Windows")] {
        assert!(ran.says(&["note", path, why, "synced all the same"]), "{path}: {}", ran.stdout);
    }
    let titles = ["Case.md", "case.md", "con.md", "good.md", "notes.markdown", "what?.md"];
    assert_eq!(desk.documents().into_keys().collect::<Vec<_>>(), titles);
    // Reported once, and listed from then on.
    let again = place.sync();
    assert!(
        !again.says(&["problem"]) && again.says(&["5 that cannot be synced (landfall status)"]),
        "{}",
        again.stdout
    );
    place.run(&["sync", "--strict"]).expect(1);
    let status = place.run(&["status"]).expect(0);
    for (path, why) in refused {
        assert!(status.says(&["cannot be synced", path, why]), "{path}: {}", status.stdout);
    }
    assert!(status.says(&["6 files tracked, 0 changed", "5 that cannot be synced"]), "{}", status.stdout);
    assert!(place.run(&["status", "--skipped"]).expect(0).says(&["  picture.png"]));
    place.write("latin1.md", "café\n");
    place.write("large.md", "x".repeat(100_002));
    let ran = place.sync();
    assert_eq!(desk.documents()["latin1.md"], ["café\n"]);
    assert!(ran.says(&["problem", "large.md", "100002"]) && ran.says(&["4 that cannot"]), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_looked_at_is_not_deleted() {
    let desk = Desk::new();
    let place = desk.place();
    place.write("a.md", "one\n");
    place.write("sub/b.md", "two\n");
    place.write("c.md", "three\n");
    place.sync();
    place.write("a.md", b"\xff\xfe");
    place.write(".landfallignore", "sub/\n");
    place.delete("c.md");
    symlink("a.md", place.path("c.md")).unwrap();
    place.sync();
    assert_eq!(desk.documents().into_keys().collect::<Vec<_>>(), ["a.md", "c.md", "sub/b.md"]);
}

#[test]
fn a_place_that_cannot_be_written_costs_its_documents_only() {
    let desk = Desk::new();
    desk.ada.new_document("a.md", "file\n");
    desk.ada.new_document("a.md/b.md", "below a file\n");
    desk.ada.new_document("z.md", "last\n");
    let place = desk.place();
    fs::create_dir(place.path("z.md")).unwrap();
    let ran = place.run(&["sync"]).expect(1);
    assert!(ran.says(&["problem", "z.md"]), "{}", ran.stdout);
    assert_eq!(place.read("a.md/b.md"), "below a file\n", "a folder may have the name of another document");
    fs::remove_dir(place.path("z.md")).unwrap();
    place.run(&["sync"]).expect(0);
    assert_eq!(place.read("z.md"), "last\n");
    let texts: Vec<Vec<u8>> = place.files().into_values().collect();
    assert!(texts.contains(&b"file\n".to_vec()), "{:?}", place.files());
}

#[test]
fn nothing_is_written_through_a_symbolic_link() {
    let desk = Desk::new();
    let outside = tempfile::tempdir().unwrap();
    let (here, there) = (desk.place(), desk.place());
    symlink(outside.path(), there.path("sub")).unwrap();
    here.write("sub/a.md", "text\n");
    here.write("b.md", "text\n");
    here.sync();
    let ran = there.run(&["sync"]).expect(1);
    assert!(ran.says(&["sub/a.md", "symbolic link"]), "{}", ran.stdout);
    assert_eq!(there.read("b.md"), "text\n");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    fs::remove_file(there.path("sub")).unwrap();
    there.sync();
    assert_eq!(here.files(), there.files(), "what was left out is taken in when it can be");
}

#[test]
fn a_file_that_changes_during_the_pull_is_united() {
    const FILES: usize = 200;
    let desk = Desk::new();
    let (gate, is_armed) = (Gate::default(), Arc::new(AtomicBool::new(false)));
    let (held, armed) = (gate.clone(), Arc::clone(&is_armed));
    let proxy = Proxy::start_judging_all(&desk.url(), move |asked| {
        let is_held = asked.path == "/api/v1/documents/diff" && armed.load(Ordering::SeqCst);
        if is_held { Deed::Hold(held.clone()) } else { Deed::Pass }
    });
    let (here, there) = (desk.place(), desk.place_through(&proxy.url));
    let name = |n: usize| format!("{n:03}.md");
    for n in 0..FILES {
        here.write(&name(n), "top\n\nmiddle\n\nend\n");
    }
    here.sync();
    there.sync();
    for n in 0..FILES {
        here.write(&name(n), "TOP\n\nmiddle\n\nend\n");
    }
    here.sync();
    is_armed.store(true, Ordering::SeqCst);
    let pull = there.spawn(&["sync", "--json", "--timeout", "600"]);
    // The folder has been read, and nothing is written before the texts are here.
    gate.wait_until_it_holds();
    for n in (0..FILES).step_by(5) {
        assert_eq!(there.read(&name(n)), "top\n\nmiddle\n\nend\n");
        there.write(&name(n), "top\n\nmiddle\n\nEND\n");
    }
    gate.open();
    let pull = Ran::from(pull.wait_with_output().unwrap()).expect(0);
    assert!(pull.says(&["\"written\"", "000.md"]), "{}", pull.stdout);
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    for n in 0..FILES {
        let end = if n % 5 == 0 { "END" } else { "end" };
        assert_eq!(here.read(&name(n)), format!("TOP\n\nmiddle\n\n{end}\n"), "{n}");
    }
}
