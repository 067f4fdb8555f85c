//! `/api/v1/workspaces/{workspace_id}/stats`: what is stored, what is left, what sync runs did (protocol §5).

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::domain::access::Action;
use crate::domain::ids::WorkspaceId;
use crate::domain::quota::Held;
use crate::http::current_user::{CurrentUser, require_access};
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::sync::workspaces::Statistics;

/// How far back sync runs are summed up.
const DAYS: i64 = 30;
const DAY_S: i64 = 86_400;

#[derive(Serialize)]
struct StatisticsResponse {
    documents: i64,
    deleted_documents: i64,
    text_bytes: i64,
    yjs_bytes: i64,
    history_bytes: i64,
    members: i64,
    /// What may still be added; null where there is no quota.
    documents_left: Option<i64>,
    bytes_left: Option<i64>,
    syncs: SyncsResponse,
}

#[derive(Serialize)]
struct SyncsResponse {
    days: i64,
    runs: i64,
    operations: i64,
    failed: i64,
    conflicts: i64,
    median_duration_ms: Option<i64>,
    median_operations_per_s: Option<f64>,
}

/// Adds the route.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/api/v1/workspaces/{workspace_id}/stats").route(web::get().to(read_statistics)));
}

async fn read_statistics(
    user: CurrentUser,
    state: web::Data<AppState>,
    path: web::Path<WorkspaceId>,
) -> Result<HttpResponse, ApiError> {
    let workspace_id = path.into_inner();
    require_access(&state, &user, workspace_id, Action::ReadStatistics).await?;
    let (sync, since) = (state.sync.clone(), state.clock.now().plus_seconds(-DAYS * DAY_S));
    let statistics = web::block(move || sync.find_statistics(workspace_id, since)).await??;
    Ok(HttpResponse::Ok().json(response(&statistics, &state)))
}

fn response(statistics: &Statistics, state: &AppState) -> StatisticsResponse {
    let Statistics { usage, held_by_owner, members, runs, conflicts } = *statistics;
    let held = Held { documents: usage.documents, bytes: usage.bytes() };
    let room = state.limits.quotas.room(held, held_by_owner);
    let left = |room: i64| (room != i64::MAX).then(|| room.max(0));
    StatisticsResponse {
        documents: usage.documents,
        deleted_documents: usage.deleted_documents,
        text_bytes: usage.text_bytes,
        yjs_bytes: usage.yjs_bytes,
        history_bytes: usage.history_bytes,
        members,
        documents_left: left(room.documents),
        bytes_left: left(room.bytes),
        syncs: SyncsResponse {
            days: DAYS,
            runs: runs.runs,
            operations: runs.operations,
            failed: runs.failed,
            conflicts,
            median_duration_ms: runs.median_duration_ms,
            median_operations_per_s: runs.median_operations_per_s,
        },
    }
}
