//! What people do with their own accounts: another password, their sessions, an end to it all.

use std::sync::Arc;

use uuid::Uuid;

use crate::auth::accounts::{Accounts, Origin};
use crate::auth::audit::{Event, line};
use crate::auth::credentials::Password;
use crate::auth::tokens::Identity;
use crate::auth::{AuthError, blocking};
use crate::domain::ids::UserId;
pub use crate::store::accounts::Session;
use crate::store::people::UserDeletion;

impl Accounts {
    /// Sets another password, and ends all sessions but the one in which it is done.
    ///
    /// # Errors
    /// `WrongPassword`; `InvalidField`; `TooManyFailures`; `Busy`; `Store`.
    pub async fn change_password(
        &self,
        identity: &Identity,
        session_id: Option<Uuid>,
        old: &str,
        new: &str,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let new = Password::parse(new).map_err(|error| match error {
            AuthError::InvalidField { reason, .. } => AuthError::InvalidField { field: "new_password", reason },
            other => other,
        })?;
        self.prove(identity, Some(old), "old_password", origin).await?;
        let hash = self.config.passwords.hash(new).await?;
        let (store, user_id) = (Arc::clone(&self.config.store), identity.user_id);
        blocking(move || store.set_password(user_id, hash, session_id)).await?;
        line(Event::PasswordChanged, Some(origin.address)).by(user_id).in_session(session_id).write();
        Ok(())
    }

    /// A user's sessions, the one used last in front.
    ///
    /// # Errors
    /// `Store`.
    pub async fn list_sessions(&self, user_id: UserId) -> Result<Vec<Session>, AuthError> {
        let (store, now) = (Arc::clone(&self.config.store), self.config.clock.now());
        blocking(move || store.list_sessions(user_id, now)).await
    }

    /// Ends a session; whether there was one.
    ///
    /// # Errors
    /// `Store`.
    pub async fn end_session(&self, user_id: UserId, session_id: Uuid, origin: &Origin) -> Result<bool, AuthError> {
        let store = Arc::clone(&self.config.store);
        let ended = blocking(move || store.end_session(user_id, session_id)).await?;
        if ended {
            line(Event::SessionEnded, Some(origin.address)).by(user_id).in_session(Some(session_id)).write();
        }
        Ok(ended)
    }

    /// Deletes the account, and the workspaces that nobody else is a member of.
    ///
    /// # Errors
    /// `WrongPassword`; `LastOwner`; `TooManyFailures`; `Busy`; `Store`.
    pub async fn delete_account(
        &self,
        identity: &Identity,
        password: Option<&str>,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        self.prove(identity, password, "password", origin).await?;
        let (store, now) = (Arc::clone(&self.config.store), self.config.clock.now());
        let Identity { user_id, username } = identity.clone();
        match blocking(move || store.delete_user(user_id, username, now)).await? {
            UserDeletion::Deleted { workspaces, .. } => {
                for workspace_id in workspaces {
                    line(Event::WorkspaceDeleted, Some(origin.address)).by(user_id).at(workspace_id).write();
                }
                line(Event::AccountDeleted, Some(origin.address)).by(user_id).write();
                Ok(())
            }
            UserDeletion::LastOwner(workspaces) => {
                Err(AuthError::LastOwner(workspaces.into_iter().map(|(_, name)| format!("\"{name}\"")).collect()))
            }
        }
    }

    /// Asks for the password of an account that has one. Guesses count as those of logins do.
    async fn prove(
        &self,
        identity: &Identity,
        password: Option<&str>,
        field: &'static str,
        origin: &Origin,
    ) -> Result<(), AuthError> {
        let (store, user_id) = (Arc::clone(&self.config.store), identity.user_id);
        let user = blocking(move || store.find_user(user_id)).await?;
        let Some(stored) = user.and_then(|user| user.password_hash) else {
            // An outside provider vouches for them; there is no password to ask for, and none to change.
            return if field == "password" { Ok(()) } else { Err(AuthError::WrongPassword { field }) };
        };
        let attempt = self.begin(&identity.username, origin.address)?;
        let outcome = match Password::parse(password.unwrap_or_default()) {
            Ok(password) => self.config.passwords.matches(password, Some(stored)).await,
            Err(_breaks_the_rules) => Ok(false),
        };
        let outcome = match outcome {
            Ok(true) => Ok(()),
            Ok(false) => Err(AuthError::WrongPassword { field }),
            Err(error) => Err(error),
        };
        self.settle(attempt, &outcome);
        outcome
    }
}
