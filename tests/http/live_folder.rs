//! One document at once by live editors, by batches of a script, and as a file of a folder that `landfall watch` keeps in step.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::live::{finish, run, start_typing};
use crate::harness::user::PASSWORD;
use crate::harness::{Database, TestServer, User, on_both_databases, update};

on_both_databases!(editors_scripts_and_a_folder_see_one_text);

const FILE: &str = "shared.md";
const PATIENCE: Duration = Duration::from_secs(60);
/// What the script and the folder each add.
const LINES: usize = 3;

fn landfall(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    command.env("LANDFALL_USERNAME", "ada").env("LANDFALL_PASSWORD", PASSWORD);
    command
}

/// A process that is killed in the end.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[track_caller]
fn wait_until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "it took too long until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Adds a line at the end, by a script that read the text before and knows nothing of Yjs.
fn add_by_batch(ada: &User, document: &str, line: &str) {
    let stored = ada.read(document).expect(200);
    let text = format!("{}{line}\n", stored.string("/content"));
    let edit = update(line, document).base(stored.body["version"].as_i64().unwrap()).content(&text);
    let answer = ada.send(edit);
    assert_eq!(answer.result(line)["status"], "success", "{answer}");
}

/// Adds a line to the file, as an editor does: beside its place, then renamed.
fn add_to_file(folder: &Path, line: &str) {
    let text = format!("{line}\n{}", fs::read_to_string(folder.join(FILE)).unwrap());
    fs::write(folder.join(".draft"), text).unwrap();
    fs::rename(folder.join(".draft"), folder.join(FILE)).unwrap();
}

fn editors_scripts_and_a_folder_see_one_text(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_RATE_LIMIT", "off")]);
    let ada = server.register("ada");
    let document = ada.new_document(FILE, "the middle\n");
    let place = TempDir::new().unwrap();
    let folder = place.path();
    let url = server.client().base_url();
    assert!(landfall(folder, &["init", ".", "--server", &url]).status().unwrap().success());
    let watch = landfall(folder, &["watch", "--interval", "3600"]).spawn().unwrap();
    let _watch = Watch(watch);
    wait_until("the file is there", || folder.join(FILE).exists());

    let (crowd, output) = start_typing(&server, &ada, &document, &["2", "10", "y", "hocuspocus"]);
    for n in 0..LINES {
        add_by_batch(&ada, &document, &format!("script {n}"));
        add_to_file(folder, &format!("folder {n}"));
        thread::sleep(Duration::from_millis(400));
    }
    finish(crowd, output);
    let is_typed = |key: &char| ('\u{4e00}'..='\u{9fff}').contains(key);
    let lines = |text: &str| -> Vec<String> {
        let rest: String = text.chars().filter(|key| !is_typed(key)).collect();
        let mut lines: Vec<String> = rest.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let mut wanted: Vec<String> = ["the middle".to_owned()].into();
    wanted.extend((0..LINES).flat_map(|n| [format!("folder {n}"), format!("script {n}")]));
    wanted.sort();
    let stored = || ada.read(&document).string("/content").to_owned();
    wait_until("the folder's lines have arrived", || lines(&stored()) == wanted);
    let text = stored();
    assert_eq!(text.chars().filter(is_typed).count(), 40, "each key is there once: {text:?}");
    wait_until("the file has all", || fs::read_to_string(folder.join(FILE)).unwrap() == text);
    // And so have those who connect now, by either provider.
    let said = run(&server, &ada, &document, "type.mjs", &["0", "1", "y", "hocuspocus"]);
    assert_eq!(said[0]["text"], text);
}
