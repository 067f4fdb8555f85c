//! Refresh tokens, as hashes. Each is good for one use; a second use means that it was stolen, and ends its family.

use diesel::prelude::*;
use uuid::Uuid;

use super::connection::AnyConnection;
use super::schema::refresh_tokens;
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::ids::UserId;
use crate::domain::timestamp::Timestamp;

/// SHA-256 of a refresh token.
pub type TokenHash = [u8; 32];

/// The first token of a login.
#[derive(Clone, Debug)]
pub struct NewRefreshToken {
    /// SHA-256 of the token.
    pub token_hash: TokenHash,
    /// A new id, kept by every token that grows from this one.
    pub family_id: Uuid,
    /// Whose it is.
    pub user_id: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is not accepted.
    pub expires_at: Timestamp,
}

/// What became of an attempt to exchange a token for its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The old token is used up, the new one stored.
    Rotated {
        /// Whose they are.
        user_id: UserId,
    },
    /// No such token.
    Unknown,
    /// It is too old.
    Expired,
    /// It was used before, or its family is revoked. Every token of the family is revoked now.
    Reused,
}

impl Store {
    /// Stores the first token of a login.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn insert_refresh_token(&self, token: NewRefreshToken) -> Result<(), StoreError> {
        self.write(move |connection| insert(connection, &token))
    }

    /// Exchanges a token for its successor, once.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn rotate_refresh_token(
        &self,
        old_hash: TokenHash,
        new_hash: TokenHash,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotation, StoreError> {
        self.write(move |connection| rotate(connection, &old_hash, new_hash, now, expires_at))
    }

    /// Ends the family of a token; an unknown token is no error.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn revoke_token_family(&self, token_hash: TokenHash, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| match lock_family(connection, &token_hash)? {
            Some(family_id) => revoke(connection, family_id, now),
            None => Ok(()),
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = refresh_tokens)]
struct TokenRow {
    family_id: DbUuid,
    user_id: DbUuid,
    expires_at: i64,
    used_at: Option<i64>,
    revoked_at: Option<i64>,
}

fn rotate(
    connection: &mut AnyConnection,
    old_hash: &TokenHash,
    new_hash: TokenHash,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Rotation, StoreError> {
    if lock_family(connection, old_hash)?.is_none() {
        return Ok(Rotation::Unknown);
    }
    let token: TokenRow =
        refresh_tokens::table.find(&old_hash[..]).select(TokenRow::as_select()).get_result(connection)?;
    if token.used_at.is_some() || token.revoked_at.is_some() {
        revoke(connection, token.family_id, now)?;
        return Ok(Rotation::Reused);
    }
    if token.expires_at <= now.0 {
        return Ok(Rotation::Expired);
    }
    diesel::update(refresh_tokens::table.find(&old_hash[..]))
        .set(refresh_tokens::used_at.eq(now.0))
        .execute(connection)?;
    let user_id = UserId(token.user_id.0);
    let family_id = token.family_id.0;
    insert(connection, &NewRefreshToken { token_hash: new_hash, family_id, user_id, created_at: now, expires_at })?;
    Ok(Rotation::Rotated { user_id })
}

/// The token's family, its changes ordered: else a family could be revoked just while a successor is being stored.
fn lock_family(connection: &mut AnyConnection, token_hash: &TokenHash) -> Result<Option<DbUuid>, StoreError> {
    let family: Option<DbUuid> = refresh_tokens::table
        .find(&token_hash[..])
        .select(refresh_tokens::family_id)
        .get_result(connection)
        .optional()?;
    if let (Some(family_id), AnyConnection::Postgres(connection)) = (family, connection) {
        refresh_tokens::table
            .filter(refresh_tokens::family_id.eq(family_id))
            .order(refresh_tokens::token_hash)
            .select(refresh_tokens::created_at)
            .for_update()
            .load::<i64>(connection)?;
    }
    Ok(family)
}

fn insert(connection: &mut AnyConnection, token: &NewRefreshToken) -> Result<(), StoreError> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(&token.token_hash[..]),
            refresh_tokens::family_id.eq(DbUuid(token.family_id)),
            refresh_tokens::user_id.eq(DbUuid(token.user_id.0)),
            refresh_tokens::created_at.eq(token.created_at.0),
            refresh_tokens::expires_at.eq(token.expires_at.0),
        ))
        .execute(connection)?;
    Ok(())
}

fn revoke(connection: &mut AnyConnection, family_id: DbUuid, now: Timestamp) -> Result<(), StoreError> {
    diesel::update(refresh_tokens::table)
        .filter(refresh_tokens::family_id.eq(family_id))
        .filter(refresh_tokens::revoked_at.is_null())
        .set(refresh_tokens::revoked_at.eq(now.0))
        .execute(connection)?;
    Ok(())
}
