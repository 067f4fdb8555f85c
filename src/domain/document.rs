//! A document as the core sees it: a small head, texts of versions, and the writes that change them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::ids::{DocumentId, UserId, Version};
use crate::domain::operation::{Digest, OperationKind};
use crate::domain::quota::{Growth, Held};
use crate::domain::timestamp::Timestamp;
use crate::domain::yjs_facts::StateVector;

/// Yjs bytes since the snapshot below which a document's log is never compacted.
const MIN_COMPACTION_BYTES: i64 = 16 * 1024;
/// Log rows since the snapshot above which it always is.
const MAX_LOG_ROWS: i64 = 1_000;
/// What a log row weighs at least: many small ones take long to read, and each update reads them.
const MIN_ROW_BYTES: i64 = 256;

/// The head of a document, live or deleted: everything that a decision needs, without its bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentHead {
    /// Which document.
    pub document_id: DocumentId,
    /// Its current version.
    pub version: Version,
    /// Its title; a tombstone keeps its last.
    pub title: String,
    /// When it was made (for a document made anew: when it was made anew).
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: UserId,
    /// When it was deleted; `None` while it lives.
    pub deleted_at: Option<Timestamp>,
    /// The version of its (latest) creation: log rows before it belong to an earlier document of the same id.
    pub epoch: Version,
    /// The version at which its text last changed.
    pub content_version: Version,
    /// Digest of its text; `None` when the text must be derived from the Yjs state.
    pub content_digest: Option<Digest>,
    /// What its Yjs state knows; `None` for a document without Yjs state.
    pub state_vector: Option<StateVector>,
    /// Root types that hold sequence items, deleted ones included.
    pub yjs_roots: BTreeSet<String>,
    /// Bytes of the Yjs snapshot, or of the first Yjs state while there is none: the other side of the scale.
    pub snapshot_bytes: i64,
    /// Bytes of Yjs updates since then: when they outweigh the snapshot, the log is compacted.
    pub log_bytes: i64,
    /// How many such updates.
    pub log_rows: i64,
}

impl DocumentHead {
    /// Whether the document is a tombstone.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Whether the tombstone itself is gone: only the id, the version and the times are still known. Any other document,
    /// live or deleted, has a text digest or Yjs state.
    #[must_use]
    pub fn is_purged(&self) -> bool {
        self.is_deleted() && self.content_digest.is_none() && self.state_vector.is_none()
    }

    /// Whether the log of Yjs updates is worth folding into a new snapshot: it outweighs the last one, which keeps the
    /// cost of folding proportional to what was written (docs/adr/0005), or has very many rows.
    #[must_use]
    pub fn has_outgrown_snapshot(&self) -> bool {
        let weight = self.log_bytes.max(self.log_rows.saturating_mul(MIN_ROW_BYTES));
        self.log_rows > MAX_LOG_ROWS || weight >= self.snapshot_bytes.max(MIN_COMPACTION_BYTES)
    }
}

/// Title and text of one version, as the history has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionText {
    /// Which document.
    pub document_id: DocumentId,
    /// The version asked for.
    pub version: Version,
    /// The title at that version.
    pub title: String,
    /// The text at that version; `None` if it was never stored as text (Yjs) or is no longer kept.
    pub content: Option<Arc<str>>,
}

/// A receipt: the stored outcome of an applied operation, under its permanent name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The operation's name.
    pub client_id: String,
    /// What it did.
    pub kind: OperationKind,
    /// Digest of what it carried; `None` if the receipt cannot be read.
    pub payload_digest: Option<Digest>,
    /// The document.
    pub document_id: DocumentId,
    /// The version answered; `None` where there was no document.
    pub version: Option<Version>,
    /// When it was applied.
    pub created_at: Timestamp,
}

/// Stands for every payload in a receipt that was repaired: what its operation carried is not known any more, and applying
/// it twice would be worse than not to look.
pub const ANY_PAYLOAD: Digest = [0; 16];

