//! Finding what is to be taken back: the documents, and the spans of their versions.

use super::request::{DOCUMENTS_AT_ONCE, Since, TakeBack, What};
use crate::domain::document::DocumentHead;
use crate::domain::ids::{BatchId, DocumentId, Version};
use crate::domain::operation::OperationKind;
use crate::domain::take_back::{Made, Mark, Moment, Span, spans_of};
use crate::store::StoreError;
use crate::store::documents::VersionEntry;
use crate::store::past::{Past, Present, Then};
use crate::sync::past::is_unchanged_since;
use crate::sync::{SyncError, SyncService};

/// Documents that are looked at together.
const LOOK: i64 = 500;
/// How often is looked for one page at most, so that no read goes on for long.
const MAX_LOOKS: usize = 20;
/// Versions of a document that are looked through for those of somebody.
const MOST_VERSIONS: i64 = 10_000;

/// A document, and what of it is to be taken back.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The document as it is.
    pub head: DocumentHead,
    /// The versions, in order; `None` if they are too many to be looked through.
    pub spans: Option<Vec<Span>>,
}

/// Some of the documents, by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    pub targets: Vec<Target>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<DocumentId>,
}

/// Why there are none.
enum Refusal {
    NoSuchBatch,
    Expired,
}

impl SyncService {
    /// The documents of a request after `after`: what happened to each between two moments, as far as it is to be taken
    /// back. A batch's are all there at once.
    pub(super) fn find_targets(
        &self,
        request: &TakeBack,
        moment: Moment,
        until: Moment,
        after: Option<DocumentId>,
    ) -> Result<Page, SyncError> {
        self.store.read_past(request.workspace_id, |past| {
            let found = match &request.what {
                What::Batch(batch) => targets_of_batch(past, *batch)?,
                What::Since(since) => Period { since, moment, until }.page(past, after)?,
            };
            Ok(match found {
                Ok(page) => Ok(page),
                Err(Refusal::NoSuchBatch) => Err(SyncError::NoSuchBatch),
                Err(Refusal::Expired) => Err(SyncError::HistoryExpired { since: past.horizon()?.since }),
            })
        })?
    }
}

fn targets_of_batch(past: &mut Past<'_>, batch: BatchId) -> Result<Result<Page, Refusal>, StoreError> {
    let entries = past.versions_of_batch(batch)?;
    if entries.is_empty() {
        let expired = batch.made_at() < past.horizon()?.since;
        return Ok(Err(if expired { Refusal::Expired } else { Refusal::NoSuchBatch }));
    }
    let mut targets = Vec::new();
    for versions in entries.chunk_by(|(one, _), (other, _)| one == other) {
        let Some((id, first)) = versions.first() else { continue };
        // One whose tombstone was purged is gone for good.
        let Some(present) = past.document(*id)? else { continue };
        let before = match past.before(*id, first.version)? {
            Then::Version(entry) => Some(mark_of(&entry)),
            Then::Absent => None,
            Then::Lost => return Ok(Err(Refusal::Expired)),
        };
        let made: Vec<Made> = versions.iter().map(|(_, entry)| made_of(entry, true)).collect();
        targets.push(Target { head: present.head, spans: Some(spans_of(before, &made)) });
    }
    Ok(Ok(Page { targets, next: None }))
}

/// What was done between two moments.
struct Period<'a> {
    since: &'a Since,
    moment: Moment,
    until: Moment,
}

