//! Waits before a request is tried again, told to whoever listens: of several at once, one.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::client::report::Listener;

/// Shorter waits are not worth a word.
const SHORTEST_TOLD: Duration = Duration::from_secs(1);

/// Who is told of waits.
#[derive(Default)]
pub struct Waits(Mutex<LastWait>);

#[derive(Default)]
struct LastWait {
    listener: Option<Listener>,
    /// The end of the last wait that was last.
    until: Option<Instant>,
}

impl Waits {
    /// From now on `listener` is told, or nobody.
    pub fn listen_with(&self, listener: Option<Listener>) {
        *self.last() = LastWait { listener, until: None };
    }

    /// Tells of a wait, unless it is short, or one is told that ends about then.
    pub fn announce(&self, wait: Duration, reason: &str) {
        let mut last = self.last();
        let ends = Instant::now() + wait;
        let is_known = last.until.is_some_and(|until| ends < until + SHORTEST_TOLD);
        if wait < SHORTEST_TOLD || is_known {
            return;
        }
        last.until = Some(ends);
        if let Some(listener) = &last.listener {
            listener(wait, reason);
        }
    }

    /// Whole between any two statements.
    fn last(&self) -> MutexGuard<'_, LastWait> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Waits").finish_non_exhaustive()
    }
}
