//! The members of workspaces, and what they may do there. A workspace always keeps an owner.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::connection::AnyConnection;
use super::schema::{access_tokens, invitations, members, users, workspaces};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::access::Role;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// Invitations of a workspace that can be open at a time.
const MAX_INVITATIONS: i64 = 1_000;

/// One member of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The user's name.
    pub username: String,
    /// The user's role.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// What became of a member's new role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// The user has the role.
    Put,
    /// Whoever has that name, or will have it, is invited.
    Invited,
    /// Nobody has that name.
    NoSuchUser,
    /// The user is the last owner; nothing is changed.
    LastOwner,
    /// As many invitations are open as can be; nothing is changed.
    TooManyInvitations,
}

/// What became of a member's removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberRemoval {
    /// The user is no longer a member, and not invited.
    Removed,
    /// The user was neither (or there is no such user).
    NotMember,
    /// The user is the last owner; nothing is changed.
    LastOwner,
}

impl Store {
    /// What a user may do in a workspace; `None` = nothing, as far as they know it does not exist.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_role(&self, user_id: UserId, workspace_id: WorkspaceId) -> Result<Option<Role>, StoreError> {
        self.read(|connection| role_of(connection, workspace_id, user_id))
    }

    /// Members of a workspace by name, after the one named `after`, at most `limit` of them.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_members(
        &self,
        workspace_id: WorkspaceId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        // By bytes on both: Postgres has an order of its own for each language.
        let name = |connection: &AnyConnection| match connection {
            AnyConnection::Sqlite(_) => sql::<Text>("users.username"),
            AnyConnection::Postgres(_) => sql::<Text>("users.username COLLATE \"C\""),
        };
        self.read(|connection| {
            let (by, order) = (name(connection), name(connection));
            let rows: Vec<(String, i16, i64)> = members::table
                .inner_join(users::table.on(users::user_id.eq(members::user_id)))
                .filter(members::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(by.gt(after.unwrap_or_default()))
                .order(order)
                .limit(i64::from(limit))
                .select((users::username, members::role, members::created_at))
                .load(connection)?;
            rows.into_iter().map(member_of).collect()
        })
    }

    /// The member of that name.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_member(&self, workspace_id: WorkspaceId, username: &str) -> Result<Option<Member>, StoreError> {
        self.read(|connection| {
            let row: Option<(String, i16, i64)> = members::table
                .inner_join(users::table.on(users::user_id.eq(members::user_id)))
                .filter(members::workspace_id.eq(DbUuid(workspace_id.0)))
                .filter(users::username.eq(username))
                .select((users::username, members::role, members::created_at))
                .get_result(connection)
                .optional()?;
            row.map(member_of).transpose()
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
            let Some(user_id) = user_named(connection, &username)? else { return Ok(MemberChange::NoSuchUser) };
            if let Some(current) = role_of(connection, workspace_id, user_id)? {
                return change_role(connection, workspace_id, user_id, current, role);
            }
            withdraw(connection, workspace_id, &username)?;
            insert_member(connection, workspace_id, user_id, role, now)?;
            Ok(MemberChange::Put)
        })
    }

    /// Gives a member another role; invites whoever has the name and is none. Whether there is such a user, it does not
    /// answer.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or whatever the database said.
    pub fn invite_member(
        &self,
        workspace_id: WorkspaceId,
        username: String,
        role: Role,
        invited_by: UserId,
        now: Timestamp,
    ) -> Result<MemberChange, StoreError> {
        self.write(move |connection| {
            lock_members(connection, workspace_id)?;
            if let Some(user_id) = user_named(connection, &username)?
                && let Some(current) = role_of(connection, workspace_id, user_id)?
            {
                return change_role(connection, workspace_id, user_id, current, role);
            }
            withdraw(connection, workspace_id, &username)?;
            let key = DbUuid(workspace_id.0);
            let open: i64 =
                invitations::table.filter(invitations::workspace_id.eq(key)).count().get_result(connection)?;
            if open >= MAX_INVITATIONS {
                return Ok(MemberChange::TooManyInvitations);
            }
            diesel::insert_into(invitations::table)
                .values((
                    invitations::workspace_id.eq(key),
                    invitations::username.eq(&username),
                    invitations::role.eq(role_code(role)),
                    invitations::invited_by.eq(DbUuid(invited_by.0)),
                    invitations::created_at.eq(now.0),
                ))
                .execute(connection)?;
            Ok(MemberChange::Invited)
        })
    }

    /// Ends a membership, or withdraws an invitation.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or whatever the database said.
    pub fn remove_member(&self, workspace_id: WorkspaceId, username: String) -> Result<MemberRemoval, StoreError> {
        self.write(move |connection| {
            lock_members(connection, workspace_id)?;
            let withdrawn = withdraw(connection, workspace_id, &username)?;
            let removal = match user_named(connection, &username)? {
                Some(user_id) => remove(connection, workspace_id, user_id)?,
                None => MemberRemoval::NotMember,
            };
            Ok(if withdrawn && removal == MemberRemoval::NotMember { MemberRemoval::Removed } else { removal })
        })
    }

    /// Ends a user's own membership.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or whatever the database said.
    pub fn leave_workspace(&self, workspace_id: WorkspaceId, user_id: UserId) -> Result<MemberRemoval, StoreError> {
        self.write(move |connection| {
            lock_members(connection, workspace_id)?;
            remove(connection, workspace_id, user_id)
        })
    }
}

