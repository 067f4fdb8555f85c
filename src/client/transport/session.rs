//! Who asks: the access token that goes with each request, and how it is had again when it has run out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use ureq::http::Method;

use crate::client::login::Credentials;
use crate::client::transport::answer::parse;
use crate::client::transport::error::RemoteError;
use crate::client::transport::http::{Http, Until};
use crate::client::transport::wire::Tokens;

/// The code of a registration under a name that is somebody's already.
const NAME_TAKEN: &str = "username_taken";
/// Nobody who logs in is kept waiting for longer.
const LONGEST_PUT_OFF: Duration = Duration::from_secs(60);

/// Who asks.
pub(super) struct Session(Mutex<Login>);

/// A login, as far as it is known.
struct Login {
    credentials: Credentials,
    access_token: Option<SecretString>,
}

impl Session {
    pub(super) fn new(credentials: Credentials) -> Self {
        let access_token = match &credentials {
            Credentials::Token(token) => Some(token.clone()),
            Credentials::Password { .. } | Credentials::Stored(_) | Credentials::None => None,
        };
        Self(Mutex::new(Login { credentials, access_token }))
    }

    /// Makes a new login; the token that renews it.
    pub(super) fn log_in(
        &self,
        http: &Http,
        username: &str,
        password: &SecretString,
    ) -> Result<SecretString, RemoteError> {
        let log_in = || log_in_with(http, username, password).map_err(unless_put_off);
        let tokens = http.patiently(Until::NothingHelps, log_in)?;
        Ok(self.begin(tokens, username, password))
    }

    /// Makes an account and logs in to it; gives the token that renews the login.
    pub(super) fn register(
        &self,
        http: &Http,
        username: &str,
        password: &SecretString,
    ) -> Result<SecretString, RemoteError> {
        let body = credentials_body(username, password);
        let mut is_again = false;
        let tokens = http.patiently(Until::NothingHelps, || {
            let answer = http.send(&Method::POST, "/api/v1/auth/register", Some(body.as_bytes()), None);
            match answer.and_then(|bytes| parse(&bytes)).map_err(unless_put_off) {
                // Perhaps by the try before, whose answer was lost: then the password fits.
                Err(RemoteError::Refused { code, detail, status, retry_after }) if is_again && code == NAME_TAKEN => {
                    log_in_with(http, username, password).map_err(|failure| match failure {
                        RemoteError::Unauthorized(_) => RemoteError::Refused { status, code, detail, retry_after },
                        other => unless_put_off(other),
                    })
                }
                outcome => {
                    is_again = true;
                    outcome
                }
            }
        })?;
        Ok(self.begin(tokens, username, password))
    }

    /// What has proved itself once may do so again, should the access token run out at once.
    fn begin(&self, tokens: Tokens, username: &str, password: &SecretString) -> SecretString {
        let credentials = Credentials::Password { username: username.to_owned(), password: password.clone() };
        *self.login() = Login { credentials, access_token: Some(tokens.access_token.into()) };
        tokens.refresh_token.into()
    }

    /// Asks with an access token; if the server does not take it any more, once again with a new one.
    pub(super) fn authorised<T>(
        &self,
        http: &Http,
        ask: impl Fn(&SecretString) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let token = self.access_token(http, None)?;
        match ask(&token) {
            Err(RemoteError::Unauthorized(_)) => ask(&self.access_token(http, Some(&token))?),
            outcome => outcome,
        }
    }

    /// The access token, if there is one that was good until now.
    pub(super) fn known_token(&self) -> Option<SecretString> {
        self.login().access_token.clone()
    }

    /// The access token to use; not `stale`, which the server does not take any more.
    fn access_token(&self, http: &Http, stale: Option<&SecretString>) -> Result<SecretString, RemoteError> {
        let login = &mut *self.login();
        if let Some(token) = &login.access_token
            && stale.is_none_or(|stale| stale.expose_secret() != token.expose_secret())
        {
            return Ok(token.clone());
        }
        let tokens = match &login.credentials {
            Credentials::Token(_) => {
                return Err(RemoteError::Unauthorized("the server does not take LANDFALL_TOKEN (any more)".to_owned()));
            }
            Credentials::None => {
                let hint = "run `landfall login`, or set LANDFALL_TOKEN, or LANDFALL_USERNAME and LANDFALL_PASSWORD";
                return Err(RemoteError::Unauthorized(hint.to_owned()));
            }
            Credentials::Password { username, password } => log_in_with(http, username, password)?,
            Credentials::Stored(stored) => {
                let renewal = stored.begin_renewal().map_err(RemoteError::Local)?;
                let tokens = refresh(http, &renewal.refresh_token)?;
                renewal.finish(&SecretString::from(tokens.refresh_token.clone())).map_err(RemoteError::Local)?;
                tokens
            }
        };
        let token = SecretString::from(tokens.access_token);
        login.access_token = Some(token.clone());
        Ok(token)
    }

    /// The login. Whole between any two statements.
    fn login(&self) -> MutexGuard<'_, Login> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log_in_with(http: &Http, username: &str, password: &SecretString) -> Result<Tokens, RemoteError> {
    let body = credentials_body(username, password);
    match http.send(&Method::POST, "/api/v1/auth/login", Some(body.as_bytes()), None) {
        Ok(bytes) => parse(&bytes),
        Err(RemoteError::Unauthorized(_)) => {
            Err(RemoteError::Unauthorized(format!("the server knows no user {username} with this password")))
        }
        Err(failure) => Err(failure),
    }
}

/// A lost answer costs nothing: the server takes the same token again as long as its successor has not been used.
fn refresh(http: &Http, refresh_token: &SecretString) -> Result<Tokens, RemoteError> {
    let body = json!({ "refresh_token": refresh_token.expose_secret() }).to_string();
    match http.send(&Method::POST, "/api/v1/auth/refresh", Some(body.as_bytes()), None) {
        Ok(bytes) => parse(&bytes),
        Err(RemoteError::Unauthorized(_)) => {
            let reason = "the stored login has run out, was ended, or is an old one (as from a copy of the folder); \
                          run `landfall login`: what is queued stays";
            Err(RemoteError::Unauthorized(reason.to_owned()))
        }
        Err(failure) => Err(failure),
    }
}

/// A login that the server puts off for long, as after many wrong passwords, is refused at once: somebody sits there.
fn unless_put_off(failure: RemoteError) -> RemoteError {
    match failure {
        RemoteError::Refused { detail, retry_after: Some(wait), .. } if wait > LONGEST_PUT_OFF => {
            RemoteError::Unauthorized(format!("{detail}; the server asks to wait {} s", wait.as_secs()))
        }
        RemoteError::Foreign { status, retry_after: Some(wait) } if wait > LONGEST_PUT_OFF => {
            RemoteError::Unauthorized(format!("HTTP status {status}; the server asks to wait {} s", wait.as_secs()))
        }
        other => other,
    }
}

fn credentials_body(username: &str, password: &SecretString) -> String {
    json!({ "username": username, "password": password.expose_secret() }).to_string()
}
