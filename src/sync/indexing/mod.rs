//! Keeps the search index: after each commit, a moment later, what the commit changed; at the start and each minute
//! whatever else is not in it.
//!
//! Nothing of this is done by the batch itself. How far the index of a workspace is stands in the database beside it, so
//! nothing is forgotten, whoever dies. Several servers may index one workspace: a step that another has taken is not
//! taken again.
//!
//! A workspace with more changes than one step takes is filled by somebody in bulk. While batches keep coming, all such
//! workspaces together rest between two steps, so that indexing takes a small share of the time; what a few people type is
//! indexed at once.

mod agenda;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use self::agenda::{Agenda, Next};
use crate::domain::ids::WorkspaceId;
use crate::domain::search::FORM;
use crate::domain::search::terms::Terms;
use crate::store::feed_pages::{ChangedDocument, Span};
use crate::store::search::{Indexed, Progress, Step};
use crate::store::{Store, StoreError};
use crate::yjs::render::{RenderError, Renderer};

/// Time between two looks for what is not in the index.
const ROUND: Duration = Duration::from_secs(60);
/// After a failure.
const RETRY: Duration = Duration::from_secs(5);
/// Workspaces that one statement of a look reads.
const FOUND_AT_ONCE: u32 = 500;
/// Documents of one step at most: others write between two steps.
const STEP_DOCUMENTS: usize = 50;
/// Bytes of one step, unless one document has more.
const STEP_BYTES: usize = 512 * 1024;
/// How often a step begins again because another server has taken it.
const MAX_MOVED: usize = 100;

/// The background thread.
pub struct Indexing {
    agenda: Arc<Agenda>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Indexing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Indexing")
    }
}

impl Indexing {
    /// Starts the thread.
    #[must_use]
    pub fn start(store: Arc<Store>, renderer: Arc<Renderer>) -> Self {
        let agenda = Arc::new(Agenda::default());
        let heard = Arc::clone(&agenda);
        let thread = std::thread::Builder::new()
            .name("indexing".to_owned())
            .spawn(move || serve(&store, &renderer, &heard))
            .inspect_err(|error| tracing::error!(%error, "no indexing thread: new texts will not be found"))
            .ok();
        Self { agenda, thread: Mutex::new(thread) }
    }

    /// So many documents were written in a workspace. Does not wait.
    pub fn committed(&self, workspace_id: WorkspaceId, documents: usize) {
        self.agenda.committed(workspace_id, documents);
    }

    /// Ends the thread, after the step that it is at. Closing twice is fine.
    pub fn close(&self) {
        self.agenda.stop();
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the indexing thread had panicked");
        }
    }
}

fn serve(store: &Store, renderer: &Renderer, agenda: &Agenda) {
    let mut look = Instant::now();
    loop {
        match agenda.next(look) {
            Next::Stop => return,
            Next::Look => {
                look = Instant::now() + ROUND;
                if let Err(error) = find_waiting(store, agenda) {
                    tracing::warn!(%error, "what is not in the search index could not be looked for");
                    look = Instant::now() + RETRY;
                }
            }
            Next::Index(workspace_id) => {
                let started = Instant::now();
                match index_some(store, renderer, workspace_id) {
                    Ok(Stand::UpToDate) => {}
                    Ok(Stand::Behind) => agenda.add_behind(workspace_id, started.elapsed()),
                    Ok(Stand::Held(reason)) => {
                        tracing::warn!(%workspace_id, reason, "the search index waits");
                        agenda.add(workspace_id, RETRY);
                    }
                    Err(error) => {
                        tracing::warn!(%workspace_id, %error, "a step of the search index failed; it will be tried again");
                        agenda.add(workspace_id, RETRY);
                    }
                }
            }
        }
    }
}

