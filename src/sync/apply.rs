//! A batch on its way into the store: look and decide off every lock, then carry the decision out as a set of
//! compare-and-sets. A lost race starts again at the look; a batch that loses too many is decided under the lock.

use std::sync::Arc;

use crate::domain::cursor::Cursor;
use crate::domain::ids::DocumentId;
use crate::domain::plan::{BATCH_MERGE_STEPS, Plan};
use crate::domain::timestamp::Timestamp;
use crate::store::feed::FeedState;
use crate::store::{BatchScope, BatchTransaction, End, Store, StoreError};
use crate::sync::counting::{count, find_run};
pub use crate::sync::look::{Attempt, Looked, decide, look};
use crate::sync::{Batch, BatchRefusal};

/// How often a batch is decided off the lock.
const TRIES_OFF_LOCK: u32 = 3;
/// Steps that the merges of a batch may take together while its workspace is locked: a tenth of what one may take
/// otherwise. What they do not reach is a conflict.
const LOCKED_MERGE_STEPS: usize = BATCH_MERGE_STEPS / 100;

/// What was stored of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Documents or receipts.
    pub wrote: bool,
    /// The batch's sync run.
    pub counted: bool,
    /// The sequence of the feed's newest change, own ones included, where the batch wrote and pulls.
    head_sequence: Option<i64>,
}

/// A batch that was decided, and stored as far as there was something to store.
#[derive(Clone, Debug)]
pub struct Processed {
    /// What was decided.
    pub plan: Plan,
    /// What was stored of it.
    pub stored: Stored,
    /// Where the batch pulls from, and the feed as it stood before.
    pub(super) pull: Option<(Cursor, FeedState)>,
}

impl Processed {
    fn new(looked: Looked, plan: Plan, stored: Stored) -> Self {
        let pull = looked.cursor.map(|cursor| (cursor, looked.feed));
        Self { plan, stored, pull }
    }

    /// Documents whose log outweighs their snapshot now.
    #[must_use]
    pub fn outgrown(&self) -> Vec<DocumentId> {
        let written = self.plan.writes.documents.iter().filter(|_| self.stored.wrote);
        let outgrown = written.filter(|document| document.head.has_outgrown_snapshot());
        outgrown.map(|document| document.head.document_id).collect()
    }

    /// The stretch of the feed behind which this batch's own changes lie: its end without them, and with them. `None` if
    /// it wrote nothing.
    pub(super) fn own_changes(&self) -> Option<(i64, i64)> {
        let head_sequence = self.stored.head_sequence?;
        let documents = i64::try_from(self.plan.writes.documents.len()).ok()?;
        Some((head_sequence.checked_sub(documents)?, head_sequence))
    }
}

<<<<<<< HEAD
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
=======
/// Runs a batch.
>>>>>>> main
///
/// # Errors
/// Inside: the batch is refused as a whole. Outside: what the store says. Nothing of it is stored then.
pub fn process(
    store: &Store,
    scope: &BatchScope,
    request: &Arc<Batch>,
    attempt: &Attempt,
<<<<<<< HEAD
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
=======
) -> Result<Result<Processed, BatchRefusal>, StoreError> {
    for _ in 0..TRIES_OFF_LOCK {
        let looked = match store.look(scope, |snapshot| look(snapshot, request, attempt))? {
            Ok(looked) => looked,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let plan = decide(&looked, request, scope.now, attempt, BATCH_MERGE_STEPS);
        if !has_to_store(request, attempt, &plan) {
            return Ok(Ok(Processed::new(looked, plan, Stored::default())));
        }
        match carry_out(store, scope, request, attempt, looked, plan) {
            Err(StoreError::LostRace) => metrics::counter!("landfall_lost_races").increment(1),
            carried_out => return carried_out,
>>>>>>> main
        }
    }
    let (now, request, attempt) = (scope.now, Arc::clone(request), attempt.clone());
    store.run_batch(scope.clone(), move |tx| run_batch(tx, &request, now, &attempt))
}

/// Carries a decision out in a transaction of its own.
fn carry_out(
    store: &Store,
    scope: &BatchScope,
    request: &Arc<Batch>,
    attempt: &Attempt,
    looked: Looked,
    plan: Plan,
) -> Result<Result<Processed, BatchRefusal>, StoreError> {
    let (now, request, attempt) = (scope.now, Arc::clone(request), attempt.clone());
    let mut decided = Some((looked, plan));
    store.write_batch(scope.clone(), move |tx| {
        // Called once: what is tried again is the whole batch.
        let (looked, plan) = decided.take().ok_or(StoreError::LostRace)?;
        let (stored, end) = store_plan(tx, &request, &looked, &plan, &attempt, now)?;
        Ok((stored.map(|stored| Processed::new(looked, plan, stored)), end))
    })
}

/// Runs a batch inside a transaction that has locked its workspace. What runs here holds the lock, so it does nothing
/// slow: merges have a small budget.
///
/// # Errors
/// As those of [`process`].
pub fn run_batch(
    tx: &mut dyn BatchTransaction,
    request: &Batch,
    now: Timestamp,
    attempt: &Attempt,
) -> Result<(Result<Processed, BatchRefusal>, End), StoreError> {
    let looked = match look(tx, request, attempt)? {
        Ok(looked) => looked,
        Err(refusal) => return Ok((Err(refusal), End::Rollback)),
    };
    let plan = decide(&looked, request, now, attempt, LOCKED_MERGE_STEPS);
    let (stored, end) = store_plan(tx, request, &looked, &plan, attempt, now)?;
    Ok((stored.map(|stored| Processed::new(looked, plan, stored)), end))
}

/// Whether a decision must be taken to the writer. A dry run need not: it stores nothing, and its answer shows what it
/// would have stored.
#[must_use]
pub fn has_to_store(request: &Batch, attempt: &Attempt, plan: &Plan) -> bool {
    let counts = request.sync_id.is_some() && attempt.trial.is_none();
    !request.dry_run && (counts || !plan.writes.is_empty())
}

/// Stores what was decided, and counts it. A trial only tries whether the database takes it.
///
/// # Errors
/// `LostRace` if the decision was made on something that has changed since; or what the store says.
pub fn store_plan(
    tx: &mut dyn BatchTransaction,
    request: &Batch,
    looked: &Looked,
    plan: &Plan,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(Result<Stored, BatchRefusal>, End), StoreError> {
    let mut stored = Stored::default();
    if !has_to_store(request, attempt, plan) {
        return Ok((Ok(stored), End::Rollback));
    }
    if !plan.writes.is_empty() {
        tx.write(&plan.writes)?;
        stored.wrote = attempt.trial.is_none();
    }
    if attempt.trial.is_some() {
        return Ok((Ok(stored), End::Rollback));
    }
    if stored.wrote && looked.cursor.is_some() {
        stored.head_sequence = Some(tx.head_sequence()?);
    }
    if let Some(sync_id) = request.sync_id {
        tx.lock()?;
        let run = match find_run(tx, request, sync_id, now)? {
            Ok(run) => run,
            Err(refusal) => return Ok((Err(refusal), End::Rollback)),
        };
        // Also an atomic batch that failed: its operations were processed.
        stored.counted = count(tx, run, plan, &looked.loaded.receipts, now)?;
    }
    Ok((Ok(stored), if stored.wrote || stored.counted { End::Commit } else { End::Rollback }))
}
