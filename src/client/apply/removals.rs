//! Documents that others deleted: noted while pages are taken in, carried out when they can be counted.

use super::guard::Guarded;
use super::local::Local;
use super::queue::unqueue;
use crate::client::error::ClientError;
use crate::client::folder::Held;
use crate::client::plan::{FileSide, TakeIn, is_mass_deletion, take_in};
use crate::client::report::Event;
use crate::client::state::{Body, Change, Conflict, DocId, LOST, QueuedOperation, StateError, TrackedFile};

/// What became of a file whose document was deleted.
enum Removal {
    /// It is gone, or a person is asked.
    Settled,
    /// Nothing yet: somebody is writing it.
    Postponed,
}

impl Local<'_> {
    /// Takes away the files of the documents that were deleted. If they are too many they wait for a person's word, unless that is
    /// `given`; what the server has lost waits in any case.
    pub fn carry_out_removals(&mut self, given: bool) -> Result<(), ClientError> {
        let (mut removals, tracked, accepted) = self.state.change(|change| {
            Ok((change.load_pending_removals()?, change.load_files()?.len(), change.load_accepted_deletions()?))
        })?;
        removals.retain(|(id, version)| *version != LOST || accepted.contains(id));
        let asked = removals.iter().filter(|(id, _)| !accepted.contains(id)).count();
        if is_mass_deletion(asked, tracked) && !given {
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
                self.report.show(&Event::Removed { path: &file.path });
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
    pub fn forget(&mut self, id: DocId, path: &str) -> Result<(), ClientError> {
        self.state.change(|change| {
            unqueue(change, id)?;
            change.forget_file(id)
        })?;
        self.note_gone(id);
        self.scan.remove(path);
        Ok(())
    }

    /// Deleted there, changed here: the file stays, and a person chooses.
    pub fn ask_about_deleted(
        &mut self,
        file: &TrackedFile,
        base_content: Option<String>,
        local_content: Option<String>,
        version: i64,
    ) -> Result<(), ClientError> {
        let reason = "it was changed here and deleted by somebody else; the file stays";
        let conflict = Conflict {
            base_content,
            local_content,
            server_deleted: true,
            ..Conflict::found(file.document_id, &file.path, reason, version, &file.title)
        };
        self.state.change(|change| put_conflict(change, &conflict))?;
        self.report.show(&Event::Conflict { path: &file.path, reason });
        Ok(())
    }
}

/// Notes a conflict. What was queued for the document is in its file; a new title is kept, for the person's choice.
pub fn put_conflict(change: &mut Change<'_>, conflict: &Conflict) -> Result<(), StateError> {
    let id = conflict.document_id;
    let queued = unqueue(change, id)?.into_iter().filter(|operation| operation.kind == "update");
    let title = queued.filter_map(|operation| operation.title).next_back();
    if title.is_some() {
        change.enqueue(&QueuedOperation { title, ..QueuedOperation::new("update", id) })?;
    }
    change.put_conflict(conflict)
}
