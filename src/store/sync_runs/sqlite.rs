//! A run's rows on SQLite: by full key, through cached statements. Decides nothing.

use diesel::prelude::*;

use super::super::StoreError;
use super::super::schema::{sync_notes, sync_runs};
use super::rows::{NoteRow, RunRow, ids};
use crate::domain::sync_run::{NoteChanges, RunKey, RunNote, SyncRun};

/// The run, if there is one.
pub(in crate::store) fn find(connection: &mut SqliteConnection, key: RunKey) -> Result<Option<SyncRun>, StoreError> {
    let row = sync_runs::table.find(ids(key)).select(RunRow::as_select()).get_result(connection).optional()?;
    row.map(SyncRun::try_from).transpose()
}

/// The run's notes of these names, those of one name oldest first.
pub(in crate::store) fn find_notes(
    connection: &mut SqliteConnection,
    key: RunKey,
    client_ids: &[&str],
) -> Result<Vec<RunNote>, StoreError> {
    let (workspace_id, user_id, sync_id) = ids(key);
    let mut found = Vec::new();
    for client_id in client_ids {
        let rows: Vec<NoteRow> = sync_notes::table
            .filter(sync_notes::workspace_id.eq(workspace_id))
            .filter(sync_notes::user_id.eq(user_id))
            .filter(sync_notes::sync_id.eq(sync_id))
            .filter(sync_notes::client_id.eq(*client_id))
            .order(sync_notes::note_number.asc())
            .select(NoteRow::as_select())
            .load(connection)?;
        for row in rows {
            found.push(row.try_into()?);
        }
    }
    Ok(found)
}

/// Stores the run, new or not, and what changed in its notes.
pub(in crate::store) fn save(
    connection: &mut SqliteConnection,
    key: RunKey,
    run: &SyncRun,
    notes: &NoteChanges,
) -> Result<(), StoreError> {
    diesel::replace_into(sync_runs::table).values(RunRow::new(key, run)).execute(connection)?;
    let (workspace_id, user_id, sync_id) = ids(key);
    for note in &notes.dropped {
        let client_id = note.client_id.as_deref().unwrap_or_default();
        let dropped = sync_notes::table.find((workspace_id, user_id, sync_id, client_id, note.number));
        diesel::delete(dropped).execute(connection)?;
    }
    for note in &notes.added {
        diesel::insert_into(sync_notes::table).values(NoteRow::new(key, note)).execute(connection)?;
    }
    Ok(())
}
