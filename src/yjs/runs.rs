//! Runs of typing. An update that only goes on with a run whose end was accepted fits its document, whatever else has
//! happened there: an item has its place behind the one before it, and before the neighbour that both have. So whoever knows
//! the ends need not read the document for each letter.
//!
//! What makes that so never changes once it is true (see `fit`): to which list the last item belongs, that it stands
//! before its right neighbour there, and that a list that took in a text without the mark of a map's entry is no map.

use crate::domain::yjs_facts::{Client, Clock, ScannedUpdate};
use crate::yjs::reader::Id;
use crate::yjs::structs::{Body, Content, Item, Struct, last_id};
use crate::yjs::walk::{Listener, NO_CAPS, Section, walk_update};

/// How a run of one client ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// Whose run it is.
    pub client: Client,
    /// The clock behind its last unit.
    pub end: Clock,
    /// The right neighbour of its last item.
    right_origin: Option<Id>,
}

/// The ends of the runs that an update has: those of clients whose last item is a text. Nothing else goes on so.
#[must_use]
pub fn run_ends(update: &ScannedUpdate) -> Vec<RunEnd> {
    let mut ends = Ends::default();
    match walk_update(&update.bytes, &NO_CAPS, &mut ends) {
        Ok(()) => ends.found,
        Err(_) => Vec::new(),
    }
}

/// How many items an update has, if all of them go on with runs whose ends are known; `None` if one does not.
pub fn going_on(update: &ScannedUpdate, known: impl Fn(Client) -> Option<RunEnd>) -> Option<usize> {
    let mut goes_on = GoesOn { known, at: None, items: 0 };
    walk_update(&update.bytes, &NO_CAPS, &mut goes_on).ok()?;
    (goes_on.items > 0).then_some(goes_on.items)
}

/// A text in a sequence.
fn text_of<'s, 'a>(one: &'s Struct<'a>) -> Option<&'s Item<'a>> {
    match &one.body {
        Body::Item(item) if matches!(item.content, Content::Text(_)) && !item.has_key() => Some(item),
        Body::Item(_) | Body::Collected => None,
    }
}

#[derive(Default)]
struct Ends {
    last: Option<RunEnd>,
    found: Vec<RunEnd>,
}

