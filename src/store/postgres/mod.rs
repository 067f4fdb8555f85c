//! A batch on Postgres: sets, not rows, so that a batch of any size takes the same few round trips. Decides nothing.

pub(super) mod feed_page;
pub(super) mod in_parts;

use std::collections::BTreeMap;

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, SmallInt, Text};

use super::documents::readable_text;
use super::encoding::decode_text;
use super::rows::{HeadRow, NewHeadRow, NewLogRow, ReceiptRow, log_rows, receipt_rows};
use super::sql_uuid::{DbUuid, SqlUuid};
use super::statement::Statement;
use super::usage::{Sizes, is_within};
use super::{BatchScope, PackedTexts, StoreError};
use crate::domain::document::{DocumentHead, DocumentWrite, HeadWrite, Receipt, StoredDocument, VersionText, WriteSet};
use crate::domain::ids::{DocumentId, Version};
use crate::domain::quota::Growth;

// In each text the workspace's id is one plain parameter on its way to every table, so that a sharded Postgres sends the
// statement to one shard. The planner then also knows it, and may read the whole workspace by an index that begins with it:
// before statistics are first gathered it takes any workspace for small. So every wanted row is looked up by a lateral with
// a LIMIT (or an ORDER BY), which no planner dissolves. What is replaced or deleted cannot be looked up so: a lateral finds
// its place (`ctid`), and conditions that always hold (`behind = behind + 0`) make the planner expect one wanted row, for
// which going by place costs less than any index.

/// Receipts under their permanent names.
const RECEIPTS: &str = include_str!("sql/receipts.sql");

/// Heads of documents.
const HEADS: &str = include_str!("sql/heads.sql");

/// Documents with their bodies; see `documents::find_stored` for the rule.
const DOCUMENTS: &str = include_str!("sql/documents.sql");

/// Yjs updates of each document since its snapshot; see `documents::find_stored` for the rule.
const YJS_UPDATES: &str = include_str!("sql/yjs_updates.sql");

/// Title and text as of each (document, version); see `documents::find_text` for the rule.
const TEXTS: &str = include_str!("sql/texts.sql");

/// Stores a whole write set: every array is a column, every place in it a row.
const WRITE_SET: &str = include_str!("sql/write_set.sql");

/// Receipts of the scope's device under these names.
pub(super) fn find_receipts(
    connection: &mut PgConnection,
    scope: &BatchScope,
    client_ids: &[&str],
) -> Result<Vec<Receipt>, StoreError> {
    let Some(device_id) = scope.device_id.as_deref().filter(|_| !client_ids.is_empty()) else { return Ok(Vec::new()) };
    let rows: Vec<ReceiptRow> = Statement::<Pg, ReceiptSql>::new(RECEIPTS)
        .bind::<SqlUuid, _>(DbUuid(scope.workspace_id.0))
        .bind::<SqlUuid, _>(DbUuid(scope.user_id.0))
        .bind::<Text, _>(device_id)
        .bind::<Array<Text>, _>(client_ids)
        .load(connection)?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// Title and text as of each (document, version); no more texts once they have so many bytes.
pub(super) fn load_texts(
    connection: &mut PgConnection,
    workspace_id: DbUuid,
    wanted: &[(DocumentId, Version)],
    max_bytes: usize,
) -> Result<Vec<VersionText>, StoreError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = wanted.iter().map(|(id, _)| DbUuid(id.0)).collect();
    let versions: Vec<_> = wanted.iter().map(|(_, version)| *version).collect();
    let rows: Vec<(DbUuid, i64, String, Option<Vec<u8>>)> =
        Statement::<Pg, (SqlUuid, BigInt, Text, Nullable<Binary>)>::new(TEXTS)
            .bind::<SqlUuid, _>(workspace_id)
            .bind::<Array<SqlUuid>, _>(ids)
            .bind::<Array<BigInt>, _>(versions)
            .bind::<BigInt, _>(bound_of(max_bytes))
            .load(connection)?;
    let mut bytes = 0_usize;
    let texts = rows.into_iter().map(|(id, version, title, content)| {
        let content = content.as_deref().filter(|_| bytes < max_bytes).and_then(|stored| readable_text(stored, id));
        bytes = bytes.saturating_add(content.as_ref().map_or(0, String::len));
        VersionText { document_id: DocumentId(id.0), version, title, content: content.map(Into::into) }
    });
    Ok(texts.collect())
}

