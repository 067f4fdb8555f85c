//! A person's choice between the two sides of a conflict, carried out in the folder; the next sync pushes it.

use super::document::{body, row_of, update_of};
use super::local::Local;
use super::queue::unqueue;
use crate::client::clock::now_us;
use crate::client::error::ClientError;
use crate::client::folder::Held;
use crate::client::model::{folded, marked_path, markers::find_marker};
use crate::client::report::{Event, quoted};
use crate::client::state::{Conflict, QueuedOperation};

/// What a person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// The file here.
    Mine,
    /// The server's document.
    Theirs,
    /// Both: the server's in its place, the file here under a new name.
    Both,
    /// The file, in which both sides were made one.
    MergedInPlace,
    /// This text, made of both sides.
    Merged(&'a str),
}

impl Local<'_> {
    /// Settles the conflict of the file at `path`.
    ///
    /// # Errors
    /// `Usage` if there is none, or the choice cannot be carried out.
    pub fn settle_choice(&mut self, path: &str, choice: Choice<'_>) -> Result<(), ClientError> {
        let conflicts = self.state.change(|change| change.load_conflicts())?;
        let conflict = find_conflict(&conflicts, path)?;
        match (choice, self.folder.read(path)) {
            (_, Held::Other(reason) | Held::NoText(reason)) => Err(ClientError::Usage(format!("{path}: {reason}"))),
            (Choice::Mine, Held::Text(text, _)) => self.keep_mine(conflict, &text),
            (Choice::Mine | Choice::MergedInPlace, Held::Nothing) => {
                Err(ClientError::Usage(format!("{path} does not exist any more; choose theirs, or put it back")))
            }
            (Choice::MergedInPlace, Held::Text(text, _)) => {
                check_is_merged(conflict, &text)?;
                self.keep_mine(conflict, &text)
            }
            (Choice::Merged(text), held) => {
                check_has_no_markers(conflict, text)?;
                if !matches!(held, Held::Text(now, _) if now == text) {
                    self.folder.keep_copy(path)?;
                    let form = self.state.change(|change| change.find_form(conflict.document_id))?;
                    let draft = self.folder.write_draft(path, text, form)?;
                    self.folder.put_in_place(&draft, path)?;
                    self.report.show(&Event::Written { path });
                }
                self.keep_mine(conflict, text)
            }
            (Choice::Theirs, _) => self.take_theirs(conflict),
            (Choice::Both, Held::Nothing) => self.take_theirs(conflict),
            (Choice::Both, Held::Text(..)) => {
                let copy = self.free_path(path)?;
                self.folder.rename(path, &copy)?;
                self.report.show(&Event::Moved { from: path, to: &copy });
                self.take_theirs(conflict)
            }
        }
    }

    /// The file's text becomes a change of the server's document, or revives it.
    pub fn keep_mine(&mut self, conflict: &Conflict, text: &str) -> Result<(), ClientError> {
        let id = conflict.document_id;
        let (known, queued) = self.state.change(|change| Ok((change.find_with_body(id)?, change.load_queued(id)?)))?;
        let own_state = known.and_then(|(_, stored)| stored.yjs_state);
        let base = if conflict.server_deleted { own_state } else { conflict.server_yjs_state.clone() };
        let (operation, state) = match base {
            Some(base) => {
                let (update, state) = self.editor.edit(Some(&base), text)?;
                // What is revived may lack what was never sent: the whole state goes along.
                let sent = if conflict.server_deleted { state.clone() } else { update };
                (update_of(id, Some(sent), text), Some(state))
            }
            None => (update_of(id, None, text), None),
        };
        // The file may have been moved, too.
        let title = queued.into_iter().rev().find_map(|operation| operation.title);
        let now = title.clone().unwrap_or_else(|| conflict.server_title.clone());
        let operation = QueuedOperation { title, restore: conflict.server_deleted, ..operation };
        let file = row_of(id, &conflict.path, &now, conflict.server_version, text);
        self.state.change(|change| {
            unqueue(change, id)?;
            change.put_file(&file, &body(id, state, text))?;
            change.enqueue(&operation)?;
            change.remove_conflict(id)
        })?;
        Ok(())
    }

    /// The server's text takes the file's place; what was there is kept in the client's bin.
    fn take_theirs(&mut self, conflict: &Conflict) -> Result<(), ClientError> {
        let (id, path) = (conflict.document_id, conflict.path.as_str());
        if let Some(form) = self.folder.form(path) {
            self.state.change(|change| change.put_form(id, form))?;
        }
        if self.folder.holds_something(path) {
            self.folder.remove(path)?;
        }
        self.forget(id, path)?;
        if conflict.server_deleted {
            self.report.show(&Event::Removed { path });
        } else {
            let text = conflict.server_content.clone().unwrap_or_default();
            let path = &self.server_path(conflict)?;
            let file = row_of(id, path, &conflict.server_title, conflict.server_version, &text);
            let stored = body(id, conflict.server_yjs_state.clone(), &text);
            self.write_file(&file, &stored, None, None, |change| change.remove_conflict(id))?;
            self.report.show(&Event::Written { path });
        }
        self.state.change(|change| change.remove_conflict(id))?;
        Ok(())
    }

    /// Where the server's document has its file: the file here may have been moved, or the document there.
    fn server_path(&mut self, conflict: &Conflict) -> Result<String, ClientError> {
        let (id, title) = (conflict.document_id, conflict.server_title.as_str());
        let paths = self.paths()?;
        paths.put(id, title);
        let at_title = paths.path_of(id).and_then(Result::ok).unwrap_or_else(|| conflict.path.clone());
        let is_free = folded(&at_title) != folded(&conflict.path)
            && !self.folder.holds_something(&at_title)
            && self.state.change(|change| change.load_files_like(&folded(&at_title)))?.is_empty();
        Ok(if is_free { at_title } else { conflict.path.clone() })
    }

    /// A path beside `path` where nothing is.
    fn free_path(&self, path: &str) -> Result<String, ClientError> {
        let mut candidates = (1..1000).map(|number| match number {
            1 => marked_path(path, "mine"),
            number => marked_path(path, &format!("mine {number}")),
        });
        let free = candidates.find(|candidate| !self.folder.holds_something(candidate));
        free.ok_or_else(|| ClientError::Usage(format!("{path} has too many copies already ({})", now_us())))
    }
}

