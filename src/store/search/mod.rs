//! The search index: which documents have which terms. Kept apart from everything that is authoritative; made by the
//! background (`sync::indexing`) in the order of each workspace's feed. Decides nothing about texts or queries.
//!
//! A term stands in the index behind the name of its workspace, so that one workspace's terms are no other's; every
//! statement names the workspace all the same.

mod expression;
mod postgres;
mod sqlite;

use std::collections::BTreeSet;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use self::expression::Terms;
pub use self::expression::{Lookup, Tier};
use super::connection::AnyConnection;
use super::schema::{search_progress, workspaces};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::ids::{DocumentId, WorkspaceId};
use crate::domain::search::{FORM, terms};

/// How far the index of a workspace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last change of the feed that is in it.
    pub sequence: i64,
    /// The form of its terms.
    pub form: i16,
}

/// A document that changed, for the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// Which document.
    pub document_id: DocumentId,
    /// Its place in the feed.
    pub sequence: i64,
    /// What it is found by; `None` for one that was deleted.
    pub terms: Option<terms::Terms>,
}

/// What became of a step of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is stored.
    Taken,
    /// The index is not where the step begins, or the workspace is gone: nothing is stored.
    Moved,
}

/// A document that may answer a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which document.
    pub document_id: DocumentId,
    /// Its place in the feed when it was indexed.
    pub sequence: i64,
}

impl Store {
    /// Workspaces after `after` (`None` = from the first) whose feed goes further than their index. Asks every shard: once a
    /// minute, and at start.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_unindexed(&self, after: Option<WorkspaceId>, limit: u32) -> Result<Vec<WorkspaceId>, StoreError> {
        let after = DbUuid(after.map_or(uuid::Uuid::nil(), |workspace| workspace.0));
        let of_workspace =
            search_progress::workspace_id.eq(workspaces::workspace_id).and(search_progress::form.eq(FORM));
        let found: Vec<DbUuid> = self.read(|connection| {
            Ok(workspaces::table
                .left_join(search_progress::table.on(of_workspace))
                .filter(workspaces::workspace_id.gt(after))
                .filter(workspaces::deleted_at.is_null())
                .filter(sql::<Bool>("head_sequence > coalesce(search_progress.sequence, 0)"))
                .order(workspaces::workspace_id)
                .limit(i64::from(limit))
                .select(workspaces::workspace_id)
                .load(connection)?)
        })?;
        Ok(found.into_iter().map(|id| WorkspaceId(id.0)).collect())
    }

    /// How far the index of a workspace is; `None` before its first step.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_search_progress(&self, workspace_id: WorkspaceId) -> Result<Option<Progress>, StoreError> {
        self.read(|connection| {
            let found: Option<(i64, i16)> = search_progress::table
                .find(DbUuid(workspace_id.0))
                .select((search_progress::sequence, search_progress::form))
                .get_result(connection)
                .optional()?;
            Ok(found.map(|(sequence, form)| Progress { sequence, form }))
        })
    }

    /// Puts documents, which are the feed's next after `from`, into the index, which is then at `to`; unless it is not at
    /// `from` any more.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn index_documents(
        &self,
        workspace_id: WorkspaceId,
        from: Option<Progress>,
        to: i64,
        documents: &[Indexed],
    ) -> Result<Step, StoreError> {
        let key = DbUuid(workspace_id.0);
        let gone: Vec<DbUuid> =
            documents.iter().filter(|one| one.terms.is_none()).map(|one| DbUuid(one.document_id.0)).collect();
        let rows: Vec<Row> = documents.iter().filter_map(|document| Row::of(workspace_id, document)).collect();
        self.write(move |connection| {
            if !is_there(connection, key)? || !advance(connection, key, from, to)? {
                return Ok(Step::Moved);
            }
            forget(connection, key, &gone)?;
            match connection {
                AnyConnection::Sqlite(connection) => sqlite::put(connection, key, &rows)?,
                AnyConnection::Postgres(connection) => postgres::put(connection, key, &rows)?,
            }
            Ok(Step::Taken)
        })
    }

    /// Documents of a tier that may answer, those that changed last in front, from before `before` in the feed.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_candidates(
        &self,
        workspace_id: WorkspaceId,
        lookup: &Lookup,
        tier: Tier,
        before: i64,
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let key = DbUuid(workspace_id.0);
        let terms = Terms::of(workspace_id);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<(DbUuid, i64)> = self.read(|connection| match connection {
            AnyConnection::Sqlite(connection) => {
                let Some(matching) = lookup.to_fts5(tier, &terms) else { return Ok(Vec::new()) };
                sqlite::find(connection, key, &matching, before, limit)
            }
            AnyConnection::Postgres(connection) => {
                let Some(matching) = lookup.to_tsquery(tier, &terms) else { return Ok(Vec::new()) };
                postgres::find(connection, key, &matching, before, limit)
            }
        })?;
        let candidate = |(id, sequence): (DbUuid, i64)| Candidate { document_id: DocumentId(id.0), sequence };
        Ok(rows.into_iter().map(candidate).collect())
    }

    /// Empties the index. It is then made anew. Asks every shard: an operator does so.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn clear_search_index(&self) -> Result<(), StoreError> {
        self.write(|connection| {
            // First, so that a step that is under way is either waited for or finds itself moved.
            diesel::delete(search_progress::table).execute(connection)?;
            match connection {
                AnyConnection::Sqlite(connection) => sqlite::clear(connection),
                AnyConnection::Postgres(connection) => postgres::clear(connection),
            }
        })
    }
}

