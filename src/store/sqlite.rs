//! A batch on SQLite: row by row, by full primary key, through cached statements. Decides nothing.
//!
//! Looked up one by one on purpose: for `document_id IN (ten or more)` SQLite's planner may prefer the index on
//! `(workspace_id, sequence)` and read every document of the workspace; and a cached statement by full key is as fast.
//! No `LIMIT` either: its bind makes SQLite prepare a cached statement anew each time it is run.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;

use super::repeated::{Repeated, Sql, Value};
use super::rows::{HeadRow, NewHeadRow, NewLogRow, NewReceiptRow, ReceiptRow, log_rows, receipt_rows};
use super::schema::{documents, receipts};
use super::sql_uuid::{DbUuid, SqlUuid};
use super::statement::Statement;
use super::usage::{ADVANCE_FEED, Sizes, is_within};
use super::{BatchScope, PackedTexts, StoreError};
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
    texts: &PackedTexts,
) -> Result<i64, StoreError> {
    let workspace_id = DbUuid(scope.workspace_id.0);
    let receipts = receipt_rows(scope, &writes.receipts)?;
    let documents = i64::try_from(writes.documents.len()).map_err(|error| StoreError::Refused(error.to_string()))?;
    let log = log_rows(scope, writes, texts)?;
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
    for (row, behind) in log.iter().zip(writes.batches_behind()) {
        one(log_row(row, head_sequence - behind).execute(connection)?)?;
    }
    for receipt in &receipts {
        one(receipt_row(receipt).execute(connection)?)?;
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
        HeadWrite::Insert => insertion(&row).execute(connection)?,
        HeadWrite::Replace { expected_version } => replacement(&row, expected_version, false).execute(connection)?,
        HeadWrite::Renew { expected_version } => replacement(&row, expected_version, true).execute(connection)?,
    })
}

/// Another writer was first unless exactly one row was written.
fn one(written: usize) -> Result<(), StoreError> {
    if written == 1 { Ok(()) } else { Err(StoreError::LostRace) }
}

/// What either statement binds of a head, in this order.
fn head_values<'a>(row: &'a NewHeadRow<'a>) -> [Value<'a>; 17] {
    [
        row.version.into(),
        row.sequence.into(),
        row.title.into(),
        row.created_at.into(),
        row.updated_at.into(),
        row.updated_by.into(),
        row.deleted_at.into(),
        row.epoch.into(),
        row.content_version.into(),
        row.content_digest.into(),
        row.state_vector.as_deref().into(),
        row.yjs_roots.as_slice().into(),
        row.snapshot_bytes.into(),
        row.log_bytes.into(),
        row.log_rows.into(),
        row.workspace_id.into(),
        row.document_id.into(),
    ]
}

enum InsertHead {}

impl Sql for InsertHead {
    const BEFORE: &'static str = "INSERT INTO documents (version, sequence, title, created_at, updated_at, updated_by, \
        deleted_at, epoch, content_version, content_digest, state_vector, yjs_roots, snapshot_bytes, log_bytes, log_rows, \
        workspace_id, document_id) VALUES (";
    const BETWEEN: &'static [&'static str] = &[", "; 16];
    const AFTER: &'static str = ") ON CONFLICT DO NOTHING";
}

fn insertion<'a>(row: &'a NewHeadRow<'a>) -> Repeated<'a, InsertHead, 17> {
    Repeated::new(head_values(row))
}

enum ReplaceHead {}

/// A mark of damage stays with the document that it was made on, not with its successor.
impl Sql for ReplaceHead {
    const BEFORE: &'static str = "UPDATE documents SET version = ";
    const BETWEEN: &'static [&'static str] = &[
        ", sequence = ",
        ", title = ",
        ", created_at = ",
        ", updated_at = ",
        ", updated_by = ",
        ", deleted_at = ",
        ", epoch = ",
        // The eighth value, once more.
        ", damaged = damaged AND epoch = ?8, content_version = ",
        ", content_digest = ",
        ", state_vector = ",
        ", yjs_roots = ",
        ", snapshot_bytes = ",
        ", log_bytes = ",
        ", log_rows = ",
        " WHERE workspace_id = ",
        " AND document_id = ",
        " AND version = ",
        " AND (sequence = 0) = ",
    ];
    const AFTER: &'static str = "";
}

fn replacement<'a>(
    row: &'a NewHeadRow<'a>,
    expected_version: Version,
    is_purged: bool,
) -> Repeated<'a, ReplaceHead, 17, 2> {
    Repeated::and(head_values(row), [expected_version.into(), is_purged.into()])
}

enum InsertLog {}

impl Sql for InsertLog {
    const BEFORE: &'static str = "INSERT INTO document_log (workspace_id, document_id, version, kind, title, user_id, \
        device_id, client_id, created_at, content, yjs_update, batch_sequence, sync_id) VALUES (";
    const BETWEEN: &'static [&'static str] = &[", "; 12];
    const AFTER: &'static str = ") ON CONFLICT DO NOTHING";
}

fn log_row<'a>(row: &'a NewLogRow<'a>, batch_sequence: i64) -> Repeated<'a, InsertLog, 13> {
    Repeated::new([
        row.workspace_id.into(),
        row.document_id.into(),
        row.version.into(),
        row.kind.into(),
        row.title.into(),
        row.user_id.into(),
        row.device_id.into(),
        row.client_id.into(),
        row.created_at.into(),
        row.content.into(),
        row.yjs_update.into(),
        batch_sequence.into(),
        row.sync_id.into(),
    ])
}

enum InsertReceipt {}

impl Sql for InsertReceipt {
    const BEFORE: &'static str = "INSERT INTO receipts (workspace_id, user_id, device_id, client_id, kind, payload_digest, \
        document_id, version, created_at) VALUES (";
    const BETWEEN: &'static [&'static str] = &[", "; 8];
    const AFTER: &'static str = ") ON CONFLICT DO NOTHING";
}

fn receipt_row<'a>(row: &'a NewReceiptRow<'a>) -> Repeated<'a, InsertReceipt, 9> {
    Repeated::new([
        row.workspace_id.into(),
        row.user_id.into(),
        row.device_id.into(),
        row.client_id.into(),
        row.kind.into(),
        row.payload_digest.into(),
        row.document_id.into(),
        row.version.into(),
        row.created_at.into(),
    ])
}
