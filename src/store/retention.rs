//! Removing what has been kept long enough, slice by slice: receipts, sync runs, refresh tokens. How long that is, and
//! when it is done, is decided elsewhere; tombstones and old versions have modules of their own.
//!
//! Receipts, runs and tokens are found by walking their keys: an index by age would cost every write.

use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use super::connection::AnyConnection;
use super::postgres::transaction::PLANNER;
use super::schema::{refresh_tokens, workspaces};
use super::sql_uuid::{DbUuid, SqlUuid};
use super::statement::Statement;
use super::{Store, StoreError};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// Rows that one slice of a walk looks at: a bound limit would have its statement prepared anew each time.
const SLICE: usize = 500;

const RECEIPTS_AFTER: &str = "SELECT user_id, device_id, client_id, created_at FROM receipts \
     WHERE workspace_id = ? AND (user_id, device_id, client_id) > (?, ?, ?) \
     ORDER BY user_id, device_id, client_id LIMIT 500";

const DELETE_RECEIPTS: &str = "DELETE FROM receipts \
     WHERE workspace_id = ? AND (user_id, device_id, client_id) > (?, ?, ?) \
     AND (user_id, device_id, client_id) <= (?, ?, ?) AND created_at < ?";

/// What a slice did, and where the next one begins: `None` after the last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<Place> {
    /// Rows removed.
    pub removed: usize,
    /// The last row looked at.
    pub next: Option<Place>,
}

/// A place among a workspace's receipts. The default is before the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptPlace {
    user_id: UserId,
    device_id: String,
    client_id: String,
}

impl Default for ReceiptPlace {
    fn default() -> Self {
        Self { user_id: UserId(Uuid::nil()), device_id: String::new(), client_id: String::new() }
    }
}

/// A place among the refresh tokens. The default is before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenPlace(Vec<u8>);

impl Store {
    /// The reads of a walk: along the keys also before statistics are first gathered, when Postgres would rather read and
    /// sort all that is left for each slice.
    pub(super) fn read_along_keys<T>(
        &self,
        body: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.read_snapshot(|connection| {
            if let AnyConnection::Postgres(connection) = connection {
                connection.batch_execute(PLANNER)?;
            }
            body(connection)
        })
    }

    /// Workspaces after `after` (`None` = from the first), by id.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_workspace_ids(&self, after: Option<WorkspaceId>, limit: u32) -> Result<Vec<WorkspaceId>, StoreError> {
        let after = DbUuid(after.map_or(Uuid::nil(), |workspace| workspace.0));
        let ids: Vec<DbUuid> = self.read_along_keys(|connection| {
            Ok(workspaces::table
                .filter(workspaces::workspace_id.gt(after))
                .order(workspaces::workspace_id.asc())
                .limit(i64::from(limit))
                .select(workspaces::workspace_id)
                .load(connection)?)
        })?;
        Ok(ids.into_iter().map(|id| WorkspaceId(id.0)).collect())
    }

    /// Deletes the receipts from before `before` among the next ones after `after`.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn purge_receipts(
        &self,
        workspace_id: WorkspaceId,
        after: ReceiptPlace,
        before: Timestamp,
    ) -> Result<Slice<ReceiptPlace>, StoreError> {
        let key = DbUuid(workspace_id.0);
        let rows = self.read_along_keys(|connection| receipts_after(connection, key, &after))?;
        let old = rows.iter().any(|(_, _, _, created_at)| *created_at < before.0);
        let is_full = rows.len() == SLICE;
        let Some(last) = rows.into_iter().next_back().map(|(user, device_id, client_id, _)| ReceiptPlace {
            user_id: UserId(user.0),
            device_id,
            client_id,
        }) else {
            return Ok(Slice { removed: 0, next: None });
        };
        let next = is_full.then(|| last.clone());
        let removed = match old {
            true => self.write(move |connection| delete_receipts(connection, key, &after, &last, before))?,
            false => 0,
        };
        Ok(Slice { removed, next })
    }

    /// Deletes the refresh tokens that expired before `before` among the next ones after `after`.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn purge_refresh_tokens(&self, after: TokenPlace, before: Timestamp) -> Result<Slice<TokenPlace>, StoreError> {
        let rows: Vec<(Vec<u8>, i64)> = self.read_along_keys(|connection| {
            Ok(refresh_tokens::table
                .filter(refresh_tokens::token_hash.gt(&after.0))
                .order(refresh_tokens::token_hash.asc())
                .limit(i64::try_from(SLICE).unwrap_or(i64::MAX))
                .select((refresh_tokens::token_hash, refresh_tokens::expires_at))
                .load(connection)?)
        })?;
        let old = rows.iter().any(|(_, expires_at)| *expires_at < before.0);
        let is_full = rows.len() == SLICE;
        let Some((last, _)) = rows.into_iter().next_back() else { return Ok(Slice { removed: 0, next: None }) };
        let next = is_full.then(|| TokenPlace(last.clone()));
        let removed = match old {
            true => self.write(move |connection| {
                Ok(diesel::delete(refresh_tokens::table)
                    .filter(refresh_tokens::token_hash.gt(&after.0))
                    .filter(refresh_tokens::token_hash.le(&last))
                    .filter(refresh_tokens::expires_at.lt(before.0))
                    .execute(connection)?)
            })?,
            false => 0,
        };
        Ok(Slice { removed, next })
    }
}

