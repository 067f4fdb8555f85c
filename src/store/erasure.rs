//! Removing what was in a deleted workspace, slice by slice, so that nothing else waits for long; its row goes last.

use diesel::prelude::*;
use uuid::Uuid;

use super::connection::AnyConnection;
use super::retention::Slice;
use super::schema::{
    access_tokens, document_bodies, document_log, documents, invitations, members, receipts, sync_notes, sync_runs,
    workspaces,
};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError, search, uploads};
use crate::domain::ids::WorkspaceId;
use crate::domain::timestamp::Timestamp;

/// Documents, or runs, whose rows one slice removes.
const SLICE: i64 = 50;

impl Store {
    /// Deleted workspaces that are not gone yet, some of them.
    ///
    /// Asks every shard: once a minute.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_deleted_workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        let ids: Vec<DbUuid> = self.read(|connection| {
            Ok(workspaces::table
                .filter(workspaces::deleted_at.is_not_null())
                .order(workspaces::deleted_at.asc())
                .limit(SLICE)
                .select(workspaces::workspace_id)
                .load(connection)?)
        })?;
        Ok(ids.into_iter().map(|id| WorkspaceId(id.0)).collect())
    }

    /// Removes some of a deleted workspace, and the workspace itself when nothing is left in it.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn erase_slice(&self, workspace_id: WorkspaceId) -> Result<Slice, StoreError> {
        let receipts = self.purge_receipts(workspace_id, Timestamp(i64::MAX))?;
        if receipts.removed > 0 {
            return Ok(Slice { removed: receipts.removed, more: true });
        }
        self.write(move |connection| erase(connection, DbUuid(workspace_id.0)))
    }
}

fn erase(connection: &mut AnyConnection, key: DbUuid) -> Result<Slice, StoreError> {
    let place = workspaces::table
        .filter(workspaces::workspace_id.eq(key))
        .filter(workspaces::deleted_at.is_not_null())
        .select(workspaces::workspace_id);
    // Held, so that no batch that was under way adds to it meanwhile.
    let found: Option<DbUuid> = match connection {
        AnyConnection::Sqlite(connection) => place.get_result(connection).optional()?,
        AnyConnection::Postgres(connection) => place.for_update().get_result(connection).optional()?,
    };
    if found.is_none() {
        return Ok(Slice { removed: 0, more: false });
    }
    let removed = erase_documents(connection, key)? + erase_runs(connection, key)? + uploads::erase(connection, key)?;
    if removed > 0 {
        return Ok(Slice { removed, more: true });
    }
    diesel::delete(receipts::table.filter(receipts::workspace_id.eq(key))).execute(connection)?;
    diesel::delete(members::table.filter(members::workspace_id.eq(key))).execute(connection)?;
    diesel::delete(invitations::table.filter(invitations::workspace_id.eq(key))).execute(connection)?;
    diesel::delete(access_tokens::table.filter(access_tokens::workspace_id.eq(key))).execute(connection)?;
    search::forget_progress(connection, key)?;
    let gone = diesel::delete(workspaces::table.find(key)).execute(connection)?;
    Ok(Slice { removed: gone, more: false })
}

fn erase_documents(connection: &mut AnyConnection, key: DbUuid) -> Result<usize, StoreError> {
    let ids: Vec<DbUuid> = documents::table
        .filter(documents::workspace_id.eq(key))
        .filter(documents::document_id.ge(DbUuid(Uuid::nil())))
        .order(documents::document_id.asc())
        .limit(SLICE)
        .select(documents::document_id)
        .load(connection)?;
    search::forget(connection, key, &ids)?;
    for id in &ids {
        diesel::delete(document_log::table)
            .filter(document_log::workspace_id.eq(key))
            .filter(document_log::document_id.eq(id))
            .execute(connection)?;
        diesel::delete(document_bodies::table)
            .filter(document_bodies::workspace_id.eq(key))
            .filter(document_bodies::document_id.eq(id))
            .execute(connection)?;
        diesel::delete(documents::table.find((key, *id))).execute(connection)?;
    }
    Ok(ids.len())
}

fn erase_runs(connection: &mut AnyConnection, key: DbUuid) -> Result<usize, StoreError> {
    let runs: Vec<(DbUuid, DbUuid)> = sync_runs::table
        .filter(sync_runs::workspace_id.eq(key))
        .order((sync_runs::user_id, sync_runs::sync_id))
        .limit(SLICE)
        .select((sync_runs::user_id, sync_runs::sync_id))
        .load(connection)?;
    for (user_id, sync_id) in &runs {
        diesel::delete(sync_notes::table)
            .filter(sync_notes::workspace_id.eq(key))
            .filter(sync_notes::user_id.eq(user_id))
            .filter(sync_notes::sync_id.eq(sync_id))
            .execute(connection)?;
        diesel::delete(sync_runs::table.find((key, *user_id, *sync_id))).execute(connection)?;
    }
    Ok(runs.len())
}
