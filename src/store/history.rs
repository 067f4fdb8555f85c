//! Folding old versions: what is read for it, and the one write. What to fold, and whether the union of Yjs updates is
//! right, is decided by the caller; nothing is written if the document is no longer as it was then.

use diesel::dsl::{count_star, min, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use super::connection::AnyConnection;
use super::documents::load_yjs_updates;
use super::rows::kind_code;
use super::schema::{document_bodies, document_log, documents};
use super::sql_uuid::DbUuid;
use super::upkeep::{Swap, ensure_body, lengths_after, lock};
use super::usage::{Rewrites, measured};
use super::{Store, StoreError};
use crate::domain::history::{FOLD_VERSIONS, Fold, LoggedVersion};
use crate::domain::ids::{DocumentId, Version, WorkspaceId};
use crate::domain::operation::OperationKind;
use crate::domain::timestamp::Timestamp;

/// Documents that one look takes in.
const LOOK: i64 = 200;

/// When the second version of a document's history was made: until it is old, there is nothing to fold.
const SECOND_MADE_AT: &str = "(SELECT entry.created_at FROM document_log AS entry \
     WHERE entry.workspace_id = documents.workspace_id AND entry.document_id = documents.document_id \
     ORDER BY entry.version LIMIT 1 OFFSET 1)";

/// Some documents of a workspace, looked at in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Those with versions to fold.
    pub foldable: Vec<DocumentId>,
    /// Where the next look begins; `None` after the last document.
    pub next: Option<DocumentId>,
}

/// The oldest part of a document's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldHistory {
    /// The document's epoch at that time.
    pub epoch: Version,
    /// Whether the document is marked as damaged.
    pub damaged: bool,
    /// Its oldest versions, in order: as many as one fold may need.
    pub oldest: Vec<LoggedVersion>,
}

impl Store {
    /// Documents after `after` (`None` = from the first) of which more than one version is from before `before`.
    ///
    /// Asks every shard: a purge does so, once in a while.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_foldable(
        &self,
        workspace_id: WorkspaceId,
        after: Option<DocumentId>,
        before: Timestamp,
    ) -> Result<Look, StoreError> {
        let after = after.unwrap_or(DocumentId(uuid::Uuid::nil()));
        let rows: Vec<(DbUuid, Option<i64>)> = self.read_along_keys(|connection| {
            Ok(documents::table
                .filter(documents::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(documents::document_id.gt(DbUuid(after.0)))
                .order(documents::document_id.asc())
                .limit(LOOK)
                .select((documents::document_id, sql::<Nullable<BigInt>>(SECOND_MADE_AT)))
                .load(connection)?)
        })?;
        let is_full = i64::try_from(rows.len()).is_ok_and(|found| found == LOOK);
        let next = rows.last().filter(|_| is_full).map(|(id, _)| DocumentId(id.0));
        let old = rows.into_iter().filter(|(_, second)| second.is_some_and(|made_at| made_at < before.0));
        Ok(Look { foldable: old.map(|(id, _)| DocumentId(id.0)).collect(), next })
    }

    /// The oldest versions of a document, without their bodies; `None` if there is no such document.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_old_history(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
    ) -> Result<Option<OldHistory>, StoreError> {
        let key = (DbUuid(workspace_id.0), DbUuid(id.0));
        self.read_snapshot(|connection| {
            let head: Option<(i64, bool)> = documents::table
                .find(key)
                .select((documents::epoch, documents::damaged))
                .get_result(connection)
                .optional()?;
            let Some((epoch, damaged)) = head else { return Ok(None) };
            let rows: Vec<LoggedRow> = document_log::table
                .filter(document_log::workspace_id.eq(key.0))
                .filter(document_log::document_id.eq(key.1))
                .order(document_log::version.asc())
                .limit(i64::from(FOLD_VERSIONS))
                .select(LoggedRow::as_select())
                .load(connection)?;
            Ok(Some(OldHistory { epoch, damaged, oldest: rows.into_iter().map(LoggedVersion::from).collect() }))
        })
    }

    /// The Yjs updates that the state of the fold's base is the union of, in order.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn load_folded_updates(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
        fold: &Fold,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let key = (DbUuid(workspace_id.0), DbUuid(id.0));
        self.read(|connection| load_yjs_updates(connection, key, fold.begin, fold.base))
    }

    /// Folds versions into the last of them, and gives that one `yjs_state` for its Yjs update (`None` leaves it as it
    /// is: for a base whose life has no Yjs update up to it, or none but its own). `Moved` if the document was made anew
    /// since `epoch`, or the versions are no longer those of the fold.
    ///
    /// # Errors
    /// Whatever the database said; nothing is changed then.
    pub fn fold_history(
        &self,
        workspace_id: WorkspaceId,
        id: DocumentId,
        epoch: Version,
        fold: Fold,
        yjs_state: Option<Vec<u8>>,
    ) -> Result<Swap, StoreError> {
        self.write(move |connection| {
            let key = lock(connection, workspace_id, id)?;
            let Some(head) = head_as_expected(connection, key, epoch, &fold)? else { return Ok(Swap::Moved) };
            measured(connection, key.0, &[key.1], Rewrites::All, |connection| {
                keep_current_text(connection, key, &head, fold.base)?;
                if let Some(from) = fold.text_from.filter(|from| *from != fold.base) {
                    let content = logged_content(connection, key, from)?;
                    diesel::update(document_log::table.find((key.0, key.1, fold.base)))
                        .set(document_log::content.eq(content))
                        .execute(connection)?;
                }
                if let Some(state) = &yjs_state {
                    diesel::update(document_log::table.find((key.0, key.1, fold.base)))
                        .set(document_log::yjs_update.eq(Some(state)))
                        .execute(connection)?;
                }
                diesel::update(document_log::table.find((key.0, key.1, fold.base)))
                    .set(document_log::is_base.eq(true))
                    .execute(connection)?;
                diesel::delete(document_log::table)
                    .filter(document_log::workspace_id.eq(key.0))
                    .filter(document_log::document_id.eq(key.1))
                    .filter(document_log::version.lt(fold.base))
                    .execute(connection)?;
                if fold.base >= epoch {
                    forget_unusable_bodies(connection, key, &head)?;
                    if fold.yjs_updates > 0 {
                        weigh_log(connection, key, epoch, fold.base)?;
                    }
                }
                Ok(Swap::Swapped)
            })
        })
    }
}

