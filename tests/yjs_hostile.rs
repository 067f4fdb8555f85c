//! Updates that crash, stall or poison a server that hands them to yrs: refused by the scanner, or harmless behind it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

mod yjs_support;

use std::time::{Duration, Instant};

use landfall::domain::yjs_facts::StateVector;
use landfall::yjs::merge::{merge_updates, squash};
use landfall::yjs::render::{RenderError, Renderer};
use landfall::yjs::scan::{ScanError, scan_state_vector, scan_update};
use yjs_support::hand::{behind, between, element, in_item, in_map, in_root, list, number, text, update};
use yjs_support::hostile::{self, USE_AFTER_FREE};
use yjs_support::{Bytes, base64, caps, documents, node, parse, renderer};

const TIME_BUDGET: Duration = Duration::from_secs(20);

/// What became of a list of updates that a server was sent one after the other.
#[derive(Debug)]
enum Fate {
    /// The scanner refused one of them.
    Refused(ScanError),
    /// One leans on changes that are not there.
    Incomplete,
    /// All were accepted, and this is what rendering them gave.
    Rendered(Result<String, RenderError>),
}

fn receive(updates: &[Vec<u8>], renderer: &Renderer) -> Fate {
    let mut known = StateVector::default();
    for update in updates {
        let scanned = match scan_update(update.clone(), &caps()) {
            Ok(scanned) => scanned,
            Err(error) => return Fate::Refused(error),
        };
        if !scanned.is_complete_for(&known) {
            return Fate::Incomplete;
        }
        for span in scanned.spans {
            known.advance(span.client, span.end);
        }
    }
    // Many small updates may together be over a cap, but never malformed.
    let squashed = scan_update(squash(updates).unwrap(), &caps());
    assert!(!matches!(squashed, Err(ScanError::Invalid { .. })), "{squashed:?}");
    Fate::Rendered(renderer.render(updates))
}

/// A document that has nothing to do with the hostile one is rendered right, by the same pool.
fn assert_unharmed(renderer: &Renderer) {
    let good = update(&[(1, 0, vec![in_root("content", &text("good"))])], &[]);
    assert_eq!(renderer.render(&[good]).unwrap(), "good");
}

fn refused(updates: &[Vec<u8>]) -> String {
    match receive(updates, &renderer(1, TIME_BUDGET)) {
        Fate::Refused(error) => error.to_string(),
        fate => panic!("{fate:?}"),
    }
}

fn rendered(updates: &[Vec<u8>]) -> String {
    let renderer = renderer(1, TIME_BUDGET);
    let started = Instant::now();
    match receive(updates, &renderer) {
        Fate::Rendered(Ok(text)) => {
            assert!(started.elapsed() < TIME_BUDGET);
            assert_unharmed(&renderer);
            text
        }
        fate => panic!("{fate:?}"),
    }
}

#[test]
fn known_updates_do_no_harm() {
    let renderer = renderer(1, TIME_BUDGET);
    for (name, updates) in hostile::cases() {
        let started = Instant::now();
        let fate = receive(&updates, &renderer);
        if name == USE_AFTER_FREE {
            assert!(matches!(fate, Fate::Rendered(Ok(_))), "all that it leans on is there: {fate:?}");
        } else {
            assert!(matches!(fate, Fate::Refused(_) | Fate::Incomplete), "{name}: {fate:?}");
        }
        // A worker that is handed the bytes without a scan before it.
        drop(renderer.render(&updates));
        assert_unharmed(&renderer);
        assert!(started.elapsed() < TIME_BUDGET, "{name} took {:?}", started.elapsed());
    }
}

#[test]
fn deep_values_are_refused() {
    let arrays = [vec![8, 1], [117, 1].repeat(30_000), vec![126]].concat();
    assert!(refused(&[update(&[(1, 0, vec![in_root("list", &arrays)])], &[])]).contains("max_yjs_nesting"));
    let json = "[".repeat(30_000) + &"]".repeat(30_000);
    let embed = [vec![5], number(60_000), json.into_bytes()].concat();
    assert!(refused(&[update(&[(1, 0, vec![in_root("list", &embed)])], &[])]).contains("max_yjs_nesting"));
}

#[test]
fn deep_types_are_refused_and_harmless_when_they_come_one_by_one() {
    for kind in [list(), element("p")] {
        let mut structs = vec![in_root("content", &kind)];
        structs.extend((1..8_000).map(|clock| in_item((1, clock - 1), &kind)));
        let deletion = update(&[], &[(1, 0, 1)]);
        let whole = update(&[(1, 0, structs.clone())], &[(1, 0, 1)]);
        assert!(refused(&[whole]).contains("max_yjs_nesting"));
        let mut single: Vec<_> = structs
            .into_iter()
            .enumerate()
            .map(|(clock, item)| update(&[(1, clock as u64, vec![item])], &[]))
            .collect();
        let renderer = renderer(1, TIME_BUDGET);
        assert_eq!(renderer.render(&single).unwrap(), "");
        single.push(deletion);
        assert_eq!(renderer.render(&single).unwrap(), "");
    }
}

