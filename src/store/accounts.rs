//! Users, built-in or vouched for from outside; each begins with a workspace of their own. Hashes are the caller's
//! work: no password and no token is known here.

use diesel::prelude::*;

use super::connection::AnyConnection;
pub use super::invitations::{Acceptance, Invitation, InvitationsOf};
pub use super::members::{Member, MemberChange, MemberRemoval};
use super::schema::{external_identities, users};
pub use super::sessions::{NewSession, Rotation, Session};
use super::sql_uuid::DbUuid;
pub use super::usage::Usage;
use super::workspaces::found_workspace;
pub use super::workspaces::{Membership, WorkspaceCreation, WorkspaceDeletion};
use super::{Store, StoreError};
pub use crate::domain::access::Role;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Which user.
    pub user_id: UserId,
    /// Unique name.
    pub username: String,
    /// PHC string; `None` for a user of an outside identity provider.
    pub password_hash: Option<String>,
    /// Locked out by the operator.
    pub disabled: bool,
}

/// A new built-in account and its first workspace.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The user's id.
    pub user_id: UserId,
    /// The name, as it is to be compared: normalising it is the caller's work.
    pub username: String,
    /// PHC string.
    pub password_hash: String,
    /// The first workspace's id.
    pub workspace_id: WorkspaceId,
    /// The first workspace's name.
    pub workspace_name: String,
    /// The time of it all.
    pub now: Timestamp,
}

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// User, workspace and ownership are stored.
    Created,
    /// Another user has that name; nothing is stored.
    UsernameTaken,
}

/// Someone whom an outside identity provider vouches for.
#[derive(Clone, Debug)]
pub struct ExternalUser {
    /// The provider.
    pub issuer: String,
    /// Its name for the user, unique there for ever.
    pub subject: String,
    /// The name to use here; a suffix is added when it is taken.
    pub preferred_name: String,
    /// The id for a user who is new here.
    pub user_id: UserId,
    /// The id for a new user's first workspace.
    pub workspace_id: WorkspaceId,
    /// The name for a new user's first workspace.
    pub workspace_name: String,
    /// The time of it all.
    pub now: Timestamp,
}

/// How many suffixed names are tried before the user's id, which is unique, serves as the suffix.
const SUFFIXES: u32 = 20;

impl Store {
    /// Stores a user, a first workspace and the ownership of it, or nothing.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn create_user(&self, new: NewUser) -> Result<Registration, StoreError> {
        self.write(move |connection| {
            let user = NewUserRow {
                user_id: DbUuid(new.user_id.0),
                username: &new.username,
                password_hash: Some(&new.password_hash),
                created_at: new.now.0,
            };
            if !insert_user(connection, &user)? {
                return Ok(Registration::UsernameTaken);
            }
            found_workspace(connection, new.user_id, new.workspace_id, &new.workspace_name, new.now)?;
            Ok(Registration::Created)
        })
    }

    /// The user of that name.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_user_by_name(&self, username: &str) -> Result<Option<User>, StoreError> {
        self.read(|connection| find_by_name(connection, username))
    }

    /// The user of that id.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_user(&self, user_id: UserId) -> Result<Option<User>, StoreError> {
        self.read(|connection| {
            let row: Option<UserRow> =
                users::table.find(DbUuid(user_id.0)).select(UserRow::as_select()).get_result(connection).optional()?;
            Ok(row.map(User::from))
        })
    }

    /// The user whom an outside provider vouches for, made with a first workspace when new here.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_or_create_external_user(&self, external: ExternalUser) -> Result<User, StoreError> {
        let known = self.read(|connection| find_external(connection, &external.issuer, &external.subject))?;
        match known {
            Some(user) => Ok(user),
            None => self.write(move |connection| create_external(connection, &external)),
        }
    }
}

fn create_external(connection: &mut AnyConnection, external: &ExternalUser) -> Result<User, StoreError> {
    // Looked up again: another request of the same user may have come first.
    if let Some(user) = find_external(connection, &external.issuer, &external.subject)? {
        return Ok(user);
    }
    let username = insert_under_free_name(connection, external)?;
    let identity = (
        external_identities::issuer.eq(&external.issuer),
        external_identities::subject.eq(&external.subject),
        external_identities::user_id.eq(DbUuid(external.user_id.0)),
    );
    let identified = match connection {
        AnyConnection::Sqlite(connection) => diesel::insert_into(external_identities::table)
            .values(identity)
            .on_conflict_do_nothing()
            .execute(connection)?,
        AnyConnection::Postgres(connection) => diesel::insert_into(external_identities::table)
            .values(identity)
            .on_conflict_do_nothing()
            .execute(connection)?,
    };
    if identified == 0 {
        // The other request has won; the next try finds its user.
        return Err(StoreError::LostRace);
    }
    found_workspace(connection, external.user_id, external.workspace_id, &external.workspace_name, external.now)?;
    Ok(User { user_id: external.user_id, username, password_hash: None, disabled: false })
}

fn insert_under_free_name(connection: &mut AnyConnection, external: &ExternalUser) -> Result<String, StoreError> {
    let preferred = &external.preferred_name;
    let suffixed = (2..=SUFFIXES).map(|suffix| format!("{preferred}-{suffix}"));
    let candidates = std::iter::once(preferred.clone())
        .chain(suffixed)
        .chain(std::iter::once(format!("{preferred}-{}", external.user_id)));
    for username in candidates {
        let user = NewUserRow {
            user_id: DbUuid(external.user_id.0),
            username: &username,
            password_hash: None,
            created_at: external.now.0,
        };
        if insert_user(connection, &user)? {
            return Ok(username);
        }
    }
    Err(StoreError::Refused("no free name for a user of an outside identity provider".into()))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct UserRow {
    user_id: DbUuid,
    username: String,
    password_hash: Option<String>,
    disabled_at: Option<i64>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            user_id: UserId(row.user_id.0),
            username: row.username,
            password_hash: row.password_hash,
            disabled: row.disabled_at.is_some(),
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = users)]
struct NewUserRow<'a> {
    user_id: DbUuid,
    username: &'a str,
    password_hash: Option<&'a str>,
    created_at: i64,
}

/// Whether the name was free. A conflict fails no transaction: on Postgres an error would.
fn insert_user(connection: &mut AnyConnection, user: &NewUserRow<'_>) -> Result<bool, StoreError> {
    let inserted = match connection {
        AnyConnection::Sqlite(connection) => diesel::insert_into(users::table)
            .values(user)
            .on_conflict(users::username)
            .do_nothing()
            .execute(connection)?,
        AnyConnection::Postgres(connection) => diesel::insert_into(users::table)
            .values(user)
            .on_conflict(users::username)
            .do_nothing()
            .execute(connection)?,
    };
    Ok(inserted == 1)
}

fn find_by_name(connection: &mut AnyConnection, username: &str) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> = users::table
        .filter(users::username.eq(username))
        .select(UserRow::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row.map(User::from))
}

fn find_external(connection: &mut AnyConnection, issuer: &str, subject: &str) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> = external_identities::table
        .inner_join(users::table.on(users::user_id.eq(external_identities::user_id)))
        .filter(external_identities::issuer.eq(issuer))
        .filter(external_identities::subject.eq(subject))
        .select(UserRow::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row.map(User::from))
}
