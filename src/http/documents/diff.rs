//! `POST /api/v1/documents/diff`: what an editor lacks of its documents' Yjs states, by state vectors (protocol §2).

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::endpoints::Reading;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, Version, WorkspaceId};
use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::StateVector;
use crate::http::body::{Body, parse_json, read_json};
use crate::http::current_user::{CurrentUser, charge};
use crate::http::document_body::Base64;
use crate::http::error::ApiError;
use crate::http::integer;
use crate::http::state::AppState;
use crate::sync::diff::{DiffOutcome, DiffRequest, DocumentDiff};
use crate::yjs::scan::scan_state_vector;

/// Documents of one request at most.
const MAX_DOCUMENTS: usize = 100;

/// Adds the route.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/api/v1/documents/diff").route(web::post().to(diff_documents)));
}

#[derive(Deserialize)]
struct DiffBody {
    workspace_id: WorkspaceId,
    documents: Vec<KnownDocument>,
}

#[derive(Deserialize)]
struct KnownDocument {
    document_id: DocumentId,
    state_vector_b64: Option<String>,
    #[serde(default, deserialize_with = "integer::deserialize_optional")]
    version: Option<Version>,
}

async fn diff_documents(
    user: CurrentUser,
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let Body { bytes: body, share: _held, turn } =
        read_json(&request, &user, payload.into_inner(), state.limits.max_body_bytes).await?;
    let user_id = user.user_id;
    let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
    let caps = state.limits.yjs.clone();
    let read = web::block(move || {
        let _turn = turn;
        read_body(&body, &caps)
    });
    let (workspace_id, wanted) = read.await??;
    charge(&request, user_id, u64::try_from(wanted.len()).unwrap_or(u64::MAX), bytes)?;
    let reading = Reading { request, state, user, workspace_id };
    let ((), body) = reading
        .answer(move |state| {
            let diffs = state.sync.diff_documents(workspace_id, &wanted)?;
            let items: Vec<DiffItem<'_>> = diffs.iter().map(DiffItem::from).collect();
            Ok(((), serde_json::to_vec(&DiffAnswer { items }).map_err(ApiError::internal)?))
        })
        .await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

fn read_body(body: &[u8], caps: &YjsCaps) -> Result<(WorkspaceId, Vec<DiffRequest>), ApiError> {
    let DiffBody { workspace_id, documents } = parse_json(body)?;
    if documents.len() > MAX_DOCUMENTS {
        let rule = format!("at most {MAX_DOCUMENTS} documents are answered at once, not {}", documents.len());
        return Err(ApiError::invalid_at("/documents", rule));
    }
    let wanted = documents.into_iter().enumerate().map(|(index, document)| {
        let known = read_state_vector(document.state_vector_b64.as_deref(), caps)
            .map_err(|wrong| ApiError::invalid_at(format!("/documents/{index}/state_vector_b64"), wrong))?;
        if document.version.is_some_and(|version| version < 1) {
            let rule =
                "version must be an integer of at least 1: the last version whose Yjs state the editor has whole";
            return Err(ApiError::invalid_at(format!("/documents/{index}/version"), rule));
        }
        Ok(DiffRequest { document_id: document.document_id, known, version: document.version })
    });
    Ok((workspace_id, wanted.collect::<Result<_, ApiError>>()?))
}

/// The state vector of an editor; without one it has nothing.
fn read_state_vector(encoded: Option<&str>, caps: &YjsCaps) -> Result<StateVector, String> {
    let Some(encoded) = encoded else { return Ok(StateVector::default()) };
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|error| format!("state_vector_b64 must be standard base64 with padding: {error}"))?;
    scan_state_vector(&bytes, caps).map_err(|error| format!("state_vector_b64 is not a Yjs state vector: {error}"))
}

#[derive(Serialize)]
struct DiffAnswer<'a> {
    items: Vec<DiffItem<'a>>,
}

/// What the editor lacks of one document.
#[derive(Debug, Serialize)]
struct DiffItem<'a> {
    document_id: DocumentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    yjs_state_b64: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_vector_b64: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<DiffError>,
}

/// Why there is no diff of one document.
#[derive(Debug, Serialize)]
struct DiffError {
    code: &'static str,
    message: &'static str,
    retryable: bool,
}

impl DiffError {
    const fn new(code: ErrorCode, message: &'static str) -> Self {
        Self { code: code.as_str(), message, retryable: code.retryable() }
    }
}

impl<'a> From<&'a DocumentDiff> for DiffItem<'a> {
    fn from(diff: &'a DocumentDiff) -> Self {
        let mut item = Self {
            document_id: diff.document_id,
            version: None,
            deleted: false,
            yjs_state_b64: None,
            state_vector_b64: None,
            error: None,
        };
        match &diff.outcome {
            DiffOutcome::Live { version, state_vector, update } => {
                item.version = Some(*version);
                item.state_vector_b64 = state_vector.as_deref().map(Base64);
                item.yjs_state_b64 = update.as_deref().map(Base64);
            }
            DiffOutcome::Deleted { version } => {
                item.version = Some(*version);
                item.deleted = true;
            }
            DiffOutcome::NotFound => {
                item.error = Some(DiffError::new(ErrorCode::NotFound, "there is no such document"));
            }
            DiffOutcome::LeftOut => {
                let full = "the answer was full before this document; ask for it again";
                item.error = Some(DiffError::new(ErrorCode::Transient, full));
            }
            DiffOutcome::Unreadable => {
                let fault = "the stored Yjs state cannot be read; the server's log says why";
                item.error = Some(DiffError::new(ErrorCode::Internal, fault));
            }
        }
        item
    }
}
