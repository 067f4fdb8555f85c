//! Work that nobody waits for: compaction, keeping derived texts, marking damaged documents, removing what was staged.
//!
//! One thread, a bounded queue; what finds the queue full is dropped. Texts and marks of damage are found again when
//! their document is next read; what is left to compact is looked for at the start and each hour.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::domain::ids::{DocumentId, Version, WorkspaceId};
use crate::domain::upload::UploadKey;
use crate::store::upkeep::Swap;
use crate::store::{Store, StoreError};
use crate::yjs::merge::{facts_of, squash};
use crate::yjs::render::{RenderError, Renderer};

const QUEUE: usize = 1_024;

/// Time between two looks for what is left to compact.
const ROUND: Duration = Duration::from_secs(3_600);
/// After a slice it pauses as long as the slice took, but not longer than this.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// Documents that one statement of a look reads.
const FOUND_AT_ONCE: u32 = 100;

/// A piece of background work.
#[derive(Clone, PartialEq, Eq)]
pub enum Task {
    /// Fold a document's log into a snapshot.
    Compact {
        /// Where.
        workspace_id: WorkspaceId,
        /// Which document.
        document_id: DocumentId,
    },
    /// Keep the text that was derived for a version.
    KeepText {
        /// Where.
        workspace_id: WorkspaceId,
        /// Which document.
        document_id: DocumentId,
        /// The version whose text it is.
        content_version: Version,
        /// The text.
        text: String,
    },
    /// Remember that the document cannot be rendered.
    MarkDamaged {
        /// Where.
        workspace_id: WorkspaceId,
        /// Which document.
        document_id: DocumentId,
        /// The version that cannot.
        version: Version,
    },
    /// Remove what is staged of an upload that is not open any more.
    ClearUpload(UploadKey),
}

/// The background thread.
pub struct Maintenance {
    tasks: Mutex<Option<SyncSender<Task>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// A round ends early: it may be long.
    stopping: Arc<AtomicBool>,
}

impl fmt::Debug for Maintenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Maintenance")
    }
}

impl Maintenance {
    /// Starts the thread.
    #[must_use]
    pub fn start(store: Arc<Store>, renderer: Arc<Renderer>) -> Self {
        let (sender, receiver) = sync_channel(QUEUE);
        let stopping = Arc::new(AtomicBool::new(false));
        let worker = Worker { store, renderer, stopping: Arc::clone(&stopping) };
        let thread = std::thread::Builder::new()
            .name("maintenance".to_owned())
            .spawn(move || worker.serve(&receiver))
            .inspect_err(|error| tracing::error!(%error, "no maintenance thread: logs will not be compacted"))
            .ok();
        Self { tasks: Mutex::new(Some(sender)), thread: Mutex::new(thread), stopping }
    }

    /// Queues a task, or drops it when the queue is full.
    pub fn offer(&self, task: Task) {
        let Ok(tasks) = self.tasks.lock() else { return };
        if let Some(sender) = tasks.as_ref()
            && sender.try_send(task).is_err()
        {
            metrics::counter!("landfall_maintenance_dropped_total").increment(1);
        }
    }

    /// Finishes what is queued and ends the thread.
    pub fn close(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Ok(mut tasks) = self.tasks.lock() {
            tasks.take();
        }
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the maintenance thread had panicked");
        }
    }
}

/// What the thread works with.
struct Worker {
    store: Arc<Store>,
    renderer: Arc<Renderer>,
    stopping: Arc<AtomicBool>,
}

