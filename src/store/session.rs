//! A batch's view of its database: one state of it to decide on, and the transaction that carries the decision out.
//! Decides nothing.

use std::time::Instant;

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::documents::{find_stored, find_text};
use super::feed::{FeedRow, FeedState};
use super::feed_pages::{FeedPage, Span, load_changes};
use super::schema::{users, workspaces};
use super::sql_uuid::DbUuid;
use super::{BatchScope, End, PackedTexts, Store, StoreError, connection, postgres, sqlite, sync_runs, uploads, usage};
use crate::domain::document::{DocumentHead, Receipt, StoredDocument, VersionText, WriteSet};
use crate::domain::ids::{BatchId, DocumentId, SyncId, UploadId, Version};
use crate::domain::quota::Held;
use crate::domain::sync_run::{NoteChanges, RunNote, SyncRun};
use crate::domain::upload::{Committing, Upload, UploadKey, UploadOutcome};

/// One state of the database, as a batch's author may see it. Locks nothing.
pub trait Snapshot {
    /// Where the workspace's feed stands.
    ///
    /// # Errors
    /// `NoSuchWorkspace`.
    fn feed(&mut self) -> Result<FeedState, StoreError>;

    /// Receipts of the scope's (workspace, user, device) under these names, in any order. None without a device.
    fn find_receipts(&mut self, client_ids: &[&str]) -> Result<Vec<Receipt>, StoreError>;

    /// Heads of those of the documents that exist, live or deleted, in any order.
    fn load_heads(&mut self, ids: &[DocumentId]) -> Result<Vec<DocumentHead>, StoreError>;

    /// Title and text as of each (document, version); pairs that the history no longer has are left out. Once the texts
    /// have so many bytes, there are titles alone.
    fn load_texts(
        &mut self,
        wanted: &[(DocumentId, Version)],
        max_bytes: usize,
    ) -> Result<Vec<VersionText>, StoreError>;

    /// Those of the documents that exist, with bodies, in the order of `ids`. The list ends when the bodies have so many
    /// bytes; the first one is always read.
    fn load_documents(&mut self, ids: &[DocumentId], max_bytes: usize) -> Result<Vec<StoredDocument>, StoreError>;

    /// The documents of a span of the feed, in feed order.
    fn load_changes(&mut self, span: &Span) -> Result<FeedPage, StoreError>;

    /// What the workspace holds.
    ///
    /// # Errors
    /// `NoSuchWorkspace`.
    fn held(&mut self) -> Result<Held, StoreError>;

    /// What all workspaces of its owner hold; nothing where nobody answers for it.
    fn held_by_owner(&mut self) -> Result<Held, StoreError>;

    /// The name of the scope's user.
    fn find_username(&mut self) -> Result<Option<String>, StoreError>;

    /// The scope's user's sync run of this id.
    fn find_sync_run(&mut self, sync_id: SyncId) -> Result<Option<SyncRun>, StoreError>;

    /// The run's notes of these names, those of one name oldest first.
    fn find_run_notes(&mut self, sync_id: SyncId, client_ids: &[&str]) -> Result<Vec<RunNote>, StoreError>;

    /// The scope's user's upload of this id, without its operations.
    fn find_upload(&mut self, upload_id: UploadId) -> Result<Option<Upload>, StoreError>;
}

/// A batch's transaction. What it reads includes what it wrote.
pub trait BatchTransaction: Snapshot {
    /// Locks the workspace against other writers until the transaction ends, if that has not been done.
    ///
    /// # Errors
    /// `NoSuchWorkspace`.
    fn lock(&mut self) -> Result<(), StoreError>;

    /// As [`write_packed`](Self::write_packed), for texts that are still to be packed.
    ///
    /// # Errors
    /// As those of [`write_packed`](Self::write_packed).
    fn write(&mut self, writes: &WriteSet) -> Result<(), StoreError> {
        self.write_packed(writes, &PackedTexts::of(writes))
    }

