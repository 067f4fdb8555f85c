//! When to look, and when to sync: a function of what was heard and of the time.

use std::time::{Duration, Instant};

use crate::client::transport::Backoff;

/// A change waits no longer than this, however many follow it.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Another command at work in the folder is waited for in steps of this.
const BUSY_WAIT: Duration = Duration::from_millis(500);

/// How often to sync.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    /// Without a further change, before a sync begins.
    pub settle: Duration,
    /// After the last sync, even if nothing was heard.
    pub interval: Duration,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Listen, for so long at most.
    Wait(Duration),
    /// Look whether what was heard is news.
    Look,
    /// Sync.
    Sync,
}

/// What was heard and not looked at yet.
#[derive(Clone, Copy, Debug)]
struct Burst {
    first: Instant,
    last: Instant,
}

/// When to look and when to sync.
#[derive(Clone, Debug)]
pub struct Schedule {
    rhythm: Rhythm,
    burst: Option<Burst>,
    sync_at: Instant,
    /// Syncs in a row that did not reach the server.
    failures: u32,
}

impl Schedule {
    /// The first sync is due at once.
    #[must_use]
    pub const fn new(rhythm: Rhythm, now: Instant) -> Self {
        Self { rhythm, burst: None, sync_at: now, failures: 0 }
    }

    /// What to do at this moment.
    #[must_use]
    pub fn next(&self, now: Instant) -> Next {
        if now >= self.sync_at {
            return Next::Sync;
        }
        // Without the server nothing is gained by looking: the sync that is due looks at everything.
        let look_at = self.burst.filter(|_| self.failures == 0).map(|burst| {
            let settled = burst.last + self.rhythm.settle;
            settled.min(burst.first + MAX_WAIT.max(self.rhythm.settle))
        });
        match look_at {
            Some(look_at) if now >= look_at => Next::Look,
            Some(look_at) => Next::Wait(look_at.min(self.sync_at).duration_since(now)),
            None => Next::Wait(self.sync_at.duration_since(now)),
        }
    }

    /// Something may have changed.
    pub fn note_change(&mut self, now: Instant) {
        let first = self.burst.map_or(now, |burst| burst.first);
        self.burst = Some(Burst { first, last: now });
    }

    /// What was heard was looked at.
    pub const fn note_look(&mut self) {
        self.burst = None;
    }

    /// A sync is due at once.
    pub const fn sync_now(&mut self, now: Instant) {
        self.sync_at = now;
    }

    /// A sync reached the server.
    pub fn note_sync(&mut self, now: Instant) {
        self.burst = None;
        self.failures = 0;
        self.sync_at = now + self.rhythm.interval;
    }

    /// Another command is at work in the folder.
    pub fn note_busy(&mut self, now: Instant) {
        self.sync_at = now + BUSY_WAIT;
    }

    /// A sync did not reach the server. `chance` is below 1.
    pub fn note_unreachable(&mut self, now: Instant, chance: f64) {
        self.failures = self.failures.saturating_add(1);
        let wait = Backoff { retries: u32::MAX }.wait(self.failures, None, chance).unwrap_or_default();
        self.sync_at = now + wait.max(BUSY_WAIT).min(self.rhythm.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_millis(400);
    const MINUTE: Duration = Duration::from_secs(60);

    fn synced(now: Instant) -> Schedule {
        let mut schedule = Schedule::new(Rhythm { settle: SETTLE, interval: MINUTE }, now);
        assert_eq!(schedule.next(now), Next::Sync, "at once");
        schedule.note_sync(now);
        schedule
    }

    #[test]
    fn a_burst_is_waited_for_until_it_settles() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut schedule = synced(start);
        assert_eq!(schedule.next(start), Next::Wait(MINUTE));
        for ms in [0, 100, 300, 600] {
            schedule.note_change(at(ms));
            assert_eq!(schedule.next(at(ms)), Next::Wait(SETTLE));
        }
        assert_eq!(schedule.next(at(999)), Next::Wait(Duration::from_millis(1)));
        assert_eq!(schedule.next(at(1000)), Next::Look);
        schedule.note_look();
        assert_eq!(schedule.next(at(1000)), Next::Wait(Duration::from_secs(59)));
    }

    #[test]
    fn endless_changes_are_not_waited_for_endlessly() {
        let start = Instant::now();
        let mut schedule = synced(start);
        let looked = (0..100).map(|n| start + Duration::from_millis(n * 100)).find(|now| {
            schedule.note_change(*now);
            schedule.next(*now) == Next::Look
        });
        assert_eq!(looked, Some(start + MAX_WAIT));
    }

    #[test]
    fn without_the_server_waits_grow_and_changes_hasten_nothing() {
        let start = Instant::now();
        let mut schedule = synced(start);
        let mut waits = Vec::new();
        for _ in 0..8 {
            schedule.note_unreachable(start, 1.0);
            schedule.note_change(start);
            let Next::Wait(wait) = schedule.next(start) else { panic!("it waits") };
            waits.push(wait.as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        schedule.sync_now(start);
        assert_eq!(schedule.next(start), Next::Sync, "the server is back");
        schedule.note_sync(start);
        schedule.note_unreachable(start, 0.0);
        assert_eq!(schedule.next(start), Next::Wait(BUSY_WAIT), "full jitter, but no busy loop");
    }

    #[test]
    fn another_command_is_waited_for() {
        let start = Instant::now();
        let mut schedule = synced(start);
        schedule.note_busy(start);
        assert_eq!(schedule.next(start), Next::Wait(BUSY_WAIT));
        assert_eq!(schedule.next(start + BUSY_WAIT), Next::Sync);
    }
}
