//! The handlers of sync runs. Every member of a workspace has runs there; nobody sees another's.

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

use super::body::{ProgressBody, run_page};
use super::request::{HistoryQuery, OpenRunRequest, parse_sync_id};
use crate::auth::roles::Caller;
use crate::domain::access::Action;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::sync_run::RunKey;
use crate::http::blocking::run_by;
use crate::http::body::JsonBody;
use crate::http::current_user::{CurrentUser, deadline_of};
use crate::http::error::ApiError;
use crate::http::parameters::parse_workspace;
use crate::http::request_layer::Named;
use crate::http::state::AppState;
use crate::sync::SyncError;
use crate::sync::runs::Opening;

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/v1/syncs").route(web::get().to(list_runs)))
        .service(web::resource("/api/v1/syncs/{sync_id}").route(web::put().to(open_run)).route(web::get().to(read_run)))
        .service(web::resource("/api/v1/syncs/{sync_id}/cancel").route(web::post().to(cancel_run)));
}

async fn open_run(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
    body: JsonBody<OpenRunRequest>,
) -> Result<HttpResponse, ApiError> {
    let sync_id = parse_sync_id(request.match_info().query("sync_id"))?;
    let run = body.0.check(user.user_id, sync_id)?;
    let (opening, view) =
        as_member(&request, state, user.caller(), run.key.workspace_id, move |state| state.sync.open_run(run)).await?;
    let mut response = match opening {
        Opening::Opened => HttpResponse::Created(),
        Opening::Found => HttpResponse::Ok(),
    };
    Ok(response.json(ProgressBody::from(&view)))
}

async fn read_run(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let key = parse_key(&request, user.user_id)?;
    let view =
        as_member(&request, state, user.caller(), key.workspace_id, move |state| state.sync.find_run(key)).await?;
    Ok(HttpResponse::Ok().json(ProgressBody::from(&view)))
}

async fn cancel_run(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let key = parse_key(&request, user.user_id)?;
    let view =
        as_member(&request, state, user.caller(), key.workspace_id, move |state| state.sync.cancel_run(key)).await?;
    Ok(HttpResponse::Ok().json(ProgressBody::from(&view)))
}

async fn list_runs(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let user_id = user.user_id;
    let HistoryQuery { workspace_id, page_size, before } = HistoryQuery::parse(request.query_string(), user_id)?;
    let rows = as_member(&request, state, user.caller(), workspace_id, move |state| {
        state.sync.list_runs(workspace_id, user_id, before, page_size.saturating_add(1))
    });
    Ok(HttpResponse::Ok().json(run_page(workspace_id, user_id, &rows.await?, page_size)))
}

fn parse_key(request: &HttpRequest, user_id: UserId) -> Result<RunKey, ApiError> {
    let sync_id = parse_sync_id(request.match_info().query("sync_id"))?;
    let workspace_id = parse_workspace(request.query_string())?;
    Ok(RunKey { workspace_id, user_id, sync_id })
}

/// Runs a use case off the event loop, for a user who may read the workspace: a viewer pulls, and a pull has runs too.
async fn as_member<T: Send + 'static>(
    request: &HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    workspace_id: WorkspaceId,
    use_case: impl FnOnce(&AppState) -> Result<T, SyncError> + Send + 'static,
) -> Result<T, ApiError> {
    request.extensions_mut().insert(Named(workspace_id));
    run_by(deadline_of(request), move || {
        state.authenticator.check_access(caller, workspace_id, Action::RunSyncs)?;
        use_case(&state).map_err(ApiError::from)
    })
    .await
}