/// The columns of [`LoggedVersion`].
#[derive(Queryable, Selectable)]
#[diesel(table_name = document_log)]
struct LoggedRow {
    version: i64,
    kind: i16,
    created_at: i64,
    is_base: bool,
    #[diesel(select_expression = document_log::content.is_not_null())]
    has_content: bool,
    #[diesel(select_expression = sql::<Nullable<BigInt>>("CAST(length(document_log.yjs_update) AS BIGINT)"))]
    #[diesel(select_expression_type = diesel::expression::SqlLiteral<Nullable<BigInt>>)]
    yjs_bytes: Option<i64>,
}

impl From<LoggedRow> for LoggedVersion {
    fn from(row: LoggedRow) -> Self {
        Self {
            version: row.version,
            created_at: Timestamp(row.created_at),
            begins: row.is_base || row.kind == kind_code(OperationKind::Create),
            has_content: row.has_content,
            yjs_bytes: row.yjs_bytes,
        }
    }
}

/// What of a head a fold must look at.
#[derive(Queryable, Selectable)]
#[diesel(table_name = documents)]
struct FoldedHead {
    epoch: i64,
    content_version: i64,
}

/// The head, if the document is still of the same epoch and its oldest versions are those of the fold. Versions are
/// never changed but by folding, so that their number tells whether they are.
fn head_as_expected(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    epoch: Version,
    fold: &Fold,
) -> Result<Option<FoldedHead>, StoreError> {
    let head: Option<FoldedHead> =
        documents::table.find(key).select(FoldedHead::as_select()).get_result(connection).optional()?;
    let (oldest, versions): (Option<i64>, i64) = document_log::table
        .filter(document_log::workspace_id.eq(key.0))
        .filter(document_log::document_id.eq(key.1))
        .filter(document_log::version.le(fold.base))
        .select((min(document_log::version), count_star()))
        .get_result(connection)?;
    let same = oldest == Some(fold.first) && usize::try_from(versions).is_ok_and(|versions| versions == fold.versions);
    Ok(head.filter(|head| same && head.epoch == epoch))
}

