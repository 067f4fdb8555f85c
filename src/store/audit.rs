//! Everything that is stored of a document, each part read by itself, so that one that cannot be read hides no other.
//! For checking and mending; what is right is decided by the caller.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};
use diesel::sqlite::Sqlite;

use super::connection::AnyConnection;
use super::encoding::{decode_roots, decode_state_vector, decode_text, is_set_aside};
use super::rows::{HeadRow, PURGED, digest, kind_from_code};
use super::schema::{document_bodies, document_log, documents, workspaces};
use super::sql_uuid::{DbUuid, SqlUuid};
use super::statement::Statement;
use super::{Store, StoreError};
use crate::domain::document::DocumentHead;
use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::domain::operation::OperationKind;
use crate::domain::timestamp::Timestamp;

/// Log rows that are held at a time.
const ROWS: i64 = 50;
/// Receipts that are read at a time.
const RECEIPTS: usize = 500;

/// A document's row and its bodies.
#[derive(Debug)]
pub struct RawDocument {
    /// What can be read of the head; columns that cannot are as if they were empty.
    pub row: DocumentHead,
    /// Whether only a stub is left.
    pub is_purged: bool,
    /// Whether it is marked as damaged.
    pub is_marked: bool,
    /// The head, if all its columns can be read.
    pub head: Result<DocumentHead, StoreError>,
    /// The columns of the head that may be unreadable, as they are stored.
    pub columns: [(&'static str, Option<Vec<u8>>); 3],
    /// The snapshot, with the version up to which it holds everything; of the current document only.
    pub snapshot: Option<(Version, Vec<u8>)>,
    /// The text that was kept for the current text's version, as it is stored.
    pub kept_text: Option<Vec<u8>>,
    /// No new version of its workspace is below this one.
    pub version_floor: Version,
}

/// A version in the log.
#[derive(Debug)]
pub struct RawVersion {
    /// The version.
    pub version: Version,
    /// What it did.
    pub kind: Result<OperationKind, StoreError>,
    /// The title.
    pub title: String,
    /// Whose it is.
    pub user_id: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it stands for all before it.
    pub is_base: bool,
    /// The text that it set, as it is stored.
    pub text: Option<Vec<u8>>,
    /// The Yjs update that it carried.
    pub yjs_update: Option<Vec<u8>>,
}

/// A text, from how it is stored.
///
/// # Errors
/// `Corrupt`.
pub fn read_text(stored: &[u8]) -> Result<String, StoreError> {
    decode_text(stored)
}

/// Whether stored bytes are known not to be readable, and were left where they are.
#[must_use]
pub fn is_known_damage(stored: &[u8]) -> bool {
    is_set_aside(stored)
}

/// A receipt.
#[derive(Debug)]
pub struct RawReceipt {
    /// Whose operation it was.
    pub user_id: UserId,
    /// From which device.
    pub device_id: String,
    /// Its name.
    pub client_id: String,
    /// The document.
    pub document_id: DocumentId,
    /// The version answered.
    pub version: Option<Version>,
    /// The document's version now; `None` if there is no row of it.
    pub document_version: Option<Version>,
    /// What its operation did.
    pub kind: Result<OperationKind, StoreError>,
    /// Whether what says what its operation carried can be read.
    pub readable: Result<(), StoreError>,
    /// The same, as it is stored.
    pub payload: Vec<u8>,
}

type Bodies = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>);

/// The columns of [`RawVersion`].
#[derive(Queryable, Selectable)]
#[diesel(table_name = document_log)]
struct LogRow {
    version: i64,
    kind: i16,
    title: String,
    user_id: DbUuid,
    created_at: i64,
    is_base: bool,
    content: Option<Vec<u8>>,
    yjs_update: Option<Vec<u8>>,
}

impl From<LogRow> for RawVersion {
    fn from(row: LogRow) -> Self {
        Self {
            version: row.version,
            kind: kind_from_code(row.kind),
            title: row.title,
            user_id: UserId(row.user_id.0),
            created_at: Timestamp(row.created_at),
            is_base: row.is_base,
            text: row.content,
            yjs_update: row.yjs_update,
        }
    }
}

impl Store {
    /// The ids of a workspace's documents after `after` (`None` = from the first), purged ones included.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_document_ids(
        &self,
        workspace_id: WorkspaceId,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let ids: Vec<DbUuid> = self.read(|connection| {
            Ok(documents::table
                .filter(documents::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(documents::document_id.gt(after.map_or_else(DbUuid::default, |id| DbUuid(id.0))))
                .order(documents::document_id.asc())
                .limit(i64::from(limit))
                .select(documents::document_id)
                .load(connection)?)
        })?;
        Ok(ids.into_iter().map(|id| DocumentId(id.0)).collect())
    }

    /// A document, and each version of its log, the oldest first, as they are at one moment; `None` if there is none.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn read_raw_document(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
        mut visit: impl FnMut(&RawDocument, RawVersion),
    ) -> Result<Option<RawDocument>, StoreError> {
        let key = (DbUuid(workspace_id.0), DbUuid(id.0));
        self.read_snapshot(|connection| {
            let Some(document) = raw_document(connection, key)? else { return Ok(None) };
            let mut after = 0;
            loop {
                let rows: Vec<LogRow> = document_log::table
                    .filter(document_log::workspace_id.eq(key.0))
                    .filter(document_log::document_id.eq(key.1))
                    .filter(document_log::version.gt(after))
                    .order(document_log::version.asc())
                    .limit(ROWS)
                    .select(LogRow::as_select())
                    .load(connection)?;
                let Some(last) = rows.last() else { return Ok(Some(document)) };
                after = last.version;
                for row in rows {
                    visit(&document, row.into());
                }
            }
        })
    }

