//! A person's choice between the two sides of a conflict, carried out in the folder; the next sync pushes it.

use super::write_back::Before;
use super::{Engine, body, now_us};
use crate::client::error::ClientError;
use crate::client::folder::Held;
use crate::client::options::Side;
use crate::client::report::Event;
use crate::client::state::open_questions::Conflict;
use crate::client::state::outbox::QueuedOperation;

impl Engine<'_> {
    /// Settles the conflict of the file at `path`.
    ///
    /// # Errors
    /// `Usage` if there is none.
    pub fn settle_choice(&mut self, path: &str, side: Side) -> Result<(), ClientError> {
        let conflicts = self.state.change(|change| change.load_conflicts())?;
        let Some(conflict) = conflicts.into_iter().find(|conflict| conflict.path == path) else {
            return Err(ClientError::Usage(format!("{path} is not in conflict; `landfall conflicts` lists what is")));
        };
        match (side, self.folder.read(path)) {
            (_, Held::Other(reason)) => Err(ClientError::Usage(format!("{path}: {reason}"))),
            (Side::Mine, Held::Text(text, _)) => self.keep_mine(&conflict, &text),
            (Side::Mine, Held::Nothing) => {
                Err(ClientError::Usage(format!("{path} is not there any more; choose theirs, or put it back")))
            }
            (Side::Theirs, _) => self.take_theirs(&conflict),
            (Side::Both, _) => {
                let copy = self.free_path(path)?;
                self.folder.rename(path, &copy)?;
                self.report.tell(&Event::Moved { from: path, to: &copy });
                self.take_theirs(&conflict)
            }
        }
    }

    /// The file's text becomes a change of the server's document, or revives it.
    fn keep_mine(&mut self, conflict: &Conflict, text: &str) -> Result<(), ClientError> {
        let id = conflict.document_id;
        let known = self.state.change(|change| change.find_with_body(id))?;
        let own_state = known.and_then(|(_, stored)| stored.yjs_state);
        let base = if conflict.server_deleted { own_state } else { conflict.server_yjs_state.clone() };
        let (operation, state) = match base {
            Some(base) => {
                let (update, state) = self.edit(Some(&base), text)?;
                // What is revived may lack what was never sent: the whole state goes along.
                let sent = if conflict.server_deleted { state.clone() } else { update };
                (self.update_of(id, Some(sent), text), Some(state))
            }
            None => (self.update_of(id, None, text), None),
        };
        let operation = QueuedOperation { restore: conflict.server_deleted, ..operation };
        let file = self.tracked(id, &conflict.path, &conflict.server_title, conflict.server_version, text);
        self.state.change(|change| {
            for queued in change.load_queued(id)? {
                change.remove_operation(&queued.client_id)?;
            }
            change.put_file(&file, &body(id, state, text))?;
            change.enqueue(&operation)?;
            change.remove_conflict(id)
        })?;
        Ok(())
    }

    /// The server's text takes the file's place; what was there is kept in the client's bin.
    fn take_theirs(&mut self, conflict: &Conflict) -> Result<(), ClientError> {
        let (id, path) = (conflict.document_id, conflict.path.as_str());
        if self.folder.holds_something(path) {
            self.folder.remove(path)?;
        }
        self.forget(id, path)?;
        if conflict.server_deleted {
            self.report.tell(&Event::Removed { path });
        } else {
            let text = conflict.server_content.clone().unwrap_or_default();
            let file = self.tracked(id, path, &conflict.server_title, conflict.server_version, &text);
            let stored = body(id, conflict.server_yjs_state.clone(), &text);
            let before = Before { content: None, yjs_state: None };
            self.write_file(&file, &stored, None, before, |change| change.remove_conflict(id))?;
            self.report.tell(&Event::Written { path });
        }
        self.state.change(|change| change.remove_conflict(id))?;
        Ok(())
    }

    /// A path beside `path` where nothing is.
    fn free_path(&self, path: &str) -> Result<String, ClientError> {
        let (stem, ending) = path.rsplit_once('.').unwrap_or((path, "md"));
        let mut candidates = (1..1000).map(|number| match number {
            1 => format!("{stem} (mine).{ending}"),
            number => format!("{stem} (mine {number}).{ending}"),
        });
        let free = candidates.find(|candidate| !self.folder.holds_something(candidate));
        free.ok_or_else(|| ClientError::Usage(format!("{path} has too many copies already ({})", now_us())))
    }
}
