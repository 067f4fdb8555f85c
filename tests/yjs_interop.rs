//! Documents that npm yjs made, through this crate's merging, and back to npm yjs: nothing is lost or changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

mod yjs_support;

use std::time::Duration;

use landfall::domain::yjs_facts::StateVector;
use landfall::yjs::merge::{diff_update, encode_state_vector, facts_of, join_updates, merge_updates, squash};
use landfall::yjs::scan::{scan_state_vector, scan_update};
use serde_json::{Value, json};
use yjs_support::{Bytes, base64, caps, documents, node, parse, renderer};

/// Lists of updates that must make the same document as `updates`.
fn candidates(updates: &[Vec<u8>]) -> Vec<Value> {
    let candidate = |label: String, parts: &[Vec<u8>]| json!({ "label": label, "updates": parts.iter().map(|part| base64(part)).collect::<Vec<_>>() });
    let merged = merge_updates(updates).unwrap();
    let squashed = squash(updates).unwrap();
    let scanned = updates.iter().map(|update| scan_update(update.clone(), &caps()).unwrap()).collect();
    let mut all = vec![
        candidate("merged".to_owned(), &[merged]),
        candidate("squashed".to_owned(), std::slice::from_ref(&squashed)),
        candidate("joined".to_owned(), &[join_updates(scanned, &caps()).unwrap().bytes]),
        candidate(
            "squashed again, with its parts".to_owned(),
            &[squash(&[updates, std::slice::from_ref(&squashed)].concat()).unwrap()],
        ),
    ];
    for known in 0..updates.len() {
        // A reader who has the first updates catches up: from the log, and from one squashed state.
        let (first, _) = updates.split_at(known);
        let vector = facts_of(first).unwrap().0;
        for (from, parts) in [("the log", updates), ("a state", std::slice::from_ref(&squashed))] {
            let mut caught_up = first.to_vec();
            caught_up.extend(diff_update(parts, &vector).unwrap());
            all.push(candidate(format!("update {known} and the rest of {from}"), &caught_up));
        }
    }
    all
}

#[test]
fn documents_come_back_as_they_were() {
    let documents = documents();
    let cases: Vec<Value> = documents
        .iter()
        .map(|document| {
            let updates = document.updates();
            json!({
                "name": document.name,
                "roots": document.roots,
                "updates": updates.iter().map(|update| base64(update)).collect::<Vec<_>>(),
                "candidates": candidates(&updates),
            })
        })
        .collect();
    let input = serde_json::to_vec(&cases).unwrap();
    let differences: Vec<Value> = parse(&node("compare-documents.mjs", &[], &input));
    assert!(differences.is_empty(), "{}", serde_json::to_string_pretty(&differences).unwrap());
}

/// What yjs says that readers with `vectors` lack of each update.
fn diffs_of_yjs(cases: &[(Vec<u8>, Vec<StateVector>)]) -> Vec<Vec<Bytes>> {
    let encoded = |vector: &StateVector| base64(&encode_state_vector(vector));
    let cases: Vec<Value> = cases
        .iter()
        .map(|(update, vectors)| json!({ "update": base64(update), "vectors": vectors.iter().map(encoded).collect::<Vec<_>>() }))
        .collect();
    parse(&node("diff-updates.mjs", &[], &serde_json::to_vec(&cases).unwrap()))
}

/// Cutting structs is where a mistake hides: a reader at every clock of every client, byte for byte.
#[test]
fn diffs_at_every_clock_are_those_of_yjs() {
    // yjs drops a flag that says nothing when it copies entries of maps; this crate copies it: so begin with a copy.
    let states: Vec<_> = documents()
        .iter()
        .map(|document| (squash(&document.updates()).unwrap(), vec![StateVector::default()]))
        .collect();
    let cases: Vec<_> = diffs_of_yjs(&states)
        .concat()
        .into_iter()
        .map(|Bytes(state)| {
            let (known, _, _) = facts_of(std::slice::from_ref(&state)).unwrap();
            let at = |client, clock| known.iter().map(|(c, end)| (c, if c == client { clock } else { end })).collect();
            let vectors = known.iter().flat_map(|(client, end)| (0..end).map(move |clock| at(client, clock))).collect();
            (state, vectors)
        })
        .collect();
    let mut compared = 0;
    for ((state, vectors), theirs) in cases.iter().zip(diffs_of_yjs(&cases)) {
        for (vector, Bytes(theirs)) in vectors.iter().zip(theirs) {
            let ours = diff_update(std::slice::from_ref(state), vector).unwrap().unwrap();
            assert_eq!(ours, theirs, "{vector:?} of {state:x?}");
            compared += 1;
        }
    }
    assert!(compared > 200, "only {compared} diffs");
}

#[test]
fn documents_show_their_text() {
    let renderer = renderer(2, Duration::from_secs(20));
    for document in documents() {
        let updates = document.updates();
        let squashed = squash(&updates).unwrap();
        assert_eq!(renderer.render(&updates).unwrap(), document.text, "{}", document.name);
        assert_eq!(renderer.render(&[squashed]).unwrap(), document.text, "{}, squashed", document.name);
    }
}

#[test]
fn state_vectors_are_those_of_yjs() {
    for document in documents() {
        let updates = document.updates();
        let (known, deletes, _) = facts_of(&updates).unwrap();
        assert_eq!(scan_state_vector(&encode_state_vector(&known), &caps()).unwrap(), known, "{}", document.name);
        let mut advanced = StateVector::default();
        for update in updates {
            let scanned = scan_update(update, &caps()).unwrap();
            assert!(scanned.is_complete_for(&advanced), "{}", document.name);
            assert!(deletes.covers(&scanned.deletes), "{}", document.name);
            for span in scanned.spans {
                advanced.advance(span.client, span.end);
            }
        }
        assert_eq!(advanced, known, "{}", document.name);
    }
}
