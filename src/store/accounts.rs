//! Users, refresh tokens, workspaces and members.

use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// What a member may do in a workspace. The order is the order of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May read.
    Viewer,
    /// May read and write.
    Editor,
    /// May read, write and manage the members.
    Owner,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Which user.
    pub user_id: UserId,
    /// Unique name.
    pub username: String,
    /// PHC string; `None` for a user of an outside identity provider.
    pub password_hash: Option<String>,
}

/// A workspace as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Which workspace.
    pub workspace_id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// The member's role.
    pub role: Role,
    /// When the workspace was made.
    pub created_at: Timestamp,
}

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
