//! Tokens for scripts, as hashes: each acts for a user in one workspace, with at most one role.

use diesel::prelude::*;
use uuid::Uuid;

use super::members::{role_code, role_from_code, role_of};
use super::schema::{access_tokens, users};
use super::sessions::TokenHash;
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::access::Role;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// Tokens that a workspace can have.
const MAX_TOKENS: i64 = 1_000;

/// A token to be stored.
#[derive(Clone, Debug)]
pub struct NewAccessToken {
    /// The only workspace in which it serves.
    pub workspace_id: WorkspaceId,
    /// A new id.
    pub token_id: Uuid,
    /// For whom it acts.
    pub user_id: UserId,
    /// SHA-256 of it.
    pub token_hash: TokenHash,
    /// The most that it may do.
    pub role: Role,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; `None` = until it is revoked.
    pub expires_at: Option<Timestamp>,
}

/// A token, without what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Where it serves.
    pub workspace_id: WorkspaceId,
    /// Which one.
    pub token_id: Uuid,
    /// For whom it acts.
    pub user_id: UserId,
    /// That user's name.
    pub username: String,
    /// The most that it may do.
    pub role: Role,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// What became of a new token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenCreation {
    /// It is stored.
    Created,
    /// Its user is not a member of the workspace.
    NotMember,
    /// The workspace has as many as it can have.
    TooMany,
}

type TokenRow = (DbUuid, DbUuid, DbUuid, String, i16, String, i64, Option<i64>);

impl Store {
    /// Stores a token of a member.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn insert_access_token(&self, token: NewAccessToken) -> Result<TokenCreation, StoreError> {
        self.write(move |connection| {
            let workspace = DbUuid(token.workspace_id.0);
            if role_of(connection, token.workspace_id, token.user_id)?.is_none() {
                return Ok(TokenCreation::NotMember);
            }
            let held: i64 = access_tokens::table
                .filter(access_tokens::workspace_id.eq(workspace))
                .count()
                .get_result(connection)?;
            if held >= MAX_TOKENS {
                return Ok(TokenCreation::TooMany);
            }
            diesel::insert_into(access_tokens::table)
                .values((
                    access_tokens::workspace_id.eq(workspace),
                    access_tokens::token_id.eq(DbUuid(token.token_id)),
                    access_tokens::user_id.eq(DbUuid(token.user_id.0)),
                    access_tokens::token_hash.eq(&token.token_hash[..]),
                    access_tokens::role.eq(role_code(token.role)),
                    access_tokens::name.eq(&token.name),
                    access_tokens::created_at.eq(token.created_at.0),
                    access_tokens::expires_at.eq(token.expires_at.map(|time| time.0)),
                ))
                .execute(connection)?;
            Ok(TokenCreation::Created)
        })
    }

    /// The token of this id and hash, if its user is not locked out. Whether it has run out is the caller's to look at.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_access_token(
        &self,
        workspace_id: WorkspaceId,
        token_id: Uuid,
        token_hash: &TokenHash,
    ) -> Result<Option<AccessToken>, StoreError> {
        self.read(|connection| {
            let row: Option<TokenRow> = access_tokens::table
                .inner_join(users::table.on(users::user_id.eq(access_tokens::user_id)))
                .filter(access_tokens::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(access_tokens::token_id.eq(DbUuid(token_id)))
                .filter(access_tokens::token_hash.eq(&token_hash[..]))
                .filter(users::disabled_at.is_null())
                .select(COLUMNS)
                .get_result(connection)
                .optional()?;
            row.map(token_of).transpose()
        })
    }

    /// The tokens of a workspace, the oldest in front.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_access_tokens(&self, workspace_id: WorkspaceId) -> Result<Vec<AccessToken>, StoreError> {
        self.read(|connection| {
            let rows: Vec<TokenRow> = access_tokens::table
                .inner_join(users::table.on(users::user_id.eq(access_tokens::user_id)))
                .filter(access_tokens::workspace_id.eq(DbUuid(workspace_id.0)))
                .order((access_tokens::created_at, access_tokens::token_id))
                .limit(MAX_TOKENS)
                .select(COLUMNS)
                .load(connection)?;
            rows.into_iter().map(token_of).collect()
        })
    }

    /// Revokes a token; whether there was one.
    ///
    /// Asks every shard: an operator does so, who knows the token's id alone.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn revoke_access_token(&self, token_id: Uuid) -> Result<bool, StoreError> {
        self.write(move |connection| {
            Ok(diesel::delete(access_tokens::table)
                .filter(access_tokens::token_id.eq(DbUuid(token_id)))
                .execute(connection)?
                > 0)
        })
    }
}

const COLUMNS: (
    access_tokens::workspace_id,
    access_tokens::token_id,
    access_tokens::user_id,
    users::username,
    access_tokens::role,
    access_tokens::name,
    access_tokens::created_at,
    access_tokens::expires_at,
) = (
    access_tokens::workspace_id,
    access_tokens::token_id,
    access_tokens::user_id,
    users::username,
    access_tokens::role,
    access_tokens::name,
    access_tokens::created_at,
    access_tokens::expires_at,
);

fn token_of(row: TokenRow) -> Result<AccessToken, StoreError> {
    let (workspace_id, token_id, user_id, username, role, name, created_at, expires_at) = row;
    Ok(AccessToken {
        workspace_id: WorkspaceId(workspace_id.0),
        token_id: token_id.0,
        user_id: UserId(user_id.0),
        username,
        role: role_from_code(role)?,
        name,
        created_at: Timestamp(created_at),
        expires_at: expires_at.map(Timestamp),
    })
}
