//! The lives of a database: what is given out in one must not be mistaken for what was given out in another.

use crate::domain::ids::Version;
use crate::domain::timestamp::Timestamp;

/// 2026-01-01T00:00:00Z, in microseconds: before any database could be put back.
const COUNTED_FROM: i64 = 1_767_225_600_000_000;
/// Microseconds in which one document cannot have been given two versions: each is a row, under the workspace's lock.
const TIME_OF_A_VERSION: i64 = 10;
/// What is added where the clock cannot be believed.
const STEP: Version = 1_000_000_000;
/// No floor by the clock is above this one: versions stay exact in JSON (2^53) for ever after.
const HIGHEST_BY_CLOCK: Version = 1 << 51;

/// The lowest version of the life that begins now, in a database whose versions and floors go up to `highest`.
///
/// The versions that were given out since the state that was put back are not known, and nor are those of earlier lives
/// that began from the same state. Time passed in each of them, and no document gets versions faster than this counts.
#[must_use]
pub fn version_floor(now: Timestamp, highest: Version) -> Version {
    let by_clock = now.0.saturating_sub(COUNTED_FROM).div_euclid(TIME_OF_A_VERSION);
    let above_all = highest.saturating_add(STEP);
    if by_clock <= HIGHEST_BY_CLOCK { by_clock.max(above_all) } else { above_all }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(COUNTED_FROM + seconds * 1_000_000)
    }

    #[test]
    fn a_later_life_begins_above_whatever_an_earlier_one_gave_out() {
        // Two restores of one backup, a minute apart: the second does not know of the first.
        let (first, second) = (version_floor(at(30_000_000), 7), version_floor(at(30_000_060), 7));
        assert_eq!((first, second), (3_000_000_000_000, 3_000_006_000_000));
        // One that does know of it goes on from there, however soon.
        assert_eq!(version_floor(at(30_000_060), second), second + STEP);
    }

    #[test]
    fn a_clock_that_lies_lowers_nothing() {
        let highest = 9_000_000_000_000;
        for clock in [at(-1_000_000_000), at(0), at(1), Timestamp(i64::MAX), Timestamp(i64::MIN)] {
            assert_eq!(version_floor(clock, highest), highest + STEP);
        }
    }

    #[test]
    fn a_thousand_restores_stay_exact_in_json() {
        let floor = (0..1_000).fold(0, |floor, _| version_floor(Timestamp(i64::MAX), floor));
        assert!(floor < 1 << 53, "{floor}");
        assert!(version_floor(at(20_000_000_000), 0) < 1 << 53);
    }
}
