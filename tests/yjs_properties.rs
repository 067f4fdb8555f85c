//! Laws of scanning and merging, on documents made by chance and on their mutants.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

#[path = "model/cases.rs"]
mod cases;
mod yjs_support;

use std::sync::LazyLock;
use std::time::Duration;

use cases::cases;
use landfall::domain::yjs_facts::StateVector;
use landfall::yjs::merge::{deletions_of, diff_update, facts_of, join_updates, merge_updates, squash};
use landfall::yjs::scan::{scan_state_vector, scan_update};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use yjs_support::{Document, base64, caps, documents, node, parse, random_documents, renderer};

static RANDOM: LazyLock<Vec<Document>> = LazyLock::new(|| random_documents(1, 150));

/// Real updates to be spoilt: single ones and whole states.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut seeds = Vec::new();
    for document in documents().iter().chain(RANDOM.iter().take(20)) {
        let updates = document.updates();
        seeds.push(merge_updates(&updates).unwrap());
        seeds.push(squash(&updates).unwrap());
        seeds.extend(updates);
    }
    seeds
});

/// yjs and yrs agree on what three people wrote at once, whatever form the changes have when they arrive.
#[test]
fn random_documents_show_the_text_that_yjs_shows() {
    let renderer = renderer(2, Duration::from_secs(20));
    for document in RANDOM.iter() {
        let updates = document.updates();
        let squashed = squash(&updates).unwrap();
        assert_eq!(renderer.render(&updates).unwrap(), document.text, "{}", document.name);
        assert_eq!(renderer.render(&[squashed]).unwrap(), document.text, "{}, squashed", document.name);
    }
}

/// Groups of updates, squashed apart and united: as good as the updates, for yjs itself.
#[test]
fn random_documents_survive_squashing_in_groups() {
    let cases: Vec<Value> = RANDOM
        .iter()
        .map(|document| {
            let updates = document.updates();
            let in_groups = |size: usize| {
                let groups: Vec<_> =
                    updates.chunks(size).map(|group| squash(group).or_else(|_| merge_updates(group))).collect();
                let groups: Option<Vec<_>> = groups.into_iter().map(Result::ok).collect();
                let united = groups.map(|groups| squash(&groups).unwrap());
                united.map(|united| json!({ "label": format!("groups of {size}"), "updates": [base64(&united)] }))
            };
            let candidates: Vec<Value> = [1, 2, 7, 1000].into_iter().filter_map(in_groups).collect();
            let updates: Vec<_> = updates.iter().map(|update| base64(update)).collect();
            json!({ "name": document.name, "roots": document.roots, "updates": updates, "candidates": candidates })
        })
        .collect();
    let differences: Vec<Value> = parse(&node("compare-documents.mjs", &[], &serde_json::to_vec(&cases).unwrap()));
    assert!(differences.is_empty(), "{}", serde_json::to_string_pretty(&differences).unwrap());
}

/// One change to some bytes.
#[derive(Clone, Debug)]
enum Spoil {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Truncate(Index),
    Repeat(Index, Index),
}

impl Spoil {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match self {
            Self::Set(at, value) => bytes[at.index(length)] = *value,
            Self::Flip(at, bit) => bytes[at.index(length)] ^= 1 << (bit % 8),
            Self::Insert(at, value) => bytes.insert(at.index(length), *value),
            Self::Remove(at) => drop(bytes.remove(at.index(length))),
            Self::Truncate(at) => bytes.truncate(at.index(length)),
            Self::Repeat(from, at) => {
                let from = from.index(length);
                let piece: Vec<u8> = bytes[from..length.min(from + 12)].to_vec();
                let at = at.index(length);
                drop(bytes.splice(at..at, piece));
            }
        }
    }
}

