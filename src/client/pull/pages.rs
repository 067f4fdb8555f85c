//! The feed, page by page. The cursor moves only when everything before it is on disk.

use std::collections::{BTreeMap, BTreeSet};

use super::Pull;
use crate::client::apply::planning::plan_for_feed;
use crate::client::error::ClientError;
use crate::client::plan::{Action, Head};
use crate::client::report::{Counted, Event};
use crate::client::state::{DocId, IGNORED, LeftOut, Setting};
use crate::client::transport::wire::{ChangesPage, WireDocument};

impl Pull<'_, '_> {
    /// Takes in everything since the cursor, then removes what was deleted.
    pub fn pull(&mut self) -> Result<(), ClientError> {
        self.retry_left_out()?;
        let mut cursor = self.local.state.change(|change| change.find_setting(Setting::Cursor))?;
        if self.reads_all {
            cursor = None;
        }
        let mut seen: Option<BTreeMap<DocId, i64>> = cursor.is_none().then(BTreeMap::new);
        // Where nothing is, everything is missing.
        let is_whole = self.local.state.change(|change| change.has_no_files())?;
        loop {
            self.local.interrupt.check()?;
            let Some(page) = self.server.read_page(cursor.as_deref(), is_whole)? else {
                let text = "the last pull is too old; reading everything anew";
                self.local.report.show(&Event::Note { path: ".", text });
                cursor = None;
                seen = Some(BTreeMap::new());
                continue;
            };
            let has_more = page.has_more;
            if let Some(seen) = &mut seen {
                seen.extend(page.items.iter().filter_map(|one| Some((one.document_id?, one.version?))));
            }
            cursor = Some(self.take_in_page(page)?);
            if !has_more {
                break;
            }
        }
        if let Some(seen) = seen {
            self.note_losses(&seen)?;
        }
        self.carry_out_removals()?;
        self.local.settle_paths()
    }

    /// Takes away the files of documents that were deleted.
    pub fn carry_out_removals(&mut self) -> Result<(), ClientError> {
        self.local.carry_out_removals(self.allows_mass_delete)
    }

    /// Takes in a page and saves the cursor behind it.
    pub fn take_in_page(&mut self, page: ChangesPage) -> Result<String, ClientError> {
        let news = self.news_of(page.items)?;
        let news = self.fetch_what_is_missing(news)?;
        let titles = news.iter().filter_map(|one| Some((one.document_id?, one.title.as_deref()?, one.deleted)));
        self.local.note_titles(titles)?;
        self.local.settle_paths()?;
        self.local.report.expect(news.len());
        self.take_in_together(news)?;
        self.local.state.change(|change| change.put_setting(Setting::Cursor, &page.next_cursor))?;
        Ok(page.next_cursor)
    }

    /// Leaves out what is known: what was pushed from here, and deletions of documents that were never here.
    fn news_of(&mut self, documents: Vec<WireDocument>) -> Result<Vec<WireDocument>, ClientError> {
        let head =
            |one: &WireDocument| Head { document_id: one.document_id, version: one.version, is_deleted: one.deleted };
        let feed: Vec<Head> = documents.iter().map(head).collect();
        let actions = plan_for_feed(&mut self.local.state, &feed)?;
        let news: BTreeSet<usize> = actions.iter().filter_map(Action::place_in_feed).collect();
        let told = documents.into_iter().enumerate().filter(|(at, _)| news.contains(at));
        Ok(told.map(|(_, document)| document).collect())
    }

    /// Takes in documents; what that stores is committed together, and their files are written together.
    fn take_in_together(&mut self, documents: Vec<WireDocument>) -> Result<(), ClientError> {
        self.local.begin_together()?;
        let outcome = documents.into_iter().try_for_each(|document| {
            self.local.interrupt.check()?;
            self.take_in_unchecked(document)
        });
        let stored = self.local.end_together();
        outcome.and(stored)
    }

    /// Checks a document and takes it in; one that cannot be is reported and left out.
    pub fn take_in_unchecked(&mut self, document: WireDocument) -> Result<(), ClientError> {
        match document.check() {
            Ok(document) => {
                let title = document.title.clone();
                let id = document.document_id;
                let outcome = self.take_in(document)?;
                if outcome != Counted::Failed {
                    self.local.state.change(|change| change.remove_left_out(id))?;
                }
                self.local.report.count(&format!("pull {title}"), outcome);
            }
            Err((id, title, reason)) => {
                if let Some(id) = id {
                    self.local.leave_out(id, &title, &reason)?;
                }
                self.local.report.count(&format!("pull {title}"), Counted::Failed);
            }
        }
        Ok(())
    }

    /// Documents that were left out may fit by now.
    fn retry_left_out(&mut self) -> Result<(), ClientError> {
        for row in self.local.state.change(|change| change.load_left_out())? {
            self.local.interrupt.check()?;
            // The feed has another title.
            if row.is_refusal || (row.reason == IGNORED && self.is_ignored_still(&row)?) {
                continue;
            }
            match self.server.read_document(row.document_id)? {
                Some(document) => self.take_in_unchecked(document)?,
                None => self.local.state.change(|change| change.remove_left_out(row.document_id))?,
            }
        }
        Ok(())
    }

    fn is_ignored_still(&mut self, row: &LeftOut) -> Result<bool, ClientError> {
        let file = self.local.state.change(|change| change.find_file(row.document_id))?;
        let path = match file {
            Some(file) => Some(file.path),
            None => self.local.paths()?.path_of(row.document_id).and_then(Result::ok),
        };
        Ok(path.is_some_and(|path| self.local.scan.is_ignored(&path)))
    }

    /// Of a feed that was read from its beginning: what it does not tell of, or only of an earlier version, the server has
    /// lost.
    fn note_losses(&mut self, seen: &BTreeMap<DocId, i64>) -> Result<(), ClientError> {
        let (files, removals) =
            self.local.state.change(|change| Ok((change.load_files()?, change.load_pending_removals()?)))?;
        let waiting: BTreeSet<DocId> = removals.into_iter().map(|(id, _)| id).collect();
        let is_lost = |id: &DocId, version: i64| seen.get(id).is_none_or(|found| *found < version);
        let lost = files.iter().filter(|file| file.version > 0 && !waiting.contains(&file.document_id));
        let lost: Vec<DocId> =
            lost.filter(|file| is_lost(&file.document_id, file.version)).map(|file| file.document_id).collect();
        lost.into_iter().try_for_each(|id| self.local.note_lost(id))
    }
}
