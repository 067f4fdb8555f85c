//! Steps that are decided and not yet done on disk: files to be replaced, files to be removed.
//!
//! A removal at version [`LOST`] waits for a person.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::database::{Change, StateError};
use super::id::DocId;
use super::schema::{accepted_deletions, pending_removals, pending_writes};

/// The version of a removal of which the server says nothing: it has lost the document.
pub const LOST: i64 = 0;

/// A file that is about to be replaced by its draft, a file beside it. While the draft is there, it has not been.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = pending_writes)]
pub struct PendingWrite {
    /// The document.
    pub document_id: DocId,
    /// The file.
    pub path: String,
    /// The draft's path inside the folder.
    pub draft: String,
    /// What the file held when the draft was made; `None` if there was no file.
    pub old_content: Option<String>,
}

impl Change<'_> {
    /// All pending writes.
    pub fn load_pending_writes(&mut self) -> Result<Vec<PendingWrite>, StateError> {
        Ok(pending_writes::table.select(PendingWrite::as_select()).load(self.connection)?)
    }

    /// Whether a document's file is still to be replaced.
    pub fn has_pending_write(&mut self, id: DocId) -> Result<bool, StateError> {
        let write = pending_writes::table.find(id);
        Ok(diesel::select(diesel::dsl::exists(write)).get_result(self.connection)?)
    }

    /// Notes a pending write, in place of an earlier one of the document.
    pub fn put_pending_write(&mut self, write: &PendingWrite) -> Result<(), StateError> {
        diesel::replace_into(pending_writes::table).values(write).execute(self.connection)?;
        Ok(())
    }

    /// Notes that a write is done.
    pub fn remove_pending_write(&mut self, id: DocId) -> Result<(), StateError> {
        diesel::delete(pending_writes::table.find(id)).execute(self.connection)?;
        Ok(())
    }

    /// Documents whose deletion was pulled, with the versions at which they are deleted.
    pub fn load_pending_removals(&mut self) -> Result<Vec<(DocId, i64)>, StateError> {
        Ok(pending_removals::table.order(pending_removals::document_id).load(self.connection)?)
    }

    /// Documents whose deletion a person agreed to.
    pub fn load_accepted_deletions(&mut self) -> Result<BTreeSet<DocId>, StateError> {
        let accepted: Vec<DocId> =
            accepted_deletions::table.select(accepted_deletions::document_id).load(self.connection)?;
        Ok(accepted.into_iter().collect())
    }

    /// Notes that a person agreed to a deletion.
    pub fn accept_deletion(&mut self, id: DocId) -> Result<(), StateError> {
        diesel::replace_into(accepted_deletions::table)
            .values(accepted_deletions::document_id.eq(id))
            .execute(self.connection)?;
        Ok(())
    }

    /// Forgets what a person agreed to, when it is carried out.
    pub fn forget_accepted_deletions(&mut self) -> Result<(), StateError> {
        diesel::delete(accepted_deletions::table).execute(self.connection)?;
        Ok(())
    }

    /// Notes a deletion that was pulled.
    pub fn put_pending_removal(&mut self, id: DocId, version: i64) -> Result<(), StateError> {
        diesel::replace_into(pending_removals::table)
            .values((pending_removals::document_id.eq(id), pending_removals::version.eq(version)))
            .execute(self.connection)?;
        Ok(())
    }

    /// Notes that a deletion is done, or is none any more.
    pub fn remove_pending_removal(&mut self, id: DocId) -> Result<(), StateError> {
        diesel::delete(pending_removals::table.find(id)).execute(self.connection)?;
        diesel::delete(accepted_deletions::table.find(id)).execute(self.connection)?;
        Ok(())
    }
}
