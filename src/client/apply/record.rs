//! What was done in the folder becomes operations in the outbox, on disk before anything is sent.

use super::document::{body, row_of, update_of};
use super::guard::Guarded;
use super::local::Local;
use super::queue::{queue, take_back_deletion};
use crate::client::clock::now_ns;
use crate::client::error::ClientError;
use crate::client::folder::{Held, Look};
use crate::client::model::{LocalChange, folded, not_everywhere, own_path, title_for_path};
use crate::client::plan::Action;
use crate::client::report::Event;
use crate::client::state::{Body, DocId, QueuedOperation};
use crate::domain::line_ends::{FileForm, outside};
use crate::domain::operation::digest_of;

/// Changes that are queued in one transaction. Nothing is lost by a cut: what was not queued is found again.
const RECORDED_TOGETHER: usize = 200;

impl Local<'_> {
    /// Queues everything that changed in the folder. Too many deletions wait for a person's word, unless that is `given`, and so
    /// do files that were emptied.
    pub fn record_local_changes(&mut self, given: bool) -> Result<(), ClientError> {
        let (known, actions) = self.plan()?;
        let (asked, held) = actions.iter().fold((0, 0), |(asked, held), action| match action {
            Action::AskFirst(_) => (asked + 1, held),
            Action::HoldBack(_) => (asked, held + 1),
            Action::Queue(_) | Action::TakeIn(_) => (asked, held),
        });
        if asked + held > 0 && !given {
            let (count, all, place) = (asked + held, known.tracked.len(), self.folder.root().display());
            let what = format!("{count} of {all} files are gone from {place} or empty, and their documents stay");
            self.wait_for_word(Guarded::Here, asked, &what);
        }
        let mut changes = Vec::new();
        for action in actions {
            match action {
                Action::Queue(change) => changes.push(change),
                Action::AskFirst(change) if given => changes.push(change),
                Action::HoldBack(id) if !given => {
                    self.held.insert(id);
                }
                Action::AskFirst(_) | Action::HoldBack(_) | Action::TakeIn(_) => {}
            }
        }
        for some in changes.chunks(RECORDED_TOGETHER) {
            self.together(|local| some.iter().try_for_each(|change| local.record_if_possible(change)))?;
        }
        Ok(())
    }

    /// A text that cannot be worked on costs its file only; the next sync tries again.
    fn record_if_possible(&mut self, change: &LocalChange) -> Result<(), ClientError> {
        let Err(failure) = self.record(change) else { return Ok(()) };
        let Some(reason) = failure.of_one_file() else { return Err(failure) };
        let path = match change {
            LocalChange::Create { path } | LocalChange::Move { to: path, .. } => path.clone(),
            LocalChange::Edit { id } | LocalChange::Delete { id } | LocalChange::Reappear { id } => {
                self.path_of(*id)?
            }
        };
        self.problem(&path, &format!("its change cannot be pushed: {reason}"));
        Ok(())
    }

    fn record(&mut self, change: &LocalChange) -> Result<(), ClientError> {
        self.interrupt.check()?;
        match change {
            LocalChange::Create { path } => self.record_create(path),
            LocalChange::Edit { id } => self.record_edit(*id),
            LocalChange::Move { id, to } => {
                self.record_move(*id, to)?;
                self.record_edit(*id)
            }
            LocalChange::Delete { id } => self.record_delete(*id),
            LocalChange::Reappear { id } => self.record_return(*id),
        }
    }

    /// Queues moves alone: what others did to a file is to be taken in where it is now.
    pub fn record_moves(&mut self) -> Result<(), ClientError> {
        for action in self.plan()?.1 {
            if let Some(LocalChange::Move { id, to }) = action.change() {
                self.record_move(*id, to)?;
            }
        }
        Ok(())
    }

    fn record_create(&mut self, path: &str) -> Result<(), ClientError> {
        let seen_ns = now_ns();
        let Some((text, look, form)) = self.text_of(path) else { return Ok(()) };
        let id = DocId::mint();
        self.paths()?.put(id, path);
        let (update, state) = self.editor.edit(None, &text)?;
        let operation = QueuedOperation {
            title: Some(path.to_owned()),
            yjs_update: Some(update),
            ..QueuedOperation::new("create", id)
        };
        let file = row_of(id, path, path, 0, &text).seen(&look, seen_ns);
        self.state.change(|change| {
            change.put_file(&file, &body(id, Some(state), &text))?;
            if let Some(form) = form.filter(|form| *form != FileForm::default()) {
                change.put_form(id, form)?;
            }
            change.enqueue(&operation)
        })?;
        if let Some(reason) = not_everywhere(path) {
            self.report.show(&Event::Note { path, text: &format!("{reason}; it is synced all the same") });
        }
        Ok(())
    }

    fn record_edit(&mut self, id: DocId) -> Result<(), ClientError> {
        let Some((file, stored)) = self.state.change(|change| change.find_with_body(id))? else { return Ok(()) };
        let seen_ns = now_ns();
        let Some((text, look, form)) = self.text_of(&file.path) else { return Ok(()) };
        let file = row_of(id, &file.path, &file.title, file.version, &text).seen(&look, seen_ns);
        if text == stored.content {
            self.state.change(|change| {
                change.update_file(&file)?;
                form.map_or(Ok(()), |form| change.put_form(id, form))
            })?;
            return Ok(());
        }
        let raw = stored.raw.as_deref().map(|raw| outside(&text, Some(raw), FileForm::default()));
        let (operation, state) = match &stored.yjs_state {
            Some(state) => {
                let (update, state) = self.editor.edit(Some(state), &text)?;
                (update_of(id, Some(update), &text), Some(state))
            }
            None => (update_of(id, None, raw.as_deref().unwrap_or(&text)), None),
        };
        self.state.change(|change| {
            change.put_file(&file, &Body { raw, ..body(id, state, &text) })?;
            form.map_or(Ok(()), |form| change.put_form(id, form))?;
            queue(change, operation)
        })?;
        Ok(())
    }

    fn record_move(&mut self, id: DocId, to: &str) -> Result<(), ClientError> {
        let Some(mut file) = self.state.change(|change| change.find_file(id))? else { return Ok(()) };
        let title = title_for_path(to, &file.title);
        self.displace(to, id)?;
        self.paths()?.put(id, &title);
        let operation = QueuedOperation { title: Some(title.clone()), ..QueuedOperation::new("update", id) };
        self.report.show(&Event::Moved { from: &file.path, to });
        to.clone_into(&mut file.path);
        file.folded = folded(to);
        file.title = title;
        self.state.change(|change| {
            change.update_file(&file)?;
            queue(change, operation)
        })?;
        Ok(())
    }

    /// The file of another document had this path until now; what is left of that one is known by a path of its own.
    fn displace(&mut self, path: &str, newcomer: DocId) -> Result<(), ClientError> {
        let holders = self.state.change(|change| change.load_files_like(&folded(path)))?;
        for mut holder in holders.into_iter().filter(|holder| holder.document_id != newcomer && holder.path == path) {
            holder.path = own_path(path, holder.document_id);
            holder.folded = folded(&holder.path);
            self.state.change(|change| change.update_file(&holder))?;
            self.paths()?.remove(holder.document_id);
        }
        Ok(())
    }

    fn record_delete(&mut self, id: DocId) -> Result<(), ClientError> {
        self.paths()?.remove(id);
        let operation = QueuedOperation::new("delete", id);
        self.state.change(|change| {
            queue(change, operation)?;
            if change.load_queued(id)?.is_empty() {
                // The server never saw it.
                change.forget_file(id)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// A deletion that nobody has been told of is taken back.
    fn record_return(&mut self, id: DocId) -> Result<(), ClientError> {
        let is_taken_back = self.state.change(|change| take_back_deletion(change, id))?;
        if is_taken_back { self.record_edit(id) } else { Ok(()) }
    }

    /// The text of a file that is about to be recorded, and how the file looked just before, if it is still one.
    fn text_of(&mut self, path: &str) -> Option<(String, Look, Option<FileForm>)> {
        let (held, form) = self.folder.read_with_form(path);
        match held {
            // A rehearsal has not written what the scan says.
            Held::Text(text, _) if self.folder.is_rehearsal() && !self.is_as_scanned(path, &text) => None,
            Held::Text(text, look) => Some((text, look, form)),
            Held::Nothing => None,
            Held::Other(reason) | Held::NoText(reason) => {
                self.problem(path, &reason);
                None
            }
        }
    }

    fn is_as_scanned(&self, path: &str, text: &str) -> bool {
        self.scan.files.get(path).is_some_and(|file| file.digest == digest_of(text))
    }
}
