//! The index on Postgres: a `tsvector` for each document, without places.

use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::Row;
use crate::store::StoreError;
use crate::store::sql_uuid::{DbUuid, SqlUuid};
use crate::store::statement::Statement;

const FIND: &str = "SELECT document_id, sequence FROM search_entries \
     WHERE workspace_id = ?::uuid AND terms @@ ?::tsquery AND sequence < ? \
     ORDER BY sequence DESC LIMIT ?";
/// As [`FIND`], among the documents of the workspace that changed last. What is in the index from before the last of them
/// is left out: something else may come before it. Only with `sequence > 0` is the index of the feed one that fits.
const FIND_NEWEST: &str = "SELECT entry.document_id, entry.sequence \
     FROM (SELECT ?::uuid AS workspace_id) AS scope \
     CROSS JOIN LATERAL ( \
         SELECT document.document_id, min(document.sequence) OVER () AS lowest \
         FROM ( \
             SELECT candidate.document_id, candidate.sequence FROM documents AS candidate \
             WHERE candidate.workspace_id = scope.workspace_id AND candidate.sequence < ? AND candidate.sequence > 0 \
             ORDER BY candidate.sequence DESC LIMIT ? \
         ) AS document \
     ) AS newest \
     CROSS JOIN LATERAL ( \
         SELECT candidate.document_id, candidate.sequence, candidate.terms FROM search_entries AS candidate \
         WHERE candidate.workspace_id = scope.workspace_id AND candidate.document_id = newest.document_id LIMIT 1 \
     ) AS entry \
     WHERE entry.sequence < ? AND entry.sequence >= newest.lowest AND entry.terms @@ ?::tsquery \
     ORDER BY entry.sequence DESC LIMIT ?";
const PUT: &str = "INSERT INTO search_entries (workspace_id, document_id, sequence, terms) \
     SELECT ?::uuid, row.document_id, row.sequence, array_to_tsvector(string_to_array(row.terms, ' ')) \
     FROM unnest(?::uuid[], ?::bigint[], ?::text[]) AS row (document_id, sequence, terms) \
     ON CONFLICT (workspace_id, document_id) DO UPDATE SET sequence = excluded.sequence, terms = excluded.terms";
const FORGET: &str = "DELETE FROM search_entries WHERE workspace_id = ?::uuid AND document_id = ?::uuid";

/// Without statistics, or for a term of very many documents, the planner would read the whole table, which is every
/// workspace's. A GIN index needs bitmap scans, so the settings of batches do not fit here.
const NO_WHOLE_TABLE: &str = "SET LOCAL enable_seqscan = off; SET LOCAL max_parallel_workers_per_gather = 0";

/// Documents that changed last, of which terms are compared one by one: that finds words that many documents have, for which the
/// index would list, and Postgres sort, all of them.
const NEWEST: i64 = 128;

pub(super) fn find(
    connection: &mut PgConnection,
    key: DbUuid,
    matching: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<(DbUuid, i64)>, StoreError> {
    connection.batch_execute(NO_WHOLE_TABLE)?;
    let newest: Vec<(DbUuid, i64)> = Statement::<Pg, (SqlUuid, BigInt)>::new(FIND_NEWEST)
        .bind::<SqlUuid, _>(key)
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(NEWEST)
        .bind::<BigInt, _>(before)
        .bind::<Text, _>(matching)
        .bind::<BigInt, _>(limit)
        .load(connection)?;
    if i64::try_from(newest.len()).is_ok_and(|found| found >= limit) {
        return Ok(newest);
    }
    Ok(Statement::<Pg, (SqlUuid, BigInt)>::new(FIND)
        .bind::<SqlUuid, _>(key)
        .bind::<Text, _>(matching)
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(limit)
        .load(connection)?)
}

pub(super) fn put(connection: &mut PgConnection, key: DbUuid, rows: &[Row]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    Statement::<Pg>::new(PUT)
        .bind::<SqlUuid, _>(key)
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.document_id).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.sequence).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.terms.as_str()).collect::<Vec<_>>())
        .execute(connection)?;
    Ok(())
}

pub(super) fn forget(connection: &mut PgConnection, key: DbUuid, id: DbUuid) -> Result<(), StoreError> {
    Statement::<Pg>::new(FORGET).bind::<SqlUuid, _>(key).bind::<SqlUuid, _>(id).execute(connection)?;
    Ok(())
}

pub(super) fn clear(connection: &mut PgConnection) -> Result<(), StoreError> {
    Statement::<Pg>::new("DELETE FROM search_entries").execute(connection)?;
    Ok(())
}
