//! What must still hold when a plan is stored: the conditions that its write set states.

use std::collections::{BTreeSet, HashMap};

use crate::domain::document::{DocumentHead, Expected, HeadWrite, Receipt};
use crate::domain::ids::DocumentId;
use crate::domain::operation::Submitted;
use crate::domain::track::Track;

/// How a document is written that was stored like this when the plan was made.
pub(super) fn head_write(stored: Option<&DocumentHead>) -> HeadWrite {
    match stored {
        None => HeadWrite::Insert,
        Some(stored) if stored.is_purged() => HeadWrite::Renew { expected_version: stored.version },
        Some(stored) => HeadWrite::Replace { expected_version: stored.version },
    }
}

/// The documents that were looked at and are not written, in a fixed order. Of a damaged one nothing is known, and nothing
/// was decided.
pub(super) fn expects(left: &HashMap<DocumentId, Track>, damaged: &BTreeSet<DocumentId>) -> Vec<Expected> {
    let readable = left.iter().filter(|(id, _)| !damaged.contains(*id));
    let looked_at = readable
        .map(|(id, track)| Expected { document_id: *id, version: track.stored.as_ref().map(|head| head.version) });
    let mut expects: Vec<Expected> = looked_at.collect();
    expects.sort_unstable_by_key(|expected| expected.document_id);
    expects
}

/// The names that were looked up, had no receipt, and get none.
pub(super) fn unused_names(operations: &[Submitted], known: &HashMap<String, Receipt>, new: &[Receipt]) -> Vec<String> {
    let given: BTreeSet<&str> = new.iter().map(|receipt| receipt.client_id.as_str()).collect();
    let names: BTreeSet<&str> = operations.iter().flat_map(Submitted::receipt_names).collect();
    let is_unused = |name: &&&str| !given.contains(**name) && !known.contains_key(**name);
    names.iter().filter(is_unused).map(|name| (*name).to_owned()).collect()
}
