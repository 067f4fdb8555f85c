//! Invitations, as those who are invited see them, and as owners do.

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::members::{insert_member, lock_members, role_from_code, role_of, withdraw};
use super::schema::{invitations, users, workspaces};
use super::sql_uuid::DbUuid;
use super::{Store, StoreError};
use crate::domain::access::Role;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// Invitations that one answer lists.
const MAX_LISTED: i64 = 1_000;

/// Someone who is wanted as a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// The workspace's name.
    pub workspace_name: String,
    /// Who is invited.
    pub username: String,
    /// As what.
    pub role: Role,
    /// By whom; none if that account is gone.
    pub invited_by: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// What became of an invitation that was to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// The user is a member.
    Joined(Role),
    /// There is no such invitation.
    NotInvited,
}

/// Whose invitations are listed.
#[derive(Clone, Copy, Debug)]
pub enum InvitationsOf<'a> {
    /// Those of the person of this name.
    Person(&'a str),
    /// Those into this workspace.
    Workspace(WorkspaceId),
}

type InvitationRow = (DbUuid, String, String, i16, Option<String>, i64);

impl Store {
    /// The open invitations, the oldest in front, a thousand at most.
    ///
    /// Asks every shard for those of a person.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn list_invitations(&self, of: InvitationsOf<'_>) -> Result<Vec<Invitation>, StoreError> {
        self.read(|connection| {
            let query = invitations::table
                .inner_join(workspaces::table.on(workspaces::workspace_id.eq(invitations::workspace_id)))
                .left_join(users::table.on(users::user_id.eq(invitations::invited_by)))
                .order((invitations::created_at, invitations::workspace_id, invitations::username))
                .limit(MAX_LISTED);
            let columns = (
                invitations::workspace_id,
                workspaces::name,
                invitations::username,
                invitations::role,
                users::username.nullable(),
                invitations::created_at,
            );
            let rows: Vec<InvitationRow> = match of {
                InvitationsOf::Person(name) => {
                    query.filter(invitations::username.eq(name)).select(columns).load(connection)?
                }
                InvitationsOf::Workspace(id) => {
                    query.filter(invitations::workspace_id.eq(DbUuid(id.0))).select(columns).load(connection)?
                }
            };
            rows.into_iter()
                .map(|(workspace_id, workspace_name, username, role, invited_by, created_at)| {
                    Ok(Invitation {
                        workspace_id: WorkspaceId(workspace_id.0),
                        workspace_name,
                        username,
                        role: role_from_code(role)?,
                        invited_by,
                        created_at: Timestamp(created_at),
                    })
                })
                .collect()
        })
    }

    /// Makes the invited a member.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn accept_invitation(
        &self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        username: String,
        now: Timestamp,
    ) -> Result<Acceptance, StoreError> {
        self.write(move |connection| {
            match lock_members(connection, workspace_id) {
                Err(StoreError::NoSuchWorkspace) => return Ok(Acceptance::NotInvited),
                locked => locked?,
            }
            accept(connection, workspace_id, user_id, &username, now)
        })
    }

    /// Turns an invitation down; whether there was one.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn decline_invitation(&self, workspace_id: WorkspaceId, username: String) -> Result<bool, StoreError> {
        self.write(move |connection| withdraw(connection, workspace_id, &username))
    }
}

fn accept(
    connection: &mut AnyConnection,
    workspace_id: WorkspaceId,
    user_id: UserId,
    username: &str,
    now: Timestamp,
) -> Result<Acceptance, StoreError> {
    let role: Option<i16> = invitations::table
        .find((DbUuid(workspace_id.0), username))
        .select(invitations::role)
        .get_result(connection)
        .optional()?;
    let Some(role) = role.map(role_from_code).transpose()? else { return Ok(Acceptance::NotInvited) };
    withdraw(connection, workspace_id, username)?;
    // Added meanwhile by other means: that role stands.
    if let Some(current) = role_of(connection, workspace_id, user_id)? {
        return Ok(Acceptance::Joined(current));
    }
    insert_member(connection, workspace_id, user_id, role, now)?;
    Ok(Acceptance::Joined(role))
}
