//! How far a sync is, how fast it goes, and when it will end.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::domain::timestamp::Timestamp;

/// The pace is that of this time: pulls and pushes differ, and networks change.
const WINDOW: Duration = Duration::from_secs(15);
/// Samples are not taken closer together.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(250);
/// Failures that progress carries; all of them are told as events.
const MAX_ERRORS: usize = 20;
/// No end is foretold that is further away.
const MAX_REMAINING_S: f64 = 100.0 * 86_400.0;

/// How far the sync is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Progress {
    /// Operations and documents that are known to be to do.
    pub total: u64,
    /// Done, whatever came of it.
    pub processed: u64,
    /// Done well.
    pub succeeded: u64,
    /// Failed or in conflict.
    pub failed: u64,
    /// Left for another time.
    pub skipped: u64,
    /// Of `total`.
    pub percentage: f64,
    /// What is being done.
    pub current_operation: String,
    /// The newest failures.
    pub errors: Vec<ProgressError>,
    /// When the sync began.
    pub started_at: Timestamp,
    /// When it will end, if it goes on like this.
    pub estimated_completion: Option<Timestamp>,
}

/// A failure.
#[derive(Clone, Debug, Serialize)]
pub struct ProgressError {
    /// The file.
    pub path: String,
    /// The code.
    pub code: String,
    /// For people.
    pub message: String,
}

/// How one thing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Well.
    Succeeded,
    /// Not.
    Failed,
    /// It was left for another time.
    Skipped,
}

impl Progress {
    /// Notes a failure; the eldest makes room.
    pub fn remember(&mut self, path: &str, code: &str, message: &str) {
        if self.errors.len() >= MAX_ERRORS {
            self.errors.remove(0);
        }
        self.errors.push(ProgressError { path: path.to_owned(), code: code.to_owned(), message: message.to_owned() });
    }

    /// Counts one thing.
    pub fn count(&mut self, what: &str, outcome: Counted) {
        self.processed = self.processed.saturating_add(1);
        self.total = self.total.max(self.processed);
        let counter = match outcome {
            Counted::Succeeded => &mut self.succeeded,
            Counted::Failed => &mut self.failed,
            Counted::Skipped => &mut self.skipped,
        };
        *counter = counter.saturating_add(1);
        what.clone_into(&mut self.current_operation);
    }

    /// Works out the share that is done and the end.
    pub fn estimate(&mut self, remaining: Option<Duration>, now: Timestamp) {
        let (total, processed) = (share(self.total), share(self.processed));
        self.percentage = if total > 0.0 { (processed / total * 1000.0).round() / 10.0 } else { 0.0 };
        self.estimated_completion = remaining.map(|remaining| {
            let micros = i64::try_from(remaining.as_micros()).unwrap_or(i64::MAX);
            Timestamp(now.0.saturating_add(micros))
        });
    }
}

/// How fast things are done: over the last seconds, and at least over the last step that was made.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// When how many were done, eldest first.
    samples: VecDeque<(Instant, u64)>,
}

impl Pace {
    /// Notes how many are done by now. The first call begins the measurement.
    pub fn note(&mut self, now: Instant, processed: u64) {
        let is_soon = self.samples.back().is_some_and(|(at, _)| now.duration_since(*at) < SAMPLE_INTERVAL);
        if !is_soon {
            self.samples.push_back((now, processed));
        }
        while let Some((next_at, next_processed)) = self.samples.get(1)
            && now.duration_since(*next_at) >= WINDOW
            && *next_processed < processed
        {
            self.samples.pop_front();
        }
    }

    /// Things a second; `None` before anything is done.
    #[must_use]
    pub fn per_second(&self, now: Instant, processed: u64) -> Option<f64> {
        let (since, before) = self.samples.front()?;
        let seconds = now.duration_since(*since).as_secs_f64();
        (processed > *before && seconds > 0.0).then(|| share(processed.saturating_sub(*before)) / seconds)
    }

    /// How long the rest takes at this pace; `None` if that cannot be said, or nothing is left.
    #[must_use]
    pub fn remaining(&self, now: Instant, processed: u64, total: u64) -> Option<Duration> {
        let left = total.checked_sub(processed).filter(|left| *left > 0)?;
        let seconds = share(left) / self.per_second(now, processed)?;
        (seconds <= MAX_REMAINING_S).then(|| Duration::from_secs_f64(seconds))
    }
}

/// A count as a fraction's part; exact up to 2^32, which is more than will ever be counted here.
fn share(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_pace_tells_the_end() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        for second in 0..=60_u64 {
            pace.note(start + Duration::from_secs(second), second * 10);
        }
        let now = start + Duration::from_secs(60);
        assert_eq!(pace.per_second(now, 600), Some(10.0));
        assert_eq!(pace.remaining(now, 600, 1000), Some(Duration::from_secs(40)));
        assert_eq!(pace.remaining(now, 1000, 1000), None, "nothing is left");
    }

    #[test]
    fn the_pace_is_that_of_the_last_seconds() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        for second in 0..=30_u64 {
            pace.note(start + Duration::from_secs(second), second);
        }
        for second in 31..=60_u64 {
            pace.note(start + Duration::from_secs(second), 30 + (second - 30) * 100);
        }
        assert_eq!(pace.per_second(start + Duration::from_secs(60), 3030), Some(100.0));
    }

    #[test]
    fn a_standstill_moves_the_end_away_and_is_not_forgotten() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        pace.note(start, 0);
        pace.note(start + Duration::from_secs(10), 50);
        for second in 11..=100_u64 {
            pace.note(start + Duration::from_secs(second), 50);
        }
        let now = start + Duration::from_secs(100);
        assert_eq!(pace.per_second(now, 50), Some(0.5));
        assert_eq!(pace.remaining(now, 50, 100), Some(Duration::from_secs(100)));
    }

    #[test]
    fn before_the_first_step_nothing_is_foretold() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        assert_eq!(pace.remaining(start, 0, 10), None);
        pace.note(start, 0);
        assert_eq!(pace.remaining(start + Duration::from_secs(3), 0, 10), None);
    }

    #[test]
    fn the_share_is_of_what_is_known() {
        let mut progress = Progress { total: 3, ..Progress::default() };
        progress.count("a", Counted::Succeeded);
        progress.estimate(Some(Duration::from_millis(1500)), Timestamp(1_000_000));
        assert_eq!(progress.percentage, 33.3);
        assert_eq!(progress.estimated_completion, Some(Timestamp(2_500_000)));
        for _ in 0..3 {
            progress.count("b", Counted::Failed);
        }
        assert_eq!((progress.total, progress.failed), (4, 3), "more may be done than was known");
    }
}