    /// Stores the write set, whose texts are these, giving its documents the workspace's next sequences in order. Locks the workspace.
    ///
    /// # Errors
    /// `NoSuchWorkspace`; `LostRace` if something is not as the write set expects; `Refused` if the database will not
    /// take a row. Nothing of the transaction may be committed then.
    fn write_packed(&mut self, writes: &WriteSet, texts: &PackedTexts) -> Result<(), StoreError>;

    /// The sequence of the workspace's newest change, own ones included. Locks the workspace.
    ///
    /// # Errors
    /// `NoSuchWorkspace`.
    fn head_sequence(&mut self) -> Result<i64, StoreError>;

    /// Stores the run, new or not, and what changed in its notes.
    fn save_sync_run(&mut self, run: &SyncRun, notes: &NoteChanges) -> Result<(), StoreError>;

    /// Says that the batch has applied its upload, and what came of each operation.
    ///
    /// # Errors
    /// `LostRace` if the upload is not as it was when it was read.
    fn commit_upload(
        &mut self,
        upload: Committing,
        outcomes: &[UploadOutcome],
        batch_id: Option<BatchId>,
    ) -> Result<(), StoreError>;
}

impl Store {
    /// Runs `body` on one state of the database, as the scope's batch may see it. Locks nothing; called again if the
    /// connection turns out to be cut.
    ///
    /// # Errors
    /// What `body` answered; `Busy` or `Timeout` if no connection is free in time; `Unavailable` if the database failed.
    pub fn look<T>(
        &self,
        scope: &BatchScope,
        mut body: impl FnMut(&mut dyn Snapshot) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut cut = 0;
        loop {
            let mut pooled = self.readers.get(scope.deadline)?;
            pooled.allow(connection::READ_TIME, Some(scope.deadline));
            let looked = connection::in_snapshot(&mut pooled.connection, |connection| {
                body(&mut BatchSession::new(connection, scope, self.is_sharded))
            });
            pooled.note(&looked);
            match looked {
                Err(StoreError::Unavailable(_)) if cut < self.readers.size() => cut += 1,
                looked => return looked,
            }
        }
    }

    /// Runs `body` in a transaction that has locked the scope's workspace, and answers its value once what it wrote is
    /// durable (or, with [`End::Rollback`], undone). On Postgres `body` is called again after a lost race, a few times.
    ///
    /// # Errors
    /// What `body` answered; `NoSuchWorkspace`; `Busy` when too much is waiting; `Timeout` after the scope's deadline;
    /// `LostRace` when every try lost; `Refused` if `body` panicked; `Unavailable` if the database failed.
    pub fn run_batch<T, F>(&self, scope: BatchScope, mut body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn BatchTransaction) -> Result<(T, End), StoreError> + Send + 'static,
    {
        let is_sharded = self.is_sharded;
        self.write_until(scope.deadline, move |connection| {
            let mut session = BatchSession::new(connection, &scope, is_sharded);
            session.lock()?;
            body(&mut session)
        })
    }

    /// As [`run_batch`](Self::run_batch) for a `body` that carries out what was decided before: the workspace is locked by
    /// its first write. After a lost race `body` is called again only if `twice`, and then once, at once.
    ///
    /// # Errors
    /// As those of [`run_batch`](Self::run_batch).
    pub fn write_batch<T, F>(&self, scope: BatchScope, twice: bool, mut body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn BatchTransaction) -> Result<(T, End), StoreError> + Send + 'static,
    {
        let is_sharded = self.is_sharded;
        self.write_tried(scope.deadline, if twice { 2 } else { 1 }, move |connection| {
            body(&mut BatchSession::new(connection, &scope, is_sharded))
        })
    }
}

/// Both, on either database.
pub(super) struct BatchSession<'a> {
    connection: &'a mut AnyConnection,
    scope: &'a BatchScope,
    workspace_id: DbUuid,
    /// Known once the workspace is locked.
    head_sequence: Option<i64>,
    /// Whether its tables lie on several servers.
    is_sharded: bool,
}