    /// Visits each receipt of a workspace.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn read_raw_receipts(
        &self,
        workspace_id: WorkspaceId,
        mut visit: impl FnMut(RawReceipt),
    ) -> Result<(), StoreError> {
        let mut after = (DbUuid::default(), String::new(), String::new());
        loop {
            let rows = self.read_along_keys(|connection| receipts_after(connection, DbUuid(workspace_id.0), &after))?;
            let is_last = rows.len() < RECEIPTS;
            for (user_id, device_id, client_id, kind, payload, document_id, version, document_version) in rows {
                after = (user_id, device_id.clone(), client_id.clone());
                visit(RawReceipt {
                    user_id: UserId(user_id.0),
                    device_id,
                    client_id,
                    document_id: DocumentId(document_id.0),
                    version,
                    document_version,
                    kind: kind_from_code(kind),
                    readable: digest(&payload).map(|_digest| ()),
                    payload,
                });
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

fn raw_document(connection: &mut AnyConnection, key: (DbUuid, DbUuid)) -> Result<Option<RawDocument>, StoreError> {
    let found: Option<(HeadRow, i64, bool)> = documents::table
        .find(key)
        .select((HeadRow::as_select(), documents::sequence, documents::damaged))
        .get_result(connection)
        .optional()?;
    let Some((row, sequence, is_marked)) = found else { return Ok(None) };
    let bodies: Option<Bodies> = document_bodies::table
        .find(key)
        .select((
            document_bodies::yjs_version,
            document_bodies::content_version,
            document_bodies::yjs_snapshot,
            document_bodies::content,
        ))
        .get_result(connection)
        .optional()?;
    let (yjs_version, text_version, snapshot, text) = bodies.unwrap_or_default();
    let version_floor: Option<i64> =
        workspaces::table.find(key.0).select(workspaces::version_floor).get_result(connection).optional()?;
    let (epoch, content_version) = (row.epoch, row.content_version);
    Ok(Some(RawDocument {
        row: readable_columns(row.clone())?,
        is_purged: sequence == PURGED,
        is_marked,
        columns: [
            ("content_digest", row.content_digest.clone()),
            ("state_vector", row.state_vector.clone()),
            ("yjs_roots", Some(row.yjs_roots.clone())),
        ],
        head: row.try_into(),
        snapshot: snapshot.filter(|_| yjs_version >= epoch).map(|bytes| (yjs_version, bytes)),
        kept_text: text.filter(|_| text_version >= content_version.max(epoch)),
        version_floor: version_floor.unwrap_or_default(),
    }))
}

/// The head, with columns that cannot be read as if they were empty.
fn readable_columns(mut row: HeadRow) -> Result<DocumentHead, StoreError> {
    row.content_digest = row.content_digest.filter(|stored| digest(stored).is_ok());
    row.state_vector = row.state_vector.filter(|stored| decode_state_vector(stored).is_ok());
    if decode_roots(&row.yjs_roots).is_err() {
        row.yjs_roots.clear();
    }
    row.try_into()
}

type ReceiptRow = (DbUuid, String, String, i16, Vec<u8>, DbUuid, Option<i64>, Option<i64>);
type ReceiptSql = (SqlUuid, Text, Text, SmallInt, Binary, SqlUuid, Nullable<BigInt>, Nullable<BigInt>);

const RECEIPTS_AFTER: &str = "SELECT receipts.user_id, receipts.device_id, receipts.client_id, receipts.kind, \
     receipts.payload_digest, receipts.document_id, receipts.version, documents.version \
     FROM receipts LEFT JOIN documents ON documents.workspace_id = receipts.workspace_id \
     AND documents.document_id = receipts.document_id \
     WHERE receipts.workspace_id = ? AND (user_id, device_id, client_id) > (?, ?, ?) \
     ORDER BY user_id, device_id, client_id LIMIT 500";

fn receipts_after(
    connection: &mut AnyConnection,
    workspace_id: DbUuid,
    (user_id, device_id, client_id): &(DbUuid, String, String),
) -> Result<Vec<ReceiptRow>, StoreError> {
    Ok(match connection {
        AnyConnection::Sqlite(connection) => Statement::<Sqlite, ReceiptSql>::new(RECEIPTS_AFTER)
            .bind::<SqlUuid, _>(workspace_id)
            .bind::<SqlUuid, _>(*user_id)
            .bind::<Text, _>(device_id)
            .bind::<Text, _>(client_id)
            .load(connection)?,
        AnyConnection::Postgres(connection) => Statement::<Pg, ReceiptSql>::new(RECEIPTS_AFTER)
            .bind::<SqlUuid, _>(workspace_id)
            .bind::<SqlUuid, _>(*user_id)
            .bind::<Text, _>(device_id)
            .bind::<Text, _>(client_id)
            .load(connection)?,
    })
}
