//! Removing what has been kept long enough: tombstones, receipts, old versions, closed sync runs, expired tokens, uploads
//! that nobody committed.
//!
//! A background thread on each server; a lease sees to it that one at a time does the work. Everything is done in small
//! slices with pauses between them, so that batches get through and stopping is prompt. What fails is tried again by the
//! next run: nobody waits for it.

mod fold;
mod lines;
mod walk;

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use uuid::Uuid;

pub use self::fold::{Folded, fold_step};
pub use self::walk::Purged;
use self::walk::{EndedEarly, Walk};
use crate::domain::caution::LONGEST_WAIT_S;
use crate::domain::limits::Limits;
use crate::domain::timestamp::Clock;
use crate::domain::upload::UploadLimits;
use crate::store::{Store, StoreError};
use crate::yjs::render::Renderer;

/// A server is given this long to start before its first run.
const FIRST_RUN_AFTER: Duration = Duration::from_secs(10);

/// Names the lease under which the work is done.
const LEASE: &str = "retention";

/// Seconds without a sign of life after which another server takes over: more than any slice takes.
const LEASE_S: i64 = 120;

/// How long things are kept, and how often is looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionConfig {
    /// Time between two runs; zero = none at all.
    pub interval: Duration,
    /// Seconds that a receipt is kept; not less than a tombstone.
    pub receipts_s: i64,
    /// Seconds that a tombstone is kept.
    pub tombstones_s: i64,
    /// Seconds that old versions, and the history of sync runs, are kept.
    pub history_s: i64,
    /// How long uploads are kept.
    pub upload: UploadLimits,
    /// Seconds that a purge that looks wrong waits, at most; it never waits longer than things of its kind are kept.
    pub caution_s: i64,
}

impl RetentionConfig {
    /// As the published limits say.
    #[must_use]
    pub const fn new(interval: Duration, limits: &Limits) -> Self {
        Self {
            interval,
            receipts_s: limits.receipt_retention_s,
            tombstones_s: limits.tombstone_retention_s,
            history_s: limits.history_retention_s,
            upload: limits.upload,
            caution_s: LONGEST_WAIT_S,
        }
    }
}

/// The background thread.
pub struct Retention {
    stop: Arc<Stop>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Retention")
    }
}

impl Retention {
    /// Starts the thread, unless the interval is zero.
    #[must_use]
    pub fn start(purger: Purger) -> Self {
        let stop = Arc::new(Stop::default());
        let interval = purger.config.interval;
        let heard = Arc::clone(&stop);
        let thread = (!interval.is_zero()).then(|| {
            std::thread::Builder::new()
                .name("retention".to_owned())
                .spawn(move || serve(&purger, &heard))
                .inspect_err(|error| tracing::error!(%error, "no retention thread: nothing will be purged"))
        });
        Self { stop, thread: Mutex::new(thread.and_then(Result::ok)) }
    }

    /// Ends the thread, after the slice that it is at. Closing twice is fine.
    pub fn close(&self) {
        self.stop.stop();
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the retention thread had panicked");
        }
    }
}

fn serve(purger: &Purger, stop: &Stop) {
    let interval = purger.config.interval;
    let mut pause = interval.min(FIRST_RUN_AFTER);
    while !stop.wait(pause) {
        pause = interval;
        match purger.run(stop) {
            Ok(None) => tracing::debug!("another server purges"),
            Ok(Some(_)) => {}
            Err(error) => {
                metrics::counter!("landfall_purge_failures_total").increment(1);
                tracing::warn!(%error, "what has expired could not be purged; it will be tried again");
            }
        }
    }
}

/// Who purges: one for each server.
pub struct Purger {
    store: Arc<Store>,
    renderer: Arc<Renderer>,
    clock: Arc<dyn Clock>,
    config: RetentionConfig,
    holder: Uuid,
    /// When it last looked, by a clock that cannot jump.
    looked: Mutex<Instant>,
    /// Microseconds between the last two looks.
    passed: AtomicI64,
}

impl Purger {
    /// A purger over these parts.
    #[must_use]
    pub fn new(store: Arc<Store>, renderer: Arc<Renderer>, clock: Arc<dyn Clock>, config: RetentionConfig) -> Self {
        Self {
            store,
            renderer,
            clock,
            config,
            holder: Uuid::new_v4(),
            looked: Mutex::new(Instant::now()),
            passed: AtomicI64::new(0),
        }
    }

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

impl fmt::Debug for Purger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purger").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Tells a run to stop, between two of its slices.
#[derive(Debug, Default)]
pub struct Stop {
    asked: Mutex<bool>,
    woken: Condvar,
}

impl Stop {
    /// Says so.
    pub fn stop(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.woken.notify_all();
    }

    /// Waits as long, or until told to stop: whether it was.
    #[must_use]
    pub fn wait(&self, time: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *self.woken.wait_timeout_while(asked, time, |asked| !*asked).unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_when_told_to_stop() {
        let stop = Stop::default();
        assert!(!stop.wait(Duration::from_millis(1)));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| stop.wait(Duration::from_secs(600)));
            stop.stop();
            assert!(waits.join().unwrap());
        });
        assert!(stop.wait(Duration::ZERO));
    }
}
