//! What has to be done, as functions of what is there: the folder, what was last synced, the server. Pure.

mod changes;
mod meeting;
pub mod moves;

use std::time::Duration;

pub use self::changes::local_changes;
pub use self::meeting::{FileSide, TakeIn, take_in};

/// Tries before an operation becomes a dead letter.
const MAX_TRIES: i64 = 8;
/// Time between the first and the last of them, at least.
const MIN_TIME: Duration = Duration::from_secs(600);

/// Deletions that need no asking, however small the workspace.
const UNQUESTIONED_DELETIONS: usize = 20;

/// Whether so many deletions need the person's word: more than 20, and more than a quarter of all.
#[must_use]
pub const fn is_mass_deletion(deletions: usize, all: usize) -> bool {
    deletions > UNQUESTIONED_DELETIONS && deletions.saturating_mul(4) > all
}

/// Whether an operation that fails alone, and may succeed later, becomes a dead letter: after 8 tries over 10 minutes, where the
/// server answered others meanwhile.
#[must_use]
pub const fn is_given_up(tries: i64, over: Duration, do_others_succeed: bool) -> bool {
    do_others_succeed && tries >= MAX_TRIES && over.as_secs() >= MIN_TIME.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mass_deletions_are_both_many_and_a_large_part() {
        for (deletions, all, is_mass) in [
            (0, 0, false),
            (20, 20, false),
            (21, 21, true),
            (21, 83, true),
            (21, 84, false),
            (100, 1_000, false),
            (251, 1_000, true),
        ] {
            assert_eq!(is_mass_deletion(deletions, all), is_mass, "{deletions} of {all}");
        }
    }
}
