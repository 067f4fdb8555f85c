//! Merging is a union, whatever the parts: the order does not matter, and nothing is lost.
//!
//! The input is a list of parts, each with its length (two bytes, little-endian) before it.

#![no_main]

use std::collections::BTreeSet;

use landfall::domain::yjs_facts::{DeleteSet, StateVector};
use landfall::yjs::merge::{deletions_of, diff_update, facts_of, merge_updates, squash};
use landfall::yjs::scan::ScanError;
use libfuzzer_sys::fuzz_target;

type Facts = Result<(StateVector, DeleteSet, BTreeSet<String>), ScanError>;

fn parts(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (part, rest) = rest.split_at(length);
        parts.push(part.to_vec());
        bytes = rest;
    }
    parts
}

fuzz_target!(|bytes: &[u8]| {
    let mut parts = parts(bytes);
    let Ok(merged) = merge_updates(&parts) else {
        assert!(squash(&parts).is_err());
        return;
    };
    let facts = facts_of(&parts);
    let squashed = squash(&parts).expect("what was merged can be squashed");
    assert_eq!(facts_of(&[merged.clone()]), facts);
    assert_eq!(facts_of(&[squashed]), facts);
    // Parts that contradict each other may differ in the rest, by which of them comes first.
    parts.reverse();
    let known_and_deleted = |facts: Facts| facts.map(|(vector, deletes, _)| (vector, deletes));
    assert_eq!(known_and_deleted(facts_of(&parts)), known_and_deleted(facts));
    let whole = diff_update(&parts, &StateVector::default()).expect("what was merged can be cut");
    assert!(whole.is_some() || merged == [0, 0]);
    assert_eq!(deletions_of(&[merged]), deletions_of(&parts));
});
