//! The feed without what its documents say: enough to tell who listens that something changed. Decides nothing.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::schema::{documents, workspaces};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::ids::{DocumentId, Version, WorkspaceId};

/// Workspaces whose heads one statement asks for: far below what SQLite binds at most.
const HEADS_AT_ONCE: usize = 1_000;

/// That a document changed, and how far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeNotice {
    /// Its place in the feed.
    pub sequence: i64,
    /// Which document.
    pub document_id: DocumentId,
    /// Its version now.
    pub version: Version,
    /// Whether it is deleted now.
    pub deleted: bool,
}

impl Store {
    /// Documents changed after `after_sequence`, in feed order, at most `limit`: each once, as it is now.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_change_notices(
        &self,
        workspace_id: WorkspaceId,
        after_sequence: i64,
        limit: u32,
    ) -> Result<Vec<ChangeNotice>, StoreError> {
        self.read(|connection| {
            let rows: Vec<(i64, DbUuid, i64, Option<i64>)> = documents::table
                .filter(documents::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(documents::sequence.gt(after_sequence))
                // Word for word as in the partial index: it serves nobody else.
                .filter(sql::<Bool>("sequence > 0"))
                .order(documents::sequence.asc())
                .limit(i64::from(limit))
                .select((documents::sequence, documents::document_id, documents::version, documents::deleted_at))
                .load(connection)?;
            let notice = |(sequence, document_id, version, deleted_at): (i64, DbUuid, i64, Option<i64>)| ChangeNotice {
                sequence,
                document_id: DocumentId(document_id.0),
                version,
                deleted: deleted_at.is_some(),
            };
            Ok(rows.into_iter().map(notice).collect())
        })
    }

    /// Whether more than `count` documents changed after `after_sequence`.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn has_more_changes(
        &self,
        workspace_id: WorkspaceId,
        after_sequence: i64,
        count: u32,
    ) -> Result<bool, StoreError> {
        self.read(|connection| {
            let next: Option<i64> = documents::table
                .filter(documents::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(documents::sequence.gt(after_sequence))
                .filter(sql::<Bool>("sequence > 0"))
                .order(documents::sequence.asc())
                .offset(i64::from(count))
                .limit(1)
                .select(documents::sequence)
                .get_result(connection)
                .optional()?;
            Ok(next.is_some())
        })
    }

    /// The newest sequence of each of the workspaces that exist, in any order.
    ///
    /// Asks every shard that holds one of them: the comparison of heads does so.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn load_head_sequences(&self, workspaces: &[WorkspaceId]) -> Result<Vec<(WorkspaceId, i64)>, StoreError> {
        self.read(|connection| {
            let mut heads = Vec::with_capacity(workspaces.len());
            for asked in workspaces.chunks(HEADS_AT_ONCE) {
                let rows: Vec<(DbUuid, i64)> = workspaces::table
                    .filter(workspaces::workspace_id.eq_any(asked.iter().map(|id| DbUuid(id.0))))
                    .select((workspaces::workspace_id, workspaces::head_sequence))
                    .load(connection)?;
                heads.extend(rows.into_iter().map(|(id, head)| (WorkspaceId(id.0), head)));
            }
            Ok(heads)
        })
    }
}
