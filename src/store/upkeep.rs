//! Writes that no batch makes: late renderings, marks of damage, compacted snapshots. Each looks whether the document
//! is still as it was when the work began, and does nothing otherwise. Decides nothing about Yjs.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use super::connection::AnyConnection;
use super::documents::find_stored;
use super::encoding::encode_text;
use super::rows::PURGED;
use super::schema::{document_bodies, document_log, documents, workspaces};
use super::sql_uuid::DbUuid;
use super::usage::{Rewrites, measured};
use super::{Store, StoreError};
use crate::domain::document::StoredDocument;
use crate::domain::ids::{DocumentId, Version, WorkspaceId};

/// When a document is worth compacting, word for word as in the partial index `documents_to_compact`.
pub(super) const TO_COMPACT: &str = "(log_rows > 1000 OR (log_rows >= 64 AND snapshot_bytes <= log_rows * 256) \
     OR (log_bytes >= 16384 AND log_bytes >= snapshot_bytes)) AND NOT damaged";

/// What became of a write that was conditional on the document's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The document was as expected; the write is stored.
    Swapped,
    /// The document has moved on (or is gone); nothing is stored.
    Moved,
}

impl Store {
    /// Keeps a text that was derived from the Yjs state, for as long as the document's text stays at
    /// `content_version`.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn save_rendering(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
        content_version: Version,
        text: &str,
    ) -> Result<Swap, StoreError> {
        let content = encode_text(text);
        self.write(move |connection| {
            let key = lock(connection, workspace_id, id)?;
            let current: i64 = documents::table
                .filter(documents::workspace_id.eq(key.0))
                .filter(documents::document_id.eq(key.1))
                .filter(documents::content_version.eq(content_version))
                .filter(documents::sequence.ne(PURGED))
                .count()
                .get_result(connection)?;
            if current == 0 {
                return Ok(Swap::Moved);
            }
            ensure_body(connection, key)?;
            measured(connection, key.0, &[key.1], Rewrites::Bodies, |connection| {
                diesel::update(document_bodies::table)
                    .filter(document_bodies::workspace_id.eq(key.0))
                    .filter(document_bodies::document_id.eq(key.1))
                    .set((
                        document_bodies::content_version.eq(content_version),
                        document_bodies::content.eq(Some(&content)),
                    ))
                    .execute(connection)?;
                Ok(Swap::Swapped)
            })
        })
    }

    /// Marks a document whose Yjs state could not be merged or rendered, so that nobody tries again. It keeps its log.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn mark_damaged(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
        version: Version,
    ) -> Result<Swap, StoreError> {
        self.write(move |connection| {
            let key = lock(connection, workspace_id, id)?;
            let marked = diesel::update(documents::table)
                .filter(documents::workspace_id.eq(key.0))
                .filter(documents::document_id.eq(key.1))
                .filter(documents::version.eq(version))
                .filter(documents::sequence.ne(PURGED))
                .set(documents::damaged.eq(true))
                .execute(connection)?;
            Ok(if marked == 1 { Swap::Swapped } else { Swap::Moved })
        })
    }

    /// Documents after `after` (`None` = from the first) whose Yjs log outweighs their snapshot, of any workspace,
    /// undamaged.
    ///
    /// Asks every shard: at start and hourly.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_compactable(
        &self,
        after: Option<(WorkspaceId, DocumentId)>,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, DocumentId)>, StoreError> {
        let (workspace, document) = after.map_or_else(Default::default, |(w, d)| (DbUuid(w.0), DbUuid(d.0)));
        self.read(|connection| {
            let is_after = documents::workspace_id
                .gt(workspace)
                .or(documents::workspace_id.eq(workspace).and(documents::document_id.gt(document)));
            let rows: Vec<(DbUuid, DbUuid)> = documents::table
                .filter(sql::<Bool>(TO_COMPACT))
                .filter(is_after)
                .order((documents::workspace_id, documents::document_id))
                .limit(i64::from(limit))
                .select((documents::workspace_id, documents::document_id))
                .load(connection)?;
            Ok(rows.into_iter().map(|(workspace, id)| (WorkspaceId(workspace.0), DocumentId(id.0))).collect())
        })
    }

    /// A document with everything that its next snapshot is made of (`yjs_parts`), and what the snapshot will cover
    /// (`head.epoch`, `head.version`).
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn load_for_compaction(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
    ) -> Result<Option<StoredDocument>, StoreError> {
        self.read_snapshot(|connection| find_stored(connection, workspace_id, id))
    }

    /// Replaces the snapshot by one that covers everything up to `covered_version`, unless the document was made anew
    /// since `epoch` or has a snapshot that covers as much. What was appended meanwhile stays in the log and is counted
    /// anew: a document that is written to all the time is compacted all the same. The log's rows stay, as history. The
    /// caller has checked what the snapshot covers.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn swap_snapshot(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
        (epoch, covered_version): (Version, Version),
        snapshot: Vec<u8>,
    ) -> Result<Swap, StoreError> {
        let snapshot_bytes = i64::try_from(snapshot.len()).map_err(|error| StoreError::Refused(error.to_string()))?;
        self.write(move |connection| {
            let key = lock(connection, workspace_id, id)?;
            if !is_ahead(connection, key, epoch, covered_version)? {
                return Ok(Swap::Moved);
            }
            let left = lengths_after(connection, key, covered_version)?;
            let log_rows = i64::try_from(left.len()).map_err(|error| StoreError::Refused(error.to_string()))?;
            diesel::update(documents::table)
                .filter(documents::workspace_id.eq(key.0))
                .filter(documents::document_id.eq(key.1))
                .set((
                    documents::snapshot_bytes.eq(snapshot_bytes),
                    documents::log_bytes.eq(left.iter().sum::<i64>()),
                    documents::log_rows.eq(log_rows),
                ))
                .execute(connection)?;
            ensure_body(connection, key)?;
            measured(connection, key.0, &[key.1], Rewrites::Bodies, |connection| {
                diesel::update(document_bodies::table)
                    .filter(document_bodies::workspace_id.eq(key.0))
                    .filter(document_bodies::document_id.eq(key.1))
                    .set((
                        document_bodies::yjs_version.eq(covered_version),
                        document_bodies::yjs_snapshot.eq(Some(&snapshot)),
                    ))
                    .execute(connection)?;
                Ok(Swap::Swapped)
            })
        })
    }
}

