//! An outside identity provider: its keys, fetched and kept fresh, and the check of its tokens.
//!
//! Keys come from a file or a URL, bounded in size and time. They are fetched again in the background and, at most
//! once a minute, when a token names a key that is not known. A failed fetch keeps the keys that are there.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;

use crate::auth::jwks::{KeySet, PinnedKey};
use crate::auth::tokens::{MAX_TOKEN_BYTES, TokenError, seconds};
use crate::auth::{AuthError, blocking, signatures};
use crate::domain::timestamp::Timestamp;

/// Keys older than this are fetched again in the background.
pub const MAX_KEY_AGE: Duration = Duration::from_secs(300);
/// A key that is not known makes a fetch at most this often, whoever asks.
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(60);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_SET_BYTES: u64 = 1024 * 1024;
/// Clocks of two organisations differ; ours and our own do not.
const LEEWAY_S: i64 = 60;
const MAX_SUBJECT_CHARS: usize = 255;

/// Where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksSource {
    /// A local file.
    File(PathBuf),
    /// An `https` URL, or `http` on this machine.
    Url(String),
}

/// What is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConfig {
    /// The keys.
    pub source: JwksSource,
    /// The `iss` that tokens must carry.
    pub issuer: String,
    /// The `aud` that tokens must carry.
    pub audience: String,
}

/// Who the provider says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// Who says so.
    pub issuer: String,
    /// Its permanent name for the person.
    pub subject: String,
    /// A name for people to read, if it gives one; not unique, not permanent.
    pub preferred_name: Option<String>,
    /// The first moment at which its token is refused.
    pub expires_at: Timestamp,
}

#[derive(Debug)]
struct Fetched {
    keys: Option<Arc<KeySet>>,
    tried_at: Option<Instant>,
}

/// The provider.
#[derive(Debug)]
pub struct Provider {
    config: ProviderConfig,
    fetched: RwLock<Fetched>,
    /// Held during a fetch, so that many tokens with an unknown key make one fetch.
    fetching: Mutex<()>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    preferred_username: Option<String>,
    email: Option<String>,
}

impl Provider {
    /// A provider whose keys are not loaded yet; see [`Provider::fetch`].
    #[must_use]
    pub fn new(config: ProviderConfig) -> Self {
        signatures::install();
        Self { config, fetched: RwLock::new(Fetched { keys: None, tried_at: None }), fetching: Mutex::new(()) }
    }

    /// What it was made with.
    #[must_use]
    pub fn config(&self) -> &ProviderConfig {
        &self.config
    }

    /// Loads the keys; answers how many are of use. Blocks for up to five seconds.
    ///
    /// # Errors
    /// `ProviderUnavailable`; the keys that were there stay.
    pub fn fetch(&self) -> Result<usize, AuthError> {
        let _one_at_a_time = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        self.fetch_locked()
    }

    /// Loads the keys if they are older than `max_age`. Blocks.
    ///
    /// # Errors
    /// As [`Provider::fetch`].
    pub fn fetch_if_older(&self, max_age: Duration) -> Result<(), AuthError> {
        let _one_at_a_time = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if self.tried_within(max_age) {
            return Ok(());
        }
        self.fetch_locked().map(|_usable| ())
    }

