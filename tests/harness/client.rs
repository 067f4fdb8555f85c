//! HTTP as a test speaks it: one request, one [`Answer`], checked against the contract.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request};

use super::answer::Answer;
use super::coding::Coding;
use super::contract::{CONTRACT, Exchange};

/// Talks to one server; clones share its connections. Follows the server when it restarts on another port.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base_url: Arc<RwLock<String>>,
    token: Option<String>,
}

impl Client {
    /// A client without a token, for the server at `base_url`.
    pub fn new(base_url: Arc<RwLock<String>>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(90)))
            .allow_non_standard_methods(true)
            // The server closes a connection that is idle for 75 seconds: one that is nearly so old is not used again.
            .max_idle_age(Duration::from_secs(60))
            .build();
        Self { agent: config.new_agent(), base_url, token: None }
    }

    /// The same client, sending this token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The server's address, as `http://127.0.0.1:port`.
    pub fn base_url(&self) -> String {
        self.base_url.read().unwrap().clone()
    }

    /// A request to `path` (with its query), to be completed and sent.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder<'_> {
        let mut headers = Vec::new();
        if let Some(token) = &self.token {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        RequestBuilder {
            client: self,
            method: method.to_owned(),
            path: path.to_owned(),
            headers,
            body: Vec::new(),
            documented: true,
        }
    }

    /// Sends `GET path`.
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// Sends `POST path` with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send()
    }

    /// Sends `PUT path` with a JSON body.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.request("PUT", path).json(body).send()
    }

    /// Sends `DELETE path`.
    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path).send()
    }
}

/// A request under construction.
pub struct RequestBuilder<'a> {
    client: &'a Client,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    documented: bool,
}

impl RequestBuilder<'_> {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").bytes(body.to_string().into_bytes())
    }

    /// Sets a body, whatever it is.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Says that `openapi.yaml` knows no such path or method: the answer must be a refusal all the same.
    pub fn undocumented(mut self) -> Self {
        self.documented = false;
        self
    }

    /// Sends it and checks the answer against the contract.
    pub fn send(self) -> Answer {
        self.try_send().expect("the server answers")
    }

    /// As [`send`](Self::send), for a server that may be killed before it answers.
    pub fn try_send(self) -> Result<Answer, ureq::Error> {
        let url = format!("{}{}", self.client.base_url(), self.path);
        let method = Method::from_bytes(self.method.as_bytes()).expect("a method");
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response = if self.body.is_empty() {
            self.client.agent.run(request.body(()).expect("a request"))?
        } else {
            self.client.agent.run(request.body(self.body.as_slice()).expect("a request"))?
        };
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let status = response.status().as_u16();
        let is_endless = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = match is_endless {
            true => Vec::new(),
            false => response.body_mut().with_config().limit(256 * 1024 * 1024).read_to_vec()?,
        };
        let encoding = response.headers().get("content-encoding").and_then(|name| name.to_str().ok());
        let encoding = encoding.filter(|encoding| *encoding != "identity");
        let body = encoding.map_or(body.clone(), |encoding| Coding::named(encoding).decode(&body));
        let answer = Answer::new(format!("{} {}", self.method, self.path), status, headers, body);
        let exchange = Exchange { method: &self.method, path: &self.path, request_body: &self.body, answer: &answer };
        let checked = if self.documented { CONTRACT.check(&exchange) } else { CONTRACT.check_refusal(&exchange) };
        if let Err(breach) = checked {
            panic!("{answer}\n\nbreaks openapi.yaml: {breach}");
        }
        Ok(answer)
    }
}
