//! A sync run: the batches of one sync, counted together (protocol §4). A state machine that is a function of its
//! arguments; where runs are kept is not known here.
//!
//! ```text
//! idle                     ── a batch ──────────────▶ processing
//! processing               ── nothing is left ──────▶ completed
//! completed                ── new operations ───────▶ processing, or completed again
//! idle, processing         ── an hour of silence ───▶ error
//! error                    ── any batch ────────────▶ processing, or completed
//! idle, processing, error  ── cancel ───────────────▶ cancelled, which takes no batch any more
//! ```
//!
//! An operation is processed once, however often it is sent: `tally` says how that is known.

use std::collections::HashMap;

use crate::domain::document::Receipt;
use crate::domain::ids::{SyncId, UserId, WorkspaceId};
use crate::domain::operation::OperationKind;
use crate::domain::outcome::Outcome;
pub use crate::domain::run_notes::{NoteChanges, RunFailure, RunNote};
use crate::domain::tally::Tally;
use crate::domain::timestamp::Timestamp;

/// Seconds without a word after which an open run is closed as [`RunStatus::Error`].
pub const SILENT_AFTER_S: i64 = 3_600;
/// The failures of a run that are shown, the newest ones.
pub const MAX_SHOWN_ERRORS: u32 = 100;
/// The largest total: what a JSON number holds exactly everywhere.
pub const MAX_TOTAL: i64 = 9_007_199_254_740_991;

/// A run's key: it belongs to the user who opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub sync_id: SyncId,
}

/// Where a run stands in the history of its user.
pub type HistoryPlace = (Timestamp, SyncId);

/// Which way a run moves documents. Told by its opener and passed on; nothing follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From the editor to the server.
    #[default]
    Push,
    /// From the server to the editor.
    Pull,
    /// Both ways.
    Both,
}

impl Direction {
    /// Every direction.
    pub const ALL: [Self; 3] = [Self::Push, Self::Pull, Self::Both];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Both => "both",
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// Opened; no batch has been counted.
    Idle,
    /// Batches are coming in.
    Processing,
    /// As many operations were processed as were announced.
    Completed,
    /// Nothing was heard of it for [`SILENT_AFTER_S`]; a batch takes it up again.
    Error,
    /// Its owner called it off; it takes no batch any more.
    Cancelled,
}

impl RunStatus {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether more is expected.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Idle | Self::Processing)
    }
}

/// A sync run. Counts are of operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncRun {
    /// Its id, chosen by the client.
    pub sync_id: SyncId,
    /// The device that opened it, if it said so.
    pub device_id: Option<String>,
    /// Which way it moves documents.
    pub direction: Direction,
    /// Where it stands.
    pub status: RunStatus,
    /// Operations announced; never less than were processed.
    pub total: i64,
    /// Operations that ended in success.
    pub succeeded: i64,
    /// Operations whose last outcome is a conflict or an error.
    pub failed: i64,
    /// Operations that were last skipped.
    pub skipped: i64,
    /// Batches that were counted.
    pub batches: i64,
    /// The last operation, in order of execution, of the last batch that was counted.
    pub current_operation: Option<String>,
    /// Numbers given to notes so far; 0 = there are none.
    pub notes: i64,
    /// When it was opened, or the time of its first batch if that is earlier.
    pub started_at: Timestamp,
    /// When it was last heard of.
    pub updated_at: Timestamp,
    /// When it ended; none while it is open.
    pub finished_at: Option<Timestamp>,
}

/// What became of a batch, as its run counts it.
#[derive(Clone, Copy, Debug)]
pub struct CountedBatch<'a> {
    /// One for each operation, in submitted order.
    pub outcomes: &'a [Outcome],
    /// The order of execution, as places in the request.
    pub order: &'a [usize],
    /// The receipts that replays were answered from, by name.
    pub receipts: &'a HashMap<String, Receipt>,
    /// The time of the batch.
    pub now: Timestamp,
}

impl SyncRun {
    /// A run that was just opened.
    #[must_use]
    pub fn open(sync_id: SyncId, device_id: Option<String>, direction: Direction, total: i64, now: Timestamp) -> Self {
        Self {
            sync_id,
            device_id,
            direction,
            status: RunStatus::Idle,
            total,
            succeeded: 0,
            failed: 0,
            skipped: 0,
            batches: 0,
            current_operation: None,
            notes: 0,
            started_at: now,
            updated_at: now,
            finished_at: None,
        }
    }

    /// Operations with an outcome.
    #[must_use]
    pub const fn processed(&self) -> i64 {
        self.succeeded.saturating_add(self.failed).saturating_add(self.skipped)
    }

