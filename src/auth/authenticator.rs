//! From a bearer token to a user: the server's own tokens, and those of the outside provider if there is one.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use jsonwebtoken::{Algorithm, decode_header};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::auth::accounts::FIRST_WORKSPACE_NAME;
use crate::auth::credentials::{MAX_USERNAME_CHARS, Username};
use crate::auth::provider::{ExternalIdentity, Provider};
use crate::auth::tokens::{AccessTokens, Identity, TokenError, Verified};
use crate::auth::{AuthError, blocking};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::{Clock, Timestamp};
use crate::store::Store;
use crate::store::accounts::ExternalUser;

/// How long a subject of the provider is taken to be the same account without asking the store.
const ACCOUNT_CACHE_S: i64 = 300;
/// Subjects remembered at a time.
const MAX_CACHED_ACCOUNTS: usize = 10_000;

/// Tells who a token speaks for.
pub struct Authenticator {
    store: Arc<Store>,
    own: Arc<AccessTokens>,
    provider: Option<Arc<Provider>>,
    clock: Arc<dyn Clock>,
    accounts: Mutex<HashMap<String, (Identity, Timestamp)>>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Trusts the server's own tokens and, if given, the provider's.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        own: Arc<AccessTokens>,
        provider: Option<Arc<Provider>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, own, provider, clock, accounts: Mutex::new(HashMap::new()) }
    }

    /// The outside provider, if there is one.
    #[must_use]
    pub fn provider(&self) -> Option<&Arc<Provider>> {
        self.provider.as_ref()
    }

    /// Who the token speaks for, and until when. A subject of the provider that comes for the first time gets an account.
    ///
    /// # Errors
    /// `Token` if it proves nothing here; `ProviderUnavailable`; `Store`.
    pub async fn identify(&self, token: &str) -> Result<Verified, AuthError> {
        let now = self.clock.now();
        match &self.provider {
            // Only the server itself signs with HMAC, and only the server's own check ever runs on such a token.
            Some(provider) if !is_hmac(token)? => {
                let external = provider.verify(token, now).await?;
                let expires_at = external.expires_at;
                Ok(Verified { identity: self.account_of(external, now).await?, expires_at })
            }
            Some(_) | None => Ok(self.own.verify(token, now)?),
        }
    }

    async fn account_of(&self, external: ExternalIdentity, now: Timestamp) -> Result<Identity, AuthError> {
        if let Some((identity, since)) = self.cached(&external.subject)
            && now < since.plus_seconds(ACCOUNT_CACHE_S)
        {
            return Ok(identity);
        }
        let store = Arc::clone(&self.store);
        let subject = external.subject.clone();
        let user = blocking(move || {
            let preferred_name = name_for(&external);
            store.find_or_create_external_user(ExternalUser {
                issuer: external.issuer,
                subject: external.subject,
                preferred_name,
                user_id: UserId(Uuid::now_v7()),
                workspace_id: WorkspaceId(Uuid::now_v7()),
                workspace_name: FIRST_WORKSPACE_NAME.to_owned(),
                now,
            })
        })
        .await?;
        let identity = Identity { user_id: user.user_id, username: user.username };
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= MAX_CACHED_ACCOUNTS {
            accounts.clear();
        }
        accounts.insert(subject, (identity.clone(), now));
        Ok(identity)
    }

    fn cached(&self, subject: &str) -> Option<(Identity, Timestamp)> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).get(subject).cloned()
    }
}

fn is_hmac(token: &str) -> Result<bool, TokenError> {
    let header = decode_header(token).map_err(|refused| TokenError::from_jwt(&refused))?;
    Ok(matches!(header.alg, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512))
}

