//! One run: the walk over all workspaces, slice by slice.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::fold::{Folded, fold_step};
use super::purger::Purger;
use super::stop::Stop;
use crate::domain::ids::{DocumentId, WorkspaceId};
use crate::domain::timestamp::Timestamp;
use crate::store::sync_runs::RunDeletion;
use crate::store::{Store, StoreError};

/// Workspaces whose ids are read at once.
const WORKSPACES: u32 = 100;

/// Ended sync runs that are looked up at once.
const RUNS: u32 = 100;

/// After a slice the run pauses as long as the slice took, so that it takes half of a connection at most; but not longer
/// than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The lease is renewed when it is this old.
const RENEW_AFTER: Duration = Duration::from_secs(30);

/// Workspaces that may fail before the run is given up: the database itself is at fault then.
const MOST_FAILURES: u32 = 5;

/// Old versions are folded when they are older than they must be by a tenth of the retention, but not by more than this:
/// a document that is written to all the time is folded once a day, not by every run.
const LONGEST_SLACK_S: i64 = 86_400;

/// Names the lease under which the work is done.
const LEASE: &str = "retention";

/// Seconds without a sign of life after which another server takes over: more than any slice takes.
const LEASE_S: i64 = 120;

/// What a run removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Documents whose tombstones went.
    pub tombstones: usize,
    /// Receipts.
    pub receipts: usize,
    /// Old versions of documents.
    pub versions: usize,
    /// Documents whose old versions could not be folded.
    pub refused: usize,
    /// Closed sync runs.
    pub sync_runs: usize,
    /// Expired sessions.
    pub sessions: usize,
    /// Uploads that were not committed in time, with what was staged of them; and what was kept of committed ones.
    pub uploads: usize,
}

impl Purged {
    /// Counts it, and writes it to the log.
    pub(super) fn log(&self, took: Duration) {
        let Self { tombstones, receipts, versions, refused, sync_runs, sessions, uploads } = *self;
        for (kind, rows) in [
            ("tombstones", tombstones),
            ("receipts", receipts),
            ("versions", versions),
            ("sync_runs", sync_runs),
            ("sessions", sessions),
            ("uploads", uploads),
        ] {
            metrics::counter!("landfall_purged_total", "kind" => kind)
                .increment(u64::try_from(rows).unwrap_or(u64::MAX));
        }
        metrics::histogram!("landfall_purge_seconds").record(took);
        tracing::info!(
            tombstones,
            receipts,
            versions,
            refused,
            sync_runs,
            sessions,
            uploads,
            seconds = took.as_secs_f64(),
            "purged what had expired"
        );
    }
}