/// How a document's row is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadWrite {
    /// There is no row yet. A row found there all the same is a lost race: plan again.
    Insert,
    /// The row has this version. Another version found there is a lost race: plan again.
    Replace {
        /// The version that the decision was made on.
        expected_version: Version,
    },
    /// As `Replace`, and the row is what is left of a purged tombstone. (A tombstone keeps its version when it is purged.)
    Renew {
        /// The version that the decision was made on.
        expected_version: Version,
    },
}

/// A document that a decision looked at and does not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Which document.
    pub document_id: DocumentId,
    /// The version that it must still have; `None` = there must still be no such document.
    pub version: Option<Version>,
}

/// One document of a write set, at the end of the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentWrite {
    /// Insert or replace.
    pub write: HeadWrite,
    /// The head to store.
    pub head: DocumentHead,
}

/// One new version in a document's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Which document.
    pub document_id: DocumentId,
    /// The version that this entry made.
    pub version: Version,
    /// Its author.
    pub user_id: UserId,
    /// What was done.
    pub kind: OperationKind,
    /// The title at this version.
    pub title: String,
    /// The text, where this version set it as text.
    pub content: Option<Arc<str>>,
    /// The Yjs update as the client sent it.
    pub yjs_update: Option<Vec<u8>>,
    /// The operation's name.
    pub client_id: String,
}

/// Everything that a batch stores, in one transaction or not at all: a set of compare-and-sets. Device and time are the
/// batch's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteSet {
    /// Final heads, one for each touched document, in the order in which the feed tells them.
    pub documents: Vec<DocumentWrite>,
    /// New versions, in order.
    pub log: Vec<LogEntry>,
    /// New receipts; empty without a device.
    pub receipts: Vec<Receipt>,
    /// What must not have changed since it was looked at, besides what is written. Anything else is a lost race.
    pub expects: Vec<Expected>,
    /// Names that had no receipt and must still have none, besides those that get one now.
    pub unused_names: Vec<String>,
    /// Each document is a batch of its own, that could be undone by itself: they are only committed together.
    pub are_apart: bool,
    /// What it does to the numbers of documents.
    pub growth: Growth,
    /// The most that the workspace may hold then; what holds more is a lost race, to be decided on what is there now.
    pub most: Option<Held>,
}

impl WriteSet {
    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.log.is_empty() && self.receipts.is_empty()
    }

    /// How far each new version's batch is before the set's last document in the feed, in the order of the log.
    #[must_use]
    pub fn batches_behind(&self) -> Vec<i64> {
        if !self.are_apart {
            return vec![0; self.log.len()];
        }
        let from_the_last = self.documents.iter().rev().map(|write| write.head.document_id).zip(0..);
        let behind: HashMap<DocumentId, i64> = from_the_last.collect();
        self.log.iter().map(|entry| behind.get(&entry.document_id).copied().unwrap_or_default()).collect()
    }

    /// Bytes of the texts and Yjs updates of its new versions.
    #[must_use]
    pub fn log_bytes(&self) -> usize {
        let length = |bytes: Option<usize>| bytes.unwrap_or_default();
        let of_entry = |entry: &LogEntry| {
            length(entry.content.as_ref().map(|text| text.len())) + length(entry.yjs_update.as_ref().map(Vec::len))
        };
        self.log.iter().map(of_entry).sum()
    }

    /// Whether no new version is below this one.
    #[must_use]
    pub fn is_above(&self, version_floor: Version) -> bool {
        self.log.iter().all(|entry| entry.version >= version_floor)
    }
}

/// A document with its bodies, as stored: what an answer is made of. Merging and deriving is the reader's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// The head.
    pub head: DocumentHead,
    /// Name of the user who changed it last.
    pub updated_by_name: String,
    /// The text, where it is stored as text; `None` where it must be derived (or the document is deleted).
    pub content: Option<String>,
    /// Yjs parts whose union is the Yjs state: the snapshot, then the log. Empty without Yjs state.
    pub yjs_parts: Vec<Vec<u8>>,
    /// Whether the Yjs state could not be rendered before: do not try again.
    pub damaged: bool,
}

impl StoredDocument {
    /// Bytes of its text and its Yjs parts.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        let parts: usize = self.yjs_parts.iter().map(Vec::len).sum();
        parts.saturating_add(self.content.as_ref().map_or(0, |content| content.len()))
    }
}
