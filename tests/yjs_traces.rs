//! Recorded histories of people typing: every form in which an editor may send them is accepted, united without
//! loss, and shown as the text that was typed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

mod yjs_support;

use std::time::Duration;

use landfall::domain::limits::YjsCaps;
use landfall::domain::yjs_facts::StateVector;
use landfall::yjs::fit::check_fits;
use landfall::yjs::merge::{diff_update, facts_of, join_updates, merge_updates, squash};
use landfall::yjs::scan::scan_update;
use yjs_support::{caps, renderer, trace};

fn check(name: &str) {
    let trace = trace(name);
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

#[test]
fn a_program_typed_by_one_person() {
    check("sveltecomponent");
}

#[test]
fn a_paper_typed_by_one_person() {
    check("automerge-paper");
}

#[test]
fn a_text_typed_by_two_people_at_once() {
    check("friendsforever");
}
