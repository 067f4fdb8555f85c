//! Staging: operations are added to an upload, or take the place of those of the same name.

use std::collections::HashMap;
use std::time::Instant;

use diesel::prelude::*;

use super::rows::{Key, NewStagedRow, OPEN, find, ids};
use crate::domain::operation::Digest;
use crate::domain::timestamp::Timestamp;
use crate::domain::upload::{Size, Upload, UploadKey, UploadLimits, UploadRefusal, UploadState};
use crate::store::connection::AnyConnection;
use crate::store::encoding::encode_text;
use crate::store::rows::digest;
use crate::store::schema::{staged_operations, uploads, workspaces};
use crate::store::sql_uuid::DbUuid;
use crate::store::{End, Store, StoreError};

/// Rows of one statement on Postgres, which takes 65,535 parameters.
const ROWS: usize = 1_000;

/// An operation that is to be staged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperation {
    /// Its name, unique in the request.
    pub client_id: String,
    /// The operation as it was sent.
    pub body: String,
    /// A digest of the body.
    pub digest: Digest,
}

/// A new operation as it is stored.
struct Packed {
    client_id: String,
    digest: Digest,
    bytes: i64,
    body: Vec<u8>,
}

impl Packed {
    fn new(operation: &NewOperation) -> Result<Self, StoreError> {
        Ok(Self {
            client_id: operation.client_id.clone(),
            digest: operation.digest,
            bytes: count_of(operation.body.len())?,
            body: encode_text(&operation.body),
        })
    }
}

impl Store {
    /// Stages operations, all of them or none, and opens the upload if there is none. What is staged already is left as it
    /// is. The upload afterwards.
    ///
    /// # Errors
    /// Inside: why they may not be staged. Outside: `NoSuchWorkspace`, or whatever the database said.
    pub fn stage(
        &self,
        key: UploadKey,
        part: i64,
        operations: &[NewOperation],
        limits: UploadLimits,
        (now, deadline): (Timestamp, Instant),
    ) -> Result<Result<Upload, UploadRefusal>, StoreError> {
        let packed = operations.iter().map(Packed::new).collect::<Result<Vec<_>, _>>()?;
        self.write_until(deadline, move |connection| {
            let staged = stage(connection, key, part, &packed, &limits, now)?;
            let end = if staged.is_ok() { End::Commit } else { End::Rollback };
            Ok((staged, end))
        })
    }
}

fn stage(
    connection: &mut AnyConnection,
    key: UploadKey,
    part: i64,
    operations: &[Packed],
    limits: &UploadLimits,
    now: Timestamp,
) -> Result<Result<Upload, UploadRefusal>, StoreError> {
    hold_workspace(connection, ids(key).0)?;
    let is_new = open(connection, ids(key), now)?;
    let mut upload = lock(connection, key)?;
    match upload.state_at(now, limits) {
        UploadState::Open => {}
        UploadState::Committed => return Ok(Err(UploadRefusal::Committed)),
        UploadState::Dropped => return Ok(Err(UploadRefusal::Dropped)),
    }
    let known = find_known(connection, ids(key), operations)?;
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    let mut size = upload.size;
    for operation in operations {
        match known.get(&operation.client_id) {
            None => {
                size = Size { operations: size.operations + 1, bytes: size.bytes + operation.bytes };
                added.push(operation);
            }
            Some((digest, _)) if *digest == operation.digest => {}
            Some((_, bytes)) => {
                size.bytes += operation.bytes - bytes;
                changed.push(operation);
            }
        }
    }
    if let Err(refusal) = limits.check(size) {
        return Ok(Err(refusal));
    }
    let (own, staged_bytes) = open_uploads(connection, key)?;
    if let Err(refusal) = limits.check_room(is_new, own, staged_bytes + size.bytes) {
        return Ok(Err(refusal));
    }
    insert(connection, ids(key), (part, upload.size.operations), &added)?;
    replace(connection, ids(key), &changed)?;
    if is_new || !(added.is_empty() && changed.is_empty()) {
        upload.revision += 1;
        upload.size = size;
        diesel::update(uploads::table.find(ids(key)))
            .set((
                uploads::revision.eq(upload.revision),
                uploads::operations.eq(size.operations),
                uploads::bytes.eq(size.bytes),
            ))
            .execute(connection)?;
    }
    Ok(Ok(upload))
}

/// Sees to it that the workspace stays until the transaction ends.
fn hold_workspace(connection: &mut AnyConnection, key: DbUuid) -> Result<(), StoreError> {
    let place = workspaces::table
        .filter(workspaces::workspace_id.eq(key))
        .filter(workspaces::deleted_at.is_null())
        .select(workspaces::workspace_id);
    let found: Option<DbUuid> = match connection {
        AnyConnection::Sqlite(connection) => place.get_result(connection).optional()?,
        // Batches do not wait for it, nor it for them; whoever removes the workspace does.
        AnyConnection::Postgres(connection) => place.for_key_share().get_result(connection).optional()?,
    };
    found.map(|_| ()).ok_or(StoreError::NoSuchWorkspace)
}

