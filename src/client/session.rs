//! Who asks: the access token that goes with each request, and how it is had again when it has run out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use ureq::http::Method;

use crate::client::credentials::Credentials;
use crate::client::error::ClientError;
use crate::client::remote::{Remote, RemoteError, Until, parse};
use crate::client::wire::Tokens;

/// The code of a registration under a name that is somebody's already.
const NAME_TAKEN: &str = "username_taken";
/// Nobody who logs in is kept waiting for longer.
const LONGEST_PUT_OFF: Duration = Duration::from_secs(60);

/// A login, as far as it is known.
pub(super) struct Session {
    credentials: Credentials,
    access_token: Option<SecretString>,
}

impl Session {
    pub(super) fn new(credentials: Credentials) -> Mutex<Self> {
        let access_token = match &credentials {
            Credentials::Token(token) => Some(token.clone()),
            Credentials::Password { .. } | Credentials::Stored(_) | Credentials::None => None,
        };
        Mutex::new(Self { credentials, access_token })
    }
}

impl Remote {
    /// Makes a new login; the token that renews it.
    ///
    /// # Errors
    /// See [`RemoteError`], as a command says it.
    pub fn log_in(&self, username: &str, password: &SecretString) -> Result<SecretString, ClientError> {
        let tokens =
            self.patiently(Until::NothingHelps, || self.log_in_with(username, password).map_err(unless_put_off));
        self.begin_session(tokens, username, password)
    }

    /// Makes an account and logs in to it; gives the token that renews the login.
    ///
    /// # Errors
    /// `Login` if the server lets nobody make accounts, or the name is taken or no name; `Unreachable`.
    pub fn register(&self, username: &str, password: &SecretString) -> Result<SecretString, ClientError> {
        let body = credentials_body(username, password);
        let mut is_again = false;
        let tokens = self.patiently(Until::NothingHelps, || {
            let answer = self.send(&Method::POST, "/api/v1/auth/register", Some(body.as_bytes()), None);
            match answer.and_then(|bytes| parse(&bytes)).map_err(unless_put_off) {
                // Perhaps by the try before, whose answer was lost: then the password fits.
                Err(RemoteError::Refused { code, detail, status, retry_after }) if is_again && code == NAME_TAKEN => {
                    self.log_in_with(username, password).map_err(|failure| match failure {
                        RemoteError::Unauthorized(_) => RemoteError::Refused { status, code, detail, retry_after },
                        other => unless_put_off(other),
                    })
                }
                outcome => {
                    is_again = true;
                    outcome
                }
            }
        });
        self.begin_session(tokens, username, password)
    }

    /// What has proved itself once may do so again, should the access token run out at once.
    fn begin_session(
        &self,
        tokens: Result<Tokens, RemoteError>,
        username: &str,
        password: &SecretString,
    ) -> Result<SecretString, ClientError> {
        let tokens = tokens.map_err(|error| error.into_client_error(self.server()))?;
        let credentials = Credentials::Password { username: username.to_owned(), password: password.clone() };
        let access_token = Some(tokens.access_token.into());
        *self.session() = Session { credentials, access_token };
        Ok(tokens.refresh_token.into())
    }

    /// Asks with an access token; if the server does not take it any more, once again with a new one.
    ///
    /// # Errors
    /// Those of `ask`, and of renewing the login.
    pub fn authorised<T>(&self, ask: impl Fn(&SecretString) -> Result<T, RemoteError>) -> Result<T, RemoteError> {
        let token = self.access_token(None)?;
        match ask(&token) {
            Err(RemoteError::Unauthorized(_)) => ask(&self.access_token(Some(&token))?),
            outcome => outcome,
        }
    }

    /// The access token to use; not `stale`, which the server does not take any more.
    fn access_token(&self, stale: Option<&SecretString>) -> Result<SecretString, RemoteError> {
        let session = &mut *self.session();
        if let Some(token) = &session.access_token
            && stale.is_none_or(|stale| stale.expose_secret() != token.expose_secret())
        {
            return Ok(token.clone());
        }
        let tokens = match &session.credentials {
            Credentials::Token(_) => {
                return Err(RemoteError::Unauthorized("the server does not take LANDFALL_TOKEN (any more)".to_owned()));
            }
            Credentials::None => {
                let hint = "run `landfall login`, or set LANDFALL_TOKEN, or LANDFALL_USERNAME and LANDFALL_PASSWORD";
                return Err(RemoteError::Unauthorized(hint.to_owned()));
            }
            Credentials::Password { username, password } => self.log_in_with(username, password)?,
            Credentials::Stored(login) => {
                let renewal = login.begin_renewal().map_err(RemoteError::Local)?;
                let tokens = self.refresh(&renewal.refresh_token)?;
                renewal.finish(&SecretString::from(tokens.refresh_token.clone())).map_err(RemoteError::Local)?;
                tokens
            }
        };
        let token = SecretString::from(tokens.access_token);
        session.access_token = Some(token.clone());
        Ok(token)
    }

    fn log_in_with(&self, username: &str, password: &SecretString) -> Result<Tokens, RemoteError> {
        let body = credentials_body(username, password);
        match self.send(&Method::POST, "/api/v1/auth/login", Some(body.as_bytes()), None) {
            Ok(bytes) => parse(&bytes),
            Err(RemoteError::Unauthorized(_)) => {
                Err(RemoteError::Unauthorized(format!("the server knows no user {username} with this password")))
            }
            Err(failure) => Err(failure),
        }
    }

    /// A lost answer costs nothing: the server takes the same token again as long as its successor has not been used.
    fn refresh(&self, refresh_token: &SecretString) -> Result<Tokens, RemoteError> {
        let body = json!({ "refresh_token": refresh_token.expose_secret() }).to_string();
        match self.send(&Method::POST, "/api/v1/auth/refresh", Some(body.as_bytes()), None) {
            Ok(bytes) => parse(&bytes),
            Err(RemoteError::Unauthorized(_)) => {
                let reason = "the stored login has run out, was ended, or is an old one (as from a copy of the folder); \
                              run `landfall login`: what is queued stays";
                Err(RemoteError::Unauthorized(reason.to_owned()))
            }
            Err(failure) => Err(failure),
        }
    }

    /// The access token, if there is one that was good until now.
    pub(super) fn known_token(&self) -> Option<SecretString> {
        self.session().access_token.clone()
    }

    /// The session. Whole between any two statements.
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
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
