//! Workspaces and who is in them: what handlers do with both. Whether the caller may, they have asked before.

use crate::domain::access::Role;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;
use crate::store::accounts::{Acceptance, InvitationsOf};
pub use crate::store::accounts::{
    Invitation, Member, MemberChange, MemberRemoval, Membership, WorkspaceCreation, WorkspaceDeletion,
};
pub use crate::store::statistics::Statistics;
use crate::sync::{SyncError, SyncService};

/// A role that somebody is to have in a workspace.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Whose, by name.
    pub username: String,
    /// Which role.
    pub role: Role,
    /// Who gives it.
    pub by: UserId,
}

impl SyncService {
    /// Makes a workspace, its maker the owner.
    ///
    /// # Errors
    /// What the store says.
    pub fn create_workspace(
        &self,
        user_id: UserId,
        workspace_id: WorkspaceId,
        name: String,
        now: Timestamp,
    ) -> Result<WorkspaceCreation, SyncError> {
        Ok(self.store.create_workspace(user_id, workspace_id, name, now)?)
    }

    /// The workspaces of a user, with the roles in them.
    ///
    /// # Errors
    /// What the store says.
    pub fn list_workspaces(&self, user_id: UserId) -> Result<Vec<Membership>, SyncError> {
        Ok(self.store.list_workspaces(user_id)?)
    }

    /// Renames a workspace; as the user sees it then, if they still do.
    ///
    /// # Errors
    /// What the store says.
    pub fn rename_workspace(
        &self,
        user_id: UserId,
        workspace_id: WorkspaceId,
        name: String,
    ) -> Result<Option<Membership>, SyncError> {
        self.store.rename_workspace(workspace_id, name)?;
        Ok(self.store.find_membership(user_id, workspace_id)?)
    }

    /// Deletes a workspace, if this is its name.
    ///
    /// # Errors
    /// What the store says.
    pub fn delete_workspace(
        &self,
        workspace_id: WorkspaceId,
        name: String,
        now: Timestamp,
    ) -> Result<WorkspaceDeletion, SyncError> {
        Ok(self.store.delete_workspace(workspace_id, Some(name), now)?)
    }

    /// What a workspace holds, and what its sync runs did since then.
    ///
    /// # Errors
    /// What the store says.
    pub fn find_statistics(&self, workspace_id: WorkspaceId, since: Timestamp) -> Result<Statistics, SyncError> {
        Ok(self.store.find_statistics(workspace_id, since)?)
    }

    /// A page of members by name, after this one.
    ///
    /// # Errors
    /// What the store says.
    pub fn list_members(
        &self,
        workspace_id: WorkspaceId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Member>, SyncError> {
        Ok(self.store.list_members(workspace_id, after, limit)?)
    }

    /// Gives a role to a member, and to anybody else if members are added at once; others are invited. The member, if they
    /// are one now.
    ///
    /// # Errors
    /// What the store says.
    pub fn put_member(
        &self,
        grant: Grant,
        at_once: bool,
        now: Timestamp,
    ) -> Result<(MemberChange, Option<Member>), SyncError> {
        let Grant { workspace_id, username, role, by } = grant;
        let change = match at_once {
            true => self.store.put_member(workspace_id, username.clone(), role, now)?,
            false => self.store.invite_member(workspace_id, username.clone(), role, by, now)?,
        };
        let member = match change {
            MemberChange::Put => self.store.find_member(workspace_id, &username)?,
            MemberChange::Invited
            | MemberChange::NoSuchUser
            | MemberChange::LastOwner
            | MemberChange::TooManyInvitations => None,
        };
        Ok((change, member))
    }

    /// Takes a member, or an invitation, out of a workspace.
    ///
    /// # Errors
    /// What the store says.
    pub fn remove_member(&self, workspace_id: WorkspaceId, username: String) -> Result<MemberRemoval, SyncError> {
        Ok(self.store.remove_member(workspace_id, username)?)
    }

    /// Takes a user out of a workspace at their own wish.
    ///
    /// # Errors
    /// What the store says.
    pub fn leave_workspace(&self, workspace_id: WorkspaceId, user_id: UserId) -> Result<MemberRemoval, SyncError> {
        Ok(self.store.leave_workspace(workspace_id, user_id)?)
    }

    /// The open invitations to a workspace.
    ///
    /// # Errors
    /// What the store says.
    pub fn list_invitations_to(&self, workspace_id: WorkspaceId) -> Result<Vec<Invitation>, SyncError> {
        Ok(self.store.list_invitations(InvitationsOf::Workspace(workspace_id))?)
    }

    /// The open invitations of the person of this name.
    ///
    /// # Errors
    /// What the store says.
    pub fn list_invitations_of(&self, username: &str) -> Result<Vec<Invitation>, SyncError> {
        Ok(self.store.list_invitations(InvitationsOf::Person(username))?)
    }

    /// Makes a user who was invited a member; their membership, or nothing if they were not invited.
    ///
    /// # Errors
    /// What the store says.
    pub fn accept_invitation(
        &self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        username: String,
        now: Timestamp,
    ) -> Result<Option<Membership>, SyncError> {
        match self.store.accept_invitation(workspace_id, user_id, username, now)? {
            Acceptance::Joined(_role) => Ok(self.store.find_membership(user_id, workspace_id)?),
            Acceptance::NotInvited => Ok(None),
        }
    }

    /// Withdraws the invitation of the person of this name; whether there was one.
    ///
    /// # Errors
    /// What the store says.
    pub fn decline_invitation(&self, workspace_id: WorkspaceId, username: String) -> Result<bool, SyncError> {
        Ok(self.store.decline_invitation(workspace_id, username)?)
    }
}
