//! A batch on SQLite: row by row, by full primary key, through cached statements. Decides nothing.
//!
//! Looked up one by one on purpose: for `document_id IN (ten or more)` SQLite's planner may prefer the index on
//! `(workspace_id, sequence)` and read every document of the workspace; and a cached statement by full key is as fast.
//! No `LIMIT` either: its bind makes SQLite prepare a cached statement anew each time it is run.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::rows::{HeadRow, NewHeadRow, NewLogRow, ReceiptRow, receipt_rows};
use super::schema::{document_log, documents, receipts};
use super::sql_uuid::{DbUuid, SqlUuid};
use super::statement::Statement;
use super::usage::{ADVANCE_FEED, Sizes, is_within};
use super::{BatchScope, StoreError};
use crate::domain::document::{DocumentHead, DocumentWrite, HeadWrite, Receipt, WriteSet};
use crate::domain::ids::{DocumentId, Version};

/// Receipts of the scope's device under these names.
pub(super) fn find_receipts(
    connection: &mut SqliteConnection,
    scope: &BatchScope,
    client_ids: &[&str],
) -> Result<Vec<Receipt>, StoreError> {
    let Some(device_id) = scope.device_id.as_deref() else { return Ok(Vec::new()) };
    let (workspace_id, user_id) = (DbUuid(scope.workspace_id.0), DbUuid(scope.user_id.0));
    let mut found = Vec::new();
    for client_id in client_ids {
        let row = receipts::table
            .find((workspace_id, user_id, device_id, *client_id))
            .select(ReceiptRow::as_select())
            .get_result(connection)
            .optional()?;
        found.extend(row.map(Receipt::try_from).transpose()?);
    }
    Ok(found)
}

/// Heads of those of the documents that exist.
pub(super) fn load_heads(
    connection: &mut SqliteConnection,
    workspace_id: DbUuid,
    ids: &[DocumentId],
) -> Result<Vec<DocumentHead>, StoreError> {
    let mut heads = Vec::new();
    for id in ids {
        let row = documents::table
            .find((workspace_id, DbUuid(id.0)))
            .select(HeadRow::as_select())
            .get_result(connection)
            .optional()?;
        heads.extend(row.map(DocumentHead::try_from).transpose()?);
    }
    Ok(heads)
}

/// Carries out a write set, inside its savepoint; the sequence of the feed's newest change then.
///
/// # Errors
/// `NoSuchWorkspace`, `LostRace`, or what the database said.
pub(super) fn write(
    connection: &mut SqliteConnection,
    scope: &BatchScope,
    writes: &WriteSet,
) -> Result<i64, StoreError> {
    let workspace_id = DbUuid(scope.workspace_id.0);
    let receipts = receipt_rows(scope, &writes.receipts)?;
    let documents = i64::try_from(writes.documents.len()).map_err(|error| StoreError::Refused(error.to_string()))?;
    let log: Vec<NewLogRow<'_>> = writes.log.iter().map(|entry| NewLogRow::new(scope, entry)).collect();
    let sizes = Sizes::of_log(&log);
    let (head_sequence, version_floor, held, bytes) =
        Statement::<Sqlite, (BigInt, BigInt, BigInt, BigInt)>::new(ADVANCE_FEED)
            .bind::<BigInt, _>(documents)
            .bind::<BigInt, _>(writes.growth.documents)
            .bind::<BigInt, _>(writes.growth.deleted)
            .bind::<BigInt, _>(sizes.text)
            .bind::<BigInt, _>(sizes.yjs)
            .bind::<BigInt, _>(sizes.history)
            .bind::<SqlUuid, _>(workspace_id)
            .get_result::<(i64, i64, i64, i64)>(connection)
            .optional()?
            .ok_or(StoreError::NoSuchWorkspace)?;
    let grown = (writes.growth.documents, sizes.history);
    if !writes.is_above(version_floor) || !is_within(writes.most, held, bytes, grown) {
        return Err(StoreError::LostRace);
    }
    for (sequence, write) in (head_sequence - documents + 1..).zip(&writes.documents) {
        write_head(connection, workspace_id, write, sequence)?;
    }
    for row in log {
        let row = NewLogRow { batch_sequence: Some(head_sequence), ..row };
        one(diesel::insert_into(document_log::table).values(row).on_conflict_do_nothing().execute(connection)?)?;
    }
    for receipt in &receipts {
        one(diesel::insert_into(receipts::table).values(receipt).on_conflict_do_nothing().execute(connection)?)?;
    }
    Ok(head_sequence)
}

fn write_head(
    connection: &mut SqliteConnection,
    workspace_id: DbUuid,
    write: &DocumentWrite,
    sequence: i64,
) -> Result<(), StoreError> {
    let row = NewHeadRow::new(workspace_id, sequence, &write.head);
    one(match write.write {
        HeadWrite::Insert => {
            diesel::insert_into(documents::table).values(&row).on_conflict_do_nothing().execute(connection)?
        }
        HeadWrite::Replace { expected_version } => replacement(&row, expected_version, false).execute(connection)?,
        HeadWrite::Renew { expected_version } => replacement(&row, expected_version, true).execute(connection)?,
    })
}

/// Another writer was first unless exactly one row was written.
fn one(written: usize) -> Result<(), StoreError> {
    if written == 1 { Ok(()) } else { Err(StoreError::LostRace) }
}

/// A mark of damage stays with the document that it was made on, not with its successor.
const REPLACE_HEAD: &str = "UPDATE documents SET version = ?, sequence = ?, title = ?, created_at = ?, updated_at = ?, \
     updated_by = ?, deleted_at = ?, damaged = damaged AND epoch = ?, epoch = ?, content_version = ?, \
     content_digest = ?, state_vector = ?, yjs_roots = ?, snapshot_bytes = ?, log_bytes = ?, log_rows = ? \
     WHERE workspace_id = ? AND document_id = ? AND version = ? AND (sequence = 0) = ?";

fn replacement<'a>(row: &'a NewHeadRow<'a>, expected_version: Version, is_purged: bool) -> Statement<'a, Sqlite> {
    Statement::new(REPLACE_HEAD)
        .bind::<BigInt, _>(row.version)
        .bind::<BigInt, _>(row.sequence)
        .bind::<Text, _>(row.title)
        .bind::<BigInt, _>(row.created_at)
        .bind::<BigInt, _>(row.updated_at)
        .bind::<SqlUuid, _>(row.updated_by)
        .bind::<Nullable<BigInt>, _>(row.deleted_at)
        .bind::<BigInt, _>(row.epoch)
        .bind::<BigInt, _>(row.epoch)
        .bind::<BigInt, _>(row.content_version)
        .bind::<Nullable<Binary>, _>(row.content_digest)
        .bind::<Nullable<Binary>, _>(row.state_vector.as_deref())
        .bind::<Binary, _>(row.yjs_roots.as_slice())
        .bind::<BigInt, _>(row.snapshot_bytes)
        .bind::<BigInt, _>(row.log_bytes)
        .bind::<BigInt, _>(row.log_rows)
        .bind::<SqlUuid, _>(row.workspace_id)
        .bind::<SqlUuid, _>(row.document_id)
        .bind::<BigInt, _>(expected_version)
        .bind::<Bool, _>(is_purged)
}
