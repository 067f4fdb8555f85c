//! Pulling: where a cursor's reader stands, what they have missed, and where they stand then.
//!
//! A pull has two halves. The first reads from one state of the database; the second shows what was read, merging and
//! rendering. Neither holds a lock.

use std::time::{Duration, Instant};

use crate::domain::cursor::{Cursor, CursorError};
use crate::domain::ids::WorkspaceId;
use crate::store::StoreError;
use crate::store::feed::FeedState;
use crate::store::feed_pages::{ChangedDocument, FeedPage, Span};
use crate::sync::view::{Learned, Rendered, view_head, view_readable};
use crate::sync::{BatchRefusal, ChangesPage, DocumentView, PullFrom, YjsBodies};
use crate::yjs::render::Renderer;

/// Documents of the pull in a batch, at most.
pub const BATCH_PULL_DOCUMENTS: usize = 100;
/// Bytes of bodies that a page has, about.
const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// And one in the answer to a batch, beside its results.
const BATCH_PAGE_BYTES: usize = 2 * 1024 * 1024;
/// A page whose documents must be rendered ends when that has taken so long: the rest is for the next.
const LONGEST_RENDERING: Duration = Duration::from_secs(5);

/// What was read of a feed, still to be shown.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// Where the reader stood.
    cursor: Cursor,
    /// Where the reader stands who has taken in all of it.
    end: i64,
    /// The feed, before whatever the reader wrote.
    feed: FeedState,
    page: FeedPage,
}

impl Pulled {
    /// What was read, in feed order.
    #[must_use]
    pub fn changes(&self) -> &[ChangedDocument] {
        &self.page.changes
    }

    /// Nothing, and that there is more from where the reader stood.
    #[must_use]
    pub fn nothing(cursor: Cursor, feed: FeedState) -> Self {
        Self { cursor, end: cursor.sequence, feed, page: FeedPage { changes: Vec::new(), has_more: true } }
    }
}

/// Where a pull begins in this feed.
///
/// # Errors
/// `ForeignCursor`; `CursorExpired` also for a cursor of an earlier generation, or one that is ahead of the feed: the
/// database was put back to an older state, and what its reader saw since then is gone.
pub fn cursor_of(from: &PullFrom, workspace_id: WorkspaceId, feed: &FeedState) -> Result<Cursor, BatchRefusal> {
    let cursor = match from {
        PullFrom::Start => Cursor::start(feed.purged_sequence),
        PullFrom::Cursor(text) => Cursor::open(text, workspace_id, &feed.key).map_err(|error| match error {
            CursorError::Foreign(_) => BatchRefusal::ForeignCursor,
            CursorError::EarlierGeneration => BatchRefusal::CursorExpired,
        })?,
    };
    if cursor.is_expired(feed.purged_sequence) || cursor.is_ahead(feed.head_sequence) {
        return Err(BatchRefusal::CursorExpired);
    }
    Ok(cursor)
}

/// Reads on from a cursor up to the head of the feed.
///
/// # Errors
/// What `load` answered.
pub fn read_page(
    cursor: Cursor,
    feed: &FeedState,
    max_documents: usize,
    load: impl FnOnce(&Span) -> Result<FeedPage, StoreError>,
) -> Result<Pulled, StoreError> {
    let span = Span { after: cursor.sequence, up_to: feed.head_sequence, max_documents, max_bytes: PAGE_BYTES };
    Ok(Pulled { cursor, end: feed.head_sequence, feed: feed.clone(), page: load(&span)? })
}

/// Reads on from a batch's cursor, after its commit. `own` is where the feed ended before the batch's own changes, and with
/// them: they lie behind the page, and the author has them. A document that somebody has changed since has moved behind
/// them too, and is told by the next pull. Own changes are told later if there was more to read before them.
///
/// # Errors
/// What `load` answered.
pub fn read_page_of_batch(
    cursor: Cursor,
    feed: FeedState,
    own: Option<(i64, i64)>,
    load: impl FnOnce(&Span) -> Result<FeedPage, StoreError>,
) -> Result<Pulled, StoreError> {
    // Purged since the batch was looked at: the next pull says so.
    if cursor.is_expired(feed.purged_sequence) {
        return Ok(Pulled::nothing(cursor, feed));
    }
    let (up_to, end) = own.unwrap_or((feed.head_sequence, feed.head_sequence));
    let after = cursor.sequence;
    let span = Span { after, up_to, max_documents: BATCH_PULL_DOCUMENTS, max_bytes: BATCH_PAGE_BYTES };
    Ok(Pulled { cursor, end, feed, page: load(&span)? })
}

