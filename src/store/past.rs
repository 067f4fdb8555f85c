//! The past of a workspace: its documents as they were at a moment, and what was written since, by which batch. Decides
//! nothing, derives nothing.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::documents::{EntryRow, StoredVersion, VersionEntry, beginning_of, find_stored_version, readable_head};
use super::feed::{FeedRow, FeedState};
use super::rows::{HeadRow, PURGED};
use super::schema::{document_log, documents, purges, users, workspaces};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::document::DocumentHead;
use crate::domain::ids::{BatchId, DocumentId, Version, WorkspaceId};
use crate::domain::operation::OperationKind;
use crate::domain::take_back::Moment;
use crate::domain::timestamp::Timestamp;

/// What a document was at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// This version of it.
    Version(Box<VersionEntry>),
    /// It had not been made yet.
    Absent,
    /// What it was is no longer kept.
    Lost,
}

/// How far back a workspace can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// Since when: before that, versions or tombstones may be gone.
    pub since: Timestamp,
    /// Places in the feed from here on lead to versions.
    pub numbered_from: i64,
    /// The feed as it stands.
    pub feed: FeedState,
}

/// A document as it is now, with its name's writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// The head.
    pub head: DocumentHead,
    /// Name of the user who changed it last.
    pub updated_by_name: String,
    /// Its place in the feed.
    pub sequence: i64,
}

impl Store {
    /// The batches that made these versions.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_batches(
        &self,
        workspace_id: WorkspaceId,
        versions: &[(DocumentId, Version)],
    ) -> Result<BTreeSet<BatchId>, StoreError> {
        let mut batches = BTreeSet::new();
        self.read_past(workspace_id, |past| {
            for (id, version) in versions {
                batches.extend(past.version(*id, *version)?.and_then(|entry| entry.batch_id));
            }
            Ok(batches)
        })
    }

    /// Reads the past in one snapshot.
    ///
    /// # Errors
    /// What `body` answered, or whatever the database said.
    pub fn read_past<T>(
        &self,
        workspace_id: WorkspaceId,
        body: impl FnOnce(&mut Past<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.read_along_keys(|connection| body(&mut Past { connection, workspace_id }))
    }
}

/// One state of the database, to read the past in.
pub struct Past<'a> {
    connection: &'a mut AnyConnection,
    workspace_id: WorkspaceId,
}

/// The versions of a document, without their bodies.
macro_rules! versions_of {
    ($past:expr, $id:expr) => {
        document_log::table
            .left_join(users::table.on(users::user_id.eq(document_log::user_id)))
            .filter(document_log::workspace_id.eq(DbUuid($past.workspace_id.0)))
            .filter(document_log::document_id.eq(DbUuid($id.0)))
            .select(EntryRow::as_select())
    };
}