/// The current text is read from the version that set it: if that one goes, the text moves to the document's bodies.
fn keep_current_text(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    head: &FoldedHead,
    base: Version,
) -> Result<(), StoreError> {
    if base < head.epoch || head.content_version >= base {
        return Ok(());
    }
    let kept: Option<(i64, bool)> = document_bodies::table
        .filter(document_bodies::workspace_id.eq(key.0))
        .filter(document_bodies::document_id.eq(key.1))
        .select((document_bodies::content_version, document_bodies::content.is_not_null()))
        .get_result(connection)
        .optional()?;
    if kept.is_some_and(|(version, has_content)| has_content && version >= head.content_version) {
        return Ok(());
    }
    let Some(content) = logged_content(connection, key, head.content_version)? else { return Ok(()) };
    ensure_body(connection, key)?;
    diesel::update(document_bodies::table)
        .filter(document_bodies::workspace_id.eq(key.0))
        .filter(document_bodies::document_id.eq(key.1))
        .set((document_bodies::content_version.eq(head.content_version), document_bodies::content.eq(Some(content))))
        .execute(connection)?;
    Ok(())
}

/// Takes from the bodies what is of an earlier life or an earlier text: nobody reads it, and it is as old as what goes.
fn forget_unusable_bodies(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    head: &FoldedHead,
) -> Result<(), StoreError> {
    diesel::update(document_bodies::table)
        .filter(document_bodies::workspace_id.eq(key.0))
        .filter(document_bodies::document_id.eq(key.1))
        .filter(document_bodies::content_version.lt(head.content_version))
        .filter(document_bodies::content.is_not_null())
        .set((document_bodies::content_version.eq(0), document_bodies::content.eq(None::<Vec<u8>>)))
        .execute(connection)?;
    diesel::update(document_bodies::table)
        .filter(document_bodies::workspace_id.eq(key.0))
        .filter(document_bodies::document_id.eq(key.1))
        .filter(document_bodies::yjs_version.lt(head.epoch))
        .filter(document_bodies::yjs_snapshot.is_not_null())
        .set((document_bodies::yjs_version.eq(0), document_bodies::yjs_snapshot.eq(None::<Vec<u8>>)))
        .execute(connection)?;
    Ok(())
}

/// Sets the head's sizes, which decide about compaction, to what the state is read from now. A snapshot that covers less
/// than the base does is of no more use.
fn weigh_log(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    epoch: Version,
    base: Version,
) -> Result<(), StoreError> {
    let covered: Option<i64> = document_bodies::table
        .filter(document_bodies::workspace_id.eq(key.0))
        .filter(document_bodies::document_id.eq(key.1))
        .filter(document_bodies::yjs_version.ge(epoch))
        .filter(document_bodies::yjs_snapshot.is_not_null())
        .select(document_bodies::yjs_version)
        .get_result(connection)
        .optional()?;
    if covered.is_some_and(|covered| covered >= base) {
        return Ok(());
    }
    if covered.is_some() {
        diesel::update(document_bodies::table)
            .filter(document_bodies::workspace_id.eq(key.0))
            .filter(document_bodies::document_id.eq(key.1))
            .set((document_bodies::yjs_version.eq(0), document_bodies::yjs_snapshot.eq(None::<Vec<u8>>)))
            .execute(connection)?;
    }
    // Without a snapshot the first state weighs as one: that is the base's.
    let lengths = lengths_after(connection, key, base - 1)?;
    let (state, log) = lengths.split_first().map_or((0, &[][..]), |(state, log)| (*state, log));
    let log_rows = i64::try_from(log.len()).map_err(|error| StoreError::Refused(error.to_string()))?;
    diesel::update(documents::table.find(key))
        .set((
            documents::snapshot_bytes.eq(state),
            documents::log_bytes.eq(log.iter().sum::<i64>()),
            documents::log_rows.eq(log_rows),
        ))
        .execute(connection)?;
    Ok(())
}

/// The text that a version set as text, as it is stored.
fn logged_content(
    connection: &mut AnyConnection,
    key: (DbUuid, DbUuid),
    version: Version,
) -> Result<Option<Vec<u8>>, StoreError> {
    let content = document_log::table
        .find((key.0, key.1, version))
        .select(document_log::content)
        .get_result::<Option<Vec<u8>>>(connection)
        .optional()?;
    Ok(content.flatten())
}
