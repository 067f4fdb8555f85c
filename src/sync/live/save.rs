//! What a room's work is: storing what waits, and passing on what was committed. Blocks.

use std::sync::Arc;
use std::time::Instant;

use super::news::{News, Refusal, Tag};
use super::room::{Room, Task, Waiting, Work};
use super::{Live, OpenError, is_plain};
use crate::domain::access::{Action, permit};
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::domain::operation::{Changes, Digest, Operation, OperationKind, Submitted, Target};
use crate::domain::outcome::{Ending, Outcome};
use crate::domain::yjs_facts::ScannedUpdate;
use crate::store::StoreError;
use crate::sync::presence::SocketId;
use crate::sync::{Batch, SyncError, SyncService};
use crate::yjs::merge::{join_updates, merge_updates};
use crate::yjs::scan::scan_update;

/// How often it is tried to give a document its first state, while others write to it.
const BEGINNINGS: u32 = 8;

/// An update that was scanned, and whose it is.
struct Scanned {
    socket: SocketId,
    update: ScannedUpdate,
    bytes: Arc<[u8]>,
    tag: Tag,
}

/// What became of updates.
enum Fate {
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
        // As for each batch: who was taken out a moment ago writes nothing more.
        let role = self.sync.store.find_role(user_id, room.workspace_id)?;
        if permit(role, None, room.workspace_id, Action::Write).is_err() {
            group.iter().for_each(|waiting| room.send(waiting.socket, News::Refused(Refusal::NotPermitted)));
            return Ok(());
        }
        let caps = &self.sync.limits().yjs;
        let mut scanned = Vec::new();
        for waiting in group {
            match scan_update(waiting.update.clone(), caps) {
                Ok(update) if update.bytes.len() > self.sync.limits().max_yjs_bytes => {
                    room.send(waiting.socket, News::Refused(Refusal::Never("the update is too large".to_owned())));
                }
                Ok(update) => {
                    let bytes = waiting.update.clone().into();
                    scanned.push(Scanned { socket: waiting.socket, update, bytes, tag: waiting.tag });
                }
                Err(error) => room.send(waiting.socket, News::Refused(Refusal::Never(error.to_string()))),
            }
        }
        let together = scanned.iter().map(|one| one.update.clone()).collect();
        if scanned.len() > 1
            && let Ok(joined) = join_updates(together, caps)
            && let fate @ (Fate::Stored(..) | Fate::Known) = self.store(room, user_id, joined, deadline)?
        {
            return self.settle(room, scanned, fate);
        }
        // One by one: what is wrong with one is not the others' affair.
        for one in scanned {
            let fate = self.store(room, user_id, one.update.clone(), deadline)?;
            self.settle(room, vec![one], fate)?;
        }
        Ok(())
    }

    fn store(&self, room: &Room, user_id: UserId, update: ScannedUpdate, deadline: Instant) -> Result<Fate, SyncError> {
        let place = LiveEdit { workspace_id: room.workspace_id, document_id: room.document_id, user_id };
        let outcome = match self.apply(room, &place, update, deadline) {
            Ok(outcome) => outcome,
            Err(OpenError::Sync(error)) => return Err(error),
            Err(refused) => return Ok(Fate::Refused(refused.to_string())),
        };
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

    /// Tells everybody concerned.
    fn settle(&self, room: &Room, updates: Vec<Scanned>, fate: Fate) -> Result<(), SyncError> {
        if let Fate::Stored(version, committed_at) = fate {
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
            let news = match &fate {
                Fate::Stored(..) | Fate::Known => News::Saved(one.tag),
                Fate::Incomplete => News::Incomplete(one.tag),
                Fate::Deleted => News::Deleted,
                Fate::Refused(reason) => News::Refused(Refusal::Never(reason.clone())),
            };
            room.send(one.socket, news);
        }
        Ok(())
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
            room.note_state(false);
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

/// Whose edit, and of what.
pub(super) struct LiveEdit {
    pub workspace_id: WorkspaceId,
    pub document_id: DocumentId,
    pub user_id: UserId,
}

impl Live {
    /// Applies an update that came over a socket, as a batch of one operation. A document that does not exist is made; one that
    /// has a text and no Yjs state is given one first, so that the update overwrites nothing.
    fn apply(
        &self,
        room: &Room,
        edit: &LiveEdit,
        update: ScannedUpdate,
        deadline: Instant,
    ) -> Result<Outcome, OpenError> {
        let changes = Changes { yjs: Some(update), ..Changes::default() };
        let apply = |kind, base, changes| self.sync.apply_one(edit, kind, base, changes, deadline);
        if room.has_state() {
            let outcome = apply(OperationKind::Update, None, changes.clone())?;
            if outcome.error().is_none_or(|error| error.code != ErrorCode::NotFound) {
                return Ok(outcome);
            }
        }
        for _ in 0..BEGINNINGS {
            let head = self.sync.store.find_heads(edit.workspace_id, &[edit.document_id])?.into_iter().next();
            let outcome = match head {
                None => {
                    let title = Some(edit.document_id.to_string());
                    apply(OperationKind::Create, None, Changes { title, ..changes.clone() })?
                }
                Some(head) if is_plain(&head) => {
                    self.seed(edit.user_id, edit.workspace_id, edit.document_id, deadline)?;
                    continue;
                }
                Some(head) => {
                    let has_state = head.is_deleted() || head.state_vector.is_some();
                    let outcome = apply(OperationKind::Update, (!has_state).then_some(head.version), changes.clone())?;
                    room.note_state(outcome.error().is_none());
                    outcome
                }
            };
            if outcome.conflict().is_none() {
                return Ok(outcome);
            }
            // Somebody made or changed it at the same moment, perhaps on another server.
        }
        Err(StoreError::Unavailable("the document changes all the time".to_owned()).into())
    }
}

impl SyncService {
    /// Applies one operation. An update that states no version is forced.
    pub(super) fn apply_one(
        &self,
        edit: &LiveEdit,
        kind: OperationKind,
        base_version: Option<Version>,
        changes: Changes,
        deadline: Instant,
    ) -> Result<Outcome, SyncError> {
        let operation = Operation {
            index: 0,
            client_id: "live".to_owned(),
            kind,
            target: Target::Id(edit.document_id),
            base_version,
            // Editors that are connected merge whatever meets, as Yjs does: two who begin an empty document at once too.
            force: kind == OperationKind::Update && base_version.is_none(),
            restore: false,
            changes,
            reader_state_vector: None,
            payload_digest: Digest::default(),
        };
        let batch = Batch {
            workspace_id: edit.workspace_id,
            user_id: edit.user_id,
            device_id: None,
            atomic: false,
            dry_run: false,
            sync_id: None,
            pull: None,
            upload: None,
            operations: vec![Submitted::Valid(Box::new(operation))],
        };
        let outcome = self.carry_out(&Arc::new(batch), deadline)?.plan.outcomes.into_iter().next();
        outcome.ok_or_else(|| StoreError::Refused("an operation was not answered".to_owned()).into())
    }
}
