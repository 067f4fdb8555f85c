//! Built-in accounts: register, log in, refresh, log out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::auth::attempts::{Attempt, FailureLimits};
use crate::auth::credentials::{Password, Username};
use crate::auth::passwords::Passwords;
use crate::auth::refresh_token::RefreshToken;
use crate::auth::tokens::{AccessTokens, Identity};
use crate::auth::{AuthError, blocking};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::{Clock, Timestamp};
use crate::store::Store;
use crate::store::accounts::{NewRefreshToken, NewUser, Registration, Rotation};

/// Name of the workspace that comes with a new account.
pub(crate) const FIRST_WORKSPACE_NAME: &str = "Notes";

/// Whether people can sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationPolicy {
    /// Anyone can create an account.
    Open,
    /// Only existing accounts can log in.
    Closed,
}

/// What the use cases work with.
pub struct AccountsConfig {
    /// Users, tokens, workspaces.
    pub store: Arc<Store>,
    /// The hasher.
    pub passwords: Passwords,
    /// Makes access tokens.
    pub access_tokens: Arc<AccessTokens>,
    /// How long a refresh token that is not used lasts.
    pub refresh_lifetime: Duration,
    /// Whether accounts may be made.
    pub registration: RegistrationPolicy,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The use cases of built-in accounts.
pub struct Accounts {
    config: AccountsConfig,
    failures: FailureLimits,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("registration", &self.config.registration).finish_non_exhaustive()
    }
}

/// What a client needs to go on.
#[derive(Clone, Debug)]
pub struct Session {
    /// The account.
    pub identity: Identity,
    /// Proves who asks, for a short time.
    pub access_token: String,
    /// Seconds that the access token lasts.
    pub expires_in_s: i64,
    /// Buys the next session, once.
    pub refresh_token: RefreshToken,
}

/// A session that begins with name and password, and where its user may start.
#[derive(Clone, Debug)]
pub struct Login {
    /// The session.
    pub session: Session,
    /// The first workspace that the user is a member of; none if they were removed from all.
    pub workspace_id: Option<WorkspaceId>,
}

impl Accounts {
    /// The use cases over these parts.
    #[must_use]
    pub fn new(config: AccountsConfig) -> Self {
        Self { config, failures: FailureLimits::default() }
    }

    /// Makes an account with its first workspace, and opens its first session.
    ///
    /// # Errors
    /// `RegistrationClosed`; `InvalidField`; `UsernameTaken`; `TooManyFailures`; `Busy`; `Store`.
    pub async fn register(&self, username: &str, password: &str, peer: IpAddr) -> Result<Login, AuthError> {
        if self.config.registration == RegistrationPolicy::Closed {
            return Err(AuthError::RegistrationClosed);
        }
        let username = Username::parse(username)?;
        let password = Password::parse(password)?;
        let attempt = self.begin(username.as_str(), peer)?;
        let outcome = self.create(username, password).await;
        self.settle(attempt, &outcome);
        outcome
    }

