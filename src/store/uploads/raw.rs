//! Uploads as they are stored, each part read by itself, so that one that cannot be read hides no other; and the end of one of
//! which a part cannot be read.

use diesel::prelude::*;

use super::rows::{COMMITTED, DROPPED, StagedRow, UploadRow, check_count, decode_answer, ids, key_of};
use crate::domain::ids::WorkspaceId;
use crate::domain::timestamp::Timestamp;
use crate::domain::upload::{Upload, UploadKey, UploadState};
use crate::store::schema::{staged_operations, uploads};
use crate::store::sql_uuid::DbUuid;
use crate::store::{Store, StoreError};

/// Staged operations that are held at a time.
const ROWS: i64 = 100;

/// An upload, without its operations.
#[derive(Debug)]
pub struct RawUpload {
    /// What it is.
    pub upload: Result<Upload, StoreError>,
    /// Changes with each request that staged something.
    pub revision: i64,
    /// What its commit came to, as it is stored; and whether that can be read.
    pub answer: Option<(Vec<u8>, Result<(), StoreError>)>,
    /// Whether all of its operations are there, if it is open.
    pub is_whole: Result<(), StoreError>,
}

/// A staged operation.
#[derive(Debug)]
pub struct RawOperation {
    /// Its name.
    pub client_id: String,
    /// Its place in the upload.
    pub place: (i64, i64),
    /// The operation as it was sent.
    pub body: Result<String, StoreError>,
    /// The same, as it is stored.
    pub stored: Vec<u8>,
}

impl Store {
    /// The uploads of a workspace.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_uploads(&self, workspace_id: WorkspaceId) -> Result<Vec<UploadKey>, StoreError> {
        let rows: Vec<(DbUuid, DbUuid)> = self.read(|connection| {
            Ok(uploads::table
                .filter(uploads::workspace_id.eq(DbUuid(workspace_id.0)))
                .order((uploads::user_id, uploads::upload_id))
                .select((uploads::user_id, uploads::upload_id))
                .load(connection)?)
        })?;
        Ok(rows.into_iter().map(|(user, upload)| key_of(workspace_id, user, upload)).collect())
    }

    /// An upload and each operation that it may still need, as they are at one moment; `None` if there is none.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn read_raw_upload(
        &self,
        key: UploadKey,
        mut visit: impl FnMut(RawOperation),
    ) -> Result<Option<RawUpload>, StoreError> {
        let (workspace_id, user_id, upload_id) = ids(key);
        self.read_snapshot(|connection| {
            let row: Option<(UploadRow, i64, Option<Vec<u8>>)> = uploads::table
                .find(ids(key))
                .select((UploadRow::as_select(), uploads::revision, uploads::answer))
                .get_result(connection)
                .optional()?;
            let Some((row, revision, answer)) = row else { return Ok(None) };
            let answer = answer.map(|stored| {
                let readable = decode_answer(&stored).map(|_outcomes| ());
                (stored, readable)
            });
            let mut raw = RawUpload { upload: row.try_into(), revision, answer, is_whole: Ok(()) };
            // What is not open has no use for them: they are removed.
            if raw.upload.as_ref().is_ok_and(|upload| upload.state != UploadState::Open) {
                return Ok(Some(raw));
            }
            let (mut after, mut found) = (String::new(), 0);
            loop {
                let rows: Vec<StagedRow> = staged_operations::table
                    .filter(staged_operations::workspace_id.eq(workspace_id))
                    .filter(staged_operations::user_id.eq(user_id))
                    .filter(staged_operations::upload_id.eq(upload_id))
                    .filter(staged_operations::client_id.gt(&after))
                    .order(staged_operations::client_id.asc())
                    .limit(ROWS)
                    .select(StagedRow::as_select())
                    .load(connection)?;
                let Some(last) = rows.last() else { break };
                after.clone_from(&last.client_id);
                found += rows.len();
                for row in rows {
                    let (place, body) = ((row.part, row.number), row.read());
                    visit(RawOperation { client_id: row.client_id, place, body, stored: row.body });
                }
            }
            if let Ok(upload) = &raw.upload {
                raw.is_whole = check_count(upload, found);
            }
            Ok(Some(raw))
        })
    }

    /// Ends an upload that is still as it was at this revision: its answer and all that is staged of it go. One that was
    /// committed stays so, every other one is dropped. Whether it was as it was.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn end_damaged_upload(&self, key: UploadKey, revision: i64, now: Timestamp) -> Result<bool, StoreError> {
        let ended = self.write(move |connection| {
            let at_revision = uploads::table.find(ids(key)).filter(uploads::revision.eq(revision));
            let kept = diesel::update(at_revision.filter(uploads::state.eq(COMMITTED)))
                .set(uploads::answer.eq(None::<Vec<u8>>))
                .execute(connection)?;
            if kept == 1 {
                return Ok(kept);
            }
            Ok(diesel::update(at_revision)
                .set((uploads::state.eq(DROPPED), uploads::since.eq(now.0), uploads::answer.eq(None::<Vec<u8>>)))
                .execute(connection)?)
        })?;
        while ended == 1 && self.clear_upload(key)?.more {}
        Ok(ended == 1)
    }
}
