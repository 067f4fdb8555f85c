//! Tokens for scripts: `lft_`, then workspace, id and 32 random bytes. The server keeps only the SHA-256 of the whole, so a
//! token is shown once.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::auth::AuthError;
use crate::auth::tokens::TokenError;
use crate::domain::ids::WorkspaceId;

/// What such a token begins with, so that it is known wherever it turns up.
pub const PREFIX: &str = "lft_";
const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// A token for scripts as its owner holds it. Never shown in `Debug`, wiped when dropped.
#[derive(Clone, Debug)]
pub struct ScriptToken {
    /// The workspace in which it serves.
    pub workspace_id: WorkspaceId,
    /// Which one of that workspace.
    pub token_id: Uuid,
    text: SecretString,
}

impl ScriptToken {
    /// A new, unguessable token.
    ///
    /// # Errors
    /// `Internal` if the machine has no randomness to give.
    pub fn generate(workspace_id: WorkspaceId) -> Result<Self, AuthError> {
        let token_id = Uuid::now_v7();
        let mut secret = [0_u8; SECRET_BYTES];
        getrandom::fill(&mut secret)
            .map_err(|failure| AuthError::Internal(format!("no randomness for a token: {failure}")))?;
        let bytes = [&workspace_id.0.as_bytes()[..], &token_id.as_bytes()[..], &secret[..]].concat();
        let text = SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)));
        Ok(Self { workspace_id, token_id, text })
    }

    /// What the server stores.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.text.expose_secret().as_bytes()).into()
    }

    /// The text to hand out, once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl FromStr for ScriptToken {
    type Err = TokenError;

    fn from_str(raw: &str) -> Result<Self, TokenError> {
        let refused = || TokenError::Refused("it is malformed");
        let encoded = raw.strip_prefix(PREFIX).filter(|text| text.len() < 100).ok_or_else(refused)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).or(Err(refused()))?;
        let (workspace, rest) = bytes.split_first_chunk::<ID_BYTES>().ok_or_else(refused)?;
        let (token, secret) = rest.split_first_chunk::<ID_BYTES>().ok_or_else(refused)?;
        if secret.len() != SECRET_BYTES {
            return Err(refused());
        }
        Ok(Self {
            workspace_id: WorkspaceId(Uuid::from_bytes(*workspace)),
            token_id: Uuid::from_bytes(*token),
            text: SecretString::from(raw),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_is_never_shown() {
        let token = ScriptToken::generate(WorkspaceId(Uuid::from_u128(7))).unwrap();
        let read: ScriptToken = token.expose().parse().unwrap();
        assert_eq!((read.workspace_id, read.token_id), (token.workspace_id, token.token_id));
        assert_eq!(read.digest(), token.digest());
        assert!(!format!("{token:?}").contains(token.expose()));
    }

    #[test]
    fn what_was_not_made_here_is_refused() {
        let long = format!("{PREFIX}{}", "A".repeat(10_000));
        for raw in ["", PREFIX, "lft_AAAA", "xyz_AAAA", "lft_!", &long] {
            assert!(raw.parse::<ScriptToken>().is_err(), "{raw}");
        }
    }
}
