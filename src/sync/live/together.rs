//! Rooms of a workspace that have something to store at the same moment: it is one batch, and one commit. Each document stays a
//! batch of its own for whoever looks at its history.

use std::collections::HashMap;
use std::time::Instant;

use super::Live;
use super::lines::{Saving, Turn};
use super::room::Worker;
use super::save::{Fate, fate_of, refuse};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::sync::SyncError;

impl Live {
    /// Puts a room in its workspace's line. Whether somebody has to serve the workspace now.
    #[must_use]
    pub fn line_up(&self, worker: Worker) -> bool {
        self.lines.line_up(worker)
    }

    /// What is to be done next for a workspace; `None` ends the service.
    #[must_use]
    pub fn next_turn(&self, workspace_id: WorkspaceId) -> Option<Turn> {
        self.lines.next_turn(workspace_id)
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
