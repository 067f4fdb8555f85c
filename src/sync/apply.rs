//! A batch inside its transaction: load, plan, write. What runs here holds the workspace's lock, so it does nothing
//! slow: no rendering, no merging of Yjs states.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::domain::batch::{Resolution, resolve_targets};
use crate::domain::cursor::ForeignCursor;
use crate::domain::document::{StoredDocument, WriteSet};
use crate::domain::ids::DocumentId;
use crate::domain::operation::{Submitted, Target};
use crate::domain::outcome::{Attach, Outcome};
use crate::domain::plan::{BATCH_MERGE_STEPS, Loaded, Mode, needs, plan};
use crate::domain::timestamp::Timestamp;
use crate::domain::track::Authorship;
use crate::domain::yjs_facts::StateVector;
use crate::store::{BatchTransaction, End, StoreError};
use crate::sync::counting::{count, find_run};
use crate::sync::pull::{Pulled, cursor_of, read_page_locked};
use crate::sync::{BatchRequest, SyncError};
use crate::yjs::merge::deletions_of;

/// What became of a batch, with what its answer needs.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// One for each operation.
    pub outcomes: Vec<Outcome>,
    /// Documents that answers carry whole, as the batch left them.
    pub documents: HashMap<DocumentId, StoredDocument>,
    /// State vectors that answers carry.
    pub vectors: HashMap<DocumentId, StateVector>,
    /// Documents whose log outweighs their snapshot.
    pub to_compact: Vec<DocumentId>,
    /// The order of execution, as places in the request.
    pub order: Vec<usize>,
    /// An atomic batch failed.
    pub rolled_back: bool,
    /// Documents or receipts were stored.
    pub wrote: bool,
    /// What the author had missed, where the batch asked for it.
    pub pulled: Option<Pulled>,
    /// The batch's sync run was stored.
    pub counted: bool,
}

/// Why a batch is refused as a whole once its workspace is locked; nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The cursor was not given out by this workspace's feed.
    ForeignCursor,
    /// What the cursor's reader has not seen may have been purged.
    CursorExpired,
    /// The batch's sync run was cancelled.
    SyncCancelled,
}

impl From<Refusal> for SyncError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ForeignCursor => Self::ForeignCursor(ForeignCursor),
            Refusal::CursorExpired => Self::CursorExpired,
            Refusal::SyncCancelled => Self::SyncCancelled,
        }
    }
}

/// Which part of a batch to run: what the search for a refused operation varies.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// Operations (by place) that the database refused before.
    pub refused: BTreeSet<usize>,
    /// Only the first so many, in order of execution; stored nothing.
    pub trial: Option<usize>,
    /// Documents of which a stored part could not be read: their operations fail.
    pub damaged: BTreeSet<DocumentId>,
}

/// Runs a batch in a transaction; a refusal refuses all of it.
///
/// # Errors
/// What the store says; the transaction is then lost.
pub fn run_batch(
    tx: &mut dyn BatchTransaction,
    request: &BatchRequest,
    now: Timestamp,
    attempt: &Attempt,
) -> Result<(Result<Applied, Refusal>, End), StoreError> {
    // A trial only looks for an operation that the database refuses.
    let is_real = !(request.dry_run || attempt.trial.is_some());
    let feed = tx.feed().clone();
    let from = request.pull.as_ref().filter(|_| attempt.trial.is_none());
    let cursor = match from.map(|from| cursor_of(from, request.workspace_id, &feed)).transpose() {
        Ok(cursor) => cursor,
        Err(refusal) => return Ok((Err(refusal), End::Rollback)),
    };
    let run = match find_run(tx, request, now)? {
        Ok(run) => run,
        Err(refusal) => return Ok((Err(refusal), End::Rollback)),
    };
    let (loaded, resolutions) = load(tx, request, &attempt.damaged)?;
    let mode = Mode {
        by: Authorship { user_id: request.user_id, now, version_floor: feed.version_floor },
        atomic: request.atomic,
        with_receipts: request.device_id.is_some(),
        refused: &attempt.refused,
        merge_steps: BATCH_MERGE_STEPS,
        first: attempt.trial,
    };
    let started = Instant::now();
    let plan = plan(mode, &request.operations, &resolutions, &loaded);
    // Order, decisions and three-way merges of texts.
    metrics::histogram!("landfall_plan_seconds").record(started.elapsed());
    let keep = is_real && !plan.writes.is_empty();
    let pull = |tx: &mut dyn BatchTransaction| match cursor {
        Some(cursor) => read_page_locked(cursor, &feed, |span| tx.load_changes(span)).map(Some),
        None => Ok(None),
    };
    // Own changes lie behind the feed's head, out of the page's reach. What is not kept must not hide others' either, so
    // the page is then read before it is written.
    let mut pulled = if keep { None } else { pull(tx)? };
    if !plan.writes.is_empty() {
        tx.write(&plan.writes)?;
    }
    if keep {
        pulled = pull(tx)?.map(|pulled| pulled.and_own_changes(tx.feed().head_sequence));
    }
    let counted = match run {
        // Also an atomic batch that failed: its operations were processed.
        Some(run) if is_real => count(tx, run, &plan, &loaded.receipts, now)?,
        _ => false,
    };
    let to_compact = if keep { outgrown(&plan.writes) } else { Vec::new() };
    let mut applied = Applied {
        outcomes: plan.outcomes,
        order: plan.order,
        to_compact,
        rolled_back: plan.rolled_back,
        wrote: keep,
        pulled,
        counted,
        ..Applied::default()
    };
    attach(tx, &mut applied)?;
    Ok((Ok(applied), if keep || counted { End::Commit } else { End::Rollback }))
}

