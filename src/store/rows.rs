//! Rows of the document tables, and their way to and from the core's types. Decides nothing.

use diesel::prelude::*;

use super::encoding::{decode_roots, decode_state_vector, encode_roots, encode_state_vector};
use super::schema::{document_log, documents, receipts};
use super::sql_uuid::DbUuid;
use super::{BatchScope, PackedTexts, StoreError};
use crate::domain::document::{DocumentHead, LogEntry, Receipt, WriteSet};
use crate::domain::ids::{DocumentId, UserId};
use crate::domain::operation::{Digest, OperationKind};
use crate::domain::timestamp::Timestamp;

/// The `sequence` of a document whose tombstone has been purged.
pub(super) const PURGED: i64 = 0;

/// The columns of [`DocumentHead`].
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = documents)]
pub(super) struct HeadRow {
    pub document_id: DbUuid,
    pub version: i64,
    pub title: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub updated_by: DbUuid,
    pub deleted_at: Option<i64>,
    pub epoch: i64,
    pub content_version: i64,
    pub content_digest: Option<Vec<u8>>,
    pub state_vector: Option<Vec<u8>>,
    pub yjs_roots: Vec<u8>,
    pub snapshot_bytes: i64,
    pub log_bytes: i64,
    pub log_rows: i64,
}

impl TryFrom<HeadRow> for DocumentHead {
    type Error = StoreError;

    fn try_from(row: HeadRow) -> Result<Self, StoreError> {
        let document_id = DocumentId(row.document_id.0);
        read_head(row).map_err(|error| error.of(document_id))
    }
}

fn read_head(row: HeadRow) -> Result<DocumentHead, StoreError> {
    Ok(DocumentHead {
        document_id: DocumentId(row.document_id.0),
        version: row.version,
        title: row.title,
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
        updated_by: UserId(row.updated_by.0),
        deleted_at: row.deleted_at.map(Timestamp),
        epoch: row.epoch,
        content_version: row.content_version,
        content_digest: row.content_digest.as_deref().map(digest).transpose()?,
        state_vector: row.state_vector.as_deref().map(decode_state_vector).transpose()?,
        yjs_roots: decode_roots(&row.yjs_roots)?,
        snapshot_bytes: row.snapshot_bytes,
        log_bytes: row.log_bytes,
        log_rows: row.log_rows,
    })
}

// What is `None` is written as NULL in every row for writing: leaving it out, which is Diesel's default, makes another
// statement of each combination, and none of them is cached.

/// A head as it is written: all of a document's row but the mark of damage.
#[derive(Debug, Insertable)]
#[diesel(table_name = documents, treat_none_as_default_value = false)]
pub(super) struct NewHeadRow<'a> {
    pub workspace_id: DbUuid,
    pub document_id: DbUuid,
    pub version: i64,
    pub sequence: i64,
    pub title: &'a str,
    pub created_at: i64,
    pub updated_at: i64,
    pub updated_by: DbUuid,
    pub deleted_at: Option<i64>,
    pub epoch: i64,
    pub content_version: i64,
    pub content_digest: Option<&'a [u8]>,
    pub state_vector: Option<Vec<u8>>,
    pub yjs_roots: Vec<u8>,
    pub snapshot_bytes: i64,
    pub log_bytes: i64,
    pub log_rows: i64,
}

impl<'a> NewHeadRow<'a> {
    pub(super) fn new(workspace_id: DbUuid, sequence: i64, head: &'a DocumentHead) -> Self {
        Self {
            workspace_id,
            document_id: DbUuid(head.document_id.0),
            version: head.version,
            sequence,
            title: &head.title,
            created_at: head.created_at.0,
            updated_at: head.updated_at.0,
            updated_by: DbUuid(head.updated_by.0),
            deleted_at: head.deleted_at.map(|time| time.0),
            epoch: head.epoch,
            content_version: head.content_version,
            content_digest: head.content_digest.as_ref().map(|digest| &digest[..]),
            state_vector: head.state_vector.as_ref().map(encode_state_vector),
            yjs_roots: encode_roots(&head.yjs_roots),
            snapshot_bytes: head.snapshot_bytes,
            log_bytes: head.log_bytes,
            log_rows: head.log_rows,
        }
    }
}

/// A new version in the log.
#[derive(Debug, Insertable)]
#[diesel(table_name = document_log, treat_none_as_default_value = false)]
pub(super) struct NewLogRow<'a> {
    pub workspace_id: DbUuid,
    pub document_id: DbUuid,
    pub version: i64,
    pub kind: i16,
    pub title: &'a str,
    pub user_id: DbUuid,
    pub device_id: Option<&'a str>,
    pub client_id: &'a str,
    pub created_at: i64,
    pub content: Option<&'a [u8]>,
    pub yjs_update: Option<&'a [u8]>,
    /// Where the batch ends in the feed; not known before it is written.
    pub batch_sequence: Option<i64>,
    pub sync_id: Option<DbUuid>,
}

