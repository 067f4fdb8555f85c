//! `/api/v1/auth/…`: register, log in, refresh, log out (protocol §5).

use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::auth::accounts::{Login, Session};
use crate::domain::ids::WorkspaceId;
use crate::http::body::PlainJsonBody;
use crate::http::error::ApiError;
use crate::http::peer::origin_of;
use crate::http::state::AppState;

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: SecretString,
}

#[derive(Deserialize)]
struct RefreshRequest {
    refresh_token: SecretString,
}

#[derive(Serialize)]
struct TokensResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    refresh_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_id: Option<WorkspaceId>,
}

impl TokensResponse {
    fn new(session: Session, workspace_id: Option<WorkspaceId>) -> Self {
        Self {
            access_token: session.access_token,
            token_type: "Bearer",
            expires_in: session.expires_in_s,
            refresh_token: session.refresh_token.expose().to_owned(),
            workspace_id,
        }
    }

    fn of_login(login: Login) -> Self {
        Self::new(login.session, login.workspace_id)
    }
}

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/v1/auth/register").route(web::post().to(register)))
        .service(web::resource("/api/v1/auth/login").route(web::post().to(log_in)))
        .service(web::resource("/api/v1/auth/refresh").route(web::post().to(refresh)))
        .service(web::resource("/api/v1/auth/logout").route(web::post().to(log_out)));
}

async fn register(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: PlainJsonBody<Credentials>,
) -> Result<HttpResponse, ApiError> {
    let PlainJsonBody(credentials) = body;
    let origin = origin_of(&request, state.trust_proxy);
    let login = state.accounts.register(&credentials.username, credentials.password.expose_secret(), &origin).await?;
    Ok(HttpResponse::Created().json(TokensResponse::of_login(login)))
}

async fn log_in(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: PlainJsonBody<Credentials>,
) -> Result<HttpResponse, ApiError> {
    let PlainJsonBody(credentials) = body;
    let origin = origin_of(&request, state.trust_proxy);
    let login = state.accounts.log_in(&credentials.username, credentials.password.expose_secret(), &origin).await?;
    Ok(HttpResponse::Ok().json(TokensResponse::of_login(login)))
}

async fn refresh(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: PlainJsonBody<RefreshRequest>,
) -> Result<HttpResponse, ApiError> {
    let origin = origin_of(&request, state.trust_proxy);
    let session = state.accounts.refresh(body.0.refresh_token.expose_secret(), &origin).await?;
    Ok(HttpResponse::Ok().json(TokensResponse::new(session, None)))
}

async fn log_out(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: PlainJsonBody<RefreshRequest>,
) -> Result<HttpResponse, ApiError> {
    let origin = origin_of(&request, state.trust_proxy);
    state.accounts.log_out(body.0.refresh_token.expose_secret(), &origin).await?;
    state.authenticator.forget_lives();
    Ok(HttpResponse::NoContent().finish())
}
