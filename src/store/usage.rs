//! What is stored of each workspace, counted in its own row by the transactions that store it: a batch adds what it logs, and
//! whatever rewrites a document's rows measures them before and after.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::connection::AnyConnection;
use super::rows::{NewLogRow, PURGED};
use super::schema::{document_bodies, document_log, documents, workspaces};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::ids::WorkspaceId;
use crate::domain::quota::Held;

/// What is stored of a workspace: counted in the transactions that store it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = workspaces)]
pub struct Usage {
    /// Documents that are not deleted.
    pub documents: i64,
    /// Deleted documents that are remembered.
    pub deleted_documents: i64,
    /// Bytes of texts, as they are stored.
    pub text_bytes: i64,
    /// Bytes of Yjs states and updates.
    pub yjs_bytes: i64,
    /// That part of the bytes which versions hold; the rest is made of them.
    pub history_bytes: i64,
}

impl Usage {
    /// All bytes.
    #[must_use]
    pub const fn bytes(&self) -> i64 {
        self.text_bytes.saturating_add(self.yjs_bytes)
    }
}

/// Moves a workspace's feed on. What is counted is counted in the row that every batch writes anyway.
pub(super) const ADVANCE_FEED: &str = "UPDATE workspaces SET head_sequence = head_sequence + ?, documents = documents + ?, \
     deleted_documents = deleted_documents + ?, text_bytes = text_bytes + ?, yjs_bytes = yjs_bytes + ?, \
     history_bytes = history_bytes + ? WHERE workspace_id = ? \
     RETURNING head_sequence, version_floor, documents, text_bytes + yjs_bytes";

/// Bytes by what they are of, or the change of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    pub text: i64,
    pub yjs: i64,
    pub history: i64,
}

impl Sizes {
    /// What new versions add.
    pub(super) fn of_log(rows: &[NewLogRow<'_>]) -> Self {
        let size = |bytes: Option<usize>| bytes.map_or(0, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let add = |sizes: Self, row: &NewLogRow<'_>| {
            let (text, yjs) = (size(row.content.map(<[u8]>::len)), size(row.yjs_update.map(<[u8]>::len)));
            sizes.plus(Self { text, yjs, history: text.saturating_add(yjs) })
        };
        rows.iter().fold(Self::default(), add)
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            text: self.text.saturating_add(other.text),
            yjs: self.yjs.saturating_add(other.yjs),
            history: self.history.saturating_add(other.history),
        }
    }

    const fn minus(self, other: Self) -> Self {
        Self {
            text: self.text.saturating_sub(other.text),
            yjs: self.yjs.saturating_sub(other.yjs),
            history: self.history.saturating_sub(other.history),
        }
    }
}

/// Which rows of its documents a piece of work rewrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewrites {
    /// The bodies alone.
    Bodies,
    /// The log, too.
    All,
}

impl Store {
    /// What is stored of a workspace; `None` if there is none.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_usage(&self, workspace_id: WorkspaceId) -> Result<Option<Usage>, StoreError> {
        self.read(|connection| {
            Ok(workspaces::table
                .find(DbUuid(workspace_id.0))
                .select(Usage::as_select())
                .get_result(connection)
                .optional()?)
        })
    }

    /// The same, counted anew from all rows: for tests, and for an operator who doubts the counters.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn recount_usage(&self, workspace_id: WorkspaceId) -> Result<Usage, StoreError> {
        self.read_snapshot(|connection| recount(connection, DbUuid(workspace_id.0)))
    }
}

/// What all rows of a workspace come to.
pub(super) fn recount(connection: &mut AnyConnection, key: DbUuid) -> Result<Usage, StoreError> {
    let known = || documents::table.filter(documents::workspace_id.eq(key)).filter(documents::sequence.ne(PURGED));
    let live: i64 = known().filter(documents::deleted_at.is_null()).count().get_result(connection)?;
    let deleted: i64 = known().filter(documents::deleted_at.is_not_null()).count().get_result(connection)?;
    let log = log_sizes(connection, key, None)?;
    let bodies = body_sizes(connection, key, None)?;
    Ok(Usage {
        documents: live,
        deleted_documents: deleted,
        text_bytes: log.text.saturating_add(bodies.text),
        yjs_bytes: log.yjs.saturating_add(bodies.yjs),
        history_bytes: log.history,
    })
}

