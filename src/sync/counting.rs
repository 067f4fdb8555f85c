//! A batch's place in its sync run, inside the batch's own transaction: what is committed is counted, and what is
//! counted is committed. Batches without a `sync_id` pass through untouched.

use std::collections::HashMap;

use crate::domain::document::Receipt;
use crate::domain::ids::SyncId;
use crate::domain::outcome::Outcome;
use crate::domain::plan::Plan;
use crate::domain::sync_run::{CountedBatch, Direction, RunStatus, SyncRun};
use crate::domain::timestamp::Timestamp;
use crate::store::{BatchTransaction, StoreError};
use crate::sync::{Batch, BatchRefusal};

/// The run that a batch counts towards. A run that nobody opened is opened by its first batch: a progress bar that is
/// missing must not hold up a queue. The workspace is locked.
///
/// # Errors
/// Inside: `SyncCancelled`. Outside: what the store says.
pub(super) fn find_run(
    tx: &mut dyn BatchTransaction,
    request: &Batch,
    sync_id: SyncId,
    now: Timestamp,
) -> Result<Result<SyncRun, BatchRefusal>, StoreError> {
    let run = tx.find_sync_run(sync_id)?;
    let run = run.unwrap_or_else(|| SyncRun::open(sync_id, request.device_id.clone(), Direction::Push, 0, now));
    Ok(if run.status == RunStatus::Cancelled { Err(BatchRefusal::SyncCancelled) } else { Ok(run) })
}

/// Counts the batch and stores its run. Whether there is anything to commit.
///
/// # Errors
/// What the store says.
pub(super) fn count(
    tx: &mut dyn BatchTransaction,
    mut run: SyncRun,
    plan: &Plan,
    receipts: &HashMap<String, Receipt>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let known = if run.notes == 0 { Vec::new() } else { tx.find_run_notes(run.sync_id, &names(&plan.outcomes))? };
    let batch = CountedBatch { outcomes: &plan.outcomes, order: &plan.order, receipts, now };
    let Some(notes) = run.count(&batch, known) else { return Ok(false) };
    tx.save_sync_run(&run, &notes)?;
    Ok(true)
}

/// The names of the operations, each once.
fn names(outcomes: &[Outcome]) -> Vec<&str> {
    let mut names: Vec<&str> = outcomes.iter().filter_map(|outcome| outcome.client_id.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