impl<'a> Listener<'a> for Ends {
    fn on_struct(&mut self, client: Client, clock: Clock, one: &Struct<'a>) -> Result<(), &'static str> {
        let end = clock.saturating_add(one.length);
        self.last = text_of(one).map(|item| RunEnd { client, end, right_origin: item.place.right_origin });
        Ok(())
    }

    fn on_section(&mut self, _section: Section<'a>) {
        self.found.extend(self.last.take());
    }

    fn on_deletion(&mut self, _client: Client, _start: Clock, _end: Clock) {}
}

struct GoesOn<F> {
    known: F,
    at: Option<RunEnd>,
    items: usize,
}

impl<'a, F: Fn(Client) -> Option<RunEnd>> Listener<'a> for GoesOn<F> {
    fn on_struct(&mut self, client: Client, clock: Clock, one: &Struct<'a>) -> Result<(), &'static str> {
        let before = self.at.or_else(|| (self.known)(client)).filter(|run| (run.client, run.end) == (client, clock));
        let (run, item) = before.zip(text_of(one)).ok_or("it begins somewhere else")?;
        let place = item.place;
        if place.origin != Some(last_id(client, run.end)) || place.right_origin != run.right_origin {
            return Err("it leaves its run");
        }
        self.at = Some(RunEnd { end: clock.saturating_add(one.length), ..run });
        self.items += 1;
        Ok(())
    }

    fn on_section(&mut self, _section: Section<'a>) {
        self.at = None;
    }

    fn on_deletion(&mut self, _client: Client, _start: Clock, _end: Clock) {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::limits::{Limits, YjsCaps};
    use crate::domain::yjs_facts::StateVector;
    use crate::yjs::fit::check_fits;
    use crate::yjs::samples::{array_in, keyed_text, root_text, text_after, text_between, update};
    use crate::yjs::scan::scan_update;
    use crate::yjs::structs::Parent;

    fn scanned(bytes: Vec<u8>) -> ScannedUpdate {
        scan_update(bytes, &Limits::default().yjs).unwrap()
    }

    fn goes_on(first: &ScannedUpdate, next: Vec<u8>) -> Option<usize> {
        let ends = run_ends(first);
        going_on(&scanned(next), |client| ends.iter().find(|run| run.client == client).copied())
    }

    #[test]
    fn what_is_typed_behind_the_last_letter_goes_on() {
        let first = scanned(update(&[(2, 3, &[text_between((1, 0), (1, 1), "ab")])], &[]));
        let between = |clock| text_between((2, clock), (1, 1), "x");
        assert_eq!(goes_on(&first, update(&[(2, 5, &[between(4)])], &[])), Some(1));
        assert_eq!(goes_on(&first, update(&[(2, 5, &[between(4), between(5)])], &[(1, &[(0, 1)])])), Some(2));
        for other in [
            // Elsewhere, with another neighbour or none, another clock, another client, no text.
            update(&[(2, 5, &[between(3)])], &[]),
            update(&[(2, 5, &[text_between((2, 4), (1, 2), "x")])], &[]),
            update(&[(2, 5, &[text_after(2, 4, "x")])], &[]),
            update(&[(2, 6, &[between(5)])], &[]),
            update(&[(3, 5, &[text_between((3, 4), (1, 1), "x")])], &[]),
            update(&[(2, 5, &[between(4), array_in(Parent::Root("a"))])], &[]),
            update(&[(2, 5, &[between(4)]), (3, 0, &[root_text("t", "y")])], &[]),
            update(&[], &[(1, &[(0, 1)])]),
        ] {
            assert_eq!(goes_on(&first, other), None);
        }
    }

    #[test]
    fn entries_of_maps_and_lists_are_no_runs() {
        assert_eq!(run_ends(&scanned(update(&[(1, 0, &[array_in(Parent::Root("a"))])], &[]))), []);
        // A text that is marked as an entry.
        let mut marked = keyed_text("m", "key", "x");
        marked[0] |= 0x20;
        assert_eq!(run_ends(&scanned(update(&[(1, 0, &[marked])], &[]))), []);
    }

    /// One thing that an editor, or somebody who forges updates, adds to a document of a few clients.
    #[derive(Clone, Debug)]
    enum Added {
        Text { client: Client, left: Option<(Client, Clock)>, right: Option<(Client, Clock)>, letters: usize },
        GoesOn { client: Client, letters: usize },
        Array { client: Client },
        Entry { client: Client, is_marked: bool },
        Collected { client: Client },
    }

    fn any_added() -> impl Strategy<Value = Added> {
        let id = || (1..4_u64, 0..12_u32);
        let text = (1..4_u64, proptest::option::of(id()), proptest::option::of(id()), 1..3_usize);
        prop_oneof![
            4 => text.prop_map(|(client, left, right, letters)| Added::Text { client, left, right, letters }),
            4 => (1..4_u64, 1..3_usize).prop_map(|(client, letters)| Added::GoesOn { client, letters }),
            1 => (1..4_u64).prop_map(|client| Added::Array { client }),
            1 => (1..4_u64, any::<bool>()).prop_map(|(client, is_marked)| Added::Entry { client, is_marked }),
            1 => (1..4_u64).prop_map(|client| Added::Collected { client }),
        ]
    }

    fn bytes_of(added: &Added, known: &StateVector, ends: &[RunEnd]) -> Option<Vec<u8>> {
        let (client, item) = match added {
            Added::Text { client, left, right, letters } => {
                let text = "x".repeat(*letters);
                let item = match (*left, *right) {
                    (Some(left), Some(right)) => text_between(left, right, &text),
                    (Some((client, clock)), None) => text_after(client, clock, &text),
                    (None, _) => root_text("t", &text),
                };
                (*client, item)
            }
            Added::GoesOn { client, letters } => {
                let run = ends.iter().find(|run| run.client == *client)?;
                let (last, text) = (last_id(*client, run.end), "y".repeat(*letters));
                let item = match run.right_origin {
                    Some(right) => text_between((last.client, last.clock), (right.client, right.clock), &text),
                    None => text_after(last.client, last.clock, &text),
                };
                (*client, item)
            }
            Added::Array { client } => (*client, array_in(Parent::Root("t"))),
            Added::Entry { client, is_marked } => {
                let mut item = keyed_text("t", "key", "z");
                item[0] |= if *is_marked { 0x20 } else { 0 };
                (*client, item)
            }
            Added::Collected { client } => (*client, vec![0, 2]),
        };
        Some(update(&[(client, known.get(client), &[item])], &[]))
    }

    proptest! {
        /// Whatever is in a document, honest or not: what goes on with a run that was accepted fits.
        #[test]
        fn what_goes_on_fits(added in proptest::collection::vec(any_added(), 1..24)) {
            let caps = YjsCaps { max_yjs_steps: 1_000_000, ..Limits::default().yjs };
            let (mut parts, mut known, mut ends) = (Vec::new(), StateVector::default(), Vec::<RunEnd>::new());
            for one in &added {
                let Some(bytes) = bytes_of(one, &known, &ends) else { continue };
                let Ok(next) = scan_update(bytes, &caps) else { continue };
                if !next.is_complete_for(&known) {
                    continue;
                }
                let fits = check_fits(&parts, &known, &[&next], &caps).remove(0);
                let is_going_on = going_on(&next, |client| ends.iter().find(|run| run.client == client).copied());
                prop_assert!(fits.is_ok() || is_going_on.is_none(), "{one:?} {fits:?}");
                if fits.is_ok() {
                    next.spans.iter().for_each(|span| known.advance(span.client, span.end));
                    ends.retain(|run| next.spans.iter().all(|span| span.client != run.client));
                    ends.extend(run_ends(&next));
                    parts.push(next.bytes);
                }
            }
        }
    }
}
