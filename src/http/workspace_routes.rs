//! `/api/v1/workspaces…`: made, listed, renamed, deleted (protocol §5).

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::audit::{Event, line};
use crate::domain::access::{Action, Role};
use crate::domain::ids::WorkspaceId;
use crate::domain::names;
use crate::domain::timestamp::Timestamp;
use crate::http::body::JsonBody;
use crate::http::current_user::{CurrentUser, LoggedIn, require_access};
use crate::http::error::ApiError;
use crate::http::peer::peer_of;
use crate::http::state::AppState;
use crate::sync::workspaces::{Membership, WorkspaceCreation, WorkspaceDeletion};

#[derive(Deserialize)]
struct WorkspaceRequest {
    name: String,
    workspace_id: Option<WorkspaceId>,
}

#[derive(Deserialize)]
struct RenameRequest {
    name: String,
}

#[derive(Deserialize)]
struct DeletionQuery {
    name: String,
}

/// A workspace as one of its members sees it.
#[derive(Serialize)]
pub(super) struct WorkspaceResponse {
    workspace_id: WorkspaceId,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    role: Role,
    created_at: Timestamp,
}

impl From<Membership> for WorkspaceResponse {
    fn from(membership: Membership) -> Self {
        let Membership { workspace_id, name, owner, role, created_at } = membership;
        Self { workspace_id, name, owner, role, created_at }
    }
}

#[derive(Serialize)]
struct WorkspacesResponse {
    items: Vec<WorkspaceResponse>,
}

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/api/v1/workspaces")
                .route(web::post().to(create_workspace))
                .route(web::get().to(list_workspaces)),
        )
        .service(
            web::resource("/api/v1/workspaces/{workspace_id}")
                .route(web::patch().to(rename_workspace))
                .route(web::delete().to(delete_workspace)),
        );
}

async fn create_workspace(
    LoggedIn(user): LoggedIn,
    request: HttpRequest,
    state: web::Data<AppState>,
    body: JsonBody<WorkspaceRequest>,
) -> Result<HttpResponse, ApiError> {
    let JsonBody(WorkspaceRequest { name, workspace_id }) = body;
    check_name(&name)?;
    let workspace_id = workspace_id.unwrap_or_else(|| WorkspaceId(Uuid::now_v7()));
    let created_at = state.clock.now();
    let (sync, stored_name, user_id) = (state.sync.clone(), name.clone(), user.user_id);
    let made = web::block(move || sync.create_workspace(user_id, workspace_id, stored_name, created_at)).await??;
    match made {
        WorkspaceCreation::Created => {
            let peer = Some(peer_of(&request, state.trust_proxy));
            line(Event::WorkspaceMade, peer).by(user_id).at(workspace_id).write();
            let owner = Some(user.username);
            let made = WorkspaceResponse { workspace_id, name, owner, role: Role::Owner, created_at };
            Ok(HttpResponse::Created().json(made))
        }
        WorkspaceCreation::IdTaken => Err(ApiError::WorkspaceExists),
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    names::check(name).map_err(|rule| ApiError::invalid_at("/name", format!("name {rule}")))
}

/// A token for scripts sees the one workspace that it is for.
async fn list_workspaces(user: CurrentUser, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let (sync, user_id) = (state.sync.clone(), user.user_id);
    let mut rows = web::block(move || sync.list_workspaces(user_id)).await??;
    if let Some(scope) = user.scope {
        rows.retain(|row| row.workspace_id == scope.workspace_id);
        rows.iter_mut().for_each(|row| row.role = row.role.min(scope.role));
    }
    Ok(HttpResponse::Ok().json(WorkspacesResponse { items: rows.into_iter().map(Into::into).collect() }))
}

async fn rename_workspace(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
    path: web::Path<WorkspaceId>,
    body: JsonBody<RenameRequest>,
) -> Result<HttpResponse, ApiError> {
    let workspace_id = path.into_inner();
    require_access(&state, &user, workspace_id, Action::Rename).await?;
    check_name(&body.0.name)?;
    let (sync, user_id) = (state.sync.clone(), user.user_id);
    let renamed = web::block(move || sync.rename_workspace(user_id, workspace_id, body.0.name));
    let membership = renamed.await??.ok_or_else(ApiError::no_such_workspace)?;
    let peer = Some(peer_of(&request, state.trust_proxy));
    line(Event::WorkspaceRenamed, peer).by(user_id).at(workspace_id).write();
    Ok(HttpResponse::Ok().json(WorkspaceResponse::from(membership)))
}

async fn delete_workspace(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
    path: web::Path<WorkspaceId>,
) -> Result<HttpResponse, ApiError> {
    let workspace_id = path.into_inner();
    require_access(&state, &user, workspace_id, Action::Delete).await?;
    let Ok(web::Query(DeletionQuery { name })) = web::Query::from_query(request.query_string()) else {
        return Err(ApiError::bad_request("name is missing: the workspace's name, to show that it is the one meant"));
    };
    let (sync, now) = (state.sync.clone(), state.clock.now());
    match web::block(move || sync.delete_workspace(workspace_id, name, now)).await?? {
        WorkspaceDeletion::Deleted => {
            let peer = Some(peer_of(&request, state.trust_proxy));
            line(Event::WorkspaceDeleted, peer).by(user.user_id).at(workspace_id).write();
            Ok(HttpResponse::NoContent().finish())
        }
        WorkspaceDeletion::OtherName => {
            Err(ApiError::bad_request("name is not the workspace's name; nothing was deleted"))
        }
    }
}
