//! Who is asking and what they may do: names, passwords, access and refresh tokens, an outside identity provider,
//! roles.
//!
//! Knows the store and the domain. Must never know HTTP: a refusal is an [`AuthError`], and what status it gets is
//! decided in `http::error`. Passwords and tokens are never logged and never part of an error's text.

pub mod accounts;
pub mod attempts;
pub mod audit;
pub mod authenticator;
pub mod credentials;
pub mod error;
mod hash_memory;
pub mod jwks;
pub mod passwords;
pub mod provider;
pub mod refresh_token;
pub mod registrations;
pub mod roles;
pub mod script_token;
pub mod self_service;
mod signatures;
pub mod tokens;

#[cfg(test)]
mod test_keys;

pub use self::error::AuthError;
pub use self::tokens::Identity;

/// Runs work that blocks (the store, hashing, a fetch) off the event loop, within the caller's span.
///
/// # Errors
/// `Internal` if the work panicked or the runtime is going away; else whatever the work answers.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, AuthError>
where
    T: Send + 'static,
    E: Into<AuthError> + Send + 'static,
{
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(outcome) => outcome.map_err(Into::into),
        Err(lost) => Err(AuthError::Internal(format!("blocking work was lost: {lost}"))),
    }
}
