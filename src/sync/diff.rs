//! What an editor lacks of its documents' Yjs states, by state vectors (protocol §2).
//!
//! Heads tell which documents have nothing new; only of the others are bodies read, a bounded number of bytes at a
//! time. A document that cannot be read affects only itself.

use std::collections::{BTreeSet, HashMap};

use crate::domain::document::{DocumentHead, StoredDocument};
use crate::domain::ids::{DocumentId, Version, WorkspaceId};
use crate::domain::yjs_facts::StateVector;
use crate::store::{Store, StoreError};
use crate::sync::damage::readable;
use crate::yjs::merge::{diff_tail, diff_update, encode_state_vector};
use crate::yjs::scan::ScanError;

/// Bytes of Yjs updates after which an answer takes in no further document.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of stored Yjs state that are read at once, unless one document alone has more.
const READ_BYTES: i64 = 8 * 1024 * 1024;

/// What an editor has of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffRequest {
    /// Which document.
    pub document_id: DocumentId,
    /// What of its Yjs state the editor knows; empty = nothing.
    pub known: StateVector,
    /// The last version whose Yjs state the editor has whole. With it, deletions that the editor has are told from
    /// those that it lacks, which a state vector cannot do.
    pub version: Option<Version>,
}

/// What the editor lacks of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentDiff {
    /// Which document.
    pub document_id: DocumentId,
    /// How it stands.
    pub outcome: DiffOutcome,
}

/// How a document stands to an editor's copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffOutcome {
    /// It is live.
    Live {
        /// Its version.
        version: Version,
        /// What the server's Yjs state knows, encoded; `None` for a document without Yjs state.
        state_vector: Option<Vec<u8>>,
        /// The Yjs update that the editor lacks; `None` if it lacks nothing.
        update: Option<Vec<u8>>,
    },
    /// It is deleted.
    Deleted {
        /// The tombstone's version.
        version: Version,
    },
    /// There is none.
    NotFound,
    /// The answer was full before it; ask for it again.
    LeftOut,
    /// Its stored Yjs state cannot be read.
    Unreadable,
}

/// Diffs of one request, in its order.
///
/// # Errors
/// What the store says.
pub fn diff_documents(
    store: &Store,
    workspace_id: WorkspaceId,
    requests: &[DiffRequest],
) -> Result<Vec<DocumentDiff>, StoreError> {
    let ids = requests.iter().map(|request| request.document_id).collect();
    let (heads, unreadable) = readable(ids, |ids| store.find_heads(workspace_id, ids))?;
    let heads: HashMap<DocumentId, DocumentHead> = heads.into_iter().map(|head| (head.document_id, head)).collect();
    let mut answer = Answer { store, workspace_id, outcomes: requests.iter().map(|_| None).collect(), bytes: 0 };
    let mut whole = Vec::new();
    for (place, request) in requests.iter().enumerate() {
        match heads.get(&request.document_id).map(|head| from_head(head, request)) {
            None if unreadable.contains(&request.document_id) => answer.settle(place, DiffOutcome::Unreadable),
            None => answer.settle(place, DiffOutcome::NotFound),
            Some(Some(outcome)) => answer.settle(place, outcome),
            Some(None) => {
                if !answer.settle_by_log(place, request)? {
                    let head = heads.get(&request.document_id);
                    whole.push((place, request, head.map_or(0, |head| head.snapshot_bytes + head.log_bytes)));
                }
            }
        }
    }
    answer.settle_by_states(&whole)?;
    let outcomes = answer.outcomes.into_iter().map(|outcome| outcome.unwrap_or(DiffOutcome::LeftOut));
    Ok(requests
        .iter()
        .zip(outcomes)
        .map(|(request, outcome)| DocumentDiff { document_id: request.document_id, outcome })
        .collect())
}

