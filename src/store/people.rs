//! What an operator, or a person for themselves, does with accounts: new passwords, locking out, lists, deletion.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use uuid::Uuid;

use super::connection::{AnyConnection, SEQUENTIAL};
use super::members::{lock_members, owners, remove, role_of};
use super::schema::{
    access_tokens, document_log, documents, external_identities, invitations, members, receipts, sessions,
    staged_operations, sync_notes, sync_runs, uploads, users, workspaces,
};
use super::sessions::end_all;
use super::sql_uuid::DbUuid;
use super::uploads::forget_user;
use super::workspaces::close;
use super::{Store, StoreError};
use crate::domain::access::Role;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// An account as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEntry {
    /// Which one.
    pub user_id: UserId,
    /// Its name.
    pub username: String,
    /// Made and vouched for by an outside identity provider: it has no password here.
    pub is_external: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is locked out.
    pub disabled_at: Option<Timestamp>,
}

type EntryRow = (DbUuid, String, Option<String>, i64, Option<i64>);

/// Rows of a table, by its name.
pub type RowCount = (&'static str, i64);

/// What became of an account that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserDeletion {
    /// It is gone.
    Deleted {
        /// What was removed.
        removed: Vec<RowCount>,
        /// Workspaces that nobody else was a member of; deleted, too.
        workspaces: Vec<WorkspaceId>,
    },
    /// The last owner of these workspaces (id, name), which have other members; nothing is changed.
    LastOwner(Vec<(WorkspaceId, String)>),
}

impl Store {
    /// Sets a password and ends the user's sessions, all but one.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn set_password(&self, user_id: UserId, password_hash: String, but: Option<Uuid>) -> Result<(), StoreError> {
        self.write(move |connection| {
            diesel::update(users::table.find(DbUuid(user_id.0)))
                .set(users::password_hash.eq(Some(&password_hash)))
                .execute(connection)?;
            end_all(connection, user_id, but)?;
            Ok(())
        })
    }

    /// Locks a user out, which ends the sessions, or lets them in again.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn set_disabled(&self, user_id: UserId, since: Option<Timestamp>) -> Result<(), StoreError> {
        self.write(move |connection| {
            diesel::update(users::table.find(DbUuid(user_id.0)))
                .set(users::disabled_at.eq(since.map(|time| time.0)))
                .execute(connection)?;
            if since.is_some() {
                end_all(connection, user_id, None)?;
            }
            Ok(())
        })
    }

    /// Whether there is such a user, not locked out.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn is_user_active(&self, user_id: UserId) -> Result<bool, StoreError> {
        self.read(|connection| {
            let user = users::table.find(DbUuid(user_id.0)).filter(users::disabled_at.is_null());
            Ok(user.count().get_result::<i64>(connection)? > 0)
        })
    }

    /// Users after `after` (`None` = from the first), by id: those made first in front.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<UserEntry>, StoreError> {
        let after = DbUuid(after.map_or(Uuid::nil(), |user| user.0));
        let rows: Vec<EntryRow> = self.read(|connection| {
            Ok(users::table
                .filter(users::user_id.gt(after))
                .order(users::user_id.asc())
                .limit(i64::from(limit))
                .select((users::user_id, users::username, users::password_hash, users::created_at, users::disabled_at))
                .load(connection)?)
        })?;
        let entry =
            |(user_id, username, hash, created_at, disabled_at): (DbUuid, _, Option<String>, _, Option<i64>)| {
                UserEntry {
                    user_id: UserId(user_id.0),
                    username,
                    is_external: hash.is_none(),
                    created_at: Timestamp(created_at),
                    disabled_at: disabled_at.map(Timestamp),
                }
            };
        Ok(rows.into_iter().map(entry).collect())
    }

    /// Deletes an account with all that is about the person, and the workspaces that nobody else is a member of.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn delete_user(&self, user_id: UserId, username: String, now: Timestamp) -> Result<UserDeletion, StoreError> {
        self.write(move |connection| delete_user(connection, user_id, &username, now))
    }

    /// How many rows of each table name the user.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn count_traces(&self, user_id: UserId) -> Result<Vec<RowCount>, StoreError> {
        self.read_snapshot(|connection| traces(connection, DbUuid(user_id.0)))
    }
}

