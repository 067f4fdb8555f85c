//! `/api/v1/auth/…`: register, log in, refresh, log out (protocol §5).

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::auth::accounts::{Login, Session};
use crate::domain::ids::WorkspaceId;
use crate::http::body::PlainJsonBody;
use crate::http::error::ApiError;
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
    let peer = peer_of(&request, state.trust_proxy);
    let login = state.accounts.register(&credentials.username, credentials.password.expose_secret(), peer).await?;
    Ok(HttpResponse::Created().json(TokensResponse::of_login(login)))
}

async fn log_in(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: PlainJsonBody<Credentials>,
) -> Result<HttpResponse, ApiError> {
    let PlainJsonBody(credentials) = body;
    let peer = peer_of(&request, state.trust_proxy);
    let login = state.accounts.log_in(&credentials.username, credentials.password.expose_secret(), peer).await?;
    Ok(HttpResponse::Ok().json(TokensResponse::of_login(login)))
}

async fn refresh(state: web::Data<AppState>, body: PlainJsonBody<RefreshRequest>) -> Result<HttpResponse, ApiError> {
    let session = state.accounts.refresh(body.0.refresh_token.expose_secret()).await?;
    Ok(HttpResponse::Ok().json(TokensResponse::new(session, None)))
}

async fn log_out(state: web::Data<AppState>, body: PlainJsonBody<RefreshRequest>) -> Result<HttpResponse, ApiError> {
    state.accounts.log_out(body.0.refresh_token.expose_secret()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The address that failures are counted for. Behind a trusted proxy it is the last entry of `X-Forwarded-For`, which
/// that proxy wrote; earlier entries anyone can make up.
fn peer_of(request: &HttpRequest, trust_proxy: bool) -> IpAddr {
    let direct = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip());
    if !trust_proxy {
        return direct;
    }
    let forwarded = request.headers().get_all("x-forwarded-for").last().and_then(|value| value.to_str().ok());
    forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse().ok()).unwrap_or(direct)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn forwarded_addresses_count_only_from_a_trusted_proxy() {
        let request = TestRequest::default()
            .peer_addr("192.0.2.1:5000".parse().unwrap())
            .insert_header(("x-forwarded-for", "203.0.113.9, 198.51.100.7"))
            .to_http_request();
        assert_eq!(peer_of(&request, false), IpAddr::from([192, 0, 2, 1]));
        assert_eq!(peer_of(&request, true), IpAddr::from([198, 51, 100, 7]));
    }
}