    /// How much of the total is processed, in percent, rounded down to one decimal: 100 only when nothing is left.
    #[must_use]
    pub fn percentage(&self) -> f64 {
        if self.total == 0 {
            return if self.status.is_open() { 0.0 } else { 100.0 };
        }
        let tenths = i128::from(self.processed()) * 1_000 / i128::from(self.total);
        f64::from(u16::try_from(tenths.clamp(0, 1_000)).unwrap_or(1_000)) / 10.0
    }

    /// When everything will be processed if it goes on as it went so far; none when it is not under way.
    #[must_use]
    pub fn estimated_completion(&self) -> Option<Timestamp> {
        let (processed, elapsed) = (self.processed(), self.updated_at.0.saturating_sub(self.started_at.0));
        if self.status != RunStatus::Processing || processed == 0 || elapsed <= 0 {
            return None;
        }
        let left = i128::from(self.total.saturating_sub(processed)) * i128::from(elapsed) / i128::from(processed);
        let left = i64::try_from(left).unwrap_or(i64::MAX);
        Some(Timestamp(self.updated_at.0.saturating_add(left)))
    }

    /// Announces another total; a run that has ended stays as it is. Whether anything changed.
    pub fn correct_total(&mut self, total: i64, now: Timestamp) -> bool {
        let total = total.max(self.processed());
        if !self.status.is_open() || total == self.total {
            return false;
        }
        self.total = total;
        self.hear(now);
        if self.processed() > 0 {
            self.settle(now);
        }
        true
    }

    /// Calls the run off; one that is completed stays so. Whether anything changed.
    pub fn cancel(&mut self, now: Timestamp) -> bool {
        if matches!(self.status, RunStatus::Completed | RunStatus::Cancelled) {
            return false;
        }
        self.hear(now);
        self.end(RunStatus::Cancelled, now);
        true
    }

    /// Closes the run if it is open and nothing was heard of it for [`SILENT_AFTER_S`]. Whether anything changed.
    pub fn fall_silent(&mut self, now: Timestamp) -> bool {
        if !self.status.is_open() || self.updated_at >= silent_since(now) {
            return false;
        }
        self.end(RunStatus::Error, now);
        true
    }

    /// Counts a batch; `known` are the run's notes of the batch's names. What is to be changed in the notes; none if
    /// the batch changes nothing at all.
    ///
    /// The caller has seen to it that the run is not cancelled.
    pub fn count(&mut self, batch: &CountedBatch<'_>, known: Vec<RunNote>) -> Option<NoteChanges> {
        let mut tally = Tally::new(self.started_at, known);
        for outcome in batch.outcomes {
            let receipt = outcome.client_id.as_ref().and_then(|name| batch.receipts.get(name));
            tally.add(outcome, receipt.map(|receipt| receipt.created_at), batch.now);
        }
        let resent = !batch.outcomes.is_empty() && !tally.counted;
        if resent && self.status == RunStatus::Completed {
            return None;
        }
        // A batch may have been given its time before the run that it finds.
        self.started_at = self.started_at.min(batch.now);
        self.hear(batch.now);
        if resent {
            // Its answer was lost: nothing is processed, but the client is there.
            if self.status == RunStatus::Error {
                self.resume();
            }
            return Some(NoteChanges::default());
        }
        self.succeeded = self.succeeded.saturating_add(tally.succeeded);
        self.failed = self.failed.saturating_add(tally.failed);
        self.skipped = self.skipped.saturating_add(tally.skipped);
        if let Some(description) = describe_last(batch, self.batches.saturating_add(1)) {
            self.batches = self.batches.saturating_add(1);
            self.current_operation = Some(description);
        }
        self.settle(batch.now);
        Some(tally.number(&mut self.notes))
    }

    fn hear(&mut self, now: Timestamp) {
        self.updated_at = self.updated_at.max(now);
    }

    /// Open or completed, as the counts have it.
    fn settle(&mut self, now: Timestamp) {
        self.total = self.total.max(self.processed());
        if self.processed() == self.total {
            self.end(RunStatus::Completed, now);
        } else {
            self.resume();
        }
    }

    fn resume(&mut self) {
        self.status = RunStatus::Processing;
        self.finished_at = None;
    }

    fn end(&mut self, status: RunStatus, now: Timestamp) {
        self.status = status;
        self.finished_at = Some(now.max(self.updated_at));
    }
}

/// Open runs that were last heard of before this are silent.
#[must_use]
pub fn silent_since(now: Timestamp) -> Timestamp {
    now.plus_seconds(-SILENT_AFTER_S)
}

/// For example "update 3 of 100 in batch 2": the operation that was executed last, by its place in the request.
fn describe_last(batch: &CountedBatch<'_>, number: i64) -> Option<String> {
    let place = *batch.order.last()?;
    let kind = batch.outcomes.get(place)?.kind.map_or("operation", OperationKind::as_str);
    Some(format!("{kind} {} of {} in batch {number}", place.saturating_add(1), batch.outcomes.len()))
}
