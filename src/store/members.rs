//! Workspaces and who may do what in them. A workspace always keeps an owner.

use diesel::prelude::*;

use super::accounts::{Member, Membership, Role, find_by_name};
use super::connection::AnyConnection;
use super::lives::current_life;
use super::schema::{members, users, workspaces};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::cursor::FeedKey;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// What became of a new workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkspaceCreation {
    /// It is stored, and its maker owns it.
    Created,
    /// There is a workspace of that id; nothing is stored.
    IdTaken,
}

/// What became of a member's new role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// The user has the role.
    Put,
    /// Nobody has that name.
    NoSuchUser,
    /// The user is the last owner; nothing is changed.
    LastOwner,
}

/// What became of a member's removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberRemoval {
    /// The user is no member any more.
    Removed,
    /// The user was none (or there is no such user).
    NotMember,
    /// The user is the last owner; nothing is changed.
    LastOwner,
}

impl Store {
    /// Stores a workspace and its maker's ownership, or nothing.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn create_workspace(
        &self,
        user_id: UserId,
        workspace_id: WorkspaceId,
        name: String,
        now: Timestamp,
    ) -> Result<WorkspaceCreation, StoreError> {
        self.write(move |connection| {
            if !insert_workspace(connection, workspace_id, &name, now)? {
                return Ok(WorkspaceCreation::IdTaken);
            }
            insert_member(connection, workspace_id, user_id, Role::Owner, now)?;
            Ok(WorkspaceCreation::Created)
        })
    }

    /// The workspaces of a user, those joined first in front.
    ///
    /// Asks every shard: at login and when a client lists its workspaces.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_workspaces(&self, user_id: UserId) -> Result<Vec<Membership>, StoreError> {
        self.read(|connection| {
            let rows: Vec<(DbUuid, String, i16, i64)> = members::table
                .inner_join(workspaces::table.on(workspaces::workspace_id.eq(members::workspace_id)))
                .filter(members::user_id.eq(DbUuid(user_id.0)))
                .order((members::created_at, members::workspace_id))
                .select((workspaces::workspace_id, workspaces::name, members::role, workspaces::created_at))
                .load(connection)?;
            rows.into_iter()
                .map(|(workspace_id, name, role, created_at)| {
                    Ok(Membership {
                        workspace_id: WorkspaceId(workspace_id.0),
                        name,
                        role: role_from_code(role)?,
                        created_at: Timestamp(created_at),
                    })
                })
                .collect()
        })
    }

    /// The workspace that the user has been a member of for longest.
    ///
    /// Asks every shard: once for each login.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn first_workspace(&self, user_id: UserId) -> Result<Option<WorkspaceId>, StoreError> {
        self.read(|connection| {
            let first: Option<DbUuid> = members::table
                .filter(members::user_id.eq(DbUuid(user_id.0)))
                .order((members::created_at, members::workspace_id))
                .select(members::workspace_id)
                .first(connection)
                .optional()?;
            Ok(first.map(|id| WorkspaceId(id.0)))
        })
    }

    /// What a user may do in a workspace; `None` = nothing, as far as they know it does not exist.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_role(&self, user_id: UserId, workspace_id: WorkspaceId) -> Result<Option<Role>, StoreError> {
        self.read(|connection| role_of(connection, workspace_id, user_id))
    }

    /// The members of a workspace, by name.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_members(&self, workspace_id: WorkspaceId) -> Result<Vec<Member>, StoreError> {
        self.read(|connection| {
            let mut rows: Vec<(String, i16, i64)> = members::table
                .inner_join(users::table.on(users::user_id.eq(members::user_id)))
                .filter(members::workspace_id.eq(DbUuid(workspace_id.0)))
                .select((users::username, members::role, members::created_at))
                .load(connection)?;
            // Sorted here: the databases' orders of text differ.
            rows.sort();
            rows.into_iter()
                .map(|(username, role, created_at)| {
                    Ok(Member { username, role: role_from_code(role)?, created_at: Timestamp(created_at) })
                })
                .collect()
        })
    }

    /// Gives a user a role in a workspace, as a new member or in place of the old role.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or whatever the database said.
    pub fn put_member(
        &self,
        workspace_id: WorkspaceId,
        username: String,
        role: Role,
        now: Timestamp,
    ) -> Result<MemberChange, StoreError> {
        self.write(move |connection| {
            lock_members(connection, workspace_id)?;
            let Some(user) = find_by_name(connection, &username)? else { return Ok(MemberChange::NoSuchUser) };
            match role_of(connection, workspace_id, user.user_id)? {
                None => insert_member(connection, workspace_id, user.user_id, role, now)?,
                Some(Role::Owner) if role != Role::Owner && owners(connection, workspace_id)? <= 1 => {
                    return Ok(MemberChange::LastOwner);
                }
                Some(_) => {
                    diesel::update(members::table)
                        .filter(members::workspace_id.eq(DbUuid(workspace_id.0)))
                        .filter(members::user_id.eq(DbUuid(user.user_id.0)))
                        .set(members::role.eq(role_code(role)))
                        .execute(connection)?;
                }
            }
            Ok(MemberChange::Put)
        })
    }

    /// Ends a membership.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or whatever the database said.
    pub fn remove_member(&self, workspace_id: WorkspaceId, username: String) -> Result<MemberRemoval, StoreError> {
        self.write(move |connection| {
            lock_members(connection, workspace_id)?;
            let Some(user) = find_by_name(connection, &username)? else { return Ok(MemberRemoval::NotMember) };
            match role_of(connection, workspace_id, user.user_id)? {
                None => return Ok(MemberRemoval::NotMember),
                Some(Role::Owner) if owners(connection, workspace_id)? <= 1 => return Ok(MemberRemoval::LastOwner),
                Some(_) => {}
            }
            diesel::delete(members::table)
                .filter(members::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(members::user_id.eq(DbUuid(user.user_id.0)))
                .execute(connection)?;
            Ok(MemberRemoval::Removed)
        })
    }
}

