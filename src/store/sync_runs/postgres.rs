//! A run's rows on Postgres: one statement for each kind of change, whatever their number. Decides nothing.

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};

use super::super::StoreError;
use super::super::schema::sync_runs;
use super::super::sql_uuid::SqlUuid;
use super::super::statement::Statement;
use super::rows::{NoteRow, RunRow, ids};
use crate::domain::sync_run::{NoteChanges, RunKey, RunNote, SyncRun};

// As for documents (see `store::postgres`): no planner may read all notes of a run because it thinks that there are few.

/// Notes by name.
const FIND_NOTES: &str = include_str!("find_notes.sql");

/// Stores a run, new or not.
const SAVE_RUN: &str = include_str!("save_run.sql");

/// Removes notes and stores others: every array is a column, every place in it a note. Two statements, since no sharded
/// Postgres sends a statement that inserts behind a `WITH` to one shard.
const DROP_NOTES: &str = include_str!("drop_notes.sql");
const ADD_NOTES: &str = include_str!("add_notes.sql");

type NoteSql = SqlTypeOf<AsSelect<NoteRow, Pg>>;

/// The run, if there is one.
pub(in crate::store) fn find(connection: &mut PgConnection, key: RunKey) -> Result<Option<SyncRun>, StoreError> {
    let row = sync_runs::table.find(ids(key)).select(RunRow::as_select()).get_result(connection).optional()?;
    row.map(SyncRun::try_from).transpose()
}

/// The run's notes of these names, those of one name oldest first.
pub(in crate::store) fn find_notes(
    connection: &mut PgConnection,
    key: RunKey,
    client_ids: &[&str],
) -> Result<Vec<RunNote>, StoreError> {
    if client_ids.is_empty() {
        return Ok(Vec::new());
    }
    let (workspace_id, user_id, sync_id) = ids(key);
    let rows: Vec<NoteRow> = Statement::<Pg, NoteSql>::new(FIND_NOTES)
        .bind::<SqlUuid, _>(workspace_id)
        .bind::<SqlUuid, _>(user_id)
        .bind::<SqlUuid, _>(sync_id)
        .bind::<Array<Text>, _>(client_ids)
        .load(connection)?;
    rows.into_iter().map(RunNote::try_from).collect()
}

/// Stores the run, new or not, and what changed in its notes.
pub(in crate::store) fn save(
    connection: &mut PgConnection,
    key: RunKey,
    run: &SyncRun,
    notes: &NoteChanges,
) -> Result<(), StoreError> {
    save_run(connection, &RunRow::new(key, run))?;
    let [dropped, added] = [&notes.dropped, &notes.added]
        .map(|notes| notes.iter().map(|note| NoteRow::new(key, note)).collect::<Vec<_>>());
    drop_notes(connection, key, &dropped)?;
    add_notes(connection, key, &added)
}

fn drop_notes(connection: &mut PgConnection, key: RunKey, dropped: &[NoteRow]) -> Result<(), StoreError> {
    if dropped.is_empty() {
        return Ok(());
    }
    let (workspace_id, user_id, sync_id) = ids(key);
    Statement::<Pg>::new(DROP_NOTES)
        .bind::<SqlUuid, _>(workspace_id)
        .bind::<SqlUuid, _>(user_id)
        .bind::<SqlUuid, _>(sync_id)
        .bind::<Array<Text>, _>(column(dropped, |row| row.client_id.as_str()))
        .bind::<Array<BigInt>, _>(column(dropped, |row| row.note_number))
        .execute(connection)?;
    Ok(())
}

fn add_notes(connection: &mut PgConnection, key: RunKey, added: &[NoteRow]) -> Result<(), StoreError> {
    if added.is_empty() {
        return Ok(());
    }
    let (workspace_id, user_id, sync_id) = ids(key);
    Statement::<Pg>::new(ADD_NOTES)
        .bind::<SqlUuid, _>(workspace_id)
        .bind::<SqlUuid, _>(user_id)
        .bind::<SqlUuid, _>(sync_id)
        .bind::<Array<Text>, _>(column(added, |row| row.client_id.as_str()))
        .bind::<Array<BigInt>, _>(column(added, |row| row.note_number))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(added, |row| row.document_id))
        .bind::<Array<Nullable<Text>>, _>(column(added, |row| row.code.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(column(added, |row| row.message.as_deref()))
        .bind::<Array<BigInt>, _>(column(added, |row| row.retry_count))
        .bind::<Array<BigInt>, _>(column(added, |row| row.created_at))
        .execute(connection)?;
    Ok(())
}

fn column<'a, Value>(rows: &'a [NoteRow], value: impl Fn(&'a NoteRow) -> Value) -> Vec<Value> {
    rows.iter().map(value).collect()
}

fn save_run(connection: &mut PgConnection, row: &RunRow) -> Result<(), StoreError> {
    Statement::<Pg>::new(SAVE_RUN)
        .bind::<SqlUuid, _>(row.workspace_id)
        .bind::<SqlUuid, _>(row.user_id)
        .bind::<SqlUuid, _>(row.sync_id)
        .bind::<Nullable<Text>, _>(row.device_id.as_deref())
        .bind::<SmallInt, _>(row.direction)
        .bind::<SmallInt, _>(row.status)
        .bind::<BigInt, _>(row.total)
        .bind::<BigInt, _>(row.succeeded)
        .bind::<BigInt, _>(row.failed)
        .bind::<BigInt, _>(row.skipped)
        .bind::<BigInt, _>(row.batches)
        .bind::<Nullable<Text>, _>(row.current_operation.as_deref())
        .bind::<BigInt, _>(row.notes)
        .bind::<BigInt, _>(row.started_at)
        .bind::<BigInt, _>(row.updated_at)
        .bind::<Nullable<BigInt>, _>(row.finished_at)
        .execute(connection)?;
    Ok(())
}
