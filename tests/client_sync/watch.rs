//! `landfall watch`: what happens here and on the server is synced without being asked to.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::place::{Desk, Place};

/// How long anything that must come may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long nothing may come, where nothing must.
const SILENCE: Duration = Duration::from_millis(1500);

/// Syncs are started by events alone.
const BY_EVENTS: [&str; 4] = ["watch", "--json", "--interval", "3600"];

/// A watch under way; killed when dropped.
struct Watch {
    child: Child,
    events: Receiver<Value>,
}

impl Watch {
    /// Starts one, and waits until its first sync has ended.
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut watch = Self::spawn(&mut place.command(arguments));
        watch.until("watching");
        watch.until("synced");
        watch
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, events) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        thread::spawn(move || lines.for_each(|line| drop(tell.send(serde_json::from_str(&line).unwrap()))));
        Self { child, events }
    }

    /// The next event of this name, and those before it.
    #[track_caller]
    fn until(&mut self, name: &str) -> (Value, Vec<Value>) {
        let mut before = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) if event["event"] == name => return (event, before),
                Ok(event) => before.push(event),
                Err(_) => panic!("no event {name} after {before:#?}{}", self.complaints()),
            }
        }
    }

    /// The end of the next sync that moved something.
    #[track_caller]
    fn until_moved(&mut self) -> Value {
        loop {
            let (end, _) = self.until("synced");
            if end["pushed"] != 0 || end["pulled"] != 0 {
                return end;
            }
        }
    }

    #[track_caller]
    fn expect_silence(&mut self) {
        match self.events.recv_timeout(SILENCE) {
            Err(RecvTimeoutError::Timeout) => {}
            other => panic!("nothing was to happen: {other:?}{}", self.complaints()),
        }
    }

    /// Ctrl-C; the exit code.
    fn interrupt(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    fn complaints(&mut self) -> String {
        drop(self.child.kill());
        let mut said = String::new();
        self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut said));
        format!("\nstderr:\n{said}")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn both_sides_are_synced_as_they_change() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    let mut watch = Watch::start(&here, &BY_EVENTS);
    here.write("a.md", "one\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    there.sync();
    assert_eq!(there.read("a.md"), "one\n");
    there.write("a.md", "one\ntwo\n");
    there.write("new/b.md", "b\n");
    there.sync();
    let mut pulled = 0;
    while pulled < 2 {
        pulled += watch.until_moved()["pulled"].as_u64().unwrap();
    }
    assert_eq!((here.read("a.md"), here.read("new/b.md")), ("one\ntwo\n".into(), "b\n".into()));
    // What it wrote and pushed itself starts nothing.
    watch.expect_silence();
    here.write("new/b.md", "b, and more\n");
    assert_eq!(watch.until_moved()["pushed"], 1, "a folder that was pulled is watched too");
    here.delete("a.md");
    assert_eq!(watch.until_moved()["pushed"], 1);
    assert_eq!(desk.documents().into_keys().collect::<Vec<_>>(), ["new/b.md"]);
    watch.expect_silence();
    assert_eq!(watch.interrupt(), Some(130));
    here.run(&["status"]).expect(0);
}