    /// Who the token speaks for.
    ///
    /// # Errors
    /// `Token` if it is not good here; `ProviderUnavailable` while no keys could be loaded.
    pub async fn verify(self: &Arc<Self>, token: &str, now: Timestamp) -> Result<ExternalIdentity, AuthError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Refused("it is too long").into());
        }
        let header = decode_header(token).map_err(|refused| TokenError::from_jwt(&refused))?;
        // RFC 7515 §4.1.11: whoever does not understand a critical extension must refuse the token. None is understood.
        if header.crit.is_some() {
            return Err(TokenError::Refused("it depends on an extension that is not known here").into());
        }
        let find = || self.keys().and_then(|keys| keys.find(header.kid.as_deref(), header.alg).cloned());
        let mut key = find();
        if key.is_none() {
            let provider = Arc::clone(self);
            let refreshed = blocking(move || provider.fetch_if_older(MIN_FETCH_INTERVAL)).await;
            key = find();
            if let (None, Err(failure)) = (&key, refreshed) {
                return Err(failure);
            }
        }
        let Some(key) = key else {
            return Err(if self.keys().is_some() {
                TokenError::Refused("no key of the identity provider fits it").into()
            } else {
                AuthError::ProviderUnavailable("the last attempt failed; the next follows within a minute".to_owned())
            });
        };
        // Checking an RSA signature takes tens of microseconds: not worth a thread.
        Ok(self.check(token, &key, now)?)
    }

    fn check(&self, token: &str, key: &PinnedKey, now: Timestamp) -> Result<ExternalIdentity, TokenError> {
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[&self.config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are checked below against the injected clock.
        validation.validate_exp = false;
        let claims =
            decode::<Claims>(token, &key.key, &validation).map_err(|refused| TokenError::from_jwt(&refused))?.claims;
        let earliest = f64_seconds(seconds(now).saturating_sub(LEEWAY_S));
        let latest = f64_seconds(seconds(now).saturating_add(LEEWAY_S));
        if claims.exp <= earliest {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(TokenError::NotYetValid);
        }
        if claims.sub.is_empty() || claims.sub.contains('\0') || claims.sub.chars().count() > MAX_SUBJECT_CHARS {
            return Err(TokenError::Refused("its subject is empty, too long or holds a NUL"));
        }
        Ok(ExternalIdentity {
            issuer: self.config.issuer.clone(),
            subject: claims.sub,
            preferred_name: claims.preferred_username.or(claims.email),
            expires_at: Timestamp(0).plus_seconds(whole_seconds(claims.exp)).plus_seconds(LEEWAY_S),
        })
    }

    fn keys(&self) -> Option<Arc<KeySet>> {
        self.fetched.read().unwrap_or_else(PoisonError::into_inner).keys.clone()
    }

    fn tried_within(&self, max_age: Duration) -> bool {
        let fetched = self.fetched.read().unwrap_or_else(PoisonError::into_inner);
        fetched.tried_at.is_some_and(|at| at.elapsed() < max_age)
    }

    fn fetch_locked(&self) -> Result<usize, AuthError> {
        let outcome = load(&self.config.source)
            .and_then(|json| KeySet::parse(&json).map_err(|unusable| unusable.to_string()))
            .map(Arc::new);
        let mut fetched = self.fetched.write().unwrap_or_else(PoisonError::into_inner);
        fetched.tried_at = Some(Instant::now());
        match outcome {
            Ok(keys) => {
                let usable = keys.len();
                fetched.keys = Some(keys);
                Ok(usable)
            }
            Err(reason) => Err(AuthError::ProviderUnavailable(reason)),
        }
    }
}

/// Seconds of this age of the world are far below 2^53, so nothing is lost.
#[expect(clippy::as_conversions, reason = "there is no From<i64> for f64; see above")]
fn f64_seconds(seconds: i64) -> f64 {
    seconds as f64
}

/// The second that a time falls into; one out of range is the nearest there is.
#[expect(clippy::as_conversions, reason = "there is no TryFrom<f64> for i64, and saturating is what is wanted")]
fn whole_seconds(seconds: f64) -> i64 {
    seconds as i64
}

fn load(source: &JwksSource) -> Result<Vec<u8>, String> {
    match source {
        JwksSource::File(path) => {
            let file = File::open(path).map_err(|failure| format!("{}: {failure}", path.display()))?;
            read_bounded(file).map_err(|failure| format!("{}: {failure}", path.display()))
        }
        JwksSource::Url(url) => download(url).map_err(|failure| format!("{url}: {failure}")),
    }
}

fn download(url: &str) -> Result<Vec<u8>, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(FETCH_TIMEOUT))
        .https_only(url.starts_with("https://"))
        .max_redirects(3)
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let answer = agent.get(url).header("accept", "application/json").call().map_err(|failure| failure.to_string())?;
    read_bounded(answer.into_body().into_reader()).map_err(|failure| failure.to_string())
}

fn read_bounded(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = source.take(MAX_SET_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_SET_BYTES) {
        Ok(bytes)
    } else {
        Err(std::io::Error::other("the key set is larger than 1 MiB"))
    }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
