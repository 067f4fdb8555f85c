//! HTTP: the only place that names actix-web, besides the server's wiring.
//!
//! Handlers parse, ask one use case and answer; no rule of the protocol and no SQL stands here. Statuses are in
//! `error` alone.

pub mod account_routes;
pub mod admission;
pub mod auth_routes;
pub mod batch;
pub mod blocking;
pub mod body;
mod causes;
pub mod changes_body;
pub mod current_user;
pub mod document_body;
pub mod documents;
pub mod editor;
pub mod error;
pub mod events;
pub mod held_body;
pub mod inflate;
pub mod integer;
pub mod live;
pub mod member_routes;
pub mod packed_file;
pub mod page_token;
pub mod pages;
pub mod parameters;
pub mod peer;
pub mod problem_layer;
pub mod rate_limits;
pub mod request_context;
pub mod request_layer;
pub mod server_routes;
pub mod shares;
pub mod state;
pub mod statistics_routes;
pub mod syncs;
pub mod take_back;
pub mod workspace_routes;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, Error, web};

use self::error::ApiError;
use self::state::AppState;

/// Seconds that a browser may remember what a preflight was answered.
const PREFLIGHT_MAX_AGE_S: usize = 3_600;

/// The application: every route, inside the layers that every answer passes.
pub fn app(
    state: web::Data<AppState>,
    cors_origins: &[String],
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    // The layer that is added last is the first to see a request.
    App::new()
        .app_data(state)
        .configure(configure)
        .wrap(Condition::new(!cors_origins.is_empty(), cors(cors_origins)))
        .wrap(Compress::default())
        .wrap(from_fn(problem_layer::problem_layer))
        .wrap(from_fn(request_layer::request_layer))
}

fn cors(origins: &[String]) -> Cors {
    origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            header::IF_NONE_MATCH,
            header::HeaderName::from_static("last-event-id"),
            header::HeaderName::from_static("traceparent"),
            request_context::X_REQUEST_ID,
        ])
        .expose_headers(["etag", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"])
        .max_age(PREFLIGHT_MAX_AGE_S)
}

/// Mounts every route, and makes actix's own complaints about parameters readable.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::PathConfig::default().error_handler(|_unreadable, _request| {
            ApiError::NotFound("there is nothing at this path".to_owned()).into()
        }))
        .app_data(web::QueryConfig::default().error_handler(|unreadable, _request| {
            ApiError::bad_request(format!("the query cannot be read: {unreadable}")).into()
        }))
        .configure(auth_routes::routes)
        .configure(account_routes::routes)
        .configure(workspace_routes::routes)
        .configure(member_routes::routes)
        .configure(statistics_routes::routes)
        .configure(batch::push::routes)
        .configure(batch::uploads::routes)
        .configure(take_back::endpoints::routes)
        .configure(documents::changes::routes)
        .configure(documents::diff::routes)
        .configure(documents::search::routes)
        .configure(events::endpoint::routes)
        .configure(live::endpoint::routes)
        .configure(documents::endpoints::routes)
        .configure(syncs::endpoints::routes)
        .configure(server_routes::routes)
        .configure(pages::routes)
        .configure(editor::routes);
}

#[cfg(test)]
mod tests;
