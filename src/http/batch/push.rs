//! The handler: reads, checks, charges, applies and answers a batch.

use std::sync::Arc;
use std::time::Instant;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use uuid::Uuid;

use super::answer::{AnswerKind, Counts, ProblemMembers, encode_answer};
use super::request::{Push, RequestError, UploadRequest, parse_push};
use super::telemetry::count_batch;
use super::uploads::commit;
use crate::auth::roles::Caller;
use crate::domain::access::Action;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, UserId};
use crate::domain::upload::UploadKey;
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
use crate::sync::uploads::Staging;
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
    let push = run_by(deadline, move || {
        let _turn = turn;
        read_push(&for_reading, caller, &body)
    });
    let Push { batch, upload } = push.await?;
    request.extensions_mut().insert(Named(batch.workspace_id));
    charge(&request, user_id, counted(batch.operations.len()), counted(bytes))?;
    let sending = Sending { started, share: Some(share), preview: false, restored: None };
    match upload {
        None => carry_out(&request, &state, user_id, batch, sending).await,
        Some(upload) if upload.commit => commit_upload(&request, &state, batch, upload, sending).await,
        Some(upload) => stage(&request, &state, batch, upload, sending).await,
    }
}

/// Keeps the operations of a request for the commit of their upload.
async fn stage(
    request: &HttpRequest,
    state: &web::Data<AppState>,
    batch: Batch,
    upload: UploadRequest,
    sending: Sending,
) -> Result<HttpResponse, ApiError> {
    let deadline = deadline_of(request);
    let place = state.admission.write(batch.workspace_id, deadline).await?;
    let pushing = Pushing::new(request, state, &sending, None);
    let UploadRequest { upload_id, part, bodies, .. } = upload;
    let Batch { workspace_id, user_id, operations, .. } = batch;
    let key = UploadKey { workspace_id, user_id, upload_id };
    let answered = run_by(deadline, move || {
        let _held = (place, sending.share);
        let answer = pushing.state.sync.stage(Staging { key, part, operations, bodies }, deadline)?;
        pushing.encode(&answer)
    });
    let (kind, json) = answered.await?;
    Ok(response_of(kind).body(json))
}

