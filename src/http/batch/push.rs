//! The handler: reads, checks, charges, applies and answers a batch.

use std::time::Instant;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use uuid::Uuid;

use super::answer::{AnswerKind, Counts, ProblemMembers, encode_answer};
use super::request::{RequestError, parse_batch};
use super::telemetry::count_batch;
use crate::auth::roles::Caller;
use crate::domain::access::Action;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, UserId};
use crate::http::blocking::run_by;
use crate::http::body::{Body, read_json};
use crate::http::current_user::{CurrentUser, charge, charge_reading, deadline_of};
use crate::http::error::{ApiError, PROBLEM_JSON, rolled_back_status};
use crate::http::held_body::HeldBody;
use crate::http::request_context::RequestContext;
use crate::http::request_layer::Named;
use crate::http::shares::Share;
use crate::http::state::AppState;
use crate::sync::answer::ANSWER_BYTES;
use crate::sync::apply::AppliedBatch;
use crate::sync::{Batch, BatchAnswer, BatchRefusal, Restored, SyncError};

/// Adds the route.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/api/v1/documents/batch").route(web::post().to(push_batch)));
}

/// Reads, checks, charges, applies, answers. Whatever blocks or counts in milliseconds runs off the event loop.
async fn push_batch(
    user: CurrentUser,
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let deadline = deadline_of(&request);
    let Body { bytes: body, share, turn } =
        read_json(&request, &user, payload.into_inner(), state.limits.max_body_bytes).await?;
    let started = Instant::now();
    let (user_id, caller, bytes) = (user.user_id, user.caller(), body.len());
    let for_reading = state.clone();
    let batch = run_by(deadline, move || {
        let _turn = turn;
        read_batch(&for_reading, caller, &body)
    });
    let batch = batch.await?;
    request.extensions_mut().insert(Named(batch.workspace_id));
    charge(&request, user_id, counted(batch.operations.len()), counted(bytes))?;
    carry_out(&request, &state, user_id, batch, Sending { started, share: Some(share), preview: false, restored: None })
        .await
}

/// How a batch is answered that has been read, checked and charged.
pub(in crate::http) struct Sending {
    /// When the work on it began.
    pub started: Instant,
    /// What its body holds.
    pub share: Option<Share>,
    /// Whether its results show what they would change.
    pub preview: bool,
    /// What the answer says of a restore.
    pub restored: Option<Restored>,
}

/// Applies a batch and answers it.
pub(in crate::http) async fn carry_out(
    request: &HttpRequest,
    state: &web::Data<AppState>,
    user_id: UserId,
    batch: Batch,
    sending: Sending,
) -> Result<HttpResponse, ApiError> {
    let deadline = deadline_of(request);
    let Sending { started, share, preview, restored } = sending;
    let request_id = request.extensions().get::<RequestContext>().map(|context| context.request_id.clone());
    let request_id = request_id.unwrap_or_default();
    // Waited for here and not below: a batch that waits holds no thread and no connection.
    let merging = state.admission.merge(user_id, batch.bytes_to_merge(), deadline).await?;
    let place = state.admission.write(batch.workspace_id, deadline).await?;
    let pushing = Pushing { state: state.clone(), request_id, started, deadline, preview, restored };
    let applied = run_by(deadline, move || {
        // Both places are another's as soon as the batch is stored.
        let applied = pushing.state.sync.apply_batch(batch, deadline).map_err(refusal_of_batch);
        drop((merging, place));
        let applied = applied?;
        let is_large = preview || applied.shows_documents();
        Ok(if is_large { Err((pushing, applied, share)) } else { Ok(pushing.answer(applied, 0)?) })
    });
    let (pushing, applied, share) = match applied.await? {
        Ok((kind, json)) => return Ok(response_of(kind).body(json)),
        Err(large) => large,
    };
    // It is committed by now: where no room is to be had it is answered all the same, and what is large is left out.
    let room = state.admission.answer(user_id, deadline).await.ok();
    let answered = run_by(deadline, move || {
        let _held = share;
        let max_bytes = if room.is_some() { ANSWER_BYTES } else { 0 };
        Ok((pushing.answer(applied, max_bytes)?, room))
    });
    let ((kind, json), room) = answered.await?;
    // What it costs is charged; who is over their limit hears so with the next request.
    let _over = charge_reading(request, user_id, json.len());
    Ok(match room {
        Some(room) => response_of(kind).body(HeldBody::new(json, room)),
        None => response_of(kind).body(json),
    })
}