/// The conflict of the file at `path`.
pub fn find_conflict<'c>(conflicts: &'c [Conflict], path: &str) -> Result<&'c Conflict, ClientError> {
    conflicts
        .iter()
        .find(|conflict| conflict.path == path)
        .ok_or_else(|| ClientError::Usage(format!("{path} is not in conflict; `landfall conflicts` lists what is")))
}

/// A file that nobody has touched since has been merged with nothing.
fn check_is_merged(conflict: &Conflict, text: &str) -> Result<(), ClientError> {
    let path = &conflict.path;
    if conflict.local_content.as_deref() == Some(text) {
        return Err(ClientError::Usage(format!(
            "{path} is as it was when the conflict was found; put both sides into it, or write them to a file with \
             `landfall conflicts --show {} > merged.md`, make one text of them there, and add \
             `--with merged.md`",
            quoted(path)
        )));
    }
    check_has_no_markers(conflict, text)
}

fn check_has_no_markers(conflict: &Conflict, text: &str) -> Result<(), ClientError> {
    let sides = [&conflict.local_content, &conflict.server_content].map(|side| side.as_deref().unwrap_or_default());
    match find_marker(text, &sides) {
        Some(line) => Err(ClientError::Usage(format!(
            "{}: line {line} of the merged text is still a conflict marker; decide between the lines around it, take \
             the markers out, and settle again",
            conflict.path
        ))),
        None => Ok(()),
    }
}
