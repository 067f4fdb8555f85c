//! Files are moved to where their documents' titles say, when those have changed: here, there, or of other documents.

use std::collections::BTreeSet;

use super::local::Local;
use crate::client::error::ClientError;
use crate::client::model::{Paths, folded, own_path};
use crate::client::report::Event;
use crate::client::state::{DocId, TrackedFile};

/// More documents than this are looked for among all.
const FEW: usize = 50;

/// A file that is to be moved, and where to.
struct Journey {
    file: TrackedFile,
    to: String,
}

impl Local<'_> {
    /// Which paths the documents have.
    pub fn paths(&mut self) -> Result<&mut Paths, ClientError> {
        if self.paths.is_none() {
            let built = self.build_paths()?;
            self.paths = Some(built);
        }
        Ok(self.paths.get_or_insert_with(Paths::default))
    }

    fn build_paths(&mut self) -> Result<Paths, ClientError> {
        let (files, left_out, conflicts, queue) = self.state.change(|change| {
            Ok((change.load_files()?, change.load_left_out()?, change.load_conflicts()?, change.list_outbox()?))
        })?;
        let deleted: BTreeSet<DocId> =
            queue.iter().filter(|(_, _, kind)| kind == "delete").map(|(_, id, _)| *id).collect();
        let mut paths = Paths::default();
        left_out.iter().for_each(|one| paths.put(one.document_id, &one.title));
        let live = conflicts.iter().filter(|one| !one.server_deleted);
        live.for_each(|one| paths.put(one.document_id, &one.server_title));
        let kept = files.iter().filter(|file| !deleted.contains(&file.document_id));
        kept.for_each(|file| paths.put(file.document_id, &file.title));
        Ok(paths)
    }

    /// A document is gone, or is to be.
    pub fn note_gone(&mut self, id: DocId) {
        if let Some(paths) = &mut self.paths {
            paths.remove(id);
        }
    }

    /// Notes the titles of documents of the server's, before they are taken in. A title that was changed here stays.
    pub fn note_titles<'d>(
        &mut self,
        documents: impl IntoIterator<Item = (DocId, &'d str, bool)>,
    ) -> Result<(), ClientError> {
        for (id, title, is_deleted) in documents {
            let (known, queued) = self.state.change(|change| Ok((change.find_file(id)?, change.load_queued(id)?)))?;
            if is_deleted {
                self.paths()?.remove(id);
                continue;
            }
            match known {
                Some(file) if queued.iter().any(|operation| operation.title.is_some()) => {
                    self.paths()?.put(id, &file.title);
                }
                Some(mut file) => {
                    self.paths()?.put(id, title);
                    if file.title != title {
                        title.clone_into(&mut file.title);
                        self.state.change(|change| change.update_file(&file))?;
                    }
                }
                None => self.paths()?.put(id, title),
            }
        }
        Ok(())
    }

    /// Moves the files of documents whose paths have changed. One whose place is taken by what is no document's is left for
    /// another time.
    pub fn settle_paths(&mut self) -> Result<(), ClientError> {
        let Some(paths) = &mut self.paths else { return Ok(()) };
        let changed = paths.take_changed();
        if changed.is_empty() && self.waiting_moves.is_empty() {
            return Ok(());
        }
        // Only what is in its place can be moved.
        self.flush_waiting()?;
        let mut journeys = self.journeys(&changed)?;
        loop {
            let mut waiting = Vec::new();
            let before = journeys.len();
            for journey in journeys {
                if self.is_vacant(&journey)? { self.travel(journey)? } else { waiting.push(journey) }
            }
            journeys = waiting;
            if journeys.is_empty() {
                return Ok(());
            }
            if journeys.len() == before && !self.make_way(&mut journeys)? {
                break;
            }
        }
        let waiting = journeys.into_iter().map(|journey| journey.file.document_id);
        self.waiting_moves.extend(waiting);
        Ok(())
    }

    fn journeys(&mut self, changed: &BTreeSet<DocId>) -> Result<Vec<Journey>, ClientError> {
        let changed: BTreeSet<DocId> = changed.iter().copied().chain(std::mem::take(&mut self.waiting_moves)).collect();
        let (rows, conflicts) = self.state.change(|change| {
            let rows = if changed.len() > FEW {
                change.load_files()?
            } else {
                let found: Result<Vec<_>, _> = changed.iter().map(|id| change.find_file(*id)).collect();
                found?.into_iter().flatten().collect()
            };
            Ok((rows, change.list_conflicts()?))
        })?;
        let held: BTreeSet<DocId> = conflicts.into_iter().map(|(id, ..)| id).collect();
        let mut journeys = Vec::new();
        for file in rows.into_iter().filter(|row| changed.contains(&row.document_id)) {
            let id = file.document_id;
            match self.paths()?.path_of(id) {
                Some(Ok(to)) if to != file.path && !held.contains(&id) => journeys.push(Journey { file, to }),
                Some(Err(reason)) => {
                    let reason = format!("its new title {:?} cannot be a file's path: {reason}", file.title);
                    self.problem(&file.path, &reason);
                }
                _ => {}
            }
        }
        Ok(journeys)
    }

    /// Whether nothing stands where a file is to go.
    fn is_vacant(&mut self, journey: &Journey) -> Result<bool, ClientError> {
        let Journey { file, to } = journey;
        let holders = self.state.change(|change| change.load_files_like(&folded(to)))?;
        let is_taken = holders.iter().any(|holder| holder.document_id != file.document_id);
        Ok(!is_taken && !self.folder.holds_another(&file.path, to))
    }

    /// Of files that are in each other's places, moves the first to a name of its own.
    fn make_way(&mut self, journeys: &mut [Journey]) -> Result<bool, ClientError> {
        let wanted: BTreeSet<String> = journeys.iter().map(|journey| folded(&journey.to)).collect();
        let Some(first) = journeys.iter_mut().find(|journey| wanted.contains(&folded(&journey.file.path))) else {
            return Ok(false);
        };
        let aside = own_path(&first.to, first.file.document_id);
        if aside == first.file.path || self.folder.holds_something(&aside) {
            return Ok(false);
        }
        self.move_file(&mut first.file, aside)?;
        self.state.change(|change| change.update_file(&first.file))?;
        Ok(true)
    }

    fn travel(&mut self, journey: Journey) -> Result<(), ClientError> {
        let Journey { mut file, to } = journey;
        match self.move_file(&mut file, to) {
            Ok(()) => Ok(self.state.change(|change| change.update_file(&file))?),
            Err(failure) => {
                // A folder that cannot be written: it affects this file only.
                let Some(reason) = failure.of_one_file() else { return Err(failure) };
                self.problem(&file.path, &format!("it cannot be moved: {reason}"));
                Ok(())
            }
        }
    }

    fn move_file(&mut self, file: &mut TrackedFile, to: String) -> Result<(), ClientError> {
        if self.folder.holds_something(&file.path) {
            self.folder.rename(&file.path, &to)?;
            self.report.show(&Event::Moved { from: &file.path, to: &to });
        }
        if let Some(scanned) = self.scan.remove(&file.path) {
            self.scan.put(&to, scanned);
        }
        file.folded = folded(&to);
        file.path = to;
        Ok(())
    }
}
