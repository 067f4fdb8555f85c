//! The server's own access tokens: short-lived JWTs, signed with HMAC-SHA-256.

use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::auth::signatures;
use crate::domain::access::Scope;
use crate::domain::ids::UserId;
use crate::domain::timestamp::Timestamp;

/// Issuer and audience of the server's own tokens.
const OWN_NAME: &str = "landfall";
/// Longer texts are not read as tokens at all.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Who a token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub user_id: UserId,
    /// Its name.
    pub username: String,
}

/// A token that was found good: who it speaks for, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who.
    pub identity: Identity,
    /// The login that it belongs to; none for tokens of an outside provider and those for scripts.
    pub session_id: Option<Uuid>,
    /// What it is limited to, if it is one for scripts.
    pub scope: Option<Scope>,
    /// The first moment at which it is refused.
    pub expires_at: Timestamp,
}

/// Why an access token proves nothing.
#[derive(Debug, Error)]
pub enum TokenError {
    /// It was good once.
    #[error("the access token has expired; refresh it or log in again")]
    Expired,
    /// The login that it belongs to is over, or its user is locked out.
    #[error("the login that the access token belongs to has ended; log in again")]
    Revoked,
    /// It is not good yet.
    #[error("the access token is not valid yet; check the clocks")]
    NotYetValid,
    /// It is not a token of this server or of its identity provider.
    #[error("the access token is not valid: {0}")]
    Refused(&'static str),
    /// A token could not be made.
    #[error("an access token cannot be made: {0}")]
    Signing(String),
}

impl TokenError {
    /// Sorts the library's reasons; none of them repeats a part of the token.
    pub(crate) fn from_jwt(error: &jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::NotYetValid,
            ErrorKind::InvalidSignature => Self::Refused("its signature is wrong"),
            ErrorKind::InvalidIssuer => Self::Refused("its issuer is not trusted here"),
            ErrorKind::InvalidAudience => Self::Refused("it was made for another audience"),
            ErrorKind::MissingRequiredClaim(_) => Self::Refused("a claim is missing"),
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => {
                Self::Refused("its algorithm is not accepted")
            }
            // The library's list is open-ended; whatever else it finds, the text is not a token.
            _ => Self::Refused("it is malformed"),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    name: String,
    iat: i64,
    exp: i64,
    iss: String,
    aud: String,
}

/// Makes and checks access tokens.
pub struct AccessTokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    lifetime_s: i64,
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokens").field("lifetime_s", &self.lifetime_s).finish_non_exhaustive()
    }
}

impl AccessTokens {
    /// Tokens under this secret that last `lifetime` (whole seconds).
    #[must_use]
    pub fn new(secret: &[u8], lifetime: Duration) -> Self {
        signatures::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[OWN_NAME]);
        validation.set_audience(&[OWN_NAME]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Checked below against the injected clock.
        validation.validate_exp = false;
        Self {
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            validation,
            lifetime_s: i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX),
        }
    }

    /// Seconds that a token lasts.
    #[must_use]
    pub fn lifetime_s(&self) -> i64 {
        self.lifetime_s
    }

    /// A token for this identity, of this login.
    ///
    /// # Errors
    /// `Signing` if the library cannot sign.
    pub fn issue(&self, identity: &Identity, session_id: Option<Uuid>, now: Timestamp) -> Result<String, TokenError> {
        // Rounded up: `expires_in` is a promise, and the claims count whole seconds.
        let expiry = Timestamp(now.0.saturating_add(999_999)).plus_seconds(self.lifetime_s);
        let claims = Claims {
            sub: identity.user_id.0,
            sid: session_id,
            name: identity.username.clone(),
            iat: seconds(now),
            exp: seconds(expiry),
            iss: OWN_NAME.to_owned(),
            aud: OWN_NAME.to_owned(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map_err(|failure| TokenError::Signing(failure.to_string()))
    }

    /// Who the token speaks for, and until when.
    ///
    /// # Errors
    /// `Expired`, or `Refused` if it was not made here, for here.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Refused("it is too long"));
        }
        let claims = decode::<Claims>(token, &self.checking, &self.validation)
            .map_err(|refused| TokenError::from_jwt(&refused))?
            .claims;
        if claims.exp <= seconds(now) {
            return Err(TokenError::Expired);
        }
        Ok(Verified {
            identity: Identity { user_id: UserId(claims.sub), username: claims.name },
            session_id: claims.sid,
            scope: None,
            expires_at: Timestamp(0).plus_seconds(claims.exp),
        })
    }
}