/// Carries out a write set in one statement, which locks the workspace first; the sequence of the feed's newest change
/// then.
///
/// # Errors
/// `NoSuchWorkspace`, `LostRace`, or what the database said.
pub(super) fn write(
    connection: &mut PgConnection,
    scope: &BatchScope,
    writes: &WriteSet,
    texts: &PackedTexts,
) -> Result<i64, StoreError> {
    let rows = Rows::of(scope, writes, texts)?;
    let expected = (count_of(rows.heads.len())?, count_of(rows.log.len())?, count_of(rows.receipts.len())?);
    let sizes = Sizes::of_log(&rows.log);
    let (head_sequence, version_floor, held, bytes, heads, log, receipts): WrittenRow =
        rows.statement(scope, writes.growth, sizes)?.get_result(connection)?;
    let (head_sequence, version_floor) = head_sequence.zip(version_floor).ok_or(StoreError::NoSuchWorkspace)?;
    let grown = (writes.growth.documents, sizes.history);
    let is_within = is_within(writes.most, held.unwrap_or_default(), bytes.unwrap_or_default(), grown);
    if (heads, log, receipts) == expected && writes.is_above(version_floor) && is_within {
        Ok(head_sequence)
    } else {
        Err(StoreError::LostRace)
    }
}

type ReceiptSql = SqlTypeOf<AsSelect<ReceiptRow, Pg>>;
type WrittenSql = (Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>, BigInt, BigInt, BigInt);
type WrittenRow = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, i64, i64, i64);
type HeadSql = SqlTypeOf<AsSelect<HeadRow, Pg>>;
type DocumentSql = (HeadSql, Bool, Nullable<Text>, Nullable<Binary>, Nullable<Binary>);
type DocumentRow = (HeadRow, bool, Option<String>, Option<Vec<u8>>, Option<Vec<u8>>);

/// Heads of those of the documents that exist.
pub(super) fn load_heads(
    connection: &mut PgConnection,
    workspace_id: DbUuid,
    ids: &[DocumentId],
) -> Result<Vec<DocumentHead>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<HeadRow> = Statement::<Pg, HeadSql>::new(HEADS)
        .bind::<SqlUuid, _>(workspace_id)
        .bind::<Array<SqlUuid>, _>(db_ids(ids))
        .load(connection)?;
    rows.into_iter().map(DocumentHead::try_from).collect()
}

/// Those of the documents that exist, with their bodies, in order, until they have so many bytes.
pub(super) fn load_documents(
    connection: &mut PgConnection,
    workspace_id: DbUuid,
    ids: &[DocumentId],
    max_bytes: usize,
) -> Result<Vec<StoredDocument>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // By their stored bytes; a text may have been packed.
    let rows: Vec<DocumentRow> = Statement::<Pg, DocumentSql>::new(DOCUMENTS)
        .bind::<SqlUuid, _>(workspace_id)
        .bind::<Array<SqlUuid>, _>(db_ids(ids))
        .bind::<BigInt, _>(bound_of(max_bytes))
        .load(connection)?;
    let found: Vec<DbUuid> = rows.iter().map(|(head, ..)| head.document_id).collect();
    let mut updates = load_yjs_updates(connection, workspace_id, found)?;
    let mut documents = Vec::with_capacity(rows.len());
    let mut bytes = 0_usize;
    for (head, damaged, name, snapshot, content) in rows {
        if bytes >= max_bytes {
            break;
        }
        let id = DocumentId(head.document_id.0);
        let mut yjs_parts: Vec<Vec<u8>> = snapshot.into_iter().collect();
        yjs_parts.extend(updates.remove(&head.document_id).unwrap_or_default());
        let document = StoredDocument {
            head: head.try_into()?,
            updated_by_name: name.unwrap_or_default(),
            content: content.as_deref().map(decode_text).transpose().map_err(|error| error.of(id))?,
            yjs_parts,
            damaged,
        };
        bytes = bytes.saturating_add(document.body_bytes());
        documents.push(document);
    }
    Ok(documents)
}

