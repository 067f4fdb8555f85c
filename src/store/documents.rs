//! Reading documents and their history: one snapshot each, on either database. Decides nothing, derives nothing.

use diesel::prelude::*;

use super::assembly::{Assembly, BodyRow};
use super::connection::AnyConnection;
use super::encoding::decode_text;
use super::rows::{HeadRow, PURGED, kind_code, kind_from_code};
use super::schema::{document_bodies, document_log, documents, users};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::document::{DocumentHead, StoredDocument, VersionText};
use crate::domain::ids::{BatchId, DocumentId, SyncId, Version, WorkspaceId};
use crate::domain::operation::OperationKind;
use crate::domain::sessions::Entry;
use crate::domain::timestamp::Timestamp;

diesel::define_sql_function! {
    /// Characters of a text, from the first (1); the same on both databases, where LIKE differs in case.
    fn substr(text: diesel::sql_types::Text, start: diesel::sql_types::Integer, length: diesel::sql_types::Integer) -> diesel::sql_types::Text;
}

/// Which documents a listing shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Only documents after this one; `None` = from the first.
    pub after: Option<DocumentId>,
    /// At most this many.
    pub limit: u32,
    /// Tombstones too.
    pub include_deleted: bool,
    /// Only titles that start with this, letter for letter.
    pub title_prefix: Option<String>,
}

/// A document in a listing: no bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDocument {
    /// The head.
    pub head: DocumentHead,
    /// Name of the user who changed it last.
    pub updated_by_name: String,
}

/// One version in a document's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionEntry {
    /// The version.
    pub version: Version,
    /// What was done.
    pub kind: OperationKind,
    /// The title at this version.
    pub title: String,
    /// Whether this version set the text as text.
    pub has_content: bool,
    /// Whether this version carried a Yjs update.
    pub has_yjs: bool,
    /// Name of its author.
    pub author: String,
    /// The author's device, if it was named.
    pub device_id: Option<String>,
    /// The operation's name.
    pub client_id: String,
    /// When it was applied.
    pub created_at: Timestamp,
    /// The batch that made it; none of versions from before batches were numbered.
    pub batch_id: Option<BatchId>,
    /// The sync run that it belonged to.
    pub sync_id: Option<SyncId>,
}

impl Entry for VersionEntry {
    fn version(&self) -> Version {
        self.version
    }

    fn author(&self) -> &str {
        &self.author
    }

    fn made_at(&self) -> Timestamp {
        self.created_at
    }

    fn stands_alone(&self) -> bool {
        self.kind == OperationKind::Delete
    }
}

/// One version with what its text can be had from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVersion {
    /// Who, when, what.
    pub entry: VersionEntry,
    /// The text at this version, if it is stored as text; `None` where it must be derived, or after a deletion.
    pub content: Option<String>,
    /// Where the text must be derived: the Yjs updates from the document's creation, or the base that old versions were
    /// folded into, up to this version, in order. Empty if the history reaches back to neither.
    pub yjs_parts: Vec<Vec<u8>>,
}

impl Store {
    /// A document with its bodies, live or deleted; `None` also for one whose tombstone has been purged.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_document(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
    ) -> Result<Option<StoredDocument>, StoreError> {
        let found = self.read_snapshot(|connection| find_stored(connection, workspace_id, id))?;
        Ok(found.filter(|document| !document.head.is_purged()))
    }

    /// Documents without bodies, by id.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_documents(
        &self,
        workspace_id: WorkspaceId,
        query: &ListQuery,
    ) -> Result<Vec<ListedDocument>, StoreError> {
        self.read(|connection| list(connection, workspace_id, query))
    }

    /// The history of a document's id, newest first; versions of an earlier document of the same id included.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_versions(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
        before: Option<Version>,
        limit: u32,
    ) -> Result<Vec<VersionEntry>, StoreError> {
        self.read(|connection| {
            document_log::table
                .left_join(users::table.on(users::user_id.eq(document_log::user_id)))
                .filter(document_log::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(document_log::document_id.eq(DbUuid(id.0)))
                .filter(document_log::version.lt(before.unwrap_or(Version::MAX)))
                .order(document_log::version.desc())
                .limit(i64::from(limit))
                .select(EntryRow::as_select())
                .load(connection)?
                .into_iter()
                .map(VersionEntry::try_from)
                .collect()
        })
    }

    /// One version of a document's history.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_version(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
        version: Version,
    ) -> Result<Option<StoredVersion>, StoreError> {
        self.read_snapshot(|connection| find_stored_version(connection, workspace_id, id, version))
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = document_log)]
pub(super) struct EntryRow {
    workspace_id: DbUuid,
    version: i64,
    kind: i16,
    title: String,
    #[diesel(select_expression = document_log::content.is_not_null())]
    has_content: bool,
    #[diesel(select_expression = document_log::yjs_update.is_not_null())]
    has_yjs: bool,
    #[diesel(select_expression = users::username.nullable())]
    author: Option<String>,
    device_id: Option<String>,
    client_id: String,
    created_at: i64,
    batch_sequence: Option<i64>,
    sync_id: Option<DbUuid>,
}

