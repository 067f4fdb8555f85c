//! Taking in what others did: the feed, page by page. The cursor moves only when everything before it is on disk.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::engine::Engine;
use crate::client::error::ClientError;
use crate::client::report::{Counted, Event};
use crate::client::state::DocId;
use crate::client::state::open_questions::{IGNORED, LeftOut};
use crate::client::state::settings::Setting;
use crate::client::transport::wire::{BaseBody, ChangesPage, WireDocument};

/// Documents of a page.
const PAGE_DOCUMENTS: usize = 200;

/// The code of a cursor that is too old, or of another database.
const CURSOR_EXPIRED: &str = "cursor_expired";

impl Engine<'_> {
    /// Takes in everything since the cursor, then removes what was deleted.
    pub(super) fn pull(&mut self) -> Result<(), ClientError> {
        self.retry_left_out()?;
        let mut cursor = self.state.change(|change| change.find_setting(Setting::Cursor))?;
        if self.settings.force_full {
            cursor = None;
        }
        let mut seen: Option<BTreeMap<DocId, i64>> = cursor.is_none().then(BTreeMap::new);
        loop {
            self.interrupt.check()?;
            let page = match self.read_page(cursor.as_deref()) {
                Err(ClientError::Refused { code, .. }) if code == CURSOR_EXPIRED && cursor.is_some() => {
                    self.report
                        .tell(&Event::Note { path: ".", text: "the last pull is too old; reading everything anew" });
                    cursor = None;
                    seen = Some(BTreeMap::new());
                    continue;
                }
                outcome => outcome?,
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
        self.settle_paths()
    }

    fn read_page(&self, cursor: Option<&str>) -> Result<ChangesPage, ClientError> {
        let workspace = &self.identity.workspace;
        let from = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let path =
            format!("/api/v1/documents/changes?workspace_id={workspace}&limit={PAGE_DOCUMENTS}&yjs=vector{from}");
        self.remote.get(&path)
    }

    /// Takes in a page and saves the cursor behind it.
    pub(super) fn take_in_page(&mut self, page: ChangesPage) -> Result<String, ClientError> {
        let news = self.news_of(page.items)?;
        let news = self.fetch_what_is_missing(news)?;
        let titles = news.iter().filter_map(|one| Some((one.document_id?, one.title.as_deref()?, one.deleted)));
        self.note_titles(titles)?;
        self.settle_paths()?;
        self.report.expect(news.len());
        self.take_in_together(news)?;
        self.state.change(|change| change.put_setting(Setting::Cursor, &page.next_cursor))?;
        Ok(page.next_cursor)
    }

    /// Leaves out what is known: what was pushed from here, and deletions of documents that were never here.
    fn news_of(&mut self, documents: Vec<WireDocument>) -> Result<Vec<WireDocument>, ClientError> {
        let (files, conflicts, removals) = self
            .state
            .change(|change| Ok((change.load_files()?, change.load_conflicts()?, change.load_pending_removals()?)))?;
        let versions: BTreeMap<DocId, i64> = files.iter().map(|file| (file.document_id, file.version)).collect();
        let waiting: BTreeSet<DocId> =
            conflicts.iter().map(|one| one.document_id).chain(removals.iter().map(|(id, _)| *id)).collect();
        let is_news = |document: &WireDocument| match document.document_id {
            Some(id) if waiting.contains(&id) => true,
            Some(id) => match versions.get(&id) {
                Some(version) => document.version.is_none_or(|news| news > *version),
                None => !document.deleted,
            },
            None => true,
        };
        Ok(documents.into_iter().filter(is_news).collect())
    }

    /// Checks a document and takes it in; one that cannot be is told and left out.
    pub(super) fn take_in_unchecked(&mut self, document: WireDocument) -> Result<(), ClientError> {
        match document.check(&self.caps) {
            Ok(document) => {
                let title = document.title.clone();
                let id = document.document_id;
                let outcome = self.take_in(document)?;
                if outcome != Counted::Failed {
                    self.state.change(|change| change.remove_left_out(id))?;
                }
                self.report.count(&format!("pull {title}"), outcome);
            }
            Err((id, title, reason)) => {
                if let Some(id) = id {
                    self.leave_out(id, &title, &reason)?;
                }
                self.report.count(&format!("pull {title}"), Counted::Failed);
            }
        }
        Ok(())
    }

    /// Notes and reports that no file can stand for a document now.
    pub(super) fn leave_out(&mut self, id: DocId, title: &str, reason: &str) -> Result<(), ClientError> {
        self.put_left_out(id, title, reason, false)?;
        self.problem(title, reason);
        Ok(())
    }

    /// Notes and reports that no file can stand for a document as long as it has this title.
    pub(super) fn refuse(&mut self, id: DocId, title: &str, reason: &str) -> Result<(), ClientError> {
        self.put_left_out(id, title, reason, true)?;
        self.report.tell(&Event::Problem { path: title, reason });
        Ok(())
    }

    /// Notes that a document is left out.
    pub(super) fn put_left_out(
        &mut self,
        id: DocId,
        title: &str,
        reason: &str,
        is_refusal: bool,
    ) -> Result<(), ClientError> {
        let row = LeftOut { document_id: id, title: title.to_owned(), reason: reason.to_owned(), is_refusal };
        self.state.change(|change| change.put_left_out(&row))?;
        Ok(())
    }

    /// Documents that were left out may fit by now.
    fn retry_left_out(&mut self) -> Result<(), ClientError> {
        for row in self.state.change(|change| change.load_left_out())? {
            self.interrupt.check()?;
            // The feed tells of another title.
            if row.is_refusal || (row.reason == IGNORED && self.is_ignored_still(&row)?) {
                continue;
            }
            match self.read_document(row.document_id)? {
                Some(document) => self.take_in_unchecked(document)?,
                None => self.state.change(|change| change.remove_left_out(row.document_id))?,
            }
        }
        Ok(())
    }

    fn is_ignored_still(&mut self, row: &LeftOut) -> Result<bool, ClientError> {
        let file = self.state.change(|change| change.find_file(row.document_id))?;
        let path = match file {
            Some(file) => Some(file.path),
            None => self.paths()?.path_of(row.document_id).and_then(Result::ok),
        };
        Ok(path.is_some_and(|path| self.scan.is_ignored(&path)))
    }

    /// Of a feed that was read from its beginning: what it does not tell of, or only of an earlier version, the server has
    /// lost.
    fn note_losses(&mut self, seen: &BTreeMap<DocId, i64>) -> Result<(), ClientError> {
        let (files, removals) =
            self.state.change(|change| Ok((change.load_files()?, change.load_pending_removals()?)))?;
        let waiting: BTreeSet<DocId> = removals.into_iter().map(|(id, _)| id).collect();
        let is_lost = |id: &DocId, version: i64| seen.get(id).is_none_or(|found| *found < version);
        let lost = files.iter().filter(|file| file.version > 0 && !waiting.contains(&file.document_id));
        let lost: Vec<DocId> =
            lost.filter(|file| is_lost(&file.document_id, file.version)).map(|file| file.document_id).collect();
        lost.into_iter().try_for_each(|id| self.note_lost(id))
    }

    /// A document as the server has it now; `None` if it has none.
    pub(super) fn read_document(&self, id: DocId) -> Result<Option<WireDocument>, ClientError> {
        self.read_if_there(&format!("/api/v1/documents/{id}"))
    }

    /// Reads one version's text; `None` if the history does not have it.
    pub(super) fn read_version(&self, id: DocId, version: i64) -> Result<Option<BaseBody>, ClientError> {
        self.read_if_there(&format!("/api/v1/documents/{id}/versions/{version}"))
    }

    fn read_if_there<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ClientError> {
        match self.remote.get(&format!("{path}?workspace_id={}", self.identity.workspace)) {
            Ok(found) => Ok(Some(found)),
            Err(ClientError::Refused { code, .. }) if code == "not_found" => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