/// A page as it is shown, and why it is empty although there is something to show.
pub struct Shown {
    /// The page.
    pub page: ChangesPage,
    /// Not even the first document could be rendered: no worker could be had, for this reason.
    pub nothing_rendered: Option<String>,
}

/// Shows what was read; `keep` is told what rendering taught. The page ends before a document that cannot be rendered
/// now, and when rendering has taken too long.
pub fn show(
    renderer: &Renderer,
    workspace_id: WorkspaceId,
    pulled: Pulled,
    yjs: YjsBodies,
    mut keep: impl FnMut(Rendered, Learned),
) -> Shown {
    let Pulled { cursor, mut end, feed, page: FeedPage { changes, mut has_more } } = pulled;
    let started = Instant::now();
    let mut items: Vec<DocumentView> = Vec::with_capacity(changes.len());
    let (mut reached, mut not_now) = (cursor.sequence, None);
    for ChangedDocument { sequence, document } in changes {
        if yjs == YjsBodies::Vector && document.head.state_vector.is_some() {
            items.push(view_head(document));
            reached = sequence;
            continue;
        }
        if !items.is_empty() && started.elapsed() > LONGEST_RENDERING {
            has_more = true;
            break;
        }
        let rendered = Rendered::from(&document.head);
        match view_readable(renderer, document) {
            (_, Learned::NotNow(reason)) => {
                (has_more, not_now) = (true, Some(reason));
                break;
            }
            (view, Learned::Nothing) => items.push(view),
            (view, learned) => {
                keep(rendered, learned);
                items.push(view);
            }
        }
        reached = sequence;
    }
    if has_more {
        end = reached;
    }
    let next_cursor = cursor.advanced_to(end).seal(workspace_id, &feed.key);
    let nothing_rendered = not_now.filter(|_| items.is_empty());
    Shown { page: ChangesPage { items, next_cursor, has_more, purged_before: feed.purged_before }, nothing_rendered }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use uuid::Uuid;

    use super::*;
    use crate::domain::cursor::FeedKey;
    use crate::domain::document::{DocumentHead, StoredDocument};
    use crate::domain::ids::{DocumentId, UserId};
    use crate::domain::timestamp::Timestamp;
    use crate::yjs::render::RenderConfig;

    const WORKSPACE: WorkspaceId = WorkspaceId(Uuid::from_u128(1));

    fn feed(head_sequence: i64, purged_sequence: i64) -> FeedState {
        FeedState { head_sequence, purged_sequence, purged_before: None, key: key(7, 1), version_floor: 0 }
    }

    fn key(byte: u8, generation: i64) -> FeedKey {
        FeedKey::new(vec![byte; FeedKey::BYTES], generation)
    }

    fn sealed(sequence: i64, feed: &FeedState) -> PullFrom {
        PullFrom::Cursor(Cursor { sequence, floor: 0 }.seal(WORKSPACE, &feed.key))
    }

    #[test]
    fn a_pull_begins_at_its_cursor_or_at_the_start() {
        let feed = feed(9, 4);
        assert_eq!(cursor_of(&PullFrom::Start, WORKSPACE, &feed), Ok(Cursor::start(4)));
        for sequence in [4, 9] {
            let cursor = cursor_of(&sealed(sequence, &feed), WORKSPACE, &feed);
            assert_eq!(cursor, Ok(Cursor { sequence, floor: 0 }));
        }
    }

    #[test]
    fn a_cursor_that_leads_nowhere_is_refused() {
        let feed = feed(9, 4);
        let other = FeedState { key: key(8, 1), ..feed.clone() };
        for from in [PullFrom::Cursor("made-up".to_owned()), sealed(5, &other)] {
            assert_eq!(cursor_of(&from, WORKSPACE, &feed), Err(BatchRefusal::ForeignCursor));
        }
        for sequence in [3, 10] {
            assert_eq!(cursor_of(&sealed(sequence, &feed), WORKSPACE, &feed), Err(BatchRefusal::CursorExpired));
        }
        let later = FeedState { key: key(7, 2), ..feed.clone() };
        assert_eq!(cursor_of(&sealed(5, &feed), WORKSPACE, &later), Err(BatchRefusal::CursorExpired));
    }

    /// A document whose text is stored, or one whose text must be derived.
    fn change(sequence: i64, content: Option<&str>) -> ChangedDocument {
        let head = DocumentHead {
            document_id: DocumentId(Uuid::new_v4()),
            version: 1,
            title: String::new(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            updated_by: UserId(Uuid::nil()),
            deleted_at: None,
            epoch: 1,
            content_version: 1,
            content_digest: None,
            state_vector: content.is_none().then(|| [(1, 1)].into_iter().collect()),
            yjs_roots: BTreeSet::new(),
            snapshot_bytes: 2,
            log_bytes: 0,
            log_rows: 0,
        };
        let yjs_parts = content.is_none().then(|| vec![0, 0]).into_iter().collect();
        let content = content.map(str::to_owned);
        let document = StoredDocument { head, updated_by_name: "ada".to_owned(), content, yjs_parts, damaged: false };
        ChangedDocument { sequence, document }
    }

    /// Shows these changes where no worker can be had; how many were shown, where the reader stands then, whether there
    /// is more.
    fn shown_without_workers(changes: Vec<ChangedDocument>) -> (usize, i64, bool, Shown) {
        shown_of(changes, YjsBodies::Whole)
    }

    fn shown_of(changes: Vec<ChangedDocument>, yjs: YjsBodies) -> (usize, i64, bool, Shown) {
        let renderer = Renderer::new(RenderConfig {
            program: PathBuf::from("/nowhere/landfall"),
            workers: 1,
            max_memory_bytes: 1 << 30,
            time_budget: Duration::from_millis(10),
        });
        let feed = feed(9, 0);
        let load = |_: &Span| Ok(FeedPage { changes, has_more: false });
        let pulled = read_page_of_batch(Cursor { sequence: 2, floor: 0 }, feed.clone(), Some((9, 12)), load).unwrap();
        let shown = show(&renderer, WORKSPACE, pulled, yjs, |_, _| {});
        let cursor = Cursor::open(&shown.page.next_cursor, WORKSPACE, &feed.key).unwrap();
        (shown.page.items.len(), cursor.sequence, shown.page.has_more, shown)
    }

    #[test]
    fn a_whole_page_ends_behind_the_own_changes() {
        let (items, sequence, has_more, shown) =
            shown_without_workers(vec![change(4, Some("a")), change(7, Some("b"))]);
        assert_eq!((items, sequence, has_more, shown.nothing_rendered), (2, 12, false, None));
        let (items, sequence, has_more, _) = shown_without_workers(Vec::new());
        assert_eq!((items, sequence, has_more), (0, 12, false));
    }

    #[test]
    fn a_page_ends_before_what_cannot_be_rendered_now() {
        let changes = vec![change(4, Some("a")), change(7, None), change(8, Some("c"))];
        let (items, sequence, has_more, shown) = shown_without_workers(changes);
        assert_eq!((items, sequence, has_more, shown.nothing_rendered), (1, 4, true, None));
    }

    #[test]
    fn a_page_of_vectors_renders_nothing() {
        let changes = vec![change(4, None), change(7, Some("b"))];
        let (items, sequence, has_more, shown) = shown_of(changes, YjsBodies::Vector);
        assert_eq!((items, sequence, has_more), (2, 12, false));
        let [with_state, plain] = shown.page.items.as_slice() else { panic!("two documents") };
        assert_eq!((&with_state.content, &with_state.yjs_state), (&None, &None));
        assert!(with_state.state_vector.is_some());
        assert_eq!(plain.content.as_deref(), Some("b"));
    }

    #[test]
    fn a_page_that_cannot_begin_says_why() {
        let (items, sequence, has_more, shown) = shown_without_workers(vec![change(4, None), change(7, Some("b"))]);
        assert_eq!((items, sequence, has_more), (0, 2, true));
        assert!(shown.nothing_rendered.is_some_and(|reason| reason.contains("did not start")));
    }
}
