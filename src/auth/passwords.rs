//! Argon2id, off the event loop, a bounded number at a time.
//!
//! Each hash takes 19 MiB and tens of milliseconds; unbounded, a burst of logins would take the machine.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{Error as HashError, try_generate_salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::auth::AuthError;
use crate::auth::credentials::Password;
use crate::auth::hash_memory::HashMemory;

/// How long a login waits for its turn before it is refused with a time to retry.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Hashes and checks passwords.
#[derive(Debug)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    memory: Arc<HashMemory>,
    decoy: Arc<str>,
}

/// The PHC string to store for a password, made here and now.
///
/// # Errors
/// `Internal` if hashing fails.
pub(crate) fn hash_now(password: &[u8]) -> Result<String, AuthError> {
    hash_in(&mut Vec::new(), password)
}

/// Argon2id with the parameters that OWASP's Password Storage Cheat Sheet names first: 19 MiB, 2 passes, 1 lane.
fn hash_in(memory: &mut Vec<Block>, password: &[u8]) -> Result<String, AuthError> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
    let mut hash = || {
        let salt = try_generate_salt()?;
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        compute(&argon2, memory, password, &salt, &mut output)?;
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(Salt::new(&salt)?),
            hash: Some(Output::new(&output)?),
        })
    };
    hash()
        .map(|hash| hash.to_string())
        .map_err(|failure: HashError| AuthError::Internal(format!("a password cannot be hashed: {failure}")))
}

/// Whether a stored hash, with whatever parameters it was made, is of this password.
fn matches_in(memory: &mut Vec<Block>, password: &[u8], stored: &str) -> Result<bool, AuthError> {
    let mut matches = || {
        let stored = PasswordHash::new(stored)?;
        let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
        let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
        let argon2 = Argon2::new(algorithm, version, Params::try_from(&stored)?);
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Err(HashError::EncodingInvalid) };
        let mut output = vec![0; expected.len()];
        compute(&argon2, memory, password, salt, &mut output)?;
        // Compared in constant time.
        Ok(Output::new(&output)? == *expected)
    };
    matches().map_err(|failure| AuthError::Internal(format!("a stored password hash cannot be read: {failure}")))
}

/// Every block is written before it is read, so that it does not matter what the memory holds.
fn compute(
    argon2: &Argon2<'_>,
    memory: &mut Vec<Block>,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
) -> Result<(), argon2::Error> {
    let blocks = argon2.params().block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    argon2.hash_password_into_with_memory(password, salt, output, memory.as_mut_slice())
}

impl Passwords {
    /// At most `concurrency` hashes at a time (at least one). Takes the time of one hash.
    ///
    /// # Errors
    /// `Internal` if the machine has no randomness or memory to hash with.
    pub fn new(concurrency: usize) -> Result<Self, AuthError> {
        let decoy = Arc::from(hash_now(b"nobody has this password")?);
        Ok(Self { permits: Arc::new(Semaphore::new(concurrency.max(1))), memory: Arc::default(), decoy })
    }

    /// The PHC string to store for a password.
    ///
    /// # Errors
    /// `Busy` after waiting in vain; `Internal` if hashing fails.
    pub async fn hash(&self, password: Password) -> Result<String, AuthError> {
        self.in_turn(move |memory| hash_in(memory, password.expose())).await
    }

    /// Whether the password is the one that was stored. Without a stored hash (no such user, or one of an outside
    /// provider) the same work is done for nothing, so that the time tells nobody which names exist.
    ///
    /// # Errors
    /// `Busy` after waiting in vain; `Internal` if the stored hash cannot be read.
    pub async fn matches(&self, password: Password, stored: Option<String>) -> Result<bool, AuthError> {
        let decoy = Arc::clone(&self.decoy);
        self.in_turn(move |memory| match stored {
            Some(stored) => matches_in(memory, password.expose(), &stored),
            None => matches_in(memory, password.expose(), &decoy).map(|_| false),
        })
        .await
    }

    /// Has `work` done off the event loop when it is its turn, with memory of its own. The turn ends with the work, whether
    /// or not somebody waits for it.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let turn = self.turn().await?;
        let memory = Arc::clone(&self.memory);
        let span = tracing::Span::current();
        let (answer, answered) = oneshot::channel();
        drop(tokio::task::spawn_blocking(move || {
            let mut blocks = memory.take();
            let done = span.in_scope(|| work(&mut blocks));
            memory.keep(blocks);
            drop(turn);
            // Refused means that nobody waits any more.
            let _abandoned = answer.send(done);
        }));
        answered.await.map_err(|lost| AuthError::Internal(format!("blocking work was lost: {lost}")))?
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, AuthError> {
        match tokio::time::timeout(MAX_WAIT, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(closed)) => Err(AuthError::Internal(format!("the hashing queue is gone: {closed}"))),
            Err(_elapsed) => Err(AuthError::Busy),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::{Context, Waker};

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
    async fn what_the_library_makes_is_checked_and_what_is_made_here_the_library_checks() {
        use argon2::password_hash::{PasswordHasher, PasswordVerifier};

        let passwords = Passwords::new(1).unwrap();
        // Other parameters than ours, with more memory and with less.
        for (memory_kib, lanes) in [(8 * 1024, 1), (32 * 1024, 2)] {
            let params = Params::new(memory_kib, 1, lanes, Some(24)).unwrap();
            let theirs =
                Argon2::new(Algorithm::Argon2i, Version::V0x10, params).hash_password(b"correct horse").unwrap();
            for (raw, expected) in [("correct horse", true), ("correct horsf", false)] {
                let stored = Some(theirs.to_string());
                assert_eq!(passwords.matches(password(raw), stored).await.unwrap(), expected);
            }
        }
        let ours = passwords.hash(password("correct horse")).await.unwrap();
        assert_eq!(PasswordVerifier::<str>::verify_password(&Argon2::default(), b"correct horse", &ours), Ok(()));
    }

    #[tokio::test]
    async fn who_goes_away_does_not_end_a_turn() {
        let passwords = Passwords::new(1).unwrap();
        let (started, has_started) = std::sync::mpsc::channel();
        let (finish, may_finish) = std::sync::mpsc::channel::<()>();
        let mut waits = Box::pin(passwords.in_turn(move |_memory| {
            started.send(()).unwrap();
            may_finish.recv().unwrap();
            Ok(())
        }));
        assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        has_started.recv().unwrap();
        drop(waits);
        assert_eq!(passwords.permits.available_permits(), 0);
        finish.send(()).unwrap();
        passwords.in_turn(|_memory| Ok(())).await.unwrap();
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