/// A document's row in the index.
struct Row {
    document_id: DbUuid,
    sequence: i64,
    /// Its terms as the index has them, with a space between any two.
    terms: String,
}

impl Row {
    fn of(workspace_id: WorkspaceId, document: &Indexed) -> Option<Self> {
        let terms = document.terms.as_ref()?;
        let terms = Terms::of(workspace_id).all(terms);
        Some(Self { document_id: DbUuid(document.document_id.0), sequence: document.sequence, terms })
    }
}

/// Whether the workspace is there, and stays until the transaction ends.
fn is_there(connection: &mut AnyConnection, key: DbUuid) -> Result<bool, StoreError> {
    let place = workspaces::table
        .filter(workspaces::workspace_id.eq(key))
        .filter(workspaces::deleted_at.is_null())
        .select(workspaces::workspace_id);
    let found: Option<DbUuid> = match connection {
        AnyConnection::Sqlite(connection) => place.get_result(connection).optional()?,
        // Batches do not wait for it, nor it for them; whoever removes the workspace does.
        AnyConnection::Postgres(connection) => place.for_key_share().get_result(connection).optional()?,
    };
    Ok(found.is_some())
}

/// Moves the progress of a workspace from one place to another: whether it was there.
fn advance(connection: &mut AnyConnection, key: DbUuid, from: Option<Progress>, to: i64) -> Result<bool, StoreError> {
    let row = (search_progress::workspace_id.eq(key), search_progress::sequence.eq(to), search_progress::form.eq(FORM));
    let changed = match (from, &mut *connection) {
        (Some(from), connection) => diesel::update(search_progress::table.find(key))
            .filter(search_progress::sequence.eq(from.sequence))
            .filter(search_progress::form.eq(from.form))
            .set((search_progress::sequence.eq(to), search_progress::form.eq(FORM)))
            .execute(connection)?,
        (None, AnyConnection::Sqlite(connection)) => {
            diesel::insert_into(search_progress::table).values(row).on_conflict_do_nothing().execute(connection)?
        }
        (None, AnyConnection::Postgres(connection)) => {
            diesel::insert_into(search_progress::table).values(row).on_conflict_do_nothing().execute(connection)?
        }
    };
    Ok(changed == 1)
}

/// Takes documents out of the index.
pub(super) fn forget(connection: &mut AnyConnection, key: DbUuid, ids: &[DbUuid]) -> Result<(), StoreError> {
    let ids: BTreeSet<DbUuid> = ids.iter().copied().collect();
    for id in ids {
        match connection {
            AnyConnection::Sqlite(connection) => sqlite::forget(connection, key, id)?,
            AnyConnection::Postgres(connection) => postgres::forget(connection, key, id)?,
        }
    }
    Ok(())
}

/// Forgets how far the index of a workspace is, when nothing of the workspace is left.
pub(super) fn forget_progress(connection: &mut AnyConnection, key: DbUuid) -> Result<(), StoreError> {
    diesel::delete(search_progress::table.find(key)).execute(connection)?;
    Ok(())
}
