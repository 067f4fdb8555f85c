//! The handlers that read documents.

use std::time::Instant;

use actix_web::http::header::{self, ContentType, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::body::{VersionBody, document_page, past_page, session_page, version_page};
use super::query::{DocumentsQuery, VersionsQuery};
use crate::domain::access::Action;
use crate::domain::ids::{Version, WorkspaceId};
use crate::http::blocking::run_by;
use crate::http::current_user::{CurrentUser, charge_reading, deadline_of};
use crate::http::document_body::DocumentBody;
use crate::http::error::ApiError;
use crate::http::held_body::HeldBody;
use crate::http::parameters::{RawQuery, parse_document_id, parse_version, parse_workspace};
use crate::http::state::AppState;
use crate::sync::ListQuery;

/// Adds the routes. `/api/v1/documents/batch` and other fixed paths must be added before them.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/v1/documents").route(web::get().to(list_documents)))
        .service(web::resource("/api/v1/documents/{document_id}").route(web::get().to(read_document)))
        .service(web::resource("/api/v1/documents/{document_id}/versions").route(web::get().to(list_versions)))
        .service(
            web::resource("/api/v1/documents/{document_id}/versions/{version}").route(web::get().to(read_version)),
        );
}

async fn list_documents(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let query = DocumentsQuery::parse(request.query_string())?;
    let workspace_id = query.workspace_id;
    let page_size = query.page_size;
    let list = ListQuery {
        after: query.after,
        limit: page_size.saturating_add(1),
        include_deleted: query.include_deleted,
        title_prefix: query.title_prefix,
    };
    if let Some(as_of) = query.as_of {
        let list = ListQuery { limit: page_size, ..list };
        let page = read(state, user, workspace_id, deadline_of(&request), move |state| {
            state.sync.list_past_documents(workspace_id, &as_of, &list)
        });
        return Ok(HttpResponse::Ok().json(past_page(workspace_id, &page.await?)));
    }
    let rows = read(state, user, workspace_id, deadline_of(&request), move |state| {
        state.sync.list_documents(workspace_id, &list)
    })
    .await?;
    Ok(HttpResponse::Ok().json(document_page(workspace_id, &rows, page_size)))
}

async fn read_document(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let document_id = parse_document_id(request.match_info().query("document_id"))?;
    let raw = RawQuery::split(request.query_string())?;
    let workspace_id = raw.workspace_id()?;
    if let Some(as_of) = raw.as_of()? {
        let user_id = user.user_id;
        let reading = Reading { request, state, user, workspace_id };
        let answer = reading.answer(move |state| {
            let document = state.sync.find_past_document(user_id, workspace_id, document_id, &as_of)?;
            Ok((document.version, encode(&DocumentBody::from(&document))?))
        });
        let (version, body) = answer.await?;
        return Ok(HttpResponse::Ok()
            .insert_header(ETag(tag_of(version)))
            .content_type(ContentType::json())
            .body(body));
    }
    let is_conditional = request.headers().contains_key(header::IF_NONE_MATCH);
    if let Some(known) = is_conditional.then(|| IfNoneMatch::parse(&request).ok()).flatten() {
        // A reader that has the current version is answered from the head alone.
        let current = read(state.clone(), user.clone(), workspace_id, deadline_of(&request), move |state| {
            state.sync.find_version_number(workspace_id, document_id)
        });
        if let Some(tag) = current.await?.map(tag_of).filter(|tag| is_known(&known, tag)) {
            return Ok(HttpResponse::NotModified().insert_header(ETag(tag)).finish());
        }
    }
    let user_id = user.user_id;
    let reading = Reading { request, state, user, workspace_id };
    let (version, body) = reading
        .answer(move |state| {
            let document = state.sync.find_document(user_id, workspace_id, document_id)?;
            Ok((document.version, encode(&DocumentBody::from(&document))?))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header(ETag(tag_of(version))).content_type(ContentType::json()).body(body))
}

fn tag_of(version: Version) -> EntityTag {
    EntityTag::new_strong(version.to_string())
}

async fn list_versions(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let document_id = parse_document_id(request.match_info().query("document_id"))?;
    let VersionsQuery { workspace_id, page_size, before, by_session } =
        VersionsQuery::parse(request.query_string(), document_id)?;
    if by_session {
        let rows = read(state, user, workspace_id, deadline_of(&request), move |state| {
            state.sync.list_sessions(workspace_id, document_id, before, page_size.saturating_add(1))
        });
        return Ok(HttpResponse::Ok().json(session_page(workspace_id, document_id, &rows.await?, page_size)));
    }
    let rows = read(state, user, workspace_id, deadline_of(&request), move |state| {
        state.sync.list_versions(workspace_id, document_id, before, page_size.saturating_add(1))
    });
    let rows = rows.await?;
    Ok(HttpResponse::Ok().json(version_page(workspace_id, document_id, &rows, page_size)))
}

async fn read_version(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let document_id = parse_document_id(request.match_info().query("document_id"))?;
    let version: Version = parse_version(request.match_info().query("version"))?;
    let workspace_id = parse_workspace(request.query_string())?;
    let user_id = user.user_id;
    let reading = Reading { request, state, user, workspace_id };
    let ((), body) = reading
        .answer(move |state| {
            let view = state.sync.find_version(user_id, workspace_id, document_id, version)?;
            Ok(((), encode(&VersionBody::new(document_id, &view))?))
        })
        .await?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body))
}

fn encode<T: Serialize>(body: &T) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(body).map_err(ApiError::internal)
}

/// A request for what may be large.
pub(super) struct Reading {
    pub request: HttpRequest,
    pub state: web::Data<AppState>,
    pub user: CurrentUser,
    pub workspace_id: WorkspaceId,
}

impl Reading {
    /// The answer that `query` makes, off the event loop, and something that it says of it. It is not begun before there
    /// is room for it, is charged to the user by its size, and holds its room until it has been sent.
    pub async fn answer<T: Send + 'static>(
        self,
        query: impl FnOnce(&AppState) -> Result<(T, Vec<u8>), ApiError> + Send + 'static,
    ) -> Result<(T, HeldBody), ApiError> {
        let Self { request, state, user, workspace_id } = self;
        let user_id = user.user_id;
        let deadline = deadline_of(&request);
        let share = state.admission.answer(user_id, deadline).await?;
        let made = read(state, user, workspace_id, deadline, move |state| {
            let (said, json) = query(state)?;
            Ok::<_, ApiError>((said, json, share))
        });
        let (said, json, share) = made.await?;
        charge_reading(&request, user_id, json.len())?;
        Ok((said, HeldBody::new(json, share)))
    }
}

/// Runs a query off the event loop, for a user who may read the workspace.
pub(super) async fn read<T, E>(
    state: web::Data<AppState>,
    user: CurrentUser,
    workspace_id: WorkspaceId,
    deadline: Instant,
    query: impl FnOnce(&AppState) -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    ApiError: From<E>,
{
    let caller = user.caller();
    run_by(deadline, move || {
        state.authenticator.check_access(caller, workspace_id, Action::Read)?;
        query(&state).map_err(ApiError::from)
    })
    .await
}

/// Whether one of the reader's copies is the current one.
fn is_known(known: &IfNoneMatch, current: &EntityTag) -> bool {
    match known {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(known) => known.iter().any(|tag| tag.weak_eq(current)),
    }
}
