//! The ends of an upload: committed with its batch, dropped, forgotten.

use diesel::prelude::*;

use super::rows::{COMMITTED, DROPPED, Key, OPEN, encode_answer, ids, key_of};
use crate::domain::ids::{BatchId, WorkspaceId};
use crate::domain::timestamp::Timestamp;
use crate::domain::upload::{UploadKey, UploadLimits, UploadOutcome};
use crate::store::connection::AnyConnection;
use crate::store::retention::Slice;
use crate::store::schema::{staged_operations, uploads};
use crate::store::sql_uuid::DbUuid;
use crate::store::{Store, StoreError};

/// Staged operations that one transaction removes.
const SLICE: i64 = 500;

impl Store {
    /// Drops an open upload: whether there was one. Its operations are removed by and by ([`clear_upload`](Self::clear_upload)).
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn drop_upload(&self, key: UploadKey, now: Timestamp) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let dropped = diesel::update(uploads::table.find(ids(key)))
                .filter(uploads::state.eq(OPEN))
                .set((uploads::state.eq(DROPPED), uploads::since.eq(now.0)))
                .execute(connection)?;
            Ok(dropped == 1)
        })
    }

    /// Removes some of what is staged of an upload that is not open any more.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn clear_upload(&self, key: UploadKey) -> Result<Slice, StoreError> {
        self.write(move |connection| {
            let state: Option<i16> =
                uploads::table.find(ids(key)).select(uploads::state).get_result(connection).optional()?;
            if state.is_none_or(|state| state == OPEN) {
                return Ok(Slice { removed: 0, more: false });
            }
            let removed = remove_some(connection, ids(key))?;
            if removed == 0 {
                diesel::update(uploads::table.find(ids(key)))
                    .set((uploads::operations.eq(0), uploads::bytes.eq(0)))
                    .execute(connection)?;
            }
            Ok(Slice { removed, more: removed > 0 })
        })
    }

    /// Takes a step of what time does to the uploads of a workspace: what has been open for long enough is dropped, and so is
    /// an answer that was kept for as long; what is not open any more loses its operations; what ended long ago is forgotten.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn purge_uploads(
        &self,
        workspace_id: WorkspaceId,
        limits: UploadLimits,
        now: Timestamp,
    ) -> Result<Slice, StoreError> {
        let place = DbUuid(workspace_id.0);
        let full: Vec<(DbUuid, DbUuid)> = self.read(|connection| {
            Ok(uploads::table
                .filter(uploads::workspace_id.eq(place))
                .filter(uploads::state.ne(OPEN))
                .filter(uploads::operations.gt(0))
                .select((uploads::user_id, uploads::upload_id))
                .load(connection)?)
        })?;
        for (user, upload) in full {
            let slice = self.clear_upload(key_of(workspace_id, user, upload))?;
            if slice.removed > 0 {
                return Ok(slice);
            }
        }
        let (kept, remembered) = (limits.kept_since(now), limits.remembered_since(now));
        self.write(move |connection| {
            let mut ended = diesel::update(uploads::table)
                .filter(uploads::workspace_id.eq(place))
                .filter(uploads::state.eq(OPEN))
                .filter(uploads::since.lt(kept.0))
                .set((uploads::state.eq(DROPPED), uploads::since.eq(now.0)))
                .execute(connection)?;
            ended += diesel::update(uploads::table)
                .filter(uploads::workspace_id.eq(place))
                .filter(uploads::state.eq(COMMITTED))
                .filter(uploads::since.lt(kept.0))
                .filter(uploads::answer.is_not_null())
                .set(uploads::answer.eq(None::<Vec<u8>>))
                .execute(connection)?;
            let forgotten = diesel::delete(uploads::table)
                .filter(uploads::workspace_id.eq(place))
                .filter(uploads::state.ne(OPEN))
                .filter(uploads::operations.eq(0))
                .filter(uploads::since.lt(remembered.0))
                .execute(connection)?;
            Ok(Slice { removed: ended + forgotten, more: ended > 0 })
        })
    }
}

