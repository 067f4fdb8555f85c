//! Workspaces: made, listed, renamed, deleted. Who may do what in them is in `members`.

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::lives::current_life;
use super::members::{insert_member, lock_members, role_from_code};
use super::schema::{access_tokens, invitations, members, users, workspaces};
use super::sql_uuid::DbUuid;
use super::usage::Usage;
use super::{Store, StoreError};
use crate::domain::access::Role;
use crate::domain::cursor::FeedKey;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// A workspace as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Which workspace.
    pub workspace_id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// The name of the owner who answers for it; none where nobody does any more.
    pub owner: Option<String>,
    /// The member's role.
    pub role: Role,
    /// When the workspace was made.
    pub created_at: Timestamp,
}

/// A workspace as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceEntry {
    /// Which one.
    pub workspace_id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// The owner who answers for it.
    pub owner: Option<String>,
    /// What is stored of it.
    pub usage: Usage,
}

/// What became of a new workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkspaceCreation {
    /// It is stored, and its maker owns it.
    Created,
    /// There is a workspace of that id; nothing is stored.
    IdTaken,
}

/// What became of a workspace that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkspaceDeletion {
    /// It is there for nobody any more.
    Deleted,
    /// It has another name; nothing is changed.
    OtherName,
}

type MembershipRow = (DbUuid, String, Option<String>, i16, i64);

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
            if !insert_workspace(connection, user_id, workspace_id, &name, now)? {
                return Ok(WorkspaceCreation::IdTaken);
            }
            insert_member(connection, workspace_id, user_id, Role::Owner, now)?;
            Ok(WorkspaceCreation::Created)
        })
    }

    /// The workspaces of a user, those joined first in front.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_workspaces(&self, user_id: UserId) -> Result<Vec<Membership>, StoreError> {
        self.read(|connection| memberships(connection, user_id, None))
    }

    /// One workspace as this member sees it.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_membership(
        &self,
        user_id: UserId,
        workspace_id: WorkspaceId,
    ) -> Result<Option<Membership>, StoreError> {
        Ok(self.read(|connection| memberships(connection, user_id, Some(workspace_id)))?.pop())
    }

    /// The workspace that the user has been a member of for longest.
    ///
    /// Asks every shard: at a login.
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

    /// Workspaces after `after` (`None` = from the first), by id, those that are being deleted left out.
    ///
    /// Asks every shard: an operator does so.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_workspace_entries(
        &self,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<WorkspaceEntry>, StoreError> {
        let after = DbUuid(after.map_or(uuid::Uuid::nil(), |workspace| workspace.0));
        let rows: Vec<(DbUuid, String, Option<String>, Usage)> = self.read(|connection| {
            Ok(workspaces::table
                .left_join(users::table.on(workspaces::owner_id.eq(users::user_id.nullable())))
                .filter(workspaces::workspace_id.gt(after))
                .filter(workspaces::deleted_at.is_null())
                .order(workspaces::workspace_id.asc())
                .limit(i64::from(limit))
                .select((workspaces::workspace_id, workspaces::name, users::username.nullable(), Usage::as_select()))
                .load(connection)?)
        })?;
        let entry = |(id, name, owner, usage): (DbUuid, _, _, _)| WorkspaceEntry {
            workspace_id: WorkspaceId(id.0),
            name,
            owner,
            usage,
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    /// Changes the name of a workspace.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or whatever the database said.
    pub fn rename_workspace(&self, workspace_id: WorkspaceId, name: String) -> Result<(), StoreError> {
        self.write(move |connection| {
            let renamed = diesel::update(workspaces::table.find(DbUuid(workspace_id.0)))
                .filter(workspaces::deleted_at.is_null())
                .set(workspaces::name.eq(&name))
                .execute(connection)?;
            if renamed == 1 { Ok(()) } else { Err(StoreError::NoSuchWorkspace) }
        })
    }

    /// Deletes a workspace of this name (`None`: whatever its name): its members, invitations and tokens at once, the rest
    /// by and by ([`erase_slice`](Self::erase_slice)).
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or whatever the database said.
    pub fn delete_workspace(
        &self,
        workspace_id: WorkspaceId,
        name: Option<String>,
        now: Timestamp,
    ) -> Result<WorkspaceDeletion, StoreError> {
        self.write(move |connection| {
            lock_members(connection, workspace_id)?;
            let found: String =
                workspaces::table.find(DbUuid(workspace_id.0)).select(workspaces::name).get_result(connection)?;
            if name.as_ref().is_some_and(|name| *name != found) {
                return Ok(WorkspaceDeletion::OtherName);
            }
            close(connection, workspace_id, now)?;
            Ok(WorkspaceDeletion::Deleted)
        })
    }
}

/// Takes a workspace away from everybody. It is locked.
pub(super) fn close(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = DbUuid(workspace_id.0);
    diesel::delete(members::table.filter(members::workspace_id.eq(key))).execute(connection)?;
    diesel::delete(invitations::table.filter(invitations::workspace_id.eq(key))).execute(connection)?;
    diesel::delete(access_tokens::table.filter(access_tokens::workspace_id.eq(key))).execute(connection)?;
    diesel::update(workspaces::table.find(key))
        .set((workspaces::deleted_at.eq(now.0), workspaces::owner_id.eq(None::<DbUuid>)))
        .execute(connection)?;
    Ok(())
}

/// A user's memberships. Asks every shard for all of them.
fn memberships(
    connection: &mut AnyConnection,
    user_id: UserId,
    only: Option<WorkspaceId>,
) -> Result<Vec<Membership>, StoreError> {
    let query = members::table
        .inner_join(workspaces::table.on(workspaces::workspace_id.eq(members::workspace_id)))
        .left_join(users::table.on(workspaces::owner_id.eq(users::user_id.nullable())))
        .filter(members::user_id.eq(DbUuid(user_id.0)));
    let columns =
        (workspaces::workspace_id, workspaces::name, users::username.nullable(), members::role, workspaces::created_at);
    let rows: Vec<MembershipRow> = match only {
        Some(only) => query.filter(members::workspace_id.eq(DbUuid(only.0))).select(columns).load(connection)?,
        None => query.order((members::created_at, members::workspace_id)).select(columns).load(connection)?,
    };
    rows.into_iter()
        .map(|(workspace_id, name, owner, role, created_at)| {
            Ok(Membership {
                workspace_id: WorkspaceId(workspace_id.0),
                name,
                owner,
                role: role_from_code(role)?,
                created_at: Timestamp(created_at),
            })
        })
        .collect()
}

/// A new user's workspace, with its ownership; its id is new.
pub(super) fn found_workspace(
    connection: &mut AnyConnection,
    user_id: UserId,
    workspace_id: WorkspaceId,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !insert_workspace(connection, user_id, workspace_id, name, now)? {
        return Err(StoreError::Refused(format!("the id of the new workspace {workspace_id} is taken")));
    }
    insert_member(connection, workspace_id, user_id, Role::Owner, now)
}

fn insert_workspace(
    connection: &mut AnyConnection,
    owner_id: UserId,
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
        workspaces::owner_id.eq(Some(DbUuid(owner_id.0))),
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
