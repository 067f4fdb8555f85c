//! A page of the feed on Postgres: one statement, and one more where Yjs updates lie in further log rows. Decides
//! nothing.

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

use super::{HeadSql, load_yjs_updates};
use crate::store::StoreError;
use crate::store::assembly::BodyRow;
use crate::store::feed_filling::{FeedPage, Filling, Span};
use crate::store::rows::HeadRow;
use crate::store::sql_uuid::{DbUuid, SqlUuid};
use crate::store::statement::Statement;

/// Documents in feed order with their bodies, cut where the stored bytes of those before reach the limit. Large values
/// are not read before they are chosen: their length stands beside the pointer to them.
const FEED_PAGE: &str = include_str!("sql/feed_page.sql");

type BodySql = SqlTypeOf<AsSelect<Option<BodyRow>, Pg>>;
type RowSql = (BigInt, HeadSql, Bool, Nullable<Text>, BodySql, Nullable<Binary>, Nullable<Binary>, BigInt);
/// A row as `feed_pages` takes it, and the last sequence that the span would have reached without its limit of bytes.
type Row = (i64, HeadRow, bool, Option<String>, Option<BodyRow>, Option<Vec<u8>>, Option<Vec<u8>>, i64);

/// The documents of a span.
pub(in crate::store) fn load_changes(
    connection: &mut PgConnection,
    workspace_id: DbUuid,
    span: &Span,
) -> Result<FeedPage, StoreError> {
    let mut span = *span;
    loop {
        let (page, rest) = load_once(connection, workspace_id, &span)?;
        match rest {
            // Nothing of it could be read: a page that is empty and not the last would lead its reader nowhere.
            Some(after) if page.changes.is_empty() => span.after = after,
            rest => return Ok(FeedPage { has_more: page.has_more || rest.is_some(), ..page }),
        }
    }
}

/// As much of a span as one statement reads; and the last place that it looked at, if all of it was taken or left out and
/// there may be more.
fn load_once(
    connection: &mut PgConnection,
    workspace_id: DbUuid,
    span: &Span,
) -> Result<(FeedPage, Option<i64>), StoreError> {
    let refused = |error: std::num::TryFromIntError| StoreError::Refused(error.to_string());
    // One more than fits tells whether there is more.
    let limit = i64::try_from(span.max_documents.max(1)).map_err(refused)?.saturating_add(1);
    let rows: Vec<Row> = Statement::<Pg, RowSql>::new(FEED_PAGE)
        .bind::<SqlUuid, _>(workspace_id)
        .bind::<BigInt, _>(span.after)
        .bind::<BigInt, _>(span.up_to)
        .bind::<BigInt, _>(limit)
        .bind::<SqlUuid, _>(workspace_id)
        .bind::<SqlUuid, _>(workspace_id)
        .bind::<BigInt, _>(i64::try_from(span.max_bytes).map_err(refused)?.max(1))
        .load(connection)?;
    let mut filling = Filling::new(span);
    let last_sequence = rows.last().map(|row| row.7);
    let is_cut = i64::try_from(rows.len()).map_err(refused)? == limit;
    for (sequence, head, damaged, author, body, text, update, _) in rows {
        if filling.is_full() {
            break;
        }
        filling.take((sequence, head, damaged, author, body, text, update))?;
    }
    filling.has_more = filling.last_sequence() != last_sequence;
    let rest = filling.last_sequence().filter(|_| is_cut && !filling.has_more);
    let wanting: Vec<DbUuid> = filling.incomplete().map(|document| DbUuid(document.head.document_id.0)).collect();
    let mut updates = load_yjs_updates(connection, workspace_id, wanting)?;
    let page =
        filling.finish(|document, _| Ok(updates.remove(&DbUuid(document.head.document_id.0)).unwrap_or_default()))?;
    Ok((page, rest))
}
