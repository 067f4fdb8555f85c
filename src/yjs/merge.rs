//! Lossless union of Yjs updates without a document: merging, diffing, joining.
//!
//! Struct bytes are copied as they came; nothing is decoded into a document and encoded again, which would lose
//! what the decoder does not know. Takes time and memory in proportion to the parts.

use std::collections::BTreeSet;

use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::{DeleteSet, ScannedUpdate, StateVector};
use crate::yjs::reader::{put_length, put_number};
use crate::yjs::scan::{ScanError, scan_update};
use crate::yjs::squash::squash_weave;
use crate::yjs::walk::NO_CAPS;
use crate::yjs::weave::Weave;

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

/// What a reader who has `known` lacks of the union of `parts`: `None` if nothing. A state vector does not tell
/// which deletions the reader has, so all of them are given wherever there are any.
///
/// # Errors
/// If a part cannot be read or they leave a gap between them.
pub fn diff_update(parts: &[Vec<u8>], known: &StateVector) -> Result<Option<Vec<u8>>, ScanError> {
    let mut weave = weave(parts)?;
    weave.drop_known(known);
    if weave.runs.is_empty() && weave.deletes.is_empty() { Ok(None) } else { weave.encode().map(Some) }
}

/// The deletions of the union of `parts`.
///
/// # Errors
/// If a part cannot be read or they leave a gap between them.
pub fn deletions_of(parts: &[Vec<u8>]) -> Result<DeleteSet, ScanError> {
    Ok(weave(parts)?.deletes)
}

/// What the union of `parts` knows, deletes, and which roots it puts sequence items into: to be compared before one
/// form of a document replaces another.
///
/// # Errors
/// If a part cannot be read, or a client's changes have a gap, or do not start with its first.
pub fn facts_of(parts: &[Vec<u8>]) -> Result<(StateVector, DeleteSet, BTreeSet<String>), ScanError> {
    let weave = weave(parts)?;
    let vector = weave.state_vector()?;
    let mut roots = BTreeSet::new();
    for part in parts {
        roots.extend(scan_update(part.clone(), &NO_CAPS)?.root_inserts);
    }
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
