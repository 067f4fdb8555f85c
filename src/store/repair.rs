//! The writes of a repair: one transaction for each document and receipt, under the lock of their workspace, and only if
//! they are still as they were when the repair was planned. What is right is decided by the caller.

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::encoding::set_aside;
use super::rows::{NewHeadRow, PURGED, kind_code};
use super::schema::{document_bodies, document_log, documents, receipts, workspaces};
use super::sql_uuid::DbUuid;
use super::upkeep::{Swap, ensure_body, lengths_after, lock, lock_workspace};
use super::usage::recount;
use super::{Store, StoreError};
use crate::domain::document::{ANY_PAYLOAD, DocumentHead};
use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::domain::operation::OperationKind;
use crate::store::encoding::encode_text;

/// What a repaired document is to be.
#[derive(Clone, Debug)]
pub struct DocumentRepair {
    /// The version that it had when it was read.
    pub expected_version: Version,
    /// Its head. The sizes that decide about compaction are counted anew.
    pub head: DocumentHead,
    /// Whether it is marked as damaged.
    pub is_marked: bool,
    /// What becomes of the snapshot.
    pub snapshot: SnapshotRepair,
    /// Whether the text that was kept beside it goes.
    pub forgets_kept_text: bool,
    /// What becomes of versions in the log.
    pub versions: Vec<(Version, VersionRepair)>,
    /// A new version that stands for all before it, under the head's version.
    pub base: Option<NewBase>,
}

/// What becomes of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotRepair {
    /// It stays.
    Keep,
    /// It goes.
    Forget,
    /// It is this, up to the head's version.
    Replace(Vec<u8>),
}

/// What becomes of a version in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionRepair {
    /// It did this.
    Kind(OperationKind),
    /// Its text is this.
    Text(String),
    /// Its text goes: it can be derived.
    ForgetText,
    /// Its text stays as it is, marked as unreadable.
    SetTextAside,
    /// Its Yjs update stays as it is, marked as unreadable.
    SetUpdateAside,
}

/// A version that is put into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBase {
    /// What it is.
    pub kind: OperationKind,
    /// The text.
    pub text: Option<String>,
    /// The Yjs state.
    pub yjs_state: Option<Vec<u8>>,
}

/// The name of the operation that a repair's versions are of.
const CLIENT_ID: &str = "landfall admin repair";

/// Which receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptKey {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Whose.
    pub user_id: UserId,
    /// From which device.
    pub device_id: String,
    /// Its name.
    pub client_id: String,
}

impl Store {
    /// Carries out a repair, and moves the document to the end of the feed: readers left it out. `Moved` if it has another
    /// version by now.
    ///
    /// # Errors
    /// Whatever the database said; nothing is changed then.
    pub fn repair_document(&self, workspace_id: WorkspaceId, repair: DocumentRepair) -> Result<Swap, StoreError> {
        self.write(move |connection| {
            let id = repair.head.document_id;
            let key = lock(connection, workspace_id, id)?;
            let unchanged: i64 = documents::table
                .filter(documents::workspace_id.eq(key.0))
                .filter(documents::document_id.eq(key.1))
                .filter(documents::version.eq(repair.expected_version))
                .filter(documents::sequence.ne(PURGED))
                .count()
                .get_result(connection)?;
            if unchanged == 0 {
                return Ok(Swap::Moved);
            }
            for (version, change) in &repair.versions {
                repair_version(connection, (key.0, key.1, *version), change)?;
            }
            if let Some(base) = &repair.base {
                insert_base(connection, key, &repair.head, base)?;
            }
            repair_bodies(connection, key, &repair)?;
            repair_head(connection, key, &repair)?;
            Ok(Swap::Swapped)
        })
    }