impl Past<'_> {
    /// How far back the workspace can be read.
    ///
    /// # Errors
    /// `NoSuchWorkspace`.
    pub fn horizon(&mut self) -> Result<Horizon, StoreError> {
        let found: Option<(FeedRow, i64)> = workspaces::table
            .find(DbUuid(self.workspace_id.0))
            .select((FeedRow::as_select(), workspaces::numbered_from))
            .get_result(self.connection)
            .optional()?;
        let (row, numbered_from) = found.ok_or(StoreError::NoSuchWorkspace)?;
        let folded: Option<i64> =
            purges::table.find("history").select(purges::line).get_result(self.connection).optional()?;
        let feed = FeedState::from(row);
        let since = folded.map(Timestamp).max(feed.purged_before).unwrap_or_default();
        Ok(Horizon { since, numbered_from, feed })
    }

    /// One version.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn version(&mut self, id: DocumentId, version: Version) -> Result<Option<VersionEntry>, StoreError> {
        let row = versions_of!(self, id).filter(document_log::version.eq(version));
        let row: Option<EntryRow> = row.get_result(self.connection).optional()?;
        row.map(VersionEntry::try_from).transpose()
    }

    /// One version with what its text can be had from.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn stored_version(&mut self, id: DocumentId, version: Version) -> Result<Option<StoredVersion>, StoreError> {
        find_stored_version(self.connection, self.workspace_id, id, version)
    }

    /// The document at a moment.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn at(&mut self, id: DocumentId, moment: Moment) -> Result<Then, StoreError> {
        let newest = versions_of!(self, id).order(document_log::version.desc());
        let found: Option<EntryRow> = match moment {
            Moment::Time(time) => newest.filter(document_log::created_at.le(time.0)).first(self.connection),
            Moment::Sequence(sequence) => newest
                .filter(document_log::batch_sequence.le(sequence).or(document_log::batch_sequence.is_null()))
                .first(self.connection),
        }
        .optional()?;
        self.found_or_missing(id, found, None)
    }

    /// The document before one of its versions.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn before(&mut self, id: DocumentId, version: Version) -> Result<Then, StoreError> {
        let older = versions_of!(self, id).filter(document_log::version.lt(version));
        let found: Option<EntryRow> = older.order(document_log::version.desc()).first(self.connection).optional()?;
        self.found_or_missing(id, found, Some(version))
    }

    fn found_or_missing(
        &mut self,
        id: DocumentId,
        found: Option<EntryRow>,
        first: Option<Version>,
    ) -> Result<Then, StoreError> {
        if let Some(row) = found {
            return Ok(Then::Version(Box::new(VersionEntry::try_from(row)?)));
        }
        // Whether what is oldest was the beginning, or stands for what came before.
        let oldest: Option<(EntryRow, bool)> = document_log::table
            .left_join(users::table.on(users::user_id.eq(document_log::user_id)))
            .filter(document_log::workspace_id.eq(DbUuid(self.workspace_id.0)))
            .filter(document_log::document_id.eq(DbUuid(id.0)))
            .filter(document_log::version.le(first.unwrap_or(Version::MAX)))
            .order(document_log::version.asc())
            .select((EntryRow::as_select(), document_log::is_base))
            .first(self.connection)
            .optional()?;
        let Some((oldest, is_base)) = oldest else { return Ok(Then::Absent) };
        let began = !is_base && VersionEntry::try_from(oldest)?.kind == OperationKind::Create;
        Ok(if began { Then::Absent } else { Then::Lost })
    }

    /// The versions of a document after one of them, in order.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn versions_after(
        &mut self,
        id: DocumentId,
        version: Version,
        limit: i64,
    ) -> Result<Vec<VersionEntry>, StoreError> {
        let later = versions_of!(self, id).filter(document_log::version.gt(version));
        let rows: Vec<EntryRow> = later.order(document_log::version.asc()).limit(limit).load(self.connection)?;
        rows.into_iter().map(VersionEntry::try_from).collect()
    }

    /// The versions that a batch made, those of a document in order.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn versions_of_batch(&mut self, batch: BatchId) -> Result<Vec<(DocumentId, VersionEntry)>, StoreError> {
        let rows: Vec<(DbUuid, EntryRow)> = document_log::table
            .left_join(users::table.on(users::user_id.eq(document_log::user_id)))
            .filter(document_log::workspace_id.eq(DbUuid(self.workspace_id.0)))
            .filter(document_log::batch_sequence.eq(batch.sequence()))
            .select((document_log::document_id, EntryRow::as_select()))
            .load(self.connection)?;
        let entries = rows.into_iter().map(|(id, row)| Ok((DocumentId(id.0), VersionEntry::try_from(row)?)));
        let mut entries = entries.collect::<Result<Vec<_>, StoreError>>()?;
        entries.retain(|(_, entry)| entry.batch_id == Some(batch));
        entries.sort_unstable_by_key(|(id, entry)| (*id, entry.version));
        Ok(entries)
    }

    /// Documents after `after`, by id, deleted ones too; with a moment only those that were changed since.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn documents(
        &mut self,
        changed_since: Option<Moment>,
        after: Option<DocumentId>,
        limit: i64,
    ) -> Result<Vec<Present>, StoreError> {
        let mut select = documents::table
            .left_join(users::table.on(users::user_id.eq(documents::updated_by)))
            .filter(documents::workspace_id.eq(DbUuid(self.workspace_id.0)))
            .filter(documents::sequence.ne(PURGED))
            .order(documents::document_id.asc())
            .limit(limit)
            .select((HeadRow::as_select(), users::username.nullable(), documents::sequence))
            .into_boxed();
        if let Some(after) = after {
            select = select.filter(documents::document_id.gt(DbUuid(after.0)));
        }
        select = match changed_since {
            None => select,
            Some(Moment::Time(time)) => select.filter(documents::updated_at.gt(time.0)),
            Some(Moment::Sequence(sequence)) => select.filter(documents::sequence.gt(sequence)),
        };
        let rows: Vec<(HeadRow, Option<String>, i64)> = select.load(self.connection)?;
        Ok(rows.into_iter().filter_map(present).collect())
    }

    /// A document as it is now.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn document(&mut self, id: DocumentId) -> Result<Option<Present>, StoreError> {
        let row: Option<(HeadRow, Option<String>, i64)> = documents::table
            .left_join(users::table.on(users::user_id.eq(documents::updated_by)))
            .filter(documents::workspace_id.eq(DbUuid(self.workspace_id.0)))
            .filter(documents::document_id.eq(DbUuid(id.0)))
            .filter(documents::sequence.ne(PURGED))
            .select((HeadRow::as_select(), users::username.nullable(), documents::sequence))
            .get_result(self.connection)
            .optional()?;
        Ok(row.and_then(present))
    }

    /// When the life of a document began that one of its versions belongs to, as far as that is kept.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn made_at(&mut self, id: DocumentId, version: Version) -> Result<Option<Timestamp>, StoreError> {
        let key = (DbUuid(self.workspace_id.0), DbUuid(id.0));
        let Some(began) = beginning_of(self.connection, key, version)? else { return Ok(None) };
        Ok(self.version(id, began)?.map(|entry| entry.created_at))
    }
}

fn present((row, name, sequence): (HeadRow, Option<String>, i64)) -> Option<Present> {
    Some(Present { head: readable_head(row)?, updated_by_name: name.unwrap_or_default(), sequence })
}
