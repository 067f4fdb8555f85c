//! A batch on SQLite: row by row, by full primary key, through cached statements. Decides nothing.
//!
//! Looked up one by one on purpose: for `document_id IN (ten or more)` SQLite's planner may prefer the index on
//! `(workspace_id, sequence)` and read every document of the workspace; and a cached statement by full key is as fast.
//! No `LIMIT` either: its bind makes SQLite prepare a cached statement anew each time it is run.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::connection::AnyConnection;
use super::documents::{find_stored, find_text};
use super::feed::{FeedRow, FeedState};
use super::feed_pages::{FeedPage, Span, load_changes};
use super::rows::{HeadRow, NewHeadRow, NewLogRow, ReceiptRow, receipt_rows};
use super::schema::{document_log, documents, receipts, workspaces};
use super::sql_uuid::{DbUuid, SqlUuid};
use super::statement::Statement;
use super::{BatchScope, BatchTransaction, StoreError, sync_runs};
use crate::domain::document::{DocumentHead, DocumentWrite, HeadWrite, Receipt, StoredDocument, VersionText, WriteSet};
use crate::domain::ids::{DocumentId, SyncId, Version};
use crate::domain::sync_run::{NoteChanges, RunNote, SyncRun};

/// A batch inside its savepoint. The database's write lock, held by the group, is the lock on the workspace.
pub(super) struct SqliteBatch<'a> {
    connection: &'a mut AnyConnection,
    scope: &'a BatchScope,
    workspace_id: DbUuid,
    feed: FeedState,
}

impl<'a> SqliteBatch<'a> {
    /// Finds the workspace's place in its feed.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or what the database said.
    pub(super) fn begin(connection: &'a mut AnyConnection, scope: &'a BatchScope) -> Result<Self, StoreError> {
        let workspace_id = DbUuid(scope.workspace_id.0);
        let feed: FeedRow = workspaces::table
            .find(workspace_id)
            .select(FeedRow::as_select())
            .get_result(&mut *connection)
            .optional()?
            .ok_or(StoreError::NoSuchWorkspace)?;
        Ok(Self { connection, scope, workspace_id, feed: feed.into() })
    }

    fn write_head(&mut self, write: &DocumentWrite, sequence: i64) -> Result<(), StoreError> {
        let row = NewHeadRow::new(self.workspace_id, sequence, &write.head);
        let connection = self.connection.sqlite()?;
        let written = match write.write {
            HeadWrite::Insert => {
                diesel::insert_into(documents::table).values(&row).on_conflict_do_nothing().execute(connection)?
            }
            HeadWrite::Replace { expected_version } => replacement(&row, expected_version).execute(connection)?,
        };
        if written == 1 { Ok(()) } else { Err(StoreError::LostRace) }
    }

    fn advance_feed(&mut self, documents: usize) -> Result<i64, StoreError> {
        let first = self.feed.head_sequence + 1;
        self.feed.head_sequence += i64::try_from(documents).map_err(|error| StoreError::Refused(error.to_string()))?;
        Statement::<Sqlite>::new("UPDATE workspaces SET head_sequence = ? WHERE workspace_id = ?")
            .bind::<BigInt, _>(self.feed.head_sequence)
            .bind::<SqlUuid, _>(self.workspace_id)
            .execute(self.connection.sqlite()?)?;
        Ok(first)
    }
}

/// A mark of damage stays with the document that it was made on, not with its successor.
const REPLACE_HEAD: &str = "UPDATE documents SET version = ?, sequence = ?, title = ?, created_at = ?, updated_at = ?, \
     updated_by = ?, deleted_at = ?, damaged = damaged AND epoch = ?, epoch = ?, content_version = ?, \
     content_digest = ?, state_vector = ?, yjs_roots = ?, snapshot_bytes = ?, log_bytes = ?, log_rows = ? \
     WHERE workspace_id = ? AND document_id = ? AND version = ?";

