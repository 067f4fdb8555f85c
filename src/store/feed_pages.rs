//! Pages of the feed: documents with their bodies in the order in which they last changed, as many as fit. Decides
//! nothing; what a cursor is, is not known here.
//!
//! SQLite is read row by row and no further than the page goes, one statement for the page. On Postgres (`postgres`)
//! the page is weighed and cut by the database. Neither holds more than the page and one document.

use diesel::connection::DefaultLoadingMode;
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::assembly::BodyRow;
use super::connection::AnyConnection;
use super::documents::load_yjs_updates;
use super::feed::{FeedRow, FeedState};
use super::feed_filling::{ChangeRow, Filling};
pub use super::feed_filling::{ChangedDocument, FeedPage, Span};
use super::rows::HeadRow;
use super::schema::workspaces;
use super::sql_uuid::{DbUuid, SqlUuid};
use super::statement::Statement;
use super::{Store, StoreError, postgres};
use crate::domain::ids::WorkspaceId;

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
