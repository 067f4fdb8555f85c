//! The client and the server are killed at random moments, again and again: nothing is lost, nothing is doubled.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::place::{Desk, Place};
use crate::harness::{Database, on_both_databases};

on_both_databases!(
    the_client_is_killed_at_random_moments,
    the_server_is_killed_at_random_moments,
    a_first_sync_is_killed_again_and_again,
);

/// A small generator of numbers (splitmix64), so that a failing seed can be run again.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

/// Seeds from `first`; `LANDFALL_CRASH_SEEDS` says how many, for a longer search.
fn seeds(first: u64, usually: u64) -> std::ops::Range<u64> {
    let wanted = std::env::var("LANDFALL_CRASH_SEEDS").ok().and_then(|count| count.parse().ok());
    first..first + wanted.unwrap_or(usually)
}

const FILES: u64 = 40;
const ROUNDS: u64 = 6;

/// Each edit puts a mark of its own on a line of its own place: it must be there exactly once at the end.
fn edit(place: &Place, numbers: &mut Numbers, marks: &mut Vec<(String, String)>, round: u64, who: &str) {
    for _ in 0..12 {
        let name = format!("{}.md", numbers.next(FILES));
        let mark = format!("<{who} {round} {}>", marks.len());
        let text = if place.has(&name) { place.read(&name) } else { String::new() };
        let mut lines: Vec<&str> = text.lines().collect();
        let at = numbers.next(lines.len() as u64 + 1) as usize;
        lines.insert(at, &mark);
        place.write(&name, lines.join("\n") + "\n");
        marks.push((name, mark));
    }
}

fn kill_during_sync(place: &Place, after: Duration) {
    let mut child = place.command(&["sync", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
}

fn assert_all_there(desk: &Desk, here: &Place, there: &Place, marks: &[(String, String)]) {
    for _ in 0..2 {
        here.sync();
        there.sync();
    }
    here.sync();
    assert_eq!(here.files(), there.files());
    for (name, mark) in marks {
        let text = here.read(name);
        assert_eq!(text.matches(mark.as_str()).count(), 1, "{mark} in {name}:\n{text}");
    }
    let files: BTreeMap<String, Vec<String>> =
        here.files().into_iter().map(|(path, bytes)| (path, vec![String::from_utf8(bytes).unwrap()])).collect();
    assert_eq!(desk.documents(), files, "one document for each file, with its text");
    here.run(&["verify"]).expect(0);
}

fn start(desk: &Desk) -> (Place, Place) {
    let (here, there) = (desk.place(), desk.place());
    for n in 0..FILES {
        here.write(&format!("{n}.md"), "top\n\nend\n");
    }
    here.sync();
    there.sync();
    (here, there)
}

fn the_client_is_killed_at_random_moments(database: Database) {
    for seed in seeds(100, 3) {
        eprintln!("seed {seed}");
        let mut numbers = Numbers(seed);
        let desk = Desk::on(database);
        let (here, there) = start(&desk);
        let mut marks = Vec::new();
        for round in 0..ROUNDS {
            edit(&here, &mut numbers, &mut marks, round, "here");
            edit(&there, &mut numbers, &mut marks, round, "there");
            kill_during_sync(&here, Duration::from_millis(numbers.next(400)));
            kill_during_sync(&there, Duration::from_millis(numbers.next(400)));
        }
        assert_all_there(&desk, &here, &there, &marks);
    }
}

fn the_server_is_killed_at_random_moments(database: Database) {
    for seed in seeds(200, 2) {
        eprintln!("seed {seed}");
        let mut numbers = Numbers(seed);
        let mut desk = Desk::restartable_on(database, &[]);
        let (here, there) = start(&desk);
        let mut marks = Vec::new();
        for round in 0..ROUNDS {
            edit(&here, &mut numbers, &mut marks, round, "here");
            edit(&there, &mut numbers, &mut marks, round, "there");
            let mut child = here.spawn(&["sync", "--retries", "0", "--batch-size", "3"]);
            thread::sleep(Duration::from_millis(100 + numbers.next(300)));
            desk.server.kill();
            child.wait().unwrap();
            desk.server.restart();
            there.run(&["sync"]);
        }
        assert_all_there(&desk, &here, &there, &marks);
    }
}

fn a_first_sync_is_killed_again_and_again(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    let mut numbers = Numbers(7);
    let mut marks = Vec::new();
    for n in 0..200 {
        here.write(&format!("{n}.md"), format!("<{n}>\n"));
        marks.push((format!("{n}.md"), format!("<{n}>")));
    }
    for _ in 0..8 {
        kill_during_sync(&here, Duration::from_millis(50 + numbers.next(400)));
        kill_during_sync(&there, Duration::from_millis(50 + numbers.next(400)));
    }
    assert_all_there(&desk, &here, &there, &marks);
}
