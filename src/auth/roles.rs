//! Roles: who may do what in a workspace.

use crate::auth::AuthError;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::store::Store;
use crate::store::accounts::Role;

/// The user's role in the workspace, if it is at least `least`. Blocks; call off the event loop.
///
/// # Errors
/// `NotMember` without a role, whether or not the workspace exists, so that nobody learns of foreign workspaces;
/// `RoleTooLow` with too weak a role; `Store`.
pub fn check_role(store: &Store, user: UserId, workspace: WorkspaceId, least: Role) -> Result<Role, AuthError> {
    match store.find_role(user, workspace)? {
        None => Err(AuthError::NotMember),
        Some(actual) if actual < least => Err(AuthError::RoleTooLow { needed: least, actual }),
        Some(actual) => Ok(actual),
    }
}
