//! A batch on its way into the store: look and decide off every lock, then carry the decision out as a set of
//! compare-and-sets. A lost race starts again at the look; a batch that is light, or loses too many, is decided under the
//! lock.

use std::sync::Arc;

use crate::domain::cursor::Cursor;
use crate::domain::document::WriteSet;
use crate::domain::ids::{BatchId, DocumentId};
use crate::domain::outcome::{Attach, Ending, Outcome, Status};
use crate::domain::plan::{BATCH_MERGE_STEPS, Plan};
use crate::domain::timestamp::Timestamp;
use crate::domain::upload::UploadOutcome;
use crate::store::feed::FeedState;
use crate::store::{BatchScope, BatchTransaction, End, PackedTexts, Store, StoreError};
use crate::sync::counting::{count, find_run};
use crate::sync::edit_turns::BatchTurns;
pub use crate::sync::look::{Attempt, Looked, decide, look};
use crate::sync::texts::Texts;
use crate::sync::typing::Typed;
use crate::sync::{Batch, BatchRefusal};
use crate::yjs::render::Turn;

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
    /// Its id, if it made versions.
    pub batch_id: Option<BatchId>,
    /// That its upload has been applied.
    pub upload: bool,
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
    typed: Vec<Typed>,
}

impl Processed {
    fn new(looked: Looked, plan: Plan, stored: Stored) -> Self {
        let pull = looked.cursor.map(|cursor| (cursor, looked.feed));
        Self { plan, stored, pull, typed: looked.typed }
    }

    /// A batch that was applied before, as one.
    pub(super) fn replayed(plan: Plan, batch_id: Option<BatchId>, pull: Option<(Cursor, FeedState)>) -> Self {
        Self { plan, stored: Stored { batch_id, ..Stored::default() }, pull, typed: Vec::new() }
    }

    /// Whether its answer shows more than outcomes.
    pub(super) fn shows_something(&self) -> bool {
        self.pull.is_some() || self.plan.outcomes.iter().any(|outcome| outcome.attach != Attach::Nothing)
    }

    /// Documents whose log outweighs their snapshot now.
    #[must_use]
    pub fn outgrown(&self) -> Vec<DocumentId> {
        let written = self.plan.writes.documents.iter().filter(|_| self.stored.wrote);
        let outgrown = written.filter(|document| document.head.has_outgrown_snapshot());
        outgrown.map(|document| document.head.document_id).collect()
    }

    /// What is to be remembered of what was typed: that of updates that were stored.
    pub(super) fn take_typed(&mut self) -> impl Iterator<Item = Typed> {
        let typed = std::mem::take(&mut self.typed).into_iter();
        typed.filter(|typed| {
            let outcome = self.plan.outcomes.get(typed.place).filter(|_| self.stored.wrote);
            outcome.is_some_and(|outcome| {
                matches!(outcome.ending, Ending::Applied { .. }) && outcome.document_id == Some(typed.document_id)
            })
        })
    }

    /// The stretch of the feed behind which this batch's own changes lie: its end without them, and with them. `None` if
    /// it wrote nothing.
    pub(super) fn own_changes(&self) -> Option<(i64, i64)> {
        let head_sequence = self.stored.head_sequence?;
        let documents = i64::try_from(self.plan.writes.documents.len()).ok()?;
        Some((head_sequence.checked_sub(documents)?, head_sequence))
    }
}

/// A batch that has been applied, and is still to be answered.
#[derive(Debug)]
pub struct AppliedBatch {
    pub(super) request: Arc<Batch>,
    pub(super) processed: Processed,
}

impl AppliedBatch {
    /// Whether its answer shows documents, and so may be large.
    #[must_use]
    pub fn shows_documents(&self) -> bool {
        self.processed.shows_something()
    }
}

/// Runs a batch. `turn` is the workers' time for deriving and changing texts of Yjs documents; without it such changes
/// cannot be made now.
///
/// # Errors
/// Inside: the batch is refused as a whole. Outside: what the store says. Nothing of it is stored then.
pub fn process(
    store: &Store,
    scope: &BatchScope,
    request: &Arc<Batch>,
    attempt: &Attempt,
    turn: Option<Turn<'_>>,
) -> Result<Result<Processed, BatchRefusal>, StoreError> {
    let texts = Texts { store, workspace_id: scope.workspace_id, turn };
    process_in_turn(&texts, scope, request, attempt, None)
}

