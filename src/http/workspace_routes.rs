//! `/api/v1/workspaces…`: workspaces and their members (protocol §5).

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::credentials::Username;
use crate::domain::ids::WorkspaceId;
use crate::domain::timestamp::Timestamp;
use crate::http::body::JsonBody;
use crate::http::current_user::{CurrentUser, require_role};
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::store::accounts::{Member, MemberChange, MemberRemoval, Membership, Role, WorkspaceCreation};

const MAX_NAME_CHARS: usize = 200;

#[derive(Deserialize)]
struct WorkspaceRequest {
    name: String,
    workspace_id: Option<WorkspaceId>,
}

#[derive(Deserialize)]
struct MemberRequest {
    role: Role,
}

#[derive(Serialize)]
struct WorkspaceResponse {
    workspace_id: WorkspaceId,
    name: String,
    role: Role,
    created_at: Timestamp,
}

impl From<Membership> for WorkspaceResponse {
    fn from(membership: Membership) -> Self {
        let Membership { workspace_id, name, role, created_at } = membership;
        Self { workspace_id, name, role, created_at }
    }
}

#[derive(Serialize)]
struct MemberResponse {
    username: String,
    role: Role,
    created_at: Timestamp,
}

impl From<Member> for MemberResponse {
    fn from(member: Member) -> Self {
        let Member { username, role, created_at } = member;
        Self { username, role, created_at }
    }
}

#[derive(Serialize)]
struct ListResponse<T> {
    items: Vec<T>,
}

impl<T> ListResponse<T> {
    fn of<R: Into<T>>(rows: Vec<R>) -> Self {
        Self { items: rows.into_iter().map(Into::into).collect() }
    }
}

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/api/v1/workspaces")
                .route(web::post().to(create_workspace))
                .route(web::get().to(list_workspaces)),
        )
        .service(web::resource("/api/v1/workspaces/{workspace_id}/members").route(web::get().to(list_members)))
        .service(
            web::resource("/api/v1/workspaces/{workspace_id}/members/{username}")
                .route(web::put().to(put_member))
                .route(web::delete().to(remove_member)),
        );
}

async fn create_workspace(
    user: CurrentUser,
    state: web::Data<AppState>,
    body: JsonBody<WorkspaceRequest>,
) -> Result<HttpResponse, ApiError> {
    let JsonBody(WorkspaceRequest { name, workspace_id }) = body;
    check_name(&name)?;
    let workspace_id = workspace_id.unwrap_or_else(|| WorkspaceId(Uuid::now_v7()));
    let created_at = state.clock.now();
    let (store, stored_name) = (state.store.clone(), name.clone());
    let made =
        web::block(move || store.create_workspace(user.user_id, workspace_id, stored_name, created_at)).await??;
    match made {
        WorkspaceCreation::Created => {
            Ok(HttpResponse::Created().json(WorkspaceResponse { workspace_id, name, role: Role::Owner, created_at }))
        }
        WorkspaceCreation::IdTaken => Err(ApiError::WorkspaceExists),
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let chars = name.chars().count();
    if name.trim().is_empty() || chars > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        let rule = format!("name must have 1 to {MAX_NAME_CHARS} characters, not all blank and no control characters");
        return Err(ApiError::invalid_at("/name", rule));
    }
    Ok(())
}

async fn list_workspaces(user: CurrentUser, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let store = state.store.clone();
    let rows = web::block(move || store.list_workspaces(user.user_id)).await??;
    Ok(HttpResponse::Ok().json(ListResponse::<WorkspaceResponse>::of(rows)))
}

async fn list_members(
    user: CurrentUser,
    state: web::Data<AppState>,
    path: web::Path<WorkspaceId>,
) -> Result<HttpResponse, ApiError> {
    let workspace_id = path.into_inner();
    require_role(&state, user.user_id, workspace_id, Role::Owner).await?;
    let store = state.store.clone();
    let rows = web::block(move || store.list_members(workspace_id)).await??;
    Ok(HttpResponse::Ok().json(ListResponse::<MemberResponse>::of(rows)))
}

async fn put_member(
    user: CurrentUser,
    state: web::Data<AppState>,
    path: web::Path<(WorkspaceId, String)>,
    body: JsonBody<MemberRequest>,
) -> Result<HttpResponse, ApiError> {
    let (workspace_id, username) = path.into_inner();
    require_role(&state, user.user_id, workspace_id, Role::Owner).await?;
    let username = parse_member(&username)?;
    let (store, now, role) = (state.store.clone(), state.clock.now(), body.0.role);
    let member = web::block(move || match store.put_member(workspace_id, username.clone(), role, now)? {
        MemberChange::Put => {
            let members = store.list_members(workspace_id)?;
            members.into_iter().find(|member| member.username == username).ok_or_else(no_such_member)
        }
        MemberChange::NoSuchUser => Err(no_such_user()),
        MemberChange::LastOwner => Err(ApiError::LastOwner),
    })
    .await??;
    Ok(HttpResponse::Ok().json(MemberResponse::from(member)))
}

async fn remove_member(
    user: CurrentUser,
    state: web::Data<AppState>,
    path: web::Path<(WorkspaceId, String)>,
) -> Result<HttpResponse, ApiError> {
    let (workspace_id, username) = path.into_inner();
    require_role(&state, user.user_id, workspace_id, Role::Owner).await?;
    let username = parse_member(&username)?;
    let store = state.store.clone();
    match web::block(move || store.remove_member(workspace_id, username)).await?? {
        MemberRemoval::Removed => Ok(HttpResponse::NoContent().finish()),
        MemberRemoval::NotMember => Err(no_such_member()),
        MemberRemoval::LastOwner => Err(ApiError::LastOwner),
    }
}

/// A name that breaks the rules is nobody's.
fn parse_member(username: &str) -> Result<String, ApiError> {
    match Username::parse(username) {
        Ok(name) => Ok(name.as_str().to_owned()),
        Err(_broken_rule) => Err(no_such_user()),
    }
}

fn no_such_user() -> ApiError {
    ApiError::NotFound("there is no user of that name; they must register or log in first".to_owned())
}

fn no_such_member() -> ApiError {
    ApiError::NotFound("the workspace has no member of that name".to_owned())
}
