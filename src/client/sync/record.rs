//! What was done in the folder becomes operations in the outbox, on disk before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use super::engine::{Engine, body, now_us};
use super::guard::{Guarded, LOST};
use crate::client::error::ClientError;
use crate::client::folder::scan::now_ns;
use crate::client::folder::{Held, Look};
use crate::client::model::LocalFile;
use crate::client::model::coalesce::{Coalesced, coalesce};
use crate::client::model::names::{folded, not_everywhere, title_for_path};
use crate::client::model::paths::own_path;
use crate::client::model::{LocalChange, Tracked};
use crate::client::plan::moves::{Sizes, recognise_moves};
use crate::client::plan::{is_mass_deletion, local_changes};
use crate::client::report::Event;
use crate::client::state::files::Body;
use crate::client::state::outbox::QueuedOperation;
use crate::client::state::{Change, DocId, StateError};
use crate::domain::line_ends::{FileForm, outside};
use crate::domain::operation::digest_of;

/// Changes that are queued in one transaction.
const RECORDED_TOGETHER: usize = 50;

impl Engine<'_> {
    /// Queues everything that changed in the folder.
    pub(super) fn record_local_changes(&mut self) -> Result<(), ClientError> {
        let changes = self.find_local_changes()?;
        for some in changes.chunks(RECORDED_TOGETHER) {
            self.together(|engine| some.iter().try_for_each(|change| engine.record_if_possible(change)))?;
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
    pub(super) fn record_moves(&mut self) -> Result<(), ClientError> {
        for change in self.compare_with_state()? {
            if let LocalChange::Move { id, to } = change {
                self.record_move(id, &to)?;
            }
        }
        Ok(())
    }

    /// The changes in the folder. Too many deletions wait for a person's word, and so do files that were emptied.
    fn find_local_changes(&mut self) -> Result<Vec<LocalChange>, ClientError> {
        let mut changes = self.compare_with_state()?;
        let (all, queue, accepted) = self.state.change(|change| {
            Ok((change.load_files()?.len(), change.list_outbox()?, change.load_accepted_deletions()?))
        })?;
        let queued = queue.iter().filter(|(_, id, kind)| kind == "delete" && !accepted.contains(id)).count();
        let lost: BTreeSet<DocId> = self.losses(&changes)?.into_iter().filter(|id| !accepted.contains(id)).collect();
        if is_mass_deletion(lost.len() + queued, all) && !self.settings.allow_mass_delete {
            changes.retain(
                |change| !matches!(change, LocalChange::Delete { id } | LocalChange::Edit { id } if lost.contains(id)),
            );
            let place = self.folder.root().display();
            let what = format!(
                "{} of {all} files are gone from {place} or empty, and their documents stay",
                lost.len() + queued
            );
            self.wait_for_word(Guarded::Here, lost.len(), &what);
            for (name, id, _) in queue.iter().filter(|(_, id, kind)| kind == "delete" && !accepted.contains(id)) {
                tracing::debug!(%name, "a deletion waits");
                self.held.insert(*id);
            }
        }
        Ok(changes)
    }

    /// What changed in the folder, conflicts and unfinished writes left out.
    pub(super) fn compare_with_state(&mut self) -> Result<Vec<LocalChange>, ClientError> {
        let (rows, conflicts, writes, queue) = self.state.change(|change| {
            Ok((change.load_files()?, change.load_conflicts()?, change.load_pending_writes()?, change.list_outbox()?))
        })?;
        let removals = self.state.change(|change| change.load_pending_removals())?;
        let lost = removals.iter().filter(|(_, version)| *version == LOST).map(|(id, _)| *id);
        let asked = conflicts.iter().map(|one| one.document_id);
        let held: BTreeSet<DocId> = asked.chain(writes.iter().map(|one| one.document_id)).chain(lost).collect();
        let deleted: BTreeSet<DocId> =
            queue.iter().filter(|(_, _, kind)| kind == "delete").map(|(_, id, _)| *id).collect();
        let tracked_paths: BTreeSet<&str> = rows.iter().map(|row| row.path.as_str()).collect();
        let waiting: BTreeSet<&str> =
            conflicts.iter().map(|one| one.path.as_str()).filter(|path| !tracked_paths.contains(path)).collect();
        let files = self.scan.files.iter().filter(|(path, _)| !waiting.contains(path.as_str()));
        let files: BTreeMap<String, LocalFile> = files.map(|(path, file)| (path.clone(), file.clone())).collect();
        let tracked: Vec<Tracked> = rows
            .iter()
            .map(|file| Tracked {
                is_held: held.contains(&file.document_id),
                is_deletion_queued: deleted.contains(&file.document_id),
                file: file.clone(),
            })
            .collect();
        let (folder, scan, state) = (&self.folder, &self.scan, &mut self.state);
        let is_gone = |path: &str| scan.is_gone(folder, path);
        let changes = local_changes(&tracked, &files, is_gone);
        let mut changes = recognise_moves(
            changes,
            &Sizes::of(&tracked, &files),
            |id| state.change(|change| change.find_content(id)),
            |path| folder.read_text(path),
        )?;
        scan.withhold(&mut changes);
        Ok(changes)
    }

    fn record_create(&mut self, path: &str) -> Result<(), ClientError> {
        let seen_ns = now_ns();
        let Some((text, look)) = self.text_of(path) else { return Ok(()) };
        let id = DocId::mint();
        self.paths()?.put(id, path);
        let (update, state) = self.edit(None, &text)?;
        let operation = QueuedOperation {
            title: Some(path.to_owned()),
            yjs_update: Some(update),
            ..QueuedOperation::new("create", id, now_us())
        };
        let file = Self::tracked(id, path, path, 0, &text).seen(&look, seen_ns);
        let form = self.folder.form(path).unwrap_or_default();
        self.state.change(|change| {
            change.put_file(&file, &body(id, Some(state), &text))?;
            change.put_form(id, form)?;
            Self::queue(change, operation)
        })?;
        if let Some(reason) = not_everywhere(path) {
            self.report.tell(&Event::Note { path, text: &format!("{reason}; it is synced all the same") });
        }
        Ok(())
    }

    fn record_edit(&mut self, id: DocId) -> Result<(), ClientError> {
        let Some((file, stored)) = self.state.change(|change| change.find_with_body(id))? else { return Ok(()) };
        let seen_ns = now_ns();
        let Some((text, look)) = self.text_of(&file.path) else { return Ok(()) };
        let file = Self::tracked(id, &file.path, &file.title, file.version, &text).seen(&look, seen_ns);
        let form = self.folder.form(&file.path);
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
                let (update, state) = self.edit(Some(state), &text)?;
                (self.update_of(id, Some(update), &text), Some(state))
            }
            None => (self.update_of(id, None, raw.as_deref().unwrap_or(&text)), None),
        };
        self.state.change(|change| {
            change.put_file(&file, &Body { raw, ..body(id, state, &text) })?;
            form.map_or(Ok(()), |form| change.put_form(id, form))?;
            Self::queue(change, operation)
        })?;
        Ok(())
    }

    fn record_move(&mut self, id: DocId, to: &str) -> Result<(), ClientError> {
        let Some(mut file) = self.state.change(|change| change.find_file(id))? else { return Ok(()) };
        let title = title_for_path(to, &file.title);
        self.displace(to, id)?;
        self.paths()?.put(id, &title);
        let operation = QueuedOperation { title: Some(title.clone()), ..QueuedOperation::new("update", id, now_us()) };
        self.report.tell(&Event::Moved { from: &file.path, to });
        to.clone_into(&mut file.path);
        file.folded = folded(to);
        file.title = title;
        self.state.change(|change| {
            change.update_file(&file)?;
            Self::queue(change, operation)
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
        let operation = QueuedOperation::new("delete", id, now_us());
        self.state.change(|change| {
            Self::queue(change, operation)?;
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
        let is_taken_back = self.state.change(|change| {
            let queued = change.load_queued(id)?;
            let unsent = queued.iter().find(|operation| operation.kind == "delete" && !operation.sent);
            unsent.map_or(Ok(()), |operation| change.remove_operation(&operation.client_id))?;
            Ok(unsent.is_some())
        })?;
        if is_taken_back { self.record_edit(id) } else { Ok(()) }
    }

    /// An update with a change of the text. What the text is then goes with a Yjs update only when it is sent.
    pub(super) fn update_of(&self, id: DocId, yjs_update: Option<Vec<u8>>, text: &str) -> QueuedOperation {
        let content = yjs_update.is_none().then(|| text.to_owned());
        QueuedOperation { content, yjs_update, ..QueuedOperation::new("update", id, now_us()) }
    }

    /// Puts an operation behind those of its document, united with the last one where that has not been sent.
    pub(super) fn queue(change: &mut Change<'_>, operation: QueuedOperation) -> Result<(), StateError> {
        let queued = change.load_queued(operation.document_id)?;
        let last = queued.last();
        match coalesce(last, operation).map_err(|error| StateError::Damaged(error.to_string()))? {
            Coalesced::Append(operation) => change.enqueue(&operation),
            Coalesced::Replace(operation) => change.update_operation(&operation),
            Coalesced::Nothing => last.map_or(Ok(()), |last| change.remove_operation(&last.client_id)),
        }
    }

    /// The text of a file that is about to be recorded, and how the file looked just before, if it is still one.
    fn text_of(&mut self, path: &str) -> Option<(String, Look)> {
        match self.folder.read(path) {
            // A rehearsal has not written what the scan says.
            Held::Text(text, _) if self.settings.dry_run && !self.is_as_scanned(path, &text) => None,
            Held::Text(text, look) => Some((text, look)),
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
