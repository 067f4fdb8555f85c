//! Documents that others deleted: noted while pages are taken in, carried out when they can be counted.

use super::engine::{Engine, now_us};
use super::guard::{Guarded, LOST};
use crate::client::error::ClientError;
use crate::client::folder::Held;
use crate::client::plan::{FileSide, TakeIn, is_mass_deletion, take_in};
use crate::client::report::{Counted, Event};
use crate::client::state::files::{Body, TrackedFile};
use crate::client::state::open_questions::Conflict;
use crate::client::state::outbox::QueuedOperation;
use crate::client::state::{Change, DocId, StateError};
use crate::client::transport::wire::ServerDocument;

/// What became of a file whose document was deleted.
enum Removal {
    /// It is gone, or a person is asked.
    Settled,
    /// Nothing yet: somebody is writing it.
    Postponed,
}

impl Engine<'_> {
    /// Notes that a document was deleted.
    pub(super) fn note_removal(&mut self, is_tracked: bool, server: &ServerDocument) -> Result<Counted, ClientError> {
        if is_tracked {
            self.state.change(|change| change.put_pending_removal(server.document_id, server.version))?;
        }
        Ok(Counted::Succeeded)
    }

    /// Takes away the files of the documents that were deleted. If they are too many they wait; what the server has lost
    /// waits in any case.
    pub(super) fn carry_out_removals(&mut self) -> Result<(), ClientError> {
        let (mut removals, tracked, accepted) = self.state.change(|change| {
            Ok((change.load_pending_removals()?, change.load_files()?.len(), change.load_accepted_deletions()?))
        })?;
        removals.retain(|(id, version)| *version != LOST || accepted.contains(id));
        let asked = removals.iter().filter(|(id, _)| !accepted.contains(id)).count();
        if is_mass_deletion(asked, tracked) && !self.settings.allow_mass_delete {
            removals.retain(|(id, _)| accepted.contains(id));
            let what = format!("{asked} of {tracked} documents were deleted on the server, and their files stay");
            self.wait_for_word(Guarded::There, asked, &what);
        }
        for (id, version) in removals {
            self.interrupt.check()?;
            match self.remove_if_possible(id, version) {
                // A folder that cannot be written: it costs this file only, and the next sync tries again.
                Err(failure) => {
                    let Some(reason) = failure.of_one_file() else { return Err(failure) };
                    let file = self.path_of(id)?;
                    self.problem(&file, &format!("its document was deleted, but it stays: {reason}"));
                }
                Ok(Removal::Postponed) => {
                    let file = self.path_of(id)?;
                    self.problem(&file, "its document was deleted, but it is being written; the next sync removes it");
                }
                Ok(Removal::Settled) => self.state.change(|change| change.remove_pending_removal(id))?,
            }
        }
        Ok(())
    }

    fn remove_if_possible(&mut self, id: DocId, version: i64) -> Result<Removal, ClientError> {
        let (known, is_unwritten) =
            self.state.change(|change| Ok((change.find_with_body(id)?, change.has_pending_write(id)?)))?;
        match known {
            // What the file holds is not what the state says.
            Some(_) if is_unwritten => Ok(Removal::Postponed),
            Some((file, stored)) => self.remove_document(&file, &stored, version),
            None => Ok(Removal::Settled),
        }
    }

    fn remove_document(&mut self, file: &TrackedFile, stored: &Body, version: i64) -> Result<Removal, ClientError> {
        let id = file.document_id;
        let version = if version == LOST { file.version.saturating_add(1) } else { version };
        if self.scan.is_ignored(&file.path) {
            // What is ignored is nobody's to take away.
            self.forget(id, &file.path)?;
            return Ok(Removal::Settled);
        }
        let held = self.folder.read(&file.path);
        let has_queued_edits = self.state.change(|change| change.load_queued(id))?.iter().any(|operation| {
            operation.kind != "delete" && (operation.content.is_some() || operation.yjs_update.is_some())
        });
        let side = match &held {
            Held::Nothing => FileSide::Absent,
            Held::Text(text, _) if *text == stored.content && !has_queued_edits => FileSide::AsSynced,
            Held::Text(..) => FileSide::Different,
            Held::Other(_) | Held::NoText(_) => FileSide::Unreadable,
        };
        match take_in(Some(file.version), side, version, true) {
            TakeIn::Remove => {
                if !matches!(held, Held::Text(_, look) if self.folder.look(&file.path) == Some(look)) {
                    return Ok(Removal::Postponed);
                }
                self.folder.remove(&file.path)?;
                self.forget(id, &file.path)?;
                self.tally.pulled += 1;
                self.report.tell(&Event::Removed { path: &file.path });
            }
            TakeIn::Forget => self.forget(id, &file.path)?,
            TakeIn::AskDeleted => {
                let local_content = if let Held::Text(text, _) = held { Some(text) } else { None };
                self.ask_about_deleted(file, Some(stored.content.clone()), local_content, version)?;
            }
            _ => {}
        }
        Ok(Removal::Settled)
    }

    /// Forgets a document, its file and what was queued for it.
    pub(super) fn forget(&mut self, id: DocId, path: &str) -> Result<(), ClientError> {
        self.state.change(|change| {
            for operation in change.load_queued(id)? {
                change.remove_operation(&operation.client_id)?;
            }
            change.forget_file(id)
        })?;
        self.note_gone(id);
        self.scan.remove(path);
        Ok(())
    }

    /// Deleted there, changed here: the file stays, and a person chooses.
    pub(super) fn ask_about_deleted(
        &mut self,
        file: &TrackedFile,
        base_content: Option<String>,
        local_content: Option<String>,
        version: i64,
    ) -> Result<(), ClientError> {
        let reason = "it was changed here and deleted by somebody else; the file stays";
        let conflict = Conflict {
            document_id: file.document_id,
            path: file.path.clone(),
            reason: reason.to_owned(),
            found_at: now_us(),
            base_content,
            local_content,
            server_version: version,
            server_title: file.title.clone(),
            server_deleted: true,
            server_content: None,
            server_yjs_state: None,
        };
        self.state.change(|change| Self::put_conflict(change, &conflict))?;
        self.report.tell(&Event::Conflict { path: &file.path, reason });
        Ok(())
    }

    /// Notes a conflict. What was queued for the document is in its file; a new title is kept, for the person's choice.
    pub(super) fn put_conflict(change: &mut Change<'_>, conflict: &Conflict) -> Result<(), StateError> {
        let id = conflict.document_id;
        let mut title = None;
        for operation in change.load_queued(id)? {
            change.remove_operation(&operation.client_id)?;
            title = operation.title.filter(|_| operation.kind == "update").or(title);
        }
        if title.is_some() {
            change.enqueue(&QueuedOperation { title, ..QueuedOperation::new("update", id, now_us()) })?;
        }
        change.put_conflict(conflict)
    }
}
