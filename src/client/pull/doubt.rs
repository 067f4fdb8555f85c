//! A state that may be older than the files beside it, as after a backup was put back: what it says of files is of another
//! time. Followed blindly, it would take others' changes in the files for the person's own and undo or double them.
//!
//! So everything is read anew first. A file that is missing is not taken for deleted, and one that differs from what was
//! last synced is compared with the document's history: if it holds an earlier version, nothing was changed here. Only
//! a text that no version has is left to a person's choice. The doubt ends with a complete pull.

use super::Pull;
use crate::client::error::ClientError;
use crate::client::folder::Held;
use crate::client::report::Event;
use crate::client::state::{Body, DocId, QueuedOperation, Setting, TrackedFile};
use crate::domain::line_ends::inside;

/// Versions of a document that a file is compared with, from the newest back.
const COMPARED_VERSIONS: i64 = 50;

impl Pull<'_, '_> {
    /// Prepares the state for being compared with everything, if it is in doubt.
    pub fn begin_doubt(&mut self) -> Result<(), ClientError> {
        self.is_in_doubt = self.local.state.change(|change| change.find_setting(Setting::Doubt))?.is_some();
        if !self.is_in_doubt {
            return Ok(());
        }
        let files = self.local.state.change(|change| change.load_files())?;
        let missing = files.into_iter().map(|file| (file.document_id, file.path));
        let missing: Vec<DocId> =
            missing.filter(|(_, path)| !self.local.folder.holds_something(path)).map(|(id, _)| id).collect();
        self.local.state.change(|change| {
            for (name, ..) in change.list_outbox()? {
                // What was sent is answered as it was then. The rest may have been sent since, in another form.
                let Some(operation) = change.find_operation(&name)?.filter(|operation| !operation.sent) else {
                    continue;
                };
                change.remove_operation(&name)?;
                if let Some(operation) = without_reversals(operation) {
                    change.enqueue(&operation)?;
                }
            }
            missing.into_iter().try_for_each(|id| change.forget_file(id))
        })?;
        Ok(())
    }

    /// Everything has been compared.
    pub fn end_doubt(&mut self) -> Result<(), ClientError> {
        if self.is_in_doubt {
            self.local.state.change(|change| change.remove_setting(Setting::Doubt))?;
            self.is_in_doubt = false;
        }
        Ok(())
    }

    /// Writes a document to its file if that holds an earlier version of it, after `since`: then nothing was changed
    /// here, and the file is merely old. Whether it was so.
    pub fn replace_if_earlier(
        &mut self,
        file: &TrackedFile,
        now: &Body,
        held: &Held,
        since: i64,
    ) -> Result<bool, ClientError> {
        let Held::Text(old, _) = held else { return Ok(false) };
        if !self.is_earlier_version(file, old, since)? {
            return Ok(false);
        }
        self.local.write_file(file, now, None, Some(old.clone()), |_| Ok(()))?;
        self.local.report.show(&Event::Note { path: &file.path, text: "it held an earlier version of the document" });
        self.local.report.show(&Event::Written { path: &file.path });
        Ok(true)
    }

    fn is_earlier_version(&self, file: &TrackedFile, text: &str, since: i64) -> Result<bool, ClientError> {
        let oldest = since.max(file.version - COMPARED_VERSIONS).max(0);
        for version in (oldest + 1..file.version).rev() {
            self.local.interrupt.check()?;
            match self.server.read_version(file.document_id, version) {
                Ok(Some(found)) if found.content.as_deref().is_some_and(|content| inside(content) == text) => {
                    return Ok(true);
                }
                Ok(Some(_)) => {}
                // The history does not go back that far.
                Ok(None) | Err(ClientError::Refused { .. }) => return Ok(false),
                Err(failure) => return Err(failure),
            }
        }
        Ok(false)
    }
}

/// What may still be sent of an operation that was queued at another time, under a new name: changes of the text unite
/// with whatever came since; titles and deletions would undo it.
fn without_reversals(operation: QueuedOperation) -> Option<QueuedOperation> {
    let QueuedOperation { client_id, .. } = QueuedOperation::new("", operation.document_id);
    match operation.kind.as_str() {
        "create" => Some(QueuedOperation { client_id, ..operation }),
        "update" if operation.content.is_some() || operation.yjs_update.is_some() => {
            Some(QueuedOperation { client_id, title: None, ..operation })
        }
        _ => None,
    }
}
