//! `/api/v1/workspaces/{workspace_id}/members…` and `/api/v1/invitations…`: who is in, and who is wanted (protocol §5).

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::auth::audit::{Event, line};
use crate::auth::credentials::Username;
use crate::domain::access::{Action, Role};
use crate::domain::ids::WorkspaceId;
use crate::domain::timestamp::Timestamp;
use crate::http::body::JsonBody;
use crate::http::current_user::{CurrentUser, LoggedIn, require_access};
use crate::http::error::ApiError;
use crate::http::page_token;
use crate::http::parameters::{ParameterError, RawQuery};
use crate::http::peer::peer_of;
use crate::http::state::AppState;
use crate::http::workspace_routes::WorkspaceResponse;
use crate::sync::workspaces::{Grant, Invitation, Member, MemberChange, MemberRemoval};

/// Stands for the caller where a member's name is expected.
const MYSELF: &str = "me";

#[derive(Deserialize)]
struct MemberRequest {
    role: Role,
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
struct MembersPage {
    items: Vec<MemberResponse>,
    next_page_token: Option<String>,
    has_more: bool,
}

#[derive(Serialize)]
struct InvitationResponse {
    workspace_id: WorkspaceId,
    workspace_name: String,
    username: String,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    invited_by: Option<String>,
    created_at: Timestamp,
}

impl From<Invitation> for InvitationResponse {
    fn from(invitation: Invitation) -> Self {
        let Invitation { workspace_id, workspace_name, username, role, invited_by, created_at } = invitation;
        Self { workspace_id, workspace_name, username, role, invited_by, created_at }
    }
}

#[derive(Serialize)]
struct InvitationsResponse {
    items: Vec<InvitationResponse>,
}

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/v1/workspaces/{workspace_id}/members").route(web::get().to(list_members)))
        .service(
            web::resource("/api/v1/workspaces/{workspace_id}/members/{username}")
                .route(web::put().to(put_member))
                .route(web::delete().to(remove_member)),
        )
        .service(web::resource("/api/v1/workspaces/{workspace_id}/invitations").route(web::get().to(list_outgoing)))
        .service(web::resource("/api/v1/invitations").route(web::get().to(list_incoming)))
        .service(web::resource("/api/v1/invitations/{workspace_id}").route(web::delete().to(decline)))
        .service(web::resource("/api/v1/invitations/{workspace_id}/accept").route(web::post().to(accept)));
}

async fn list_members(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
    path: web::Path<WorkspaceId>,
) -> Result<HttpResponse, ApiError> {
    let workspace_id = path.into_inner();
    let query = RawQuery::split(request.query_string())?;
    let page_size = query.page_size()?;
    let after = query.page_token().map(|token| page_token::read_after_member(workspace_id, token));
    let after = after.transpose().map_err(ParameterError::from)?;
    require_access(&state, &user, workspace_id, Action::ManageMembers).await?;
    let sync = state.sync.clone();
    let limit = page_size.saturating_add(1);
    let mut rows = web::block(move || sync.list_members(workspace_id, after.as_deref(), limit)).await??;
    let page = usize::try_from(page_size).unwrap_or(usize::MAX);
    let has_more = rows.len() > page;
    rows.truncate(page);
    let last = rows.last().filter(|_| has_more);
    let next_page_token = last.map(|member| page_token::after_member(workspace_id, &member.username));
    let items = rows.into_iter().map(MemberResponse::from).collect();
    Ok(HttpResponse::Ok().json(MembersPage { items, next_page_token, has_more }))
}

async fn put_member(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
    path: web::Path<(WorkspaceId, String)>,
    body: JsonBody<MemberRequest>,
) -> Result<HttpResponse, ApiError> {
    let (workspace_id, username) = path.into_inner();
    require_access(&state, &user, workspace_id, Action::ManageMembers).await?;
    let (at_once, now, role, by) = (state.members_at_once, state.clock.now(), body.0.role, user.user_id);
    let username = member_name(&username, &user)?;
    let sync = state.sync.clone();
    let grant = Grant { workspace_id, username: username.clone(), role, by };
    let (change, member) = web::block(move || sync.put_member(grant, at_once, now)).await??;
    let peer = Some(peer_of(&request, state.trust_proxy));
    let audited = |event| line(event, peer).by(by).at(workspace_id).to(&username).with_role(role).write();
    match change {
        MemberChange::Put => {
            audited(Event::RoleChanged);
            Ok(HttpResponse::Ok().json(MemberResponse::from(member.ok_or_else(no_such_member)?)))
        }
        MemberChange::Invited => {
            audited(Event::MemberInvited);
            Ok(HttpResponse::Accepted().json(InvitedResponse { username, role, created_at: now }))
        }
        MemberChange::NoSuchUser => Err(no_such_user()),
        MemberChange::LastOwner => Err(ApiError::LastOwner),
        MemberChange::TooManyInvitations => {
            Err(ApiError::invalid_at("", "a thousand invitations are open; withdraw some, or wait for them"))
        }
    }
}