/// Updates since the snapshot, by document, in the order of their versions.
fn load_yjs_updates(
    connection: &mut PgConnection,
    workspace_id: DbUuid,
    ids: Vec<DbUuid>,
) -> Result<BTreeMap<DbUuid, Vec<Vec<u8>>>, StoreError> {
    let mut updates: BTreeMap<DbUuid, Vec<Vec<u8>>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(updates);
    }
    let rows: Vec<(DbUuid, Vec<u8>)> = Statement::<Pg, (SqlUuid, Binary)>::new(YJS_UPDATES)
        .bind::<SqlUuid, _>(workspace_id)
        .bind::<Array<SqlUuid>, _>(ids)
        .load(connection)?;
    for (id, bytes) in rows {
        updates.entry(id).or_default().push(bytes);
    }
    Ok(updates)
}

/// A write set as rows, still to be turned into columns.
struct Rows<'a> {
    workspace_id: DbUuid,
    expected_versions: Vec<Option<i64>>,
    expected_purged: Vec<bool>,
    /// How many documents of the write set stand behind each in the feed.
    behind: Vec<i64>,
    heads: Vec<NewHeadRow<'a>>,
    log: Vec<NewLogRow<'a>>,
    /// How far each new version's batch is before the last document.
    batches_behind: Vec<i64>,
    receipts: Vec<super::rows::NewReceiptRow<'a>>,
}

impl<'a> Rows<'a> {
    fn of(scope: &'a BatchScope, writes: &'a WriteSet, texts: &'a PackedTexts) -> Result<Self, StoreError> {
        let workspace_id = DbUuid(scope.workspace_id.0);
        let documents = count_of(writes.documents.len())?;
        let expected = |write: &DocumentWrite| match write.write {
            HeadWrite::Insert => None,
            HeadWrite::Replace { expected_version } | HeadWrite::Renew { expected_version } => Some(expected_version),
        };
        let is_purged = |write: &DocumentWrite| matches!(write.write, HeadWrite::Renew { .. });
        Ok(Self {
            workspace_id,
            expected_versions: writes.documents.iter().map(expected).collect(),
            expected_purged: writes.documents.iter().map(is_purged).collect(),
            behind: (0..documents).rev().collect(),
            // The statement itself numbers the rows.
            heads: writes.documents.iter().map(|write| NewHeadRow::new(workspace_id, 0, &write.head)).collect(),
            log: log_rows(scope, writes, texts)?,
            batches_behind: writes.batches_behind(),
            receipts: receipt_rows(scope, &writes.receipts)?,
        })
    }

