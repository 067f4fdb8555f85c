//! `landfall watch`: what happens here and on the server is synced without being asked to.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::left_out::tell_left_out;
use super::place::{Desk, Place};

/// How long anything that must come may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long nothing may come, where nothing must.
const SILENCE: Duration = Duration::from_millis(1500);

/// Syncs are started by events alone.
const BY_EVENTS: [&str; 4] = ["watch", "--json", "--interval", "3600"];

/// Writes a file as editors do: beside its place, then renamed, so that no sync finds half of it.
fn save(place: &Place, path: &str, text: impl AsRef<[u8]>) {
    place.write(".draft", text);
    fs::create_dir_all(place.path(path).parent().unwrap()).unwrap();
    fs::rename(place.path(".draft"), place.path(path)).unwrap();
}

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
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap();
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

    /// Ctrl-C, which a terminal sends to the whole process group; the exit code.
    fn interrupt(&mut self) -> Option<i32> {
        self.signal("INT");
        self.child.wait().unwrap().code()
    }

    fn signal(&self, name: &str) {
        let group = format!("-{}", self.child.id());
        assert!(Command::new("sh").arg("-c").arg(format!("kill -s {name} -- {group}")).status().unwrap().success());
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
    save(&here, "a.md", "one\n");
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
    // A folder that was pulled is watched too; and what is written in place may be found half.
    here.write("new/b.md", "b, and more\n");
    while desk.documents()["new/b.md"] != ["b, and more\n"] {
        watch.until_moved();
    }
    here.delete("a.md");
    assert_eq!(watch.until_moved()["pushed"], 1);
    assert_eq!(desk.documents().into_keys().collect::<Vec<_>>(), ["new/b.md"]);
    watch.expect_silence();
    assert_eq!(watch.interrupt(), Some(130));
    here.run(&["status"]).expect(0);
}

#[test]
fn saves_in_a_row_are_one_sync() {
    let desk = Desk::new();
    let place = desk.place();
    place.write("a.md", "one\n");
    place.sync();
    let mut watch = Watch::start(&place, &BY_EVENTS);
    // As editors save: beside the file, then renamed over it; and again, before the watch gets round to it.
    watch.signal("STOP");
    for text in ["one, two\n", "one, two, three\n"] {
        place.write("a.md~", text);
        place.write(".a.md.swp", "swap");
        fs::rename(place.path("a.md~"), place.path("a.md")).unwrap();
    }
    watch.signal("CONT");
    assert_eq!(watch.until("synced").0["pushed"], 1);
    assert_eq!(desk.documents()["a.md"], ["one, two, three\n"]);
    watch.expect_silence();
}