fn replacement<'a>(row: &'a NewHeadRow<'a>, expected_version: Version) -> Statement<'a, Sqlite> {
    Statement::new(REPLACE_HEAD)
        .bind::<BigInt, _>(row.version)
        .bind::<BigInt, _>(row.sequence)
        .bind::<Text, _>(row.title)
        .bind::<BigInt, _>(row.created_at)
        .bind::<BigInt, _>(row.updated_at)
        .bind::<SqlUuid, _>(row.updated_by)
        .bind::<Nullable<BigInt>, _>(row.deleted_at)
        .bind::<BigInt, _>(row.epoch)
        .bind::<BigInt, _>(row.epoch)
        .bind::<BigInt, _>(row.content_version)
        .bind::<Nullable<Binary>, _>(row.content_digest)
        .bind::<Nullable<Binary>, _>(row.state_vector.as_deref())
        .bind::<Binary, _>(row.yjs_roots.as_slice())
        .bind::<BigInt, _>(row.snapshot_bytes)
        .bind::<BigInt, _>(row.log_bytes)
        .bind::<BigInt, _>(row.log_rows)
        .bind::<SqlUuid, _>(row.workspace_id)
        .bind::<SqlUuid, _>(row.document_id)
        .bind::<BigInt, _>(expected_version)
}

impl BatchTransaction for SqliteBatch<'_> {
    fn feed(&self) -> &FeedState {
        &self.feed
    }

    fn find_receipts(&mut self, client_ids: &[&str]) -> Result<Vec<Receipt>, StoreError> {
        let Some(device_id) = self.scope.device_id.as_deref() else { return Ok(Vec::new()) };
        let user_id = DbUuid(self.scope.user_id.0);
        let connection = self.connection.sqlite()?;
        let mut found = Vec::new();
        for client_id in client_ids {
            let row = receipts::table
                .find((self.workspace_id, user_id, device_id, *client_id))
                .select(ReceiptRow::as_select())
                .get_result(connection)
                .optional()?;
            found.extend(row.map(Receipt::try_from).transpose()?);
        }
        Ok(found)
    }

    fn load_heads(&mut self, ids: &[DocumentId]) -> Result<Vec<DocumentHead>, StoreError> {
        load_heads(self.connection.sqlite()?, self.workspace_id, ids)
    }

    fn load_texts(&mut self, wanted: &[(DocumentId, Version)]) -> Result<Vec<VersionText>, StoreError> {
        let workspace_id = self.scope.workspace_id;
        let texts = wanted.iter().map(|(id, version)| find_text(self.connection, workspace_id, *id, *version));
        texts.filter_map(Result::transpose).collect()
    }

    fn load_documents(&mut self, ids: &[DocumentId]) -> Result<Vec<StoredDocument>, StoreError> {
        let workspace_id = self.scope.workspace_id;
        let documents = ids.iter().map(|id| find_stored(self.connection, workspace_id, *id));
        documents.filter_map(Result::transpose).collect()
    }

    fn load_changes(&mut self, span: &Span) -> Result<FeedPage, StoreError> {
        load_changes(self.connection, self.scope.workspace_id, span)
    }

    fn write(&mut self, writes: &WriteSet) -> Result<(), StoreError> {
        let receipts = receipt_rows(self.scope, &writes.receipts)?;
        if !writes.documents.is_empty() {
            let first = self.advance_feed(writes.documents.len())?;
            for (sequence, write) in (first..).zip(&writes.documents) {
                self.write_head(write, sequence)?;
            }
        }
        let connection = self.connection.sqlite()?;
        for entry in &writes.log {
            diesel::insert_into(document_log::table).values(NewLogRow::new(self.scope, entry)).execute(connection)?;
        }
        for receipt in &receipts {
            diesel::insert_into(receipts::table).values(receipt).execute(connection)?;
        }
        Ok(())
    }

    fn find_sync_run(&mut self, sync_id: SyncId) -> Result<Option<SyncRun>, StoreError> {
        sync_runs::sqlite::find(self.connection.sqlite()?, self.scope.run_key(sync_id))
    }

    fn find_run_notes(&mut self, sync_id: SyncId, client_ids: &[&str]) -> Result<Vec<RunNote>, StoreError> {
        sync_runs::sqlite::find_notes(self.connection.sqlite()?, self.scope.run_key(sync_id), client_ids)
    }

    fn save_sync_run(&mut self, run: &SyncRun, notes: &NoteChanges) -> Result<(), StoreError> {
        sync_runs::sqlite::save(self.connection.sqlite()?, self.scope.run_key(run.sync_id), run, notes)
    }
}

/// Heads of those of the documents that exist.
pub(super) fn load_heads(
    connection: &mut SqliteConnection,
    workspace_id: DbUuid,
    ids: &[DocumentId],
) -> Result<Vec<DocumentHead>, StoreError> {
    let mut heads = Vec::new();
    for id in ids {
        let row = documents::table
            .find((workspace_id, DbUuid(id.0)))
            .select(HeadRow::as_select())
            .get_result(connection)
            .optional()?;
        heads.extend(row.map(DocumentHead::try_from).transpose()?);
    }
    Ok(heads)
}
