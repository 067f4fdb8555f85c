//! Built-in accounts: register, log in, refresh, log out. What people do with their own accounts is in `self_service`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::auth::attempts::{Attempt, FailureLimits};
use crate::auth::audit::{Event, line};
use crate::auth::credentials::{Password, Username};
use crate::auth::passwords::Passwords;
use crate::auth::refresh_token::RefreshToken;
use crate::auth::registrations::RegistrationLimit;
use crate::auth::tokens::{AccessTokens, Identity};
use crate::auth::{AuthError, blocking};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::{Clock, Timestamp};
use crate::store::Store;
use crate::store::accounts::{NewSession, NewUser, Registration, Rotation};

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
    /// Accounts that may be made from one address in an hour; `None` = any number.
    pub registrations_per_hour: Option<u32>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The use cases of built-in accounts.
pub struct Accounts {
    pub(super) config: AccountsConfig,
    failures: FailureLimits,
    registrations: RegistrationLimit,
}

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The address that attempts are counted for.
    pub address: IpAddr,
    /// Whether it comes from this machine, past any proxy.
    pub is_this_machine: bool,
    /// What program it is, as that says itself.
    pub client: Option<String>,
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
    /// The login.
    pub session_id: Uuid,
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
        let registrations = RegistrationLimit::new(config.registrations_per_hour);
        Self { config, failures: FailureLimits::default(), registrations }
    }

    /// Makes an account with its first workspace, and opens its first session.
    ///
    /// # Errors
    /// `RegistrationClosed`; `InvalidField`; `UsernameTaken`; `TooManyFailures`; `TooManyRegistrations`; `Busy`; `Store`.
    pub async fn register(&self, username: &str, password: &str, origin: &Origin) -> Result<Login, AuthError> {
        if self.config.registration == RegistrationPolicy::Closed {
            return Err(AuthError::RegistrationClosed);
        }
        let username = Username::parse_new(username)?;
        let password = Password::parse(password)?;
        if !origin.is_this_machine {
            self.registrations.check(origin.address, self.config.clock.now())?;
        }
        let attempt = self.begin(username.as_str(), origin.address)?;
        let outcome = self.create(username, password, origin).await;
        self.settle(attempt, &outcome);
        if let Ok(login) = &outcome {
            if !origin.is_this_machine {
                self.registrations.count(origin.address, self.config.clock.now());
            }
            let Session { identity, session_id, .. } = &login.session;
            line(Event::Registered, Some(origin.address)).by(identity.user_id).in_session(Some(*session_id)).write();
        }
        outcome
    }

    async fn create(&self, username: Username, password: Password, origin: &Origin) -> Result<Login, AuthError> {
        let password_hash = self.config.passwords.hash(password).await?;
        let identity = Identity { user_id: UserId(Uuid::now_v7()), username: username.as_str().to_owned() };
        let workspace_id = WorkspaceId(Uuid::now_v7());
        let new_user = NewUser {
            user_id: identity.user_id,
            username: identity.username.clone(),
            password_hash: password_hash.clone(),
            workspace_id,
            workspace_name: FIRST_WORKSPACE_NAME.to_owned(),
            now: self.config.clock.now(),
        };
        let store = Arc::clone(&self.config.store);
        match blocking(move || store.create_user(new_user)).await? {
            Registration::Created => self.open_session(identity, password_hash, origin).await,
            Registration::UsernameTaken => Err(AuthError::UsernameTaken),
        }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// `WrongCredentials`; `Disabled`; `TooManyFailures`; `Busy`; `Store`.
    pub async fn log_in(&self, username: &str, password: &str, origin: &Origin) -> Result<Login, AuthError> {
        // What breaks the rules cannot be an account; refused as any other wrong login, and counted.
        let name = Username::parse(username).ok();
        let attempt = self.begin(name.as_ref().map_or("", Username::as_str), origin.address)?;
        let outcome = self.check_and_open(name, password, origin).await;
        self.settle(attempt, &outcome);
        outcome
    }

    async fn check_and_open(
        &self,
        name: Option<Username>,
        password: &str,
        origin: &Origin,
    ) -> Result<Login, AuthError> {
        let peer = Some(origin.address);
        let (Some(name), Ok(password)) = (name, Password::parse(password)) else {
            line(Event::LoginFailed, peer).write();
            return Err(AuthError::WrongCredentials);
        };
        let store = Arc::clone(&self.config.store);
        let user = blocking(move || store.find_user_by_name(name.as_str())).await?;
        let known = user.as_ref().map(|user| user.user_id);
        let stored = user.as_ref().and_then(|user| user.password_hash.clone());
        let matches = self.config.passwords.matches(password, stored.clone()).await?;
        let failed = || {
            let failed = line(Event::LoginFailed, peer);
            known.into_iter().fold(failed, |failed, user_id| failed.by(user_id)).write();
            AuthError::WrongCredentials
        };
        let Some((user, password_hash)) = user.zip(stored).filter(|_| matches) else { return Err(failed()) };
        if user.disabled {
            line(Event::LoginRefused, peer).by(user.user_id).write();
            return Err(AuthError::Disabled);
        }
        let user_id = user.user_id;
        let identity = Identity { user_id, username: user.username };
        let login = self.open_session(identity, password_hash, origin).await;
        let login =
            login.map_err(|error| if matches!(error, AuthError::WrongCredentials) { failed() } else { error })?;
        line(Event::LoggedIn, peer).by(user_id).in_session(Some(login.session.session_id)).write();
        Ok(login)
    }

    /// `WrongCredentials` if the password was changed, or the user locked out, since it was compared with that hash.
    async fn open_session(
        &self,
        identity: Identity,
        password_hash: String,
        origin: &Origin,
    ) -> Result<Login, AuthError> {
        let now = self.config.clock.now();
        let refresh_token = RefreshToken::generate()?;
        let session_id = Uuid::now_v7();
        let row = NewSession {
            session_id,
            user_id: identity.user_id,
            password_hash,
            family_hash: refresh_token.family_digest(),
            token_hash: refresh_token.digest(),
            client: origin.client.clone(),
            now,
            expires_at: self.refresh_expiry(now),
        };
        let store = Arc::clone(&self.config.store);
        let workspace_id = blocking(move || {
            let workspace_id = store.first_workspace(row.user_id)?;
            if store.insert_session(row)? { Ok(workspace_id) } else { Err(AuthError::WrongCredentials) }
        });
        let workspace_id = workspace_id.await?;
        let session = self.session(identity, session_id, refresh_token, now)?;
        Ok(Login { session, workspace_id })
    }

    /// Exchanges a refresh token for a new pair. The token before the current one serves too, as long as the current one
    /// has not: its answer may have been lost. Any older one ends the session: one of its two holders is a thief
    /// (RFC 9700 §4.14).
    ///
    /// # Errors
    /// `RefreshTokenRefused`; `Store`.
    pub async fn refresh(&self, refresh_token: &str, origin: &Origin) -> Result<Session, AuthError> {
        let token = RefreshToken::parse(refresh_token)?;
        let next = token.successor()?;
        let (family, old, new, now) = (token.family_digest(), token.digest(), next.digest(), self.config.clock.now());
        let expires_at = self.refresh_expiry(now);
        let store = Arc::clone(&self.config.store);
        let rotated = blocking(move || {
            let rotated = store.rotate_session(family, old, new, now, expires_at)?;
            let user = match rotated {
                Rotation::Rotated { user_id, .. } => store.find_user(user_id)?.filter(|user| !user.disabled),
                Rotation::Reused { .. } | Rotation::Unknown | Rotation::Expired => None,
            };
            Ok::<_, AuthError>((rotated, user))
        });
        match rotated.await? {
            (Rotation::Rotated { session_id, .. }, Some(user)) => {
                self.session(Identity { user_id: user.user_id, username: user.username }, session_id, next, now)
            }
            (Rotation::Reused { user_id, session_id }, _) => {
                tracing::warn!(%user_id, %session_id, "an old refresh token came again; its session is over");
                line(Event::TokenReused, Some(origin.address)).by(user_id).in_session(Some(session_id)).write();
                Err(AuthError::RefreshTokenRefused)
            }
            (Rotation::Rotated { .. } | Rotation::Unknown | Rotation::Expired, _) => {
                Err(AuthError::RefreshTokenRefused)
            }
        }
    }

    /// Ends the session of a refresh token, and with it its access tokens.
    ///
    /// # Errors
    /// `Store`. A token that is no token (any more) is logged out already.
    pub async fn log_out(&self, refresh_token: &str, origin: &Origin) -> Result<(), AuthError> {
        let Ok(token) = RefreshToken::parse(refresh_token) else {
            return Ok(());
        };
        let store = Arc::clone(&self.config.store);
        if let Some((user_id, session_id)) =
            blocking(move || store.end_session_of_family(token.family_digest())).await?
        {
            line(Event::LoggedOut, Some(origin.address)).by(user_id).in_session(Some(session_id)).write();
        }
        Ok(())
    }

    fn session(
        &self,
        identity: Identity,
        session_id: Uuid,
        refresh: RefreshToken,
        now: Timestamp,
    ) -> Result<Session, AuthError> {
        let access_token = self.config.access_tokens.issue(&identity, Some(session_id), now)?;
        let expires_in_s = self.config.access_tokens.lifetime_s();
        Ok(Session { identity, session_id, access_token, expires_in_s, refresh_token: refresh })
    }

    fn refresh_expiry(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(i64::try_from(self.config.refresh_lifetime.as_secs()).unwrap_or(i64::MAX))
    }

    pub(super) fn begin(&self, username: &str, peer: IpAddr) -> Result<Attempt, AuthError> {
        self.failures
            .begin(username, peer, self.config.clock.now())
            .map_err(|retry_after| AuthError::TooManyFailures { retry_after })
    }

    /// Only what a guesser would cause counts against the address; not the server's own failures.
    pub(super) fn settle<T>(&self, attempt: Attempt, outcome: &Result<T, AuthError>) {
        match outcome {
            Err(AuthError::WrongCredentials | AuthError::WrongPassword { .. } | AuthError::UsernameTaken) => {}
            Ok(_) | Err(_) => self.failures.forgive(attempt),
        }
    }
}
