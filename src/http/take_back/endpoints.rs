//! The handlers of undo and restore. What they come to is carried out, counted and answered as any batch is.

use std::time::Instant;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::request::{RestoreRequest, UndoRequest, parse_batch_id};
use crate::domain::access::Action;
use crate::http::batch::answer::encode_answer;
use crate::http::batch::push::{Sending, carry_out};
use crate::http::blocking::run_by;
use crate::http::body::JsonBody;
use crate::http::current_user::{CurrentUser, charge, charge_reading, deadline_of};
use crate::http::error::ApiError;
use crate::http::held_body::HeldBody;
use crate::http::request_layer::Named;
use crate::http::state::AppState;
use crate::http::syncs::body::ProgressBody;
use crate::sync::answer::ANSWER_BYTES;
use crate::sync::take_back::{Begun, TakeBack};

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/v1/batches/{batch_id}/undo").route(web::post().to(undo)))
        .service(web::resource("/api/v1/documents/restore").route(web::post().to(restore)));
}

async fn undo(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
    body: JsonBody<UndoRequest>,
) -> Result<HttpResponse, ApiError> {
    let started = Instant::now();
    let batch_id = parse_batch_id(request.match_info().query("batch_id"))?;
    let wanted = body.0.check(user.user_id, batch_id)?;
    let (preview, deadline) = (wanted.dry_run, deadline_of(&request));
    let batch =
        as_editor(&request, &state, &user, wanted, move |state, wanted| Ok(state.sync.undo_batch(wanted, deadline)?));
    let batch = batch.await?;
    charge(&request, user.user_id, counted(batch.operations.len()), counted(batch.bytes_to_merge()))?;
    let sending = Sending { started, share: None, preview, restored: None };
    carry_out(&request, &state, user.user_id, batch, sending).await
}

async fn restore(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
    body: JsonBody<RestoreRequest>,
) -> Result<HttpResponse, ApiError> {
    let started = Instant::now();
    let wanted = body.0.check(user.user_id)?;
    if wanted.dry_run {
        return preview(user, request, state, wanted, started).await;
    }
    let deadline = deadline_of(&request);
    let begun = as_editor(&request, &state, &user, wanted, move |state, wanted| {
        Ok(state.sync.begin_restore(wanted, deadline)?)
    });
    match begun.await? {
        Begun::Batch(batch, restored) => {
            charge(&request, user.user_id, counted(batch.operations.len()), counted(batch.bytes_to_merge()))?;
            let sending = Sending { started, share: None, preview: false, restored: Some(restored) };
            carry_out(&request, &state, user.user_id, *batch, sending).await
        }
        Begun::Steps(view, documents) => {
            // It has begun; who is over their limit by it hears so with the next request.
            let _over = charge(&request, user.user_id, counted(documents), 0);
            let body = StepsBody { documents, progress: ProgressBody::from(&*view) };
            Ok(HttpResponse::Accepted().json(body))
        }
    }
}

/// A restore that goes on by itself.
#[derive(Serialize)]
struct StepsBody<'a> {
    documents: usize,
    #[serde(flatten)]
    progress: ProgressBody<'a>,
}

async fn preview(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
    wanted: TakeBack,
    started: Instant,
) -> Result<HttpResponse, ApiError> {
    let (user_id, deadline) = (user.user_id, deadline_of(&request));
    let share = state.admission.answer(user_id, deadline).await?;
    let made = as_editor(&request, &state, &user, wanted, move |state, wanted| {
        let answer = state.sync.preview_restore(wanted, ANSWER_BYTES, deadline)?;
        let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let json = encode_answer(&answer, None, elapsed).map_err(ApiError::internal)?;
        Ok((json, answer.results.len(), share))
    });
    let (json, documents, share) = made.await?;
    charge(&request, user_id, counted(documents), 0)?;
    charge_reading(&request, user_id, json.len())?;
    Ok(HttpResponse::Ok().content_type("application/json").body(HeldBody::new(json, share)))
}

/// Runs a use case off the event loop, for a user who may write to the workspace.
async fn as_editor<T: Send + 'static>(
    request: &HttpRequest,
    state: &web::Data<AppState>,
    user: &CurrentUser,
    wanted: TakeBack,
    use_case: impl FnOnce(&AppState, &TakeBack) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    request.extensions_mut().insert(Named(wanted.workspace_id));
    let (state, caller) = (state.clone(), user.caller());
    run_by(deadline_of(request), move || {
        state.authenticator.check_access(caller, wanted.workspace_id, Action::Write)?;
        use_case(&state, &wanted)
    })
    .await
}

fn counted(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
