//! Rows of the tables of sync runs, and their way to and from the core's types. Decides nothing.

use diesel::prelude::*;

use super::super::StoreError;
use super::super::schema::{sync_notes, sync_runs};
use super::super::sql_uuid::DbUuid;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, SyncId};
use crate::domain::sync_run::{Direction, RunFailure, RunKey, RunNote, RunStatus, SyncRun};
use crate::domain::timestamp::Timestamp;

/// A run's key, as its tables have it.
pub(super) fn ids(key: RunKey) -> (DbUuid, DbUuid, DbUuid) {
    (DbUuid(key.workspace_id.0), DbUuid(key.user_id.0), DbUuid(key.sync_id.0))
}

/// A run, all of its row.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = sync_runs, treat_none_as_default_value = false)]
pub(super) struct RunRow {
    pub workspace_id: DbUuid,
    pub user_id: DbUuid,
    pub sync_id: DbUuid,
    pub device_id: Option<String>,
    pub direction: i16,
    pub status: i16,
    pub total: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub skipped: i64,
    pub batches: i64,
    pub current_operation: Option<String>,
    pub notes: i64,
    pub started_at: i64,
    pub updated_at: i64,
    pub finished_at: Option<i64>,
}

impl RunRow {
    pub(super) fn new(key: RunKey, run: &SyncRun) -> Self {
        let (workspace_id, user_id, sync_id) = ids(key);
        Self {
            workspace_id,
            user_id,
            sync_id,
            device_id: run.device_id.clone(),
            direction: direction_code(run.direction),
            status: status_code(run.status),
            total: run.total,
            succeeded: run.succeeded,
            failed: run.failed,
            skipped: run.skipped,
            batches: run.batches,
            current_operation: run.current_operation.clone(),
            notes: run.notes,
            started_at: run.started_at.0,
            updated_at: run.updated_at.0,
            finished_at: run.finished_at.map(|time| time.0),
        }
    }
}

impl TryFrom<RunRow> for SyncRun {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        Ok(Self {
            sync_id: SyncId(row.sync_id.0),
            device_id: row.device_id,
            direction: direction_from_code(row.direction)?,
            status: status_from_code(row.status)?,
            total: row.total,
            succeeded: row.succeeded,
            failed: row.failed,
            skipped: row.skipped,
            batches: row.batches,
            current_operation: row.current_operation,
            notes: row.notes,
            started_at: Timestamp(row.started_at),
            updated_at: Timestamp(row.updated_at),
            finished_at: row.finished_at.map(Timestamp),
        })
    }
}

/// A note, all of its row.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = sync_notes, treat_none_as_default_value = false)]
pub(super) struct NoteRow {
    pub workspace_id: DbUuid,
    pub user_id: DbUuid,
    pub sync_id: DbUuid,
    /// Empty for an operation without a valid name: no name is.
    pub client_id: String,
    pub note_number: i64,
    pub document_id: Option<DbUuid>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub retry_count: i64,
    pub created_at: i64,
}

impl NoteRow {
    pub(super) fn new(key: RunKey, note: &RunNote) -> Self {
        let (workspace_id, user_id, sync_id) = ids(key);
        let failure = note.failure.as_ref();
        Self {
            workspace_id,
            user_id,
            sync_id,
            client_id: note.client_id.clone().unwrap_or_default(),
            note_number: note.number,
            document_id: note.document_id.map(|id| DbUuid(id.0)),
            code: failure.map(|failure| failure.code.as_str().to_owned()),
            message: failure.map(|failure| failure.message.clone()),
            retry_count: failure.map_or(0, |failure| failure.retry_count),
            created_at: note.noted_at.0,
        }
    }
}

impl TryFrom<NoteRow> for RunNote {
    type Error = StoreError;

    fn try_from(row: NoteRow) -> Result<Self, StoreError> {
        let failure = match row.code {
            None => None,
            Some(code) => Some(RunFailure {
                code: error_code(&code)?,
                message: row.message.unwrap_or_default(),
                retry_count: row.retry_count,
            }),
        };
        Ok(Self {
            number: row.note_number,
            client_id: Some(row.client_id).filter(|name| !name.is_empty()),
            document_id: row.document_id.map(|id| DocumentId(id.0)),
            failure,
            noted_at: Timestamp(row.created_at),
        })
    }
}

fn error_code(name: &str) -> Result<ErrorCode, StoreError> {
    let known = ErrorCode::ALL.into_iter().find(|code| code.as_str() == name);
    known.ok_or_else(|| StoreError::Corrupt(format!("unknown error code {name}")))
}

const fn direction_code(direction: Direction) -> i16 {
    match direction {
        Direction::Push => 0,
        Direction::Pull => 1,
        Direction::Both => 2,
    }
}

fn direction_from_code(code: i16) -> Result<Direction, StoreError> {
    match code {
        0 => Ok(Direction::Push),
        1 => Ok(Direction::Pull),
        2 => Ok(Direction::Both),
        _ => Err(StoreError::Corrupt(format!("unknown direction of a sync run {code}"))),
    }
}

/// The open ones are below 2: the index of open runs says so too.
const fn status_code(status: RunStatus) -> i16 {
    match status {
        RunStatus::Idle => 0,
        RunStatus::Processing => 1,
        RunStatus::Completed => 2,
        RunStatus::Error => 3,
        RunStatus::Cancelled => 4,
    }
}

fn status_from_code(code: i16) -> Result<RunStatus, StoreError> {
    match code {
        0 => Ok(RunStatus::Idle),
        1 => Ok(RunStatus::Processing),
        2 => Ok(RunStatus::Completed),
        3 => Ok(RunStatus::Error),
        4 => Ok(RunStatus::Cancelled),
        _ => Err(StoreError::Corrupt(format!("unknown status of a sync run {code}"))),
    }
}
