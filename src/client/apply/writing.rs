//! Texts go into files so that nothing is lost whenever the program is cut off: by a draft, which `finish` puts in its place.
//!
//! Files of a page are written together: each wait for the disk serves many of them. The order is that of a single file: all drafts
//! are down to the disk before one transaction stores what the documents are now and which drafts are to take whose place; the
//! drafts are renamed, and their folders are down to the disk, before a second one notes that it is done. A cut between any two
//! steps leaves what a cut leaves at a single file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::thread;

use super::local::Local;
use super::waiting::{Waiting, Write};
use crate::client::clock::now_ns;
use crate::client::error::ClientError;
use crate::client::folder::{Held, Look};
use crate::client::state::{Body, Change, PendingWrite, StateError, TrackedFile};

/// Files that are written together.
const MOST_FILES: usize = 50;
/// Threads that wait for the disk.
const SYNCED_AT_ONCE: usize = 8;
/// Bytes of them.
const MOST_BYTES: usize = 4 * 1024 * 1024;

impl Local<'_> {
    /// From now on files are written together, and what is stored is committed with them.
    pub fn begin_together(&mut self) -> Result<(), ClientError> {
        self.state.begin_group()?;
        self.waiting = Some(Waiting::default());
        Ok(())
    }

    /// Ends that: the last of them are written.
    pub fn end_together(&mut self) -> Result<(), ClientError> {
        let stored = self.store_waiting();
        self.waiting = None;
        stored
    }

    /// Writes `text` to the document's file (the body's text, if it is `None`), which held the text `before`, if it was
    /// there, and stores file and body; `also` is part of the same transaction.
    pub fn write_file(
        &mut self,
        file: &TrackedFile,
        body: &Body,
        text: Option<&str>,
        before: Option<String>,
        also: impl FnOnce(&mut Change<'_>) -> Result<(), StateError>,
    ) -> Result<(), ClientError> {
        let text = text.unwrap_or(&body.content);
        let form = self.state.change(|change| change.find_form(file.document_id))?;
        let (draft, handle) = self.folder.write_draft_unsynced(&file.path, text, form)?;
        let is_waiting = self.waiting.is_some();
        if let Some(handle) = handle.as_ref().filter(|_| !is_waiting) {
            self.folder.sync_draft(&draft, handle)?;
        }
        let pending =
            PendingWrite { document_id: file.document_id, path: file.path.clone(), draft, old_content: before };
        self.state.change(|change| {
            change.put_file(file, body)?;
            change.put_pending_write(&pending)?;
            also(change)
        })?;
        if self.folder.is_rehearsal() {
            self.note_in_scan(&file.path, text, None);
            return self.state.change(|change| change.remove_pending_write(file.document_id)).map_err(Into::into);
        }
        match handle.filter(|_| is_waiting) {
            Some(handle) => self.defer(pending, text, handle),
            None => self.finish_write(pending, text),
        }
    }

    /// A file whose draft is written waits for the others.
    fn defer(&mut self, pending: PendingWrite, text: &str, file: File) -> Result<(), ClientError> {
        let Some(waiting) = &mut self.waiting else { return self.finish_write(pending, text) };
        waiting.bytes += text.len() + pending.old_content.as_ref().map_or(0, String::len);
        waiting.writes.push(Write { pending, text: text.to_owned(), file });
        if waiting.writes.len() >= MOST_FILES || waiting.bytes >= MOST_BYTES { self.flush_waiting() } else { Ok(()) }
    }

    /// Puts what waits in its place now.
    pub(super) fn flush_waiting(&mut self) -> Result<(), ClientError> {
        if self.waiting.as_ref().is_none_or(|waiting| waiting.writes.is_empty()) {
            return Ok(());
        }
        self.store_waiting()?;
        Ok(self.state.begin_group()?)
    }

    /// Commits the group, and puts its files in their places.
    fn store_waiting(&mut self) -> Result<(), ClientError> {
        let Waiting { writes, .. } = self.waiting.as_mut().map(std::mem::take).unwrap_or_default();
        let synced = self.sync_drafts(&writes);
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

    /// Brings drafts down to the disk, several at a time: file systems write what is waited for together in one go.
    fn sync_drafts(&self, writes: &[Write]) -> Result<(), ClientError> {
        let folder = &self.folder;
        let sync =
            |some: &[Write]| some.iter().try_for_each(|write| folder.sync_draft(&write.pending.draft, &write.file));
        let share = writes.len().div_ceil(SYNCED_AT_ONCE).max(1);
        thread::scope(|scope| {
            let threads: Vec<_> = writes.chunks(share).map(|some| scope.spawn(move || sync(some))).collect();
            let lost = || Err(ClientError::io(folder.root(), io::Error::other("a thread that writes has died")));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| lost())).fold(Ok(()), Result::and)
        })
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
        self.together(|local| {
            placed.iter().try_for_each(|(write, look, seen_ns): &(Write, Option<Look>, i64)| {
                local.settle_write(&write.pending, &write.text, *look, *seen_ns)
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
