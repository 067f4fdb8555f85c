//! Uploads: operations that are staged, and what became of those that were committed. What may be staged, the core decides.
//!
//! `staging` adds operations, `ending` commits, drops and forgets.

mod ending;
mod rows;
mod staging;

use diesel::prelude::*;

pub(super) use self::ending::{commit, drop_all, erase, forget_user};
pub(super) use self::rows::find;
use self::rows::{decode_answer, ids, key_of};
pub use self::staging::NewOperation;
use super::encoding::decode_text;
use super::schema::{staged_operations, uploads};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::ids::WorkspaceId;
use crate::domain::upload::{StagedOperation, Upload, UploadKey, UploadOutcome};

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
            let rows: Vec<(i64, i64, String, Vec<u8>)> = staged_operations::table
                .filter(staged_operations::workspace_id.eq(workspace_id))
                .filter(staged_operations::user_id.eq(user_id))
                .filter(staged_operations::upload_id.eq(upload_id))
                .select((
                    staged_operations::part,
                    staged_operations::number,
                    staged_operations::client_id,
                    staged_operations::body,
                ))
                .load(connection)?;
            Ok(Some((upload, rows)))
        })?;
        let Some((upload, mut rows)) = read else { return Ok(None) };
        // Sorted here: a database would carry the bodies along.
        rows.sort_unstable_by_key(|(part, number, ..)| (*part, *number));
        let operations = rows.into_iter().map(|(_, _, client_id, body)| {
            let body = decode_text(&body)?;
            Ok(StagedOperation { client_id, body })
        });
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

    /// Reads everything that is staged in a workspace; `tell` gets the name of each operation that cannot be read, with its
    /// upload, and why. How many were read.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn check_uploads(
        &self,
        workspace_id: WorkspaceId,
        mut tell: impl FnMut(UploadKey, &str, String),
    ) -> Result<u64, StoreError> {
        let mut read = 0;
        for key in self.list_uploads(workspace_id)? {
            let (workspace, user_id, upload_id) = ids(key);
            let rows: Vec<(String, Vec<u8>)> = self.read(|connection| {
                Ok(staged_operations::table
                    .filter(staged_operations::workspace_id.eq(workspace))
                    .filter(staged_operations::user_id.eq(user_id))
                    .filter(staged_operations::upload_id.eq(upload_id))
                    .select((staged_operations::client_id, staged_operations::body))
                    .load(connection)?)
            })?;
            for (client_id, body) in rows {
                read += 1;
                if let Err(error) = decode_text(&body) {
                    tell(key, &client_id, error.to_string());
                }
            }
            if let Err(error) = self.find_upload_answer(key) {
                tell(key, "", error.to_string());
            }
        }
        Ok(read)
    }

    fn list_uploads(&self, workspace_id: WorkspaceId) -> Result<Vec<UploadKey>, StoreError> {
        let rows: Vec<(DbUuid, DbUuid)> = self.read(|connection| {
            Ok(uploads::table
                .filter(uploads::workspace_id.eq(DbUuid(workspace_id.0)))
                .order((uploads::user_id, uploads::upload_id))
                .select((uploads::user_id, uploads::upload_id))
                .load(connection)?)
        })?;
        Ok(rows.into_iter().map(|(user, upload)| key_of(workspace_id, user, upload)).collect())
    }
}