type ReceiptKeyRow = (DbUuid, String, String, i64);
type ReceiptKeySql = (SqlUuid, Text, Text, BigInt);

fn receipts_after(
    connection: &mut AnyConnection,
    workspace_id: DbUuid,
    after: &ReceiptPlace,
) -> Result<Vec<ReceiptKeyRow>, StoreError> {
    let user_id = DbUuid(after.user_id.0);
    Ok(match connection {
        AnyConnection::Sqlite(connection) => Statement::<Sqlite, ReceiptKeySql>::new(RECEIPTS_AFTER)
            .bind::<SqlUuid, _>(workspace_id)
            .bind::<SqlUuid, _>(user_id)
            .bind::<Text, _>(&after.device_id)
            .bind::<Text, _>(&after.client_id)
            .load(connection)?,
        AnyConnection::Postgres(connection) => Statement::<Pg, ReceiptKeySql>::new(RECEIPTS_AFTER)
            .bind::<SqlUuid, _>(workspace_id)
            .bind::<SqlUuid, _>(user_id)
            .bind::<Text, _>(&after.device_id)
            .bind::<Text, _>(&after.client_id)
            .load(connection)?,
    })
}

/// Deletes old receipts after one place and up to another.
fn delete_receipts(
    connection: &mut AnyConnection,
    workspace_id: DbUuid,
    after: &ReceiptPlace,
    last: &ReceiptPlace,
    before: Timestamp,
) -> Result<usize, StoreError> {
    Ok(match connection {
        AnyConnection::Sqlite(connection) => Statement::<Sqlite>::new(DELETE_RECEIPTS)
            .bind::<SqlUuid, _>(workspace_id)
            .bind::<SqlUuid, _>(DbUuid(after.user_id.0))
            .bind::<Text, _>(&after.device_id)
            .bind::<Text, _>(&after.client_id)
            .bind::<SqlUuid, _>(DbUuid(last.user_id.0))
            .bind::<Text, _>(&last.device_id)
            .bind::<Text, _>(&last.client_id)
            .bind::<BigInt, _>(before.0)
            .execute(connection)?,
        AnyConnection::Postgres(connection) => Statement::<Pg>::new(DELETE_RECEIPTS)
            .bind::<SqlUuid, _>(workspace_id)
            .bind::<SqlUuid, _>(DbUuid(after.user_id.0))
            .bind::<Text, _>(&after.device_id)
            .bind::<Text, _>(&after.client_id)
            .bind::<SqlUuid, _>(DbUuid(last.user_id.0))
            .bind::<Text, _>(&last.device_id)
            .bind::<Text, _>(&last.client_id)
            .bind::<BigInt, _>(before.0)
            .execute(connection)?,
    })
}
