//! Pages of the feed: documents with their bodies in the order in which they last changed, as many as fit. Decides
//! nothing; what a cursor is, is not known here.
//!
//! SQLite is read row by row and no further than the page goes, one statement for the page. On Postgres (`postgres`)
//! the page is weighed and cut by the database. Neither holds more than the page and one document.

use std::ops::RangeInclusive;

use diesel::connection::DefaultLoadingMode;
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::assembly::{Assembly, BodyRow};
use super::connection::AnyConnection;
use super::documents::load_yjs_updates;
use super::feed::{FeedRow, FeedState};
use super::rows::HeadRow;
use super::schema::workspaces;
use super::sql_uuid::{DbUuid, SqlUuid};
use super::statement::Statement;
use super::{Store, StoreError, postgres};
use crate::domain::document::StoredDocument;
use crate::domain::ids::{Version, WorkspaceId};

/// A stretch of a feed, and how much of it to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Only changes after this sequence.
    pub after: i64,
    /// And up to this one.
    pub up_to: i64,
    /// Documents at most; at least 1.
    pub max_documents: usize,
    /// No document more once the bodies (texts and Yjs parts) have this many bytes; the first is always read.
    pub max_bytes: usize,
}

/// A document of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedDocument {
    /// Its place in the feed.
    pub sequence: i64,
    /// The document; a tombstone comes without bodies.
    pub document: StoredDocument,
}

/// The documents of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// In feed order.
    pub changes: Vec<ChangedDocument>,
    /// Whether there was more than fitted.
    pub has_more: bool,
}

/// A feed, seen in one state of the database.
pub struct FeedReader<'a> {
    connection: &'a mut AnyConnection,
    workspace_id: WorkspaceId,
    feed: FeedState,
}

impl FeedReader<'_> {
    /// Where the feed stands.
    #[must_use]
    pub const fn feed(&self) -> &FeedState {
        &self.feed
    }

    /// The documents of a span, as they stand there.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn load_changes(&mut self, span: &Span) -> Result<FeedPage, StoreError> {
        load_changes(self.connection, self.workspace_id, span)
    }
}

impl Store {
    /// Runs `body` on the workspace's feed; whatever it reads is of one state of the database.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, what `body` answered, or what the database said.
    pub fn read_feed<T>(
        &self,
        workspace_id: WorkspaceId,
        body: impl FnOnce(&mut FeedReader<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.read_snapshot(|connection| {
            let feed: FeedRow = workspaces::table
                .find(DbUuid(workspace_id.0))
                .select(FeedRow::as_select())
                .get_result(connection)
                .optional()?
                .ok_or(StoreError::NoSuchWorkspace)?;
            body(&mut FeedReader { connection, workspace_id, feed: feed.into() })
        })
    }
}

/// The documents of a span.
pub(super) fn load_changes(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    span: &Span,
) -> Result<FeedPage, StoreError> {
    // An unchanged workspace asks for nothing.
    if span.after >= span.up_to {
        return Ok(FeedPage::default());
    }
    let key = DbUuid(workspace_id.0);
    match connection {
        AnyConnection::Postgres(connection) => postgres::feed_page::load_changes(connection, key, span),
        AnyConnection::Sqlite(_) => load_from_sqlite(connection, key, span),
    }
}

/// A row of the page: sequence, head, damage, author's name, body, and text and Yjs update of the log row at the head's
/// `content_version`. For most documents with Yjs state that row has all of it.
pub(super) type ChangeRow = (i64, HeadRow, bool, Option<String>, Option<BodyRow>, Option<Vec<u8>>, Option<Vec<u8>>);

/// The SQL types of a [`ChangeRow`].
type ChangeSql<DB> = (
    BigInt,
    SqlTypeOf<AsSelect<HeadRow, DB>>,
    Bool,
    Nullable<Text>,
    SqlTypeOf<AsSelect<Option<BodyRow>, DB>>,
    Nullable<Binary>,
    Nullable<Binary>,
);

/// No LIMIT: rows are read only as they are taken. `sequence > 0` stands there for the partial index. A tombstone's bodies
/// are not read, nor is the update of a version that a snapshot may cover.
const FEED_PAGE: &str = "SELECT documents.sequence, documents.document_id, documents.version, documents.title, \
     documents.created_at, documents.updated_at, documents.updated_by, documents.deleted_at, documents.epoch, \
     documents.content_version, documents.content_digest, documents.state_vector, documents.yjs_roots, \
     documents.snapshot_bytes, documents.log_bytes, documents.log_rows, documents.damaged, users.username, \
     body.yjs_version, body.content_version, body.yjs_snapshot, body.content, \
     entry.content, CASE WHEN body.yjs_snapshot IS NULL THEN entry.yjs_update END \
     FROM documents \
     LEFT JOIN users ON users.user_id = documents.updated_by \
     LEFT JOIN document_bodies AS body ON body.workspace_id = documents.workspace_id \
     AND body.document_id = documents.document_id AND documents.deleted_at IS NULL \
     LEFT JOIN document_log AS entry ON entry.workspace_id = documents.workspace_id \
     AND entry.document_id = documents.document_id AND entry.version = documents.content_version \
     AND documents.deleted_at IS NULL \
     WHERE documents.workspace_id = ? AND documents.sequence > ? AND documents.sequence <= ? AND sequence > 0 \
     ORDER BY documents.sequence";

fn load_from_sqlite(connection: &mut AnyConnection, key: DbUuid, span: &Span) -> Result<FeedPage, StoreError> {
    let rows = Statement::<Sqlite, ChangeSql<Sqlite>>::new(FEED_PAGE)
        .bind::<SqlUuid, _>(key)
        .bind::<BigInt, _>(span.after)
        .bind::<BigInt, _>(span.up_to)
        .load_iter::<ChangeRow, DefaultLoadingMode>(connection.sqlite()?)?;
    let mut filling = Filling::new(span);
    for row in rows {
        if filling.is_full() {
            filling.has_more = true;
            break;
        }
        filling.take(row?)?;
    }
    filling.finish(|document, versions| {
        let key = (key, DbUuid(document.head.document_id.0));
        load_yjs_updates(connection, key, *versions.start(), *versions.end())
    })
}

/// A page while it is filled.
pub(super) struct Filling<'a> {
    span: &'a Span,
    changes: Vec<ChangedDocument>,
    /// Documents, by place, of which more Yjs updates are wanted than came with the row.
    incomplete: Vec<(usize, RangeInclusive<Version>)>,
    bytes: usize,
    /// The last document that was left out.
    passed: Option<i64>,
    /// Whether there is more than fits.
    pub(super) has_more: bool,
}

