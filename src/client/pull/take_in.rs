//! Taking in one document of the server's: into the state and into its file.

use super::Pull;
use crate::client::apply::{body, queue, row_of, take_back_deletion, text_of_state, unite, update_of};
use crate::client::error::ClientError;
use crate::client::folder::Held;
use crate::client::model::folded;
use crate::client::plan::{FileSide, TakeIn, take_in};
use crate::client::report::{Counted, Event};
use crate::client::state::{Body, Conflict, DocId, IGNORED, TrackedFile};
use crate::client::transport::wire::ServerDocument;
use crate::domain::operation::digest_of;
use crate::domain::text_unite::unite_texts;

/// A document of the server's, united with what is known of it here.
struct United {
    server: ServerDocument,
    /// The Yjs state of both sides.
    yjs_state: Option<Vec<u8>>,
    /// The text that it comes to.
    text: String,
}

impl United {
    fn body(&self) -> Body {
        let raw = self.server.raw.clone().filter(|_| self.yjs_state.is_none());
        Body { raw, ..body(self.server.document_id, self.yjs_state.clone(), &self.text) }
    }
}

impl Pull<'_, '_> {
    /// Takes in a document. How it ended, for counting.
    pub fn take_in(&mut self, server: ServerDocument) -> Result<Counted, ClientError> {
        let (id, title, version) = (server.document_id, server.title.clone(), server.version);
        let failure = match self.try_to_take_in(server) {
            Ok(counted) => return Ok(counted),
            Err(failure) => failure,
        };
        // A folder that cannot be written, a file where a folder must be, a state that no worker can read: it costs this
        // document only.
        let Some(reason) = failure.of_one_file() else { return Err(failure) };
        tracing::debug!(%id, version, "a document cannot be taken in");
        self.local.leave_out(id, &title, &format!("it cannot be taken in: {reason}"))?;
        Ok(Counted::Failed)
    }

    fn try_to_take_in(&mut self, server: ServerDocument) -> Result<Counted, ClientError> {
        let id = server.document_id;
        self.local.note_titles([(id, server.title.as_str(), server.deleted)])?;
        self.local.settle_paths()?;
        let (known, conflict, is_unwritten) = self.local.state.change(|change| {
            Ok((change.find_with_body(id)?, change.find_conflict(id)?, change.has_pending_write(id)?))
        })?;
        if let Some(conflict) = conflict {
            return self.refresh_conflict(conflict, server);
        }
        if server.deleted {
            if known.is_some() {
                self.local.state.change(|change| change.put_pending_removal(id, server.version))?;
            }
            return Ok(Counted::Succeeded);
        }
        self.local.state.change(|change| change.remove_pending_removal(id))?;
        if known.as_ref().is_some_and(|(file, _)| server.version <= file.version) {
            return Ok(Counted::Succeeded);
        }
        if is_unwritten {
            // The file holds a text of before the one that the state has: compared with that, it would undo it.
            self.local.leave_out(id, &server.title, "an earlier version of it is still to be written to its file")?;
            return Ok(Counted::Failed);
        }
        let united = Self::unite_with_known(server, known.as_ref().map(|(_, body)| body))?;
        let counted = match known {
            Some((file, stored)) => self.take_in_tracked(united, file, &stored)?,
            None => self.take_in_new(united)?,
        };
        self.local.tally.pulled += usize::from(counted == Counted::Succeeded);
        Ok(counted)
    }

    fn unite_with_known(server: ServerDocument, known: Option<&Body>) -> Result<United, ClientError> {
        let Some(incoming) = &server.yjs_state else {
            let text = server.content.clone().unwrap_or_default();
            return Ok(United { server, yjs_state: None, text });
        };
        let state = match known.and_then(|body| body.yjs_state.clone()) {
            Some(known) => unite(&[known, incoming.clone()])?,
            None => incoming.clone(),
        };
        let text = text_of_state(&state)?;
        Ok(United { server, yjs_state: Some(state), text })
    }