fn spoils() -> impl Strategy<Value = Vec<Spoil>> {
    let interesting = prop_oneof![any::<u8>(), Just(0), Just(1), Just(0x7f), Just(0x80), Just(0xff), Just(10)];
    let spoil = prop_oneof![
        (any::<Index>(), interesting.clone()).prop_map(|(at, value)| Spoil::Set(at, value)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        (any::<Index>(), interesting).prop_map(|(at, value)| Spoil::Insert(at, value)),
        any::<Index>().prop_map(Spoil::Remove),
        any::<Index>().prop_map(Spoil::Truncate),
        (any::<Index>(), any::<Index>()).prop_map(|(from, at)| Spoil::Repeat(from, at)),
    ];
    prop::collection::vec(spoil, 1..4)
}

fn mutant() -> impl Strategy<Value = Vec<u8>> {
    (any::<Index>(), spoils()).prop_map(|(seed, spoils)| {
        let mut bytes = seed.get(&SEEDS).clone();
        spoils.iter().for_each(|spoil| spoil.apply(&mut bytes));
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(20_000), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes: an answer, not a panic; and what is accepted can be merged, squashed, cut and read again.
    #[test]
    fn mutants_are_refused_or_sound(bytes in mutant(), other in any::<Index>()) {
        drop(scan_state_vector(&bytes, &caps()));
        let Ok(scanned) = scan_update(bytes.clone(), &caps()) else { return Ok(()) };
        let parts = [bytes];
        let squashed = scan_update(squash(&parts).unwrap(), &caps()).unwrap();
        prop_assert_eq!(&squashed.spans.len(), &scanned.spans.len());
        prop_assert_eq!(&squashed.deletes, &scanned.deletes);
        prop_assert_eq!(&squashed.root_inserts, &scanned.root_inserts);
        prop_assert_eq!(&deletions_of(&parts).unwrap(), &scanned.deletes);
        for span in &scanned.spans {
            let half: StateVector = [(span.client, span.start + (span.end - span.start) / 2)].into_iter().collect();
            if let Some(rest) = diff_update(&parts, &half).unwrap() {
                prop_assert!(scan_update(rest, &caps()).is_ok());
            }
        }
        let pair = [parts[0].clone(), other.get(&SEEDS).clone()];
        prop_assert_eq!(merge_updates(&pair).is_ok(), squash(&pair).is_ok());
        if let Ok(union) = merge_updates(&pair) {
            // Together they may close a circle, so only the form is checked.
            prop_assert!(deletions_of(&[union]).unwrap().covers(&scanned.deletes));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(400), failure_persistence: None, ..ProptestConfig::default() })]

    /// Order, repetition and grouping change nothing that counts.
    #[test]
    fn merging_is_a_union(document in any::<Index>(), order in Just(()).prop_perturb(|(), rng| rng), cut in any::<Index>()) {
        let updates = document.get(&RANDOM).updates();
        let facts = facts_of(&updates).unwrap();
        let mut shuffled = updates.clone();
        let mut rng = order;
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, rng.random_range(0..=at));
        }
        shuffled.extend(updates.iter().take(3).cloned());
        prop_assert_eq!(&facts_of(&shuffled).unwrap(), &facts);
        let merged = merge_updates(&shuffled).unwrap();
        let squashed = squash(&shuffled).unwrap();
        prop_assert_eq!(&merge_updates(&updates).unwrap(), &merged);
        prop_assert_eq!(&squash(&updates).unwrap(), &squashed);
        prop_assert_eq!(&facts_of(&[squashed.clone(), merged.clone()]).unwrap(), &facts);
        prop_assert_eq!(&squash(std::slice::from_ref(&squashed)).unwrap(), &squashed);

        // What a reader has, and what the diff brings: the whole.
        let (known, _) = updates.split_at(cut.index(updates.len() + 1));
        let mut caught_up = known.to_vec();
        caught_up.extend(diff_update(&[squashed], &facts_of(known).unwrap().0).unwrap());
        prop_assert_eq!(&facts_of(&caught_up).unwrap(), &facts);

        let scanned = updates.iter().map(|update| scan_update(update.clone(), &caps()).unwrap()).collect();
        let joined = join_updates(scanned, &caps()).unwrap();
        prop_assert_eq!(&joined.bytes, &merged);
        prop_assert!(joined.requires.is_empty());
    }
}
