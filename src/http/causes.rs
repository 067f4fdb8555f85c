//! What the failures of the layers below are to a client: the store's, the use cases' and those of `auth`, variant by
//! variant, without a default, so that a new failure cannot slip out under a wrong status.

use std::time::Duration;

use crate::auth::AuthError;
use crate::auth::tokens::TokenError;
use crate::domain::upload::UploadRefusal;
use crate::http::error::ApiError;
use crate::sync::events::SubscribeError;
use crate::sync::{BatchRefusal, StoreError, SyncError};

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        const AWAY: &str = "the database is not available; try again shortly";
        match error {
            StoreError::Busy => Self::Busy,
            StoreError::Timeout => Self::Timeout,
            StoreError::NoSuchWorkspace => Self::no_such_workspace(),
            lost @ StoreError::LostRace => Self::Unavailable { detail: AWAY, cause: lost.to_string() },
            StoreError::Unavailable(cause) => Self::Unavailable { detail: AWAY, cause },
            fault @ (StoreError::Refused(_)
            | StoreError::Corrupt(_)
            | StoreError::Damaged { .. }
            | StoreError::Open(_)) => Self::internal(fault),
        }
    }
}

impl From<SyncError> for ApiError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Store(cause) => cause.into(),
            SyncError::NotFound => Self::NotFound("there is no such document or version".to_owned()),
            SyncError::NoSuchRun => Self::NotFound("there is no such sync run of yours in this workspace".to_owned()),
            SyncError::Refused(refusal) => match refusal {
                BatchRefusal::ForeignCursor => Self::bad_request(refusal.to_string()),
                BatchRefusal::CursorExpired => Self::CursorExpired,
                BatchRefusal::SyncCancelled => Self::SyncCancelled,
                BatchRefusal::UploadChanged | BatchRefusal::NotItsTurn => Self::Busy,
            },
            SyncError::HistoryExpired { since } => Self::HistoryExpired { since },
            SyncError::NoSuchBatch => Self::NotFound("there is no such batch in this workspace".to_owned()),
            SyncError::TooManyRestores => Self::Busy,
            SyncError::Upload(refusal) => refusal.into(),
        }
    }
}

impl From<UploadRefusal> for ApiError {
    fn from(refusal: UploadRefusal) -> Self {
        match refusal {
            UploadRefusal::Unknown => Self::UploadNotFound,
            UploadRefusal::Dropped => Self::UploadExpired,
            UploadRefusal::Committed => Self::UploadCommitted,
            UploadRefusal::TooLarge { max_operations, max_bytes } => Self::UploadTooLarge { max_operations, max_bytes },
            UploadRefusal::TooMany { max_open } => Self::TooManyUploads(format!(
                "you have {max_open} uploads open in this workspace, which is the limit; commit or delete one of them"
            )),
            UploadRefusal::NoRoom { max_workspace_bytes } => Self::TooManyUploads(format!(
                "the open uploads of this workspace have {max_workspace_bytes} bytes, which is the limit; commit or delete one"
            )),
        }
    }
}

impl From<SubscribeError> for ApiError {
    fn from(error: SubscribeError) -> Self {
        /// Streams whose clients are gone are noticed at a heartbeat.
        const A_HEARTBEAT: Duration = Duration::from_secs(15);
        match error {
            SubscribeError::ServerFull => Self::Busy,
            SubscribeError::UserFull => Self::RateLimited {
                detail: "too many event streams are open for this user; close some",
                retry_after: A_HEARTBEAT,
            },
            SubscribeError::Sync(cause) => cause.into(),
        }
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            refused
            @ (TokenError::Expired | TokenError::Revoked | TokenError::NotYetValid | TokenError::Refused(_)) => {
                Self::Unauthorized(refused.to_string())
            }
            fault @ TokenError::Signing(_) => Self::internal(fault),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let detail = error.to_string();
        match error {
            AuthError::InvalidField { field, .. } => Self::invalid_at(format!("/{field}"), detail),
            AuthError::WrongCredentials | AuthError::RefreshTokenRefused => Self::Unauthorized(detail),
            AuthError::Token(cause) => cause.into(),
            AuthError::RegistrationClosed
            | AuthError::RoleTooLow { .. }
            | AuthError::NeedsLogin
            | AuthError::Disabled => Self::Forbidden(detail),
            AuthError::WrongPassword { field } => Self::invalid_at(format!("/{field}"), detail),
            AuthError::LastOwner(_) => Self::LastOwnerOf(detail),
            AuthError::TooManyRegistrations { retry_after } => {
                Self::RateLimited { detail: "too many accounts were made from this address; wait", retry_after }
            }
            AuthError::UsernameTaken => Self::UsernameTaken,
            AuthError::NotMember => Self::NotFound(detail),
            AuthError::TooManyFailures { retry_after } => {
                Self::RateLimited { detail: "too many failed attempts from this address; wait", retry_after }
            }
            AuthError::Busy => Self::Busy,
            AuthError::ProviderUnavailable(_) => {
                Self::Unavailable { detail: "the identity provider's keys cannot be loaded now", cause: detail }
            }
            AuthError::Store(cause) => cause.into(),
            AuthError::Internal(_) => Self::internal(detail),
        }
    }
}

impl From<actix_web::error::BlockingError> for ApiError {
    fn from(error: actix_web::error::BlockingError) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;

    use super::*;

    /// The status and code that a client sees, and whether it learns when to try again.
    fn seen(error: impl Into<ApiError>) -> (u16, &'static str, bool) {
        let error: ApiError = error.into();
        (error.status_code().as_u16(), error.code(), error.retry_after_s().is_some())
    }

    #[test]
    fn each_failure_of_storage_has_its_status() {
        assert_eq!(seen(StoreError::Busy), (503, "busy", true));
        assert_eq!(seen(StoreError::Timeout), (503, "timeout", true));
        assert_eq!(seen(StoreError::NoSuchWorkspace), (404, "not_found", false));
        assert_eq!(seen(StoreError::LostRace), (503, "unavailable", true));
        assert_eq!(seen(StoreError::Unavailable("gone".into())), (503, "unavailable", true));
        for fault in [StoreError::Refused("x".into()), StoreError::Corrupt("x".into()), StoreError::Open("x".into())] {
            assert_eq!(seen(fault), (500, "internal", false));
        }
    }
}
