//! What a client or an operator asks of the server itself: limits, health, metrics (protocol §1.1, §6).

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::domain::timestamp::Timestamp;
use crate::http::error::{ApiError, health_status};
use crate::http::state::AppState;

/// How long the database may take to answer a health check.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct HealthResponse {
    status: &'static str,
    message: &'static str,
    timestamp: Timestamp,
}

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/v1/limits").route(web::get().to(limits)))
        .service(web::resource("/api/health").route(web::get().to(health)))
        .service(web::resource("/metrics").route(web::get().to(metrics)));
}

async fn limits(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.limits.as_ref())
}

async fn health(state: web::Data<AppState>) -> HttpResponse {
    let message = database_answers(&state).await.err();
    HttpResponse::build(health_status(message.is_none())).json(HealthResponse {
        status: if message.is_none() { "ok" } else { "unavailable" },
        message: message.unwrap_or("The database answers."),
        timestamp: state.clock.now(),
    })
}

async fn database_answers(state: &AppState) -> Result<(), &'static str> {
    let Ok(permit) = state.pings.clone().try_acquire_owned() else {
        return Err("Earlier health checks still wait for the database.");
    };
    let store = state.store.clone();
    // The permit goes along, so that a check that nobody waits for any more still counts.
    let ping = web::block(move || {
        let answered = store.ping();
        drop(permit);
        answered
    });
    match actix_web::rt::time::timeout(PING_TIMEOUT, ping).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(failure))) => {
            tracing::warn!(cause = %failure, "the database failed a health check");
            Err("The database does not answer.")
        }
        Ok(Err(lost)) => {
            tracing::warn!(cause = %lost, "a health check was lost");
            Err("The check could not be run.")
        }
        Err(_elapsed) => Err("The database did not answer within 2 seconds."),
    }
}

async fn metrics(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    if state.metrics_apart {
        return Err(ApiError::NotFound("there is nothing at this path".to_owned()));
    }
    render_metrics(state).await
}

/// Adds the route of the address that metrics have to themselves.
pub fn metrics_routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/metrics").route(web::get().to(render_metrics)));
}

async fn render_metrics(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let handle = state.metrics.clone();
    let text = web::block(move || handle.render()).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
