//! HTTP as the load speaks it: one kept connection for each client, every answer checked.

use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::Outcome;

const MAX_ANSWER_BYTES: u64 = 256 * 1024 * 1024;
/// The password of every user.
pub const PASSWORD: &str = "correct horse battery staple";

/// One client's connection, with its token.
#[derive(Clone, Debug)]
pub struct Connection {
    agent: Agent,
    base_url: String,
    authorization: String,
}

/// What the driver reads of a batch's answer.
#[derive(Debug, Deserialize)]
struct BatchCounts {
    total: u32,
    successful: u32,
}

#[derive(Debug, Deserialize)]
struct Session {
    access_token: String,
}

#[derive(Debug, Deserialize)]
struct Workspace {
    workspace_id: String,
}

impl Connection {
    /// A connection of its own to `base_url`, for no one.
    pub fn open(base_url: &str) -> Self {
        let config =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(120))).build();
        Self { agent: config.new_agent(), base_url: base_url.to_owned(), authorization: String::new() }
    }

    /// Makes an account and speaks for it from now on.
    pub fn register(base_url: &str, username: &str) -> Outcome<Self> {
        let mut connection = Self::open(base_url);
        let credentials = format!(r#"{{"username":"{username}","password":"{PASSWORD}"}}"#);
        let answer = connection.post("/api/v1/auth/register", &credentials)?;
        let session: Session = serde_json::from_slice(&answer)?;
        connection.authorization = format!("Bearer {}", session.access_token);
        Ok(connection)
    }

    /// Another connection of the same user, to the same server or another way to it.
    pub fn another(&self, base_url: &str) -> Self {
        Self { authorization: self.authorization.clone(), ..Self::open(base_url) }
    }

    /// What its requests are authorised with.
    pub fn authorization(&self) -> &str {
        &self.authorization
    }

    /// Makes a workspace; its id.
    pub fn create_workspace(&self, name: &str) -> Outcome<String> {
        let answer = self.post("/api/v1/workspaces", &format!(r#"{{"name":"{name}"}}"#))?;
        Ok(serde_json::from_slice::<Workspace>(&answer)?.workspace_id)
    }

    /// Pushes a batch, of which every operation must succeed; how many there were, and how long it took.
    pub fn push(&self, body: &str) -> Outcome<(u32, Duration)> {
        let started = Instant::now();
        let answer = self.post("/api/v1/documents/batch", body)?;
        let elapsed = started.elapsed();
        let counts: BatchCounts = serde_json::from_slice(&answer)?;
        if counts.successful != counts.total {
            let answer: String = String::from_utf8_lossy(&answer).chars().take(2_000).collect();
            return Err(format!("{} of {} operations succeeded: {answer}", counts.successful, counts.total).into());
        }
        Ok((counts.total, elapsed))
    }

    /// Posts JSON; the body of the answer, which must be a success.
    pub fn post(&self, path: &str, body: &str) -> Outcome<Vec<u8>> {
        self.post_accepting(path, body, "identity")
    }

    /// The same, in a content coding; the coded bytes.
    pub fn post_accepting(&self, path: &str, body: &str, coding: &str) -> Outcome<Vec<u8>> {
        let response = self
            .agent
            .post(format!("{}{path}", self.base_url))
            .header("authorization", &self.authorization)
            .header("accept-encoding", coding)
            .content_type("application/json")
            .send(body)?;
        read_answer("POST", path, response)
    }

    /// Posts bytes in a content coding of their own; the status, whatever it is.
    pub fn post_any(&self, path: &str, body: &[u8], coding: Option<&str>) -> Outcome<u16> {
        let request = self
            .agent
            .post(format!("{}{path}", self.base_url))
            .header("authorization", &self.authorization)
            .content_type("application/json");
        let request = match coding {
            Some(coding) => request.header("content-encoding", coding),
            None => request,
        };
        let mut response = request.send(body)?;
        response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
        Ok(response.status().as_u16())
    }

    /// Gets JSON; the body of the answer, which must be a success.
    pub fn get(&self, path: &str) -> Outcome<Vec<u8>> {
        let response = self
            .agent
            .get(format!("{}{path}", self.base_url))
            .header("authorization", &self.authorization)
            .header("accept-encoding", "identity")
            .call()?;
        read_answer("GET", path, response)
    }
}

fn read_answer(method: &str, path: &str, mut response: Response<Body>) -> Outcome<Vec<u8>> {
    let answer = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
    if !response.status().is_success() {
        let answer: String = String::from_utf8_lossy(&answer).chars().take(2_000).collect();
        return Err(format!("{method} {path}: {}: {answer}", response.status()).into());
    }
    Ok(answer)
}
