//! `/api/v1/auth/…` of somebody who is logged in: another password, sessions, an end to the account (protocol §5).

use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::self_service::Session;
use crate::domain::timestamp::Timestamp;
use crate::http::body::JsonBody;
use crate::http::current_user::LoggedIn;
use crate::http::error::ApiError;
use crate::http::peer::origin_of;
use crate::http::state::AppState;

#[derive(Deserialize)]
struct PasswordRequest {
    old_password: SecretString,
    new_password: SecretString,
}

#[derive(Deserialize)]
struct DeletionRequest {
    password: Option<SecretString>,
}

#[derive(Serialize)]
struct SessionResponse {
    session_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    created_at: Timestamp,
    used_at: Timestamp,
    expires_at: Timestamp,
    current: bool,
}

impl SessionResponse {
    fn new(session: Session, current: Option<Uuid>) -> Self {
        let Session { session_id, client, created_at, used_at, expires_at } = session;
        Self { session_id, client, created_at, used_at, expires_at, current: current == Some(session_id) }
    }
}

#[derive(Serialize)]
struct SessionsResponse {
    items: Vec<SessionResponse>,
}

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/v1/auth/password").route(web::post().to(change_password)))
        .service(web::resource("/api/v1/auth/delete-account").route(web::post().to(delete_account)))
        .service(web::resource("/api/v1/auth/sessions").route(web::get().to(list_sessions)))
        .service(web::resource("/api/v1/auth/sessions/{session_id}").route(web::delete().to(end_session)));
}

async fn change_password(
    LoggedIn(user): LoggedIn,
    request: HttpRequest,
    state: web::Data<AppState>,
    body: JsonBody<PasswordRequest>,
) -> Result<HttpResponse, ApiError> {
    let JsonBody(PasswordRequest { old_password, new_password }) = body;
    let (old, new) = (old_password.expose_secret(), new_password.expose_secret());
    let origin = origin_of(&request, state.trust_proxy);
    state.accounts.change_password(&user.identity(), user.session_id, old, new, &origin).await?;
    state.authenticator.forget_lives();
    Ok(HttpResponse::NoContent().finish())
}

async fn delete_account(
    LoggedIn(user): LoggedIn,
    request: HttpRequest,
    state: web::Data<AppState>,
    body: JsonBody<DeletionRequest>,
) -> Result<HttpResponse, ApiError> {
    let password = body.0.password;
    let password = password.as_ref().map(ExposeSecret::expose_secret);
    let origin = origin_of(&request, state.trust_proxy);
    state.accounts.delete_account(&user.identity(), password, &origin).await?;
    state.authenticator.forget_lives();
    Ok(HttpResponse::NoContent().finish())
}

async fn list_sessions(LoggedIn(user): LoggedIn, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let sessions = state.accounts.list_sessions(user.user_id).await?;
    let items = sessions.into_iter().map(|session| SessionResponse::new(session, user.session_id)).collect();
    Ok(HttpResponse::Ok().json(SessionsResponse { items }))
}

async fn end_session(
    LoggedIn(user): LoggedIn,
    request: HttpRequest,
    state: web::Data<AppState>,
    path: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let origin = origin_of(&request, state.trust_proxy);
    if !state.accounts.end_session(user.user_id, path.into_inner(), &origin).await? {
        return Err(ApiError::NotFound("there is no such session of yours".to_owned()));
    }
    state.authenticator.forget_lives();
    Ok(HttpResponse::NoContent().finish())
}
