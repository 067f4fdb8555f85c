//! One server over HTTP: requests, compressed on their way, and tried again when that can help. As whom, `session` knows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

use crate::client::interrupt::Interrupt;
use crate::client::transport::answer::{has_results, is_problem, refusal};
use crate::client::transport::compression::{CODING, MAX_ANSWER_BYTES, compressed, unpacked};
use crate::client::transport::error::RemoteError;
use crate::client::transport::moved::moved;
use crate::client::transport::retry::{Backoff, chance, retry_after};
use crate::client::transport::waits::Waits;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a waiting thread looks whether it is to stop.
const NAP: Duration = Duration::from_millis(50);

/// A server, whoever asks it.
pub(super) struct Http {
    agent: Agent,
    server: String,
    timeout: Duration,
    backoff: Backoff,
    interrupt: Interrupt,
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

impl Http {
    /// A server at an address. Nothing is sent yet.
    pub(super) fn new(server: &str, patience: Patience, interrupt: Interrupt) -> Self {
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
            compresses: AtomicBool::new(true),
            waits: Waits::default(),
            shortest_us: AtomicU64::new(u64::MAX),
        }
    }

    /// The server's address.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Who is told when a request waits before it is tried again.
    pub(super) const fn waits(&self) -> &Waits {
        &self.waits
    }

    /// The shortest time that any answer has taken.
    pub(super) fn shortest_answer(&self) -> Option<Duration> {
        let shortest = self.shortest_us.load(Ordering::Relaxed);
        (shortest < u64::MAX).then(|| Duration::from_micros(shortest))
    }

    /// Asks once and within the time, with a token if there is one; only whether it was answered is of interest.
    pub(super) fn ask_shortly(
        &self,
        method: &Method,
        path: &str,
        timeout: Duration,
        token: Option<&SecretString>,
    ) -> Result<(), RemoteError> {
        let mut request = Request::builder().method(method.clone()).uri(format!("{}{path}", self.server));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {}", token.expose_secret()));
        }
        let request = request.body(()).map_err(|error| RemoteError::Unintelligible(error.to_string()))?;
        let request = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
        match self.read_head(self.agent.run(request)) {
            Err(RemoteError::TimedOut(_)) => Err(RemoteError::TimedOut(timeout)),
            outcome => outcome.map(drop),
        }
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
                    self.waits.announce(wait, &failure.to_string());
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
    pub(super) fn read_head(
        &self,
        outcome: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, RemoteError> {
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