fn response_of(kind: AnswerKind) -> HttpResponseBuilder {
    let mut response = match all_culprits_conflict(kind) {
        None => HttpResponse::Ok(),
        Some(all) => HttpResponse::build(rolled_back_status(all)),
    };
    response.content_type(if kind == AnswerKind::Processed { "application/json" } else { PROBLEM_JSON });
    response
}

/// Parses the body and checks that its author may write there.
fn read_batch(state: &AppState, caller: Caller, body: &[u8]) -> Result<Batch, ApiError> {
    let batch = parse_batch(body, &state.limits, caller.user_id, &mut || DocumentId(Uuid::now_v7()))?;
    state.authenticator.check_access(caller, batch.workspace_id, Action::Write)?;
    Ok(batch)
}

/// A batch on its way to its answer.
struct Pushing {
    state: web::Data<AppState>,
    request_id: String,
    started: Instant,
    deadline: Instant,
    preview: bool,
    restored: Option<Restored>,
}

impl Pushing {
    /// Writes the answer, with about so many bytes of documents.
    fn answer(&self, applied: AppliedBatch, max_bytes: usize) -> Result<(AnswerKind, Vec<u8>), ApiError> {
        let sync = &self.state.sync;
        let answer = match self.preview {
            true => sync.answer_preview(applied, max_bytes, self.deadline).map(|(answer, _left)| answer),
            false => sync.answer_batch(applied, max_bytes, self.deadline),
        };
        let answer = BatchAnswer { restored: self.restored, ..answer.map_err(refusal_of_batch)? };
        let elapsed = self.started.elapsed();
        count_batch(&answer, elapsed);
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let kind = AnswerKind::of(&answer);
        let problem = all_culprits_conflict(kind).map(|all| ProblemMembers {
            type_uri: "urn:landfall:problem:rolled_back",
            title: "Rolled back",
            status: rolled_back_status(all).as_u16(),
            detail: why_rolled_back(&answer),
            code: ErrorCode::RolledBack.as_str(),
            request_id: &self.request_id,
        });
        let json = encode_answer(&answer, problem, elapsed_ms).map_err(ApiError::internal)?;
        Ok((kind, json))
    }
}

/// A refusal, with its place in the body where it has one.
fn refusal_of_batch(error: SyncError) -> ApiError {
    match error {
        SyncError::Refused(refusal @ BatchRefusal::ForeignCursor) => {
            ApiError::BadRequest { detail: refusal.to_string(), pointer: Some("/cursor".to_owned()) }
        }
        other => other.into(),
    }
}

/// Whether every culprit of a batch that was rolled back is a conflict; none for a batch that was processed.
fn all_culprits_conflict(kind: AnswerKind) -> Option<bool> {
    match kind {
        AnswerKind::Processed => None,
        AnswerKind::RolledBackByConflicts => Some(true),
        AnswerKind::RolledBackByErrors => Some(false),
    }
}

fn why_rolled_back(answer: &BatchAnswer) -> String {
    let counts = Counts::of(&answer.results);
    let tense = if answer.dry_run { "would be" } else { "was" };
    format!("{} of {} operations failed, so nothing {tense} applied", counts.failed, counts.total)
}

fn counted(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Malformed { detail, pointer } => Self::BadRequest { detail, pointer },
            RequestError::TooManyOperations { found, max } => Self::TooManyOperations { found, limit: max },
        }
    }
}
