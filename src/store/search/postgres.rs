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
const PUT: &str = "INSERT INTO search_entries (workspace_id, document_id, sequence, terms) \
     SELECT ?::uuid, row.document_id, row.sequence, array_to_tsvector(string_to_array(row.terms, ' ')) \
     FROM unnest(?::uuid[], ?::bigint[], ?::text[]) AS row (document_id, sequence, terms) \
     ON CONFLICT (workspace_id, document_id) DO UPDATE SET sequence = excluded.sequence, terms = excluded.terms";
const FORGET: &str = "DELETE FROM search_entries WHERE workspace_id = ?::uuid AND document_id = ?::uuid";

/// Without statistics, or for a term of very many documents, the planner would read the whole table, which is every
/// workspace's. A GIN index needs bitmap scans, so the settings of batches do not fit here.
const NO_WHOLE_TABLE: &str = "SET LOCAL enable_seqscan = off";

pub(super) fn find(
    connection: &mut PgConnection,
    key: DbUuid,
    matching: &str,
    before: i64,
    limit: u32,
) -> Result<Vec<(DbUuid, i64)>, StoreError> {
    connection.batch_execute(NO_WHOLE_TABLE)?;
    Ok(Statement::<Pg, (SqlUuid, BigInt)>::new(FIND)
        .bind::<SqlUuid, _>(key)
        .bind::<Text, _>(matching)
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(i64::from(limit))
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
