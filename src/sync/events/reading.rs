//! What the reading threads do: read once, tell everyone who listens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::agenda::Job;
use super::notices::{ChangePage, Notice};
use super::shared::Shared;
use crate::domain::ids::{SyncId, UserId, WorkspaceId};
use crate::store::StoreError;

/// Changes that are read and told at a time.
const PAGE: u32 = 500;

/// Works until the streams are closed.
pub(super) fn read_until_closed(shared: &Shared) {
    while let Some(job) = shared.topics.next_job() {
        // A panic, as of a run's loader, costs one job and not the thread.
        let done = catch_unwind(AssertUnwindSafe(|| carry_out(shared, job)));
        match done.unwrap_or_else(|_panic| Err(StoreError::Refused("reading panicked".into()))) {
            Ok(()) => {
                if shared.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("changes can be read for the event streams again");
                }
            }
            Err(error) => {
                if let Job::Read(workspace_id) = job {
                    shared.topics.forget_head(workspace_id);
                }
                if !shared.is_failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "reading for the event streams failed; it is tried again and again");
                }
            }
        }
    }
}

fn carry_out(shared: &Shared, job: Job) -> Result<(), StoreError> {
    match job {
        Job::Read(workspace_id) => read_changes(shared, workspace_id),
        Job::TellProgress(workspace_id, user_id, sync_id) => {
            send_progress(shared, workspace_id, user_id, sync_id);
            Ok(())
        }
        Job::CheckMembers(workspace_id) => check_members(shared, workspace_id),
        Job::CompareHeads => {
            let heads = shared.store.load_head_sequences(&shared.topics.workspaces())?;
            shared.topics.compare(&heads);
            Ok(())
        }
    }
}

fn read_changes(shared: &Shared, workspace_id: WorkspaceId) -> Result<(), StoreError> {
    let Some(topic) = shared.topics.find(workspace_id) else { return Ok(()) };
    let mut reading = topic.reading.lock().unwrap_or_else(PoisonError::into_inner);
    // Without a beginning yet, whoever sets it asks again.
    let Some(reading) = reading.as_mut() else { return Ok(()) };
    loop {
        let notices = shared.store.list_change_notices(workspace_id, reading.told_up_to, PAGE)?;
        let Some(last) = notices.last() else { break };
        reading.told_up_to = last.sequence;
        topic.send(Notice::Changes(Arc::new(ChangePage::new(workspace_id, &reading.key, &notices))));
        if u32::try_from(notices.len()).is_ok_and(|read| read < PAGE) {
            break;
        }
    }
    shared.topics.note_head(workspace_id, reading.told_up_to);
    Ok(())
}

fn send_progress(shared: &Shared, workspace_id: WorkspaceId, user_id: UserId, sync_id: SyncId) {
    let Some(topic) = shared.topics.find(workspace_id) else { return };
    let Some(load) = shared.load_run.get() else { return };
    if let Some(progress) = load(workspace_id, user_id, sync_id) {
        topic.send(Notice::Progress(user_id, progress.into()));
    }
}

fn check_members(shared: &Shared, workspace_id: WorkspaceId) -> Result<(), StoreError> {
    for user_id in shared.topics.users_of(workspace_id) {
        let is_out =
            shared.store.find_role(user_id, workspace_id)?.is_none() || !shared.store.is_user_active(user_id)?;
        if is_out && let Some(topic) = shared.topics.find(workspace_id) {
            topic.send(Notice::Removed(user_id));
        }
    }
    Ok(())
}
