//! Purging tombstones: what is left of a document then, and how far a workspace's feed has lost them. How long they are
//! kept is decided elsewhere.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::connection::AnyConnection;
use super::rows::PURGED;
use super::schema::{document_bodies, document_log, documents, workspaces};
use super::sql_uuid::DbUuid;
use super::upkeep::lock_workspace;
use super::usage::{Rewrites, measured};
use super::{Store, StoreError, search};
use crate::domain::ids::WorkspaceId;
use crate::domain::timestamp::Timestamp;

/// Word for word as in the partial index `documents_to_purge`.
pub(super) const TO_PURGE: &str = "deleted_at IS NOT NULL AND sequence > 0";

/// Tombstones that one transaction purges at most.
const TOMBSTONES: i64 = 100;
/// Versions of documents that it deletes at most, unless a single document has more.
const VERSIONS: i64 = 5_000;

/// What one transaction did to a workspace's tombstones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgedTombstones {
    /// How many it purged.
    pub documents: usize,
    /// Whether there may be more.
    pub more: bool,
}

impl Store {
    /// Purges some of the documents that were deleted before `before`. What is left of each is its id, its version and
    /// its times; how far the feed has lost tombstones is written down in the same transaction.
    ///
    /// # Errors
    /// Whatever the database said; nothing is purged then.
    pub fn purge_tombstones(
        &self,
        workspace_id: WorkspaceId,
        before: Timestamp,
    ) -> Result<PurgedTombstones, StoreError> {
        let key = DbUuid(workspace_id.0);
        // Most workspaces have none: those are not even locked.
        if self.read(|connection| to_purge(connection, key, before, 1))?.is_empty() {
            return Ok(PurgedTombstones { documents: 0, more: false });
        }
        self.write(move |connection| {
            lock_workspace(connection, workspace_id)?;
            let mut found = to_purge(connection, key, before, TOMBSTONES)?;
            let all = found.len();
            let mut versions = 0_i64;
            let within = found.iter().take_while(|row| {
                let first = versions == 0;
                versions = versions.saturating_add(row.version);
                first || versions <= VERSIONS
            });
            let kept = within.count();
            found.truncate(kept);
            let ids: Vec<DbUuid> = found.iter().map(|row| row.document_id).collect();
            measured(connection, key, &ids, Rewrites::All, |connection| purge_documents(connection, key, &ids))?;
            publish(connection, key, &found, before)?;
            let more = kept < all || i64::try_from(all).is_ok_and(|all| all == TOMBSTONES);
            Ok(PurgedTombstones { documents: kept, more })
        })
    }
}

/// A tombstone that has been kept long enough.
#[derive(Queryable, Selectable)]
#[diesel(table_name = documents)]
struct OldTombstone {
    document_id: DbUuid,
    version: i64,
    sequence: i64,
}

fn to_purge(
    connection: &mut AnyConnection,
    workspace_id: DbUuid,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<OldTombstone>, StoreError> {
    Ok(documents::table
        .filter(documents::workspace_id.eq(workspace_id))
        .filter(sql::<Bool>(TO_PURGE))
        .filter(documents::deleted_at.lt(before.0))
        .order(documents::deleted_at.asc())
        .limit(limit)
        .select(OldTombstone::as_select())
        .load(connection)?)
}

/// Takes everything from documents but their ids, versions and times.
fn purge_documents(connection: &mut AnyConnection, workspace_id: DbUuid, ids: &[DbUuid]) -> Result<(), StoreError> {
    diesel::update(documents::table)
        .filter(documents::workspace_id.eq(workspace_id))
        .filter(documents::document_id.eq_any(ids))
        .set((
            documents::sequence.eq(PURGED),
            documents::title.eq(""),
            documents::content_digest.eq(None::<Vec<u8>>),
            documents::state_vector.eq(None::<Vec<u8>>),
            documents::yjs_roots.eq(Vec::<u8>::new()),
            documents::snapshot_bytes.eq(0),
            documents::log_bytes.eq(0),
            documents::log_rows.eq(0),
            documents::damaged.eq(false),
        ))
        .execute(connection)?;
    diesel::delete(document_log::table)
        .filter(document_log::workspace_id.eq(workspace_id))
        .filter(document_log::document_id.eq_any(ids))
        .execute(connection)?;
    diesel::delete(document_bodies::table)
        .filter(document_bodies::workspace_id.eq(workspace_id))
        .filter(document_bodies::document_id.eq_any(ids))
        .execute(connection)?;
    // The index took note of the deletion long ago, unless it is being made anew.
    search::forget(connection, workspace_id, ids)
}

/// Writes down how far the workspace's feed has lost tombstones. The lines never go back.
fn publish(
    connection: &mut AnyConnection,
    workspace_id: DbUuid,
    old: &[OldTombstone],
    before: Timestamp,
) -> Result<(), StoreError> {
    let Some(newest) = old.iter().map(|row| row.sequence).max() else { return Ok(()) };
    let forgotten = i64::try_from(old.len()).map_err(|error| StoreError::Refused(error.to_string()))?;
    let (sequence, time): (i64, Option<i64>) = workspaces::table
        .find(workspace_id)
        .select((workspaces::purged_sequence, workspaces::purged_before))
        .get_result(connection)?;
    diesel::update(workspaces::table.find(workspace_id))
        .set((
            workspaces::deleted_documents.eq(workspaces::deleted_documents - forgotten),
            workspaces::purged_sequence.eq(sequence.max(newest)),
            workspaces::purged_before.eq(time.max(Some(before.0))),
        ))
        .execute(connection)?;
    Ok(())
}