    /// Makes a receipt answer every resend of its operation, whatever it carries: what it carried is not known any more.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn repair_receipt(&self, key: ReceiptKey, kind: OperationKind) -> Result<(), StoreError> {
        self.write(move |connection| {
            lock_workspace(connection, key.workspace_id)?;
            diesel::update(receipts::table.find(key.columns()))
                .set((receipts::kind.eq(kind_code(kind)), receipts::payload_digest.eq(&ANY_PAYLOAD[..])))
                .execute(connection)?;
            Ok(())
        })
    }

    /// Removes a receipt whose operation is not in the database: it is answered afresh when it is sent again.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn remove_receipt(&self, key: ReceiptKey) -> Result<(), StoreError> {
        self.write(move |connection| {
            lock_workspace(connection, key.workspace_id)?;
            diesel::delete(receipts::table.find(key.columns())).execute(connection)?;
            Ok(())
        })
    }

    /// What the log says that an operation did.
    ///
    /// # Errors
    /// Whatever the database said; `Corrupt` if the log cannot be read either.
    pub fn find_logged_kind(
        &self,
        key: &ReceiptKey,
        id: DocumentId,
        version: Version,
    ) -> Result<Option<OperationKind>, StoreError> {
        let found: Option<i16> = self.read(|connection| {
            Ok(document_log::table
                .find((DbUuid(key.workspace_id.0), DbUuid(id.0), version))
                .filter(document_log::client_id.eq(&key.client_id))
                .select(document_log::kind)
                .get_result(connection)
                .optional()?)
        })?;
        found.map(super::rows::kind_from_code).transpose()
    }

    /// Counts anew what a workspace holds.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn reset_usage(&self, workspace_id: WorkspaceId) -> Result<(), StoreError> {
        self.write(move |connection| {
            let key = lock_workspace(connection, workspace_id)?;
            let usage = recount(connection, key)?;
            diesel::update(workspaces::table.find(key))
                .set((
                    workspaces::documents.eq(usage.documents),
                    workspaces::deleted_documents.eq(usage.deleted_documents),
                    workspaces::text_bytes.eq(usage.text_bytes),
                    workspaces::yjs_bytes.eq(usage.yjs_bytes),
                    workspaces::history_bytes.eq(usage.history_bytes),
                ))
                .execute(connection)?;
            Ok(())
        })
    }
}

impl ReceiptKey {
    fn columns(&self) -> (DbUuid, DbUuid, &str, &str) {
        (DbUuid(self.workspace_id.0), DbUuid(self.user_id.0), &self.device_id, &self.client_id)
    }
}

fn repair_version(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid, Version),
    change: &VersionRepair,
) -> Result<(), StoreError> {
    let row = || document_log::table.find(key);
    let text = |bytes: Option<Vec<u8>>| document_log::content.eq(bytes);
    match change {
        VersionRepair::Kind(kind) => {
            diesel::update(row()).set(document_log::kind.eq(kind_code(*kind))).execute(connection)?;
        }
        VersionRepair::Text(content) => {
            diesel::update(row()).set(text(Some(encode_text(content)))).execute(connection)?;
        }
        VersionRepair::ForgetText => {
            diesel::update(row()).set(text(None)).execute(connection)?;
        }
        VersionRepair::SetTextAside => {
            let stored: Option<Vec<u8>> = row().select(document_log::content).get_result(connection)?;
            diesel::update(row()).set(text(stored.as_deref().map(set_aside))).execute(connection)?;
        }
        VersionRepair::SetUpdateAside => {
            let stored: Option<Vec<u8>> = row().select(document_log::yjs_update).get_result(connection)?;
            let aside = stored.as_deref().map(set_aside);
            diesel::update(row()).set(document_log::yjs_update.eq(aside)).execute(connection)?;
        }
    }
    Ok(())
}

fn insert_base(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    head: &DocumentHead,
    base: &NewBase,
) -> Result<(), StoreError> {
    diesel::insert_into(document_log::table)
        .values((
            (document_log::workspace_id.eq(key.0), document_log::document_id.eq(key.1)),
            document_log::version.eq(head.version),
            document_log::kind.eq(kind_code(base.kind)),
            document_log::title.eq(&head.title),
            document_log::user_id.eq(DbUuid(head.updated_by.0)),
            document_log::client_id.eq(CLIENT_ID),
            document_log::created_at.eq(head.updated_at.0),
            document_log::content.eq(base.text.as_deref().map(encode_text)),
            document_log::yjs_update.eq(base.yjs_state.as_deref()),
            document_log::is_base.eq(true),
        ))
        .execute(connection)?;
    Ok(())
}