    /// Binds the columns in the order of the text.
    fn statement(
        &self,
        scope: &'a BatchScope,
        growth: Growth,
        sizes: Sizes,
    ) -> Result<Statement<'_, Pg, WrittenSql>, StoreError> {
        let workspace_id = self.workspace_id;
        let user_id = DbUuid(scope.user_id.0);
        let device_id = scope.device_id.as_deref();
        let statement = Statement::new(WRITE_SET)
            .bind::<BigInt, _>(count_of(self.heads.len())?)
            .bind::<BigInt, _>(growth.documents)
            .bind::<BigInt, _>(growth.deleted)
            .bind::<BigInt, _>(sizes.text)
            .bind::<BigInt, _>(sizes.yjs)
            .bind::<BigInt, _>(sizes.history)
            .bind::<SqlUuid, _>(workspace_id);
        let statement = self
            .bind_heads(statement)
            .bind::<SqlUuid, _>(workspace_id)
            .bind::<SqlUuid, _>(workspace_id)
            .bind::<SqlUuid, _>(workspace_id)
            .bind::<Nullable<Text>, _>(device_id)
            .bind::<BigInt, _>(scope.now.0)
            .bind::<Nullable<SqlUuid>, _>(scope.sync_id.map(|sync| DbUuid(sync.0)));
        Ok(self.bind_receipts(
            self.bind_log(statement)
                .bind::<SqlUuid, _>(workspace_id)
                .bind::<SqlUuid, _>(user_id)
                .bind::<Text, _>(device_id.unwrap_or_default()),
        ))
    }

    fn bind_heads<Row>(&'a self, statement: Statement<'a, Pg, Row>) -> Statement<'a, Pg, Row> {
        let heads = &self.heads;
        statement
            .bind::<Array<SqlUuid>, _>(column(heads, |row| row.document_id))
            .bind::<Array<Nullable<BigInt>>, _>(&self.expected_versions)
            .bind::<Array<Bool>, _>(&self.expected_purged)
            .bind::<Array<BigInt>, _>(column(heads, |row| row.version))
            .bind::<Array<BigInt>, _>(&self.behind)
            .bind::<Array<Text>, _>(column(heads, |row| row.title))
            .bind::<Array<BigInt>, _>(column(heads, |row| row.created_at))
            .bind::<Array<BigInt>, _>(column(heads, |row| row.updated_at))
            .bind::<Array<SqlUuid>, _>(column(heads, |row| row.updated_by))
            .bind::<Array<Nullable<BigInt>>, _>(column(heads, |row| row.deleted_at))
            .bind::<Array<BigInt>, _>(column(heads, |row| row.epoch))
            .bind::<Array<BigInt>, _>(column(heads, |row| row.content_version))
            .bind::<Array<Nullable<Binary>>, _>(column(heads, |row| row.content_digest))
            .bind::<Array<Nullable<Binary>>, _>(column(heads, |row| row.state_vector.as_deref()))
            .bind::<Array<Binary>, _>(column(heads, |row| row.yjs_roots.as_slice()))
            .bind::<Array<BigInt>, _>(column(heads, |row| row.snapshot_bytes))
            .bind::<Array<BigInt>, _>(column(heads, |row| row.log_bytes))
            .bind::<Array<BigInt>, _>(column(heads, |row| row.log_rows))
    }

    fn bind_log<Row>(&'a self, statement: Statement<'a, Pg, Row>) -> Statement<'a, Pg, Row> {
        let log = &self.log;
        statement
            .bind::<Array<SqlUuid>, _>(column(log, |row| row.document_id))
            .bind::<Array<BigInt>, _>(column(log, |row| row.version))
            .bind::<Array<SmallInt>, _>(column(log, |row| row.kind))
            .bind::<Array<Text>, _>(column(log, |row| row.title))
            .bind::<Array<Text>, _>(column(log, |row| row.client_id))
            .bind::<Array<Nullable<Binary>>, _>(column(log, |row| row.content))
            .bind::<Array<Nullable<Binary>>, _>(column(log, |row| row.yjs_update))
            .bind::<Array<SqlUuid>, _>(column(log, |row| row.user_id))
            .bind::<Array<BigInt>, _>(&self.batches_behind)
    }

    fn bind_receipts<Row>(&'a self, statement: Statement<'a, Pg, Row>) -> Statement<'a, Pg, Row> {
        let receipts = &self.receipts;
        statement
            .bind::<Array<Text>, _>(column(receipts, |row| row.client_id))
            .bind::<Array<SmallInt>, _>(column(receipts, |row| row.kind))
            .bind::<Array<Binary>, _>(column(receipts, |row| row.payload_digest))
            .bind::<Array<SqlUuid>, _>(column(receipts, |row| row.document_id))
            .bind::<Array<Nullable<BigInt>>, _>(column(receipts, |row| row.version))
            .bind::<Array<BigInt>, _>(column(receipts, |row| row.created_at))
    }
}

fn column<'a, Row, Value>(rows: &'a [Row], value: impl Fn(&'a Row) -> Value) -> Vec<Value> {
    rows.iter().map(value).collect()
}

/// A number of bytes as a bound, at least one: the first is always read.
fn bound_of(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX).max(1)
}

fn count_of(rows: usize) -> Result<i64, StoreError> {
    i64::try_from(rows).map_err(|error| StoreError::Refused(error.to_string()))
}

fn db_ids(ids: &[DocumentId]) -> Vec<DbUuid> {
    ids.iter().map(|id| DbUuid(id.0)).collect()
}
