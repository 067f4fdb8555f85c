//! The handler of searches (protocol §2.1), and what was found as JSON.

use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::endpoints::Reading;
use super::query::SearchQuery;
use crate::domain::ids::{DocumentId, Version};
use crate::domain::search::matching::Stretch;
use crate::domain::search::query::Query;
use crate::domain::timestamp::Timestamp;
use crate::http::current_user::CurrentUser;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::sync::search::{Hit, SearchPage};

/// Adds the route.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/api/v1/documents/search").route(web::get().to(search)));
}

async fn search(user: CurrentUser, request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let search = SearchQuery::parse(request.query_string())?;
    let (user_id, workspace_id) = (user.user_id, search.workspace_id);
    let reading = Reading { request, state, user, workspace_id };
    let ((), body) = reading
        .answer(move |state| {
            let query = Query::parse(&search.text);
            let page = state.sync.search(user_id, workspace_id, &query, search.from, search.limit)?;
            Ok(((), serde_json::to_vec(&PageBody::new(&search, &page)).map_err(ApiError::internal)?))
        })
        .await?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body))
}

/// The JSON object `SearchPage`.
#[derive(Debug, Serialize)]
struct PageBody<'a> {
    items: Vec<HitBody<'a>>,
    next_cursor: Option<String>,
    has_more: bool,
}

impl<'a> PageBody<'a> {
    fn new(search: &SearchQuery, page: &'a SearchPage) -> Self {
        let next_cursor = page.next.map(|place| search.cursor(place));
        Self { items: page.hits.iter().map(HitBody::from).collect(), has_more: next_cursor.is_some(), next_cursor }
    }
}

#[derive(Debug, Serialize)]
struct HitBody<'a> {
    document_id: DocumentId,
    version: Version,
    title: &'a str,
    snippet: Vec<StretchBody<'a>>,
    updated_at: Timestamp,
}

impl<'a> From<&'a Hit> for HitBody<'a> {
    fn from(hit: &'a Hit) -> Self {
        Self {
            document_id: hit.document_id,
            version: hit.version,
            title: &hit.title,
            snippet: hit.snippet.iter().map(StretchBody::from).collect(),
            updated_at: hit.updated_at,
        }
    }
}

/// Text and marks are apart, so that no text can pass for a mark.
#[derive(Debug, Serialize)]
struct StretchBody<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    mark: bool,
}

impl<'a> From<&'a Stretch> for StretchBody<'a> {
    fn from(stretch: &'a Stretch) -> Self {
        Self { text: &stretch.text, mark: stretch.is_match }
    }
}