/// Applies an upload and answers it.
async fn commit_upload(
    request: &HttpRequest,
    state: &web::Data<AppState>,
    batch: Batch,
    upload: UploadRequest,
    sending: Sending,
) -> Result<HttpResponse, ApiError> {
    let deadline = deadline_of(request);
    let Batch { workspace_id, user_id, .. } = batch;
    let UploadRequest { upload_id, bodies, .. } = upload;
    let key = UploadKey { workspace_id, user_id, upload_id };
    let for_looking = state.clone();
    let found = run_by(deadline, move || Ok(for_looking.sync.find_upload(key)?)).await?;
    let staged = usize::try_from(found.size.bytes).unwrap_or(usize::MAX);
    let room = state.admission.commit(user_id, staged, deadline).await?;
    let place = state.admission.write(workspace_id, deadline).await?;
    let applying = Applying { pushing: Pushing::new(request, state, &sending, Some(key)), share: sending.share };
    let applied = run_by(deadline, move || {
        let applied = commit(&applying.pushing.state, &batch, upload_id, &bodies, deadline);
        drop((room, place));
        applying.answer_small(applied.map_err(refusal_of_batch)?)
    });
    applied.await?.finish(request, user_id).await
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

/// Applies a batch and answers it. One that changes texts which others are changing waits for its turn.
pub(in crate::http) async fn carry_out(
    request: &HttpRequest,
    state: &web::Data<AppState>,
    user_id: UserId,
    batch: Batch,
    sending: Sending,
) -> Result<HttpResponse, ApiError> {
    let deadline = deadline_of(request);
    // Waited for here and not below: a batch that waits holds no thread and no connection.
    let mut merging = state.admission.merge(user_id, batch.bytes_to_merge(), deadline).await?;
    let mut turns = state.sync.turns_of(&batch);
    let batch = Arc::new(batch);
    let mut applying = Applying { pushing: Pushing::new(request, state, &sending, None), share: sending.share };
    loop {
        if turns.has_to_wait() {
            let _waiting = state.admission.queue(batch.workspace_id)?;
            if !turns.wait(deadline).await {
                return Err(ApiError::Timeout);
            }
        }
        let place = state.admission.write(batch.workspace_id, deadline).await?;
        let batch = Arc::clone(&batch);
        let applied = run_by(deadline, move || {
            let applied = applying.pushing.state.sync.apply_in_turn(&batch, &mut turns, deadline);
            drop(place);
            match applied.map_err(refusal_of_batch)? {
                // The next one's turn begins as soon as the batch is stored.
                Some(applied) => {
                    drop((turns, merging));
                    applying.answer_small(applied).map(Ok)
                }
                None => Ok(Err((applying, turns, merging))),
            }
        });
        match applied.await? {
            Ok(answered) => return answered.finish(request, user_id).await,
            Err(in_vain) => (applying, turns, merging) = in_vain,
        }
    }
}

/// A batch that is being applied, and what its body holds.
struct Applying {
    pushing: Pushing,
    share: Option<Share>,
}

/// A batch that was applied: its answer, or what makes one that may be large.
enum Applied {
    Answered(AnswerKind, Vec<u8>),
    Large(Box<(Applying, AppliedBatch)>),
}

impl Applying {
    /// Answers a batch that shows no documents. Blocks.
    fn answer_small(self, applied: AppliedBatch) -> Result<Applied, ApiError> {
        if self.pushing.preview || applied.shows_documents() {
            return Ok(Applied::Large(Box::new((self, applied))));
        }
        let (kind, json) = self.pushing.answer(applied, 0)?;
        Ok(Applied::Answered(kind, json))
    }
}

impl Applied {
    async fn finish(self, request: &HttpRequest, user_id: UserId) -> Result<HttpResponse, ApiError> {
        let (Applying { pushing, share }, applied) = match self {
            Self::Answered(kind, json) => return Ok(response_of(kind).body(json)),
            Self::Large(large) => *large,
        };
        let deadline = pushing.deadline;
        // It is committed by now: where no room is to be had it is answered all the same, and what is large is left out.
        let room = pushing.state.admission.answer(user_id, deadline).await.ok();
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
fn read_push(state: &AppState, caller: Caller, body: &[u8]) -> Result<Push, ApiError> {
    let push = parse_push(body, &state.limits, caller.user_id, &mut || DocumentId(Uuid::now_v7()))?;
    state.authenticator.check_access(caller, push.batch.workspace_id, Action::Write)?;
    Ok(push)
}

/// A batch on its way to its answer.
struct Pushing {
    state: web::Data<AppState>,
    request_id: String,
    started: Instant,
    deadline: Instant,
    preview: bool,
    restored: Option<Restored>,
    /// The upload that it commits.
    upload: Option<UploadKey>,
}

impl Pushing {
    fn new(request: &HttpRequest, state: &web::Data<AppState>, sending: &Sending, upload: Option<UploadKey>) -> Self {
        let request_id = request.extensions().get::<RequestContext>().map(|context| context.request_id.clone());
        let Sending { started, preview, restored, .. } = *sending;
        Self {
            state: state.clone(),
            request_id: request_id.unwrap_or_default(),
            started,
            deadline: deadline_of(request),
            preview,
            restored,
            upload,
        }
    }

    /// Writes the answer, with about so many bytes of documents.
    fn answer(&self, applied: AppliedBatch, max_bytes: usize) -> Result<(AnswerKind, Vec<u8>), ApiError> {
        let sync = &self.state.sync;
        let answer = match self.preview {
            true => sync.answer_preview(applied, max_bytes, self.deadline).map(|(answer, _left)| answer),
            false => sync.answer_batch(applied, max_bytes, self.deadline),
        };
        let answer = answer.map_err(refusal_of_batch)?;
        let upload = self.upload.and_then(|key| sync.show_upload(key, answer.results.len()));
        let answer = BatchAnswer { restored: self.restored, upload, ..answer };
        count_batch(&answer, self.started.elapsed());
        self.encode(&answer)
    }

    fn encode(&self, answer: &BatchAnswer) -> Result<(AnswerKind, Vec<u8>), ApiError> {
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let kind = AnswerKind::of(answer);
        let problem = all_culprits_conflict(kind).map(|all| ProblemMembers {
            type_uri: "urn:landfall:problem:rolled_back",
            title: "Rolled back",
            status: rolled_back_status(all).as_u16(),
            detail: why_rolled_back(answer),
            code: ErrorCode::RolledBack.as_str(),
            request_id: &self.request_id,
        });
        let json = encode_answer(answer, problem, elapsed_ms).map_err(ApiError::internal)?;
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
