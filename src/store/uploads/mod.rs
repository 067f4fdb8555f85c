//! Uploads: operations that are staged, and what became of those that were committed. What may be staged, the core decides.
//!
//! `staging` adds operations, `ending` commits, drops and forgets; `raw` reads each part by itself, for checking and mending.

mod ending;
mod raw;
mod rows;
mod staging;

use diesel::prelude::*;

pub(super) use self::ending::{commit, drop_all, erase, forget_user};
pub use self::raw::{RawOperation, RawUpload};
pub(super) use self::rows::find;
use self::rows::{StagedRow, check_count, decode_answer, ids};
pub use self::staging::NewOperation;
use super::schema::{staged_operations, uploads};
use super::{Store, StoreError};
use crate::domain::upload::{StagedOperation, Upload, UploadKey, UploadOutcome, UploadState};

impl Store {
    /// An upload, without its operations.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_upload(&self, key: UploadKey) -> Result<Option<Upload>, StoreError> {
        self.read(|connection| find(connection, key))
    }

    /// An upload with its operations, in their order.
    ///
    /// # Errors
    /// `Corrupt`, or whatever the database said.
    pub fn read_upload(&self, key: UploadKey) -> Result<Option<(Upload, Vec<StagedOperation>)>, StoreError> {
        let (workspace_id, user_id, upload_id) = ids(key);
        let read = self.read_snapshot(|connection| {
            let Some(upload) = find(connection, key)? else { return Ok(None) };
            let rows: Vec<StagedRow> = staged_operations::table
                .filter(staged_operations::workspace_id.eq(workspace_id))
                .filter(staged_operations::user_id.eq(user_id))
                .filter(staged_operations::upload_id.eq(upload_id))
                .select(StagedRow::as_select())
                .load(connection)?;
            Ok(Some((upload, rows)))
        })?;
        let Some((upload, mut rows)) = read else { return Ok(None) };
        if upload.state == UploadState::Open {
            check_count(&upload, rows.len())?;
        }
        // Sorted here: a database would carry the bodies along.
        rows.sort_unstable_by_key(|row| (row.part, row.number));
        let operations =
            rows.into_iter().map(|row| Ok(StagedOperation { body: row.read()?, client_id: row.client_id }));
        Ok(Some((upload, operations.collect::<Result<_, StoreError>>()?)))
    }

    /// What the commit of an upload came to, in the order of its answer; none if there is no such commit.
    ///
    /// # Errors
    /// `Corrupt`, or whatever the database said.
    pub fn find_upload_answer(&self, key: UploadKey) -> Result<Option<Vec<UploadOutcome>>, StoreError> {
        let stored: Option<Option<Vec<u8>>> = self.read(|connection| {
            Ok(uploads::table.find(ids(key)).select(uploads::answer).get_result(connection).optional()?)
        })?;
        stored.flatten().as_deref().map(decode_answer).transpose()
    }
}
