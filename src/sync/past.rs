//! Documents as they were: read from the versions that are kept.

use crate::domain::ids::{DocumentId, UserId, WorkspaceId};
use crate::domain::operation::OperationKind;
use crate::domain::take_back::Moment;
use crate::domain::timestamp::Timestamp;
use crate::store::StoreError;
use crate::store::documents::{ListQuery, VersionEntry};
use crate::store::past::{Past, Present, Then};
use crate::sync::pull::cursor_of;
use crate::sync::{DocumentView, PullFrom, SyncError, SyncService};
use crate::yjs::render::RenderError;

/// Documents that are looked at together.
const LOOK: i64 = 500;
/// How often is looked for one page at most: what was not there then is looked at, too.
const MAX_LOOKS: usize = 20;

/// A moment, as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// A time.
    Time(Timestamp),
    /// A cursor of the workspace's feed.
    Cursor(String),
}

/// A page of a workspace as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastPage {
    /// Its documents, by id, without their bodies.
    pub items: Vec<DocumentView>,
    /// Where the next page begins; `None` after the last document.
    pub next: Option<DocumentId>,
}

/// The moment that is meant, if the workspace's history reaches so far.
///
/// # Errors
/// `HistoryExpired`, `ForeignCursor`, `CursorExpired`, or what the store says.
pub(super) fn moment_of(past: &mut Past<'_>, as_of: &AsOf, place: WorkspaceId) -> Result<Moment, SyncError> {
    let horizon = past.horizon()?;
    let expired = || SyncError::HistoryExpired { since: horizon.since };
    match as_of {
        AsOf::Time(time) if *time < horizon.since => Err(expired()),
        AsOf::Time(time) => Ok(Moment::Time(*time)),
        AsOf::Cursor(cursor) => {
            let cursor = cursor_of(&PullFrom::Cursor(cursor.clone()), place, &horizon.feed)?;
            if cursor.sequence < horizon.numbered_from {
                return Err(expired());
            }
            Ok(Moment::Sequence(cursor.sequence))
        }
    }
}

/// Whether a document has not changed since a moment.
pub(super) fn is_unchanged_since(present: &Present, moment: Moment) -> bool {
    match moment {
        Moment::Time(time) => present.head.updated_at <= time,
        Moment::Sequence(sequence) => present.sequence <= sequence,
    }
}

impl SyncService {
    /// A document as it was, with its text.
    ///
    /// # Errors
    /// `NotFound` if it was not there; `HistoryExpired` if that is no longer known; what a cursor is refused with;
    /// `Unavailable` if its text cannot be derived now; or what the store says.
    pub fn find_past_document(
        &self,
        user_id: UserId,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        as_of: &AsOf,
    ) -> Result<DocumentView, SyncError> {
        let found = self.store.read_past(workspace_id, |past| {
            let moment = match moment_of(past, as_of, workspace_id) {
                Ok(moment) => moment,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let Some(present) = past.document(document_id)? else { return Ok(Err(SyncError::NotFound)) };
            let view = match view_at(past, &present, moment)? {
                Was::There(view) => view,
                Was::Absent => return Ok(Err(SyncError::NotFound)),
                Was::Lost => return Ok(Err(lost(past)?)),
            };
            let stored = if view.deleted_at.is_some() { None } else { past.stored_version(document_id, view.version)? };
            Ok(Ok((view, stored)))
        })?;
        let (view, stored) = found?;
        let Some(stored) = stored else { return Ok(*view) };
        let content = match stored.content {
            None if !stored.yjs_parts.is_empty() => {
                match self.turn(user_id).render(document_id.0.as_u128(), &stored.yjs_parts) {
                    Ok(text) => Some(text),
                    Err(RenderError::Damaged(_)) => None,
                    Err(RenderError::Slow(reason) | RenderError::Unavailable(reason)) => {
                        return Err(StoreError::Unavailable(reason).into());
                    }
                }
            }
            content => content,
        };
        Ok(DocumentView { content, ..*view })
    }

    /// A page of the documents as they were, without their bodies, by id.
    ///
    /// # Errors
    /// `HistoryExpired`, what a cursor is refused with, or what the store says.
    pub fn list_past_documents(
        &self,
        workspace_id: WorkspaceId,
        as_of: &AsOf,
        query: &ListQuery,
    ) -> Result<PastPage, SyncError> {
        self.store.read_past(workspace_id, |past| {
            let moment = match moment_of(past, as_of, workspace_id) {
                Ok(moment) => moment,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let (mut items, mut after) = (Vec::new(), query.after);
            let wanted = usize::try_from(query.limit).unwrap_or(usize::MAX);
            for _ in 0..MAX_LOOKS {
                let found = past.documents(None, after, LOOK)?;
                let is_last = i64::try_from(found.len()).is_ok_and(|found| found < LOOK);
                for present in found {
                    if items.len() == wanted {
                        return Ok(Ok(PastPage { items, next: after }));
                    }
                    after = Some(present.head.document_id);
                    match view_at(past, &present, moment)? {
                        Was::There(view) if is_listed(&view, query) => items.push(*view),
                        Was::There(_) | Was::Absent => {}
                        Was::Lost => return Ok(Err(lost(past)?)),
                    }
                }
                if is_last {
                    return Ok(Ok(PastPage { items, next: None }));
                }
            }
            Ok(Ok(PastPage { items, next: after }))
        })?
    }
}

fn is_listed(view: &DocumentView, query: &ListQuery) -> bool {
    let prefix = query.title_prefix.as_deref().unwrap_or_default();
    (query.include_deleted || view.deleted_at.is_none()) && view.title.starts_with(prefix)
}

fn lost(past: &mut Past<'_>) -> Result<SyncError, StoreError> {
    Ok(SyncError::HistoryExpired { since: past.horizon()?.since })
}

/// What a document was.
enum Was {
    There(Box<DocumentView>),
    Absent,
    Lost,
}

fn view_at(past: &mut Past<'_>, present: &Present, moment: Moment) -> Result<Was, StoreError> {
    let head = &present.head;
    let as_it_is = DocumentView {
        document_id: head.document_id,
        version: head.version,
        title: head.title.clone(),
        content: None,
        yjs_state: None,
        state_vector: None,
        created_at: head.created_at,
        updated_at: head.updated_at,
        updated_by: present.updated_by_name.clone(),
        deleted_at: head.deleted_at,
    };
    if is_unchanged_since(present, moment) {
        return Ok(Was::There(Box::new(as_it_is)));
    }
    let entry: VersionEntry = match past.at(head.document_id, moment)? {
        Then::Version(entry) => *entry,
        Then::Absent => return Ok(Was::Absent),
        Then::Lost => return Ok(Was::Lost),
    };
    let created_at = match entry.version >= head.epoch {
        true => head.created_at,
        false => past.made_at(head.document_id, entry.version)?.unwrap_or(entry.created_at),
    };
    Ok(Was::There(Box::new(DocumentView {
        version: entry.version,
        title: entry.title,
        created_at,
        updated_at: entry.created_at,
        updated_by: entry.author,
        deleted_at: Some(entry.created_at).filter(|_| entry.kind == OperationKind::Delete),
        ..as_it_is
    })))
}