fn member_of((username, role, created_at): (String, i16, i64)) -> Result<Member, StoreError> {
    Ok(Member { username, role: role_from_code(role)?, created_at: Timestamp(created_at) })
}

fn change_role(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    user_id: UserId,
    current: Role,
    role: Role,
) -> Result<MemberChange, StoreError> {
    if current == Role::Owner && role != Role::Owner && owners(connection, workspace_id)? <= 1 {
        return Ok(MemberChange::LastOwner);
    }
    diesel::update(members::table.find((DbUuid(workspace_id.0), DbUuid(user_id.0))))
        .set(members::role.eq(role_code(role)))
        .execute(connection)?;
    settle_owner(connection, workspace_id)?;
    Ok(MemberChange::Put)
}

/// Ends a membership. The workspace is locked.
pub(super) fn remove(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    user_id: UserId,
) -> Result<MemberRemoval, StoreError> {
    match role_of(connection, workspace_id, user_id)? {
        None => return Ok(MemberRemoval::NotMember),
        Some(Role::Owner) if owners(connection, workspace_id)? <= 1 => return Ok(MemberRemoval::LastOwner),
        Some(_) => {}
    }
    let (workspace, user) = (DbUuid(workspace_id.0), DbUuid(user_id.0));
    diesel::delete(members::table.find((workspace, user))).execute(connection)?;
    diesel::delete(access_tokens::table)
        .filter(access_tokens::workspace_id.eq(workspace))
        .filter(access_tokens::user_id.eq(user))
        .execute(connection)?;
    settle_owner(connection, workspace_id)?;
    Ok(MemberRemoval::Removed)
}

/// Sees to it that one of the owners answers for the workspace: the one who does, or the one who has been it for longest.
fn settle_owner(connection: &mut AnyConnection, workspace_id: WorkspaceId) -> Result<(), StoreError> {
    let key = DbUuid(workspace_id.0);
    let current: Option<DbUuid> = workspaces::table.find(key).select(workspaces::owner_id).get_result(connection)?;
    let is_owner = |connection: &mut AnyConnection, user: DbUuid| {
        Ok::<_, StoreError>(role_of(connection, workspace_id, UserId(user.0))? == Some(Role::Owner))
    };
    if let Some(user) = current
        && is_owner(connection, user)?
    {
        return Ok(());
    }
    let next: Option<DbUuid> = members::table
        .filter(members::workspace_id.eq(key))
        .filter(members::role.eq(role_code(Role::Owner)))
        .order((members::created_at, members::user_id))
        .select(members::user_id)
        .first(connection)
        .optional()?;
    diesel::update(workspaces::table.find(key)).set(workspaces::owner_id.eq(next)).execute(connection)?;
    Ok(())
}

/// Takes back an invitation; whether there was one.
pub(super) fn withdraw(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    username: &str,
) -> Result<bool, StoreError> {
    Ok(diesel::delete(invitations::table.find((DbUuid(workspace_id.0), username))).execute(connection)? > 0)
}

fn user_named(connection: &mut AnyConnection, username: &str) -> Result<Option<UserId>, StoreError> {
    let id: Option<DbUuid> =
        users::table.filter(users::username.eq(username)).select(users::user_id).get_result(connection).optional()?;
    Ok(id.map(|id| UserId(id.0)))
}

pub(super) fn insert_member(
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
pub(super) fn lock_members(connection: &mut AnyConnection, workspace_id: WorkspaceId) -> Result<(), StoreError> {
    let workspace = workspaces::table
        .filter(workspaces::workspace_id.eq(DbUuid(workspace_id.0)))
        .filter(workspaces::deleted_at.is_null())
        .select(workspaces::head_sequence);
    let found: Option<i64> = match connection {
        AnyConnection::Sqlite(connection) => workspace.get_result(connection).optional()?,
        AnyConnection::Postgres(connection) => workspace.for_no_key_update().get_result(connection).optional()?,
    };
    found.map(|_sequence| ()).ok_or(StoreError::NoSuchWorkspace)
}

pub(super) fn role_of(
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

pub(super) fn owners(connection: &mut AnyConnection, workspace_id: WorkspaceId) -> Result<i64, StoreError> {
    Ok(members::table
        .filter(members::workspace_id.eq(DbUuid(workspace_id.0)))
        .filter(members::role.eq(role_code(Role::Owner)))
        .count()
        .get_result(connection)?)
}

pub(super) const fn role_code(role: Role) -> i16 {
    match role {
        Role::Viewer => 0,
        Role::Editor => 1,
        Role::Owner => 2,
    }
}

pub(super) fn role_from_code(code: i16) -> Result<Role, StoreError> {
    match code {
        0 => Ok(Role::Viewer),
        1 => Ok(Role::Editor),
        2 => Ok(Role::Owner),
        _ => Err(StoreError::Corrupt(format!("unknown role {code}"))),
    }
}
