//! Every refusal of a whole request, and the only place that knows HTTP statuses.
//!
//! Handlers answer `Result<_, ApiError>`; `causes` makes one of the errors of the layers below. The body is an RFC 9457
//! problem; `problem_layer` adds the request's id to it and turns actix's own errors into it.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use thiserror::Error;

use crate::auth::AuthError;
use crate::domain::timestamp::Timestamp;

/// The media type of RFC 9457.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// What is suggested when the server cannot know how long it will be busy.
const DEFAULT_RETRY_AFTER_S: u64 = 1;

/// A refusal or failure of a whole request; nothing was changed.
#[derive(Debug, Error)]
pub enum ApiError {
    /// 400: the request cannot be understood.
    #[error("{detail}")]
    BadRequest {
        /// What is wrong and what would be right.
        detail: String,
        /// RFC 6901, where one place is at fault.
        pointer: Option<String>,
    },
    /// 401: no token, or one that proves nothing.
    #[error("{0}")]
    Unauthorized(String),
    /// 403: known, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// 404: not there, or not for this user to know.
    #[error("{0}")]
    NotFound(String),
    /// 405: the path exists, the method does not.
    #[error("this path does not take that method")]
    MethodNotAllowed,
    /// 406: no encoding or type that the client would take.
    #[error("the answer has no form that the request accepts")]
    NotAcceptable,
    /// 409: the name belongs to someone.
    #[error("the username is taken; choose another one")]
    UsernameTaken,
    /// 409: the workspace id belongs to a workspace.
    #[error("a workspace with this id exists already")]
    WorkspaceExists,
    /// 409: a workspace keeps an owner.
    #[error("the last owner of a workspace cannot be removed or demoted; make another member an owner first")]
    LastOwner,
    /// 409: workspaces keep an owner, and the account that is to be deleted is theirs.
    #[error("{0}")]
    LastOwnerOf(String),
    /// 409: the sync run was cancelled.
    #[error("the sync run was cancelled; open a new one under a new id")]
    SyncCancelled,
    /// 409: the upload was committed.
    #[error(
        "the upload was committed before: it takes no more or other operations, and its answer is kept for a time only. \
         Nothing of it needs to be sent again; begin another upload for what is new"
    )]
    UploadCommitted,
    /// 409: as many uploads as may be are open, or have as many bytes.
    #[error("{0}")]
    TooManyUploads(String),
    /// 404: no such upload of this user there.
    #[error("there is no such upload of yours in this workspace; begin by staging its operations")]
    UploadNotFound,
    /// 410: the upload was dropped.
    #[error("the upload was dropped, and nothing of it was applied; begin another one")]
    UploadExpired,
    /// 413: an upload would be larger than a published limit.
    #[error(
        "an upload has at most {max_operations} operations and {max_bytes} bytes; send the rest as another one \
         (GET /api/v1/limits)"
    )]
    UploadTooLarge {
        /// Operations.
        max_operations: usize,
        /// Bytes.
        max_bytes: usize,
    },
    /// 410: the cursor is older than the tombstones that it would need.
    #[error("the cursor is too old; pull again from the start, without a cursor")]
    CursorExpired,
    /// 410: the history does not reach back so far.
    #[error("the history can be read since {since}, not before")]
    HistoryExpired {
        /// The first moment that can be read.
        since: Timestamp,
    },
    /// 413: larger than a published limit.
    #[error("the body is larger than {limit_bytes} bytes, decompressed; send less at a time (GET /api/v1/limits)")]
    PayloadTooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// 415: not JSON, or an encoding that is not known.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// 422: more operations than a batch may have.
    #[error("the batch has {found} operations; at most {limit} are allowed (GET /api/v1/limits)")]
    TooManyOperations {
        /// How many came.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// 422: understood, but a value breaks its rule.
    #[error("{detail}")]
    Invalid {
        /// What is wrong and what would be right.
        detail: String,
        /// RFC 6901, where one place is at fault.
        pointer: Option<String>,
    },
    /// 429: over a rate limit.
    #[error("{detail}")]
    RateLimited {
        /// Which limit.
        detail: &'static str,
        /// How long to wait.
        retry_after: Duration,
    },
    /// 503: out of time; rolled back.
    #[error("the request took too long and was rolled back; send less at a time or try again")]
    Timeout,
    /// 503: too much is waiting already.
    #[error("the server has too much to do; try again shortly")]
    Busy,
    /// 503: something that the server needs is away. The cause is logged, not sent.
    #[error("{detail}")]
    Unavailable {
        /// What the client may know.
        detail: &'static str,
        /// What the operator needs to know.
        cause: String,
    },
    /// 500: a fault of the server. The cause is logged, not sent.
    #[error("the server failed; its log says why, under this request's id")]
    Internal {
        /// What the operator needs to know.
        cause: String,
    },
}

/// An RFC 9457 problem.
#[derive(Debug, Serialize)]
pub struct Problem {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

impl ApiError {
    /// A 400 without a place.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::BadRequest { detail: detail.into(), pointer: None }
    }

