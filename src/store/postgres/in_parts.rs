//! A write set on a sharded Postgres, a statement for each table. Citus hands a statement to one shard as it is, but not one
//! that inserts within a `WITH`: it cuts that up, sends what each piece gives through the coordinator, and refuses places
//! (`ctid`) in what is left. Decides nothing.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::{Rows, count_of};
use crate::domain::document::WriteSet;
use crate::store::rows::{NewHeadRow, NewLogRow};
use crate::store::schema::{document_log, documents, receipts};
use crate::store::sql_uuid::SqlUuid;
use crate::store::statement::Statement;
use crate::store::usage::{ADVANCE_FEED, Sizes, is_within};
use crate::store::{BatchScope, PackedTexts, StoreError};

/// Replaces heads that are where the write set expects them: every array is a column, every place in it a document.
const REPLACE_HEADS: &str = include_str!("sql/replace_heads.sql");

/// Rows that one statement inserts at most: each value of each is a parameter, of which there may be 65,535.
const ROWS: usize = 1_000;

/// Carries out a write set, beginning with what locks the workspace; the sequence of the feed's newest change then.
///
/// # Errors
/// `NoSuchWorkspace`, `LostRace`, or what the database said.
pub(in crate::store) fn write(
    connection: &mut PgConnection,
    scope: &BatchScope,
    writes: &WriteSet,
    texts: &PackedTexts,
) -> Result<i64, StoreError> {
    let mut rows = Rows::of(scope, writes, texts)?;
    let sizes = Sizes::of_log(&rows.log);
    let advanced: Option<(i64, i64, i64, i64)> = Statement::<Pg, (BigInt, BigInt, BigInt, BigInt)>::new(ADVANCE_FEED)
        .bind::<BigInt, _>(count_of(rows.heads.len())?)
        .bind::<BigInt, _>(writes.growth.documents)
        .bind::<BigInt, _>(writes.growth.deleted)
        .bind::<BigInt, _>(sizes.text)
        .bind::<BigInt, _>(sizes.yjs)
        .bind::<BigInt, _>(sizes.history)
        .bind::<SqlUuid, _>(rows.workspace_id)
        .get_result(connection)
        .optional()?;
    let (head_sequence, version_floor, held, bytes) = advanced.ok_or(StoreError::NoSuchWorkspace)?;
    let grown = (writes.growth.documents, sizes.history);
    if !writes.is_above(version_floor) || !is_within(writes.most, held, bytes, grown) {
        return Err(StoreError::LostRace);
    }
    let mut written = replace_heads(connection, &rows, head_sequence)?;
    for heads in new_heads(&mut rows, head_sequence).chunks(ROWS) {
        written += diesel::insert_into(documents::table).values(heads).on_conflict_do_nothing().execute(connection)?;
    }
    let log: Vec<NewLogRow<'_>> = (rows.log.drain(..).zip(&rows.batches_behind))
        .map(|(row, behind)| NewLogRow { batch_sequence: Some(head_sequence - behind), ..row })
        .collect();
    for log in log.chunks(ROWS) {
        written += diesel::insert_into(document_log::table).values(log).on_conflict_do_nothing().execute(connection)?;
    }
    for receipts in rows.receipts.chunks(ROWS) {
        written +=
            diesel::insert_into(receipts::table).values(receipts).on_conflict_do_nothing().execute(connection)?;
    }
    // No statement writes more rows than it was given: the sum is right only if each of them is.
    let expected = writes.documents.len() + log.len() + rows.receipts.len();
    if written == expected { Ok(head_sequence) } else { Err(StoreError::LostRace) }
}

/// How many heads were where they were expected.
fn replace_heads(connection: &mut PgConnection, rows: &Rows<'_>, head_sequence: i64) -> Result<usize, StoreError> {
    if rows.expected_versions.iter().all(Option::is_none) {
        return Ok(0);
    }
    let statement =
        Statement::<Pg>::new(REPLACE_HEADS).bind::<BigInt, _>(head_sequence).bind::<SqlUuid, _>(rows.workspace_id);
    Ok(rows.bind_heads(statement).execute(connection)?)
}

/// The heads of new documents, taken out, with their places in the feed.
fn new_heads<'a>(rows: &mut Rows<'a>, head_sequence: i64) -> Vec<NewHeadRow<'a>> {
    let heads = rows.heads.drain(..).zip(&rows.expected_versions).zip(&rows.behind);
    heads
        .filter(|((_, expected), _)| expected.is_none())
        .map(|((head, _), behind)| NewHeadRow { sequence: head_sequence - behind, ..head })
        .collect()
}
