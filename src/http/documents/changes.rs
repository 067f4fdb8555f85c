//! The handler of the feed (protocol §2): what changed in a workspace since a cursor.

use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};

use super::endpoints::Reading;
use super::query::ChangesQuery;
use crate::http::changes_body::encode_changes;
use crate::http::current_user::CurrentUser;
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// Adds the route.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/api/v1/documents/changes").route(web::get().to(pull_changes)));
}

async fn pull_changes(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let ChangesQuery { workspace_id, from, limit, yjs } = ChangesQuery::parse(request.query_string())?;
    let user_id = user.user_id;
    let reading = Reading { request, state, user, workspace_id };
    let ((), body) = reading
        .answer(move |state| {
            let page = state.sync.pull_changes(user_id, workspace_id, &from, limit, yjs)?;
            Ok(((), encode_changes(&page).map_err(ApiError::internal)?))
        })
        .await?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body))
}
