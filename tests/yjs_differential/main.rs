//! The server against npm yjs: mutants of real documents, each either refused or read alike by both.
//!
//! `FUZZ_YJS_SECONDS` says how long (bounded by `FUZZ_YJS_MUTANTS`), `FUZZ_YJS_SEED` where to begin; both are printed.
//! A difference is made small and printed as hex, to be added to the corpus beside this file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]
#![allow(clippy::print_stdout, reason = "what was tried is told")]

mod editor;
mod history;
mod mutants;
#[path = "../yjs_support/mod.rs"]
mod yjs_support;

use std::env;
use std::time::{Duration, Instant};

use editor::Editor;
use history::{Fate, History};
use landfall::yjs::render::{RenderError, Renderer};
use mutants::{Random, World, mutate};
use yjs_support::hostile::from_hex;
use yjs_support::model::Update;
use yjs_support::{documents, random_documents, renderer};

/// Histories that are compared in one exchange with npm yjs.
const TOGETHER: usize = 40;

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().expect(name))
}

/// Real documents, as lists of updates: most of them short, since short ones show a difference best.
fn bases() -> Vec<Vec<Vec<u8>>> {
    let mut bases: Vec<_> =
        documents().iter().chain(&random_documents(7, 60)).map(|document| document.updates()).collect();
    bases.retain(|updates| !updates.is_empty() && updates.iter().map(Vec::len).sum::<usize>() < 4_000);
    // The start of each, too.
    let starts: Vec<_> = bases.iter().map(|updates| updates[..updates.len().min(6)].to_vec()).collect();
    bases.extend(starts);
    bases.extend(SMALL.iter().map(|updates| updates.iter().map(|hex| from_hex(hex)).collect()));
    bases
}

/// A text; a paragraph of XML; a text and a map.
const SMALL: [&[&str]; 3] = [
    &["01010100040107636f6e74656e74046162636400"],
    &["01030100070107636f6e74656e74030170070001000604000101047465787400"],
    &["01010100040107636f6e74656e7402616200", "010202002801016d016b017ec402000100017800"],
];

/// A history of a few real updates and a few mutants; and how many mutants were tried and accepted.
fn grow(base: &[Vec<u8>], random: &mut Random) -> (History, usize, usize) {
    let real: Vec<Update> = base.iter().map(|update| Update::read(update)).collect();
    let kept = random.below(real.len() + 1);
    let mut history = History::default();
    base[..kept].iter().for_each(|update| drop(history.receive(update)));
    let mut world = World::of(&real[..kept]);
    let (mut tried, mut accepted) = (0, 0);
    for _ in 0..1 + random.below(5) {
        let seed = random.pick(&real[kept.saturating_sub(2)..]).clone();
        let mutant = mutate(&seed, &world, random);
        tried += 1;
        if history.receive(&mutant.write()) == Fate::Accepted {
            accepted += 1;
            world.learn(&mutant);
        }
    }
    (history, tried, accepted)
}

/// Who edits from outside: no client of the mutants.
const SCRIPT: u64 = (1 << 52) + 5;

/// Replaces a piece of the document's text, as the server does for a script; whether it is a text that can be edited.
fn edit(history: &mut History, editors: &Renderer, random: &mut Random) -> bool {
    let mut letters: Vec<char> = history.text().chars().collect();
    let at = random.below(letters.len() + 1);
    let end = (at + random.below(4)).min(letters.len());
    letters.splice(at..end, ["", "+", "new 😀 words"][random.below(3)].chars());
    let wanted: String = letters.iter().collect();
    match editors.edit(&history.updates, SCRIPT, &wanted) {
        Ok(update) => {
            assert_eq!(history.receive(&update), Fate::Accepted, "an edit of {:x?}", history.updates);
            assert_eq!(history.text(), wanted);
            true
        }
        Err(RenderError::Damaged(reason)) if reason.contains("rich text") => false,
        Err(error) => panic!("{error}: {:x?}", history.updates),
    }
}

#[test]
fn mutants_read_as_npm_yjs_reads_them() {
    let seed = setting("FUZZ_YJS_SEED", 1);
    let deadline = Instant::now() + Duration::from_secs(setting("FUZZ_YJS_SECONDS", 60));
    let wanted = setting("FUZZ_YJS_MUTANTS", 12_000) as usize;
    let (bases, mut random) = (bases(), Random(seed));
    let mut editor = Editor::start();
    let editors = renderer(1, Duration::from_secs(20));
    let (mut tried, mut accepted, mut documents, mut edited) = (0, 0, 0, 0);
    while Instant::now() < deadline && tried < wanted {
        let mut histories = Vec::new();
        while histories.len() < TOGETHER {
            let base = &bases[random.below(bases.len())];
            let (mut history, some, good) = grow(base, &mut random);
            (tried, accepted) = (tried + some, accepted + good);
            if good > 0 {
                if random.chance(4) {
                    edited += usize::from(edit(&mut history, &editors, &mut random));
                }
                histories.push(history);
            }
        }
        documents += histories.len();
        let differences = editor.compare(&histories);
        if let Some((at, _)) = differences.first() {
            let small = editor.minimise(histories[*at].clone());
            panic!("seed {seed}, after {tried} mutants: {}", editor.describe(&small));
        }
    }
    println!(
        "seed {seed}: {tried} mutants, {accepted} accepted, {documents} documents compared, {edited} of them edited \
         from outside, no difference, nothing without a place"
    );
}

#[test]
fn known_cases_stay_known() {
    let mut editor = Editor::start();
    for line in include_str!("corpus.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, rest) = line.split_once(": ").expect(line);
        let (updates, expected) = rest.split_once(" = ").expect(line);
        let mut history = History::default();
        let fates: Vec<_> = updates.split(' ').map(|hex| history.receive(&from_hex(hex))).collect();
        match expected.strip_prefix("refused") {
            Some(reason) => {
                let Some(Fate::Refused(told)) = fates.last() else { panic!("{name}: {fates:?}") };
                assert!(told.contains(reason.trim()), "{name}: {told}");
                assert!(fates[..fates.len() - 1].iter().all(|fate| *fate == Fate::Accepted), "{name}: {fates:?}");
            }
            None => {
                assert!(fates.iter().all(|fate| *fate == Fate::Accepted), "{name}: {fates:?}");
                assert_eq!(history.text(), expected.trim_matches('"'), "{name}");
            }
        }
        let differences = editor.compare(std::slice::from_ref(&history));
        assert!(differences.is_empty(), "{name}: {}", editor.describe(&history));
    }
}