    fn take_in_new(&mut self, united: United) -> Result<Counted, ClientError> {
        let (id, title, version) = (united.server.document_id, united.server.title.clone(), united.server.version);
        let path = match self.local.paths()?.path_of(id).unwrap_or_else(|| Err("it is not there".to_owned())) {
            Ok(path) => path,
            Err(reason) => {
                self.local.refuse(id, &title, &format!("its title cannot be a file's path: {reason}"))?;
                return Ok(Counted::Failed);
            }
        };
        if self.local.scan.is_ignored(&path) {
            return self.ignore(id, &title);
        }
        if let Some(reason) = self.is_in_the_way(&path)? {
            self.local.leave_out(id, &title, &reason)?;
            return Ok(Counted::Failed);
        }
        self.respell(&path)?;
        let held = self.local.folder.read(&path);
        let side = self.side_of(&path, &held, None, &united.text);
        let stored = united.body();
        if side == FileSide::Different {
            let file = row_of(id, &path, &title, version, &united.text);
            if self.replace_if_earlier(&file, &stored, &held, 0)? {
                return Ok(Counted::Succeeded);
            }
        }
        match take_in(None, side, version, false) {
            TakeIn::Write => {
                let file = row_of(id, &path, &title, version, &united.text);
                self.local.write_file(&file, &stored, None, None, |_| Ok(()))?;
                self.local.report.show(&Event::Written { path: &path });
            }
            TakeIn::Adopt => {
                let file = row_of(id, &path, &title, version, &united.text);
                self.adopt(&file, &stored)?;
                self.local.report.show(&Event::Matched { path: &path });
            }
            TakeIn::AskWhich => {
                let reason = "a file of this path is here already, and the server's document has another text";
                self.ask(&path, reason, None, held, united)?;
                return Ok(Counted::Failed);
            }
            _ => {
                let reason = if let Held::Other(reason) | Held::NoText(reason) = held {
                    reason
                } else {
                    "its file is in the way".to_owned()
                };
                self.local.leave_out(id, &title, &reason)?;
                return Ok(Counted::Failed);
            }
        }
        Ok(Counted::Succeeded)
    }

    fn take_in_tracked(&mut self, united: United, file: TrackedFile, stored: &Body) -> Result<Counted, ClientError> {
        if self.local.scan.is_ignored(&file.path) {
            return self.ignore(file.document_id, &file.title);
        }
        if !self.local.folder.holds_something(&file.path) && self.local.folder.is_away(&file.path) {
            self.local.leave_out(file.document_id, &file.title, "a cloud drive keeps its file elsewhere now")?;
            return Ok(Counted::Failed);
        }
        let held = self.local.folder.read(&file.path);
        let side = self.side_of(&file.path, &held, Some(&stored.content), &united.text);
        let id = file.document_id;
        let queued = self.local.state.change(|change| change.load_queued(id))?;
        if united.yjs_state.is_none() && queued.iter().any(|operation| operation.content.is_some()) {
            // The server unites plain texts; the answer to the queued operation will tell.
            return Ok(Counted::Skipped);
        }
        let (version, title) = (united.server.version, file.title.clone());
        let row = row_of(id, &file.path, &title, version, &united.text);
        let now = united.body();
        if self.is_in_doubt && side == FileSide::Different {
            if self.replace_if_earlier(&row, &now, &held, file.version)? {
                return Ok(Counted::Succeeded);
            }
            let reason = "the sync state was put back from a backup, and the file has a text that no version has";
            self.ask(&row.path, reason, None, held, united)?;
            return Ok(Counted::Failed);
        }
        match take_in(Some(file.version), side, version, false) {
            TakeIn::Write if united.text == stored.content => {
                // Nothing that the file shows has changed: its look stays as it was last seen.
                let row = TrackedFile { version, ..file };
                self.local.state.change(|change| change.put_file(&row, &now))?;
            }
            TakeIn::Write => {
                self.local.write_file(&row, &now, None, Some(stored.content.clone()), |_| Ok(()))?;
                self.local.report.show(&Event::Written { path: &row.path });
            }
            TakeIn::Adopt => self.adopt(&row, &now)?,
            TakeIn::Restore => self.restore(&row, &now)?,
            TakeIn::Unite => return self.unite_with_changed_file(&row, now, stored, held, united),
            _ => {
                let reason = if let Held::Other(reason) | Held::NoText(reason) = held {
                    reason
                } else {
                    "it cannot be written".to_owned()
                };
                self.local.leave_out(id, &title, &reason)?;
                return Ok(Counted::Failed);
            }
        }
        Ok(Counted::Succeeded)
    }

    /// Changed there and gone here: the change weighs more.
    fn restore(&mut self, row: &TrackedFile, now: &Body) -> Result<(), ClientError> {
        let id = row.document_id;
        self.local.write_file(row, now, None, None, |change| take_back_deletion(change, id).map(drop))?;
        let text = "it was deleted here and changed by somebody else; it is back";
        self.local.report.show(&Event::Note { path: &row.path, text });
        self.local.report.show(&Event::Written { path: &row.path });
        Ok(())
    }

