//! The handlers of the two paths, up to the handshake.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use actix_ws::AggregatedMessageStream;

use super::messages::Dialect;
use super::metered::Meter;
use super::paced::Outgoing;
use super::socket::Socket;
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// What a message has besides its update.
const FRAME_OVERHEAD: usize = 1024;

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/v1/live/y/{workspace_id}/{document_id}").route(web::get().to(open_y)))
        .service(web::resource("/api/v1/live/hocuspocus").route(web::get().to(open_hocuspocus)));
}

/// `y-websocket`: the path names the document, the query has the token.
async fn open_y(
    request: HttpRequest,
    payload: web::Payload,
    path: web::Path<(String, String)>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (workspace_id, document_id) = path.into_inner();
    let token = token_of(&request);
    let (response, socket, messages) = shake_hands(&request, payload.into_inner(), state, Dialect::Y).await?;
    actix_web::rt::spawn(socket.run(messages, Some((format!("{workspace_id}/{document_id}"), token))));
    Ok(response)
}

/// Hocuspocus: messages name their documents, and the first one of each has the token.
async fn open_hocuspocus(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (response, socket, messages) = shake_hands(&request, payload.into_inner(), state, Dialect::Hocuspocus).await?;
    actix_web::rt::spawn(socket.run(messages, None));
    Ok(response)
}

async fn shake_hands(
    request: &HttpRequest,
    payload: Payload,
    state: web::Data<AppState>,
    dialect: Dialect,
) -> Result<(HttpResponse, Socket, AggregatedMessageStream), ApiError> {
    check_origin(request, &state.origins)?;
    if *state.stopping.borrow() {
        return Err(ApiError::Busy);
    }
    let meter = Meter::new(state.clone());
    let mut metered = meter.wrap(payload);
    let payload = web::Payload::from_request(request, &mut metered).await.map_err(ApiError::internal)?;
    let (response, session, messages) = actix_ws::handle(request, payload)
        .map_err(|error| ApiError::bad_request(format!("this path takes WebSocket connections alone: {error}")))?;
    let largest = state.limits.max_yjs_bytes.saturating_add(FRAME_OVERHEAD);
    let messages = messages.max_frame_size(largest).aggregate_continuations().max_continuation_size(largest);
    let (response, outgoing) = Outgoing::new(response, session);
    Ok((response, Socket::new(state, outgoing, meter, dialect), messages))
}

/// A page of another site must not use what its reader's browser has (there are no cookies, but networks that are not for
/// all). Programs send no `Origin`.
fn check_origin(request: &HttpRequest, allowed: &[String]) -> Result<(), ApiError> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let is_own = origin.split_once("://").is_some_and(|(_, named)| Some(named) == host);
    if is_own || allowed.iter().any(|one| one == origin) {
        return Ok(());
    }
    Err(ApiError::Forbidden("pages of this origin may not connect (LANDFALL_CORS_ORIGINS)".to_owned()))
}

/// The access token, from the query (`y-websocket`'s `params`) or the usual header. It is never logged.
fn token_of(request: &HttpRequest) -> String {
    let from_query = web::Query::<Vec<(String, String)>>::from_query(request.query_string()).ok();
    let from_query = from_query.and_then(|pairs| pairs.into_inner().into_iter().find(|(name, _)| name == "token"));
    let from_header = || {
        let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
        value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim())
    };
    from_query.map(|(_, token)| token).or_else(|| from_header().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn origin(origin: &str, host: &str) -> bool {
        let request = TestRequest::default().insert_header(("origin", origin)).insert_header(("host", host));
        check_origin(&request.to_http_request(), &["https://editor.example".to_owned()]).is_ok()
    }

    #[test]
    fn pages_of_other_sites_are_kept_out() {
        assert!(origin("http://notes.example:7001", "notes.example:7001"));
        assert!(origin("https://editor.example", "notes.example"));
        assert!(!origin("https://evil.example", "notes.example"));
        assert!(!origin("null", "notes.example"));
        assert!(check_origin(&TestRequest::default().to_http_request(), &[]).is_ok());
    }

    #[test]
    fn the_token_is_in_the_query_or_the_header() {
        let token = |request: TestRequest| token_of(&request.to_http_request());
        assert_eq!(token(TestRequest::with_uri("/x?a=1&token=abc")), "abc");
        assert_eq!(token(TestRequest::default().insert_header(("authorization", "Bearer abc"))), "abc");
        assert_eq!(token(TestRequest::default()), "");
    }
}
