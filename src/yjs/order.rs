//! Whether the structs of an update can be put in an order in which each comes after what it names.
//!
//! yjs integrates a client's structs in order and switches to another client where one is named that is not there
//! yet. A circle between clients would leave both pending for ever, so that the update would be stored but never seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::yjs_facts::{Client, ClientSpan, Clock};
use crate::yjs::reader::Id;

/// A struct of one client that names a struct of another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    /// The index of the client's span.
    pub(super) section: usize,
    /// The clock of the struct that names.
    pub(super) at: Clock,
    /// What it names.
    pub(super) on: Id,
}

/// How far one client's structs have been put in order.
struct Progress<'n> {
    /// Clocks below this one are in order.
    reached: Clock,
    end: Clock,
    /// What still has to be met, by clock.
    needs: &'n [(Clock, usize, Clock)],
}

/// Whether all structs of `spans` can be integrated, given that everything outside them is there.
///
/// `needs` are grouped by section, in order, and sorted by clock within each. Time: n log n of the needs.
pub(super) fn can_be_integrated(spans: &[ClientSpan], needs: &[Need]) -> bool {
    let sections: BTreeMap<Client, usize> =
        spans.iter().enumerate().map(|(index, span)| (span.client, index)).collect();
    let mut inner: Vec<Vec<(Clock, usize, Clock)>> = vec![Vec::new(); if needs.is_empty() { 0 } else { spans.len() }];
    for need in needs {
        let Some((on, span)) = sections.get(&need.on.client).and_then(|on| Some((*on, spans.get(*on)?))) else {
            continue;
        };
        if (span.start..span.end).contains(&need.on.clock)
            && let Some(of_section) = inner.get_mut(need.section)
        {
            of_section.push((need.at, on, need.on.clock));
        }
    }
    if inner.iter().all(Vec::is_empty) {
        return true;
    }
    let progress =
        spans.iter().zip(&inner).map(|(span, needs)| Progress { reached: span.start, end: span.end, needs }).collect();
    all_finish(progress)
}

fn all_finish(mut progress: Vec<Progress<'_>>) -> bool {
    let mut ready: Vec<usize> = (0..progress.len()).collect();
    // (client waited for, clock waited for, client that waits)
    let mut waiting: BTreeSet<(usize, Clock, usize)> = BTreeSet::new();
    while let Some(section) = ready.pop() {
        let met =
            |(_, on, clock): &(Clock, usize, Clock)| progress.get(*on).is_some_and(|other| *clock < other.reached);
        let Some(needs) = progress.get(section).map(|own| own.needs) else { continue };
        let done = needs.iter().take_while(|need| met(need)).count();
        let remaining = needs.get(done..).unwrap_or_default();
        let Some(own) = progress.get_mut(section) else { continue };
        own.needs = remaining;
        own.reached = match remaining.first() {
            Some((at, on, clock)) => {
                waiting.insert((*on, *clock, section));
                own.reached.max(*at)
            }
            None => own.end,
        };
        let reached = own.reached;
        let woken: Vec<_> = waiting.range((section, 0, 0)..(section, reached, 0)).copied().collect();
        for entry in woken {
            waiting.remove(&entry);
            ready.push(entry.2);
        }
    }
    progress.iter().all(|own| own.needs.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(section: usize, at: Clock, client: Client, clock: Clock) -> Need {
        Need { section, at, on: Id { client, clock } }
    }

    #[test]
    fn circles_between_clients_are_found() {
        let spans = [
            ClientSpan { client: 9, start: 0, end: 10 },
            ClientSpan { client: 5, start: 2, end: 10 },
            ClientSpan { client: 1, start: 0, end: 10 },
        ];
        assert!(can_be_integrated(&spans, &[]));
        // Back and forth, each after the other.
        let zigzag = [need(0, 1, 5, 3), need(0, 5, 5, 8), need(1, 4, 9, 2), need(1, 8, 9, 4), need(2, 0, 9, 9)];
        assert!(can_be_integrated(&spans, &zigzag));
        assert!(!can_be_integrated(&spans, &[need(0, 1, 5, 3), need(1, 3, 9, 1)]));
        assert!(!can_be_integrated(&spans, &[need(0, 1, 5, 3), need(1, 2, 1, 3), need(2, 3, 9, 7)]));
        // Outside the span: known before, or not there at all, which is not asked here.
        assert!(can_be_integrated(&spans, &[need(0, 1, 5, 1), need(0, 1, 5, 11), need(0, 1, 77, 0), need(1, 2, 9, 0)]));
    }
}