impl Purger {
    /// One run over everything, until it is done or told to stop; `None` if another server has the lease. After a run
    /// the lease is kept until the next one is due, so that many servers do not each do it.
    ///
    /// # Errors
    /// What the store said, if the run could not go on. What was purged until then stays so.
    pub fn run(&self, stop: &Stop) -> Result<Option<Purged>, StoreError> {
        let looked =
            std::mem::replace(&mut *self.looked.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        self.passed.store(i64::try_from(looked.elapsed().as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
        if !self.store.take_lease(LEASE, self.holder, self.clock.now(), LEASE_S)? {
            return Ok(None);
        }
        let mut walk = Walk::new(self, stop);
        let started = Instant::now();
        let ended = walk.everything();
        let purged = walk.purged();
        purged.log(started.elapsed());
        match ended {
            Ok(()) => {
                let interval = i64::try_from(self.config.interval.as_secs()).unwrap_or(LEASE_S);
                self.store.take_lease(LEASE, self.holder, self.clock.now(), interval)?;
            }
            Err(EndedEarly::Stopped) => self.store.release_lease(LEASE, self.holder)?,
            Err(EndedEarly::LeaseLost) => tracing::info!("another server has taken over purging"),
            Err(EndedEarly::Failed(error)) => return Err(error),
        }
        Ok(Some(purged))
    }
}

/// Why a run ends early.
#[derive(Debug)]
pub(super) enum EndedEarly {
    /// It was told to.
    Stopped,
    /// Another server does the work now.
    LeaseLost,
    /// The store failed.
    Failed(StoreError),
}

impl From<StoreError> for EndedEarly {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Before which times a run purges; `None` = this run leaves that kind alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lines {
    pub tombstones: Option<Timestamp>,
    pub receipts: Option<Timestamp>,
    pub history: Option<Timestamp>,
    pub sessions: Option<Timestamp>,
}

/// A run under way.
pub(super) struct Walk<'a> {
    purger: &'a Purger,
    stop: &'a Stop,
    now: Timestamp,
    lines: Lines,
    renewed: Instant,
    failures: u32,
    purged: Purged,
}

impl<'a> Walk<'a> {
    /// A run of somebody who has just taken the lease.
    pub(super) fn new(purger: &'a Purger, stop: &'a Stop) -> Self {
        let (now, renewed) = (purger.clock.now(), Instant::now());
        let lines = Lines::default();
        Self { purger, stop, now, lines, renewed, failures: 0, purged: Purged::default() }
    }

    /// Whose run it is.
    pub(super) const fn purger(&self) -> &'a Purger {
        self.purger
    }

    /// The time of the run.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// What it removed so far.
    pub(super) const fn purged(&self) -> Purged {
        self.purged
    }

    /// Goes through all workspaces, then through what belongs to none.
    ///
    /// # Errors
    /// Why it ends early.
    pub(super) fn everything(&mut self) -> Result<(), EndedEarly> {
        self.lines = self.judge_all()?;
        let mut after = None;
        while let Some(workspaces) = self.next_workspaces(&mut after)? {
            for workspace_id in workspaces {
                self.workspace_or_next(workspace_id)?;
            }
        }
        self.sync_runs()?;
        self.sessions()?;
        let long_ago = self.now.plus_seconds(-LONGEST_SLACK_S);
        self.slice(|store| store.purge_leases(long_ago))?;
        Ok(())
    }

    /// The next workspaces, `None` after the last; `after` is the place.
    pub(super) fn next_workspaces(
        &mut self,
        after: &mut Option<WorkspaceId>,
    ) -> Result<Option<Vec<WorkspaceId>>, EndedEarly> {
        let workspaces = self.slice(|store| store.list_workspace_ids(*after, WORKSPACES))?;
        let Some(last) = workspaces.last() else { return Ok(None) };
        *after = Some(*last);
        Ok(Some(workspaces))
    }

    /// A workspace that fails does not keep the others from being purged.
    fn workspace_or_next(&mut self, workspace_id: WorkspaceId) -> Result<(), EndedEarly> {
        match self.workspace(workspace_id) {
            Err(EndedEarly::Failed(error)) if self.failures < MOST_FAILURES => {
                self.failures += 1;
                tracing::warn!(%workspace_id, %error, "a workspace could not be purged; it will be tried again");
                Ok(())
            }
            outcome => outcome,
        }
    }

    fn workspace(&mut self, workspace_id: WorkspaceId) -> Result<(), EndedEarly> {
        // Tombstones first: what goes with them need not be folded.
        self.tombstones(workspace_id)?;
        self.histories(workspace_id)?;
        self.receipts(workspace_id)?;
        self.uploads(workspace_id)
    }

    fn histories(&mut self, workspace_id: WorkspaceId) -> Result<(), EndedEarly> {
        let history_s = self.purger.config.history_s;
        let Some(before) = self.lines.history else { return Ok(()) };
        let overdue = before.plus_seconds(-(history_s / 10).min(LONGEST_SLACK_S));
        let mut after = None;
        loop {
            let look = self.slice(|store| store.find_foldable(workspace_id, after, overdue))?;
            for document_id in look.foldable {
                self.history(workspace_id, document_id, before)?;
            }
            match look.next {
                None => return Ok(()),
                next => after = next,
            }
        }
    }

    fn history(&mut self, workspace_id: WorkspaceId, id: DocumentId, before: Timestamp) -> Result<(), EndedEarly> {
        let renderer = &self.purger.renderer;
        loop {
            match self.slice(|store| fold_step(store, renderer, workspace_id, id, before))? {
                Folded::Folded { versions } => self.purged.versions += versions,
                Folded::Nothing | Folded::Moved => return Ok(()),
                Folded::Refused => {
                    self.purged.refused += 1;
                    return Ok(());
                }
            }
        }
    }

    fn tombstones(&mut self, workspace_id: WorkspaceId) -> Result<(), EndedEarly> {
        let Some(before) = self.lines.tombstones else { return Ok(()) };
        loop {
            let slice = self.slice(|store| store.purge_tombstones(workspace_id, before))?;
            self.purged.tombstones += slice.documents;
            if !slice.more {
                return Ok(());
            }
        }
    }

    fn receipts(&mut self, workspace_id: WorkspaceId) -> Result<(), EndedEarly> {
        let Some(before) = self.lines.receipts else { return Ok(()) };
        loop {
            let slice = self.slice(|store| store.purge_receipts(workspace_id, before))?;
            self.purged.receipts += slice.removed;
            if !slice.more {
                return Ok(());
            }
        }
    }

    /// A clock that jumps costs uploads at most, which their editors begin again: no caution is needed.
    fn uploads(&mut self, workspace_id: WorkspaceId) -> Result<(), EndedEarly> {
        let limits = self.purger.config.upload;
        loop {
            let now = self.now;
            let slice = self.slice(|store| store.purge_uploads(workspace_id, limits, now))?;
            self.purged.uploads += slice.removed;
            if !slice.more {
                return Ok(());
            }
        }
    }

    /// Runs are few, and an index leads to those that ended: no walk.
    fn sync_runs(&mut self) -> Result<(), EndedEarly> {
        let Some(before) = self.lines.history else { return Ok(()) };
        loop {
            let mut forgotten = 0;
            for key in self.slice(|store| store.find_ended_runs(before, RUNS))? {
                let mut step = RunDeletion::Started;
                while step == RunDeletion::Started {
                    step = self.slice(|store| store.forget_run(key, before))?;
                }
                forgotten += usize::from(step == RunDeletion::Done);
            }
            self.purged.sync_runs += forgotten;
            if forgotten == 0 {
                return Ok(());
            }
        }
    }

    fn sessions(&mut self) -> Result<(), EndedEarly> {
        let Some(before) = self.lines.sessions else { return Ok(()) };
        loop {
            let slice = self.slice(|store| store.purge_sessions(before))?;
            self.purged.sessions += slice.removed;
            if !slice.more {
                return Ok(());
            }
        }
    }

    /// Does one slice while the lease is held, and pauses, so that others get to the database.
    pub(super) fn slice<T>(&mut self, work: impl FnOnce(&Store) -> Result<T, StoreError>) -> Result<T, EndedEarly> {
        if self.renewed.elapsed() >= RENEW_AFTER {
            let Purger { store, clock, holder, .. } = self.purger;
            if !store.take_lease(LEASE, *holder, clock.now(), LEASE_S)? {
                return Err(EndedEarly::LeaseLost);
            }
            self.renewed = Instant::now();
        }
        let started = Instant::now();
        let value = work(&self.purger.store)?;
        if self.stop.wait(started.elapsed().min(LONGEST_PAUSE)) { Err(EndedEarly::Stopped) } else { Ok(value) }
    }
}