    /// A 422 at one place of the body.
    #[must_use]
    pub fn invalid_at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { detail: detail.into(), pointer: Some(pointer.into()) }
    }

    /// A 500 whose cause goes to the log.
    #[must_use]
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal { cause: cause.to_string() }
    }

    /// The one answer for every path, document, run and workspace that is not there or not for this user.
    #[must_use]
    pub fn no_such_workspace() -> Self {
        Self::from(AuthError::NotMember)
    }

    /// Status, wire code and title: one line for each refusal.
    fn facts(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest { .. } => (StatusCode::BAD_REQUEST, "bad_request", "Bad request"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized", "Not logged in"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "not_acceptable", "Not acceptable"),
            Self::UsernameTaken => (StatusCode::CONFLICT, "username_taken", "Username taken"),
            Self::WorkspaceExists => (StatusCode::CONFLICT, "workspace_exists", "Workspace exists"),
            Self::LastOwner | Self::LastOwnerOf(_) => (StatusCode::CONFLICT, "last_owner", "Last owner"),
            Self::SyncCancelled => (StatusCode::CONFLICT, "sync_cancelled", "Sync run cancelled"),
            Self::UploadCommitted => (StatusCode::CONFLICT, "upload_committed", "Upload committed"),
            Self::TooManyUploads(_) => (StatusCode::CONFLICT, "too_many_uploads", "Too many uploads"),
            Self::UploadNotFound => (StatusCode::NOT_FOUND, "upload_not_found", "No such upload"),
            Self::UploadExpired => (StatusCode::GONE, "upload_expired", "Upload expired"),
            Self::UploadTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "upload_too_large", "Upload too large"),
            Self::CursorExpired => (StatusCode::GONE, "cursor_expired", "Cursor expired"),
            Self::HistoryExpired { .. } => (StatusCode::GONE, "history_expired", "History expired"),
            Self::PayloadTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "Payload too large"),
            Self::UnsupportedMediaType(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type")
            }
            Self::TooManyOperations { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "too_many_operations", "Too many operations")
            }
            Self::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Invalid request"),
            Self::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests"),
            Self::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout", "Out of time"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy"),
            Self::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable"),
            Self::Internal { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
        }
    }

    /// The wire code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.facts().1
    }

    /// What the operator must know; `None` for refusals that the client can correct.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unavailable { cause, .. } | Self::Internal { cause } => Some(cause),
            _ => None,
        }
    }

    /// Whole seconds to wait, where waiting helps; never less than one.
    pub(super) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after, .. } => {
                Some(retry_after.as_secs().saturating_add(u64::from(retry_after.subsec_nanos() > 0)).max(1))
            }
            Self::Timeout | Self::Busy | Self::Unavailable { .. } => Some(DEFAULT_RETRY_AFTER_S),
            _ => None,
        }
    }

    fn pointer(&self) -> Option<&str> {
        match self {
            Self::BadRequest { pointer, .. } | Self::Invalid { pointer, .. } => pointer.as_deref(),
            Self::TooManyOperations { .. } => Some("/operations"),
            _ => None,
        }
    }

    /// The body, for the request of that id.
    #[must_use]
    pub fn problem(&self, request_id: Option<&str>) -> Problem {
        let (status, code, title) = self.facts();
        Problem {
            r#type: format!("urn:landfall:problem:{code}"),
            title,
            status: status.as_u16(),
            detail: self.to_string(),
            code,
            request_id: request_id.map(str::to_owned),
            pointer: self.pointer().map(str::to_owned),
            since: match self {
                Self::HistoryExpired { since } => Some(*since),
                _ => None,
            },
        }
    }

    /// The headers that belong to this refusal.
    #[must_use]
    pub fn headers(&self) -> Vec<(header::HeaderName, HeaderValue)> {
        let mut headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        if let Some(seconds) = self.retry_after_s() {
            headers.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if matches!(self, Self::Unauthorized(_)) {
            headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"landfall\"")));
        }
        headers
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.facts().0
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code()).json(self.problem(None));
        for (name, value) in self.headers() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The status of an atomic batch that was rolled back: 409 if every culprit is a conflict, else 422.
#[must_use]
pub fn rolled_back_status(all_conflicts: bool) -> StatusCode {
    if all_conflicts { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY }
}

/// The status of a health check's answer.
#[must_use]
pub fn health_status(is_healthy: bool) -> StatusCode {
    if is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// What a bare status of actix (an unknown path, a wrong method) means as a refusal; none for answers that are none.
#[must_use]
pub fn refusal_of(status: StatusCode) -> Option<ApiError> {
    match status {
        StatusCode::NOT_FOUND => Some(ApiError::NotFound("there is nothing at this path".to_owned())),
        StatusCode::METHOD_NOT_ALLOWED => Some(ApiError::MethodNotAllowed),
        StatusCode::NOT_ACCEPTABLE => Some(ApiError::NotAcceptable),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Some(ApiError::UnsupportedMediaType("the body must be JSON: application/json".to_owned()))
        }
        other if other.is_client_error() => Some(ApiError::bad_request("the request cannot be understood")),
        other if other.is_server_error() => Some(ApiError::internal(format!("an answer {other} without a cause"))),
        _ => None,
    }
}

/// Whether an answer is a failure of the server's own (to be logged as one).
#[must_use]
pub fn is_server_failure(status: StatusCode) -> bool {
    status.is_server_error()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_for_the_log_and_never_sent() {
        let failed = ApiError::internal("row 7 of ada");
        assert!(failed.cause().is_some_and(|cause| cause.contains("row 7")));
        let sent = serde_json::to_string(&failed.problem(Some("r1"))).unwrap();
        assert!(!sent.contains("row 7") && sent.contains("\"request_id\":\"r1\""), "{sent}");
    }

    #[test]
    fn waiting_times_are_rounded_up() {
        let limited = |after| ApiError::RateLimited { detail: "wait", retry_after: after };
        assert_eq!(limited(Duration::from_millis(1)).retry_after_s(), Some(1));
        assert_eq!(limited(Duration::from_millis(2_001)).retry_after_s(), Some(3));
        assert_eq!(limited(Duration::ZERO).retry_after_s(), Some(1));
    }

    #[test]
    fn a_rolled_back_batch_is_a_conflict_only_if_every_culprit_is() {
        assert_eq!(rolled_back_status(true).as_u16(), 409);
        assert_eq!(rolled_back_status(false).as_u16(), 422);
    }
}