/// What a workspace holds.
pub(super) fn held(connection: &mut AnyConnection, key: DbUuid) -> Result<Held, StoreError> {
    let usage: Option<Usage> =
        workspaces::table.find(key).select(Usage::as_select()).get_result(connection).optional()?;
    let usage = usage.ok_or(StoreError::NoSuchWorkspace)?;
    Ok(Held { documents: usage.documents, bytes: usage.bytes() })
}

/// What all workspaces of a workspace's owner hold. Asks every shard, if users have quotas.
pub(super) fn held_by_owner(connection: &mut AnyConnection, key: DbUuid) -> Result<Held, StoreError> {
    let owner: Option<DbUuid> =
        workspaces::table.find(key).select(workspaces::owner_id).get_result(connection).optional()?.flatten();
    let Some(owner) = owner else { return Ok(Held::default()) };
    let (documents, bytes): (i64, i64) = workspaces::table
        .filter(workspaces::owner_id.eq(owner))
        .select((
            sql::<BigInt>("CAST(coalesce(sum(documents), 0) AS BIGINT)"),
            sql::<BigInt>("CAST(coalesce(sum(text_bytes + yjs_bytes), 0) AS BIGINT)"),
        ))
        .get_result(connection)?;
    Ok(Held { documents, bytes })
}

/// Does work that rewrites rows of these documents, and counts what it changed. Their workspace is locked.
pub(super) fn measured<T>(
    connection: &mut AnyConnection,
    workspace: DbUuid,
    ids: &[DbUuid],
    rewrites: Rewrites,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let before = sizes(connection, workspace, ids, rewrites)?;
    let done = work(connection)?;
    let change = sizes(connection, workspace, ids, rewrites)?.minus(before);
    if change != Sizes::default() {
        diesel::update(workspaces::table.find(workspace))
            .set((
                workspaces::text_bytes.eq(workspaces::text_bytes + change.text),
                workspaces::yjs_bytes.eq(workspaces::yjs_bytes + change.yjs),
                workspaces::history_bytes.eq(workspaces::history_bytes + change.history),
            ))
            .execute(connection)?;
    }
    Ok(done)
}

fn sizes(
    connection: &mut AnyConnection,
    workspace: DbUuid,
    ids: &[DbUuid],
    rewrites: Rewrites,
) -> Result<Sizes, StoreError> {
    let mut sum = Sizes::default();
    for id in ids {
        sum = sum.plus(body_sizes(connection, workspace, Some(*id))?);
        if rewrites == Rewrites::All {
            sum = sum.plus(log_sizes(connection, workspace, Some(*id))?);
        }
    }
    Ok(sum)
}

fn log_sizes(connection: &mut AnyConnection, workspace: DbUuid, id: Option<DbUuid>) -> Result<Sizes, StoreError> {
    let of_workspace = document_log::table.filter(document_log::workspace_id.eq(workspace));
    let columns = (
        sql::<BigInt>("CAST(coalesce(sum(length(content)), 0) AS BIGINT)"),
        sql::<BigInt>("CAST(coalesce(sum(length(yjs_update)), 0) AS BIGINT)"),
    );
    let (text, yjs): (i64, i64) = match id {
        Some(id) => of_workspace.filter(document_log::document_id.eq(id)).select(columns).get_result(connection)?,
        None => of_workspace.select(columns).get_result(connection)?,
    };
    Ok(Sizes { text, yjs, history: text.saturating_add(yjs) })
}

fn body_sizes(connection: &mut AnyConnection, workspace: DbUuid, id: Option<DbUuid>) -> Result<Sizes, StoreError> {
    let of_workspace = document_bodies::table.filter(document_bodies::workspace_id.eq(workspace));
    let columns = (
        sql::<BigInt>("CAST(coalesce(sum(length(content)), 0) AS BIGINT)"),
        sql::<BigInt>("CAST(coalesce(sum(length(yjs_snapshot)), 0) AS BIGINT)"),
    );
    let (text, yjs): (i64, i64) = match id {
        Some(id) => of_workspace.filter(document_bodies::document_id.eq(id)).select(columns).get_result(connection)?,
        None => of_workspace.select(columns).get_result(connection)?,
    };
    Ok(Sizes { text, yjs, history: 0 })
}

/// Whether a workspace holds no more than it may, as far as a write set says what that is.
pub(super) fn is_within(most: Option<Held>, documents: i64, bytes: i64, grown: (i64, i64)) -> bool {
    most.is_none_or(|most| (grown.0 <= 0 || documents <= most.documents) && (grown.1 <= 0 || bytes <= most.bytes))
}
