//! Sessions: one row for each login, with the hashes of its refresh tokens. The current token is good for one use, the one
//! before it as long as the current one has not been used; any other of the same login ends it.

use diesel::prelude::*;
use uuid::Uuid;

use super::connection::AnyConnection;
use super::schema::{sessions, users};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::ids::UserId;
use crate::domain::timestamp::Timestamp;

/// SHA-256 of a refresh token, or of the part of it that all tokens of a login have in common.
pub type TokenHash = [u8; 32];

/// Sessions that a user can have at a time; a further login ends the one that was used longest ago.
const MAX_SESSIONS: i64 = 100;

/// A login.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// A new id.
    pub session_id: Uuid,
    /// Whose it is.
    pub user_id: UserId,
    /// What the user's password was compared with.
    pub password_hash: String,
    /// SHA-256 of what all of its tokens have in common.
    pub family_hash: TokenHash,
    /// SHA-256 of its first token.
    pub token_hash: TokenHash,
    /// What program it is, as that says itself.
    pub client: Option<String>,
    /// When it begins.
    pub now: Timestamp,
    /// From when on its token is not accepted.
    pub expires_at: Timestamp,
}

/// A session as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which one.
    pub session_id: Uuid,
    /// What program it is, as that says itself.
    pub client: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When its tokens were last renewed.
    pub used_at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
}

/// What became of an attempt to exchange a token for its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The new token is stored.
    Rotated {
        /// Whose it is.
        user_id: UserId,
        /// The session.
        session_id: Uuid,
    },
    /// No such session.
    Unknown,
    /// It is too old.
    Expired,
    /// The token is an older one of the session, which is over now.
    Reused {
        /// Whose it was.
        user_id: UserId,
        /// The session.
        session_id: Uuid,
    },
}