#[test]
fn other_files_are_no_news_and_trees_are_followed() {
    let desk = Desk::new();
    let place = desk.place();
    place.write(".landfallignore", "secret/\n*.draft.md\n");
    place.write("secret/s.md", "s\n");
    place.write("a.md", "one\n");
    place.sync();
    let mut watch = Watch::start(&place, &BY_EVENTS);
    place.write("secret/s.md", "s, changed\n");
    place.write("b.draft.md", "draft\n");
    place.write("picture.png", "png");
    place.write(".hidden/h.md", "hidden\n");
    place.write(".landfall/own.md", "own\n");
    save(&place, "a.md", "one\n");
    watch.expect_silence();
    // A whole tree at once, and a folder that is moved.
    save(&place, "deep/er/and/c.md", "c\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    fs::rename(place.path("deep"), place.path("shallow")).unwrap();
    assert_eq!(watch.until_moved()["pushed"], 1);
    save(&place, "shallow/er/and/c.md", "c, and more\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    let titles: Vec<String> = desk.documents().into_keys().collect();
    assert_eq!(titles, ["a.md", "shallow/er/and/c.md"]);
    save(&place, ".landfallignore", "");
    assert_eq!(watch.until_moved()["pushed"], 2, "what is not ignored any more");
}

#[test]
fn without_the_server_it_waits() {
    let mut desk = Desk::restartable();
    let (here, there) = (desk.place(), desk.place());
    here.write("a.md", "one\n");
    let mut watch = Watch::start(&here, &[&BY_EVENTS[..], &["--retries", "0"]].concat());
    // On the spot: a server that is asked to stop may yet answer the watch once, who then believes it to be there.
    desk.server.kill();
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
    let mut desk = Desk::restartable();
    let (here, there) = (desk.place(), desk.place());
    let mut command = here.command(&BY_EVENTS);
    let mut watch = Watch::spawn(command.env_remove("LANDFALL_USERNAME").env_remove("LANDFALL_PASSWORD"));
    watch.until("synced");
    for n in 0..3 {
        // Access tokens end here, and with them the stream; both commands renew the one stored login.
        desk.server.stop();
        desk.server
            .restart_with(&[("LANDFALL_JWT_SECRET", &format!("another secret for tests, and long enough: {n}"))]);
        let beside = here.command(&["verify"]).env_remove("LANDFALL_PASSWORD").env_remove("LANDFALL_USERNAME").output();
        let beside = beside.unwrap();
        assert!(beside.status.code().unwrap() <= 1, "{}", String::from_utf8_lossy(&beside.stderr));
        save(&here, &format!("{n}.md"), format!("{n}\n"));
        assert_eq!(watch.until_moved()["pushed"], 1);
        there.write(&format!("there {n}.md"), format!("{n}\n"));
        there.sync();
        while !here.has(&format!("there {n}.md")) {
            watch.until("synced");
        }
    }
    assert_eq!(watch.interrupt(), Some(130));
}

#[test]
fn guards_conflicts_and_bad_files_do_not_end_it() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    for n in 0..40 {
        let folder = if n < 30 { "many" } else { "few" };
        here.write(&format!("{folder}/{n:02}.md"), format!("{n}\n"));
    }
    here.sync();
    there.sync();
    for n in 0..30 {
        here.write(
            &format!(".prepared/{n:02}.md"),
            if n == 0 { "changed here\n".to_owned() } else { format!("{n}\n") },
        );
    }
    let mut watch = Watch::start(&here, &BY_EVENTS);
    // All at once, here and back: no sync finds a part of it.
    fs::rename(here.path("many"), here.path(".away")).unwrap();
    let (end, _) = watch.until("synced");
    assert_eq!((&end["exit_code"], &end["pushed"]), (&4.into(), &0.into()), "{end}");
    fs::rename(here.path(".prepared"), here.path("many")).unwrap();
    assert_eq!(watch.until_moved()["pushed"], 1);
    // Deleted there, changed here while the watch was away.
    assert_eq!(watch.interrupt(), Some(130));
    there.sync();
    here.write("many/01.md", "changed here\n");
    there.delete("many/01.md");
    there.sync();
    let mut watch = Watch::spawn(&mut here.command(&BY_EVENTS));
    assert_eq!(watch.until("conflict").0["path"], "many/01.md");
    assert_eq!(watch.until("synced").0["conflicts"], 1);
    assert!(here.run(&["conflicts"]).expect(1).says(&["many/01.md"]));
    here.run(&["conflicts", ".", "--settle", "mine", "many/01.md"]).expect(0);
    here.run(&["sync"]).expect(0);
    save(&here, "bad.md", [0xff, 0xfe]);
    save(&here, "good.md", "good\n");
    let (problem, _) = watch.until("problem");
    assert_eq!(problem["path"], "bad.md");
    assert_eq!(watch.until_moved()["pushed"], 1);
    save(&here, "good.md", "better\n");
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
fn it_starts_no_other_process() {
    let desk = Desk::new();
    let place = desk.place();
    place.write("a.md", "one\n");
    let watch = Watch::start(&place, &BY_EVENTS);
    let tasks = fs::read_dir(format!("/proc/{}/task", watch.child.id())).unwrap();
    let children = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default());
    assert_eq!(children.collect::<String>(), "");
}

#[test]
fn where_the_system_tells_nothing_it_looks() {
    let desk = Desk::new();
    let place = desk.place();
    let mut watch = Watch::start(&place, &[&BY_EVENTS[..], &["--poll", "1"]].concat());
    save(&place, "deep/a.md", "one\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    save(&place, "deep/a.md", "two\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    watch.expect_silence();
    drop(watch);
    // The system's limit, reached for real, in a user namespace where it is two folders.
    let lower = "echo 2 > /proc/sys/user/max_inotify_watches";
    let in_namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-Ur", "sh", "-c", script, "sh"]);
        command
    };
    if !in_namespace(lower).output().is_ok_and(|output| output.status.success()) {
        tell_left_out("the system's limit of watched folders, which no user namespace may lower");
        return;
    }
    let inner = place.command(&BY_EVENTS);
    let mut limited = in_namespace(&format!("{lower} && exec \"$@\""));
    limited.arg(inner.get_program()).args(inner.get_args());
    limited.current_dir(place.path("")).envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    for n in 0..4 {
        place.write(&format!("{n}/b.md"), format!("{n}\n"));
    }
    let mut watch = Watch::spawn(&mut limited);
    let (note, _) = watch.until("note");
    assert!(note["text"].as_str().unwrap().contains("max_user_watches"), "{note}");
    watch.until("synced");
    save(&place, "3/b.md", "found by looking\n");
    assert_eq!(watch.until_moved()["pushed"], 1);
    assert_eq!(desk.documents()["3/b.md"], ["found by looking\n"]);
}