/// Says that a batch has applied the upload, which is still as it was at this revision.
///
/// # Errors
/// `LostRace` if it is not; or whatever the database said.
pub(in crate::store) fn commit(
    connection: &mut AnyConnection,
    key: UploadKey,
    revision: i64,
    outcomes: &[UploadOutcome],
    (batch_id, now): (Option<BatchId>, Timestamp),
) -> Result<(), StoreError> {
    let committed = diesel::update(uploads::table.find(ids(key)))
        .filter(uploads::state.eq(OPEN))
        .filter(uploads::revision.eq(revision))
        .set((
            uploads::state.eq(COMMITTED),
            uploads::since.eq(now.0),
            uploads::batch_id.eq(batch_id.map(|id| DbUuid(id.0))),
            uploads::answer.eq(Some(encode_answer(outcomes)?)),
        ))
        .execute(connection)?;
    if committed == 1 { Ok(()) } else { Err(StoreError::LostRace) }
}

/// Drops all open uploads: a database that was put back lacks what was staged since. Asks every shard: after a restore.
pub(in crate::store) fn drop_all(connection: &mut AnyConnection, now: Timestamp) -> Result<(), StoreError> {
    diesel::update(uploads::table)
        .filter(uploads::state.eq(OPEN))
        .set((uploads::state.eq(DROPPED), uploads::since.eq(now.0)))
        .execute(connection)?;
    Ok(())
}

/// Removes some of a deleted workspace's uploads; how many rows.
pub(in crate::store) fn erase(connection: &mut AnyConnection, workspace: DbUuid) -> Result<usize, StoreError> {
    let next: Option<(DbUuid, DbUuid)> = uploads::table
        .filter(uploads::workspace_id.eq(workspace))
        .order((uploads::user_id, uploads::upload_id))
        .select((uploads::user_id, uploads::upload_id))
        .first(connection)
        .optional()?;
    let Some((user, upload)) = next else { return Ok(0) };
    let removed = remove_some(connection, (workspace, user, upload))?;
    if removed > 0 {
        return Ok(removed);
    }
    Ok(diesel::delete(uploads::table.find((workspace, user, upload))).execute(connection)?)
}

/// Removes all uploads of a user; how many there were, and how many operations were staged. Asks every shard: the account is
/// deleted.
pub(in crate::store) fn forget_user(
    connection: &mut AnyConnection,
    user: DbUuid,
) -> Result<(usize, usize), StoreError> {
    let own: Vec<(DbUuid, DbUuid)> = uploads::table
        .filter(uploads::user_id.eq(user))
        .select((uploads::workspace_id, uploads::upload_id))
        .load(connection)?;
    let mut operations = 0;
    for (workspace, upload) in &own {
        operations += diesel::delete(staged_operations::table)
            .filter(staged_operations::workspace_id.eq(workspace))
            .filter(staged_operations::user_id.eq(user))
            .filter(staged_operations::upload_id.eq(upload))
            .execute(connection)?;
    }
    diesel::delete(uploads::table.filter(uploads::user_id.eq(user))).execute(connection)?;
    Ok((own.len(), operations))
}

fn remove_some(connection: &mut AnyConnection, key: Key) -> Result<usize, StoreError> {
    let (workspace_id, user_id, upload_id) = key;
    let some: Vec<String> = staged_operations::table
        .filter(staged_operations::workspace_id.eq(workspace_id))
        .filter(staged_operations::user_id.eq(user_id))
        .filter(staged_operations::upload_id.eq(upload_id))
        .order(staged_operations::client_id.asc())
        .limit(SLICE)
        .select(staged_operations::client_id)
        .load(connection)?;
    let Some(last) = some.last() else { return Ok(0) };
    Ok(diesel::delete(staged_operations::table)
        .filter(staged_operations::workspace_id.eq(workspace_id))
        .filter(staged_operations::user_id.eq(user_id))
        .filter(staged_operations::upload_id.eq(upload_id))
        .filter(staged_operations::client_id.le(last))
        .execute(connection)?)
}