/// Whether a snapshot up to `covered_version` is of this document and covers more than the one it has.
fn is_ahead(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    epoch: Version,
    covered_version: Version,
) -> Result<bool, StoreError> {
    let head: Option<(i64, i64)> = documents::table
        .filter(documents::workspace_id.eq(key.0))
        .filter(documents::document_id.eq(key.1))
        .filter(documents::sequence.ne(PURGED))
        .select((documents::epoch, documents::version))
        .get_result(connection)
        .optional()?;
    let body: Option<i64> = document_bodies::table
        .filter(document_bodies::workspace_id.eq(key.0))
        .filter(document_bodies::document_id.eq(key.1))
        .select(document_bodies::yjs_version)
        .get_result(connection)
        .optional()?;
    let same = head.is_some_and(|(current, version)| current == epoch && version >= covered_version);
    Ok(same && body.is_none_or(|yjs_version| yjs_version < covered_version))
}

/// The lengths of the Yjs updates that came after a version, in order.
pub(super) fn lengths_after(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    version: Version,
) -> Result<Vec<i64>, StoreError> {
    Ok(document_log::table
        .filter(document_log::workspace_id.eq(key.0))
        .filter(document_log::document_id.eq(key.1))
        .filter(document_log::version.gt(version))
        .filter(document_log::yjs_update.is_not_null())
        .order(document_log::version.asc())
        .select(sql::<BigInt>("CAST(length(yjs_update) AS BIGINT)"))
        .load(connection)?)
}

/// Keeps batches of the workspace out: they write whole heads, and would put back what is reset here.
pub(super) fn lock_workspace(connection: &mut AnyConnection, workspace_id: WorkspaceId) -> Result<DbUuid, StoreError> {
    let key = DbUuid(workspace_id.0);
    if let AnyConnection::Postgres(connection) = connection {
        workspaces::table
            .find(key)
            .select(workspaces::head_sequence)
            .for_no_key_update()
            .get_result::<i64>(connection)
            .optional()?;
    }
    Ok(key)
}

/// Locks a document's workspace; the document's key.
pub(super) fn lock(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    id: DocumentId,
) -> Result<(DbUuid, DbUuid), StoreError> {
    Ok((lock_workspace(connection, workspace_id)?, DbUuid(id.0)))
}

/// Makes the document's row of bodies if there is none; the workspace is locked, so nobody else makes it meanwhile.
pub(super) fn ensure_body(connection: &mut AnyConnection, key: (DbUuid, DbUuid)) -> Result<(), StoreError> {
    let there: i64 = document_bodies::table
        .filter(document_bodies::workspace_id.eq(key.0))
        .filter(document_bodies::document_id.eq(key.1))
        .count()
        .get_result(connection)?;
    if there == 0 {
        diesel::insert_into(document_bodies::table)
            .values((document_bodies::workspace_id.eq(key.0), document_bodies::document_id.eq(key.1)))
            .execute(connection)?;
    }
    Ok(())
}