impl BatchSession<'_> {
    fn upload_key(&self, upload_id: UploadId) -> UploadKey {
        UploadKey { workspace_id: self.scope.workspace_id, user_id: self.scope.user_id, upload_id }
    }
}

impl<'a> BatchSession<'a> {
    /// A session that has done nothing yet, in a transaction that has begun.
    pub(super) fn new(connection: &'a mut AnyConnection, scope: &'a BatchScope, is_sharded: bool) -> Self {
        Self { connection, scope, workspace_id: DbUuid(scope.workspace_id.0), head_sequence: None, is_sharded }
    }

    /// Whether everything that the decision leaned on, and that the write set does not replace, still stands. The
    /// workspace is locked.
    fn still_stands(&mut self, writes: &WriteSet) -> Result<bool, StoreError> {
        let ids: Vec<DocumentId> = writes.expects.iter().map(|expected| expected.document_id).collect();
        let heads = self.load_heads(&ids)?;
        let found = |id| heads.iter().find(|head| head.document_id == id).map(|head| head.version);
        if writes.expects.iter().any(|expected| found(expected.document_id) != expected.version) {
            return Ok(false);
        }
        let names: Vec<&str> = writes.unused_names.iter().map(String::as_str).collect();
        Ok(names.is_empty() || self.find_receipts(&names)?.is_empty())
    }
}

impl Snapshot for BatchSession<'_> {
    fn held(&mut self) -> Result<Held, StoreError> {
        usage::held(self.connection, self.workspace_id)
    }

    fn held_by_owner(&mut self) -> Result<Held, StoreError> {
        usage::held_by_owner(self.connection, self.workspace_id)
    }

    fn feed(&mut self) -> Result<FeedState, StoreError> {
        let feed: Option<FeedRow> = workspaces::table
            .find(self.workspace_id)
            .select(FeedRow::as_select())
            .get_result(self.connection)
            .optional()?;
        feed.map(FeedState::from).ok_or(StoreError::NoSuchWorkspace)
    }

    fn find_receipts(&mut self, client_ids: &[&str]) -> Result<Vec<Receipt>, StoreError> {
        match self.connection {
            AnyConnection::Sqlite(connection) => sqlite::find_receipts(connection, self.scope, client_ids),
            AnyConnection::Postgres(connection) => postgres::find_receipts(connection, self.scope, client_ids),
        }
    }

    fn load_heads(&mut self, ids: &[DocumentId]) -> Result<Vec<DocumentHead>, StoreError> {
        match self.connection {
            AnyConnection::Sqlite(connection) => sqlite::load_heads(connection, self.workspace_id, ids),
            AnyConnection::Postgres(connection) => postgres::load_heads(connection, self.workspace_id, ids),
        }
    }

    fn load_texts(
        &mut self,
        wanted: &[(DocumentId, Version)],
        max_bytes: usize,
    ) -> Result<Vec<VersionText>, StoreError> {
        if let AnyConnection::Postgres(connection) = self.connection {
            return postgres::load_texts(connection, self.workspace_id, wanted, max_bytes);
        }
        let workspace_id = self.scope.workspace_id;
        let (mut texts, mut bytes) = (Vec::with_capacity(wanted.len()), 0_usize);
        for (id, version) in wanted {
            let Some(text) = find_text(self.connection, workspace_id, *id, *version, bytes < max_bytes)? else {
                continue;
            };
            bytes = bytes.saturating_add(text.content.as_ref().map_or(0, |content| content.len()));
            texts.push(text);
        }
        Ok(texts)
    }

    fn load_documents(&mut self, ids: &[DocumentId], max_bytes: usize) -> Result<Vec<StoredDocument>, StoreError> {
        if let AnyConnection::Postgres(connection) = self.connection {
            return postgres::load_documents(connection, self.workspace_id, ids, max_bytes);
        }
        let (mut documents, mut bytes) = (Vec::new(), 0_usize);
        for id in ids {
            if bytes >= max_bytes {
                break;
            }
            let document = find_stored(self.connection, self.scope.workspace_id, *id)?;
            bytes = bytes.saturating_add(document.as_ref().map_or(0, StoredDocument::body_bytes));
            documents.extend(document);
        }
        Ok(documents)
    }

    fn load_changes(&mut self, span: &Span) -> Result<FeedPage, StoreError> {
        load_changes(self.connection, self.scope.workspace_id, span)
    }

    fn find_username(&mut self) -> Result<Option<String>, StoreError> {
        let user = users::table.find(DbUuid(self.scope.user_id.0)).select(users::username);
        Ok(user.get_result(self.connection).optional()?)
    }

    fn find_sync_run(&mut self, sync_id: SyncId) -> Result<Option<SyncRun>, StoreError> {
        let key = self.scope.run_key(sync_id);
        match self.connection {
            AnyConnection::Sqlite(connection) => sync_runs::sqlite::find(connection, key),
            AnyConnection::Postgres(connection) => sync_runs::postgres::find(connection, key),
        }
    }

    fn find_run_notes(&mut self, sync_id: SyncId, client_ids: &[&str]) -> Result<Vec<RunNote>, StoreError> {
        let key = self.scope.run_key(sync_id);
        match self.connection {
            AnyConnection::Sqlite(connection) => sync_runs::sqlite::find_notes(connection, key, client_ids),
            AnyConnection::Postgres(connection) => sync_runs::postgres::find_notes(connection, key, client_ids),
        }
    }

    fn find_upload(&mut self, upload_id: UploadId) -> Result<Option<Upload>, StoreError> {
        uploads::find(self.connection, self.upload_key(upload_id))
    }
}

