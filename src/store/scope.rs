//! Whose transaction it is, and how it ends.

use std::time::Instant;

use crate::domain::ids::{SyncId, UserId, WorkspaceId};
use crate::domain::sync_run::RunKey;
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
    /// The sync run that it belongs to.
    pub sync_id: Option<SyncId>,
    /// The time of the batch.
    pub now: Timestamp,
    /// When the batch must have been committed; afterwards it is rolled back (`StoreError::Timeout`).
    pub deadline: Instant,
}

impl BatchScope {
    /// The key of the user's run of this id.
    pub(super) fn run_key(&self, sync_id: SyncId) -> RunKey {
        RunKey { workspace_id: self.workspace_id, user_id: self.user_id, sync_id }
    }
}

/// When a write is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// Once no power cut undoes it.
    Synced,
    /// Once it is committed; it is synced right afterwards (docs/adr/0056).
    Soon,
}

/// What the body of a batch wants done with its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Keep what was written.
    Commit,
    /// Undo what was written (dry run, atomic failure, nothing to store).
    Rollback,
}
