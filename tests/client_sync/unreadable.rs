//! What cannot be read: it costs itself alone, is never taken for deleted or written over, and never makes a sync wait.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::place::{Desk, Place, Ran};
use crate::harness::{Database, on_both_databases};

on_both_databases!(
    a_file_that_may_not_be_read_is_left_alone_on_both_sides,
    a_folder_that_may_not_be_read_is_not_deleted
);

/// How long a sync may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// The capabilities by which root reads everything.
const OVERRIDES: &str = "-dac_override,-dac_read_search";

fn set_mode(place: &Place, path: &str, mode: u32) {
    fs::set_permissions(place.path(path), fs::Permissions::from_mode(mode)).unwrap();
}

/// A command that is bound by permissions, also if the tests run as root.
pub(super) fn bound_by_permissions(command: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound.args(["--bounding-set", OVERRIDES, "--inh-caps", OVERRIDES, "--"]).arg(command.get_program());
    bound.args(command.get_args()).env_clear();
    bound.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    bound.env("PATH", std::env::var_os("PATH").unwrap());
    bound.current_dir(command.get_current_dir().unwrap());
    bound
}

/// Whether the tests run as one to whom permissions mean nothing.
fn is_above_permissions(place: &Place, unreadable: &str) -> bool {
    match fs::metadata(place.path(unreadable)).unwrap().is_dir() {
        true => fs::read_dir(place.path(unreadable)).is_ok(),
        false => fs::read(place.path(unreadable)).is_ok(),
    }
}

/// Syncs as one who may not read `unreadable`, which is checked first: the test must not pass because it was readable.
fn sync_bound(place: &Place, unreadable: &str) -> Ran {
    let plain = place.command(&["sync"]);
    if !is_above_permissions(place, unreadable) {
        return place.run(&["sync"]);
    }
    let mut probe = Command::new("cat");
    probe.arg(unreadable).current_dir(place.path(""));
    let probed = bound_by_permissions(&probe).output().expect("setpriv, of util-linux");
    let said = String::from_utf8_lossy(&probed.stderr).into_owned();
    assert!(said.contains("Permission denied"), "root's overrides cannot be laid down here: {said}");
    bound_by_permissions(&plain).output().unwrap().into()
}

fn a_file_that_may_not_be_read_is_left_alone_on_both_sides(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    here.write("closed.md", "top\n\nmiddle\n\nend\n");
    here.write("open.md", "one\n");
    here.sync();
    there.sync();
    there.write("closed.md", "TOP\n\nmiddle\n\nend\n");
    there.sync();
    here.write("closed.md", "top\n\nmiddle\n\nEND\n");
    here.write("open.md", "two\n");
    here.write("new.md", "new\n");
    set_mode(&here, "closed.md", 0);
    set_mode(&here, "new.md", 0);
    for _ in 0..2 {
        let ran = sync_bound(&here, "closed.md").expect(1);
        assert!(ran.says(&["problem", "closed.md", "Permission denied"]), "{}", ran.stdout);
        assert!(ran.says(&["problem", "new.md", "Permission denied"]), "{}", ran.stdout);
    }
    set_mode(&here, "closed.md", 0o600);
    assert_eq!(here.read("closed.md"), "top\n\nmiddle\n\nEND\n", "it was not written over");
    let documents = desk.documents();
    assert_eq!(
        (&documents["closed.md"][0], &documents["open.md"][0]),
        (&"TOP\n\nmiddle\n\nend\n".into(), &"two\n".into())
    );
    assert_eq!(documents.len(), 2);
    set_mode(&here, "new.md", 0o600);
    here.sync();
    there.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(there.read("closed.md"), "TOP\n\nmiddle\n\nEND\n");
    assert_eq!(fs::metadata(here.path("closed.md")).unwrap().permissions().mode() & 0o777, 0o600);
}

fn a_folder_that_may_not_be_read_is_not_deleted(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    for n in 0..30 {
        here.write(&format!("closed/{n}.md"), format!("{n}\n"));
    }
    here.write("a.md", "one\n");
    here.sync();
    there.sync();
    there.write("closed/7.md", "7, changed\n");
    there.sync();
    here.write("a.md", "two\n");
    set_mode(&here, "closed", 0);
    let ran = sync_bound(&here, "closed").expect(1);
    assert!(ran.says(&["problem", "closed", "Permission denied"]), "{}", ran.stdout);
    set_mode(&here, "closed", 0o755);
    assert_eq!(desk.documents().len(), 31);
    assert_eq!(desk.documents()["a.md"], ["two\n"]);
    here.sync();
    there.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(here.read("closed/7.md"), "7, changed\n");
}

/// Syncs; one that waits for something fails the test.
fn sync_in_time(place: &Place) -> Ran {
    let mut child = place.spawn(&["sync"]);
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("the sync hangs: {:?}", child.wait_with_output().unwrap());
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap().into()
}

#[test]
fn what_is_no_file_makes_nobody_wait() {
    let desk = Desk::new();
    let place = desk.place();
    for path in ["a.md", "b.md", "c.md", "d.md"] {
        place.write(path, format!("text of {path}\n"));
    }
    place.sync();
    let make_pipe = |path: &str| {
        let made = Command::new("mkfifo").arg(place.path(path)).status();
        assert!(made.unwrap().success());
    };
    make_pipe("pipe.md");
    symlink("nowhere.md", place.path("dangling.md")).unwrap();
    symlink("pipe.md", place.path("link to pipe.md")).unwrap();
    let _listener = UnixListener::bind(place.path("socket.md")).unwrap();
    place.write("folder.md/inside.md", "inside\n");
    // What was a file is now something else: neither its text nor a deletion may be pushed.
    for path in ["a.md", "b.md", "c.md"] {
        place.delete(path);
    }
    make_pipe("a.md");
    symlink("nowhere.md", place.path("b.md")).unwrap();
    fs::create_dir(place.path("c.md")).unwrap();
    place.write("d.md", "changed\n");
    let ran = sync_in_time(&place).expect(0);
    for path in ["pipe.md", "dangling.md", "link to pipe.md", "socket.md", "a.md", "b.md"] {
        assert!(ran.says(&["problem", path, "not a regular file"]), "{path}: {}", ran.stdout);
    }
    let documents = desk.documents();
    assert_eq!(documents.keys().collect::<Vec<_>>(), ["a.md", "b.md", "c.md", "d.md", "folder.md/inside.md"]);
    assert_eq!(documents["a.md"], ["text of a.md\n"]);
    assert_eq!(documents["d.md"], ["changed\n"]);
    // News of such a document do not take the pipe's place either.
    let there = desk.place();
    there.sync();
    there.write("a.md", "news\n");
    there.sync();
    let ran = sync_in_time(&place).expect(1);
    assert!(ran.says(&["problem", "a.md"]), "{}", ran.stdout);
    for path in ["pipe.md", "a.md", "link to pipe.md", "dangling.md", "b.md", "socket.md"] {
        place.delete(path);
    }
    fs::remove_dir(place.path("c.md")).unwrap();
    place.write("a.md", "news\n");
    place.write("b.md", "text of b.md\n");
    place.write("c.md", "text of c.md\n");
    sync_in_time(&place).expect(0);
    assert_eq!(place.files(), there.files());
}