/// As [`process`], for a batch that changes texts of Yjs documents when it has its turn at each of them.
///
/// # Errors
/// As those of [`process`]; inside `NotItsTurn` if it has to wait first.
pub(super) fn process_in_turn(
    texts: &Texts<'_>,
    scope: &BatchScope,
    request: &Arc<Batch>,
    attempt: &Attempt,
    mut turns: Option<&mut BatchTurns>,
) -> Result<Result<Processed, BatchRefusal>, StoreError> {
    let store = texts.store;
    let mut made = None;
    for _ in 0..TRIES_OFF_LOCK {
        let mut looked = match store.look(scope, |snapshot| look(snapshot, request, attempt))? {
            Ok(looked) => looked,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let plan = loop {
            let mut plan = decide(&looked, request, scope.now, attempt, BATCH_MERGE_STEPS);
            if turns.as_deref_mut().is_some_and(|turns| !turns.has_turns_for(&plan)) {
                return Ok(Err(BatchRefusal::NotItsTurn));
            }
            if !texts.settle(&mut looked, &mut plan)? {
                break plan;
            }
        };
        if !has_to_store(request, attempt, &plan) {
            return Ok(Ok(Processed::new(looked, plan, Stored::default())));
        }
        made = looked.with_made_edits(request, &plan);
        match carry_out(store, scope, request, attempt, looked, plan) {
            Err(StoreError::LostRace) => {}
            carried_out => return carried_out,
        }
    }
    let (now, request, attempt) = (scope.now, Arc::clone(request), attempt.clone());
    store.run_batch(scope.clone(), move |tx| {
        if let Some(made) = &made
            && let Some(done) = run_as_made(tx, made, now, &attempt)?
        {
            return Ok(done);
        }
        run_batch(tx, &request, now, &attempt)
    })
}

/// Bytes of a batch that waits to be stored, or is being stored, in a metric.
struct Waiting(f64);

impl Waiting {
    fn of(writes: &WriteSet) -> Self {
        let bytes = f64::from(u32::try_from(writes.log_bytes()).unwrap_or(u32::MAX));
        metrics::gauge!("landfall_write_queue_bytes").increment(bytes);
        Self(bytes)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        metrics::gauge!("landfall_write_queue_bytes").decrement(self.0);
    }
}

/// Carries a decision out in a transaction of its own.
///
/// # Errors
/// As those of [`process`]; `LostRace` if it has to be made again off the lock.
pub fn carry_out(
    store: &Store,
    scope: &BatchScope,
    request: &Arc<Batch>,
    attempt: &Attempt,
    looked: Looked,
    plan: Plan,
) -> Result<Result<Processed, BatchRefusal>, StoreError> {
    let (now, request, attempt) = (scope.now, Arc::clone(request), attempt.clone());
    let _waiting = Waiting::of(&plan.writes);
    let is_light = looked.is_light(&request);
    let texts = PackedTexts::of(&plan.writes);
    let mut decided = Some((looked, plan));
    let written = store.write_batch(scope.clone(), is_light, move |tx| match decided.take() {
        Some((looked, plan)) => {
            let (stored, end) = store_plan(tx, &request, &looked, &plan, &texts, (&attempt, now))?;
            Ok((stored.map(|stored| Processed::new(looked, plan, stored)), end))
        }
        // It has lost a race.
        None => decide_at_once(tx, &request, now, &attempt),
    });
    // Those of light batches are counted where the store tries again.
    if !is_light && matches!(&written, Err(StoreError::LostRace)) {
        metrics::counter!("landfall_lost_races").increment(1);
    }
    written
}

/// Decides a light batch again under the lock, in place of another round off it. Only what succeeds is stored: a success
/// is the same with any budget, and anything else has all of the budget off the lock.
fn decide_at_once(
    tx: &mut dyn BatchTransaction,
    request: &Batch,
    now: Timestamp,
    attempt: &Attempt,
) -> Result<Done, StoreError> {
    tx.lock()?;
    let (processed, end) = run_batch(tx, request, now, attempt)?;
    match processed {
        Ok(processed) if !processed.plan.outcomes.iter().all(is_success) => Err(StoreError::LostRace),
        processed => Ok((processed, end)),
    }
}

/// Runs a batch inside a transaction that has locked its workspace. What runs here holds the lock, so it does nothing
/// slow: merges have a small budget, and no text of a Yjs document is changed.
///
/// # Errors
/// As those of [`process`].
pub fn run_batch(
    tx: &mut dyn BatchTransaction,
    request: &Batch,
    now: Timestamp,
    attempt: &Attempt,
) -> Result<Done, StoreError> {
    match decide_locked(tx, request, now, attempt)? {
        Ok((looked, plan)) => store_decided(tx, request, now, attempt, (looked, plan)),
        Err(refusal) => Ok((Err(refusal), End::Rollback)),
    }
}

/// What a transaction came to, and how it is to end.
type Done = (Result<Processed, BatchRefusal>, End);

/// As [`run_batch`], for a batch whose changes of texts are the Yjs updates that were made for an earlier state of their documents.
/// They fit a later one too, and merge with what was written meanwhile as those of any other editor. `None` if something of it
/// is no success: then nothing was written.
fn run_as_made(
    tx: &mut dyn BatchTransaction,
    made: &Batch,
    now: Timestamp,
    attempt: &Attempt,
) -> Result<Option<Done>, StoreError> {
    match decide_locked(tx, made, now, attempt)? {
        Ok((looked, plan)) if plan.outcomes.iter().all(is_success) => {
            store_decided(tx, made, now, attempt, (looked, plan)).map(Some)
        }
        Ok(_) | Err(_) => Ok(None),
    }
}

fn decide_locked(
    tx: &mut dyn BatchTransaction,
    request: &Batch,
    now: Timestamp,
    attempt: &Attempt,
) -> Result<Result<(Looked, Plan), BatchRefusal>, StoreError> {
    let mut looked = match look(tx, request, attempt)? {
        Ok(looked) => looked,
        Err(refusal) => return Ok(Err(refusal)),
    };
    loop {
        let plan = decide(&looked, request, now, attempt, LOCKED_MERGE_STEPS);
        let wanted = plan.wanted.iter().map(|wanted| wanted.document_id);
        let to_change: Vec<_> = wanted.chain(plan.edits.iter().map(|edit| edit.document_id)).collect();
        if to_change.is_empty() {
            return Ok(Ok((looked, plan)));
        }
        looked.loaded.unavailable.extend(to_change);
    }
}

fn store_decided(
    tx: &mut dyn BatchTransaction,
    request: &Batch,
    now: Timestamp,
    attempt: &Attempt,
    (looked, plan): (Looked, Plan),
) -> Result<Done, StoreError> {
    let texts = PackedTexts::of(&plan.writes);
    let (stored, end) = store_plan(tx, request, &looked, &plan, &texts, (attempt, now))?;
    Ok((stored.map(|stored| Processed::new(looked, plan, stored)), end))
}

fn is_success(outcome: &Outcome) -> bool {
    outcome.status() == Status::Success
}

/// Whether a decision must be taken to the writer. A dry run need not: it stores nothing, and its answer shows what it
/// would have stored.
#[must_use]
pub fn has_to_store(request: &Batch, attempt: &Attempt, plan: &Plan) -> bool {
    let counts = request.sync_id.is_some() && attempt.trial.is_none();
    let ends_upload = request.upload.is_some() && !plan.rolled_back;
    !request.dry_run && (counts || ends_upload || !plan.writes.is_empty())
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
    texts: &PackedTexts,
    (attempt, now): (&Attempt, Timestamp),
) -> Result<(Result<Stored, BatchRefusal>, End), StoreError> {
    let mut stored = Stored::default();
    if !has_to_store(request, attempt, plan) {
        return Ok((Ok(stored), End::Rollback));
    }
    if !plan.writes.is_empty() {
        tx.write_packed(&plan.writes, texts)?;
        stored.wrote = attempt.trial.is_none();
    }
    if attempt.trial.is_some() {
        return Ok((Ok(stored), End::Rollback));
    }
    if stored.wrote && !plan.writes.log.is_empty() {
        stored.batch_id = Some(BatchId::new(request.workspace_id, tx.head_sequence()?, now));
    }
    if let Some(upload) = request.upload.filter(|_| !plan.rolled_back) {
        let outcomes: Vec<UploadOutcome> =
            plan.outcomes.iter().filter_map(|outcome| UploadOutcome::of(outcome, &request.operations)).collect();
        tx.commit_upload(upload, &outcomes, stored.batch_id)?;
        stored.upload = true;
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
    Ok((Ok(stored), if stored.wrote || stored.counted || stored.upload { End::Commit } else { End::Rollback }))
}