    /// Changed on both sides: the file's changes go into the document, and both into the file.
    fn unite_with_changed_file(
        &mut self,
        row: &TrackedFile,
        now: Body,
        stored: &Body,
        held: Held,
        united: United,
    ) -> Result<Counted, ClientError> {
        let Held::Text(ours, _) = &held else { return Ok(Counted::Skipped) };
        let Some(both) = unite_texts(&stored.content, ours, &united.text) else {
            let path = row.path.clone();
            let reason = "the same words were changed here and on the server";
            self.ask(&path, reason, Some(stored.content.clone()), held, united)?;
            return Ok(Counted::Failed);
        };
        let before = Some(ours.clone());
        match now.yjs_state.as_ref().filter(|_| both != united.text) {
            Some(state) => {
                let (update, state) = self.local.editor.edit(Some(state), &both)?;
                let operation = update_of(row.document_id, Some(update), &both);
                let row = TrackedFile { digest: digest_of(&both).to_vec(), ..row.clone() };
                let now = body(row.document_id, Some(state), &both);
                self.local.write_file(&row, &now, None, before, |change| queue(change, operation))?;
            }
            // What a plain text is more than the server's is recorded when the folder is looked at.
            None => self.local.write_file(row, &now, Some(&both), before, |_| Ok(()))?,
        }
        self.local.report.show(&Event::Written { path: &row.path });
        Ok(Counted::Succeeded)
    }

    /// Notes that a file has the document's text already.
    fn adopt(&mut self, row: &TrackedFile, now: &Body) -> Result<(), ClientError> {
        let form = self.local.folder.form(&row.path);
        self.local.state.change(|change| {
            change.put_file(row, now)?;
            form.map_or(Ok(()), |form| change.put_form(row.document_id, form))
        })?;
        Ok(())
    }

    /// Leaves the file alone and notes both sides, for a person to choose.
    fn ask(
        &mut self,
        path: &str,
        reason: &str,
        base: Option<String>,
        held: Held,
        united: United,
    ) -> Result<(), ClientError> {
        let local_content = if let Held::Text(text, _) = held { Some(text) } else { None };
        let United { server: ServerDocument { document_id, version, title, .. }, text, yjs_state } = united;
        let conflict = Conflict {
            base_content: base,
            local_content,
            server_content: Some(text),
            server_yjs_state: yjs_state,
            ..Conflict::found(document_id, path, reason, version, &title)
        };
        self.local.state.change(|change| change.put_conflict(&conflict))?;
        self.local.report.show(&Event::Conflict { path, reason });
        Ok(())
    }

    /// News of a document that waits for a choice.
    fn refresh_conflict(&mut self, conflict: Conflict, server: ServerDocument) -> Result<Counted, ClientError> {
        if server.version <= conflict.server_version {
            return Ok(Counted::Skipped);
        }
        let known = body(conflict.document_id, conflict.server_yjs_state.clone(), "");
        let mut news = Conflict {
            server_version: server.version,
            server_title: server.title.clone(),
            server_deleted: server.deleted,
            ..conflict
        };
        if !server.deleted {
            let united = Self::unite_with_known(server, Some(&known))?;
            news.server_content = Some(united.text);
            news.server_yjs_state = united.yjs_state;
        }
        self.local.state.change(|change| change.put_conflict(&news))?;
        Ok(Counted::Skipped)
    }

    /// A document whose file is ignored is left as it is; should it be ignored no more, it is read again.
    fn ignore(&mut self, id: DocId, title: &str) -> Result<Counted, ClientError> {
        self.local.put_left_out(id, title, IGNORED, false)?;
        Ok(Counted::Failed)
    }

    /// Why a new document cannot have its file at a path.
    fn is_in_the_way(&mut self, path: &str) -> Result<Option<String>, ClientError> {
        let wanted = folded(path);
        let (files, conflicts) =
            self.local.state.change(|change| Ok((change.load_files_like(&wanted)?, change.list_conflicts()?)))?;
        let asked = conflicts.into_iter().map(|(_, path, _)| path).find(|path| folded(path) == wanted);
        let holder = files.into_iter().map(|file| file.path).next().or(asked);
        Ok(holder.map(|holder| format!("{holder} is in its way")))
    }

    /// A file that is no document's yet, and whose path is the same but for how it is written, gets the document's path.
    fn respell(&mut self, path: &str) -> Result<(), ClientError> {
        let Some(other) = self.local.scan.other_case_of(path).map(str::to_owned) else { return Ok(()) };
        if self.local.folder.holds_another(&other, path) {
            return Ok(());
        }
        self.local.folder.rename(&other, path)?;
        self.local.report.show(&Event::Moved { from: &other, to: path });
        if let Some(file) = self.local.scan.remove(&other) {
            self.local.scan.put(path, file);
        }
        Ok(())
    }

    /// What the file is, beside what was last synced and what the server's document comes to.
    fn side_of(&self, path: &str, held: &Held, synced: Option<&str>, server: &str) -> FileSide {
        match held {
            _ if self.local.scan.problems.contains_key(path) => FileSide::Unreadable,
            Held::Nothing => FileSide::Absent,
            Held::Text(text, _) if synced == Some(text) => FileSide::AsSynced,
            Held::Text(text, _) if text == server => FileSide::AsServer,
            Held::Text(..) => FileSide::Different,
            Held::Other(_) | Held::NoText(_) => FileSide::Unreadable,
        }
    }
}