#[test]
fn a_save_is_one_sync_and_other_files_are_none() {
    let desk = Desk::new();
    let place = desk.place();
    place.write(".landfallignore", "secret/\n*.draft.md\n");
    place.write("secret/s.md", "s\n");
    place.write("a.md", "one\n");
    place.sync();
    let mut watch = Watch::start(&place, &[&BY_EVENTS[..], &["--settle", "300"]].concat());
    // As editors save: beside the file, then renamed over it; and again, at once.
    for text in ["one, two\n", "one, two, three\n"] {
        place.write("a.md~", text);
        place.write(".a.md.swp", "swap");
        fs::rename(place.path("a.md~"), place.path("a.md")).unwrap();
    }
    assert_eq!(watch.until("synced").0["pushed"], 1);
    assert_eq!(desk.documents()["a.md"], ["one, two, three\n"]);
    place.write("secret/s.md", "s, changed\n");
    place.write("b.draft.md", "draft\n");
    place.write("picture.png", "png");
    place.write(".hidden/h.md", "hidden\n");
    place.write(".landfall/own.md", "own\n");
    place.write("a.md", "one, two, three\n");
    watch.expect_silence();
    // A whole tree at once, and a folder that is moved.
    place.write("deep/er/and/c.md", "c\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    fs::rename(place.path("deep"), place.path("shallow")).unwrap();
    assert_eq!(watch.until_moved()["pushed"], 1);
    place.write("shallow/er/and/c.md", "c, and more\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    let titles: Vec<String> = desk.documents().into_keys().collect();
    assert_eq!(titles, ["a.md", "shallow/er/and/c.md"]);
    place.write(".landfallignore", "");
    assert_eq!(watch.until_moved()["pushed"], 2, "what is not ignored any more");
}

#[test]
fn without_the_server_it_waits() {
    let mut desk = Desk::restartable();
    let (here, there) = (desk.place(), desk.place());
    here.write("a.md", "one\n");
    let mut watch = Watch::start(&here, &[&BY_EVENTS[..], &["--retries", "0"]].concat());
    desk.server.stop();
    watch.until("offline");
    here.write("a.md", "one, offline\n");
    here.write("b.md", "made offline\n");
    watch.expect_silence();
    desk.server.restart();
    let (_, before) = watch.until("online");
    assert!(before.iter().all(|event| event["event"] != "offline"), "it is said once: {before:?}");
    assert!(watch.until_moved()["pushed"].as_u64().unwrap() >= 1);
    there.sync();
    assert_eq!((there.read("a.md"), there.read("b.md")), ("one, offline\n".into(), "made offline\n".into()));
    // The events of the server that came back are heard again.
    there.write("c.md", "from there\n");
    there.sync();
    while !here.has("c.md") {
        watch.until("synced");
    }
}

#[test]
fn a_login_that_runs_out_is_renewed_and_shared_with_other_commands() {
    let desk = Desk::with(&[("LANDFALL_ACCESS_TOKEN_S", "1")]);
    let (here, there) = (desk.place(), desk.place());
    let mut command = here.command(&BY_EVENTS);
    let mut watch = Watch::spawn(command.env_remove("LANDFALL_USERNAME").env_remove("LANDFALL_PASSWORD"));
    watch.until("synced");
    for n in 0..4 {
        // Tokens end meanwhile, and with them the stream; both commands renew the one stored login.
        thread::sleep(Duration::from_millis(2100));
        let beside = here.command(&["verify"]).env_remove("LANDFALL_PASSWORD").env_remove("LANDFALL_USERNAME").output();
        let beside = beside.unwrap();
        assert!(beside.status.code().unwrap() <= 1, "{}", String::from_utf8_lossy(&beside.stderr));
        here.write(&format!("{n}.md"), format!("{n}\n"));
        assert_eq!(watch.until_moved()["pushed"], 1);
        there.write(&format!("there {n}.md"), format!("{n}\n"));
        there.sync();
        watch.until_moved();
    }
    assert_eq!(watch.interrupt(), Some(130));
}

#[test]
fn guards_conflicts_and_bad_files_do_not_end_it() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    for n in 0..40 {
        here.write(&format!("{n:02}.md"), format!("{n}\n"));
    }
    here.sync();
    there.sync();
    let mut watch = Watch::start(&here, &BY_EVENTS);
    for n in 0..30 {
        here.delete(&format!("{n:02}.md"));
    }
    let (end, _) = watch.until("synced");
    assert_eq!((&end["exit_code"], &end["pushed"]), (&4.into(), &0.into()), "{end}");
    for n in 0..30 {
        here.write(&format!("{n:02}.md"), format!("{n}\n"));
    }
    here.write("00.md", "changed here\n");
    watch.until_moved();
    // Deleted there, changed here while the watch was away.
    assert_eq!(watch.interrupt(), Some(130));
    there.sync();
    here.write("01.md", "changed here\n");
    there.delete("01.md");
    there.sync();
    let mut watch = Watch::spawn(&mut here.command(&BY_EVENTS));
    assert_eq!(watch.until("conflict").0["path"], "01.md");
    assert_eq!(watch.until("synced").0["conflicts"], 1);
    assert!(here.run(&["conflicts"]).expect(1).says(&["01.md"]));
    here.run(&["conflicts", ".", "--settle", "mine", "01.md"]).expect(0);
    here.run(&["sync"]).expect(0);
    here.write("bad.md", [0xff, 0xfe]);
    here.write("good.md", "good\n");
    let (problem, _) = watch.until("problem");
    assert_eq!(problem["path"], "bad.md");
    assert_eq!(watch.until_moved()["pushed"], 1);
    here.write("good.md", "better\n");
    let (_, before) = watch.until("synced");
    assert!(before.iter().all(|event| event["event"] != "problem"), "a problem is told once: {before:?}");
}

#[test]
fn ctrl_c_finishes_the_batch_under_way() {
    let desk = Desk::new();
    let place = desk.place();
    for n in 0..400 {
        place.write(&format!("{n}.md"), format!("{n}\n"));
    }
    let arguments = [&BY_EVENTS[..], &["--batch-size", "10", "--concurrency", "2"]].concat();
    let mut watch = Watch::spawn(&mut place.command(&arguments));
    watch.until("pushed");
    assert_eq!(watch.interrupt(), Some(130));
    let (end, _) = watch.until("synced");
    assert_eq!(desk.documents().len() as u64, end["pushed"].as_u64().unwrap());
    place.sync();
    assert_eq!(desk.documents().len(), 400);
}

#[test]
fn where_the_system_tells_nothing_it_looks() {
    let desk = Desk::new();
    let place = desk.place();
    let mut watch = Watch::start(&place, &[&BY_EVENTS[..], &["--poll", "1"]].concat());
    place.write("deep/a.md", "one\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    place.write("deep/a.md", "two\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    watch.expect_silence();
    drop(watch);
    // The system's limit, reached for real, in a user namespace where it is two folders.
    let script = "echo 2 > /proc/sys/user/max_inotify_watches && exec \"$@\"";
    let mut limited = Command::new("unshare");
    let inner = place.command(&BY_EVENTS);
    limited.args(["-Ur", "sh", "-c", script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    limited.current_dir(place.path("")).envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let can_limit = Command::new("unshare").args(["-Ur", "true"]).output().is_ok_and(|output| output.status.success());
    if !can_limit {
        eprintln!("user namespaces are not allowed here: the system's limit cannot be lowered for one program");
        return;
    }
    for n in 0..4 {
        place.write(&format!("{n}/b.md"), format!("{n}\n"));
    }
    let mut watch = Watch::spawn(&mut limited);
    let (note, _) = watch.until("note");
    assert!(note["text"].as_str().unwrap().contains("max_user_watches"), "{note}");
    watch.until("synced");
    place.write("3/b.md", "found by looking\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    assert_eq!(desk.documents()["3/b.md"], ["found by looking\n"]);
}
