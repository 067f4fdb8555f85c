//! What came back: an answer of the server's, a refusal of its own, or something of somebody on the way.

use std::time::Duration;

use serde::de::DeserializeOwned;
use ureq::http::HeaderMap;

use crate::client::transport::error::RemoteError;
use crate::client::transport::wire::Problem;

/// The codes of the server's refusals, as `openapi.yaml` has them.
const PROBLEM_CODES: [&str; 27] = [
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
    "upload_not_found",
    "upload_expired",
    "upload_committed",
    "too_many_uploads",
    "payload_too_large",
    "upload_too_large",
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

pub(super) fn is_problem(headers: &HeaderMap) -> bool {
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

/// Whether it is as good as an answer: a batch that was rolled back is answered as a problem with results.
pub(super) fn has_results(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|body| body.get("results").is_some())
}

/// An answer of the server's, understood.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RemoteError> {
    serde_json::from_slice(bytes).map_err(|error| RemoteError::Unintelligible(error.to_string()))
}
