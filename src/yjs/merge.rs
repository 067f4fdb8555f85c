//! Lossless union of Yjs updates without a document: merging, diffing, joining.
//!
//! Struct bytes are copied as they came; nothing is decoded into a document and encoded again, which would lose
//! what the decoder does not know. Takes time and memory in proportion to the parts.
//!
//! Where two parts have different changes under the same name (two editors that were given the same client id), the
//! part that comes first in the list wins, as in an editor that applies them in this order.

use std::collections::BTreeSet;

use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::{DeleteSet, ScannedUpdate, StateVector};
use crate::yjs::reader::{put_length, put_number};
use crate::yjs::scan::scan_update;
use crate::yjs::scan_error::ScanError;
use crate::yjs::squash::squash_weave;
use crate::yjs::weave::{Weave, deletions_of_parts};

/// Joins a list of updates, in any order, to one.
///
/// # Errors
/// `ScanError::Invalid` if they leave a gap between them; `TooLarge` if the join exceeds the caps.
pub fn join_updates(updates: Vec<ScannedUpdate>, caps: &YjsCaps) -> Result<ScannedUpdate, ScanError> {
    match <[ScannedUpdate; 1]>::try_from(updates) {
        Ok([only]) => Ok(only),
        Err(updates) => scan_update(weave_scanned(&updates)?.encode()?, caps),
    }
}

/// The union of updates as one update.
///
/// # Errors
/// If a part cannot be read or they leave a gap between them.
pub fn merge_updates(parts: &[Vec<u8>]) -> Result<Vec<u8>, ScanError> {
    weave(parts)?.encode()
}

/// The union of updates as one update, in few structs: runs of typing are joined into texts, as yjs itself does in
/// a document. The same changes under the same names, so it is as good as the parts for every reader.
///
/// # Errors
/// If a part cannot be read or they leave a gap between them.
pub fn squash(parts: &[Vec<u8>]) -> Result<Vec<u8>, ScanError> {
    squash_weave(&weave(parts)?)
}

/// What a reader who has `known` lacks of the union of `parts`, in few structs: `None` if nothing. A state vector does
/// not tell which deletions the reader has, so all of them are given wherever there are any.
///
/// # Errors
/// If a part cannot be read or they leave a gap between them.
pub fn diff_update(parts: &[Vec<u8>], known: &StateVector) -> Result<Option<Vec<u8>>, ScanError> {
    lacking(weave(parts)?, known)
}

/// What a reader who has `known` lacks of a document that knows `whole`, told from the document's latest updates alone:
/// its deletions are those of the updates. `None` if what the reader has does not reach up to them.
///
/// # Errors
/// If an update cannot be read or they leave a gap between them.
pub fn diff_tail(
    updates: &[Vec<u8>],
    known: &StateVector,
    whole: &StateVector,
) -> Result<Option<Option<Vec<u8>>>, ScanError> {
    let tail = weave(updates)?;
    let starts = |client| tail.runs.iter().find(|run| run.client == client).map(|run| run.start);
    let reaches = |(client, clock)| {
        let reached = known.get(client);
        reached >= clock || starts(client).is_some_and(|start| start <= reached)
    };
    if whole.iter().all(reaches) { lacking(tail, known).map(Some) } else { Ok(None) }
}

fn lacking(mut weave: Weave<'_>, known: &StateVector) -> Result<Option<Vec<u8>>, ScanError> {
    weave.drop_known(known);
    if weave.runs.is_empty() && weave.deletes.is_empty() { Ok(None) } else { squash_weave(&weave).map(Some) }
}

/// The deletions of the union of `parts`.
///
/// # Errors
/// If a part cannot be read.
pub fn deletions_of(parts: &[Vec<u8>]) -> Result<DeleteSet, ScanError> {
    deletions_of_parts(parts.iter().map(Vec::as_slice))
}

/// What the union of `parts` knows, deletes, and which roots it puts sequence items into: to be compared before one
/// form of a document replaces another.
///
/// # Errors
/// If a part cannot be read, or a client's changes have a gap, or do not start with its first.
pub fn facts_of(parts: &[Vec<u8>]) -> Result<(StateVector, DeleteSet, BTreeSet<String>), ScanError> {
    let weave = weave(parts)?;
    let vector = weave.state_vector()?;
    let roots = weave.root_inserts()?;
    Ok((vector, weave.deletes, roots))
}

/// A state vector in the v1 encoding, clients in descending order as yjs writes them.
#[must_use]
pub fn encode_state_vector(vector: &StateVector) -> Vec<u8> {
    let clients: Vec<_> = vector.iter().collect();
    let mut out = Vec::with_capacity(1 + clients.len() * 8);
    put_length(&mut out, clients.len());
    for (client, clock) in clients.into_iter().rev() {
        put_number(&mut out, client);
        put_number(&mut out, u64::from(clock));
    }
    out
}

