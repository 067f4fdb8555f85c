//! Rooms that have something to do and wait for their turn, in a line for each workspace.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::room::{Room, Worker};
use super::waiting::{MAX_GROUP_BYTES, Task, Waiting, Work};
use crate::domain::ids::WorkspaceId;

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
    pub(super) group: Vec<Waiting>,
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
    pub fn alone(self) -> (Worker, Work) {
        (self.worker, Work(Task::Save(self.group)))
    }

    /// It is stored.
    pub fn done(self) -> Worker {
        self.worker
    }

    pub(super) fn room(&self) -> &Room {
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

impl Lines {
    /// Puts a room in its workspace's line. Whether somebody has to serve the workspace now.
    pub(super) fn line_up(&self, worker: Worker) -> bool {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let workspace_id = worker.room().workspace_id;
        let is_served = lines.contains_key(&workspace_id);
        lines.entry(workspace_id).or_default().push_back(worker);
        !is_served
    }

    /// What is to be done next for a workspace; `None` ends the service.
    pub(super) fn next_turn(&self, workspace_id: WorkspaceId) -> Option<Turn> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
}

fn size_of(group: &[Waiting]) -> usize {
    group.iter().map(|waiting| waiting.update.len()).sum()
}
