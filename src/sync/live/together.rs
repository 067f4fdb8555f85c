//! Rooms of a workspace that have something to store at the same moment: it is one batch, and one commit. Each document stays a
//! batch of its own for whoever looks at its history.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::Live;
use super::room::{Room, Worker};
use super::save::{Fate, fate_of, refuse};
use super::waiting::{MAX_GROUP_BYTES, Task, Waiting, Work};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::sync::SyncError;

/// Rooms that are stored together at most.
const MAX_ROOMS: usize = 64;
/// Bytes of updates, and of the states that they are compared with, after which no further room is taken in.
const MAX_BYTES: usize = 1024 * 1024;
/// A document with a larger state keeps nobody else waiting.
const MAX_STATE_BYTES: usize = 128 * 1024;

/// Rooms that wait for their turn, by workspace. Those of a workspace that has a line are served by somebody.
#[derive(Default)]
pub(super) struct Lines(Mutex<HashMap<WorkspaceId, VecDeque<Worker>>>);

/// A room's updates that are stored together with others.
#[derive(Debug)]
pub struct Saving {
    worker: Worker,
    group: Vec<Waiting>,
}

/// What is to be done next for a workspace.
#[derive(Debug, Default)]
pub struct Turn {
    /// Stored together.
    pub together: Vec<Saving>,
    /// Done each by itself.
    pub alone: Vec<(Worker, Work)>,
}

impl Saving {
    /// To be done by itself.
    #[must_use]
    pub fn alone(self) -> (Worker, Work) {
        (self.worker, Work(Task::Save(self.group)))
    }

    /// It is stored.
    #[must_use]
    pub fn done(self) -> Worker {
        self.worker
    }

    fn room(&self) -> &Room {
        self.worker.room()
    }
}

impl Room {
    /// Whether its updates can be stored together with those of other rooms.
    #[must_use]
    pub fn is_light(&self) -> bool {
        self.state_bytes().is_some_and(|bytes| bytes <= MAX_STATE_BYTES)
    }
}

impl Live {
    /// Puts a room in its workspace's line. Whether somebody has to serve the workspace now.
    #[must_use]
    pub fn line_up(&self, worker: Worker) -> bool {
        let mut lines = self.lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        let workspace_id = worker.room().workspace_id;
        let is_served = lines.contains_key(&workspace_id);
        lines.entry(workspace_id).or_default().push_back(worker);
        !is_served
    }

    /// What is to be done next for a workspace; `None` ends the service.
    #[must_use]
    pub fn next_turn(&self, workspace_id: WorkspaceId) -> Option<Turn> {
        let mut lines = self.lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(line) = lines.get_mut(&workspace_id).filter(|line| !line.is_empty()) else {
            lines.remove(&workspace_id);
            return None;
        };
        let (mut turn, mut bytes) = (Turn::default(), 0_usize);
        while turn.together.len() < MAX_ROOMS && bytes < MAX_BYTES {
            let Some(mut worker) = line.pop_front() else { break };
            match worker.next_work() {
                None => {}
                Some(Work(Task::Save(group))) if worker.room().is_light() && size_of(&group) <= MAX_GROUP_BYTES => {
                    let state = worker.room().state_bytes().unwrap_or_default();
                    bytes = bytes.saturating_add(state).saturating_add(size_of(&group));
                    turn.together.push(Saving { worker, group });
                }
                Some(work) => turn.alone.push((worker, work)),
            }
        }
        Some(turn)
    }

    /// Stores what waits in these rooms of a workspace. Blocks; call off the event loop. The places of those that are to be
    /// stored each by itself, to get an answer of its own.
    ///
    /// # Errors
    /// If the store cannot do it now. Nothing is stored then.
    pub fn save_together(&self, savings: &[Saving], deadline: Instant) -> Result<Vec<usize>, SyncError> {
        let Some(workspace_id) = savings.first().map(|saving| saving.room().workspace_id) else {
            return Ok(Vec::new());
        };
        let mut may_write: HashMap<UserId, bool> = HashMap::new();
        let (mut updates, mut scanned, mut left) = (Vec::new(), Vec::new(), Vec::new());
        for (place, saving) in savings.iter().enumerate() {
            let Some(user_id) = saving.group.first().map(|waiting| waiting.user_id) else { continue };
            let is_permitted = match may_write.get(&user_id) {
                Some(known) => *known,
                None => *may_write.entry(user_id).or_insert(self.may_write(user_id, workspace_id)?),
            };
            if !is_permitted {
                refuse(saving.room(), &saving.group);
                continue;
            }
            let of_room = self.scan(saving.room(), &saving.group);
            match self.join(&of_room) {
                Some(update) => {
                    updates.push((saving.room().document_id, user_id, update));
                    scanned.push((place, saving.room(), of_room));
                }
                None if of_room.is_empty() => {}
                None => left.push(place),
            }
        }
        let edited = self.sync.apply_updates(workspace_id, updates, deadline)?;
        for ((place, room, updates), edited) in scanned.into_iter().zip(edited) {
            match fate_of(edited.outcome) {
                Ok(fate @ (Fate::Stored(..) | Fate::Known)) => {
                    if edited.state_bytes.is_some() {
                        room.note_state(edited.state_bytes);
                    }
                    self.settle(room, updates, &fate);
                }
                _ => left.push(place),
            }
        }
        Ok(left)
    }
}

fn size_of(group: &[Waiting]) -> usize {
    group.iter().map(|waiting| waiting.update.len()).sum()
}