fn weave(parts: &[Vec<u8>]) -> Result<Weave<'_>, ScanError> {
    Weave::of(parts.iter().map(Vec::as_slice))
}

fn weave_scanned(updates: &[ScannedUpdate]) -> Result<Weave<'_>, ScanError> {
    Weave::of(updates.iter().map(|update| update.bytes.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::yjs_facts::{Client, Clock};
    use crate::yjs::samples::{keyed_text, root_text, text_after, text_between, update};
    use crate::yjs::scan::scan_state_vector;
    use crate::yjs::walk::NO_CAPS;

    fn vector(entries: &[(Client, Clock)]) -> StateVector {
        entries.iter().copied().collect()
    }

    fn typed(client: Client, letters: &str) -> Vec<Vec<u8>> {
        let letter = |(clock, letter): (usize, char)| {
            let clock = Clock::try_from(clock).unwrap();
            let item = match clock.checked_sub(1) {
                None => root_text("content", &letter.to_string()),
                Some(last) => text_after(client, last, &letter.to_string()),
            };
            update(&[(client, clock, &[item])], &[])
        };
        letters.chars().enumerate().map(letter).collect()
    }

    #[test]
    fn single_updates_unite_in_any_order() {
        let mut parts = typed(7, "hello");
        parts.push(update(&[(9, 0, &[text_after(7, 1, "X")])], &[(7, &[(1, 1)])]));
        let merged = merge_updates(&parts).unwrap();
        let letters = [
            root_text("content", "h"),
            text_after(7, 0, "e"),
            text_after(7, 1, "l"),
            text_after(7, 2, "l"),
            text_after(7, 3, "o"),
        ];
        let expected = update(&[(9, 0, &[text_after(7, 1, "X")]), (7, 0, &letters)], &[(7, &[(1, 1)])]);
        assert_eq!(merged, expected);
        parts.reverse();
        assert_eq!(merge_updates(&parts).unwrap(), expected);
        parts.push(merged);
        assert_eq!(merge_updates(&parts).unwrap(), expected);
    }

    #[test]
    fn squashing_joins_what_was_typed_in_a_row() {
        let mut parts = typed(7, "hello");
        parts.push(update(&[(7, 5, &[vec![0, 2], vec![0, 3]]), (9, 0, &[text_after(7, 1, "X")])], &[(7, &[(1, 1)])]));
        let expected = update(
            &[(9, 0, &[text_after(7, 1, "X")]), (7, 0, &[root_text("content", "hello"), vec![0, 5]])],
            &[(7, &[(1, 1)])],
        );
        assert_eq!(squash(&parts).unwrap(), expected);
        assert_eq!(facts_of(&parts).unwrap(), facts_of(&[expected]).unwrap());
    }

    #[test]
    fn squashing_keeps_apart_what_does_not_continue() {
        let apart = update(
            &[(
                7,
                0,
                &[
                    root_text("content", "ab"),
                    text_between((7, 1), (9, 0), "c"),
                    text_between((7, 2), (9, 1), "d"),
                    text_after(7, 0, "e"),
                    keyed_text("meta", "k", "f"),
                    text_after(7, 5, "g"),
                    vec![0, 1],
                    vec![0x81, 7, 7, 1],
                ],
            )],
            &[],
        );
        assert_eq!(squash(std::slice::from_ref(&apart)).unwrap(), apart);
    }

    #[test]
    fn overlaps_are_cut() {
        let whole = update(&[(7, 0, &[root_text("content", "a😀bc")])], &[]);
        let start = update(&[(7, 0, &[root_text("content", "a\u{fffd}")])], &[]);
        let merged = merge_updates(&[start.clone(), update(&[(7, 1, &[text_after(7, 0, "😀bc")])], &[])]).unwrap();
        assert_eq!(
            merged,
            update(&[(7, 0, &[root_text("content", "a\u{fffd}"), text_after(7, 1, "\u{fffd}bc")])], &[])
        );
        assert_eq!(merge_updates(&[whole.clone(), start.clone()]).unwrap(), whole);
        assert_eq!(merge_updates(&[start, whole]).unwrap(), merged, "what came first stays");

        let values = update(&[(7, 0, &[vec![8, 1, 1, b'l', 3, 125, 1, 119, 1, b'x', 126], vec![0x81, 7, 2, 9]])], &[]);
        assert_eq!(
            diff_update(std::slice::from_ref(&values), &vector(&[(7, 1)])).unwrap().unwrap(),
            update(&[(7, 1, &[vec![0x88, 7, 0, 2, 119, 1, b'x', 126], vec![0x81, 7, 2, 9]])], &[])
        );
        assert_eq!(
            diff_update(&[values], &vector(&[(7, 5)])).unwrap().unwrap(),
            update(&[(7, 5, &[vec![0x81, 7, 4, 7]])], &[])
        );
        let collected = update(&[(7, 0, &[vec![0, 9]])], &[]);
        assert_eq!(
            diff_update(&[collected], &vector(&[(7, 4)])).unwrap().unwrap(),
            update(&[(7, 4, &[vec![0, 5]])], &[])
        );
    }

    #[test]
    fn a_diff_is_what_the_reader_lacks() {
        let parts = [
            update(&[(7, 0, &[root_text("content", "abc")]), (3, 0, &[text_after(7, 2, "def")])], &[]),
            update(&[(7, 3, &[text_between((7, 0), (7, 1), "ghi")])], &[(7, &[(1, 1)])]),
        ];
        assert_eq!(
            diff_update(&parts, &vector(&[(7, 4), (3, 3), (99, 5)])).unwrap().unwrap(),
            update(&[(7, 4, &[text_between((7, 3), (7, 1), "hi")])], &[(7, &[(1, 1)])])
        );
        assert_eq!(diff_update(&parts, &StateVector::default()).unwrap().unwrap(), merge_updates(&parts).unwrap());
        // All structs are there; whether the deletion is, a state vector does not tell.
        assert_eq!(diff_update(&parts, &vector(&[(7, 9), (3, 3)])).unwrap().unwrap(), update(&[], &[(7, &[(1, 1)])]));
        assert_eq!(diff_update(&parts[..1], &vector(&[(7, 3), (3, 3)])).unwrap(), None);
        assert_eq!(diff_update(&[], &StateVector::default()).unwrap(), None);
    }

    #[test]
    fn a_tail_tells_the_deletions_that_are_new() {
        let before = update(&[(7, 0, &[root_text("content", "abc")])], &[(7, &[(0, 1)])]);
        let tail = [update(&[(7, 3, &[text_after(7, 2, "d")])], &[]), update(&[], &[(7, &[(1, 1)])])];
        let whole = vector(&[(7, 4)]);
        let lacks = |known: &[(Client, Clock)]| diff_tail(&tail, &vector(known), &whole).unwrap();
        assert_eq!(
            lacks(&[(7, 3)]),
            Some(Some(update(&[(7, 3, &[text_after(7, 2, "d")])], &[(7, &[(1, 1)])]))),
            "not the deletion of clock 0, which the reader has"
        );
        assert_eq!(lacks(&[(7, 4), (9, 2)]), Some(Some(update(&[], &[(7, &[(1, 1)])]))));
        assert_eq!(lacks(&[(7, 2)]), None, "clock 2 is in no later update");
        assert_eq!(lacks(&[]), None);
        assert_eq!(diff_tail(&[], &whole, &whole).unwrap(), Some(None));
        assert_eq!(diff_update(&[before], &vector(&[(7, 3)])).unwrap(), Some(update(&[], &[(7, &[(0, 1)])])));
    }

    #[test]
    fn gaps_are_named() {
        let parts = [update(&[(7, 0, &[vec![0, 2]])], &[]), update(&[(7, 3, &[vec![0, 2]])], &[])];
        assert!(matches!(merge_updates(&parts), Err(ScanError::Invalid { reason, .. }) if reason.contains("gap")));
        assert!(merge_updates(&parts[1..]).is_ok());
        assert!(facts_of(&parts[1..]).is_err());
    }

    #[test]
    fn a_joined_list_is_scanned_as_one() {
        let caps = YjsCaps { max_yjs_structs: 4, ..NO_CAPS };
        let scanned = |letters: &str| -> Vec<ScannedUpdate> {
            typed(7, letters).into_iter().map(|bytes| scan_update(bytes, &caps).unwrap()).collect()
        };
        let joined = join_updates(scanned("word"), &caps).unwrap();
        assert_eq!(joined, scan_update(merge_updates(&typed(7, "word")).unwrap(), &caps).unwrap());
        assert!(joined.requires.is_empty());
        assert!(matches!(join_updates(scanned("words"), &caps), Err(ScanError::TooLarge { .. })));
        assert_eq!(join_updates(scanned("a"), &caps).unwrap(), scanned("a").remove(0));
        assert_eq!(join_updates(Vec::new(), &caps).unwrap().bytes, [0, 0]);
    }

    #[test]
    fn state_vectors_survive_a_round_trip() {
        for entries in [&[][..], &[(1, 1)], &[(1, 300), (1 << 40, 7), (77, 2_147_483_647)]] {
            let vector = vector(entries);
            assert_eq!(scan_state_vector(&encode_state_vector(&vector), &NO_CAPS).unwrap(), vector);
        }
    }
}
