//! The server, over HTTP: requests with a login, renewed when it has run out, tried again when that can help.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::json;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

use crate::client::compression::{CODING, compressed, unpacked};
use crate::client::credentials::Credentials;
use crate::client::error::ClientError;
use crate::client::interrupt::Interrupt;
use crate::client::retry::{Backoff, chance};
use crate::client::wire::{Problem, Tokens};

/// No answer is longer: a page of the feed ends at about 8 MB, a batch may carry as many documents as it names.
pub const MAX_ANSWER_BYTES: u64 = 256 * 1024 * 1024;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The code of a registration under a name that is somebody's already.
const NAME_TAKEN: &str = "username_taken";
/// Nobody who logs in is kept waiting for longer.
const LONGEST_PUT_OFF: Duration = Duration::from_secs(60);
/// How often a waiting thread looks whether it is to stop.
const NAP: Duration = Duration::from_millis(50);

/// Why a request has no answer of use.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No connection, or one that broke.
    #[error("{0}")]
    Offline(String),
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The login is missing, wrong or has run out, and cannot be renewed.
    #[error("{0}")]
    Unauthorized(String),
    /// The server refused the request.
    #[error("{detail} ({status} {code})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The problem's code.
        code: String,
        /// For people.
        detail: String,
        /// When to ask again.
        retry_after: Option<Duration>,
    },
    /// The answer is not what the protocol says.
    #[error("the answer cannot be understood: {0}")]
    Unintelligible(String),
    /// The user asked to stop, or the login could not be kept.
    #[error(transparent)]
    Local(ClientError),
}

impl RemoteError {
    /// Whether the request was too much at once: too large, too slow, or too hard for the server.
    #[must_use]
    pub fn asks_for_less(&self) -> bool {
        match self {
            Self::TimedOut(_) => true,
            Self::Refused { status: 413, .. } => true,
            Self::Refused { status: 503, code, .. } => code == "timeout",
            Self::Refused { code, .. } if code == "too_many_operations" => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::Offline(_) | Self::Unauthorized(_) | Self::Unintelligible(_) | Self::Local(_) => false,
        }
    }

    /// Whether the server failed over the request, be it that it was too much.
    fn is_servers_fault(&self) -> bool {
        matches!(self, Self::TimedOut(_)) || matches!(self, Self::Refused { status, .. } if *status >= 500)
    }

    /// Whether the same request may succeed later.
    fn is_passing(&self) -> bool {
        match self {
            Self::Offline(_) => true,
            Self::Refused { status: 429, .. } => true,
            Self::Refused { status: 503, code, .. } => code != "timeout",
            _ => false,
        }
    }

    fn has_code(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }

    /// When the server wants to be asked again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What the command says of it.
    #[must_use]
    pub fn into_client_error(self, server: &str) -> ClientError {
        match self {
            Self::Unauthorized(reason) => ClientError::Login(reason),
            Self::Local(error) => error,
            Self::Refused { status, code, detail, .. } if status < 500 && status != 429 => {
                ClientError::Refused { code, detail }
            }
            other => ClientError::Unreachable { server: server.to_owned(), reason: other.to_string() },
        }
    }
}

/// A server, and who talks to it.
pub struct Remote {
    agent: Agent,
    server: String,
    timeout: Duration,
    backoff: Backoff,
    interrupt: Interrupt,
    session: Mutex<Session>,
    /// Until somebody on the way refuses it.
    compresses: AtomicBool,
}

struct Session {
    credentials: Credentials,
    access_token: Option<SecretString>,
}

/// How long a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until a smaller request may do better.
    LessHelps,
    /// As often as is allowed.
    NothingHelps,
}

/// How to reach a server.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For one request.
    pub timeout: Duration,
    /// Between tries.
    pub backoff: Backoff,
}