/// Opens the upload if there is none; whether there was none.
fn open(connection: &mut AnyConnection, key: Key, now: Timestamp) -> Result<bool, StoreError> {
    let (workspace_id, user_id, upload_id) = key;
    let row = (
        uploads::workspace_id.eq(workspace_id),
        uploads::user_id.eq(user_id),
        uploads::upload_id.eq(upload_id),
        uploads::state.eq(OPEN),
        uploads::revision.eq(0),
        uploads::operations.eq(0),
        uploads::bytes.eq(0),
        uploads::since.eq(now.0),
    );
    let opened = match connection {
        AnyConnection::Sqlite(connection) => {
            diesel::insert_into(uploads::table).values(row).on_conflict_do_nothing().execute(connection)?
        }
        AnyConnection::Postgres(connection) => {
            diesel::insert_into(uploads::table).values(row).on_conflict_do_nothing().execute(connection)?
        }
    };
    Ok(opened == 1)
}

/// The upload, which nobody else changes until the transaction ends.
fn lock(connection: &mut AnyConnection, key: UploadKey) -> Result<Upload, StoreError> {
    if let AnyConnection::Postgres(connection) = connection {
        let place = uploads::table.find(ids(key)).select(uploads::revision);
        place.for_update().get_result::<i64>(connection).optional()?;
    }
    find(connection, key)?.ok_or(StoreError::LostRace)
}

/// What is staged under these names: digest and bytes.
fn find_known(
    connection: &mut AnyConnection,
    key: Key,
    operations: &[Packed],
) -> Result<HashMap<String, (Digest, i64)>, StoreError> {
    let (workspace_id, user_id, upload_id) = key;
    let columns = (staged_operations::client_id, staged_operations::digest, staged_operations::bytes);
    let mut rows: Vec<(String, Vec<u8>, i64)> = Vec::new();
    match connection {
        AnyConnection::Sqlite(connection) => {
            for operation in operations {
                let key = (workspace_id, user_id, upload_id, &operation.client_id);
                let row = staged_operations::table.find(key).select(columns).get_result(connection).optional()?;
                rows.extend(row);
            }
        }
        AnyConnection::Postgres(connection) => {
            let names: Vec<&str> = operations.iter().map(|operation| operation.client_id.as_str()).collect();
            rows = staged_operations::table
                .filter(staged_operations::workspace_id.eq(workspace_id))
                .filter(staged_operations::user_id.eq(user_id))
                .filter(staged_operations::upload_id.eq(upload_id))
                .filter(staged_operations::client_id.eq_any(names))
                .select(columns)
                .load(connection)?;
        }
    }
    rows.into_iter().map(|(name, stored, bytes)| Ok((name, (digest(&stored)?, bytes)))).collect()
}

/// How many uploads the user has open in the workspace besides this one, and the bytes of all that are open there besides it.
/// Two requests at once may each miss what the other adds.
fn open_uploads(connection: &mut AnyConnection, key: UploadKey) -> Result<(usize, i64), StoreError> {
    let (workspace_id, user_id, upload_id) = ids(key);
    let open: Vec<(DbUuid, DbUuid, i64)> = uploads::table
        .filter(uploads::workspace_id.eq(workspace_id))
        .filter(uploads::state.eq(OPEN))
        .select((uploads::user_id, uploads::upload_id, uploads::bytes))
        .load(connection)?;
    let others = || open.iter().filter(|(user, upload, _)| (*user, *upload) != (user_id, upload_id));
    let own = others().filter(|(user, ..)| *user == user_id).count();
    Ok((own, others().map(|(_, _, bytes)| bytes).sum()))
}

fn insert(
    connection: &mut AnyConnection,
    (workspace_id, user_id, upload_id): Key,
    (part, first): (i64, i64),
    added: &[&Packed],
) -> Result<(), StoreError> {
    let rows: Vec<NewStagedRow<'_>> = (first..)
        .zip(added)
        .map(|(number, operation)| NewStagedRow {
            workspace_id,
            user_id,
            upload_id,
            client_id: &operation.client_id,
            part,
            number,
            digest: &operation.digest,
            bytes: operation.bytes,
            body: &operation.body,
        })
        .collect();
    match connection {
        AnyConnection::Sqlite(connection) => {
            for row in &rows {
                diesel::insert_into(staged_operations::table).values(row).execute(connection)?;
            }
        }
        AnyConnection::Postgres(connection) => {
            for rows in rows.chunks(ROWS) {
                diesel::insert_into(staged_operations::table).values(rows).execute(connection)?;
            }
        }
    }
    Ok(())
}

fn replace(
    connection: &mut AnyConnection,
    (workspace_id, user_id, upload_id): Key,
    changed: &[&Packed],
) -> Result<(), StoreError> {
    for operation in changed {
        let key = (workspace_id, user_id, upload_id, &operation.client_id);
        diesel::update(staged_operations::table.find(key))
            .set((
                staged_operations::digest.eq(&operation.digest[..]),
                staged_operations::bytes.eq(operation.bytes),
                staged_operations::body.eq(&operation.body),
            ))
            .execute(connection)?;
    }
    Ok(())
}

fn count_of(bytes: usize) -> Result<i64, StoreError> {
    i64::try_from(bytes).map_err(|error| StoreError::Refused(error.to_string()))
}