impl Store {
    /// Stores a login, unless the user has another password meanwhile than the one that was checked, or is locked out: the
    /// sessions that this ended are not to be followed by another. Whether it is stored. A power cut in the moment after
    /// it may undo it: then its tokens are worthless.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn insert_session(&self, session: NewSession) -> Result<bool, StoreError> {
        self.write_soon(move |connection| {
            if !is_password_current(connection, session.user_id, &session.password_hash)? {
                return Ok(false);
            }
            end_surplus(connection, session.user_id)?;
            diesel::insert_into(sessions::table)
                .values((
                    sessions::session_id.eq(DbUuid(session.session_id)),
                    sessions::user_id.eq(DbUuid(session.user_id.0)),
                    sessions::family_hash.eq(&session.family_hash[..]),
                    sessions::token_hash.eq(&session.token_hash[..]),
                    sessions::client.eq(session.client.as_deref()),
                    sessions::created_at.eq(session.now.0),
                    sessions::used_at.eq(session.now.0),
                    sessions::expires_at.eq(session.expires_at.0),
                ))
                .execute(connection)?;
            Ok(true)
        })
    }

    /// Exchanges a token of a session for its successor: the current token, or the one before it, whose answer may have
    /// been lost; the successor that was not used is worthless then.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn rotate_session(
        &self,
        family_hash: TokenHash,
        old_hash: TokenHash,
        new_hash: TokenHash,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotation, StoreError> {
        self.write(move |connection| rotate(connection, &family_hash, &old_hash, &new_hash, now, expires_at))
    }

    /// Ends the session of these tokens; whose it was. An unknown one is no error.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn end_session_of_family(&self, family_hash: TokenHash) -> Result<Option<(UserId, Uuid)>, StoreError> {
        self.write(move |connection| {
            let Some(session) = lock_family(connection, &family_hash)? else { return Ok(None) };
            delete(connection, session.session_id)?;
            Ok(Some((UserId(session.user_id.0), session.session_id.0)))
        })
    }

    /// The sessions of a user that have not run out, the one used last in front.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_sessions(&self, user_id: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        self.read(|connection| {
            let rows: Vec<ListedRow> = sessions::table
                .filter(sessions::user_id.eq(DbUuid(user_id.0)))
                .filter(sessions::expires_at.gt(now.0))
                .order((sessions::used_at.desc(), sessions::session_id))
                .limit(MAX_SESSIONS)
                .select(ListedRow::as_select())
                .load(connection)?;
            Ok(rows.into_iter().map(Session::from).collect())
        })
    }

    /// Ends a session of a user; whether there was one.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn end_session(&self, user_id: UserId, session_id: Uuid) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let ended = diesel::delete(sessions::table.find(DbUuid(session_id)))
                .filter(sessions::user_id.eq(DbUuid(user_id.0)))
                .execute(connection)?;
            Ok(ended > 0)
        })
    }

    /// Whether the session goes on and its user is not locked out.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn is_session_live(&self, user_id: UserId, session_id: Uuid) -> Result<bool, StoreError> {
        self.read(|connection| {
            let live: i64 = sessions::table
                .inner_join(users::table.on(users::user_id.eq(sessions::user_id)))
                .filter(sessions::session_id.eq(DbUuid(session_id)))
                .filter(sessions::user_id.eq(DbUuid(user_id.0)))
                .filter(users::disabled_at.is_null())
                .count()
                .get_result(connection)?;
            Ok(live > 0)
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct ListedRow {
    session_id: DbUuid,
    client: Option<String>,
    created_at: i64,
    used_at: i64,
    expires_at: i64,
}

impl From<ListedRow> for Session {
    fn from(row: ListedRow) -> Self {
        Self {
            session_id: row.session_id.0,
            client: row.client,
            created_at: Timestamp(row.created_at),
            used_at: Timestamp(row.used_at),
            expires_at: Timestamp(row.expires_at),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct FamilyRow {
    session_id: DbUuid,
    user_id: DbUuid,
    token_hash: Vec<u8>,
    previous_hash: Option<Vec<u8>>,
    expires_at: i64,
}

fn rotate(
    connection: &mut AnyConnection,
    family_hash: &TokenHash,
    old_hash: &TokenHash,
    new_hash: &TokenHash,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Rotation, StoreError> {
    let Some(session) = lock_family(connection, family_hash)? else { return Ok(Rotation::Unknown) };
    let (user_id, session_id) = (UserId(session.user_id.0), session.session_id.0);
    let is_current = session.token_hash == old_hash;
    // As long as it is the one before, its successor has not been used.
    let is_previous = session.previous_hash.as_deref() == Some(&old_hash[..]);
    if !is_current && !is_previous {
        delete(connection, session.session_id)?;
        return Ok(Rotation::Reused { user_id, session_id });
    }
    if session.expires_at <= now.0 {
        return Ok(Rotation::Expired);
    }
    diesel::update(sessions::table.find(session.session_id))
        .set((
            sessions::token_hash.eq(&new_hash[..]),
            sessions::previous_hash.eq(Some(&old_hash[..])),
            sessions::used_at.eq(now.0),
            sessions::expires_at.eq(expires_at.0),
        ))
        .execute(connection)?;
    Ok(Rotation::Rotated { user_id, session_id })
}

/// The session, its changes ordered.
fn lock_family(connection: &mut AnyConnection, family_hash: &TokenHash) -> Result<Option<FamilyRow>, StoreError> {
    let family = sessions::table.filter(sessions::family_hash.eq(&family_hash[..]));
    Ok(match connection {
        AnyConnection::Sqlite(connection) => family.select(FamilyRow::as_select()).get_result(connection).optional()?,
        AnyConnection::Postgres(connection) => {
            family.select(FamilyRow::as_select()).for_update().get_result(connection).optional()?
        }
    })
}

/// Whether a user may log in with this password. It stays so until the transaction ends.
fn is_password_current(connection: &mut AnyConnection, user_id: UserId, hash: &str) -> Result<bool, StoreError> {
    let user = users::table
        .find(DbUuid(user_id.0))
        .filter(users::password_hash.eq(hash))
        .filter(users::disabled_at.is_null())
        .select(users::user_id);
    let found: Option<DbUuid> = match connection {
        AnyConnection::Sqlite(connection) => user.get_result(connection).optional()?,
        AnyConnection::Postgres(connection) => user.for_share().get_result(connection).optional()?,
    };
    Ok(found.is_some())
}

fn delete(connection: &mut AnyConnection, session_id: DbUuid) -> Result<(), StoreError> {
    diesel::delete(sessions::table.find(session_id)).execute(connection)?;
    Ok(())
}

/// Ends sessions of a user, all or all but one; how many.
pub(super) fn end_all(connection: &mut AnyConnection, user_id: UserId, but: Option<Uuid>) -> Result<usize, StoreError> {
    let but = DbUuid(but.unwrap_or(Uuid::nil()));
    Ok(diesel::delete(sessions::table)
        .filter(sessions::user_id.eq(DbUuid(user_id.0)))
        .filter(sessions::session_id.ne(but))
        .execute(connection)?)
}

/// Makes room for one more session.
fn end_surplus(connection: &mut AnyConnection, user_id: UserId) -> Result<(), StoreError> {
    let surplus: Vec<DbUuid> = sessions::table
        .filter(sessions::user_id.eq(DbUuid(user_id.0)))
        .order((sessions::used_at.desc(), sessions::session_id))
        .offset(MAX_SESSIONS - 1)
        .limit(MAX_SESSIONS)
        .select(sessions::session_id)
        .load(connection)?;
    for session_id in surplus {
        delete(connection, session_id)?;
    }
    Ok(())
}
