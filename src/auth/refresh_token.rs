//! Refresh tokens: 32 random bytes that the client keeps and of which the server keeps only the SHA-256.

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
    /// A new, unguessable token.
    ///
    /// # Errors
    /// `Internal` if the machine has no randomness to give.
    pub fn generate() -> Result<Self, AuthError> {
        let mut bytes = [0_u8; TOKEN_BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|failure| AuthError::Internal(format!("no randomness for a token: {failure}")))?;
        Ok(Self(SecretString::from(URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Reads a token that a client sent; whatever could not have been made here is refused before any look-up.
    ///
    /// # Errors
    /// `RefreshTokenRefused`.
    pub fn parse(raw: &str) -> Result<Self, AuthError> {
        match URL_SAFE_NO_PAD.decode(raw) {
            Ok(bytes) if bytes.len() == TOKEN_BYTES => Ok(Self(SecretString::from(raw))),
            Ok(_) | Err(_) => Err(AuthError::RefreshTokenRefused),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_token_reads_back_to_the_same_digest() {
        let token = RefreshToken::generate().unwrap();
        assert_eq!(token.expose().len(), 43);
        assert_eq!(RefreshToken::parse(token.expose()).unwrap().digest(), token.digest());
        assert_ne!(RefreshToken::generate().unwrap().digest(), token.digest());
    }

    #[test]
    fn what_was_not_made_here_is_refused() {
        for raw in ["", "short", "!!!", &"A".repeat(44), &"A".repeat(10_000)] {
            assert!(matches!(RefreshToken::parse(raw), Err(AuthError::RefreshTokenRefused)), "{raw}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = RefreshToken::generate().unwrap();
        assert!(!format!("{token:?}").contains(token.expose()));
    }
}