fn repair_bodies(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    repair: &DocumentRepair,
) -> Result<(), StoreError> {
    let body = || {
        document_bodies::table
            .filter(document_bodies::workspace_id.eq(key.0))
            .filter(document_bodies::document_id.eq(key.1))
    };
    if repair.forgets_kept_text {
        let nothing = (document_bodies::content_version.eq(0), document_bodies::content.eq(None::<Vec<u8>>));
        diesel::update(body()).set(nothing).execute(connection)?;
    }
    let (version, snapshot) = match &repair.snapshot {
        SnapshotRepair::Keep => return Ok(()),
        SnapshotRepair::Forget => (0, None),
        SnapshotRepair::Replace(snapshot) => (repair.head.version, Some(snapshot)),
    };
    ensure_body(connection, key)?;
    diesel::update(body())
        .set((document_bodies::yjs_version.eq(version), document_bodies::yjs_snapshot.eq(snapshot)))
        .execute(connection)?;
    Ok(())
}

fn repair_head(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    repair: &DocumentRepair,
) -> Result<(), StoreError> {
    diesel::update(workspaces::table.find(key.0))
        .set(workspaces::head_sequence.eq(workspaces::head_sequence + 1))
        .execute(connection)?;
    let sequence: i64 = workspaces::table.find(key.0).select(workspaces::head_sequence).get_result(connection)?;
    let mut head = repair.head.clone();
    weigh(connection, key, &mut head)?;
    let row = NewHeadRow::new(key.0, sequence, &head);
    diesel::update(documents::table)
        .filter(documents::workspace_id.eq(key.0))
        .filter(documents::document_id.eq(key.1))
        .set((
            (documents::version.eq(row.version), documents::sequence.eq(row.sequence), documents::title.eq(row.title)),
            (documents::created_at.eq(row.created_at), documents::updated_at.eq(row.updated_at)),
            (documents::updated_by.eq(row.updated_by), documents::deleted_at.eq(row.deleted_at)),
            (documents::epoch.eq(row.epoch), documents::content_version.eq(row.content_version)),
            (documents::content_digest.eq(row.content_digest), documents::state_vector.eq(&row.state_vector)),
            documents::yjs_roots.eq(&row.yjs_roots),
            (documents::snapshot_bytes.eq(row.snapshot_bytes), documents::log_bytes.eq(row.log_bytes)),
            (documents::log_rows.eq(row.log_rows), documents::damaged.eq(repair.is_marked)),
        ))
        .execute(connection)?;
    Ok(())
}

/// The sizes that decide about compaction, of what is stored now. Without a snapshot the first state weighs as one.
fn weigh(connection: &mut AnyConnection, key: (DbUuid, DbUuid), head: &mut DocumentHead) -> Result<(), StoreError> {
    let found: Option<(i64, Option<Vec<u8>>)> = document_bodies::table
        .filter(document_bodies::workspace_id.eq(key.0))
        .filter(document_bodies::document_id.eq(key.1))
        .filter(document_bodies::yjs_version.ge(head.epoch))
        .select((document_bodies::yjs_version, document_bodies::yjs_snapshot))
        .get_result(connection)
        .optional()?;
    let bytes = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let snapshot = found.and_then(|(version, snapshot)| Some((version, bytes(snapshot?.len()))));
    let mut log = lengths_after(connection, key, snapshot.map_or(head.epoch - 1, |(version, _)| version))?;
    let weight = snapshot.map(|(_, weight)| weight);
    head.snapshot_bytes = weight.unwrap_or_else(|| if log.is_empty() { 0 } else { log.remove(0) });
    head.log_bytes = log.iter().sum();
    head.log_rows = bytes(log.len());
    Ok(())
}
