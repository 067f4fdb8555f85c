//! Removing what has been kept long enough, slice by slice: receipts and sessions; and what is known of earlier
//! purges. How long that is, and when it is done, is decided elsewhere; tombstones and old versions have modules of
//! their own.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

use super::connection::AnyConnection;
use super::connection::PLANNER;
use super::schema::{documents, purges, receipts, sessions, workspaces};
use super::sql_uuid::DbUuid;
use super::tombstones::TO_PURGE;
use super::{Store, StoreError};
use crate::domain::caution::{Due, PurgeRecord, Waiting};
use crate::domain::ids::WorkspaceId;
use crate::domain::timestamp::Timestamp;

/// Rows that one slice removes, about: those of one moment go together.
const SLICE: i64 = 500;

/// What a slice did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Rows removed.
    pub removed: usize,
    /// Whether there are more.
    pub more: bool,
}

impl Store {
    /// The reads of a walk: along the keys also before statistics are first gathered, when Postgres would rather read and
    /// sort all that is left for each slice.
    pub(super) fn read_along_keys<T>(
        &self,
        body: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.read_snapshot(|connection| {
            if let AnyConnection::Postgres(connection) = connection {
                connection.batch_execute(PLANNER)?;
            }
            body(connection)
        })
    }

    /// Workspaces after `after` (`None` = from the first), by id.
    ///
    /// Asks every shard: a purge does so, once in a while.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_workspace_ids(&self, after: Option<WorkspaceId>, limit: u32) -> Result<Vec<WorkspaceId>, StoreError> {
        let after = DbUuid(after.map_or(Uuid::nil(), |workspace| workspace.0));
        let ids: Vec<DbUuid> = self.read_along_keys(|connection| {
            Ok(workspaces::table
                .filter(workspaces::workspace_id.gt(after))
                .order(workspaces::workspace_id.asc())
                .limit(i64::from(limit))
                .select(workspaces::workspace_id)
                .load(connection)?)
        })?;
        Ok(ids.into_iter().map(|id| WorkspaceId(id.0)).collect())
    }

    /// What is known of the purges of a kind.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_purge(&self, kind: &'static str) -> Result<Option<PurgeRecord>, StoreError> {
        let row: Option<(i64, Option<i64>, i64)> = self.read(|connection| {
            Ok(purges::table
                .find(kind)
                .select((purges::line, purges::waiting_line, purges::waited))
                .get_result(connection)
                .optional()?)
        })?;
        Ok(row.map(|(line, waiting, waited)| PurgeRecord {
            line: Timestamp(line),
            waiting: waiting.map(|line| Waiting { line: Timestamp(line), waited }),
        }))
    }

    /// Writes down what is known of the purges of a kind.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn save_purge(&self, kind: &'static str, record: PurgeRecord) -> Result<(), StoreError> {
        self.write(move |connection| {
            // One server purges at a time: nobody else writes it.
            diesel::delete(purges::table.find(kind)).execute(connection)?;
            diesel::insert_into(purges::table)
                .values((
                    purges::kind.eq(kind),
                    purges::line.eq(record.line.0),
                    purges::waiting_line.eq(record.waiting.map(|waiting| waiting.line.0)),
                    purges::waited.eq(record.waiting.map_or(0, |waiting| waiting.waited)),
                ))
                .execute(connection)?;
            Ok(())
        })
    }

    /// What a purge of a workspace's receipts from before `before` would take.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn count_old_receipts(&self, workspace_id: WorkspaceId, before: Timestamp) -> Result<Due, StoreError> {
        let key = DbUuid(workspace_id.0);
        self.read_along_keys(|connection| {
            let old = receipts::table.filter(receipts::workspace_id.eq(key)).filter(receipts::created_at.lt(before.0));
            let rows = old.count().get_result(connection)?;
            let all = receipts::table.filter(receipts::workspace_id.eq(key));
            Ok(Due { rows, of: if rows == 0 { 0 } else { all.count().get_result(connection)? } })
        })
    }

    /// What a purge of a workspace's tombstones from before `before` would take.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn count_old_tombstones(&self, workspace_id: WorkspaceId, before: Timestamp) -> Result<Due, StoreError> {
        let key = DbUuid(workspace_id.0);
        self.read_along_keys(|connection| {
            let all = || documents::table.filter(documents::workspace_id.eq(key)).filter(sql::<Bool>(TO_PURGE));
            let rows = all().filter(documents::deleted_at.lt(before.0)).count().get_result(connection)?;
            Ok(Due { rows, of: if rows == 0 { 0 } else { all().count().get_result(connection)? } })
        })
    }

    /// What a purge of the sessions that expired before `before` would take.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn count_old_sessions(&self, before: Timestamp) -> Result<Due, StoreError> {
        self.read_along_keys(|connection| {
            let old = sessions::table.filter(sessions::expires_at.lt(before.0));
            let rows = old.count().get_result(connection)?;
            Ok(Due { rows, of: if rows == 0 { 0 } else { sessions::table.count().get_result(connection)? } })
        })
    }

    /// Whether anything is from before `before`.
    ///
    /// Asks every shard: a purge does so, once in a while.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn is_older_than(&self, before: Timestamp) -> Result<bool, StoreError> {
        let older: Option<i64> = self.read(|connection| {
            let oldest = workspaces::table.filter(workspaces::created_at.lt(before.0));
            Ok(oldest.select(workspaces::created_at).first(connection).optional()?)
        })?;
        Ok(older.is_some())
    }

    /// Deletes some of the receipts from before `before`, the oldest first.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn purge_receipts(&self, workspace_id: WorkspaceId, before: Timestamp) -> Result<Slice, StoreError> {
        let key = DbUuid(workspace_id.0);
        let last: Option<i64> = self.read_along_keys(|connection| {
            let old = receipts::table.filter(receipts::workspace_id.eq(key)).filter(receipts::created_at.lt(before.0));
            let slice = old.order(receipts::created_at.asc()).limit(SLICE).select(receipts::created_at);
            Ok(slice.load(connection)?.into_iter().next_back())
        })?;
        let Some(last) = last else { return Ok(Slice { removed: 0, more: false }) };
        let removed = self.write(move |connection| {
            Ok(diesel::delete(receipts::table)
                .filter(receipts::workspace_id.eq(key))
                .filter(receipts::created_at.le(last))
                .execute(connection)?)
        })?;
        Ok(slice_of(removed))
    }

    /// Deletes some of the sessions that expired before `before`, the oldest first.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn purge_sessions(&self, before: Timestamp) -> Result<Slice, StoreError> {
        let last: Option<i64> = self.read_along_keys(|connection| {
            let old = sessions::table.filter(sessions::expires_at.lt(before.0));
            let slice = old.order(sessions::expires_at.asc()).limit(SLICE).select(sessions::expires_at);
            Ok(slice.load(connection)?.into_iter().next_back())
        })?;
        let Some(last) = last else { return Ok(Slice { removed: 0, more: false }) };
        let removed = self.write(move |connection| {
            Ok(diesel::delete(sessions::table).filter(sessions::expires_at.le(last)).execute(connection)?)
        })?;
        Ok(slice_of(removed))
    }
}

fn slice_of(removed: usize) -> Slice {
    Slice { removed, more: i64::try_from(removed).is_ok_and(|removed| removed >= SLICE) }
}
