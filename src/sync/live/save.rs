//! What a room's work is: storing what waits, and passing on what was committed. Blocks.

use std::sync::Arc;
use std::time::Instant;

use super::edit::LiveEdit;
use super::news::{News, Refusal, Tag};
use super::room::Room;
use super::waiting::{Task, Waiting, Work};
use super::{Live, OpenError, is_plain};
use crate::domain::access::{Action, permit};
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{UserId, Version, WorkspaceId};
use crate::domain::outcome::{Ending, Outcome};
use crate::domain::yjs_facts::ScannedUpdate;
use crate::store::StoreError;
use crate::sync::SyncError;
use crate::sync::presence::SocketId;
use crate::yjs::merge::{join_updates, merge_updates};
use crate::yjs::scan::scan_update;

/// An update that was scanned, and whose it is.
pub(super) struct Scanned {
    pub socket: SocketId,
    pub update: ScannedUpdate,
    pub bytes: Arc<[u8]>,
    pub tag: Tag,
}

/// What became of updates.
pub(super) enum Fate {
    /// They are this version, committed at this moment.
    Stored(Version, Instant),
    /// All of it was there.
    Known,
    /// They lean on what is not there.
    Incomplete,
    Deleted,
    Refused(String),
}

impl Live {
    /// Does what a room has to do next. Blocks; call off the event loop.
    ///
    /// # Errors
    /// If the store cannot do it now. Then it is undone: the work comes back, to be tried again or given up.
    pub fn work(&self, room: &Room, work: Work, deadline: Instant) -> Result<(), (Work, SyncError)> {
        match work.0 {
            Task::CatchUp => self.catch_up(room).map_err(|error| (Work(Task::CatchUp), error)),
            Task::Save(group) => self.save(room, &group, deadline).map_err(|error| (Work(Task::Save(group)), error)),
        }
    }

    /// Gives work up that could not be done: whoever waits for it is to connect again and send all that is missing.
    pub fn give_up(&self, room: &Room, work: Work) {
        match work.0 {
            // Whatever is not told now cannot be told later: versions follow one another.
            Task::CatchUp => room.send_to_all(None, &News::Refused(Refusal::NotNow)),
            Task::Save(group) => {
                for waiting in group {
                    room.send(waiting.socket, News::Refused(Refusal::NotNow));
                }
            }
        }
    }

    fn save(&self, room: &Room, group: &[Waiting], deadline: Instant) -> Result<(), SyncError> {
        let Some(user_id) = group.first().map(|waiting| waiting.user_id) else { return Ok(()) };
        if !self.may_write(user_id, room.workspace_id)? {
            refuse(room, group);
            return Ok(());
        }
        let scanned = self.scan(room, group);
        if scanned.len() > 1
            && let Some(joined) = self.join(&scanned)
            && let fate @ (Fate::Stored(..) | Fate::Known) = self.store(room, user_id, joined, deadline)?
        {
            self.settle(room, scanned, &fate);
            return Ok(());
        }
        // One by one: what is wrong with one is not the others' affair.
        for one in scanned {
            let fate = self.store(room, user_id, one.update.clone(), deadline)?;
            self.settle(room, vec![one], &fate);
        }
        Ok(())
    }

    /// As for each batch: who was taken out a moment ago writes nothing more.
    pub(super) fn may_write(&self, user_id: UserId, workspace_id: WorkspaceId) -> Result<bool, SyncError> {
        let role = self.sync.store.find_role(user_id, workspace_id)?;
        Ok(permit(role, None, workspace_id, Action::Write).is_ok())
    }

    /// The updates that can be read; the authors of the others are told.
    pub(super) fn scan(&self, room: &Room, group: &[Waiting]) -> Vec<Scanned> {
        let limits = self.sync.limits();
        let mut scanned = Vec::with_capacity(group.len());
        for waiting in group {
            match scan_update(waiting.update.clone(), &limits.yjs) {
                Ok(update) if update.bytes.len() > limits.max_yjs_bytes => {
                    room.send(waiting.socket, News::Refused(Refusal::Never("the update is too large".to_owned())));
                }
                Ok(update) => {
                    let bytes = waiting.update.as_slice().into();
                    scanned.push(Scanned { socket: waiting.socket, update, bytes, tag: waiting.tag });
                }
                Err(error) => room.send(waiting.socket, News::Refused(Refusal::Never(error.to_string()))),
            }
        }
        scanned
    }