/// The provider's name for the person where it obeys our rules, else one made of issuer and subject.
fn name_for(external: &ExternalIdentity) -> String {
    let preferred = external.preferred_name.as_deref().and_then(|name| Username::parse(name).ok());
    if let Some(name) = preferred.or_else(|| Username::parse(&external.subject).ok()) {
        return name.as_str().to_owned();
    }
    let digest = Sha256::new().chain_update(&external.issuer).chain_update([0]).chain_update(&external.subject);
    let mut name = "user-".to_owned();
    for byte in digest.finalize().iter().take(8) {
        // Writing to a String cannot fail.
        let _written = write!(name, "{byte:02x}");
    }
    debug_assert!(name.len() <= MAX_USERNAME_CHARS);
    name
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;
    use crate::auth::provider::{JwksSource, ProviderConfig};
    use crate::auth::test_keys;
    use crate::domain::timestamp::SystemClock;
    use crate::store::{DatabaseUrl, StoreConfig};

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    /// Trusts its own tokens and those signed with the tests' EC key.
    fn authenticator(directory: &std::path::Path) -> (Authenticator, AccessTokens) {
        let url = DatabaseUrl::Sqlite(directory.join("test.db"));
        let store = Arc::new(Store::open(&url, &StoreConfig::default()).unwrap());
        let keys = json!({ "keys": [test_keys::jwk_of(&test_keys::ec(), Algorithm::ES256, "e")] });
        let file = directory.join("keys.json");
        std::fs::write(&file, keys.to_string()).unwrap();
        let provider = Arc::new(Provider::new(ProviderConfig {
            source: JwksSource::File(file),
            issuer: "https://id.example".to_owned(),
            audience: "landfall-api".to_owned(),
        }));
        let tokens = || AccessTokens::new(SECRET, Duration::from_secs(900));
        (Authenticator::new(store, Arc::new(tokens()), Some(provider), Arc::new(SystemClock)), tokens())
    }

    fn external_token(subject: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
        let expiry = crate::auth::tokens::seconds(SystemClock.now()) + 600;
        let claims = json!({ "sub": subject, "iss": "https://id.example", "aud": "landfall-api", "exp": expiry,
            "preferred_username": "Ada" });
        encode(&Header { kid: Some("e".to_owned()), ..Header::new(algorithm) }, &claims, key).unwrap()
    }

    #[tokio::test]
    async fn a_subject_gets_one_account_with_a_workspace_and_another_subject_another() {
        let directory = tempfile::tempdir().unwrap();
        let (authenticator, _own) = authenticator(directory.path());
        let first = external_token("user|1", &test_keys::ec(), Algorithm::ES256);
        let verified = authenticator.identify(&first).await.unwrap();
        let ada = verified.identity.clone();
        assert_eq!(ada.username, "ada");
        assert_eq!(authenticator.identify(&first).await.unwrap(), verified);
        authenticator.accounts.lock().unwrap().clear();
        assert_eq!(authenticator.identify(&first).await.unwrap(), verified, "also without the cache");
        assert!(authenticator.store.first_workspace(ada.user_id).unwrap().is_some());

        let second = external_token("user|2", &test_keys::ec(), Algorithm::ES256);
        let other = authenticator.identify(&second).await.unwrap().identity;
        assert!(other.user_id != ada.user_id && other.username != ada.username, "{other:?}");
    }

    #[tokio::test]
    async fn own_tokens_serve_beside_the_providers_and_neither_passes_for_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let (authenticator, own) = authenticator(directory.path());
        let grace = Identity { user_id: UserId(Uuid::from_u128(3)), username: "grace".to_owned() };
        let token = own.issue(&grace, SystemClock.now()).unwrap();
        assert_eq!(authenticator.identify(&token).await.unwrap().identity, grace);

        let claims_of_provider = external_token("user|1", &EncodingKey::from_secret(SECRET), Algorithm::HS256);
        let refused = authenticator.identify(&claims_of_provider).await;
        assert!(matches!(refused, Err(AuthError::Token(TokenError::Refused(_)))), "{refused:?}");
    }

    fn named(subject: &str, preferred: Option<&str>) -> String {
        name_for(&ExternalIdentity {
            issuer: "https://id.example".to_owned(),
            subject: subject.to_owned(),
            preferred_name: preferred.map(str::to_owned),
            expires_at: Timestamp(0),
        })
    }

    #[test]
    fn an_external_user_gets_a_name_that_obeys_the_rules() {
        assert_eq!(named("auth0|7", Some("Ada")), "ada");
        assert_eq!(named("0b9e", Some("Ada Lovelace")), "0b9e");
        let made = named("auth0|7", None);
        assert!(made.starts_with("user-") && Username::parse(&made).is_ok(), "{made}");
        assert_ne!(made, named("auth0|8", None));
    }
}
