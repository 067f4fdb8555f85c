//! What a socket's editors say of themselves and the others have not been told yet: the newest of each counts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::sync::live::Presence;

/// How often an editor's own words may reach the others.
const PAUSE: Duration = Duration::from_millis(50);
/// The same, in a second.
pub(super) const TIMES_A_SECOND: u64 = 20;

/// What waits to be passed on.
pub(super) struct Said {
    /// By the socket's place of the document, and client.
    waiting: BTreeMap<(usize, u64), Presence>,
    not_before: Instant,
}

impl Said {
    pub(super) fn new(now: Instant) -> Self {
        Self { waiting: BTreeMap::new(), not_before: now }
    }

    /// Takes in what an editor says; what it said before, and nobody was told, is dropped.
    pub(super) fn take_in(&mut self, place: usize, presences: Vec<Presence>) {
        for presence in presences {
            if self.waiting.insert((place, presence.client), presence).is_some() {
                dropped("newer");
            }
        }
    }

    /// When something is to be passed on next; `None` if nothing waits.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.not_before)
    }

    /// The document was closed.
    pub(super) fn forget(&mut self, place: usize) {
        self.waiting.retain(|(of, _), _| *of != place);
    }

    /// What may be passed on by now, by place.
    pub(super) fn take(&mut self, now: Instant) -> BTreeMap<usize, Vec<Presence>> {
        let mut by_place: BTreeMap<usize, Vec<Presence>> = BTreeMap::new();
        if self.due().is_none_or(|due| now < due) {
            return by_place;
        }
        self.not_before = now + PAUSE;
        for ((place, _), presence) in std::mem::take(&mut self.waiting) {
            by_place.entry(place).or_default().push(presence);
        }
        by_place
    }
}

/// Counts a word of awareness that is not passed on.
pub(super) fn dropped(reason: &'static str) {
    metrics::counter!("landfall_live_awareness_dropped_total", "reason" => reason).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_word_counts_and_is_told_so_often() {
        let now = Instant::now();
        let says = |clock| vec![Presence { client: 1, clock, state: None }];
        let mut said = Said::new(now);
        assert_eq!((said.due(), said.take(now).len()), (None, 0));
        said.take_in(0, says(1));
        assert_eq!(said.take(now)[&0][0].clock, 1);
        said.take_in(0, says(2));
        said.take_in(0, says(3));
        said.take_in(1, says(4));
        assert!(said.take(now).is_empty() && said.due() == Some(now + PAUSE));
        said.forget(1);
        let told = said.take(now + PAUSE);
        assert_eq!((told.len(), told[&0].len(), told[&0][0].clock), (1, 1, 3));
        assert_eq!(u128::from(TIMES_A_SECOND) * PAUSE.as_millis(), 1_000);
    }
}
