//! Histories of people typing: every form in which an editor may send them is accepted, united without
//! loss, and shown as the text that was typed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

mod yjs_support;

use std::path::Path;
use std::time::Duration;

use landfall::domain::limits::YjsCaps;
use landfall::domain::yjs_facts::StateVector;
use landfall::yjs::fit::{check_fits, unplaceable};
use landfall::yjs::merge::{diff_update, facts_of, join_updates, merge_updates, squash};
use landfall::yjs::scan::scan_update;
use yjs_support::histories::{History, NAMES};
use yjs_support::{caps, generated, recorded, renderer, trace};

fn check(name: &str, file: &Path) {
    let trace = trace(file);
    let (updates, merged, state) = (trace.updates(), trace.merged(), trace.state());

    let mut known = StateVector::default();
    for update in &updates {
        let scanned = scan_update(update.clone(), &caps()).unwrap();
        assert!(scanned.is_complete_for(&known), "{name}: an update leans on a later one");
        for span in &scanned.spans {
            known.advance(span.client, span.end);
        }
    }
    for whole in [&merged, &state] {
        let scanned = scan_update(whole.clone(), &caps()).unwrap();
        assert!(scanned.requires.is_empty());
        assert_eq!(scanned.spans.iter().map(|span| (span.client, span.end)).collect::<StateVector>(), known);
    }

    assert!(merge_updates(&updates).unwrap() == merged, "{name}: not the bytes that yjs makes of the same updates");
    let squashed = squash(&updates).unwrap();
    assert!(squashed == squash(std::slice::from_ref(&merged)).unwrap());
    assert!(squashed.len() * 2 < merged.len(), "{name}: {} bytes squashed to {}", merged.len(), squashed.len());
    let facts = facts_of(&updates).unwrap();
    assert_eq!(facts.0, known);
    for form in [&merged, &state, &squashed] {
        assert!(facts_of(std::slice::from_ref(form)).unwrap() == facts, "{name}: knows or deletes something else");
    }

    // `landfall admin verify` has nothing to say of it.
    for form in [&updates, &vec![merged.clone()], &vec![state.clone()], &vec![squashed.clone()]] {
        assert_eq!(unplaceable(form), Ok(Vec::new()), "{name}");
    }

    // What people type is never dear: it stays below the 64 steps that every item has anyway.
    let strict = YjsCaps { max_yjs_steps: 0, ..caps() };
    for whole in [&merged, &state, &squashed] {
        let scanned = scan_update(whole.clone(), &caps()).unwrap();
        assert_eq!(check_fits(&[], &StateVector::default(), &[&scanned], &strict), [Ok(())], "{name}");
    }

    let scanned: Vec<_> = updates.iter().map(|update| scan_update(update.clone(), &caps()).unwrap()).collect();
    assert!(join_updates(scanned, &caps()).unwrap().bytes == merged);

    let half = updates.split_at(updates.len() / 2).0;
    let known_to_reader = facts_of(half).unwrap().0;
    let rest = diff_update(std::slice::from_ref(&state), &known_to_reader).unwrap().unwrap();
    assert!(rest.len() < state.len());
    let mut caught_up = half.to_vec();
    caught_up.push(rest);

    let renderer = renderer(1, Duration::from_secs(60));
    for (form, parts) in [
        ("single updates", updates),
        ("merged updates", vec![merged]),
        ("a whole state", vec![state]),
        ("squashed updates", vec![squashed]),
        ("half the updates and a diff", caught_up),
    ] {
        assert!(renderer.render(&parts).unwrap() == trace.text, "{name}: {form} show another text");
    }
}

fn check_generated(name: &str) {
    check(name, &generated(name));
}

fn check_recorded(name: &str) {
    if let Some(file) = recorded(name) {
        check(name, &file);
    }
}

#[test]
fn prose_by_one_typist() {
    check_generated("prose");
}

#[test]
fn code_by_one_typist() {
    check_generated("code");
}

#[test]
fn prose_by_two_typists_at_once() {
    check_generated("two-at-once");
}

#[test]
fn long_branches_by_three_typists_offline() {
    check_generated("offline-branches");
}

/// What npm yjs makes of them is looked at by the others: it refuses a text that is not that of yrs.
#[test]
fn histories_are_what_they_are_said_to_be() {
    let histories: Vec<_> = NAMES.iter().map(|name| (*name, History::named(name))).collect();
    for (name, history) in &histories {
        let all: Vec<_> = history.transactions.iter().flat_map(|transaction| &transaction.edits).collect();
        let has = |found: fn(char) -> bool| all.iter().any(|edit| edit.inserted.contains(found));
        assert!(
            has(|letter| letter > '\u{ffff}') && has(|letter| ('\u{4e00}'..'\u{9fff}').contains(&letter)),
            "{name}"
        );
        assert!(all.len() >= 5_000 && all.iter().any(|edit| edit.deleted > 1), "{name}: {} edits", all.len());
        assert_eq!(History::named(name).to_json(), history.to_json(), "{name} is not the same again");
    }
    let [prose, _, two, branches] = &histories[..] else { panic!("{NAMES:?}") };
    assert_eq!(prose.1.transactions.len(), 100_000);
    let merges = |history: &History| history.transactions.iter().filter(|one| one.parents.len() > 1).count();
    assert!(merges(&two.1) > 100, "{}", merges(&two.1));
    let longest = branches.1.transactions.chunk_by(|_, next| next.parents.len() < 2).map(<[_]>::len).max();
    assert!(longest > Some(500), "{longest:?}");
}

#[test]
fn a_recorded_program_typed_by_one_person() {
    check_recorded("sveltecomponent");
}

#[test]
fn a_recorded_paper_typed_by_one_person() {
    check_recorded("automerge-paper");
}

#[test]
fn a_recorded_text_typed_by_two_people_at_once() {
    check_recorded("friendsforever");
}
