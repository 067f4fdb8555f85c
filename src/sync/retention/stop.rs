//! Telling a run to stop.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

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
