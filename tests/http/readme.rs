//! The README is one story: its commands are run in order, in one shell, and print what it says they print.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::reserved_port::ReservedPort;
use crate::harness::{Database, TestServer};

const README: &str = include_str!("../../README.md");
const CONFIGURATION: &str = include_str!("../../docs/configuration.md");
/// The server's address in the story.
const ADDRESS: &str = "127.0.0.1:7001";
/// Stands for what is different each time: within a line, or for a whole line or none.
const ANY: &str = "…";
/// How long the server may take to say what to do first.
const PATIENCE: Duration = Duration::from_secs(120);
/// Ends the output of a step.
const MARK: &str = "\u{1e}";

/// Commands, and what they print.
struct Step {
    commands: String,
    output: String,
}

/// The steps of a page, up to a heading.
fn steps(page: &str, end: &str) -> Vec<Step> {
    let story = page.split_once(end).expect("the heading").0;
    let mut steps: Vec<Step> = Vec::new();
    for block in story.split("\n```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').expect("a block");
        match language {
            "sh" => steps.push(Step { commands: format!("{text}\n"), output: String::new() }),
            "text" => steps.last_mut().expect("commands before their output").output = text.to_owned(),
            other => panic!("a block of {other:?} is run by nothing"),
        }
    }
    steps
}

/// Whether a line is what the page says.
fn is_line(expected: &str, found: &str) -> bool {
    let mut rest = found;
    let mut parts = expected.split(ANY);
    let Some(after) = parts.next().and_then(|first| rest.strip_prefix(first)) else { return false };
    rest = after;
    let mut is_exact = true;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        is_exact = part.is_empty();
    }
    rest.is_empty() || (is_exact && expected.ends_with(ANY))
}

fn assert_output(step: &Step, found: &str, address: &str) {
    let expected = step.output.replace(ADDRESS, address);
    let mut found = found.lines();
    let mut next = found.next();
    for expected in expected.lines() {
        if expected == ANY {
            // Where the login is kept: a machine with a keyring says so differently.
            if next.is_some_and(|line| line.contains("login")) {
                next = found.next();
            }
            continue;
        }
        let line = next.unwrap_or_else(|| panic!("{expected:?} is not printed by\n{}", step.commands));
        assert!(is_line(expected, line), "{expected:?} in the README, {line:?} of\n{}", step.commands);
        next = found.next();
    }
    assert_eq!(next, None, "printed by\n{}", step.commands);
}

/// Runs the steps in one shell in an empty folder; what each has printed.
fn run(steps: &[Step], address: &str) -> Vec<String> {
    let mut script = String::from("set -eu\ntrap 'kill $(jobs -p)' EXIT\n");
    for step in steps {
        // What is built is what this test was built with.
        if !step.commands.contains("cargo build") {
            script += &step.commands.replace(ADDRESS, address);
        }
        script += &format!("printf '{MARK}'\n");
    }
    let folder = tempfile::tempdir().unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_landfall")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&folder)
        .env("PATH", path)
        .env("HOME", folder.path())
        .env("LANDFALL_LISTEN", address)
        .env("LANDFALL_CREDENTIALS", "file")
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{out}");
    out.split(MARK).map(str::to_owned).collect()
}

#[test]
fn the_story_of_the_readme_is_what_happens() {
    let steps = steps(README, "\n## What it does");
    assert!(steps.len() > 7, "{} steps were found", steps.len());
    let port = ReservedPort::take();
    let address = port.address().to_string();
    for (step, printed) in steps.iter().zip(run(&steps, &address)) {
        assert_output(step, &printed, &address);
    }
}

/// The line that ends what is to be pasted.
const LAST_STEP: &str =
    r##"  {"operation":"create","client_id":"op_1","data":{"title":"Hello","content":"# Hello"}}]}'"##;

/// What the server prints at its start works when pasted, and when pasted again.
#[test]
fn the_first_steps_work_when_pasted_twice() {
    let server = TestServer::start_with(Database::Sqlite, &[("LANDFALL_REGISTRATION", "open")]);
    let started = Instant::now();
    while !server.log().contains(LAST_STEP) && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    let said = server.log();
    let (_, steps) = said.split_once("Paste this").expect("first steps");
    let (steps, _) = steps.split_once(LAST_STEP).expect("the last step");
    // What it logs meanwhile may stand in between.
    let steps = steps.lines().skip(2).filter(|line| !line.starts_with("20"));
    let steps: String = steps.chain([LAST_STEP]).flat_map(|line| [line, "\n"]).collect();
    for _ in 0..2 {
        let output = Command::new("bash").arg("-euc").arg(&steps).stdin(Stdio::null()).output().expect("bash");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains(r#""successful":1"#), "{text}");
    }
}

#[test]
fn lines_match_where_they_should() {
    assert!(is_line("a … c", "a b c") && is_line("…", "x") && is_line("a…", "a") && is_line("a", "a"));
    assert!(!is_line("a … c", "a b d") && !is_line("a", "ab") && !is_line("a … c", "a b c d"));
}

#[test]
fn the_page_of_settings_knows_every_setting_and_no_other() {
    let names = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        words.filter(|word| word.starts_with("LANDFALL_")).map(str::to_owned).collect()
    };
    let sources = [
        include_str!("../../src/config/options.rs"),
        include_str!("../../src/config/limit_options.rs"),
        include_str!("../../src/config/data_options.rs"),
        include_str!("../../src/client/login/mod.rs"),
    ];
    assert_eq!(names(CONFIGURATION), sources.into_iter().flat_map(names).collect::<BTreeSet<_>>());
}
