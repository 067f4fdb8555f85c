//! The server, with a login: what the other rooms ask it.

use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use ureq::Body;
use ureq::http::{Method, Response};

use crate::client::error::ClientError;
use crate::client::interrupt::Interrupt;
use crate::client::login::Credentials;
pub use crate::client::transport::answer::{parse, refusal};
pub use crate::client::transport::error::RemoteError;
use crate::client::transport::http::Http;
pub use crate::client::transport::http::{Patience, Until};
use crate::client::transport::session::Session;
use crate::client::transport::waits::Waits;

/// How long the server may take to say whether it serves.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

/// A server, and who talks to it.
pub struct Remote {
    http: Http,
    session: Session,
}

impl Remote {
    /// A server at an address like `http://127.0.0.1:7001`. Nothing is sent yet.
    #[must_use]
    pub fn new(server: &str, credentials: Credentials, patience: Patience, interrupt: Interrupt) -> Self {
        Self { http: Http::new(server, patience, interrupt), session: Session::new(credentials) }
    }

    /// The server's address.
    #[must_use]
    pub fn server(&self) -> &str {
        self.http.server()
    }

    /// Who is told when a request waits before it is tried again.
    #[must_use]
    pub const fn waits(&self) -> &Waits {
        self.http.waits()
    }

    /// The shortest time that any answer has taken.
    #[must_use]
    pub fn shortest_answer(&self) -> Option<Duration> {
        self.http.shortest_answer()
    }

    /// Makes a new login; the token that renews it.
    pub fn log_in(&self, username: &str, password: &SecretString) -> Result<SecretString, ClientError> {
        self.session.log_in(&self.http, username, password).map_err(|error| self.failure(error))
    }

    /// Makes an account and logs in to it; gives the token that renews the login.
    ///
    /// # Errors
    /// `Login` if the server lets nobody make accounts, or the name is taken or no name; `Unreachable`.
    pub fn register(&self, username: &str, password: &SecretString) -> Result<SecretString, ClientError> {
        self.session.register(&self.http, username, password).map_err(|error| self.failure(error))
    }

    /// What the command says of a request that failed.
    #[must_use]
    pub fn failure(&self, error: RemoteError) -> ClientError {
        error.into_client_error(self.http.server())
    }

    /// Reads something.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let (outcome, _took) = self.ask(&Method::GET, path, None, Until::NothingHelps);
        outcome.map_err(|error| self.failure(error))
    }

    /// Sends JSON that is already written, and understands the answer.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &[u8], until: Until) -> Result<T, RemoteError> {
        self.post_timed(path, body, until).0
    }

    /// As [`post`](Self::post), and how long the last try took.
    pub fn post_timed<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &[u8],
        until: Until,
    ) -> (Result<T, RemoteError>, Duration) {
        self.ask(&Method::POST, path, Some(body), until)
    }

    /// Puts JSON that is already written; only whether it was taken is of interest.
    pub fn put(&self, path: &str, body: &[u8]) -> Result<(), RemoteError> {
        self.authorised(|token| self.http.send(&Method::PUT, path, Some(body), Some(token))).map(drop)
    }

    /// Deletes something; only whether that was done is of interest.
    pub fn delete(&self, path: &str) -> Result<(), RemoteError> {
        let ask = || self.authorised(|token| self.http.send(&Method::DELETE, path, None, Some(token)));
        self.http.patiently(Until::NothingHelps, ask).map(drop)
    }

    /// Asks whether the server serves, as often as is allowed but each time not for long.
    pub fn check_health(&self) -> Result<(), RemoteError> {
        let ask = || self.http.ask_shortly(&Method::GET, "/api/health", HEALTH_TIMEOUT, self.known_token().as_ref());
        self.http.patiently(Until::NothingHelps, ask)
    }

    /// Tells the server, once and within the time, what it can do without; the login is not renewed for that.
    pub fn post_shortly(&self, path: &str, timeout: Duration) -> Result<(), RemoteError> {
        self.http.ask_shortly(&Method::POST, path, timeout, self.known_token().as_ref())
    }

    /// Asks with an access token; if the server does not take it any more, once again with a new one.
    pub fn authorised<T>(&self, ask: impl Fn(&SecretString) -> Result<T, RemoteError>) -> Result<T, RemoteError> {
        self.session.authorised(&self.http, ask)
    }

    /// An answer whose body is still to come, if it is no refusal.
    pub fn read_head(&self, outcome: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, RemoteError> {
        self.http.read_head(outcome)
    }

    /// Asks until there is an answer of use, or no other try helps; the time of the last one.
    fn ask<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        until: Until,
    ) -> (Result<T, RemoteError>, Duration) {
        let mut took = Duration::ZERO;
        let outcome = self.http.patiently(until, || {
            let started = Instant::now();
            let outcome = self.authorised(|token| self.http.send(method, path, body, Some(token)));
            took = started.elapsed();
            outcome
        });
        (outcome.and_then(|bytes| parse(&bytes)), took)
    }

    fn known_token(&self) -> Option<SecretString> {
        self.session.known_token()
    }
}
