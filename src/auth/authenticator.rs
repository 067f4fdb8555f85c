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
use crate::auth::roles::{self, Caller};
use crate::auth::script_token::{PREFIX, ScriptToken};
use crate::auth::tokens::{AccessTokens, Identity, TokenError, Verified};
use crate::auth::{AuthError, blocking};
use crate::domain::access::{Action, Role, Scope};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::{Clock, Timestamp};
use crate::store::Store;
use crate::store::accounts::ExternalUser;

/// How long a subject of the provider is taken to be the same account without asking the store.
const ACCOUNT_CACHE_S: i64 = 300;
/// Subjects remembered at a time.
const MAX_CACHED_ACCOUNTS: usize = 10_000;
/// How long a login is taken to go on without asking the store: what is ended elsewhere serves so long here.
const LIVE_CACHE_S: i64 = 5;
/// Logins remembered at a time.
const MAX_CACHED_LIVES: usize = 50_000;
/// Seconds after which a stream that was opened with a token for scripts has to prove itself again.
const SCRIPT_STREAM_S: i64 = 900;

/// What may have ended since an access token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Life {
    Session(UserId, Uuid),
    User(UserId),
}

/// Tells who a token speaks for.
pub struct Authenticator {
    store: Arc<Store>,
    own: Arc<AccessTokens>,
    provider: Option<Arc<Provider>>,
    clock: Arc<dyn Clock>,
    accounts: Mutex<HashMap<String, (Identity, Timestamp)>>,
    lives: Mutex<HashMap<Life, Timestamp>>,
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
        Self { store, own, provider, clock, accounts: Mutex::default(), lives: Mutex::default() }
    }

    /// The outside provider, if there is one.
    #[must_use]
    pub fn provider(&self) -> Option<&Arc<Provider>> {
        self.provider.as_ref()
    }

    /// Who the token speaks for, and until when. A subject of the provider that comes for the first time gets an account.
    ///
    /// # Errors
    /// `Token` if it proves nothing here, or not any more; `ProviderUnavailable`; `Store`.
    pub async fn identify(&self, token: &str) -> Result<Verified, AuthError> {
        let now = self.clock.now();
        if token.starts_with(PREFIX) {
            return self.identify_script(token.parse()?, now).await;
        }
        let verified = self.verify(token, now).await?;
        let user_id = verified.identity.user_id;
        let life = verified.session_id.map_or(Life::User(user_id), |session_id| Life::Session(user_id, session_id));
        if self.is_live(life, now).await? { Ok(verified) } else { Err(TokenError::Revoked.into()) }
    }

    /// Forgets what was ended here, so that it is refused at once.
    pub fn forget_lives(&self) {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether the login goes on. Only what was found live is remembered.
    async fn is_live(&self, life: Life, now: Timestamp) -> Result<bool, AuthError> {
        let seen = self.lives.lock().unwrap_or_else(PoisonError::into_inner).get(&life).copied();
        if seen.is_some_and(|seen| seen <= now && now < seen.plus_seconds(LIVE_CACHE_S)) {
            return Ok(true);
        }
        let store = Arc::clone(&self.store);
        let is_live = blocking(move || match life {
            Life::Session(user_id, session_id) => store.is_session_live(user_id, session_id),
            Life::User(user_id) => store.is_user_active(user_id),
        })
        .await?;
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        if lives.len() >= MAX_CACHED_LIVES {
            lives.clear();
        }
        if is_live {
            lives.insert(life, now);
        } else {
            lives.remove(&life);
        }
        Ok(is_live)
    }

    /// The role with which the caller may do this in the workspace. Blocks; call off the event loop.
    ///
    /// # Errors
    /// Who is not a member, or may not do this; what the store says.
    pub fn check_access(&self, caller: Caller, workspace_id: WorkspaceId, action: Action) -> Result<Role, AuthError> {
        roles::check_access(&self.store, caller, workspace_id, action)
    }

    /// Asked of the store each time: a script asks seldom, and one that was revoked is refused at once.
    async fn identify_script(&self, token: ScriptToken, now: Timestamp) -> Result<Verified, AuthError> {
        let store = Arc::clone(&self.store);
        let found =
            blocking(move || store.find_access_token(token.workspace_id, token.token_id, &token.digest())).await?;
        let Some(found) = found else { return Err(TokenError::Refused("it is unknown or revoked").into()) };
        if found.expires_at.is_some_and(|end| end <= now) {
            return Err(TokenError::Expired.into());
        }
        let soon = now.plus_seconds(SCRIPT_STREAM_S);
        Ok(Verified {
            identity: Identity { user_id: found.user_id, username: found.username },
            session_id: None,
            scope: Some(Scope { workspace_id: found.workspace_id, role: found.role }),
            expires_at: found.expires_at.map_or(soon, |end| end.min(soon)),
        })
    }

    async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, AuthError> {
        match &self.provider {
            // Only the server itself signs with HMAC, and only the server's own check ever runs on such a token.
            Some(provider) if !is_hmac(token)? => {
                let external = provider.verify(token, now).await?;
                let expires_at = external.expires_at;
                let identity = self.account_of(external, now).await?;
                Ok(Verified { identity, session_id: None, scope: None, expires_at })
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
    use crate::clock::SystemClock;
    use crate::store::accounts::NewUser;
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
        let token = own.issue(&grace, None, SystemClock.now()).unwrap();
        let unknown = authenticator.identify(&token).await;
        assert!(matches!(unknown, Err(AuthError::Token(TokenError::Revoked))), "{unknown:?}");
        let user = NewUser {
            user_id: grace.user_id,
            username: grace.username.clone(),
            password_hash: String::new(),
            workspace_id: WorkspaceId(Uuid::from_u128(4)),
            workspace_name: FIRST_WORKSPACE_NAME.to_owned(),
            now: SystemClock.now(),
        };
        authenticator.store.create_user(user).unwrap();
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