/// Asks every shard: whatever names the user goes.
fn delete_user(
    connection: &mut AnyConnection,
    user_id: UserId,
    username: &str,
    now: Timestamp,
) -> Result<UserDeletion, StoreError> {
    if let AnyConnection::Postgres(connection) = connection {
        connection.batch_execute(SEQUENTIAL)?;
    }
    let key = DbUuid(user_id.0);
    let places: Vec<DbUuid> = members::table
        .filter(members::user_id.eq(key))
        .order(members::workspace_id)
        .select(members::workspace_id)
        .load(connection)?;
    let (mut alone, mut shared, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for place in places {
        let workspace_id = WorkspaceId(place.0);
        lock_members(connection, workspace_id)?;
        let of_place = members::table.filter(members::workspace_id.eq(place)).count();
        let is_owner = role_of(connection, workspace_id, user_id)? == Some(Role::Owner);
        if of_place.get_result::<i64>(connection)? <= 1 {
            alone.push(workspace_id);
        } else if is_owner && owners(connection, workspace_id)? <= 1 {
            let name = workspaces::table.find(place).select(workspaces::name).get_result(connection)?;
            held.push((workspace_id, name));
        } else {
            shared.push(workspace_id);
        }
    }
    if !held.is_empty() {
        return Ok(UserDeletion::LastOwner(held));
    }
    let mut removed = vec![("workspaces", count(alone.len())?), ("members", count(alone.len() + shared.len())?)];
    let (mut old_receipts, mut old_notes, mut old_runs) = (0, 0, 0);
    for workspace_id in &shared {
        remove(connection, *workspace_id, user_id)?;
        let place = DbUuid(workspace_id.0);
        old_receipts += diesel::delete(receipts::table)
            .filter(receipts::workspace_id.eq(place))
            .filter(receipts::user_id.eq(key))
            .execute(connection)?;
        old_notes += diesel::delete(sync_notes::table)
            .filter(sync_notes::workspace_id.eq(place))
            .filter(sync_notes::user_id.eq(key))
            .execute(connection)?;
        old_runs += diesel::delete(sync_runs::table)
            .filter(sync_runs::workspace_id.eq(place))
            .filter(sync_runs::user_id.eq(key))
            .execute(connection)?;
    }
    for workspace_id in &alone {
        close(connection, *workspace_id, now)?;
    }
    let (old_uploads, old_operations) = forget_user(connection, key)?;
    for (table, rows) in [
        ("receipts", old_receipts),
        ("sync_notes", old_notes),
        ("sync_runs", old_runs),
        ("uploads", old_uploads),
        ("staged_operations", old_operations),
    ] {
        removed.push((table, count(rows)?));
    }
    removed.push((
        "invitations",
        count(
            diesel::delete(invitations::table)
                .filter(invitations::username.eq(username).or(invitations::invited_by.eq(key)))
                .execute(connection)?,
        )?,
    ));
    let ended = end_all(connection, user_id, None)?;
    removed.push(("sessions", count(ended)?));
    let tokens = diesel::delete(access_tokens::table.filter(access_tokens::user_id.eq(key))).execute(connection)?;
    removed.push(("access_tokens", count(tokens)?));
    let identities =
        diesel::delete(external_identities::table.filter(external_identities::user_id.eq(key))).execute(connection)?;
    removed.push(("external_identities", count(identities)?));
    let gone = diesel::delete(users::table.find(key)).execute(connection)?;
    removed.push(("users", count(gone)?));
    Ok(UserDeletion::Deleted { removed, workspaces: alone })
}

fn count(rows: usize) -> Result<i64, StoreError> {
    i64::try_from(rows).map_err(|error| StoreError::Refused(error.to_string()))
}

/// Every column that names a user; a test compares them with the schema. Asks every shard.
fn traces(connection: &mut AnyConnection, key: DbUuid) -> Result<Vec<RowCount>, StoreError> {
    Ok(vec![
        ("users", users::table.filter(users::user_id.eq(key)).count().get_result(connection)?),
        (
            "external_identities",
            external_identities::table.filter(external_identities::user_id.eq(key)).count().get_result(connection)?,
        ),
        ("sessions", sessions::table.filter(sessions::user_id.eq(key)).count().get_result(connection)?),
        ("access_tokens", access_tokens::table.filter(access_tokens::user_id.eq(key)).count().get_result(connection)?),
        ("members", members::table.filter(members::user_id.eq(key)).count().get_result(connection)?),
        ("invitations", invitations::table.filter(invitations::invited_by.eq(key)).count().get_result(connection)?),
        ("receipts", receipts::table.filter(receipts::user_id.eq(key)).count().get_result(connection)?),
        ("sync_runs", sync_runs::table.filter(sync_runs::user_id.eq(key)).count().get_result(connection)?),
        ("sync_notes", sync_notes::table.filter(sync_notes::user_id.eq(key)).count().get_result(connection)?),
        ("uploads", uploads::table.filter(uploads::user_id.eq(key)).count().get_result(connection)?),
        (
            "staged_operations",
            staged_operations::table.filter(staged_operations::user_id.eq(key)).count().get_result(connection)?,
        ),
        ("workspaces", workspaces::table.filter(workspaces::owner_id.eq(key)).count().get_result(connection)?),
        ("documents", documents::table.filter(documents::updated_by.eq(key)).count().get_result(connection)?),
        ("document_log", document_log::table.filter(document_log::user_id.eq(key)).count().get_result(connection)?),
    ])
}
