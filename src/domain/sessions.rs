//! History for people: what one author did without a long pause is one entry.

use crate::domain::ids::Version;
use crate::domain::timestamp::Timestamp;

/// Microseconds without a change after which an author begins anew.
const PAUSE_MICROS: i64 = 5 * 60 * 1_000_000;

/// What grouping must know of a version.
pub trait Entry {
    /// Its number.
    fn version(&self) -> Version;
    /// Who made it.
    fn author(&self) -> &str;
    /// When.
    fn made_at(&self) -> Timestamp;
    /// Whether it is an entry of its own in any case, as a deletion is.
    fn stands_alone(&self) -> bool;
}

/// Versions that one author made in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<E> {
    /// The newest of them.
    pub newest: E,
    /// The number of the oldest.
    pub first_version: Version,
    /// When the oldest was made.
    pub began_at: Timestamp,
}

/// Adds the next older version to the sessions, newest first.
pub fn add<E: Entry>(sessions: &mut Vec<Session<E>>, entry: E) {
    if let Some(session) = sessions.last_mut()
        && session.newest.author() == entry.author()
        && session.began_at.0.saturating_sub(entry.made_at().0) < PAUSE_MICROS
        && !session.newest.stands_alone()
        && !entry.stands_alone()
    {
        session.first_version = entry.version();
        session.began_at = entry.made_at();
        return;
    }
    sessions.push(Session { first_version: entry.version(), began_at: entry.made_at(), newest: entry });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Made(Version, &'static str, i64, bool);

    impl Entry for Made {
        fn version(&self) -> Version {
            self.0
        }

        fn author(&self) -> &str {
            self.1
        }

        fn made_at(&self) -> Timestamp {
            Timestamp(self.2 * 1_000_000)
        }

        fn stands_alone(&self) -> bool {
            self.3
        }
    }

    fn spans(versions: &[Made]) -> Vec<(Version, Version)> {
        let mut sessions = Vec::new();
        for version in versions {
            add(&mut sessions, version.clone());
        }
        sessions.iter().map(|session| (session.first_version, session.newest.0)).collect()
    }

    #[test]
    fn authors_pauses_and_deletions_part_sessions() {
        let versions = [
            Made(9, "ada", 2_000, false),
            Made(8, "ada", 1_701, false),
            Made(7, "ada", 1_401, false),
            Made(6, "bob", 1_400, false),
            Made(5, "ada", 1_399, false),
            Made(4, "ada", 1_398, true),
            Made(3, "ada", 1_397, false),
            Made(2, "ada", 1_097, false),
            Made(1, "ada", 797, false),
        ];
        assert_eq!(spans(&versions), [(8, 9), (7, 7), (6, 6), (5, 5), (4, 4), (3, 3), (2, 2), (1, 1)]);
        assert_eq!(
            spans(&[Made(3, "ada", 600, false), Made(2, "ada", 301, false), Made(1, "ada", 2, false)]),
            [(1, 3)]
        );
    }
}
