//! Whether the clock can be believed before something is purged for good: pure functions of what is known.
//!
//! A purge takes what is older than a line, which moves on as time passes. One that would move further than time passed,
//! or take more than a tenth of what there is, may be due to a clock that is wrong now or was wrong then (or to a setting
//! that was changed by mistake): it waits, and time that passes is what it must outlast.

use crate::domain::timestamp::Timestamp;

/// The longest that a purge waits.
pub const LONGEST_WAIT_S: i64 = 86_400;

/// What is known of the purges of one kind, from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeRecord {
    /// Everything from before this time may be gone.
    pub line: Timestamp,
    /// The purge that waits.
    pub waiting: Option<Waiting>,
}

/// A purge that looks wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What it would take everything from before, as it was asked for first.
    pub line: Timestamp,
    /// How long it has waited, in microseconds that passed while a server was running.
    pub waited: i64,
}

/// What a purge would take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Rows that it would remove.
    pub rows: i64,
    /// Rows that there are where it would remove some; at least as many as are needed to tell a tenth.
    pub of: i64,
}

impl std::ops::AddAssign for Due {
    fn add_assign(&mut self, other: Self) {
        self.rows = self.rows.saturating_add(other.rows);
        self.of = self.of.saturating_add(other.of);
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Purge what is from before this; `None` = not now.
    pub purge_before: Option<Timestamp>,
    /// What is to be known next time.
    pub record: PurgeRecord,
}

/// Decides about a purge of everything from before `asked`. `passed` are the microseconds since the last run, of a clock
/// that cannot jump; `wait_s` is how long a purge that looks wrong waits: at most as long as things of its kind are kept.
#[must_use]
pub fn judge(known: Option<PurgeRecord>, asked: Timestamp, passed: i64, wait_s: i64, due: Due) -> Verdict {
    let go = Verdict { purge_before: Some(asked), record: PurgeRecord { line: asked, waiting: None } };
    if due.rows == 0 {
        return go;
    }
    let wait = wait_s.saturating_mul(1_000_000);
    // A server that was stopped, and clocks that are put right, move a line a little.
    let slack = wait;
    let follows = |line: Timestamp, since: i64| asked.0 <= line.0.saturating_add(since).saturating_add(slack);
    let is_usual = known.is_some_and(|known| follows(known.line, passed)) && due.rows <= due.of / 10;
    if is_usual {
        return go;
    }
    let waiting = match known.and_then(|known| known.waiting) {
        // Only what was asked for when the wait began has waited.
        Some(before) if follows(before.line, before.waited.saturating_add(passed)) => {
            Waiting { waited: before.waited.saturating_add(passed), ..before }
        }
        _ => Waiting { line: asked, waited: 0 },
    };
    if waiting.waited >= wait {
        return go;
    }
    let line = known.map_or(Timestamp(i64::MIN), |known| known.line);
    Verdict { purge_before: None, record: PurgeRecord { line, waiting: Some(waiting) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;
    const DAY: i64 = 24 * HOUR;
    const FEW: Due = Due { rows: 5, of: 100 };
    const MANY: Due = Due { rows: 11, of: 100 };

    fn run(known: PurgeRecord, asked: i64, passed: i64, due: Due) -> Verdict {
        judge(Some(known), Timestamp(asked), passed, LONGEST_WAIT_S, due)
    }

    fn at(line: i64) -> PurgeRecord {
        PurgeRecord { line: Timestamp(line), waiting: None }
    }

    #[test]
    fn a_line_that_moves_as_time_passes_is_purged_at_once() {
        assert_eq!(run(at(0), HOUR, HOUR, FEW), Verdict { purge_before: Some(Timestamp(HOUR)), record: at(HOUR) });
        // A server that was stopped over night.
        assert!(run(at(0), 12 * HOUR, 1, FEW).purge_before.is_some());
        // A clock that went back.
        assert!(run(at(DAY), 0, HOUR, FEW).purge_before.is_some());
        // Nothing to lose.
        assert!(run(at(0), 91 * DAY, HOUR, Due::default()).purge_before.is_some());
    }

    #[test]
    fn a_jump_waits_a_day_of_time_that_passes() {
        let mut record = at(0);
        for hour in 1..=24 {
            let verdict = run(record, 91 * DAY + hour * HOUR, HOUR, FEW);
            assert_eq!(verdict.purge_before, None, "after {hour} h");
            record = verdict.record;
        }
        assert_eq!(run(record, 92 * DAY + HOUR, HOUR, FEW).purge_before, Some(Timestamp(92 * DAY + HOUR)));
    }

    #[test]
    fn a_clock_that_is_put_right_leaves_everything() {
        let waits = run(at(0), 91 * DAY, HOUR, MANY);
        assert_eq!(waits.purge_before, None);
        let right = run(waits.record, 2 * HOUR, HOUR, FEW);
        assert_eq!(right, Verdict { purge_before: Some(Timestamp(2 * HOUR)), record: at(2 * HOUR) });
    }

    #[test]
    fn a_second_jump_does_not_profit_from_the_wait_of_the_first() {
        let waits = run(at(0), 91 * DAY, HOUR, FEW).record;
        let nearly = run(waits, 92 * DAY - HOUR, 23 * HOUR, FEW).record;
        let jumped = run(nearly, 400 * DAY, HOUR, FEW);
        assert_eq!((jumped.purge_before, jumped.record.waiting.map(|waiting| waiting.waited)), (None, Some(0)));
    }

    #[test]
    fn a_purge_of_more_than_a_tenth_waits_too() {
        let waits = run(at(0), HOUR, HOUR, MANY);
        assert_eq!(waits.purge_before, None);
        assert_eq!(run(waits.record, 26 * HOUR, DAY, MANY).purge_before, Some(Timestamp(26 * HOUR)));
    }

    #[test]
    fn a_first_purge_of_a_database_waits_if_there_is_something_to_lose() {
        assert_eq!(judge(None, Timestamp(0), 0, LONGEST_WAIT_S, FEW).purge_before, None);
        assert!(judge(None, Timestamp(0), 0, LONGEST_WAIT_S, Due::default()).purge_before.is_some());
    }

    #[test]
    fn what_is_kept_for_seconds_waits_for_seconds() {
        let waits = judge(None, Timestamp(0), 0, 2, MANY);
        assert_eq!(waits.purge_before, None);
        let still = judge(Some(waits.record), Timestamp(1_000_000), 1_000_000, 2, MANY);
        assert_eq!(still.purge_before, None);
        assert!(judge(Some(still.record), Timestamp(2_000_000), 1_000_000, 2, MANY).purge_before.is_some());
    }
}
