//! The user behind a request: bearer token to account, charged with the request itself.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use uuid::Uuid;

use crate::auth::Identity;
use crate::auth::roles::{Caller, check_login};
use crate::domain::access::{Action, Role, Scope};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;
use crate::http::error::ApiError;
use crate::http::rate_limits::{Quota, Retry};
use crate::http::request_context::Started;
use crate::http::state::AppState;

/// Who asks. As an argument of a handler it demands a good access token and charges the request as one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    /// The account.
    pub user_id: UserId,
    /// Its name.
    pub username: String,
    /// The login; none for tokens of an outside provider and those for scripts.
    pub session_id: Option<Uuid>,
    /// What a token for scripts is limited to.
    pub scope: Option<Scope>,
    /// The first moment at which the access token is refused: answers without end end then.
    pub token_expires_at: Timestamp,
}

impl CurrentUser {
    /// Who asks for access.
    #[must_use]
    pub const fn caller(&self) -> Caller {
        Caller { user_id: self.user_id, scope: self.scope }
    }

    /// The account.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { user_id: self.user_id, username: self.username.clone() }
    }
}

/// Who asks, for what a person does for themselves: a token for scripts is refused.
#[derive(Clone, Debug)]
pub struct LoggedIn(pub CurrentUser);

impl FromRequest for LoggedIn {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let user = CurrentUser::from_request(request, payload);
        Box::pin(async move {
            let user = user.await?;
            check_login(user.caller())?;
            Ok(Self(user))
        })
    }
}

impl FromRequest for CurrentUser {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let state = app_state(&request)?;
            let verified = state.authenticator.identify(bearer_token(&request)?).await?;
            let user = Self {
                user_id: verified.identity.user_id,
                username: verified.identity.username,
                session_id: verified.session_id,
                scope: verified.scope,
                token_expires_at: verified.expires_at,
            };
            // For the log line, refused or not.
            request.extensions_mut().insert(user.clone());
            charge(&request, user.user_id, 1, 0)?;
            Ok(user)
        })
    }
}

fn app_state(request: &HttpRequest) -> Result<&AppState, ApiError> {
    request
        .app_data::<web::Data<AppState>>()
        .map(|state| state.get_ref())
        .ok_or_else(|| ApiError::internal("the application has no state"))
}

fn bearer_token(request: &HttpRequest) -> Result<&str, ApiError> {
    let unauthorized = |detail: &str| Err(ApiError::Unauthorized(detail.to_owned()));
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return unauthorized("this needs a login: send `Authorization: Bearer <access token>`");
    };
    match value.to_str().ok().and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        Some(_) | None => unauthorized("the Authorization header must be `Bearer <access token>`"),
    }
}

/// When the request must be answered: all of its steps share one budget, from its first byte.
#[must_use]
pub fn deadline_of(request: &HttpRequest) -> Instant {
    let time = app_state(request).map_or(30_000, |state| state.limits.timeout_ms);
    let started = request.extensions().get::<Started>().map_or_else(Instant::now, |started| started.0);
    started + Duration::from_millis(time)
}

/// Counts what the request costs its user, and keeps where they stand for the answer's `RateLimit` headers.
///
/// # Errors
/// `RateLimited`.
pub fn charge(request: &HttpRequest, user: UserId, operations: u64, bytes: u64) -> Result<(), ApiError> {
    let Some(limits) = &app_state(request)?.rate_limits else {
        return Ok(());
    };
    keep_quota(request, limits.charge(user, operations, bytes))
}

/// Counts the bytes that a user reads.
///
/// # Errors
/// `RateLimited`.
pub fn charge_reading(request: &HttpRequest, user: UserId, bytes: usize) -> Result<(), ApiError> {
    let Some(limits) = &app_state(request)?.rate_limits else {
        return Ok(());
    };
    let stood = request.extensions().get::<Quota>().copied();
    keep_quota(request, limits.charge_bytes(user, u64::try_from(bytes).unwrap_or(u64::MAX), stood))
}

fn keep_quota(request: &HttpRequest, charged: Result<Quota, Retry>) -> Result<(), ApiError> {
    match charged {
        Ok(quota) => {
            request.extensions_mut().insert(quota);
            Ok(())
        }
        Err(retry) => {
            request.extensions_mut().insert(retry.quota);
            Err(ApiError::RateLimited {
                detail: "too many operations or bytes in a minute; wait as Retry-After says",
                retry_after: retry.after,
            })
        }
    }
}

/// The role with which the user may do this in the workspace.
///
/// # Errors
/// `NotFound` (the same for a foreign workspace and for none), `Forbidden`, and what the store says.
pub async fn require_access(
    state: &AppState,
    user: &CurrentUser,
    workspace: WorkspaceId,
    action: Action,
) -> Result<Role, ApiError> {
    let (authenticator, caller) = (state.authenticator.clone(), user.caller());
    Ok(web::block(move || authenticator.check_access(caller, workspace, action)).await??)
}