/// The outcome where the head alone tells it.
fn from_head(head: &DocumentHead, request: &DiffRequest) -> Option<DiffOutcome> {
    let version = head.version;
    if head.is_deleted() {
        return Some(DiffOutcome::Deleted { version });
    }
    match &head.state_vector {
        None => Some(DiffOutcome::Live { version, state_vector: None, update: None }),
        Some(vector) if request.version == Some(version) && request.known.covers(vector) => {
            Some(DiffOutcome::Live { version, state_vector: Some(encode_state_vector(vector)), update: None })
        }
        Some(_) => None,
    }
}

/// The answer while it grows.
struct Answer<'a> {
    store: &'a Store,
    workspace_id: WorkspaceId,
    outcomes: Vec<Option<DiffOutcome>>,
    bytes: usize,
}

impl Answer<'_> {
    fn settle(&mut self, place: usize, outcome: DiffOutcome) {
        if let DiffOutcome::Live { update: Some(update), .. } = &outcome {
            self.bytes = self.bytes.saturating_add(update.len());
        }
        if let Some(slot) = self.outcomes.get_mut(place) {
            *slot = Some(outcome);
        }
    }

    const fn is_full(&self) -> bool {
        self.bytes >= ANSWER_BYTES
    }

    /// From the log alone, where the editor names a version from which the log is whole: costs what was written since,
    /// not what the document has.
    fn settle_by_log(&mut self, place: usize, request: &DiffRequest) -> Result<bool, StoreError> {
        let Some(version) = request.version.filter(|_| !self.is_full()) else { return Ok(self.is_full()) };
        let found = self.store.find_updates_since(self.workspace_id, request.document_id, version)?;
        let Some((head, updates)) = found.and_then(|since| Some((since.head, since.updates?))) else {
            return Ok(false);
        };
        let Some(vector) = &head.state_vector else { return Ok(false) };
        let diff = diff_tail(&updates, &request.known, vector).transpose();
        let outcome = diff.map(|diff| outcome_of(&head, diff));
        Ok(outcome.map(|outcome| self.settle(place, outcome)).is_some())
    }

    /// From whole states, as many at a time as fit.
    fn settle_by_states(&mut self, wanted: &[(usize, &DiffRequest, i64)]) -> Result<(), StoreError> {
        let mut rest = wanted;
        while !rest.is_empty() && !self.is_full() {
            let (now, later) = rest.split_at(fitting(rest));
            // Each once: a document may be asked for twice.
            let ids: BTreeSet<DocumentId> = now.iter().map(|(_, request, _)| request.document_id).collect();
            let read = |ids: &[DocumentId]| self.store.find_documents(self.workspace_id, ids);
            let (stored, unreadable) = readable(ids.into_iter().collect(), read)?;
            let stored: HashMap<DocumentId, StoredDocument> =
                stored.into_iter().map(|document| (document.head.document_id, document)).collect();
            for (place, request, _) in now {
                let outcome = match stored.get(&request.document_id) {
                    _ if self.is_full() => DiffOutcome::LeftOut,
                    None if unreadable.contains(&request.document_id) => DiffOutcome::Unreadable,
                    None => DiffOutcome::NotFound,
                    Some(document) if document.head.is_deleted() => {
                        DiffOutcome::Deleted { version: document.head.version }
                    }
                    Some(document) => outcome_of(&document.head, diff_update(&document.yjs_parts, &request.known)),
                };
                self.settle(*place, outcome);
            }
            rest = later;
        }
        Ok(())
    }
}

/// How many of the documents are read at once: at least one.
fn fitting(wanted: &[(usize, &DiffRequest, i64)]) -> usize {
    let mut bytes = 0_i64;
    let within = wanted.iter().take_while(|(_, _, size)| {
        bytes = bytes.saturating_add(*size);
        bytes <= READ_BYTES
    });
    within.count().max(1)
}

fn outcome_of(head: &DocumentHead, diff: Result<Option<Vec<u8>>, ScanError>) -> DiffOutcome {
    match diff {
        Ok(update) => DiffOutcome::Live {
            version: head.version,
            state_vector: head.state_vector.as_ref().map(encode_state_vector),
            update,
        },
        Err(error) => {
            tracing::error!(document_id = %head.document_id, %error, "the document's Yjs state cannot be read");
            DiffOutcome::Unreadable
        }
    }
}
