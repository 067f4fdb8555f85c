//! Restoring many documents: a batch of a hundred at a time, under a sync run that shows how far it is, can be called off,
//! and can be taken up again by the same request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::request::TakeBack;
use crate::domain::sync_run::RunKey;
use crate::domain::take_back::Moment;
use crate::domain::timestamp::Timestamp;
use crate::store::StoreError;
use crate::sync::restores::Start;
use crate::sync::runs::SyncRunView;
use crate::sync::{Batch, SyncError, SyncService};

/// Time for one batch.
const STEP: Duration = Duration::from_secs(30);
/// How often a batch is tried when the database is busy or away, and the pause before it is tried again.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// One restore under way.
struct Running {
    service: Arc<SyncService>,
    request: TakeBack,
    key: RunKey,
    moment: Moment,
    until: Timestamp,
}

impl SyncService {
    /// Opens the run, and begins to restore unless this server is at it.
    pub(super) fn restore_in_steps(
        self: &Arc<Self>,
        request: &TakeBack,
        key: RunKey,
        moment: Moment,
        documents: usize,
    ) -> Result<SyncRunView, SyncError> {
        let mut opened = None;
        let start = self.restores.begin(key, || {
            let view = self.open_restore(request, key, documents)?;
            let (service, request, until) = (Arc::clone(self), request.clone(), view.run.started_at);
            opened = Some(view);
            let running = Running { service, request, key, moment, until };
            let work: Box<dyn FnOnce() + Send> = Box::new(move || running.run_and_report());
            Ok::<_, SyncError>(work)
        })?;
        match (start, opened) {
            (Start::Full, _) => Err(SyncError::TooManyRestores),
            (_, Some(view)) => Ok(view),
            (_, None) => self.find_run(key),
        }
    }
}

impl Running {
    fn run_and_report(&self) {
        if let Err(error) = self.run() {
            let sync_id = self.key.sync_id;
            tracing::warn!(%sync_id, %error, "a restore ended early; the same request takes it up again");
        }
    }

    fn run(&self) -> Result<(), SyncError> {
        let mut after = None;
        loop {
            if self.service.restores.is_stopping() {
                return Ok(());
            }
            let until = Moment::Time(self.until);
            let page = self.service.find_targets(&self.request, self.moment, until, after)?;
            if !page.targets.is_empty() {
                let operations = self.service.operations_of(&self.request, page.targets, Instant::now() + STEP)?;
                self.apply(Arc::new(self.request.batch(operations, Some(self.key.sync_id))))?;
            }
            after = page.next;
            if after.is_none() {
                return self.service.close_restore(self.key);
            }
        }
    }

    fn apply(&self, batch: Arc<Batch>) -> Result<(), SyncError> {
        for _ in 1..TRIES {
            match self.service.carry_out(&batch, Instant::now() + STEP) {
                Err(SyncError::Store(StoreError::Busy | StoreError::Timeout | StoreError::Unavailable(_)))
                    if !self.service.restores.is_stopping() =>
                {
                    std::thread::sleep(PAUSE);
                }
                done => return done.map(drop),
            }
        }
        self.service.carry_out(&batch, Instant::now() + STEP).map(drop)
    }
}