    async fn create(&self, username: Username, password: Password) -> Result<Login, AuthError> {
        let password_hash = self.config.passwords.hash(password).await?;
        let identity = Identity { user_id: UserId(Uuid::now_v7()), username: username.as_str().to_owned() };
        let workspace_id = WorkspaceId(Uuid::now_v7());
        let new_user = NewUser {
            user_id: identity.user_id,
            username: identity.username.clone(),
            password_hash,
            workspace_id,
            workspace_name: FIRST_WORKSPACE_NAME.to_owned(),
            now: self.config.clock.now(),
        };
        let store = Arc::clone(&self.config.store);
        match blocking(move || store.create_user(new_user)).await? {
            Registration::Created => {
                Ok(Login { session: self.open_session(identity).await?, workspace_id: Some(workspace_id) })
            }
            Registration::UsernameTaken => Err(AuthError::UsernameTaken),
        }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// `WrongCredentials`; `TooManyFailures`; `Busy`; `Store`.
    pub async fn log_in(&self, username: &str, password: &str, peer: IpAddr) -> Result<Login, AuthError> {
        // What breaks the rules cannot be an account; refused as any other wrong login, and counted.
        let name = Username::parse(username).ok();
        let attempt = self.begin(name.as_ref().map_or("", Username::as_str), peer)?;
        let outcome = self.check_and_open(name, password).await;
        self.settle(attempt, &outcome);
        outcome
    }

    async fn check_and_open(&self, name: Option<Username>, password: &str) -> Result<Login, AuthError> {
        let (Some(name), Ok(password)) = (name, Password::parse(password)) else {
            return Err(AuthError::WrongCredentials);
        };
        let store = Arc::clone(&self.config.store);
        let user = blocking(move || store.find_user_by_name(name.as_str())).await?;
        let stored = user.as_ref().and_then(|user| user.password_hash.clone());
        let matches = self.config.passwords.matches(password, stored).await?;
        let Some(user) = user.filter(|_| matches) else {
            return Err(AuthError::WrongCredentials);
        };
        let (store, user_id) = (Arc::clone(&self.config.store), user.user_id);
        let workspace_id = blocking(move || store.first_workspace(user_id)).await?;
        let session = self.open_session(Identity { user_id, username: user.username }).await?;
        Ok(Login { session, workspace_id })
    }

    async fn open_session(&self, identity: Identity) -> Result<Session, AuthError> {
        let now = self.config.clock.now();
        let refresh_token = RefreshToken::generate()?;
        let row = NewRefreshToken {
            token_hash: refresh_token.digest(),
            family_id: Uuid::now_v7(),
            user_id: identity.user_id,
            created_at: now,
            expires_at: self.refresh_expiry(now),
        };
        let store = Arc::clone(&self.config.store);
        blocking(move || store.insert_refresh_token(row)).await?;
        self.session(identity, refresh_token, now)
    }

    /// Exchanges a refresh token for a new session. A token that was exchanged before ends every session that grew
    /// from the same login: one of its two holders is a thief (RFC 9700 §4.14).
    ///
    /// # Errors
    /// `RefreshTokenRefused`; `Store`.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Session, AuthError> {
        let old = RefreshToken::parse(refresh_token)?.digest();
        let next = RefreshToken::generate()?;
        let (new, now) = (next.digest(), self.config.clock.now());
        let expires_at = self.refresh_expiry(now);
        let store = Arc::clone(&self.config.store);
        let user = blocking(move || match store.rotate_refresh_token(old, new, now, expires_at)? {
            Rotation::Rotated { user_id } => store.find_user(user_id)?.ok_or(AuthError::RefreshTokenRefused),
            Rotation::Reused => {
                tracing::warn!("a refresh token came a second time; its whole family is revoked");
                Err(AuthError::RefreshTokenRefused)
            }
            Rotation::Unknown | Rotation::Expired => Err(AuthError::RefreshTokenRefused),
        })
        .await?;
        self.session(Identity { user_id: user.user_id, username: user.username }, next, now)
    }

    /// Ends every session that grew from the same login. Access tokens that are out already last their short time.
    ///
    /// # Errors
    /// `Store`. A token that is no token (any more) is logged out already.
    pub async fn log_out(&self, refresh_token: &str) -> Result<(), AuthError> {
        let Ok(token) = RefreshToken::parse(refresh_token) else {
            return Ok(());
        };
        let (store, now) = (Arc::clone(&self.config.store), self.config.clock.now());
        blocking(move || store.revoke_token_family(token.digest(), now)).await
    }

    fn session(&self, identity: Identity, refresh: RefreshToken, now: Timestamp) -> Result<Session, AuthError> {
        let access_token = self.config.access_tokens.issue(&identity, now)?;
        let expires_in_s = self.config.access_tokens.lifetime_s();
        Ok(Session { identity, access_token, expires_in_s, refresh_token: refresh })
    }

    fn refresh_expiry(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(i64::try_from(self.config.refresh_lifetime.as_secs()).unwrap_or(i64::MAX))
    }

    fn begin(&self, username: &str, peer: IpAddr) -> Result<Attempt, AuthError> {
        self.failures
            .begin(username, peer, self.config.clock.now())
            .map_err(|retry_after| AuthError::TooManyFailures { retry_after })
    }

    /// Only what a guesser would cause counts against the address; not the server's own failures.
    fn settle<T>(&self, attempt: Attempt, outcome: &Result<T, AuthError>) {
        match outcome {
            Err(AuthError::WrongCredentials | AuthError::UsernameTaken) => {}
            Ok(_) | Err(_) => self.failures.forgive(attempt),
        }
    }
}
