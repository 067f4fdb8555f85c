//! Drafts take their files' places, whoever writes at the same time.
//!
//! A text is first written to a draft beside its file. Then one transaction stores what the document is now, that the
//! draft is to take the file's place, and what the file held until then. Then the draft is renamed. A draft that is
//! still there says that the file holds the old text, and one that is gone that it holds the new one: so the next
//! sync always knows what a file's further changes are changes of.

use super::document::{body, update_of};
use super::local::Local;
use super::queue::queue;
use crate::client::clock::now_ns;
use crate::client::error::ClientError;
use crate::client::folder::{Held, Look};
use crate::client::plan::FileSide;
use crate::client::report::Event;
use crate::client::state::{Conflict, PendingWrite, TrackedFile};
use crate::domain::operation::digest_of;
use crate::domain::text_unite::unite_texts;

/// How often a file may change while it is being replaced before it is left for the next sync.
const MAX_ROUNDS: usize = 5;

/// How one look at a pending write ended.
enum Round {
    Done,
    Changed(Box<PendingWrite>),
}

impl Local<'_> {
    /// Finishes what an earlier sync had begun to write.
    pub fn finish_pending_writes(&mut self) -> Result<(), ClientError> {
        for pending in self.state.change(|change| change.load_pending_writes())? {
            if !self.folder.holds_something(&pending.draft) {
                self.state.change(|change| change.remove_pending_write(pending.document_id))?;
                continue;
            }
            if self.folder.is_rehearsal() {
                let reason = "a write that was cut off is to be finished; sync without --dry-run first";
                self.report.show(&Event::Note { path: &pending.path, text: reason });
                continue;
            }
            let path = pending.path.clone();
            if let Err(failure) = self.finish_earlier_write(pending) {
                // It costs this file only: the draft stays, and what the file holds is not taken for anybody's change.
                let Some(reason) = failure.of_one_file() else { return Err(failure) };
                self.problem(&path, &format!("it cannot be written: {reason}"));
            }
        }
        Ok(())
    }

    fn finish_earlier_write(&mut self, pending: PendingWrite) -> Result<(), ClientError> {
        match self.folder.read_draft(&pending.draft)? {
            Some(text) => self.finish_write(pending, &text),
            None => Ok(self.state.change(|change| change.remove_pending_write(pending.document_id))?),
        }
    }

    /// Puts a draft with this text in the place of its file, united with what was changed there meanwhile.
    pub(super) fn finish_write(&mut self, pending: PendingWrite, text: &str) -> Result<(), ClientError> {
        let (mut pending, mut text) = (pending, text.to_owned());
        for _ in 0..MAX_ROUNDS {
            match self.try_to_finish(&pending, &text)? {
                Round::Done => return Ok(()),
                Round::Changed(next) => {
                    pending = *next;
                    text = self.folder.read_draft(&pending.draft)?.unwrap_or_default();
                }
            }
        }
        let reason = "it changes all the time; the next sync will try again";
        self.problem(&pending.path, reason);
        Ok(())
    }

    fn try_to_finish(&mut self, pending: &PendingWrite, text: &str) -> Result<Round, ClientError> {
        let seen_ns = now_ns();
        let held = self.folder.read(&pending.path);
        let side = match (&held, &pending.old_content) {
            (Held::Nothing, _) => FileSide::Absent,
            (Held::Text(now, _), _) if now == text => FileSide::AsServer,
            (Held::Text(now, _), Some(old)) if now == old => FileSide::AsSynced,
            (Held::Text(..), _) => FileSide::Different,
            (Held::Other(_) | Held::NoText(_), _) => FileSide::Unreadable,
        };
        match (side, held) {
            (FileSide::Absent | FileSide::AsSynced, held) => {
                let seen = if let Held::Text(_, look) = held { Some(look) } else { None };
                if self.folder.look(&pending.path) != seen {
                    return Ok(Round::Changed(Box::new(pending.clone())));
                }
                self.folder.put_in_place(&pending.draft, &pending.path)?;
                let look = self.folder.look(&pending.path);
                self.settle_write(pending, text, look, seen_ns).map(|()| Round::Done)
            }
            (FileSide::AsServer, Held::Text(_, look)) => {
                self.folder.discard(&pending.draft);
                self.settle_write(pending, text, Some(look), seen_ns).map(|()| Round::Done)
            }
            (FileSide::Different, Held::Text(now, _)) => match &pending.old_content {
                Some(old) => self.unite_with_file(pending, old, &now, text),
                None => self.leave_to_choice(pending, &now, text),
            },
            (_, Held::Other(reason) | Held::NoText(reason)) => {
                self.problem(&pending.path, &reason);
                Ok(Round::Done)
            }
            _ => Ok(Round::Done),
        }
    }

    /// Notes that a file holds its text.
    pub(super) fn settle_write(
        &mut self,
        pending: &PendingWrite,
        text: &str,
        look: Option<Look>,
        seen_ns: i64,
    ) -> Result<(), ClientError> {
        self.state.change(|change| {
            // A plain text that was merged here is still to be recorded, and must be read for that.
            let is_whole = |file: TrackedFile| file.digest == digest_of(text);
            if let Some(look) = look
                && change.find_file(pending.document_id)?.is_some_and(is_whole)
            {
                change.mark_seen(pending.document_id, &look, seen_ns)?;
            }
            change.remove_pending_write(pending.document_id)
        })?;
        self.note_in_scan(&pending.path, text, look);
        Ok(())
    }

    /// The file was changed after its old text had been read: its changes go into the document, and both into a new
    /// draft.
    fn unite_with_file(
        &mut self,
        pending: &PendingWrite,
        old: &str,
        now: &str,
        text: &str,
    ) -> Result<Round, ClientError> {
        let id = pending.document_id;
        let Some((mut file, mut stored)) = self.state.change(|change| change.find_with_body(id))? else {
            self.folder.discard(&pending.draft);
            self.state.change(|change| change.remove_pending_write(id))?;
            return Ok(Round::Done);
        };
        let Some(united) = unite_texts(old, now, text) else { return self.leave_to_choice(pending, now, text) };
        let mut operation = None;
        if let Some(state) = stored.yjs_state.as_ref().filter(|_| united != stored.content) {
            let (update, state) = self.editor.edit(Some(state), &united)?;
            stored = body(id, Some(state), &united);
            file.digest = digest_of(&united).to_vec();
            operation = Some(update_of(id, Some(update), &united));
        }
        let form = self.state.change(|change| change.find_form(id))?;
        let draft = self.folder.write_draft(&pending.path, &united, form)?;
        let next = PendingWrite { old_content: Some(now.to_owned()), draft, ..pending.clone() };
        self.state.change(|change| {
            change.put_file(&file, &stored)?;
            change.put_pending_write(&next)?;
            operation.map_or(Ok(()), |operation| queue(change, operation))
        })?;
        self.folder.discard(&pending.draft);
        Ok(Round::Changed(Box::new(next)))
    }

    /// Somebody made the file, or changed it so that texts alone cannot tell: both texts are kept.
    fn leave_to_choice(&mut self, pending: &PendingWrite, now: &str, text: &str) -> Result<Round, ClientError> {
        let id = pending.document_id;
        let Some((file, stored)) = self.state.change(|change| change.find_with_body(id))? else {
            self.folder.discard(&pending.draft);
            self.state.change(|change| change.remove_pending_write(id))?;
            return Ok(Round::Done);
        };
        let reason = "it was changed here and on the server, and the texts do not fit together";
        let conflict = Conflict {
            base_content: pending.old_content.clone(),
            local_content: Some(now.to_owned()),
            server_content: Some(text.to_owned()),
            server_yjs_state: stored.yjs_state,
            ..Conflict::found(id, &pending.path, reason, file.version, &file.title)
        };
        self.state.change(|change| {
            change.remove_pending_write(id)?;
            change.put_conflict(&conflict)
        })?;
        self.folder.discard(&pending.draft);
        self.report.show(&Event::Conflict { path: &pending.path, reason });
        Ok(Round::Done)
    }
}