    /// Updates as one; `None` if they cannot be.
    pub(super) fn join(&self, scanned: &[Scanned]) -> Option<ScannedUpdate> {
        let together = scanned.iter().map(|one| one.update.clone()).collect();
        join_updates(together, &self.sync.limits().yjs).ok().filter(|_| !scanned.is_empty())
    }

    fn store(&self, room: &Room, user_id: UserId, update: ScannedUpdate, deadline: Instant) -> Result<Fate, SyncError> {
        let place = LiveEdit { workspace_id: room.workspace_id, document_id: room.document_id, user_id };
        match self.apply(room, &place, update, deadline) {
            Ok(outcome) => fate_of(outcome),
            Err(OpenError::Sync(error)) => Err(error),
            Err(refused) => Ok(Fate::Refused(refused.to_string())),
        }
    }

    /// Tells everybody concerned.
    pub(super) fn settle(&self, room: &Room, updates: Vec<Scanned>, fate: &Fate) {
        if let Fate::Stored(version, committed_at) = *fate {
            let sent: Vec<_> = updates.iter().map(|one| (one.socket, Arc::clone(&one.bytes))).collect();
            metrics::counter!("landfall_live_updates_total").increment(u64::try_from(sent.len()).unwrap_or(1));
            if !room.send_next(version, &sent)
                && let Err(error) = self.catch_up(room)
            {
                // It is committed: its author is told so in any case.
                tracing::warn!(document_id = %room.document_id, %error, "what was committed could not be passed on");
                room.send_to_all(None, &News::Refused(Refusal::NotNow));
            }
            metrics::histogram!("landfall_live_broadcast_seconds").record(committed_at.elapsed());
        }
        for one in updates {
            let news = match fate {
                Fate::Stored(..) | Fate::Known => News::Saved(one.tag),
                Fate::Incomplete => News::Incomplete(one.tag),
                Fate::Deleted => News::Deleted,
                Fate::Refused(reason) => News::Refused(Refusal::Never(reason.clone())),
            };
            room.send(one.socket, news);
        }
    }

    /// Passes on what was committed since the version that everybody knows.
    fn catch_up(&self, room: &Room) -> Result<(), SyncError> {
        let (workspace_id, document_id) = (room.workspace_id, room.document_id);
        let sent = room.sent_up_to().unwrap_or_default();
        let store = &self.sync.store;
        let Some(since) = store.find_updates_since(workspace_id, document_id, sent)? else { return Ok(()) };
        if since.head.is_deleted() {
            room.send_to_all(None, &News::Deleted);
        } else if is_plain(&since.head) {
            room.note_state(None);
            room.send_to_all(None, &News::Text);
        } else if let Some(updates) = since.updates {
            for update in updates {
                room.send_to_all(None, &News::Update(update.into()));
            }
        } else if let Some(document) = store.find_document(workspace_id, document_id)? {
            // The log does not reach so far back: all of it, which no editor minds.
            let whole = merge_updates(&document.yjs_parts)
                .map_err(|error| StoreError::Damaged { document_id, reason: format!("Yjs state: {error}") })?;
            room.send_to_all(None, &News::Update(whole.into()));
        }
        room.note_sent(since.head.version);
        Ok(())
    }
}

/// Tells authors that they may not write, or not any more.
pub(super) fn refuse(room: &Room, group: &[Waiting]) {
    group.iter().for_each(|waiting| room.send(waiting.socket, News::Refused(Refusal::NotPermitted)));
}

/// What an outcome means for those who typed.
///
/// # Errors
/// If it may be another one later.
pub(super) fn fate_of(outcome: Outcome) -> Result<Fate, SyncError> {
    let committed_at = Instant::now();
    let code = outcome.error().map(|error| (error.code, error.message.clone()));
    Ok(match (outcome.ending, code) {
        (Ending::Applied { .. }, _) => Fate::Stored(outcome.version.unwrap_or_default(), committed_at),
        (Ending::Unchanged | Ending::Replayed | Ending::Held, _) => Fate::Known,
        (_, Some((ErrorCode::YjsMissingDependencies, _))) => Fate::Incomplete,
        (_, Some((ErrorCode::Deleted, _))) => Fate::Deleted,
        (_, Some((code, message))) => {
            if code.retryable() {
                return Err(StoreError::Unavailable(message).into());
            }
            Fate::Refused(message)
        }
        (_, None) => Fate::Refused("it cannot be stored".to_owned()),
    })
}
