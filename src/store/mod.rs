//! Storage: the only place that names Diesel.
//!
//! No rule of the protocol lives here: a store loads what a decision needs and carries out a write set, on SQLite
//! (`sqlite`) or on Postgres (`postgres`), chosen at run time by URL.

pub mod accounts;
pub mod error;

use std::time::Instant;

pub use self::error::StoreError;
use crate::domain::document::{DocumentHead, Receipt, StoredDocument, VersionText, WriteSet};
use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// Whose batch it is: the part of every key that the batch does not choose itself.
#[derive(Clone, Debug)]
pub struct BatchScope {
    /// The workspace; the caller's right to write there has been checked.
    pub workspace_id: WorkspaceId,
    /// The author.
    pub user_id: UserId,
    /// The device; `None` = no receipts.
    pub device_id: Option<String>,
    /// The time of the batch.
    pub now: Timestamp,
    /// When the batch must have been committed; afterwards it is rolled back (`StoreError::Timeout`).
    pub deadline: Instant,
}

/// What the body of a batch wants done with its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Keep what was written.
    Commit,
    /// Undo what was written (dry run, atomic failure, nothing to store).
    Rollback,
}

/// One batch's view of the database, inside its transaction. The workspace is locked against other writers.
pub trait BatchTransaction {
    /// Receipts of the scope's (workspace, user, device) under these names, in any order. None without a device.
    ///
    /// # Errors
    /// As every method here: whatever the database said.
    fn find_receipts(&mut self, client_ids: &[&str]) -> Result<Vec<Receipt>, StoreError>;

    /// Heads of those of the documents that exist, live or deleted, in any order.
    ///
    /// # Errors
    /// Whatever the database said.
    fn load_heads(&mut self, ids: &[DocumentId]) -> Result<Vec<DocumentHead>, StoreError>;

    /// Title and text as of each (document, version); pairs that the history no longer has are left out.
    ///
    /// # Errors
    /// Whatever the database said.
    fn load_texts(&mut self, wanted: &[(DocumentId, Version)]) -> Result<Vec<VersionText>, StoreError>;

    /// Documents with bodies, as they stand inside this transaction, in any order.
    ///
    /// # Errors
    /// Whatever the database said.
    fn load_documents(&mut self, ids: &[DocumentId]) -> Result<Vec<StoredDocument>, StoreError>;

    /// Stores the write set, giving its documents the workspace's next sequences in order.
    ///
    /// # Errors
    /// `LostRace` if a head is not as expected; `Refused` if the database will not take a row (then nothing of the
    /// transaction may be committed).
    fn write(&mut self, writes: &WriteSet) -> Result<(), StoreError>;
}