/// Whole seconds since 1970, as JWTs count.
pub(crate) fn seconds(time: Timestamp) -> i64 {
    time.0.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn ada() -> Identity {
        Identity { user_id: UserId(Uuid::from_u128(7)), username: "ada".to_owned() }
    }

    fn tokens() -> AccessTokens {
        AccessTokens::new(SECRET, Duration::from_secs(900))
    }

    fn signed(claims: &Value, secret: &[u8], algorithm: Algorithm) -> String {
        encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    fn good_claims() -> Value {
        json!({ "sub": Uuid::from_u128(7), "name": "ada", "iat": 1_800_000_000, "exp": 1_800_000_900,
            "iss": "landfall", "aud": "landfall" })
    }

    #[test]
    fn an_issued_token_names_its_user_until_it_expires() {
        let session = Some(Uuid::from_u128(9));
        let token = tokens().issue(&ada(), session, NOW).unwrap();
        let verified = tokens().verify(&token, NOW).unwrap();
        assert_eq!(
            verified,
            Verified { identity: ada(), session_id: session, scope: None, expires_at: NOW.plus_seconds(900) }
        );
        assert_eq!(tokens().verify(&token, NOW.plus_seconds(899)).unwrap(), verified);
        assert!(matches!(tokens().verify(&token, NOW.plus_seconds(900)), Err(TokenError::Expired)));
    }

    #[test]
    fn a_token_lasts_at_least_as_long_as_it_is_said_to() {
        let late = Timestamp(NOW.0 + 999_999);
        let token = tokens().issue(&ada(), None, late).unwrap();
        assert!(tokens().verify(&token, Timestamp(late.plus_seconds(900).0 - 1)).is_ok());
        assert!(matches!(tokens().verify(&token, late.plus_seconds(901)), Err(TokenError::Expired)));
    }

    #[test]
    fn a_forged_token_is_refused() {
        let tokens = tokens();
        assert!(tokens.verify(&signed(&good_claims(), SECRET, Algorithm::HS256), NOW).is_ok());
        let other_secret = signed(&good_claims(), b"another secret of 32 bytes length", Algorithm::HS256);
        assert!(matches!(tokens.verify(&other_secret, NOW), Err(TokenError::Refused(_))));

        let token = tokens.issue(&ada(), None, NOW).unwrap();
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let mut forged = good_claims();
        forged["sub"] = json!(Uuid::from_u128(8));
        parts[1] = URL_SAFE_NO_PAD.encode(forged.to_string());
        assert!(matches!(tokens.verify(&parts.join("."), NOW), Err(TokenError::Refused(_))));
    }

    #[test]
    fn no_other_algorithm_is_accepted() {
        let hs512 = signed(&good_claims(), SECRET, Algorithm::HS512);
        assert!(matches!(tokens().verify(&hs512, NOW), Err(TokenError::Refused(_))));
        let payload = URL_SAFE_NO_PAD.encode(good_claims().to_string());
        for algorithm in ["none", "None", "NONE"] {
            let header = URL_SAFE_NO_PAD.encode(json!({ "alg": algorithm, "typ": "JWT" }).to_string());
            let unsigned = format!("{header}.{payload}.");
            assert!(matches!(tokens().verify(&unsigned, NOW), Err(TokenError::Refused(_))), "{algorithm}");
        }
    }

    #[test]
    fn issuer_and_audience_must_be_ours_and_every_claim_there() {
        for (claim, value) in [("iss", json!("elsewhere")), ("aud", json!("elsewhere")), ("sub", json!("not a uuid"))] {
            let mut claims = good_claims();
            claims[claim] = value;
            let token = signed(&claims, SECRET, Algorithm::HS256);
            assert!(matches!(tokens().verify(&token, NOW), Err(TokenError::Refused(_))), "{claim}");
        }
        for claim in ["iss", "aud", "exp", "sub", "name"] {
            let mut claims = good_claims();
            claims.as_object_mut().unwrap().remove(claim);
            let token = signed(&claims, SECRET, Algorithm::HS256);
            assert!(matches!(tokens().verify(&token, NOW), Err(TokenError::Refused(_))), "{claim}");
        }
    }

    #[test]
    fn noise_is_refused() {
        let long = "a".repeat(MAX_TOKEN_BYTES + 1);
        for noise in ["", ".", "..", "a.b.c", "a.b.c.d", "\u{0}", long.as_str()] {
            assert!(matches!(tokens().verify(noise, NOW), Err(TokenError::Refused(_))));
        }
    }
}
