//! Has the rooms' work done off the event loop, in turn with the batches of the same workspace, and hears what is committed
//! elsewhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;

use crate::domain::ids::{Version, WorkspaceId};
use crate::http::state::AppState;
use crate::sync::events::{Event, Subscription};
use crate::sync::live::{Saving, Work, Worker};

/// Attempts before work is abandoned. The first pause is [`PAUSE`]; each further one is four times as long.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked whether a workspace is still needed.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Has a room's work done until it has nothing to do.
pub(super) fn start(state: web::Data<AppState>, worker: Worker) {
    if !worker.room().is_light() {
        actix_web::rt::spawn(alone(state, worker, None));
        return;
    }
    let workspace_id = worker.room().workspace_id;
    if state.live.line_up(worker) {
        actix_web::rt::spawn(together(state, workspace_id));
    }
}

/// Stores what waits in a workspace's rooms, those that wait together as one, until nothing waits.
async fn together(state: web::Data<AppState>, workspace_id: WorkspaceId) {
    while let Some(turn) = state.live.next_turn(workspace_id) {
        for (worker, work) in turn.alone {
            actix_web::rt::spawn(alone(state.clone(), worker, Some(work)));
        }
        if turn.together.is_empty() {
            continue;
        }
        let savings = Arc::new(turn.together);
        let left = save_together(&state, workspace_id, &savings).await;
        // Nobody else has them any more; if somebody had, they would be told to connect again.
        for (place, saving) in Arc::try_unwrap(savings).unwrap_or_default().into_iter().enumerate() {
            if left.contains(&place) {
                let (worker, work) = saving.alone();
                actix_web::rt::spawn(alone(state.clone(), worker, Some(work)));
            } else {
                start(state.clone(), saving.done());
            }
        }
    }
}

/// The places of those that are left to be stored each by itself.
async fn save_together(
    state: &web::Data<AppState>,
    workspace_id: WorkspaceId,
    savings: &Arc<Vec<Saving>>,
) -> Vec<usize> {
    let deadline = Instant::now() + Duration::from_millis(state.limits.timeout_ms);
    let error = match state.admission.write(workspace_id, deadline).await {
        Err(busy) => busy.to_string(),
        Ok(_place) => {
            let (live, together) = (Arc::clone(&state.live), Arc::clone(savings));
            match web::block(move || live.save_together(&together, deadline)).await {
                Ok(Ok(left)) => return left,
                Ok(Err(error)) => error.to_string(),
                // A panic, or the server stops.
                Err(lost) => lost.to_string(),
            }
        }
    };
    tracing::warn!(%workspace_id, rooms = savings.len(), error, "live updates are stored each by itself");
    (0..savings.len()).collect()
}

/// Does one thing for a room by itself, which it may have begun with.
async fn alone(state: web::Data<AppState>, mut worker: Worker, begun: Option<Work>) {
    let room = Arc::clone(worker.room());
    let Some(mut work) = begun.or_else(|| worker.next_work()) else { return };
    let mut pause = PAUSE;
    for tries_left in (0..TRIES).rev() {
        let deadline = Instant::now() + Duration::from_millis(state.limits.timeout_ms);
        let place = state.admission.write(room.workspace_id, deadline).await;
        let error = match place {
            Err(busy) => busy.to_string(),
            Ok(_place) => {
                let (live, at) = (Arc::clone(&state.live), Arc::clone(&room));
                match web::block(move || live.work(&at, work, deadline)).await {
                    Ok(Ok(())) => break,
                    Ok(Err((undone, error))) => {
                        work = undone;
                        error.to_string()
                    }
                    // A panic, or the server stops; the worker tells everybody to connect again.
                    Err(lost) => {
                        tracing::error!(document_id = %room.document_id, error = %lost, "live work was lost");
                        return;
                    }
                }
            }
        };
        if tries_left == 0 {
            tracing::warn!(document_id = %room.document_id, error, "live updates cannot be stored now");
            state.live.give_up(&room, work);
            break;
        }
        tokio::time::sleep(pause).await;
        pause *= 4;
    }
    start(state, worker);
}

/// Hears of a workspace's commits as long as one of its documents is open.
pub(super) fn listen(state: web::Data<AppState>, workspace_id: WorkspaceId, mut subscription: Subscription) {
    actix_web::rt::spawn(async move {
        loop {
            match tokio::time::timeout(CHECK_INTERVAL, subscription.next()).await {
                Ok(Ok(Event::Changes(changes))) => {
                    for change in changes.iter() {
                        if let Some(worker) = state.live.hear(workspace_id, change.document_id, change.version) {
                            start(state.clone(), worker);
                        }
                    }
                }
                Ok(Ok(Event::Progress(_) | Event::FarBehind(_))) => {}
                Err(_nothing_heard) => {
                    if state.live.stop_listening(workspace_id, false) {
                        return;
                    }
                }
                Ok(Err(_ended)) => {
                    state.live.stop_listening(workspace_id, true);
                    match listen_again(&state, workspace_id).await {
                        Some(again) => subscription = again,
                        None => return,
                    }
                }
            }
        }
    });
}

/// A new subscription; `None` if the workspace is not needed any more, or somebody else hears of it. What was missed
/// meanwhile is read.
async fn listen_again(state: &web::Data<AppState>, workspace_id: WorkspaceId) -> Option<Subscription> {
    let mut pause = PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(CHECK_INTERVAL);
        if *state.stopping.borrow() || state.live.rooms_of(workspace_id).is_empty() {
            return None;
        }
        let live = Arc::clone(&state.live);
        if let Ok(Ok(subscription)) = web::block(move || live.listen_to(workspace_id)).await {
            for room in state.live.rooms_of(workspace_id) {
                if let Some(worker) = state.live.hear(workspace_id, room.document_id, Version::MAX) {
                    start(state.clone(), worker);
                }
            }
            return subscription;
        }
    }
}
