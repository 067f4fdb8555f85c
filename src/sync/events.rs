//! Who is told of what was committed: the live streams of each workspace.
//!
//! Knows nothing of HTTP; what a stream does with an event is its own affair.

use crate::domain::ids::{SyncId, UserId, WorkspaceId};

/// The streams of this server.
#[derive(Debug, Default)]
pub struct Events {}

impl Events {
    /// Changes of this workspace were committed here. Never blocks and never fails: a stream that misses it finds out
    /// by polling.
    pub fn committed(&self, workspace_id: WorkspaceId) {
        let _ = workspace_id;
    }

    /// A sync run of this user was counted, closed or cancelled here; as [`committed`](Self::committed).
    pub fn progressed(&self, workspace_id: WorkspaceId, user_id: UserId, sync_id: SyncId) {
        let _ = (workspace_id, user_id, sync_id);
    }
}