impl TryFrom<EntryRow> for VersionEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let (workspace_id, made_at) = (WorkspaceId(row.workspace_id.0), Timestamp(row.created_at));
        Ok(Self {
            version: row.version,
            kind: kind_from_code(row.kind)?,
            title: row.title,
            has_content: row.has_content,
            has_yjs: row.has_yjs,
            author: row.author.unwrap_or_default(),
            device_id: row.device_id,
            client_id: row.client_id,
            created_at: made_at,
            batch_id: row.batch_sequence.map(|sequence| BatchId::new(workspace_id, sequence, made_at)),
            sync_id: row.sync_id.map(|sync| SyncId(sync.0)),
        })
    }
}

fn list(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    query: &ListQuery,
) -> Result<Vec<ListedDocument>, StoreError> {
    let mut select = documents::table
        .left_join(users::table.on(users::user_id.eq(documents::updated_by)))
        .filter(documents::workspace_id.eq(DbUuid(workspace_id.0)))
        .filter(documents::sequence.ne(PURGED))
        .order(documents::document_id.asc())
        .limit(i64::from(query.limit))
        .select((HeadRow::as_select(), users::username.nullable()))
        .into_boxed();
    if let Some(after) = query.after {
        select = select.filter(documents::document_id.gt(DbUuid(after.0)));
    }
    if !query.include_deleted {
        select = select.filter(documents::deleted_at.is_null());
    }
    if let Some(prefix) = &query.title_prefix {
        let length = i32::try_from(prefix.chars().count()).unwrap_or(i32::MAX);
        select = select.filter(substr(documents::title, 1, length).eq(prefix));
    }
    let rows: Vec<(HeadRow, Option<String>)> = select.load(connection)?;
    // One that cannot be read is left out; the place of the next page is told by the last that can.
    let listed = rows.into_iter().filter_map(|(head, name)| {
        let head = readable_head(head)?;
        Some(ListedDocument { head, updated_by_name: name.unwrap_or_default() })
    });
    Ok(listed.collect())
}

/// The head for a list or a page, which must not end with a document that cannot be read.
pub(super) fn readable_head(row: HeadRow) -> Option<DocumentHead> {
    DocumentHead::try_from(row).inspect_err(|error| tracing::error!(%error, "a document is left out")).ok()
}

/// One document with its bodies, by full key.
pub(super) fn find_stored(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    id: DocumentId,
) -> Result<Option<StoredDocument>, StoreError> {
    let key = (DbUuid(workspace_id.0), DbUuid(id.0));
    let found: Option<FoundRow> = documents::table
        .left_join(users::table.on(users::user_id.eq(documents::updated_by)))
        .left_join(
            document_bodies::table.on(document_bodies::workspace_id
                .eq(documents::workspace_id)
                .and(document_bodies::document_id.eq(documents::document_id))),
        )
        .left_join(
            document_log::table.on(document_log::workspace_id
                .eq(documents::workspace_id)
                .and(document_log::document_id.eq(documents::document_id))
                .and(document_log::version.eq(documents::content_version))),
        )
        .filter(documents::workspace_id.eq(key.0).and(documents::document_id.eq(key.1)))
        .select((
            HeadRow::as_select(),
            documents::damaged,
            users::username.nullable(),
            Option::<BodyRow>::as_select(),
            document_log::content.nullable(),
        ))
        .get_result(connection)
        .optional()?;
    let Some((row, damaged, name, body, text)) = found else { return Ok(None) };
    let document = Assembly::new(row, damaged, name, body)?;
    let text = text.filter(|_| document.text_logged_at().is_some());
    let updates = match document.updates_logged_at() {
        Some(versions) => load_yjs_updates(connection, key, *versions.start(), *versions.end())?,
        None => Vec::new(),
    };
    document.finish(text, updates).map(Some)
}

/// A head, whether it is damaged, who changed it last, its body, and the text that was logged with its newest text's version.
type FoundRow = (HeadRow, bool, Option<String>, Option<BodyRow>, Option<Vec<u8>>);

