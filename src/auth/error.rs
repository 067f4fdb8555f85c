//! Why someone was not let in, or not let through.

use std::time::Duration;

use thiserror::Error;

use crate::auth::tokens::TokenError;
use crate::store::StoreError;
use crate::store::accounts::Role;

/// A refusal, or a failure on the way to an answer.
#[derive(Debug, Error)]
pub enum AuthError {
    /// A field of a registration breaks its rule.
    #[error("{field} {reason}")]
    InvalidField {
        /// The field's name on the wire.
        field: &'static str,
        /// The rule that it breaks, as the end of a sentence.
        reason: String,
    },
    /// No such user, or another password; the response does not say which.
    #[error("the username or the password is wrong")]
    WrongCredentials,
    /// The access token does not prove anything.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The refresh token is unknown, expired, or was used before.
    #[error("the refresh token is not valid (any more); log in again")]
    RefreshTokenRefused,
    /// The server takes no registrations.
    #[error("registration is closed on this server; ask its operator for an account")]
    RegistrationClosed,
    /// Someone has the name already.
    #[error("the username is taken")]
    UsernameTaken,
    /// Not a member, or no such workspace; the response does not say which.
    #[error("no such workspace, or you are not a member of it")]
    NotMember,
    /// A member, but without the power that this needs.
    #[error("this needs the role {needed:?} in the workspace; yours is {actual:?}")]
    RoleTooLow {
        /// The least role that would do.
        needed: Role,
        /// The caller's role.
        actual: Role,
    },
    /// Too many failed attempts from this address.
    #[error("too many failed attempts; wait and try again")]
    TooManyFailures {
        /// How long until the next attempt is heard.
        retry_after: Duration,
    },
    /// Too many passwords are being checked at once.
    #[error("too many logins are under way; try again shortly")]
    Busy,
    /// The outside provider's keys are not at hand.
    #[error("the identity provider's keys cannot be loaded: {0}")]
    ProviderUnavailable(String),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of the server.
    #[error("{0}")]
    Internal(String),
}
