//! Deletions that wait for a person's word, while everything else syncs; and the answers: `landfall keep`, `landfall accept`.

use super::document::{body, row_of};
use super::local::Local;
use super::queue::{take_back_deletion, unqueue};
use crate::client::error::ClientError;
use crate::client::folder::Held;
use crate::client::model::{FileLimits, LocalChange};
use crate::client::plan::{Action, losses};
use crate::client::report::{Event, quoted};
use crate::client::state::{Conflict, DocId, LOST, QueuedOperation};

/// Where documents were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guarded {
    /// In the folder.
    Here,
    /// On the server.
    There,
    /// On the server, which was put back from a backup.
    Lost,
}

/// What a person says of deletions that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Documents and files stay, on both sides.
    Keep,
    /// They go, on both sides.
    Accept,
}

impl Local<'_> {
    /// Notes and tells that deletions wait.
    pub(super) fn wait_for_word(&mut self, side: Guarded, count: usize, what: &str) {
        self.tally.guarded += count;
        let folder = quoted(&self.folder.root().display().to_string());
        let next = match side {
            Guarded::Here => {
                format!("`landfall accept {folder}` deletes them, `landfall keep {folder}` brings the files back")
            }
            Guarded::There => format!(
                "`landfall accept {folder}` takes them away, `landfall keep {folder}` makes the documents again"
            ),
            Guarded::Lost => {
                format!("`landfall keep {folder}` sends them again, `landfall accept {folder}` takes them away")
            }
        };
        let lift = if side == Guarded::Lost { "" } else { "; so does --allow-mass-delete, once" };
        let reason = format!("{what}; everything else is synced. {next}{lift}");
        self.report.show(&Event::Problem { path: ".", reason: &reason });
    }

    /// Carries out what a person says of all deletions that wait; how many there were.
    pub fn answer_guard(&mut self, word: Word) -> Result<usize, ClientError> {
        self.look_at_folder(FileLimits::UNKNOWN, false)?;
        let there = self.state.change(|change| change.load_pending_removals())?;
        let (known, actions) = self.plan()?;
        let changes: Vec<LocalChange> = actions.iter().filter_map(Action::change).cloned().collect();
        let here = losses(&known, &self.scan.files, &changes);
        for (id, version) in &there {
            match word {
                Word::Accept => self.state.change(|change| change.accept_deletion(*id))?,
                Word::Keep => self.make_again(*id, *version)?,
            }
        }
        for id in &here {
            match word {
                Word::Accept => self.state.change(|change| change.accept_deletion(*id))?,
                Word::Keep => self.bring_back(*id)?,
            }
        }
        Ok(there.len() + here.len())
    }

    /// A document that is gone on the server is to be there again, as it is here.
    fn make_again(&mut self, id: DocId, version: i64) -> Result<(), ClientError> {
        let Some((file, stored)) = self.state.change(|change| change.find_with_body(id))? else { return Ok(()) };
        self.state.change(|change| change.remove_pending_removal(id))?;
        let text = match self.folder.read(&file.path) {
            Held::Text(text, _) => text,
            Held::Nothing | Held::Other(_) | Held::NoText(_) => stored.content.clone(),
        };
        if version != LOST {
            let gone = Conflict::found(id, &file.path, "", version, &file.title);
            let conflict = Conflict { server_deleted: true, ..gone };
            return self.keep_mine(&conflict, &text);
        }
        let state = match &stored.yjs_state {
            Some(state) => Some(self.editor.edit(Some(state), &text)?.1),
            None => None,
        };
        let content = state.is_none().then(|| text.clone());
        let title = Some(file.title.clone());
        let operation =
            QueuedOperation { title, content, yjs_update: state.clone(), ..QueuedOperation::new("create", id) };
        let file = row_of(id, &file.path, &file.title, 0, &text);
        self.state.change(|change| {
            unqueue(change, id)?;
            change.put_file(&file, &body(id, state, &text))?;
            change.enqueue(&operation)
        })?;
        Ok(())
    }

    /// A file that is gone or empty is to be there again, as it was.
    fn bring_back(&mut self, id: DocId) -> Result<(), ClientError> {
        let Some((file, stored)) = self.state.change(|change| change.find_with_body(id))? else { return Ok(()) };
        let before = self.folder.read_text(&file.path);
        self.write_file(&file, &stored, None, before, |change| take_back_deletion(change, id).map(drop))?;
        self.report.show(&Event::Written { path: &file.path });
        Ok(())
    }

    /// Reports documents that the server has lost, which wait for a decision.
    pub fn report_losses(&mut self) -> Result<(), ClientError> {
        let (removals, accepted) =
            self.state.change(|change| Ok((change.load_pending_removals()?, change.load_accepted_deletions()?)))?;
        let lost = removals.iter().filter(|(id, version)| *version == LOST && !accepted.contains(id)).count();
        if lost > 0 {
            let what = format!(
                "the server knows {lost} documents no more, as after a restore from a backup; their files stay"
            );
            self.wait_for_word(Guarded::Lost, lost, &what);
        }
        if self.tally.guarded == 0 && !accepted.is_empty() {
            self.state.change(|change| change.forget_accepted_deletions())?;
        }
        Ok(())
    }

    /// Notes that the server has lost a document: it stays, and a person is asked.
    pub fn note_lost(&mut self, id: DocId) -> Result<(), ClientError> {
        self.held.insert(id);
        self.state.change(|change| {
            unqueue(change, id)?;
            change.put_pending_removal(id, LOST)
        })?;
        Ok(())
    }
}
