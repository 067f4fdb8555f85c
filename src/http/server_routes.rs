//! What a client or an operator asks of the server itself: limits, health, metrics (protocol §1.1, §6).

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::domain::limits::Limits;
use crate::domain::timestamp::Timestamp;
use crate::http::error::{ApiError, health_status};
use crate::http::live::LiveLimits;
use crate::http::state::AppState;
use crate::sync::health::{Findings, PATIENCE};

#[derive(Serialize)]
struct HealthResponse {
    status: &'static str,
    message: &'static str,
    timestamp: Timestamp,
    checks: Checks,
}

/// `ok`, or what is wrong.
#[derive(Serialize)]
struct Checks {
    readers: &'static str,
    writer: &'static str,
    workers: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<&'static str>,
}

impl From<Findings> for Checks {
    fn from(findings: Findings) -> Self {
        let Findings { readers, writer, workers, disk, has_disk } = findings;
        let said = |fault: Option<&'static str>| fault.unwrap_or("ok");
        Self {
            readers: said(readers),
            writer: said(writer),
            workers: said(workers),
            disk: has_disk.then(|| said(disk)),
        }
    }
}

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/v1/limits").route(web::get().to(limits)))
        .service(web::resource("/api/health").route(web::get().to(health)))
        .service(web::resource("/metrics").route(web::get().to(metrics)));
}

/// All that is published.
#[derive(Serialize)]
struct LimitsResponse<'a> {
    #[serde(flatten)]
    limits: &'a Limits,
    live: LiveLimits,
}

async fn limits(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(LimitsResponse { limits: &state.limits, live: LiveLimits::of(&state) })
}

async fn health(state: web::Data<AppState>) -> HttpResponse {
    let health = state.sync.health();
    if let Some(done) = health.check() {
        // What has been found by then is answered.
        let _late = actix_web::rt::time::timeout(PATIENCE, done).await;
    }
    let findings = health.findings();
    let status = match findings.first_fault() {
        None => "ok",
        Some(_) if findings.serves() => "degraded",
        Some(_) => "unavailable",
    };
    HttpResponse::build(health_status(findings.serves())).json(HealthResponse {
        status,
        message: findings.first_fault().unwrap_or("The database answers."),
        timestamp: state.clock.now(),
        checks: findings.into(),
    })
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