impl<'a> Filling<'a> {
    pub(super) const fn new(span: &'a Span) -> Self {
        Self { span, changes: Vec::new(), incomplete: Vec::new(), bytes: 0, passed: None, has_more: false }
    }

    /// Whether no document more fits.
    pub(super) fn is_full(&self) -> bool {
        let some = !self.changes.is_empty();
        some && (self.changes.len() >= self.span.max_documents || self.bytes >= self.span.max_bytes)
    }

    /// The sequence of the last document taken, or left out.
    pub(super) fn last_sequence(&self) -> Option<i64> {
        self.changes.last().map(|change| change.sequence).max(self.passed)
    }

    /// Takes the next document.
    ///
    /// # Errors
    /// `Corrupt` if its head cannot be read.
    pub(super) fn take(&mut self, row: ChangeRow) -> Result<(), StoreError> {
        let (sequence, head, damaged, author, body, text, update) = row;
        let document = match Assembly::new(head, damaged, author, body) {
            // It must not end its workspace's feed; once it is repaired, it is in the feed anew.
            Err(error @ StoreError::Damaged { .. }) => {
                tracing::error!(%error, "a document is left out of the feed");
                self.passed = Some(sequence);
                return Ok(());
            }
            document => document?,
        };
        let head = document.head();
        let (mut updates, mut announced) = (Vec::new(), 0);
        if let Some(versions) = document.updates_logged_at().filter(|_| !head.is_deleted()) {
            match update {
                Some(update) if versions == (head.content_version..=head.content_version) => updates.push(update),
                _ => {
                    announced = head.snapshot_bytes.saturating_add(head.log_bytes);
                    self.incomplete.push((self.changes.len(), versions));
                }
            }
        }
        let document = document.finish_readable(text, updates);
        let parts: usize = document.yjs_parts.iter().map(Vec::len).sum();
        self.bytes = self
            .bytes
            .saturating_add(document.content.as_ref().map_or(0, String::len))
            .saturating_add(parts.max(usize::try_from(announced).unwrap_or_default()));
        self.changes.push(ChangedDocument { sequence, document });
        Ok(())
    }

    /// The page, with the updates that `load` has for the documents that want some.
    ///
    /// # Errors
    /// What `load` answered.
    pub(super) fn finish(
        mut self,
        mut load: impl FnMut(&StoredDocument, RangeInclusive<Version>) -> Result<Vec<Vec<u8>>, StoreError>,
    ) -> Result<FeedPage, StoreError> {
        for (place, versions) in self.incomplete {
            let Some(change) = self.changes.get_mut(place) else { continue };
            let updates = load(&change.document, versions)?;
            change.document.yjs_parts.extend(updates);
        }
        Ok(FeedPage { changes: self.changes, has_more: self.has_more })
    }

    /// The documents of which more Yjs updates are wanted.
    pub(super) fn incomplete(&self) -> impl Iterator<Item = &StoredDocument> {
        self.incomplete.iter().filter_map(|(place, _)| Some(&self.changes.get(*place)?.document))
    }
}