#[test]
fn large_numbers_in_any_place_do_no_harm() {
    let renderer = renderer(1, TIME_BUDGET);
    let good = update(
        &[
            (9, 0, vec![between((5, 0), (5, 1), &text("x")), vec![0, 3]]),
            (
                5,
                0,
                vec![
                    in_root("content", &text("ab")),
                    in_map("m", "k", &[8, 2, 125, 1, 117, 1, 126]),
                    behind((5, 1), &[1, 2]),
                ],
            ),
        ],
        &[(5, 0, 1)],
    );
    assert!(matches!(receive(std::slice::from_ref(&good), &renderer), Fate::Rendered(Ok(text)) if text == "xb"));
    let started = Instant::now();
    for at in 0..good.len() {
        for value in [1_u64 << 28, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 53) - 1, 1 << 53, u64::MAX] {
            let mutant = [&good[..at], &number(value), &good[at + 1..]].concat();
            if let Fate::Rendered(Err(RenderError::Unavailable(reason))) = receive(&[mutant], &renderer) {
                panic!("{reason}");
            }
        }
    }
    assert!(started.elapsed() < TIME_BUDGET, "{:?}", started.elapsed());
    assert_unharmed(&renderer);
}

#[test]
fn many_clients_on_one_key_are_capped_and_cheap() {
    let writers = |count: u64| {
        let write = |client| (client, 0, vec![in_map("content", "key", &text("v"))]);
        update(&(1..=count).rev().map(write).collect::<Vec<_>>(), &[])
    };
    assert!(refused(&[writers(32_000)]).contains("max_yjs_clients"));
    assert_eq!(rendered(&[writers(8_192)]), "");
    // In updates of their own no cap is met.
    let single: Vec<_> =
        (1..=32_000).map(|client| update(&[(client, 0, vec![in_map("content", "key", &text("v"))])], &[])).collect();
    assert_eq!(rendered(&single), "");
}

#[test]
fn many_clients_at_one_place_cost_one_worker_at_most() {
    let insert = |client| (client, 0, vec![in_root("content", &text("v"))]);
    let crowd = update(&(1..=8_192).rev().map(insert).collect::<Vec<_>>(), &[]);
    let renderer = renderer(1, Duration::from_secs(3));
    let started = Instant::now();
    match receive(&[crowd], &renderer) {
        Fate::Rendered(Ok(text)) => assert_eq!(text, "v".repeat(8_192)),
        Fate::Rendered(Err(RenderError::Damaged(_))) => {}
        fate => panic!("{fate:?}"),
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_unharmed(&renderer);
}

#[test]
fn a_long_text_that_is_split_from_the_back_is_shown() {
    let long = "ab".repeat(32_000);
    let splits = (0..32_000_u64).map(|n| {
        let right = 2 * (32_000 - n) - 1;
        between((1, right - 1), (1, right), &text("-"))
    });
    let split = update(&[(2, 0, splits.collect()), (1, 0, vec![in_root("content", &text(&long))])], &[]);
    assert_eq!(rendered(&[split]), "a-b".repeat(32_000));
    let deletions: Vec<_> = (0..32_000_u64).map(|n| 2 * n).collect();
    let mut every_other = update(&[(1, 0, vec![in_root("content", &text(&long))])], &[]);
    every_other.pop();
    every_other.extend([1, 1].map(number).concat());
    every_other.extend(number(32_000));
    every_other.extend(deletions.into_iter().flat_map(|clock| [number(clock), number(1)].concat()));
    assert_eq!(rendered(&[every_other]), "b".repeat(32_000));
}

#[test]
fn bytes_after_the_end_are_refused() {
    for document in documents() {
        for part in document.updates() {
            let reason = refused(&[[part, vec![0]].concat()]);
            assert!(reason.contains("bytes after the end"), "{}: {reason}", document.name);
        }
    }
}

#[test]
fn v2_updates_are_never_read_as_v1() {
    for document in documents() {
        let updates: Vec<_> = document.updates().iter().map(|part| base64(part)).collect();
        let v2: Vec<Bytes> = parse(&node("to-v2.mjs", &[], &serde_json::to_vec(&updates).unwrap()));
        for Bytes(part) in v2 {
            assert!(scan_update(part, &caps()).is_err(), "{}", document.name);
        }
    }
}

#[test]
fn state_vectors_are_not_believed() {
    let claim = |count: u64| scan_state_vector(&[number(count), vec![1, 1]].concat(), &caps());
    for count in [0, 2, 1 << 28, (1 << 31) - 1, (1 << 32) - 1, (1 << 53) - 1, u64::MAX] {
        assert!(claim(count).is_err(), "{count}");
    }
    assert!(claim(1).is_ok());
}

#[test]
fn merging_hostile_parts_ends() {
    let all: Vec<Vec<u8>> = hostile::cases().flat_map(|(_, updates)| updates).collect();
    for first in &all {
        for second in &all {
            let pair = [first.clone(), second.clone()];
            assert_eq!(merge_updates(&pair).is_ok(), squash(&pair).is_ok());
        }
    }
}