/// A new user's workspace, with its ownership; its id is new.
pub(super) fn found_workspace(
    connection: &mut AnyConnection,
    user_id: UserId,
    workspace_id: WorkspaceId,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !insert_workspace(connection, workspace_id, name, now)? {
        return Err(StoreError::Refused(format!("the id of the new workspace {workspace_id} is taken")));
    }
    insert_member(connection, workspace_id, user_id, Role::Owner, now)
}

fn insert_workspace(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    name: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let life = current_life(connection)?;
    let row = (
        workspaces::workspace_id.eq(DbUuid(workspace_id.0)),
        workspaces::name.eq(name),
        workspaces::created_at.eq(now.0),
        workspaces::feed_key.eq(new_feed_key()?),
        workspaces::generation.eq(life.generation),
        workspaces::version_floor.eq(life.version_floor),
    );
    let inserted = match connection {
        AnyConnection::Sqlite(connection) => {
            diesel::insert_into(workspaces::table).values(row).on_conflict_do_nothing().execute(connection)?
        }
        AnyConnection::Postgres(connection) => {
            diesel::insert_into(workspaces::table).values(row).on_conflict_do_nothing().execute(connection)?
        }
    };
    Ok(inserted == 1)
}

/// Random, so that nobody can make up a cursor.
fn new_feed_key() -> Result<Vec<u8>, StoreError> {
    let mut key = vec![0; FeedKey::BYTES];
    getrandom::fill(&mut key).map_err(|error| StoreError::Unavailable(format!("no random bytes: {error}")))?;
    Ok(key)
}

fn insert_member(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    user_id: UserId,
    role: Role,
    now: Timestamp,
) -> Result<(), StoreError> {
    diesel::insert_into(members::table)
        .values((
            members::workspace_id.eq(DbUuid(workspace_id.0)),
            members::user_id.eq(DbUuid(user_id.0)),
            members::role.eq(role_code(role)),
            members::created_at.eq(now.0),
        ))
        .execute(connection)?;
    Ok(())
}

/// Orders changes of a workspace's members: two owners who leave at once would both see the other stay.
fn lock_members(connection: &mut AnyConnection, workspace_id: WorkspaceId) -> Result<(), StoreError> {
    let workspace = workspaces::table.find(DbUuid(workspace_id.0)).select(workspaces::head_sequence);
    let found: Option<i64> = match connection {
        AnyConnection::Sqlite(connection) => workspace.get_result(connection).optional()?,
        AnyConnection::Postgres(connection) => workspace.for_no_key_update().get_result(connection).optional()?,
    };
    found.map(|_sequence| ()).ok_or(StoreError::NoSuchWorkspace)
}

fn role_of(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    user_id: UserId,
) -> Result<Option<Role>, StoreError> {
    let code: Option<i16> = members::table
        .find((DbUuid(workspace_id.0), DbUuid(user_id.0)))
        .select(members::role)
        .get_result(connection)
        .optional()?;
    code.map(role_from_code).transpose()
}

fn owners(connection: &mut AnyConnection, workspace_id: WorkspaceId) -> Result<i64, StoreError> {
    Ok(members::table
        .filter(members::workspace_id.eq(DbUuid(workspace_id.0)))
        .filter(members::role.eq(role_code(Role::Owner)))
        .count()
        .get_result(connection)?)
}

const fn role_code(role: Role) -> i16 {
    match role {
        Role::Viewer => 0,
        Role::Editor => 1,
        Role::Owner => 2,
    }
}

fn role_from_code(code: i16) -> Result<Role, StoreError> {
    match code {
        0 => Ok(Role::Viewer),
        1 => Ok(Role::Editor),
        2 => Ok(Role::Owner),
        _ => Err(StoreError::Corrupt(format!("unknown role {code}"))),
    }
}