impl Worker {
    fn serve(&self, tasks: &Receiver<Task>) {
        let mut next_round = Instant::now();
        loop {
            if Instant::now() >= next_round {
                self.round();
                next_round = Instant::now() + ROUND;
            }
            match tasks.recv_timeout(next_round.saturating_duration_since(Instant::now())) {
                Ok(task) => self.carry_out(task),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn carry_out(&self, task: Task) {
        let done = match task {
            Task::Compact { workspace_id, document_id } => self.compact(workspace_id, document_id),
            Task::KeepText { workspace_id, document_id, content_version, text } => {
                self.store.save_rendering(workspace_id, document_id, content_version, &text).map(|_| ())
            }
            Task::MarkDamaged { workspace_id, document_id, version } => {
                self.store.mark_damaged(workspace_id, document_id, version).map(|_| ())
            }
            Task::ClearUpload(key) => self.clear_upload(key),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "background work failed; it will be tried again");
        }
    }

    /// In slices, so that batches get through. What is left when the server stops, a purge finds.
    fn clear_upload(&self, key: UploadKey) -> Result<(), StoreError> {
        while !self.stopping.load(Ordering::Relaxed) {
            let started = Instant::now();
            if !self.store.clear_upload(key)?.more {
                return Ok(());
            }
            std::thread::sleep(started.elapsed().min(LONGEST_PAUSE));
        }
        Ok(())
    }

    fn compact(&self, workspace_id: WorkspaceId, document_id: DocumentId) -> Result<(), StoreError> {
        let outcome = compact(&self.store, &self.renderer, workspace_id, document_id)?;
        metrics::counter!("landfall_compactions_total", "outcome" => outcome.as_str()).increment(1);
        Ok(())
    }

    /// What is due now and then: compaction that was dropped from a full queue or lost with a server, and the database's
    /// mark, by which a backup of before is known.
    fn round(&self) {
        if let Err(error) = self.store.advance_mark().and_then(|()| self.compact_all()) {
            tracing::warn!(%error, "the hourly upkeep failed; it will be tried again in an hour");
        }
    }

    fn compact_all(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let found = self.store.find_compactable(after, FOUND_AT_ONCE)?;
            if found.is_empty() {
                return Ok(());
            }
            for (workspace_id, document_id) in found {
                if self.stopping.load(Ordering::Relaxed) {
                    return Ok(());
                }
                // One that fails is not in the way of the others.
                if let Err(error) = self.compact(workspace_id, document_id) {
                    tracing::warn!(%document_id, %error, "a document could not be compacted");
                }
                after = Some((workspace_id, document_id));
            }
        }
    }
}

/// How a compaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compaction {
    /// The log was folded into a new snapshot.
    Swapped,
    /// There was nothing to fold, or the document was made anew or folded by another server meanwhile.
    Skipped,
    /// A check failed; the document is as it was.
    Refused,
}

impl Compaction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Swapped => "swapped",
            Self::Skipped => "skipped",
            Self::Refused => "refused",
        }
    }
}

/// Folds a document's log into a snapshot. The snapshot is checked before the swap: it knows the same clocks and
/// deletions as the parts, and renders to the same text. The log rows stay, as history.
///
/// # Errors
/// What the store says; the document is then as it was.
pub fn compact(
    store: &Store,
    renderer: &Renderer,
    workspace_id: WorkspaceId,
    document_id: DocumentId,
) -> Result<Compaction, StoreError> {
    let Some(stored) = store.load_for_compaction(workspace_id, document_id)? else { return Ok(Compaction::Skipped) };
    // A busy document is offered many times before its turn comes.
    if !stored.head.has_outgrown_snapshot() || stored.yjs_parts.len() < 2 || stored.damaged {
        return Ok(Compaction::Skipped);
    }
    let snapshot = match checked_union(renderer, &stored.yjs_parts) {
        Ok(snapshot) => snapshot,
        Err(reason) => {
            tracing::error!(%document_id, version = stored.head.version, reason, "compaction refused; the log is kept");
            return Ok(Compaction::Refused);
        }
    };
    Ok(match store.swap_snapshot(workspace_id, document_id, (stored.head.epoch, stored.head.version), snapshot)? {
        Swap::Swapped => Compaction::Swapped,
        Swap::Moved => Compaction::Skipped,
    })
}

/// The union of Yjs updates in few structs, checked: it knows the same clocks and deletions as its parts, and renders to
/// the same text.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn checked_union(renderer: &Renderer, parts: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let unreadable = |error| format!("the parts cannot be squashed: {error}");
    let union = squash(parts).map_err(unreadable)?;
    let whole = std::slice::from_ref(&union);
    if facts_of(whole).map_err(unreadable)? != facts_of(parts).map_err(unreadable)? {
        return Err("the union does not cover its parts".to_owned());
    }
    let rendered = |parts: &[Vec<u8>]| renderer.render(parts).map_err(|error: RenderError| error.to_string());
    if rendered(whole)? != rendered(parts)? {
        return Err("the union renders to another text than its parts".to_owned());
    }
    Ok(union)
}
