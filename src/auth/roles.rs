//! Who asks, and whether they may: the store knows the roles, `domain::access` the rules.

use crate::auth::AuthError;
use crate::domain::access::{Action, Denial, Role, Scope, permit};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::store::Store;

/// A user, or a token that acts for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user_id: UserId,
    /// What a token for scripts is limited to; none for a login.
    pub scope: Option<Scope>,
}

/// The role with which the caller may do this in the workspace. Blocks; call off the event loop.
///
/// # Errors
/// `NotMember` without a role, whether or not the workspace exists, so that nobody learns of foreign workspaces;
/// `RoleTooLow` with too weak a role; `NeedsLogin`; `Store`.
pub(super) fn check_access(
    store: &Store,
    caller: Caller,
    workspace_id: WorkspaceId,
    action: Action,
) -> Result<Role, AuthError> {
    let role = store.find_role(caller.user_id, workspace_id)?;
    permit(role, caller.scope, workspace_id, action).map_err(|denial| match denial {
        Denial::Unknown => AuthError::NotMember,
        Denial::RoleTooLow { needed, actual } => AuthError::RoleTooLow { needed, actual },
        Denial::NeedsLogin => AuthError::NeedsLogin,
    })
}

/// Refuses tokens for scripts where only a person may act for themselves.
///
/// # Errors
/// `NeedsLogin`.
pub const fn check_login(caller: Caller) -> Result<(), AuthError> {
    match caller.scope {
        None => Ok(()),
        Some(_) => Err(AuthError::NeedsLogin),
    }
}
