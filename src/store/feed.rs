//! The feed: a workspace's documents in the order in which they last changed. Bodies are read apart. Decides nothing.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::rows::HeadRow;
use super::schema::{documents, users, workspaces};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::cursor::FeedKey;
use crate::domain::document::DocumentHead;
use crate::domain::ids::{Version, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// A document's latest change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the feed.
    pub sequence: i64,
    /// The document as it is now.
    pub head: DocumentHead,
    /// Name of the user who changed it last.
    pub updated_by_name: String,
}

/// How far a workspace's feed reaches, and what its cursors are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedState {
    /// The sequence of the newest change; 0 before the first.
    pub head_sequence: i64,
    /// Tombstones up to this sequence may be gone: a reader that is not past it must start again.
    pub purged_sequence: i64,
    /// Tombstones from before this time may be gone; `None` before the first purge.
    pub purged_before: Option<Timestamp>,
    /// What the workspace's cursors are signed with, and the generation in which they hold.
    pub key: FeedKey,
    /// No new version is below this one.
    pub version_floor: Version,
}

/// The columns of [`FeedState`].
#[derive(Queryable, Selectable)]
#[diesel(table_name = workspaces)]
pub(super) struct FeedRow {
    head_sequence: i64,
    purged_sequence: i64,
    purged_before: Option<i64>,
    feed_key: Vec<u8>,
    generation: i64,
    version_floor: i64,
}

impl From<FeedRow> for FeedState {
    fn from(row: FeedRow) -> Self {
        Self {
            head_sequence: row.head_sequence,
            purged_sequence: row.purged_sequence,
            purged_before: row.purged_before.map(Timestamp),
            key: FeedKey::new(row.feed_key, row.generation),
            version_floor: row.version_floor,
        }
    }
}

impl Store {
    /// Documents changed after `after_sequence`, deleted ones included, in feed order: each once, as it is now.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_changes(
        &self,
        workspace_id: WorkspaceId,
        after_sequence: i64,
        limit: u32,
    ) -> Result<Vec<Change>, StoreError> {
        self.read(|connection| {
            let rows: Vec<(i64, HeadRow, Option<String>)> = documents::table
                .left_join(users::table.on(users::user_id.eq(documents::updated_by)))
                .filter(documents::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(documents::sequence.gt(after_sequence))
                // Word for word as in the partial index: it serves nobody else.
                .filter(sql::<Bool>("sequence > 0"))
                .order(documents::sequence.asc())
                .limit(i64::from(limit))
                .select((documents::sequence, HeadRow::as_select(), users::username.nullable()))
                .load(connection)?;
            rows.into_iter()
                .map(|(sequence, head, name)| {
                    Ok(Change { sequence, head: head.try_into()?, updated_by_name: name.unwrap_or_default() })
                })
                .collect()
        })
    }

    /// How far the workspace's feed reaches; `None` if there is no such workspace.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_feed_state(&self, workspace_id: WorkspaceId) -> Result<Option<FeedState>, StoreError> {
        self.read(|connection| {
            let row: Option<FeedRow> = workspaces::table
                .find(DbUuid(workspace_id.0))
                .select(FeedRow::as_select())
                .get_result(connection)
                .optional()?;
            Ok(row.map(FeedState::from))
        })
    }
}
