//! Who may do what: every action, the least role that it takes, and what a token for scripts may not do. This is the only
//! place that knows it; `docs/access.md` shows the same as a table, and a test walks every endpoint with it.

use serde::{Deserialize, Serialize};

use crate::domain::ids::WorkspaceId;

/// What a member may do in a workspace. The order is the order of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May read.
    Viewer,
    /// May read and write.
    Editor,
    /// May read, write, and manage the workspace and its members.
    Owner,
}

impl Role {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }
}

/// Something to be done in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read documents, versions, the feed and its events.
    Read,
    /// Open, read and cancel sync runs of one's own: a viewer pulls, and a pull has runs too.
    RunSyncs,
    /// Read how much is stored, and what sync runs did.
    ReadStatistics,
    /// Give up the membership.
    Leave,
    /// Create, change and delete documents.
    Write,
    /// List, invite, change and remove members.
    ManageMembers,
    /// Change the workspace's name.
    Rename,
    /// Delete the workspace and all that is in it.
    Delete,
}

impl Action {
    /// The least role that may.
    #[must_use]
    pub const fn least_role(self) -> Role {
        match self {
            Self::Read | Self::RunSyncs | Self::ReadStatistics | Self::Leave => Role::Viewer,
            Self::Write => Role::Editor,
            Self::ManageMembers | Self::Rename | Self::Delete => Role::Owner,
        }
    }

    /// Whether a token for scripts may, where its role does. What ends a membership or a workspace takes a login.
    #[must_use]
    pub const fn is_for_scripts(self) -> bool {
        !matches!(self, Self::Leave | Self::Delete)
    }
}

/// What a token for scripts is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The only workspace that there is for it.
    pub workspace_id: WorkspaceId,
    /// The most that it may do there; its user's own role may be less.
    pub role: Role,
}

/// Why something may not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// As far as the caller may know there is no such workspace.
    Unknown,
    /// A member, but without the power.
    RoleTooLow {
        /// The least role that would do.
        needed: Role,
        /// The caller's.
        actual: Role,
    },
    /// A token for scripts may not do it, whatever its role.
    NeedsLogin,
}

/// Whether somebody whose role in the workspace is `member` may do this there; with what role, if so.
///
/// # Errors
/// Why not.
pub fn permit(
    member: Option<Role>,
    scope: Option<Scope>,
    workspace_id: WorkspaceId,
    action: Action,
) -> Result<Role, Denial> {
    let is_outside = scope.is_some_and(|scope| scope.workspace_id != workspace_id);
    let Some(member) = member.filter(|_| !is_outside) else { return Err(Denial::Unknown) };
    let actual = scope.map_or(member, |scope| scope.role.min(member));
    let needed = action.least_role();
    if actual < needed {
        Err(Denial::RoleTooLow { needed, actual })
    } else if scope.is_some() && !action.is_for_scripts() {
        Err(Denial::NeedsLogin)
    } else {
        Ok(actual)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const HERE: WorkspaceId = WorkspaceId(Uuid::from_u128(1));

    fn scope(workspace: u128, role: Role) -> Option<Scope> {
        Some(Scope { workspace_id: WorkspaceId(Uuid::from_u128(workspace)), role })
    }

    #[test]
    fn a_role_suffices_from_the_least_one_up() {
        for (action, allowed) in [
            (Action::Read, [true, true, true]),
            (Action::Write, [false, true, true]),
            (Action::ManageMembers, [false, false, true]),
            (Action::Leave, [true, true, true]),
        ] {
            let roles = [Role::Viewer, Role::Editor, Role::Owner];
            assert_eq!(roles.map(|role| permit(Some(role), None, HERE, action).is_ok()), allowed, "{action:?}");
        }
    }

    #[test]
    fn a_stranger_and_a_token_of_elsewhere_see_nothing() {
        assert_eq!(permit(None, None, HERE, Action::Read), Err(Denial::Unknown));
        assert_eq!(permit(None, scope(1, Role::Owner), HERE, Action::Read), Err(Denial::Unknown));
        assert_eq!(permit(Some(Role::Owner), scope(2, Role::Owner), HERE, Action::Read), Err(Denial::Unknown));
    }

    #[test]
    fn a_token_may_no_more_than_its_role_and_its_users() {
        let write = |member, token| permit(Some(member), scope(1, token), HERE, Action::Write);
        assert_eq!(write(Role::Owner, Role::Editor), Ok(Role::Editor));
        for (member, token) in [(Role::Owner, Role::Viewer), (Role::Viewer, Role::Owner)] {
            let denied = Denial::RoleTooLow { needed: Role::Editor, actual: Role::Viewer };
            assert_eq!(write(member, token), Err(denied));
        }
        assert_eq!(permit(Some(Role::Owner), scope(1, Role::Owner), HERE, Action::Delete), Err(Denial::NeedsLogin));
    }
}
