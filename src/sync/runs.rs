//! Sync runs as their owners see and steer them: opening, watching, cancelling, the history; and closing those that
//! nobody drives any more.

use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::sync_run::{Direction, HistoryPlace, RunKey, RunNote, SyncRun, silent_since};
use crate::domain::timestamp::Timestamp;
use crate::store::StoreError;
use crate::sync::{SyncError, SyncService};

/// Runs that are looked up at a time to be closed or forgotten, each in transactions of its own.
const RUNS_AT_A_TIME: u32 = 100;

/// What a run is opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRun {
    /// Whose run, where, under which id.
    pub key: RunKey,
    /// Operations announced, 0 to [`MAX_TOTAL`](crate::domain::sync_run::MAX_TOTAL).
    pub total: i64,
    /// Which way it moves documents.
    pub direction: Direction,
    /// The device that opens it.
    pub device_id: Option<String>,
}

/// What became of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// There was no such run.
    Opened,
    /// It was there already; its total may have been corrected.
    Found,
}

/// A run as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncRunView {
    /// The run.
    pub run: SyncRun,
    /// Its newest failures, newest first, [`MAX_SHOWN_ERRORS`](crate::domain::sync_run::MAX_SHOWN_ERRORS) at most.
    pub failures: Vec<RunNote>,
}

impl SyncService {
    /// Opens a run, or finds the one that is there and corrects its total while it is open. The caller has checked
    /// that the user may read the workspace.
    ///
    /// # Errors
    /// What the store says.
    pub fn open_run(&self, request: OpenRun) -> Result<(Opening, SyncRunView), SyncError> {
        let (key, now) = (request.key, self.clock.now());
        let (opening, changed) = self.store.change_sync_run(key, move |found| match found {
            Some(mut run) => {
                let changed = run.correct_total(request.total, now);
                (changed.then_some(run), (Opening::Found, changed))
            }
            None => {
                let device_id = request.device_id.clone();
                let run = SyncRun::open(key.sync_id, device_id, request.direction, request.total, now);
                (Some(run), (Opening::Opened, true))
            }
        })?;
        if changed {
            self.announce(key);
        }
        Ok((opening, self.find_run(key)?))
    }

    /// A run with its newest failures.
    ///
    /// # Errors
    /// `NoSuchRun` (the same for another user's), or what the store says.
    pub fn find_run(&self, key: RunKey) -> Result<SyncRunView, SyncError> {
        let (run, failures) = self.store.find_sync_run(key)?.ok_or(SyncError::NoSuchRun)?;
        Ok(SyncRunView { run, failures })
    }

    /// Calls a run off: later batches of it are refused, what was committed stays. A completed run stays completed.
    ///
    /// # Errors
    /// `NoSuchRun`, or what the store says.
    pub fn cancel_run(&self, key: RunKey) -> Result<SyncRunView, SyncError> {
        let now = self.clock.now();
        if self.change_run(key, move |run| run.cancel(now))? {
            self.announce(key);
        }
        self.find_run(key)
    }

    /// The runs of a user in a workspace, newest first, after `before` in that order.
    ///
    /// # Errors
    /// What the store says.
    pub fn list_runs(
        &self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        before: Option<HistoryPlace>,
        limit: u32,
    ) -> Result<Vec<SyncRun>, SyncError> {
        Ok(self.store.list_sync_runs(workspace_id, user_id, before, limit)?)
    }

    /// Closes the open runs that nothing was heard of for an hour; how many. Each is looked at again under its
    /// workspace's lock, so servers that do this at the same time do not disturb each other or a batch.
    ///
    /// # Errors
    /// What the store says; runs closed so far stay closed.
    pub fn close_silent_runs(&self, now: Timestamp) -> Result<usize, SyncError> {
        let mut closed = 0;
        loop {
            let silent = self.store.find_silent_runs(silent_since(now), RUNS_AT_A_TIME)?;
            let before = closed;
            for key in silent {
                match self.change_run(key, move |run| run.fall_silent(now)) {
                    Ok(true) => {
                        closed += 1;
                        self.announce(key);
                    }
                    // Heard of meanwhile, or closed by another server.
                    Ok(false) | Err(SyncError::NoSuchRun | SyncError::Store(StoreError::NoSuchWorkspace)) => {}
                    Err(error) => return Err(error),
                }
            }
            if closed == before {
                return Ok(closed);
            }
        }
    }

    /// Closes the run of a restore that has nothing left to do: fewer documents may have been left than were announced.
    pub(super) fn close_restore(&self, key: RunKey) -> Result<(), SyncError> {
        let now = self.clock.now();
        if self.change_run(key, move |run| run.correct_total(run.processed(), now))? {
            self.announce(key);
        }
        Ok(())
    }

    /// Changes a run that is there; whether anything changed.
    fn change_run(
        &self,
        key: RunKey,
        change: impl Fn(&mut SyncRun) -> bool + Send + 'static,
    ) -> Result<bool, SyncError> {
        let changed = self.store.change_sync_run(key, move |found| match found {
            None => (None, None),
            Some(mut run) => {
                let changed = change(&mut run);
                (changed.then_some(run), Some(changed))
            }
        })?;
        changed.ok_or(SyncError::NoSuchRun)
    }

    fn announce(&self, key: RunKey) {
        self.events.progressed(key.workspace_id, key.user_id, key.sync_id);
    }
}
