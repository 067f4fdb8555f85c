//! Removing what has been kept long enough: tombstones, receipts, old versions, closed sync runs, expired tokens, uploads
//! that nobody committed.
//!
//! A background thread on each server; a lease sees to it that one at a time does the work. Everything is done in small
//! slices with pauses between them, so that batches get through and stopping is prompt. What fails is tried again by the
//! next run: nobody waits for it.

mod fold;
mod lines;
mod purger;
mod stop;
mod walk;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub use self::fold::{Folded, fold_step};
pub use self::purger::{Purger, RetentionConfig};
pub use self::stop::Stop;
pub use self::walk::Purged;

/// A server is given this long to start before its first run.
const FIRST_RUN_AFTER: Duration = Duration::from_secs(10);

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
