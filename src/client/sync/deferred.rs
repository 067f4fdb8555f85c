//! Files of a page are written together: each wait for the disk serves many of them.
//!
//! The order is that of a single file (`write_back`): all drafts are down to the disk before one transaction stores what the documents are
//! now and which drafts are to take whose place; the drafts are renamed, and their folders are down to the disk, before a second one
//! notes that it is done. A cut between any two steps leaves what a cut leaves at a single file.

use std::collections::BTreeMap;
use std::fs::File;

use super::engine::Engine;
use super::group::{Deferred, Write};
use crate::client::error::ClientError;
use crate::client::folder::scan::now_ns;
use crate::client::folder::{Held, Look};
use crate::client::state::pending::PendingWrite;
use crate::client::transport::wire::WireDocument;

/// Files that are written together.
const MOST_FILES: usize = 50;
/// Bytes of them.
const MOST_BYTES: usize = 4 * 1024 * 1024;

impl Engine<'_> {
    /// Takes in documents; what that stores is committed together, and their files are written together.
    pub(super) fn take_in_together(&mut self, documents: Vec<WireDocument>) -> Result<(), ClientError> {
        self.state.begin_group()?;
        self.deferred = Some(Deferred::default());
        let outcome = documents.into_iter().try_for_each(|document| {
            self.interrupt.check()?;
            self.take_in_unchecked(document)
        });
        let stored = self.store_deferred();
        self.deferred = None;
        outcome.and(stored)
    }

    /// A file whose draft is written waits for the others.
    pub(super) fn defer(&mut self, pending: PendingWrite, text: &str, file: File) -> Result<(), ClientError> {
        let Some(deferred) = &mut self.deferred else { return self.finish_write(pending, text) };
        deferred.bytes += text.len() + pending.old_content.as_ref().map_or(0, String::len);
        deferred.writes.push(Write { pending, text: text.to_owned(), file });
        if deferred.writes.len() >= MOST_FILES || deferred.bytes >= MOST_BYTES { self.flush_deferred() } else { Ok(()) }
    }

    /// Puts what waits in its place now.
    pub(super) fn flush_deferred(&mut self) -> Result<(), ClientError> {
        if self.deferred.as_ref().is_none_or(|deferred| deferred.writes.is_empty()) {
            return Ok(());
        }
        self.store_deferred()?;
        Ok(self.state.begin_group()?)
    }

    /// Commits the group, and puts its files in their places.
    fn store_deferred(&mut self) -> Result<(), ClientError> {
        let Deferred { writes, .. } = self.deferred.as_mut().map(std::mem::take).unwrap_or_default();
        let synced = writes.iter().try_for_each(|write| self.folder.sync_draft(&write.pending.draft, &write.file));
        if synced.is_err() {
            self.state.fail_group();
        }
        let is_lost = self.state.has_failed();
        let committed = self.state.end_group().map_err(ClientError::from);
        if is_lost || committed.is_err() {
            // Nothing points to them.
            writes.iter().for_each(|write| self.folder.discard(&write.pending.draft));
            return synced.and(committed);
        }
        self.put_in_places(writes)
    }

    fn put_in_places(&mut self, writes: Vec<Write>) -> Result<(), ClientError> {
        let (mut placed, mut others, mut folders) = (Vec::new(), Vec::new(), BTreeMap::new());
        for write in writes {
            let seen_ns = now_ns();
            if self.is_as_before(&write.pending)
                && self.folder.replace(&write.pending.draft, &write.pending.path).is_ok()
            {
                let parent = write.pending.path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
                folders.entry(parent).or_insert_with(|| write.pending.path.clone());
                let look = self.folder.look(&write.pending.path);
                placed.push((write, look, seen_ns));
            } else {
                others.push(write);
            }
        }
        folders.values().try_for_each(|path| self.folder.sync_folder_of(path))?;
        self.together(|engine| {
            placed.iter().try_for_each(|(write, look, seen_ns): &(Write, Option<Look>, i64)| {
                engine.settle_write(&write.pending, &write.text, *look, *seen_ns)
            })
        })?;
        for Write { pending, text, .. } in others {
            let path = pending.path.clone();
            if let Err(failure) = self.finish_write(pending, &text) {
                let Some(reason) = failure.of_one_file() else { return Err(failure) };
                self.problem(&path, &format!("it cannot be written: {reason}"));
            }
        }
        Ok(())
    }

    /// Whether the file that a draft is to replace is still what it was.
    fn is_as_before(&self, pending: &PendingWrite) -> bool {
        match (self.folder.read(&pending.path), &pending.old_content) {
            (Held::Nothing, _) => self.folder.look(&pending.path).is_none(),
            (Held::Text(now, look), Some(old)) => now == *old && self.folder.look(&pending.path) == Some(look),
            _ => false,
        }
    }
}