/// The Yjs updates of the versions `first..=last`, in order.
pub(super) fn load_yjs_updates(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    first: Version,
    last: Version,
) -> Result<Vec<Vec<u8>>, StoreError> {
    Ok(document_log::table
        .filter(document_log::workspace_id.eq(key.0))
        .filter(document_log::document_id.eq(key.1))
        .filter(document_log::version.between(first, last))
        .filter(document_log::yjs_update.is_not_null())
        .order(document_log::version.asc())
        .select(document_log::yjs_update.assume_not_null())
        .load(connection)?)
}

/// Title and, where it is wanted, text as of a version of the current document; `None` if the history does not have it.
pub(super) fn find_text(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    id: DocumentId,
    version: Version,
    with_content: bool,
) -> Result<Option<VersionText>, StoreError> {
    let key = (DbUuid(workspace_id.0), DbUuid(id.0));
    let known: Option<(i64, i64)> =
        documents::table.find(key).select((documents::epoch, documents::version)).get_result(connection).optional()?;
    let Some((epoch, _)) = known.filter(|(epoch, head)| (*epoch..=*head).contains(&version)) else { return Ok(None) };
    // This very version: where the database was put back, versions before the floor may never have been in this history.
    let title: Option<String> = document_log::table
        .find((key.0, key.1, version))
        .select(document_log::title)
        .get_result(connection)
        .optional()?;
    let Some(title) = title else { return Ok(None) };
    let content = if with_content { text_as_of(connection, key, epoch, version)? } else { None };
    Ok(Some(VersionText { document_id: id, version, title, content: content.map(Into::into) }))
}

/// The text of the newest row up to `version` that touched the text at all: if that row carried Yjs without text, the
/// text of `version` was never stored.
fn text_as_of(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    epoch: Version,
    version: Version,
) -> Result<Option<String>, StoreError> {
    let newest: Option<Option<Vec<u8>>> = document_log::table
        .filter(document_log::workspace_id.eq(key.0))
        .filter(document_log::document_id.eq(key.1))
        .filter(document_log::version.between(epoch, version))
        .filter(document_log::content.is_not_null().or(document_log::yjs_update.is_not_null()))
        .order(document_log::version.desc())
        .select(document_log::content)
        .first(connection)
        .optional()?;
    Ok(newest.flatten().as_deref().and_then(|stored| readable_text(stored, key.1)))
}

/// A text of the history; one that cannot be read is as good as one that is not kept.
pub(super) fn readable_text(stored: &[u8], document_id: DbUuid) -> Option<String> {
    let text = decode_text(stored);
    text.inspect_err(|error| tracing::error!(document_id = %document_id.0, %error, "a text cannot be read")).ok()
}

pub(super) fn find_stored_version(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    id: DocumentId,
    version: Version,
) -> Result<Option<StoredVersion>, StoreError> {
    let key = (DbUuid(workspace_id.0), DbUuid(id.0));
    let entry: Option<EntryRow> = document_log::table
        .left_join(users::table.on(users::user_id.eq(document_log::user_id)))
        .filter(document_log::workspace_id.eq(key.0))
        .filter(document_log::document_id.eq(key.1))
        .filter(document_log::version.eq(version))
        .select(EntryRow::as_select())
        .get_result(connection)
        .optional()?;
    let Some(entry) = entry.map(VersionEntry::try_from).transpose()? else { return Ok(None) };
    if entry.kind == OperationKind::Delete {
        return Ok(Some(StoredVersion { entry, content: None, yjs_parts: Vec::new() }));
    }
    let begin = beginning_of(connection, key, version)?;
    let content = text_as_of(connection, key, begin.unwrap_or(0), version)?;
    let yjs_parts = match (begin, &content) {
        (Some(begin), None) => load_yjs_updates(connection, key, begin, version)?,
        // Without its beginning a Yjs history is not this version's state.
        (None, _) | (_, Some(_)) => Vec::new(),
    };
    Ok(Some(StoredVersion { entry, content, yjs_parts }))
}

/// Where the history of `version` begins: at its creation, or at the base that what was before it was folded into.
pub(super) fn beginning_of(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    version: Version,
) -> Result<Option<Version>, StoreError> {
    Ok(document_log::table
        .filter(document_log::workspace_id.eq(key.0))
        .filter(document_log::document_id.eq(key.1))
        .filter(document_log::kind.eq(kind_code(OperationKind::Create)).or(document_log::is_base.eq(true)))
        .filter(document_log::version.le(version))
        .order(document_log::version.desc())
        .select(document_log::version)
        .first(connection)
        .optional()?)
}
