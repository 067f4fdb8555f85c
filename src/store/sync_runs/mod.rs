//! Sync runs and their notes. Whoever changes a run holds its workspace's lock, so that nobody counts past another.
//! What a change is, the core decides; nothing here does.

pub(super) mod postgres;
mod rows;
pub(super) mod sqlite;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use self::rows::{NoteRow, RunRow, ids};
use super::connection::AnyConnection;
use super::schema::{sync_notes, sync_runs, workspaces};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::ids::{SyncId, UserId, WorkspaceId};
use crate::domain::sync_run::{HistoryPlace, MAX_SHOWN_ERRORS, NoteChanges, RunKey, RunNote, SyncRun};
use crate::domain::timestamp::Timestamp;

/// Notes that are forgotten in one transaction, about, so that none holds up a workspace for long.
const NOTES_AT_A_TIME: i64 = 1_000;

/// How far a run is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunDeletion {
    /// It is there no more.
    Done,
    /// Some of its notes are gone; there is more to do.
    Started,
    /// It is not one to be forgotten, or not there.
    Kept,
}

impl Store {
    /// A run with its newest failures, newest first, [`MAX_SHOWN_ERRORS`] at most.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_sync_run(&self, key: RunKey) -> Result<Option<(SyncRun, Vec<RunNote>)>, StoreError> {
        let (workspace_id, user_id, sync_id) = ids(key);
        self.read_snapshot(|connection| {
            let run: Option<RunRow> = sync_runs::table
                .find((workspace_id, user_id, sync_id))
                .select(RunRow::as_select())
                .get_result(connection)
                .optional()?;
            let Some(run) = run.map(SyncRun::try_from).transpose()? else { return Ok(None) };
            let failures: Vec<NoteRow> = sync_notes::table
                .filter(sync_notes::workspace_id.eq(workspace_id))
                .filter(sync_notes::user_id.eq(user_id))
                .filter(sync_notes::sync_id.eq(sync_id))
                .filter(sync_notes::code.is_not_null())
                .order(sync_notes::note_number.desc())
                .limit(i64::from(MAX_SHOWN_ERRORS))
                .select(NoteRow::as_select())
                .load(connection)?;
            Ok(Some((run, failures.into_iter().map(RunNote::try_from).collect::<Result<_, _>>()?)))
        })
    }

    /// The runs of a user in a workspace, newest first, after `before` in that order.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_sync_runs(
        &self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        before: Option<HistoryPlace>,
        limit: u32,
    ) -> Result<Vec<SyncRun>, StoreError> {
        // The end of time, for a reader who begins.
        let (started_at, sync_id) = before.unwrap_or((Timestamp(i64::MAX), SyncId(uuid::Uuid::max())));
        self.read(|connection| {
            let rows: Vec<RunRow> = sync_runs::table
                .filter(sync_runs::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(sync_runs::user_id.eq(DbUuid(user_id.0)))
                .filter(sync_runs::started_at.le(started_at.0))
                .filter(sync_runs::started_at.lt(started_at.0).or(sync_runs::sync_id.lt(DbUuid(sync_id.0))))
                .order((sync_runs::started_at.desc(), sync_runs::sync_id.desc()))
                .limit(i64::from(limit))
                .select(RunRow::as_select())
                .load(connection)?;
            rows.into_iter().map(SyncRun::try_from).collect()
        })
    }

    /// Open runs of any workspace that were last heard of before `since`, those first that have been silent longest.
    ///
    /// Asks every shard: each server does so, once a minute.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_silent_runs(&self, since: Timestamp, limit: u32) -> Result<Vec<RunKey>, StoreError> {
        self.read(|connection| {
            let rows: Vec<(DbUuid, DbUuid, DbUuid)> = sync_runs::table
                // Word for word as in the partial index: it serves nobody else.
                .filter(sql::<Bool>("status < 2"))
                .filter(sync_runs::updated_at.lt(since.0))
                .order(sync_runs::updated_at.asc())
                .limit(i64::from(limit))
                .select((sync_runs::workspace_id, sync_runs::user_id, sync_runs::sync_id))
                .load(connection)?;
            Ok(rows.into_iter().map(key_of).collect())
        })
    }

    /// Runs of any workspace that ended before this time, the oldest first.
    ///
    /// Asks every shard: a purge does so, once in a while.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_ended_runs(&self, before: Timestamp, limit: u32) -> Result<Vec<RunKey>, StoreError> {
        self.read(|connection| {
            let rows: Vec<(DbUuid, DbUuid, DbUuid)> = sync_runs::table
                .filter(sync_runs::finished_at.lt(before.0))
                .order(sync_runs::finished_at.asc())
                .limit(i64::from(limit))
                .select((sync_runs::workspace_id, sync_runs::user_id, sync_runs::sync_id))
                .load(connection)?;
            Ok(rows.into_iter().map(key_of).collect())
        })
    }

    /// Takes a step towards forgetting a run that ended before this time: some of its notes, then the run itself. One
    /// that has been taken up again stays as it is.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or whatever the database said.
    pub fn forget_run(&self, key: RunKey, ended_before: Timestamp) -> Result<RunDeletion, StoreError> {
        let (workspace_id, user_id, sync_id) = ids(key);
        self.write(move |connection| {
            let ended_at = find_locked(connection, key)?.and_then(|run| run.finished_at);
            if ended_at.is_none_or(|at| at >= ended_before) {
                return Ok(RunDeletion::Kept);
            }
            let notes = sync_notes::table
                .filter(sync_notes::workspace_id.eq(workspace_id))
                .filter(sync_notes::user_id.eq(user_id))
                .filter(sync_notes::sync_id.eq(sync_id));
            let next: Option<String> = notes
                .order((sync_notes::client_id.asc(), sync_notes::note_number.asc()))
                .offset(NOTES_AT_A_TIME)
                .limit(1)
                .select(sync_notes::client_id)
                .get_result(connection)
                .optional()?;
            if let Some(client_id) = next {
                diesel::delete(notes.filter(sync_notes::client_id.le(client_id))).execute(connection)?;
                return Ok(RunDeletion::Started);
            }
            diesel::delete(notes).execute(connection)?;
            diesel::delete(sync_runs::table.find((workspace_id, user_id, sync_id))).execute(connection)?;
            Ok(RunDeletion::Done)
        })
    }

    /// Shows `decide` the run (none if there is no such) while nobody else can change it, and stores the run that it
    /// answers with, if any. Called again after a lost race.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or whatever the database said.
    pub fn change_sync_run<T, F>(&self, key: RunKey, mut decide: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(Option<SyncRun>) -> (Option<SyncRun>, T) + Send + 'static,
    {
        self.write(move |connection| {
            let found = find_locked(connection, key)?;
            let (changed, value) = decide(found);
            if let Some(run) = changed {
                let notes = NoteChanges::default();
                match connection {
                    AnyConnection::Sqlite(connection) => sqlite::save(connection, key, &run, &notes)?,
                    AnyConnection::Postgres(connection) => postgres::save(connection, key, &run, &notes)?,
                }
            }
            Ok(value)
        })
    }
}

/// The run, its workspace locked first: on SQLite by writing at all, on Postgres by its row.
fn find_locked(connection: &mut AnyConnection, key: RunKey) -> Result<Option<SyncRun>, StoreError> {
    match connection {
        AnyConnection::Sqlite(connection) => sqlite::find(connection, key),
        AnyConnection::Postgres(connection) => {
            workspaces::table
                .find(DbUuid(key.workspace_id.0))
                .select(workspaces::head_sequence)
                .for_no_key_update()
                .get_result::<i64>(connection)
                .optional()?
                .ok_or(StoreError::NoSuchWorkspace)?;
            postgres::find(connection, key)
        }
    }
}

fn key_of((workspace, user, sync): (DbUuid, DbUuid, DbUuid)) -> RunKey {
    RunKey { workspace_id: WorkspaceId(workspace.0), user_id: UserId(user.0), sync_id: SyncId(sync.0) }
}