impl BatchTransaction for BatchSession<'_> {
    fn lock(&mut self) -> Result<(), StoreError> {
        self.head_sequence().map(|_| ())
    }

    fn write_packed(&mut self, writes: &WriteSet, texts: &PackedTexts) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        if !(writes.expects.is_empty() && writes.unused_names.is_empty()) {
            self.lock()?;
            if !self.still_stands(writes)? {
                return Err(StoreError::LostRace);
            }
        }
        self.head_sequence = Some(match self.connection {
            AnyConnection::Sqlite(connection) => sqlite::write(connection, self.scope, writes, texts)?,
            AnyConnection::Postgres(connection) if self.is_sharded => {
                postgres::in_parts::write(connection, self.scope, writes, texts)?
            }
            AnyConnection::Postgres(connection) => postgres::write(connection, self.scope, writes, texts)?,
        });
        Ok(())
    }

    fn head_sequence(&mut self) -> Result<i64, StoreError> {
        if let Some(known) = self.head_sequence {
            return Ok(known);
        }
        let row = workspaces::table.find(self.workspace_id).select(workspaces::head_sequence);
        let found = match self.connection {
            // Whoever writes has the whole database to itself.
            AnyConnection::Sqlite(connection) => row.get_result(connection),
            AnyConnection::Postgres(connection) => {
                let started = Instant::now();
                let locked = row.for_no_key_update().get_result(connection);
                metrics::histogram!("landfall_lock_wait_seconds").record(started.elapsed());
                locked
            }
        };
        let head_sequence = found.optional()?.ok_or(StoreError::NoSuchWorkspace)?;
        self.head_sequence = Some(head_sequence);
        Ok(head_sequence)
    }

    fn save_sync_run(&mut self, run: &SyncRun, notes: &NoteChanges) -> Result<(), StoreError> {
        let key = self.scope.run_key(run.sync_id);
        match self.connection {
            AnyConnection::Sqlite(connection) => sync_runs::sqlite::save(connection, key, run, notes),
            AnyConnection::Postgres(connection) => sync_runs::postgres::save(connection, key, run, notes),
        }
    }

    fn commit_upload(
        &mut self,
        upload: Committing,
        outcomes: &[UploadOutcome],
        batch_id: Option<BatchId>,
    ) -> Result<(), StoreError> {
        let key = self.upload_key(upload.upload_id);
        uploads::commit(self.connection, key, upload.revision, outcomes, (batch_id, self.scope.now))
    }
}
