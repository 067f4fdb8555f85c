//! The server, over HTTP: requests with a login, tried again when that can help.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use ureq::http::{HeaderMap, Method, Request, Response};
use ureq::{Agent, Body};

use crate::client::compression::{CODING, compressed, unpacked};
use crate::client::credentials::Credentials;
use crate::client::error::ClientError;
use crate::client::interrupt::Interrupt;
use crate::client::moved::moved;
pub use crate::client::remote_error::RemoteError;
use crate::client::retry::{Backoff, chance, retry_after};
use crate::client::session::Session;
use crate::client::waits::Waits;
use crate::client::wire::Problem;

/// No answer is longer: a page of the feed ends at about 8 MB, a batch may carry as many documents as it names.
pub const MAX_ANSWER_BYTES: u64 = 256 * 1024 * 1024;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may take to say whether it serves.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a waiting thread looks whether it is to stop.
const NAP: Duration = Duration::from_millis(50);

/// A server, and who talks to it.
pub struct Remote {
    agent: Agent,
    server: String,
    timeout: Duration,
    backoff: Backoff,
    interrupt: Interrupt,
    pub(super) session: Mutex<Session>,
    /// Until somebody on the way refuses it.
    compresses: AtomicBool,
    waits: Waits,
    /// The shortest time that an answer has taken, in microseconds.
    shortest_us: AtomicU64,
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
        Self {
            agent: config.new_agent(),
            server: server.trim_end_matches('/').to_owned(),
            timeout: patience.timeout,
            backoff: patience.backoff,
            interrupt,
            session: Session::new(credentials),
            compresses: AtomicBool::new(true),
            waits: Waits::default(),
            shortest_us: AtomicU64::new(u64::MAX),
        }
    }

    /// The server's address.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Who is told when a request waits before it is tried again.
    #[must_use]
    pub const fn waits(&self) -> &Waits {
        &self.waits
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

    /// As [`post`](Self::post), and how long the last try took.
    pub fn post_timed<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &[u8],
        until: Until,
    ) -> (Result<T, RemoteError>, Duration) {
        let mut took = Duration::ZERO;
        let outcome = self.patiently(until, || {
            let started = Instant::now();
            let outcome = self.with_login(&Method::POST, path, Some(body));
            took = started.elapsed();
            outcome
        });
        (outcome.and_then(|bytes| parse(&bytes)), took)
    }

    /// The shortest time that any answer has taken.
    #[must_use]
    pub fn shortest_answer(&self) -> Option<Duration> {
        let shortest = self.shortest_us.load(Ordering::Relaxed);
        (shortest < u64::MAX).then(|| Duration::from_micros(shortest))
    }

    /// Puts JSON that is already written; only whether it was taken is of interest.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn put(&self, path: &str, body: &[u8]) -> Result<(), RemoteError> {
        self.with_login(&Method::PUT, path, Some(body)).map(drop)
    }

    /// Asks whether the server serves, as often as is allowed but each time not for long.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn check_health(&self) -> Result<(), RemoteError> {
        self.patiently(Until::NothingHelps, || self.ask_shortly(&Method::GET, "/api/health", HEALTH_TIMEOUT))
    }

    /// Tells the server, once and within the time, what it can do without; the login is not renewed for that.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn post_shortly(&self, path: &str, timeout: Duration) -> Result<(), RemoteError> {
        self.ask_shortly(&Method::POST, path, timeout)
    }

    fn ask_shortly(&self, method: &Method, path: &str, timeout: Duration) -> Result<(), RemoteError> {
        let mut request = Request::builder().method(method.clone()).uri(format!("{}{path}", self.server));
        if let Some(token) = self.known_token() {
            request = request.header("authorization", format!("Bearer {}", token.expose_secret()));
        }
        let request = request.body(()).map_err(|error| RemoteError::Unintelligible(error.to_string()))?;
        let request = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
        match self.read_head(self.agent.run(request)) {
            Err(RemoteError::TimedOut(_)) => Err(RemoteError::TimedOut(timeout)),
            outcome => outcome.map(drop),
        }
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        until: Until,
    ) -> Result<T, RemoteError> {
        self.patiently(until, || self.with_login(method, path, body)).and_then(|bytes| parse(&bytes))
    }

    /// Tries until it succeeds, until trying again cannot help, or as often as is allowed.
    pub(super) fn patiently<T>(
        &self,
        until: Until,
        mut attempt_once: impl FnMut() -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let mut attempt = 0;
        loop {
            let failure = match attempt_once() {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            attempt += 1;
            let wait = self.backoff.wait(attempt, failure.retry_after(), chance());
            let may_help = failure.is_passing() || (until == Until::NothingHelps && failure.is_servers_fault());
            match wait.filter(|_| may_help) {
                Some(wait) => {
                    self.waits.tell(wait, &failure.to_string());
                    self.sleep(wait)?;
                }
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

    /// One request. A body that the server, or something before it, does not take compressed is sent again as it is.
    pub(super) fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        token: Option<&SecretString>,
    ) -> Result<Vec<u8>, RemoteError> {
        let packed = body.filter(|_| self.compresses.load(Ordering::Relaxed)).and_then(compressed);
        if let Some(packed) = packed {
            match self.send_as(method, path, Some(&packed), Some(CODING), token) {
                Err(RemoteError::Refused { status: 415, .. } | RemoteError::Foreign { status: 415, .. }) => {
                    self.compresses.store(false, Ordering::Relaxed)
                }
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
        let started = Instant::now();
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
        moved(&self.server, &answer).map_or(Ok(()), |elsewhere| Err(RemoteError::Local(elsewhere)))?;
        let retry_after = retry_after(answer.headers());
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        let bytes = read.map_err(|error| self.connection_error(error))?;
        let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.shortest_us.fetch_min(took, Ordering::Relaxed);
        let is_packed = answer.headers().get("content-encoding").is_some_and(|coding| coding == CODING);
        let bytes = if is_packed { unpacked(&bytes)? } else { bytes };
        // A batch that was rolled back is answered as a problem with results: as good as an answer.
        if (200..300).contains(&status) || (matches!(status, 409 | 422) && has_results(&bytes)) {
            return Ok(bytes);
        }
        Err(refusal(status, is_problem(answer.headers()), &bytes, retry_after))
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
        moved(&self.server, &answer).map_or(Ok(()), |elsewhere| Err(RemoteError::Local(elsewhere)))?;
        let (status, retry_after) = (answer.status().as_u16(), retry_after(answer.headers()));
        let is_problem = is_problem(answer.headers());
        let bytes = answer.body_mut().read_to_vec().map_err(|error| self.connection_error(error))?;
        Err(refusal(status, is_problem, &bytes, retry_after))
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
}

/// The codes of the server's refusals, as `openapi.yaml` has them.
const PROBLEM_CODES: [&str; 22] = [
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "not_acceptable",
    "username_taken",
    "workspace_exists",
    "last_owner",
    "cursor_expired",
    "history_expired",
    "sync_cancelled",
    "payload_too_large",
    "unsupported_media_type",
    "too_many_operations",
    "invalid",
    "rate_limited",
    "timeout",
    "busy",
    "unavailable",
    "internal",
    "rolled_back",
];

fn is_problem(headers: &HeaderMap) -> bool {
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/problem+json"))
}

/// What a refusal says: nothing, unless it is one of the server's own.
#[must_use]
pub fn refusal(status: u16, is_problem: bool, body: &[u8], retry_after: Option<Duration>) -> RemoteError {
    let problem: Option<Problem> = serde_json::from_slice(body).ok();
    let known = problem.filter(|problem| is_problem && PROBLEM_CODES.contains(&problem.code.as_str()));
    let Some(problem) = known else { return RemoteError::Foreign { status, retry_after } };
    if status == 401 {
        return RemoteError::Unauthorized(problem.detail);
    }
    let detail = if problem.detail.is_empty() { format!("HTTP status {status}") } else { problem.detail };
    RemoteError::Refused { status, code: problem.code, detail, retry_after }
}

fn has_results(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|body| body.get("results").is_some())
}

/// An answer of the server's, understood.
///
/// # Errors
/// `Unintelligible`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RemoteError> {
    serde_json::from_slice(bytes).map_err(|error| RemoteError::Unintelligible(error.to_string()))
}