fn find_waiting(store: &Store, agenda: &Agenda) -> Result<(), StoreError> {
    let (mut after, mut waiting) = (None, 0_u32);
    loop {
        let found = store.find_unindexed(after, FOUND_AT_ONCE)?;
        after = found.last().copied();
        for workspace_id in &found {
            agenda.add(*workspace_id, Duration::ZERO);
        }
        waiting = waiting.saturating_add(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if after.is_none() || agenda.is_stopped() {
            metrics::gauge!("landfall_search_backlog").set(f64::from(waiting));
            return Ok(());
        }
    }
}

/// Where the index of a workspace stands after a step.
enum Stand {
    /// Everything is in it.
    UpToDate,
    /// More can be put into it at once.
    Behind,
    /// The next document cannot be read now.
    Held(String),
}

/// Takes the next step of a workspace.
fn index_some(store: &Store, renderer: &Renderer, workspace_id: WorkspaceId) -> Result<Stand, StoreError> {
    for _ in 0..MAX_MOVED {
        let from = store.find_search_progress(workspace_id)?;
        // Terms of another form are made anew from the first.
        let after = from.filter(|from| from.form == FORM).map_or(0, |from| from.sequence);
        let read = store.read_feed(workspace_id, |reader| {
            let up_to = reader.feed().head_sequence;
            let span = Span { after, up_to, max_documents: STEP_DOCUMENTS, max_bytes: STEP_BYTES };
            Ok((reader.load_changes(&span)?, up_to))
        });
        let (page, head) = match read {
            // It was deleted meanwhile.
            Err(StoreError::NoSuchWorkspace) => return Ok(Stand::UpToDate),
            read => read?,
        };
        if after >= head && from.is_some() {
            return Ok(Stand::UpToDate);
        }
        let (documents, held) = indexed(renderer, page.changes);
        let last = documents.last().map(|document| document.sequence);
        // Sequences that no document has any more are passed.
        let to = if page.has_more || held.is_some() { last.unwrap_or(after) } else { head };
        if to == after && held.is_some() {
            return Ok(Stand::Held(held.unwrap_or_default()));
        }
        let taken = store.index_documents(workspace_id, from, to, &documents)?;
        if taken == Step::Taken {
            metrics::counter!("landfall_search_indexed_total")
                .increment(u64::try_from(documents.len()).unwrap_or(u64::MAX));
            return Ok(held.map_or(if to < head { Stand::Behind } else { Stand::UpToDate }, Stand::Held));
        }
        if store.find_search_progress(workspace_id)? == from {
            // Nobody has taken the step: the workspace is gone.
            return Ok(Stand::UpToDate);
        }
    }
    Ok(Stand::Behind)
}

/// What the index holds of documents, up to the first that no worker can read now, and why not.
fn indexed(renderer: &Renderer, changes: Vec<ChangedDocument>) -> (Vec<Indexed>, Option<String>) {
    let mut documents = Vec::with_capacity(changes.len());
    for ChangedDocument { sequence, document } in changes {
        let head = &document.head;
        let terms = match (head.is_deleted(), document.content) {
            (true, _) => None,
            (false, Some(text)) => Some(Terms::of(&head.title, &text)),
            (false, None) if head.state_vector.is_none() || document.damaged => Some(Terms::of(&head.title, "")),
            (false, None) => match renderer.render(&document.yjs_parts) {
                Ok(text) => Some(Terms::of(&head.title, &text)),
                Err(RenderError::Unavailable(reason)) => return (documents, Some(reason)),
                // It is found by its title until it changes.
                Err(RenderError::Damaged(reason) | RenderError::Slow(reason)) => {
                    tracing::warn!(document_id = %head.document_id, reason, "a text is not in the search index");
                    Some(Terms::of(&head.title, ""))
                }
            },
        };
        documents.push(Indexed { document_id: head.document_id, sequence, terms });
    }
    (documents, None)
}

/// What was put into the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Workspaces.
    pub workspaces: usize,
}

/// Puts everything into the index that is not in it, and returns when it is done.
///
/// # Errors
/// `Unavailable` if a text cannot be derived now; what the store says. What was done stays done.
pub fn index_everything(store: &Store, renderer: &Renderer) -> Result<Rebuilt, StoreError> {
    let (mut after, mut rebuilt) = (None, Rebuilt::default());
    loop {
        let found = store.find_unindexed(after, FOUND_AT_ONCE)?;
        for workspace_id in &found {
            loop {
                match index_some(store, renderer, *workspace_id)? {
                    Stand::UpToDate => break,
                    Stand::Behind => {}
                    Stand::Held(reason) => return Err(StoreError::Unavailable(reason)),
                }
            }
            rebuilt.workspaces += 1;
        }
        after = found.last().copied();
        if after.is_none() {
            return Ok(rebuilt);
        }
    }
}

/// Whether everything is in the index that was committed by now.
///
/// # Errors
/// What the store says.
pub fn is_complete(store: &Store, workspace_id: WorkspaceId) -> Result<bool, StoreError> {
    let done = store.find_search_progress(workspace_id)?;
    let head = store.find_feed_state(workspace_id)?.map_or(0, |feed| feed.head_sequence);
    Ok(matches!(done, Some(Progress { sequence, form: FORM }) if sequence >= head))
}