/// Whether there is a user of that name, it does not say.
#[derive(Serialize)]
struct InvitedResponse {
    username: String,
    role: Role,
    created_at: Timestamp,
}

async fn remove_member(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
    path: web::Path<(WorkspaceId, String)>,
) -> Result<HttpResponse, ApiError> {
    let (workspace_id, username) = path.into_inner();
    let is_leaving = username == MYSELF;
    let action = if is_leaving { Action::Leave } else { Action::ManageMembers };
    require_access(&state, &user, workspace_id, action).await?;
    let username = member_name(&username, &user)?;
    let (sync, user_id, name) = (state.sync.clone(), user.user_id, username.clone());
    let removal = web::block(move || match is_leaving {
        true => sync.leave_workspace(workspace_id, user_id),
        false => sync.remove_member(workspace_id, name),
    });
    match removal.await?? {
        MemberRemoval::Removed => {
            let event = if is_leaving { Event::MemberLeft } else { Event::MemberRemoved };
            line(event, Some(peer_of(&request, state.trust_proxy))).by(user_id).at(workspace_id).to(username).write();
            Ok(HttpResponse::NoContent().finish())
        }
        MemberRemoval::NotMember => Err(no_such_member()),
        MemberRemoval::LastOwner => Err(ApiError::LastOwner),
    }
}

async fn list_outgoing(
    user: CurrentUser,
    state: web::Data<AppState>,
    path: web::Path<WorkspaceId>,
) -> Result<HttpResponse, ApiError> {
    let workspace_id = path.into_inner();
    require_access(&state, &user, workspace_id, Action::ManageMembers).await?;
    let sync = state.sync.clone();
    let rows = web::block(move || sync.list_invitations_to(workspace_id)).await??;
    Ok(HttpResponse::Ok().json(InvitationsResponse { items: rows.into_iter().map(Into::into).collect() }))
}

async fn list_incoming(LoggedIn(user): LoggedIn, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let (sync, name) = (state.sync.clone(), user.username);
    let rows = web::block(move || sync.list_invitations_of(&name)).await??;
    Ok(HttpResponse::Ok().json(InvitationsResponse { items: rows.into_iter().map(Into::into).collect() }))
}

async fn accept(
    LoggedIn(user): LoggedIn,
    request: HttpRequest,
    state: web::Data<AppState>,
    path: web::Path<WorkspaceId>,
) -> Result<HttpResponse, ApiError> {
    let workspace_id = path.into_inner();
    let (sync, now, user_id, name) = (state.sync.clone(), state.clock.now(), user.user_id, user.username);
    let joined = web::block(move || sync.accept_invitation(workspace_id, user_id, name, now));
    let membership = joined.await??.ok_or_else(no_such_invitation)?;
    let peer = Some(peer_of(&request, state.trust_proxy));
    line(Event::MemberJoined, peer).by(user_id).at(workspace_id).with_role(membership.role).write();
    Ok(HttpResponse::Ok().json(WorkspaceResponse::from(membership)))
}

async fn decline(
    LoggedIn(user): LoggedIn,
    request: HttpRequest,
    state: web::Data<AppState>,
    path: web::Path<WorkspaceId>,
) -> Result<HttpResponse, ApiError> {
    let workspace_id = path.into_inner();
    let (sync, user_id, name) = (state.sync.clone(), user.user_id, user.username);
    if !web::block(move || sync.decline_invitation(workspace_id, name)).await?? {
        return Err(no_such_invitation());
    }
    let peer = Some(peer_of(&request, state.trust_proxy));
    line(Event::InvitationDeclined, peer).by(user_id).at(workspace_id).write();
    Ok(HttpResponse::NoContent().finish())
}

/// A name that breaks the rules is nobody's.
fn member_name(username: &str, caller: &CurrentUser) -> Result<String, ApiError> {
    if username == MYSELF {
        return Ok(caller.username.clone());
    }
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

fn no_such_invitation() -> ApiError {
    ApiError::NotFound("you are not invited there".to_owned())
}