impl Period<'_> {
    /// [`DOCUMENTS_AT_ONCE`] of them at most, and fewer where many are looked at in vain.
    fn page(&self, past: &mut Past<'_>, after: Option<DocumentId>) -> Result<Result<Page, Refusal>, StoreError> {
        let mut page = Page { targets: Vec::new(), next: after };
        for _ in 0..MAX_LOOKS {
            let (found, is_last) = self.look(past, page.next)?;
            for present in found {
                if page.targets.len() == DOCUMENTS_AT_ONCE {
                    return Ok(Ok(page));
                }
                page.next = Some(present.head.document_id);
                match self.target(past, present)? {
                    Ok(target) => page.targets.extend(target),
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
            if is_last {
                page.next = None;
                break;
            }
        }
        Ok(Ok(page))
    }

    /// The next documents that were changed, and whether they are the last.
    fn look(&self, past: &mut Past<'_>, after: Option<DocumentId>) -> Result<(Vec<Present>, bool), StoreError> {
        let Some(ids) = &self.since.document_ids else {
            let found = past.documents(Some(self.moment), after, LOOK)?;
            let is_last = i64::try_from(found.len()).is_ok_and(|found| found < LOOK);
            return Ok((found, is_last));
        };
        let mut found = Vec::new();
        for id in ids.iter().filter(|id| after.is_none_or(|after| **id > after)) {
            found.extend(past.document(*id)?.filter(|present| !is_unchanged_since(present, self.moment)));
        }
        Ok((found, true))
    }

    fn target(&self, past: &mut Past<'_>, present: Present) -> Result<Result<Option<Target>, Refusal>, StoreError> {
        let id = present.head.document_id;
        let before = match past.at(id, self.moment)? {
            Then::Version(entry) => Some(mark_of(&entry)),
            Then::Absent => None,
            Then::Lost => return Ok(Err(Refusal::Expired)),
        };
        if !self.is_named(&present.head, before.as_ref()) {
            return Ok(Ok(None));
        }
        let first = before.as_ref().map_or(0, |before| before.version);
        let spans = if self.since.is_selective() {
            self.selected(past, id, first, before)?
        } else {
            let after = if is_unchanged_since(&present, self.until) {
                Some(mark_of_head(&present.head))
            } else {
                match past.at(id, self.until)? {
                    Then::Version(entry) => Some(mark_of(&entry)),
                    Then::Absent | Then::Lost => None,
                }
            };
            Some(whole(&present.head, before, after).into_iter().collect())
        };
        let is_empty = spans.as_ref().is_some_and(Vec::is_empty);
        Ok(Ok((!is_empty).then_some(Target { head: present.head, spans })))
    }

    fn is_named(&self, head: &DocumentHead, before: Option<&Mark>) -> bool {
        let Some(prefix) = self.since.title_prefix.as_deref() else { return true };
        head.title.starts_with(prefix) || before.is_some_and(|before| before.title.starts_with(prefix))
    }

    /// The versions of whom the request names; `None` if there are too many to look through.
    fn selected(
        &self,
        past: &mut Past<'_>,
        id: DocumentId,
        first: Version,
        before: Option<Mark>,
    ) -> Result<Option<Vec<Span>>, StoreError> {
        let entries = past.versions_after(id, first, MOST_VERSIONS)?;
        if i64::try_from(entries.len()).is_ok_and(|found| found == MOST_VERSIONS) {
            return Ok(None);
        }
        let made: Vec<Made> = entries.iter().map(|entry| made_of(entry, self.is_meant(entry))).collect();
        Ok(Some(spans_of(before, &made)))
    }

    fn is_meant(&self, entry: &VersionEntry) -> bool {
        let Since { by_user, by_device, sync_id, .. } = self.since;
        let is_before = match self.until {
            Moment::Time(time) => entry.created_at <= time,
            Moment::Sequence(sequence) => entry.batch_id.is_none_or(|batch| batch.sequence() <= sequence),
        };
        is_before
            && by_user.as_ref().is_none_or(|name| entry.author == *name)
            && by_device.as_ref().is_none_or(|device| entry.device_id.as_ref() == Some(device))
            && sync_id.is_none_or(|run| entry.sync_id == Some(run))
    }
}

/// All that happened to a document between two moments; nothing if it came to nothing.
fn whole(head: &DocumentHead, before: Option<Mark>, after: Option<Mark>) -> Option<Span> {
    let after = after?;
    let was_live = before.as_ref().is_some_and(|before| before.is_live);
    let is_same = before.as_ref().is_some_and(|before| before.version == after.version);
    if is_same || (!was_live && !after.is_live) {
        return None;
    }
    let first = before.as_ref().map_or(0, |before| before.version);
    Some(Span { before, after, changes_text: head.epoch > first || head.content_version > first })
}

fn mark_of(entry: &VersionEntry) -> Mark {
    Mark { version: entry.version, title: entry.title.clone(), is_live: entry.kind != OperationKind::Delete }
}

fn mark_of_head(head: &DocumentHead) -> Mark {
    Mark { version: head.version, title: head.title.clone(), is_live: !head.is_deleted() }
}

fn made_of(entry: &VersionEntry, is_taken: bool) -> Made {
    let changes_text = entry.has_content || entry.has_yjs || entry.kind == OperationKind::Create;
    Made { mark: mark_of(entry), changes_text, is_taken }
}
