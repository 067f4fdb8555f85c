//! What is asked for when something is to be taken back.

use sha2::{Digest as _, Sha256};

use crate::domain::ids::{BatchId, DocumentId, SyncId, UserId, WorkspaceId};
use crate::domain::operation::Submitted;
use crate::domain::sync_run::RunKey;
use crate::sync::Batch;
use crate::sync::past::AsOf;

/// Documents that are restored by one batch. What is more is restored in steps.
pub const DOCUMENTS_AT_ONCE: usize = 100;
/// What is to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// What a batch did.
    Batch(BatchId),
    /// What was done since a moment.
    Since(Since),
}

/// Which documents are restored, and which of their versions are taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// The moment; `None`: before the sync run began, which is the user's own.
    pub as_of: Option<AsOf>,
    /// These documents alone.
    pub document_ids: Option<Vec<DocumentId>>,
    /// Those alone whose title begins so, or began so then.
    pub title_prefix: Option<String>,
    /// What this user did, by name.
    pub by_user: Option<String>,
    /// What was done on this device.
    pub by_device: Option<String>,
    /// What this sync run did.
    pub sync_id: Option<SyncId>,
}

impl Since {
    /// Whether only some of the versions are taken back.
    pub(super) const fn is_selective(&self) -> bool {
        self.by_user.is_some() || self.by_device.is_some() || self.sync_id.is_some()
    }
}

/// A request to take something back, by a user who may write to the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeBack {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Who.
    pub user_id: UserId,
    /// Which device; turns on receipts.
    pub device_id: Option<String>,
    /// The request's name, by which it is known when it is sent again.
    pub client_id: String,
    /// Show what it would come to, and store nothing.
    pub dry_run: bool,
    /// What.
    pub what: What,
}

impl TakeBack {
    /// The beginning of the names of its operations.
    pub(super) fn name(&self) -> String {
        let word = match &self.what {
            What::Batch(_) => "undo",
            What::Since(_) => "restore",
        };
        let named = Sha256::digest(self.client_id.as_bytes());
        let short: String = named.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{word}-{short}")
    }

    /// The run of a restore: the same again for a request that is sent again.
    pub(super) fn run_key(&self) -> RunKey {
        let named = Sha256::new_with_prefix("landfall restore")
            .chain_update(self.workspace_id.0.as_bytes())
            .chain_update(self.user_id.0.as_bytes())
            .chain_update(self.device_id.as_deref().unwrap_or_default())
            .chain_update([0])
            .chain_update(self.client_id.as_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(named).for_each(|(byte, drawn)| *byte = drawn);
        let sync_id = SyncId(uuid::Builder::from_custom_bytes(bytes).into_uuid());
        RunKey { workspace_id: self.workspace_id, user_id: self.user_id, sync_id }
    }

    /// The batch of these operations.
    pub(super) fn batch(&self, operations: Vec<Submitted>, sync_id: Option<SyncId>) -> Batch {
        Batch {
            workspace_id: self.workspace_id,
            user_id: self.user_id,
            device_id: self.device_id.clone(),
            atomic: false,
            dry_run: self.dry_run,
            sync_id,
            pull: None,
            upload: None,
            authors: Vec::new(),
            operations,
        }
    }
}
