//! The client and the server are killed at random moments, again and again: nothing is lost, nothing is doubled.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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

/// When somebody is killed.
enum Moment {
    /// So long after the start.
    After(Duration),
    /// So long after the sync has told so many changes.
    AtChange(u64, Duration),
}

impl Moment {
    /// Two of three among the first changes, the others anywhere in a sync that takes so long.
    fn draw(numbers: &mut Numbers, sync_takes: Duration, changes: u64) -> Self {
        match numbers.next(3) {
            0 => Self::After(sync_takes * u32::try_from(numbers.next(120)).unwrap() / 100),
            _ => Self::AtChange(1 + numbers.next(changes), Duration::from_millis(numbers.next(20))),
        }
    }

    /// Waits for it, or for the end of the sync; how many changes have been told.
    fn wait(&self, told: &mut impl Iterator<Item = String>) -> u64 {
        match *self {
            Self::After(time) => {
                thread::sleep(time);
                0
            }
            Self::AtChange(nth, then) => {
                let count = told.filter(|line| is_change(line)).take(nth as usize).count() as u64;
                thread::sleep(then);
                count
            }
        }
    }
}

fn is_change(line: &str) -> bool {
    line.contains(r#""event":"pushed""#) || line.contains(r#""event":"written""#)
}

fn count_changes(told: &mut impl Iterator<Item = String>) -> u64 {
    told.filter(|line| is_change(line)).count() as u64
}

fn told_by(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok)
}

/// Whether it was killed between its first change and its end.
fn kill_during_sync(place: &Place, moment: &Moment, batch_size: &str) -> bool {
    let arguments = ["sync", "--json", "--batch-size", batch_size, "--concurrency", "2"];
    let mut child = place.command(&arguments).stderr(Stdio::null()).spawn().unwrap();
    let mut told = told_by(&mut child);
    let count = moment.wait(&mut told);
    let _ = child.kill();
    let status = child.wait().unwrap();
    count + count_changes(&mut told) > 0 && !status.success()
}

/// Of one batch, or of many.
fn draw_batch_size(numbers: &mut Numbers) -> &'static str {
    ["3", "50"][numbers.next(2) as usize]
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

/// Two folders with the same files, and how long the first sync of one of them took.
fn start(desk: &Desk) -> (Place, Place, Duration) {
    let (here, there) = (desk.place(), desk.place());
    for n in 0..FILES {
        here.write(&format!("{n}.md"), "top\n\nend\n");
    }
    here.sync();
    let started = Instant::now();
    there.sync();
    (here, there, started.elapsed())
}

fn the_client_is_killed_at_random_moments(database: Database) {
    let mut cut_short = 0;
    for seed in seeds(100, 3) {
        eprintln!("seed {seed}");
        let mut numbers = Numbers(seed);
        let desk = Desk::on(database);
        let (here, there, sync_takes) = start(&desk);
        let mut marks = Vec::new();
        for round in 0..ROUNDS {
            edit(&here, &mut numbers, &mut marks, round, "here");
            edit(&there, &mut numbers, &mut marks, round, "there");
            for place in [&here, &there] {
                let moment = Moment::draw(&mut numbers, sync_takes, 12);
                cut_short += u64::from(kill_during_sync(place, &moment, draw_batch_size(&mut numbers)));
            }
        }
        assert_all_there(&desk, &here, &there, &marks);
    }
    assert!(cut_short > 0, "no sync was killed between its first change and its end");
}

fn the_server_is_killed_at_random_moments(database: Database) {
    let mut cut_short = 0;
    for seed in seeds(200, 2) {
        eprintln!("seed {seed}");
        let mut numbers = Numbers(seed);
        let mut desk = Desk::restartable_on(database, &[]);
        let (here, there, sync_takes) = start(&desk);
        let mut marks = Vec::new();
        for round in 0..ROUNDS {
            edit(&here, &mut numbers, &mut marks, round, "here");
            edit(&there, &mut numbers, &mut marks, round, "there");
            let moment = Moment::draw(&mut numbers, sync_takes, 6);
            let mut child =
                here.spawn(&["sync", "--json", "--retries", "0", "--batch-size", "3", "--concurrency", "2"]);
            let mut told = told_by(&mut child);
            let count = moment.wait(&mut told);
            desk.server.kill();
            let count = count + count_changes(&mut told);
            let status = child.wait().unwrap();
            cut_short += u64::from(count > 0 && status.code() == Some(3));
            desk.server.restart();
            there.run(&["sync"]);
        }
        assert_all_there(&desk, &here, &there, &marks);
    }
    assert!(cut_short > 0, "no sync lost its server after its first change");
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
    let idle = desk.place();
    let started = Instant::now();
    idle.sync();
    let sync_takes = started.elapsed() * 2;
    let mut cut_short = 0;
    for _ in 0..8 {
        for place in [&here, &there] {
            let moment = Moment::draw(&mut numbers, sync_takes, 30);
            cut_short += u64::from(kill_during_sync(place, &moment, "10"));
        }
    }
    assert!(cut_short > 0, "no sync was killed between its first change and its end");
    assert_all_there(&desk, &here, &there, &marks);
}
