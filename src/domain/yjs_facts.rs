//! What the core needs to know of Yjs bytes, without reading them: clocks, deletions, roots.
//!
//! The scanner (`crate::yjs::scan`) is the only maker of [`ScannedUpdate`]; the core trusts it. No yrs type appears.

use std::collections::{BTreeMap, BTreeSet};

/// A Yjs client id (yjs draws 32 bits, the format allows 53).
pub type Client = u64;

/// A Yjs logical clock: the number of a client's next change. At most 2^31 − 1.
pub type Clock = u32;

/// For each client, the clock up to which (exclusive) its changes are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateVector(BTreeMap<Client, Clock>);

impl StateVector {
    /// The clock that is known of `client`, 0 if it is unknown.
    #[must_use]
    pub fn get(&self, client: Client) -> Clock {
        self.0.get(&client).copied().unwrap_or(0)
    }

    /// Whether any change of `client` is known.
    #[must_use]
    pub fn knows(&self, client: Client) -> bool {
        self.get(client) > 0
    }

    /// Learns that `client`'s changes below `clock` are known; never forgets.
    pub fn advance(&mut self, client: Client, clock: Clock) {
        if clock > 0 {
            let known = self.0.entry(client).or_insert(0);
            *known = (*known).max(clock);
        }
    }

    /// The clients and their clocks, by client.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Client, Clock)> + '_ {
        self.0.iter().map(|(client, clock)| (*client, *clock))
    }

    /// Whether everything that `other` knows is known here.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(client, clock)| self.get(client) >= clock)
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Client, Clock)> for StateVector {
    fn from_iter<I: IntoIterator<Item = (Client, Clock)>>(pairs: I) -> Self {
        let mut vector = Self::default();
        for (client, clock) in pairs {
            vector.advance(client, clock);
        }
        vector
    }
}

/// Deleted clocks by client: ranges `[start, end)`, sorted, disjoint, joined where they touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteSet(BTreeMap<Client, Vec<(Clock, Clock)>>);

impl DeleteSet {
    /// Adds `[start, end)` of `client`, keeping the ranges sorted and joined. Empty ranges are ignored.
    pub fn insert(&mut self, client: Client, start: Clock, end: Clock) {
        if start >= end {
            return;
        }
        let ranges = self.0.entry(client).or_default();
        if ranges.last().is_none_or(|(_, last_end)| *last_end < start) {
            // The common case, sorted input: nothing to look for, nothing to move.
            ranges.push((start, end));
            return;
        }
        let first = ranges.partition_point(|(_, other_end)| *other_end < start);
        let last = ranges.partition_point(|(other_start, _)| *other_start <= end);
        let touched = ranges.get(first..last).unwrap_or_default();
        let joined_start = touched.first().map_or(start, |(s, _)| start.min(*s));
        let joined_end = touched.last().map_or(end, |(_, e)| end.max(*e));
        ranges.splice(first..last.max(first), [(joined_start, joined_end)]);
    }

    /// Adds every range of `other`, in time linear in both.
    pub fn extend(&mut self, other: &Self) {
        for (client, ranges) in &other.0 {
            let own = self.0.entry(*client).or_default();
            let mut all: Vec<(Clock, Clock)> = std::mem::take(own);
            all.extend_from_slice(ranges);
            // Two sorted runs: the standard library's stable sort joins them in one pass.
            all.sort();
            for (start, end) in all {
                match own.last_mut() {
                    Some((_, last_end)) if start <= *last_end => *last_end = end.max(*last_end),
                    _ => own.push((start, end)),
                }
            }
        }
    }

    /// Whether every range of `other` lies within this set.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(client, start, end)| {
            self.0.get(&client).is_some_and(|ranges| {
                let at = ranges.partition_point(|(_, other_end)| *other_end < end);
                ranges.get(at).is_some_and(|(s, e)| *s <= start && end <= *e)
            })
        })
    }

    /// The ranges by client, then by clock.
    pub fn iter(&self) -> impl Iterator<Item = (Client, Clock, Clock)> + '_ {
        self.0.iter().flat_map(|(client, ranges)| ranges.iter().map(|(start, end)| (*client, *start, *end)))
    }

    /// Whether nothing is deleted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The run of one client's changes that an update contains: clocks `[start, end)`, without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSpan {
    /// Whose changes.
    pub client: Client,
    /// The first clock contained.
    pub start: Clock,
    /// One past the last clock contained.
    pub end: Clock,
}

/// A Yjs v1 update that passed the scanner, and what the scan learned of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScannedUpdate {
    /// The update as the client sent it; for a list of updates, their lossless join.
    pub bytes: Vec<u8>,
    /// What it contains, at most one span for each client.
    pub spans: Vec<ClientSpan>,
    /// What it leans on: for each client the clock that must be known or contained (exclusive end of the furthest
    /// origin, parent or deletion it names), less what the update itself contains. The start of each span counts too.
    pub requires: StateVector,
    /// What it deletes.
    pub deletes: DeleteSet,
    /// Names of root types into which it puts a sequence item that names no neighbour.
    pub root_inserts: BTreeSet<String>,
}

impl ScannedUpdate {
    /// Whether everything that the update leans on is known to `known` (nothing of it would be left pending).
    #[must_use]
    pub fn is_complete_for(&self, known: &StateVector) -> bool {
        self.requires.iter().all(|(client, clock)| clock <= known.get(client))
    }

    /// Whether it contains a change that `known` does not (deletions not looked at).
    #[must_use]
    pub fn has_structs_beyond(&self, known: &StateVector) -> bool {
        self.spans.iter().any(|span| span.end > known.get(span.client))
    }

    /// Whether it contains a change that `known` has.
    #[must_use]
    pub fn begins_within(&self, known: &StateVector) -> bool {
        self.spans.iter().any(|span| span.start < known.get(span.client))
    }

    /// Whether none of its clients, as author or as something it leans on, is known to `known`.
    #[must_use]
    pub fn is_stranger_to(&self, known: &StateVector) -> bool {
        self.spans
            .iter()
            .map(|span| span.client)
            .chain(self.requires.iter().map(|(client, _)| client))
            .all(|client| !known.knows(client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delete_ranges_join_where_they_touch() {
        let mut set = DeleteSet::default();
        for (start, end) in [(10, 12), (0, 3), (5, 7), (3, 5), (20, 20), (11, 15)] {
            set.insert(1, start, end);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), vec![(1, 0, 7), (1, 10, 15)]);
        let mut other = DeleteSet::default();
        for (client, start, end) in [(1, 7, 8), (1, 9, 10), (1, 20, 30), (2, 1, 2)] {
            other.insert(client, start, end);
        }
        let mut both = set.clone();
        both.extend(&other);
        assert_eq!(both.iter().collect::<Vec<_>>(), vec![(1, 0, 8), (1, 9, 15), (1, 20, 30), (2, 1, 2)]);
        assert!(both.covers(&set) && both.covers(&other));
        let mut part = DeleteSet::default();
        part.insert(1, 11, 14);
        assert!(set.covers(&part));
        part.insert(1, 6, 8);
        assert!(!set.covers(&part));
        assert!(!set.covers(&[(2_u64, 0, 1)].into_iter().fold(DeleteSet::default(), |mut d, (c, s, e)| {
            d.insert(c, s, e);
            d
        })));
    }
}
