//! Argon2id, off the event loop, a bounded number at a time.
//!
//! Each hash takes 19 MiB and tens of milliseconds; unbounded, a burst of logins would take the machine.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::auth::credentials::Password;
use crate::auth::{AuthError, blocking};

/// How long a login waits for its turn before it is refused with a time to retry.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Hashes and checks passwords.
#[derive(Debug)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    decoy: Arc<str>,
}

/// Argon2id with the parameters that OWASP's Password Storage Cheat Sheet names first: 19 MiB, 2 passes, 1 lane.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn hash_now(password: &[u8]) -> Result<String, AuthError> {
    let hash: PasswordHash = hasher()
        .hash_password(password)
        .map_err(|failure| AuthError::Internal(format!("a password cannot be hashed: {failure}")))?;
    Ok(hash.to_string())
}

fn matches_now(password: &[u8], stored: &str) -> Result<bool, AuthError> {
    match PasswordVerifier::<str>::verify_password(&hasher(), password, stored) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(failure) => Err(AuthError::Internal(format!("a stored password hash cannot be read: {failure}"))),
    }
}

impl Passwords {
    /// At most `concurrency` hashes at a time (at least one). Takes the time of one hash.
    ///
    /// # Errors
    /// `Internal` if the machine has no randomness or memory to hash with.
    pub fn new(concurrency: usize) -> Result<Self, AuthError> {
        let decoy = hash_now(b"nobody has this password")?;
        Ok(Self { permits: Arc::new(Semaphore::new(concurrency.max(1))), decoy: Arc::from(decoy) })
    }

    /// The PHC string to store for a password.
    ///
    /// # Errors
    /// `Busy` after waiting in vain; `Internal` if hashing fails.
    pub async fn hash(&self, password: Password) -> Result<String, AuthError> {
        let _permit = self.turn().await?;
        blocking(move || hash_now(password.expose())).await
    }

    /// Whether the password is the one that was stored. Without a stored hash (no such user, or one of an outside
    /// provider) the same work is done for nothing, so that the time tells nobody which names exist.
    ///
    /// # Errors
    /// `Busy` after waiting in vain; `Internal` if the stored hash cannot be read.
    pub async fn matches(&self, password: Password, stored: Option<String>) -> Result<bool, AuthError> {
        let _permit = self.turn().await?;
        let decoy = Arc::clone(&self.decoy);
        blocking(move || match stored {
            Some(stored) => matches_now(password.expose(), &stored),
            None => matches_now(password.expose(), &decoy).map(|_| false),
        })
        .await
    }

    async fn turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit, AuthError> {
        match tokio::time::timeout(MAX_WAIT, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(closed)) => Err(AuthError::Internal(format!("the hashing queue is gone: {closed}"))),
            Err(_elapsed) => Err(AuthError::Busy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(raw: &str) -> Password {
        Password::parse(raw).unwrap()
    }

    #[tokio::test]
    async fn the_same_password_matches_and_another_does_not() {
        let passwords = Passwords::new(1).unwrap();
        let stored = passwords.hash(password("correct horse")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.matches(password("correct horse"), Some(stored.clone())).await.unwrap());
        assert!(!passwords.matches(password("correct horsf"), Some(stored)).await.unwrap());
    }

    #[tokio::test]
    async fn equal_passwords_get_different_hashes() {
        let passwords = Passwords::new(2).unwrap();
        let first = passwords.hash(password("correct horse")).await.unwrap();
        let second = passwords.hash(password("correct horse")).await.unwrap();
        assert_ne!(first, second);
    }

    #[tokio::test]
    async fn nobody_matches_without_a_stored_hash() {
        let passwords = Passwords::new(1).unwrap();
        assert!(!passwords.matches(password("nobody has this password"), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_damaged_hash_is_a_fault_and_not_a_mismatch() {
        let passwords = Passwords::new(1).unwrap();
        let outcome = passwords.matches(password("correct horse"), Some("plain".to_owned())).await;
        assert!(matches!(outcome, Err(AuthError::Internal(_))), "{outcome:?}");
    }
}
