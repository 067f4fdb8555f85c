//! The index on SQLite: FTS5, whose rows are numbered like the entries.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;

use super::Row;
use crate::store::StoreError;
use crate::store::sql_uuid::{DbUuid, SqlUuid};
use crate::store::statement::Statement;

const FIND: &str = "SELECT entries.document_id, entries.sequence \
     FROM search_index JOIN search_entries AS entries ON entries.entry = search_index.rowid \
     WHERE search_index MATCH ? AND entries.workspace_id = ? AND search_index.rowid <= coalesce(( \
         SELECT entry FROM search_entries WHERE workspace_id = ? AND sequence < ? ORDER BY sequence DESC LIMIT 1 \
     ), 0) \
     ORDER BY search_index.rowid DESC LIMIT ?";
const ENTRY: &str = "SELECT entry FROM search_entries WHERE workspace_id = ? AND document_id = ?";
const NEW_ENTRY: &str = "INSERT INTO search_entries (workspace_id, document_id, sequence) VALUES (?, ?, ?) \
     RETURNING entry";
const PUT: &str = "INSERT INTO search_index (rowid, terms) VALUES (?, ?)";
const OUT_OF_ENTRIES: &str = "DELETE FROM search_entries WHERE entry = ?";
const OUT_OF_INDEX: &str = "DELETE FROM search_index WHERE rowid = ?";

pub(super) fn find(
    connection: &mut SqliteConnection,
    key: DbUuid,
    matching: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<(DbUuid, i64)>, StoreError> {
    Ok(Statement::<Sqlite, (SqlUuid, BigInt)>::new(FIND)
        .bind::<Text, _>(matching)
        .bind::<SqlUuid, _>(key)
        .bind::<SqlUuid, _>(key)
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(limit)
        .load(connection)?)
}

/// A document that is indexed again gets a new entry, the highest.
pub(super) fn put(connection: &mut SqliteConnection, key: DbUuid, rows: &[Row]) -> Result<(), StoreError> {
    for row in rows {
        forget(connection, key, row.document_id)?;
        let entry: i64 = Statement::<Sqlite, BigInt>::new(NEW_ENTRY)
            .bind::<SqlUuid, _>(key)
            .bind::<SqlUuid, _>(row.document_id)
            .bind::<BigInt, _>(row.sequence)
            .get_result(connection)?;
        Statement::<Sqlite>::new(PUT).bind::<BigInt, _>(entry).bind::<Text, _>(&row.terms).execute(connection)?;
    }
    Ok(())
}

pub(super) fn forget(connection: &mut SqliteConnection, key: DbUuid, id: DbUuid) -> Result<(), StoreError> {
    if let Some(entry) = entry_of(connection, key, id)? {
        Statement::<Sqlite>::new(OUT_OF_INDEX).bind::<BigInt, _>(entry).execute(connection)?;
        Statement::<Sqlite>::new(OUT_OF_ENTRIES).bind::<BigInt, _>(entry).execute(connection)?;
    }
    Ok(())
}

pub(super) fn clear(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    Statement::<Sqlite>::new("DELETE FROM search_entries").execute(connection)?;
    Statement::<Sqlite>::new("INSERT INTO search_index (search_index) VALUES ('delete-all')").execute(connection)?;
    Ok(())
}

fn entry_of(connection: &mut SqliteConnection, key: DbUuid, id: DbUuid) -> Result<Option<i64>, StoreError> {
    Ok(Statement::<Sqlite, BigInt>::new(ENTRY)
        .bind::<SqlUuid, _>(key)
        .bind::<SqlUuid, _>(id)
        .get_result(connection)
        .optional()?)
}
