//! The folder and its state, as one command works on them: what only this room changes.

use std::collections::{BTreeMap, BTreeSet};

use super::document::Editor;
use super::waiting::Waiting;
use crate::client::error::ClientError;
use crate::client::folder::scan::{FileLimits, LocalFile, Problem, Scan, scan};
use crate::client::folder::{Folder, Look};
use crate::client::interrupt::Interrupt;
use crate::client::model::Paths;
use crate::client::report::{Event, Report};
use crate::client::state::{DocId, State};
use crate::domain::operation::digest_of;

/// What came of a sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Operations that the server applied.
    pub pushed: usize,
    /// Documents of others' that were taken in.
    pub pulled: usize,
    /// Operations and files that failed.
    pub failed: usize,
    /// Operations that are still queued.
    pub queued: usize,
    /// Deletions that wait for a person's word.
    pub guarded: usize,
    /// Files that cannot be synced as they are.
    pub refused: usize,
}

/// The folder and its state.
pub struct Local<'a> {
    /// The folder.
    pub folder: Folder,
    /// What it remembers.
    pub state: State,
    /// Says what happens.
    pub report: &'a mut Report,
    /// Whether to stop.
    pub interrupt: Interrupt,
    /// What came of it so far.
    pub tally: Tally,
    /// The folder as it is now; kept in step with what is written.
    pub scan: Scan,
    /// Documents that are not pushed (again) in this run.
    pub held: BTreeSet<DocId>,
    /// Edits documents.
    pub editor: Editor,
    /// Which paths the documents have, once that is asked.
    pub(super) paths: Option<Paths>,
    /// Documents whose files could not be moved yet.
    pub(super) waiting_moves: BTreeSet<DocId>,
    /// Files that are written together, while documents are taken in.
    pub(super) waiting: Option<Waiting>,
}

impl<'a> Local<'a> {
    /// A folder that nothing has been done to yet. `device` is its name at the server.
    pub fn new(
        folder: Folder,
        state: State,
        device: &str,
        report: &'a mut Report,
        interrupt: Interrupt,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            folder,
            state,
            report,
            interrupt,
            tally: Tally::default(),
            scan: Scan::default(),
            held: BTreeSet::new(),
            editor: Editor::new(device)?,
            paths: None,
            waiting_moves: BTreeSet::new(),
            waiting: None,
        })
    }

    /// Reads the folder, all of it or what looks changed, and tells the problems of its files.
    pub fn look_at_folder(&mut self, limits: FileLimits, all: bool) -> Result<(), ClientError> {
        let tracked = self.state.change(|change| change.load_files())?;
        let found = scan(&self.folder, &tracked, limits, all);
        self.note_problems(&found.problems)?;
        if !found.seen.is_empty() {
            let seen_ns = found.begun_ns;
            self.state
                .change(|change| found.seen.iter().try_for_each(|(id, look)| change.mark_seen(*id, look, seen_ns)))?;
        }
        self.scan = found;
        self.discard_stray_drafts()
    }

    /// Reports the problems of files: those that last once, when they are found.
    fn note_problems(&mut self, problems: &BTreeMap<String, Problem>) -> Result<(), ClientError> {
        let known = self.state.change(|change| change.load_refusals())?;
        for (path, Problem { reason, is_refusal }) in problems {
            if !is_refusal {
                self.problem(path, reason);
            } else if known.get(path) != Some(reason) {
                self.report.show(&Event::Problem { path, reason });
                self.state.change(|change| change.put_refusal(path, reason))?;
            }
        }
        let is_over = |path: &&String| !problems.get(*path).is_some_and(|problem| problem.is_refusal);
        self.state.change(|change| known.keys().filter(is_over).try_for_each(|path| change.remove_refusal(path)))?;
        self.tally.refused = problems.values().filter(|problem| problem.is_refusal).count();
        Ok(())
    }

    /// Removes drafts that nothing is known of: they were cut off before anything was stored.
    fn discard_stray_drafts(&mut self) -> Result<(), ClientError> {
        let pending = self.state.change(|change| change.load_pending_writes())?;
        let known: BTreeSet<String> = pending.into_iter().map(|one| one.draft).collect();
        for draft in self.scan.drafts.iter().filter(|draft| !known.contains(*draft)) {
            self.folder.discard(draft);
        }
        Ok(())
    }

    /// Notes in the scan what a path holds now, since it was written here.
    pub fn note_in_scan(&mut self, path: &str, content: &str, look: Option<Look>) {
        let digest = digest_of(content).to_vec();
        // Only a rehearsal has written a file that is not there.
        let look = look.unwrap_or_default();
        self.scan.put(path, LocalFile { digest, look });
    }

    /// Runs `work`, and commits what it stores together. If storing fails nothing of it is stored; if anything else
    /// does, what was done until then stays.
    pub fn together<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, ClientError>) -> Result<T, ClientError> {
        self.state.begin_group()?;
        let outcome = work(self);
        let committed = self.state.end_group();
        outcome.and_then(|done| committed.map(|()| done).map_err(Into::into))
    }

    /// Where the file of a document is; its id if it has none.
    pub fn path_of(&mut self, id: DocId) -> Result<String, ClientError> {
        let file = self.state.change(|change| change.find_file(id))?;
        Ok(file.map_or_else(|| id.to_string(), |file| file.path))
    }

    /// Tells the problem of a file.
    pub fn problem(&mut self, path: &str, reason: &str) {
        self.report.show(&Event::Problem { path, reason });
        self.tally.failed += 1;
    }
}