fn load(
    tx: &mut dyn BatchTransaction,
    request: &BatchRequest,
    damaged: &BTreeSet<DocumentId>,
) -> Result<(Loaded, Vec<Resolution>), StoreError> {
    let operations = &request.operations;
    let mut loaded = Loaded { damaged: damaged.clone(), ..Loaded::default() };
    if request.device_id.is_some() {
        let names: BTreeSet<&str> = operations.iter().flat_map(names_of).collect();
        let receipts = tx.find_receipts(&names.into_iter().collect::<Vec<_>>())?;
        loaded.receipts = receipts.into_iter().map(|receipt| (receipt.client_id.clone(), receipt)).collect();
    }
    let resolutions = resolve_targets(operations, &loaded.receipts);
    let ids: BTreeSet<DocumentId> = resolutions.iter().filter_map(|resolution| resolution.document_id).collect();
    let ids = ids.difference(damaged).copied();
    let heads = tx.load_heads(&ids.collect::<Vec<_>>())?;
    loaded.heads = heads.into_iter().map(|head| (head.document_id, head)).collect();
    let needs = needs(operations, &resolutions, &loaded);
    if !needs.texts.is_empty() {
        let texts = tx.load_texts(&needs.texts.into_iter().collect::<Vec<_>>())?;
        loaded.texts = texts.into_iter().map(|text| ((text.document_id, text.version), text)).collect();
    }
    if !needs.deletions.is_empty() {
        for document in tx.load_documents(&needs.deletions.into_iter().collect::<Vec<_>>())? {
            let document_id = document.head.document_id;
            let deletions = deletions_of(&document.yjs_parts)
                .map_err(|error| StoreError::Damaged { document_id, reason: format!("Yjs state: {error}") })?;
            loaded.deletions.insert(document_id, deletions);
        }
    }
    Ok((loaded, resolutions))
}

/// The names under which an operation may have left a receipt: its own, and the one that it refers to.
fn names_of(operation: &Submitted) -> impl Iterator<Item = &str> {
    let Submitted::Valid(valid) = operation else { return [None, None].into_iter().flatten() };
    let reference = match &valid.target {
        Target::Ref(name) => Some(name.as_str()),
        _ => None,
    };
    [Some(valid.client_id.as_str()), reference].into_iter().flatten()
}

fn outgrown(writes: &WriteSet) -> Vec<DocumentId> {
    let heads = writes.documents.iter().map(|document| &document.head);
    heads.filter(|head| head.has_outgrown_snapshot()).map(|head| head.document_id).collect()
}

/// Loads what the outcomes promise to carry, as the transaction sees it.
fn attach(tx: &mut dyn BatchTransaction, applied: &mut Applied) -> Result<(), StoreError> {
    let wanting = |attach: Attach| -> Vec<DocumentId> {
        let wanted = applied.outcomes.iter().filter(|outcome| outcome.attach == attach);
        wanted.filter_map(|outcome| outcome.document_id).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let (whole, vectors) = (wanting(Attach::Document), wanting(Attach::StateVector));
    if !whole.is_empty() {
        let documents = tx.load_documents(&whole)?;
        applied.documents = documents.into_iter().map(|document| (document.head.document_id, document)).collect();
    }
    if !vectors.is_empty() {
        let heads = tx.load_heads(&vectors)?;
        applied.vectors = heads.into_iter().filter_map(|head| Some((head.document_id, head.state_vector?))).collect();
    }
    Ok(())
}