impl<'a> NewLogRow<'a> {
    fn new(scope: &'a BatchScope, entry: &'a LogEntry, content: Option<&'a [u8]>) -> Self {
        Self {
            workspace_id: DbUuid(scope.workspace_id.0),
            document_id: DbUuid(entry.document_id.0),
            version: entry.version,
            kind: kind_code(entry.kind),
            title: &entry.title,
            user_id: DbUuid(entry.user_id.0),
            device_id: scope.device_id.as_deref(),
            client_id: &entry.client_id,
            created_at: scope.now.0,
            content,
            yjs_update: entry.yjs_update.as_deref(),
            batch_sequence: None,
            sync_id: scope.sync_id.map(|sync| DbUuid(sync.0)),
        }
    }
}

/// The new versions of a write set, as rows.
///
/// # Errors
/// `Refused` if the texts are another write set's.
pub(super) fn log_rows<'a>(
    scope: &'a BatchScope,
    writes: &'a WriteSet,
    texts: &'a PackedTexts,
) -> Result<Vec<NewLogRow<'a>>, StoreError> {
    let are_of_it = texts.0.len() == writes.log.len()
        && texts.0.iter().zip(&writes.log).all(|(text, entry)| text.is_some() == entry.content.is_some());
    if !are_of_it {
        return Err(StoreError::Refused("the packed texts are those of another batch".into()));
    }
    let rows = writes.log.iter().zip(&texts.0);
    Ok(rows.map(|(entry, text)| NewLogRow::new(scope, entry, text.as_deref())).collect())
}

/// A receipt as it is read.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = receipts)]
pub(super) struct ReceiptRow {
    pub client_id: String,
    pub kind: i16,
    pub payload_digest: Vec<u8>,
    pub document_id: DbUuid,
    pub version: Option<i64>,
    pub created_at: i64,
}

impl TryFrom<ReceiptRow> for Receipt {
    type Error = StoreError;

    fn try_from(row: ReceiptRow) -> Result<Self, StoreError> {
        let read = kind_from_code(row.kind).and_then(|kind| Ok((kind, digest(&row.payload_digest)?)));
        let read = read.inspect_err(|error| {
            tracing::error!(document_id = %row.document_id.0, %error, "a receipt cannot be read");
        });
        let read = read.ok();
        Ok(Self {
            client_id: row.client_id,
            kind: read.as_ref().map_or(OperationKind::Update, |(kind, _)| *kind),
            payload_digest: read.map(|(_, digest)| digest),
            document_id: DocumentId(row.document_id.0),
            version: row.version,
            created_at: Timestamp(row.created_at),
        })
    }
}

/// A receipt as it is written.
#[derive(Debug, Insertable)]
#[diesel(table_name = receipts, treat_none_as_default_value = false)]
pub(super) struct NewReceiptRow<'a> {
    pub workspace_id: DbUuid,
    pub user_id: DbUuid,
    pub device_id: &'a str,
    pub client_id: &'a str,
    pub kind: i16,
    pub payload_digest: &'a [u8],
    pub document_id: DbUuid,
    pub version: Option<i64>,
    pub created_at: i64,
}

impl<'a> NewReceiptRow<'a> {
    pub(super) fn new(scope: &'a BatchScope, device_id: &'a str, receipt: &'a Receipt) -> Self {
        Self {
            workspace_id: DbUuid(scope.workspace_id.0),
            user_id: DbUuid(scope.user_id.0),
            device_id,
            client_id: &receipt.client_id,
            kind: kind_code(receipt.kind),
            payload_digest: receipt.payload_digest.as_ref().map_or(&[], |digest| digest.as_slice()),
            document_id: DbUuid(receipt.document_id.0),
            version: receipt.version,
            created_at: receipt.created_at.0,
        }
    }
}

/// The receipts of a write set, as rows; none may come without a device.
///
/// # Errors
/// `Refused` if there are receipts and no device to file them under.
pub(super) fn receipt_rows<'a>(
    scope: &'a BatchScope,
    receipts: &'a [Receipt],
) -> Result<Vec<NewReceiptRow<'a>>, StoreError> {
    match scope.device_id.as_deref() {
        Some(device_id) => Ok(receipts.iter().map(|receipt| NewReceiptRow::new(scope, device_id, receipt)).collect()),
        None if receipts.is_empty() => Ok(Vec::new()),
        None => Err(StoreError::Refused("a batch without a device cannot leave receipts".into())),
    }
}

/// How a kind lies in a column.
pub(super) const fn kind_code(kind: OperationKind) -> i16 {
    match kind {
        // Never stored: a check leaves neither a version nor a receipt.
        OperationKind::Check => -1,
        OperationKind::Create => 0,
        OperationKind::Update => 1,
        OperationKind::Delete => 2,
    }
}

/// The kind of a column.
///
/// # Errors
/// `Corrupt` for an unknown code.
pub(super) fn kind_from_code(code: i16) -> Result<OperationKind, StoreError> {
    match code {
        0 => Ok(OperationKind::Create),
        1 => Ok(OperationKind::Update),
        2 => Ok(OperationKind::Delete),
        _ => Err(StoreError::Corrupt(format!("unknown kind of operation {code}"))),
    }
}

pub(super) fn digest(stored: &[u8]) -> Result<Digest, StoreError> {
    stored.try_into().map_err(|_wrong_length| StoreError::Corrupt(format!("a digest of {} bytes", stored.len())))
}
