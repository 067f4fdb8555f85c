//! Pulling: where a cursor's reader stands, what they have missed, and where they stand then.
//!
//! A pull has two halves. The first reads from the database and may hold the workspace's lock; the second shows what was
//! read, merging and rendering, and holds nothing.

use std::time::{Duration, Instant};

use crate::domain::cursor::Cursor;
use crate::domain::ids::WorkspaceId;
use crate::store::StoreError;
use crate::store::feed::FeedState;
use crate::store::feed_pages::{ChangedDocument, FeedPage, Span};
use crate::sync::apply::Refusal;
use crate::sync::view::{Learned, Rendered, view_readable};
use crate::sync::{ChangesPage, DocumentView, PullFrom};
use crate::yjs::render::Renderer;

/// Documents of the pull in a batch, at most.
pub const BATCH_PULL_DOCUMENTS: usize = 100;
/// Bytes of bodies that a page has, about.
const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// And one that is read while its workspace is locked: others wait for it.
const LOCKED_PAGE_BYTES: usize = 2 * 1024 * 1024;
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
    /// With a batch's own changes, up to this sequence, behind what was read: the author has them. They are told later if
    /// there was more to read before them.
    #[must_use]
    pub fn and_own_changes(mut self, up_to: i64) -> Self {
        if !self.page.has_more {
            self.end = up_to;
        }
        self
    }
}

/// Where a pull begins in this feed.
///
/// # Errors
/// `ForeignCursor`; `CursorExpired` also for a cursor that is ahead of the feed: the database was put back to an older
/// state, and what its reader saw since then is gone.
pub fn cursor_of(from: &PullFrom, workspace_id: WorkspaceId, feed: &FeedState) -> Result<Cursor, Refusal> {
    let cursor = match from {
        PullFrom::Start => Cursor::start(feed.purged_sequence),
        PullFrom::Cursor(text) => Cursor::open(text, workspace_id, &feed.key).or(Err(Refusal::ForeignCursor))?,
    };
    if cursor.is_expired(feed.purged_sequence) || cursor.is_ahead(feed.head_sequence) {
        return Err(Refusal::CursorExpired);
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
    read(cursor, feed, &span, load)
}

/// As [`read_page`], while the workspace is locked.
///
/// # Errors
/// What `load` answered.
pub fn read_page_locked(
    cursor: Cursor,
    feed: &FeedState,
    load: impl FnOnce(&Span) -> Result<FeedPage, StoreError>,
) -> Result<Pulled, StoreError> {
    let (after, up_to) = (cursor.sequence, feed.head_sequence);
    let span = Span { after, up_to, max_documents: BATCH_PULL_DOCUMENTS, max_bytes: LOCKED_PAGE_BYTES };
    read(cursor, feed, &span, load)
}

fn read(
    cursor: Cursor,
    feed: &FeedState,
    span: &Span,
    load: impl FnOnce(&Span) -> Result<FeedPage, StoreError>,
) -> Result<Pulled, StoreError> {
    let page = load(span)?;
    Ok(Pulled { cursor, end: feed.head_sequence, feed: feed.clone(), page })
}

/// A page as it is shown, and why it is empty although there is something to show.
pub struct Shown {
    /// The page.
    pub page: ChangesPage,
    /// Not even the first document could be rendered: no worker could be had, for this reason.
    pub nothing_rendered: Option<String>,
}

/// Shows what was read; `keep` is told what rendering taught. The page ends before a document that cannot be rendered
/// now, and after [`LONGEST_RENDERING`].
pub fn show(
    renderer: &Renderer,
    workspace_id: WorkspaceId,
    pulled: Pulled,
    mut keep: impl FnMut(Rendered, Learned),
) -> Shown {
    let Pulled { cursor, mut end, feed, page: FeedPage { changes, mut has_more } } = pulled;
    let started = Instant::now();
    let mut items: Vec<DocumentView> = Vec::with_capacity(changes.len());
    let (mut reached, mut not_now) = (cursor.sequence, None);
    for ChangedDocument { sequence, document } in changes {
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
