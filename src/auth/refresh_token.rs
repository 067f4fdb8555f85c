//! Refresh tokens: what all tokens of a login have in common, a dot, and a secret that changes with each use; 32 random
//! bytes each, of which the server keeps only the SHA-256. The first tokens of logins from before have no second part.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::auth::AuthError;

const TOKEN_BYTES: usize = 32;

/// A refresh token as its owner holds it. Never shown, wiped when dropped.
#[derive(Clone, Debug)]
pub struct RefreshToken(SecretString);

impl RefreshToken {
    /// The first token of a new login, unguessable.
    ///
    /// # Errors
    /// `Internal` if the machine has no randomness to give.
    pub fn generate() -> Result<Self, AuthError> {
        Ok(Self(SecretString::from(format!("{}.{}", random_text()?, random_text()?))))
    }

    /// Another token of the same login.
    ///
    /// # Errors
    /// `Internal` if the machine has no randomness to give.
    pub fn successor(&self) -> Result<Self, AuthError> {
        Ok(Self(SecretString::from(format!("{}.{}", self.family_text(), random_text()?))))
    }

    /// Reads a token that a client sent; whatever could not have been made here is refused before any look-up.
    ///
    /// # Errors
    /// `RefreshTokenRefused`.
    pub fn parse(raw: &str) -> Result<Self, AuthError> {
        let is_random = |text: &str| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == TOKEN_BYTES);
        let (family, secret) = raw.split_once('.').unzip();
        if is_random(family.unwrap_or(raw)) && secret.is_none_or(is_random) {
            Ok(Self(SecretString::from(raw)))
        } else {
            Err(AuthError::RefreshTokenRefused)
        }
    }

    /// What the server finds the login by.
    #[must_use]
    pub fn family_digest(&self) -> [u8; 32] {
        Sha256::digest(self.family_text().as_bytes()).into()
    }

    fn family_text(&self) -> &str {
        let whole = self.0.expose_secret();
        whole.split_once('.').map_or(whole, |(family, _secret)| family)
    }

    /// What the server stores and looks up. The token has 256 bits of entropy, so a plain hash is enough.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret().as_bytes()).into()
    }

    /// The text to hand to the client.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

fn random_text() -> Result<String, AuthError> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|failure| AuthError::Internal(format!("no randomness for a token: {failure}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_token_reads_back_to_the_same_digest() {
        let token = RefreshToken::generate().unwrap();
        assert_eq!(token.expose().len(), 87);
        assert_eq!(RefreshToken::parse(token.expose()).unwrap().digest(), token.digest());
        assert_ne!(RefreshToken::generate().unwrap().digest(), token.digest());
    }

    #[test]
    fn the_tokens_of_a_login_have_a_part_in_common() {
        let older = RefreshToken::parse(&random_text().unwrap()).unwrap();
        for first in [RefreshToken::generate().unwrap(), older] {
            let next = RefreshToken::parse(first.successor().unwrap().expose()).unwrap();
            assert_eq!(next.family_digest(), first.family_digest());
            assert_ne!(next.digest(), first.digest());
        }
        assert_ne!(
            RefreshToken::generate().unwrap().family_digest(),
            RefreshToken::generate().unwrap().family_digest()
        );
    }

    #[test]
    fn what_was_not_made_here_is_refused() {
        for raw in ["", ".", "short", "!!!", &"A".repeat(44), &format!("{}.", "A".repeat(43)), &"A".repeat(10_000)] {
            assert!(matches!(RefreshToken::parse(raw), Err(AuthError::RefreshTokenRefused)), "{raw}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = RefreshToken::generate().unwrap();
        assert!(!format!("{token:?}").contains(token.expose()));
    }
}
