//! Looking up several documents at once, for readers: heads first, bodies only where they are needed. Decides nothing.

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::documents::{find_stored, load_yjs_updates};
use super::rows::HeadRow;
use super::schema::{document_log, documents};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError, postgres, sqlite};
use crate::domain::document::{DocumentHead, StoredDocument};
use crate::domain::ids::{DocumentId, Version, WorkspaceId};

/// A document's head, and the Yjs updates that came after a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdatesSince {
    /// The head.
    pub head: DocumentHead,
    /// The updates of every later version, in order; `None` if the log does not have all of them any more, or the
    /// version is none of this document's.
    pub updates: Option<Vec<Vec<u8>>>,
}

impl Store {
    /// Heads of those of the documents that readers see, live or deleted, in any order; purged ones are none.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_heads(&self, workspace_id: WorkspaceId, ids: &[DocumentId]) -> Result<Vec<DocumentHead>, StoreError> {
        let workspace_id = DbUuid(workspace_id.0);
        let mut heads = self.read(|connection| match connection {
            AnyConnection::Sqlite(connection) => sqlite::load_heads(connection, workspace_id, ids),
            AnyConnection::Postgres(connection) => postgres::load_heads(connection, workspace_id, ids),
        })?;
        heads.retain(|head| !head.is_purged());
        Ok(heads)
    }

    /// The version of a document, live or deleted, that readers still see.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_version_number(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
    ) -> Result<Option<Version>, StoreError> {
        self.read(|connection| {
            Ok(documents::table
                .find((DbUuid(workspace_id.0), DbUuid(id.0)))
                // Not `> 0`: that would open the feed's index to this lookup by id.
                .filter(documents::sequence.ne(0))
                .select(documents::version)
                .get_result(connection)
                .optional()?)
        })
    }

    /// Those of the documents (each named once) that readers see, live or deleted, with their bodies, in any order, in
    /// one snapshot.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_documents(
        &self,
        workspace_id: WorkspaceId,
        ids: &[DocumentId],
    ) -> Result<Vec<StoredDocument>, StoreError> {
        let mut documents: Vec<StoredDocument> = self.read_snapshot(|connection| match connection {
            AnyConnection::Sqlite(_) => {
                let documents = ids.iter().map(|id| find_stored(connection, workspace_id, *id));
                documents.filter_map(Result::transpose).collect()
            }
            AnyConnection::Postgres(connection) => {
                postgres::load_documents(connection, DbUuid(workspace_id.0), ids, usize::MAX)
            }
        })?;
        documents.retain(|document| !document.head.is_purged());
        Ok(documents)
    }

    /// What the document's Yjs log has beyond `version`; `None` if there is no such document.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_updates_since(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
        version: Version,
    ) -> Result<Option<UpdatesSince>, StoreError> {
        let key = (DbUuid(workspace_id.0), DbUuid(id.0));
        self.read_snapshot(|connection| {
            let row: Option<HeadRow> =
                documents::table.find(key).select(HeadRow::as_select()).get_result(connection).optional()?;
            let Some(head) = row.map(DocumentHead::try_from).transpose()? else { return Ok(None) };
            // The rows of a log have no gaps but at its beginning: every version makes one.
            let rows: i64 = document_log::table
                .filter(document_log::workspace_id.eq(key.0))
                .filter(document_log::document_id.eq(key.1))
                .filter(document_log::version.between(version.saturating_add(1), head.version))
                .count()
                .get_result(connection)?;
            let is_whole = (head.epoch..=head.version).contains(&version) && rows == head.version - version;
            let updates = is_whole
                .then(|| load_yjs_updates(connection, key, version.saturating_add(1), head.version))
                .transpose()?;
            Ok(Some(UpdatesSince { head, updates }))
        })
    }
}