impl Remote {
    /// A server at an address like `http://127.0.0.1:7001`. Nothing is sent yet.
    #[must_use]
    pub fn new(server: &str, credentials: Credentials, patience: Patience, interrupt: Interrupt) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT.min(patience.timeout)))
            .timeout_global(Some(patience.timeout))
            .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
            .build();
        let access_token = match &credentials {
            Credentials::Token(token) => Some(token.clone()),
            Credentials::Password { .. } | Credentials::Stored(_) | Credentials::None => None,
        };
        Self {
            agent: config.new_agent(),
            server: server.trim_end_matches('/').to_owned(),
            timeout: patience.timeout,
            backoff: patience.backoff,
            interrupt,
            session: Mutex::new(Session { credentials, access_token }),
            compresses: AtomicBool::new(true),
        }
    }

    /// The server's address.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Reads something.
    ///
    /// # Errors
    /// See [`RemoteError`], as a command says it.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask(&Method::GET, path, None, Until::NothingHelps).map_err(|error| error.into_client_error(&self.server))
    }

    /// Sends JSON that is already written, and understands the answer.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &[u8], until: Until) -> Result<T, RemoteError> {
        self.ask(&Method::POST, path, Some(body), until)
    }

    /// Puts JSON that is already written; only whether it was taken is of interest.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn put(&self, path: &str, body: &[u8]) -> Result<(), RemoteError> {
        self.with_login(&Method::PUT, path, Some(body)).map(drop)
    }

    /// Makes a new login; the token that renews it.
    ///
    /// # Errors
    /// See [`RemoteError`], as a command says it.
    pub fn log_in(&self, username: &str, password: &SecretString) -> Result<SecretString, ClientError> {
        let log_in = || self.log_in_with(username, password).map_err(unless_put_off);
        self.begin_session(self.persist(Until::NothingHelps, log_in), username, password)
    }

    /// Makes an account and logs in to it; gives the token that renews the login.
    ///
    /// # Errors
    /// `Login` if the server lets nobody make accounts, or the name is taken or no name; `Unreachable`.
    pub fn register(&self, username: &str, password: &SecretString) -> Result<SecretString, ClientError> {
        let is_again = Cell::new(false);
        let register = || {
            let outcome = self.register_with(username, password).map_err(unless_put_off);
            match outcome {
                // Perhaps by the try before, whose answer was lost: then the password fits.
                Err(taken) if is_again.replace(true) && taken.has_code(NAME_TAKEN) => {
                    self.log_in_with(username, password).map_err(|failure| match failure {
                        RemoteError::Unauthorized(_) => taken,
                        other => unless_put_off(other),
                    })
                }
                outcome => outcome,
            }
        };
        self.begin_session(self.persist(Until::NothingHelps, register), username, password)
    }

    /// What has proved itself once may do so again, should the access token run out at once.
    fn begin_session(
        &self,
        tokens: Result<Tokens, RemoteError>,
        username: &str,
        password: &SecretString,
    ) -> Result<SecretString, ClientError> {
        let tokens = tokens.map_err(|error| error.into_client_error(&self.server))?;
        let credentials = Credentials::Password { username: username.to_owned(), password: password.clone() };
        *self.session() = Session { credentials, access_token: Some(tokens.access_token.into()) };
        Ok(tokens.refresh_token.into())
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        until: Until,
    ) -> Result<T, RemoteError> {
        parse(&self.persist(until, || self.with_login(method, path, body))?)
    }

    /// Tries again as long as that can help and is allowed.
    fn persist<T>(&self, until: Until, attempt: impl Fn() -> Result<T, RemoteError>) -> Result<T, RemoteError> {
        let mut tries = 0;
        loop {
            let failure = match attempt() {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            tries += 1;
            let wait = self.backoff.wait(tries, failure.retry_after(), chance());
            let may_help = failure.is_passing() || (until == Until::NothingHelps && failure.is_servers_fault());
            match wait.filter(|_| may_help) {
                Some(wait) => self.sleep(wait)?,
                None => return Err(failure),
            }
        }
    }

    fn sleep(&self, wait: Duration) -> Result<(), RemoteError> {
        let until = Instant::now() + wait;
        while Instant::now() < until {
            self.interrupt.check().map_err(RemoteError::Local)?;
            thread::sleep(NAP.min(until.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }

    /// One request; a login that has run out is renewed once.
    fn with_login(&self, method: &Method, path: &str, body: Option<&[u8]>) -> Result<Vec<u8>, RemoteError> {
        self.authorised(|token| self.send(method, path, body, Some(token)))
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
        let mut session = self.session();
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

    fn register_with(&self, username: &str, password: &SecretString) -> Result<Tokens, RemoteError> {
        let body = credentials_body(username, password);
        parse(&self.send(&Method::POST, "/api/v1/auth/register", Some(body.as_bytes()), None)?)
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

    fn refresh(&self, refresh_token: &SecretString) -> Result<Tokens, RemoteError> {
        let body = json!({ "refresh_token": refresh_token.expose_secret() }).to_string();
        match self.send(&Method::POST, "/api/v1/auth/refresh", Some(body.as_bytes()), None) {
            Ok(bytes) => parse(&bytes),
            Err(RemoteError::Unauthorized(_)) => {
                let reason = "the stored login has run out, or was used a second time (as after a crash while it was \
                              renewed, or from a copy of the folder); run `landfall login`: what is queued stays";
                Err(RemoteError::Unauthorized(reason.to_owned()))
            }
            Err(failure) => Err(failure),
        }
    }

    /// One request. A body that the server, or something before it, does not take compressed is sent again as it is.
    fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        token: Option<&SecretString>,
    ) -> Result<Vec<u8>, RemoteError> {
        let packed = body.filter(|_| self.compresses.load(Ordering::Relaxed)).and_then(compressed);
        if let Some(packed) = packed {
            match self.send_as(method, path, Some(&packed), Some(CODING), token) {
                Err(RemoteError::Refused { status: 415, .. }) => self.compresses.store(false, Ordering::Relaxed),
                outcome => return outcome,
            }
        }
        self.send_as(method, path, body, None, token)
    }

    fn send_as(
        &self,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        coding: Option<&str>,
        token: Option<&SecretString>,
    ) -> Result<Vec<u8>, RemoteError> {
        let mut request = Request::builder().method(method.clone()).uri(format!("{}{path}", self.server));
        request = request.header("accept-encoding", CODING);
        if let Some(coding) = coding {
            request = request.header("content-encoding", coding);
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {}", token.expose_secret()));
        }
        let outcome = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json").body(body);
                self.agent.run(request.map_err(|error| RemoteError::Unintelligible(error.to_string()))?)
            }
            None => {
                let request = request.body(());
                self.agent.run(request.map_err(|error| RemoteError::Unintelligible(error.to_string()))?)
            }
        };
        let mut answer = outcome.map_err(|error| self.connection_error(error))?;
        let retry_after = retry_after(&answer);
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        let bytes = read.map_err(|error| self.connection_error(error))?;
        let is_packed = answer.headers().get("content-encoding").is_some_and(|coding| coding == CODING);
        let bytes = if is_packed { unpacked(&bytes)? } else { bytes };
        // A batch that was rolled back is answered as a problem with results: as good as an answer.
        if (200..300).contains(&status) || (matches!(status, 409 | 422) && has_results(&bytes)) {
            return Ok(bytes);
        }
        Err(refusal(status, &bytes, retry_after))
    }

    /// An answer whose body is still to come, if it is no refusal.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn read_head(&self, outcome: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, RemoteError> {
        let mut answer = outcome.map_err(|error| self.connection_error(error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (status, retry_after) = (answer.status().as_u16(), retry_after(&answer));
        let bytes = answer.body_mut().read_to_vec().map_err(|error| self.connection_error(error))?;
        Err(refusal(status, &bytes, retry_after))
    }

    fn connection_error(&self, error: ureq::Error) -> RemoteError {
        match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                RemoteError::Offline("no connection in time".to_owned())
            }
            ureq::Error::Timeout(_) => RemoteError::TimedOut(self.timeout),
            other => RemoteError::Offline(other.to_string()),
        }
    }

    /// The session. Whole between any two statements.
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(status: u16, body: &[u8], retry_after: Option<Duration>) -> RemoteError {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    if status == 401 {
        return RemoteError::Unauthorized(problem.detail);
    }
    let detail = if problem.detail.is_empty() { format!("HTTP status {status}") } else { problem.detail };
    RemoteError::Refused { status, code: problem.code, detail, retry_after }
}

fn has_results(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|body| body.get("results").is_some())
}

/// A login that the server puts off for long, as after many wrong passwords, is refused at once: somebody sits there.
fn unless_put_off(failure: RemoteError) -> RemoteError {
    match failure {
        RemoteError::Refused { detail, retry_after: Some(wait), .. } if wait > LONGEST_PUT_OFF => {
            RemoteError::Unauthorized(format!("{detail}; the server asks to wait {} s", wait.as_secs()))
        }
        other => other,
    }
}

fn credentials_body(username: &str, password: &SecretString) -> String {
    json!({ "username": username, "password": password.expose_secret() }).to_string()
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RemoteError> {
    serde_json::from_slice(bytes).map_err(|error| RemoteError::Unintelligible(error.to_string()))
}

fn retry_after<B>(answer: &Response<B>) -> Option<Duration> {
    let seconds = answer.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
