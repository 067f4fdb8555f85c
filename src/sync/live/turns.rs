//! Whether a room passes on what others committed, or stores what waits.

/// What was committed elsewhere and is not passed on yet, in turn with what waits to be stored: somebody who writes without pause
/// would keep it waiting for ever.
#[derive(Debug, Default)]
pub(super) struct Turns {
    is_behind: bool,
    /// The last turn was to pass on.
    has_caught_up: bool,
}

impl Turns {
    /// Something was committed elsewhere.
    pub fn note_commit(&mut self) {
        self.is_behind = true;
    }

    /// Whether it is passed on now; `is_waiting`: something waits to be stored.
    pub fn catches_up(&mut self, is_waiting: bool) -> bool {
        let is_turn_of_others = self.has_caught_up && is_waiting;
        self.has_caught_up = !is_turn_of_others && std::mem::take(&mut self.is_behind);
        self.has_caught_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_and_what_waits_take_turns() {
        let mut turns = Turns::default();
        assert!(!turns.catches_up(true));
        let mut next = |is_waiting| {
            turns.note_commit();
            turns.catches_up(is_waiting)
        };
        assert_eq!([true, true, true, true, false].map(&mut next), [true, false, true, false, true]);
        assert!(!turns.catches_up(false));
    }
}
