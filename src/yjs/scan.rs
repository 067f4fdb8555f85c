//! Strict, iterative reader of Yjs v1 updates and state vectors: the gate for all bytes from outside.
//!
//! What it refuses, and why, is docs/adr/0004: yrs and the editors can be crashed, stalled or made to differ by
//! crafted updates, and no guard behind this one helps against all of it. It allocates in proportion to the bytes
//! that it was given, never to a count that they claim, and never recurses.
//!
//! A v2 update is refused: it starts with a zero, which v1 reads as "no clients", and what follows is more than the
//! empty delete set that could end there.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::{Client, ClientSpan, Clock, DeleteSet, ScannedUpdate, StateVector};
use crate::yjs::nesting::Nesting;
use crate::yjs::order::{Need, can_be_integrated};
use crate::yjs::reader::{Id, Reader};
pub use crate::yjs::scan_error::ScanError;
use crate::yjs::structs::{Body, Content, Item, Parent, Struct};
use crate::yjs::walk::{Listener, Section, Unique, walk_update, within};

/// Reads one Yjs v1 update.
///
/// # Errors
/// `Invalid` and `TooLarge`, see [`ScanError`].
pub fn scan_update(bytes: Vec<u8>, caps: &YjsCaps) -> Result<ScannedUpdate, ScanError> {
    let mut facts = Facts::default();
    walk_update(&bytes, caps, &mut facts)?;
    let end = bytes.len();
    if !can_be_integrated(&facts.spans, &facts.needs) {
        return Err(ScanError::Invalid { reason: "structs depend on each other in a circle", offset: end });
    }
    if facts.types > caps.max_yjs_nesting {
        let mut nesting = Nesting::default();
        walk_update(&bytes, caps, &mut nesting)?;
        within("max_yjs_nesting", nesting.depth(), caps.max_yjs_nesting)?;
    }
    within("max_yjs_clients", facts.references.len(), caps.max_yjs_clients)?;
    let requires = facts.requires();
    let Facts { spans, deletes, root_inserts, .. } = facts;
    Ok(ScannedUpdate { bytes, spans, requires, deletes, root_inserts })
}

/// Reads an encoded state vector.
///
/// # Errors
/// `Invalid` and `TooLarge`, see [`ScanError`].
pub fn scan_state_vector(bytes: &[u8], caps: &YjsCaps) -> Result<StateVector, ScanError> {
    let mut reader = Reader::new(bytes);
    let clients = within("max_yjs_clients", reader.count(2)?, caps.max_yjs_clients)?;
    let mut vector = StateVector::default();
    let mut seen = Unique::default();
    for _ in 0..clients {
        let client = reader.client()?;
        seen.push(client);
        vector.advance(client, reader.clock()?);
    }
    if !reader.rest().is_empty() {
        return Err(reader.invalid("bytes after the end of the state vector"));
    }
    if seen.has_duplicates() { Err(reader.invalid("a client comes twice")) } else { Ok(vector) }
}

/// What is learned of an update while it is walked.
#[derive(Default)]
struct Facts {
    spans: Vec<ClientSpan>,
    deletes: DeleteSet,
    root_inserts: BTreeSet<String>,
    /// How many shared types it nests: a bound on their depth.
    types: usize,
    /// For each client, one past the furthest clock that an item or a deletion of another section names.
    references: BTreeMap<Client, Clock>,
    /// References that go further into another client than that section's earlier ones.
    needs: Vec<Need>,
    /// For the section that is being walked: how far it has named other clients.
    frontier: BTreeMap<Client, Clock>,
    /// The entry of `frontier` used last, to spare most look-ups.
    latest: Option<(Client, Clock)>,
}

impl Facts {
    fn refer(&mut self, client: Client, clock: Clock, to: Id) -> Result<(), &'static str> {
        if to.client == client {
            return if to.clock < clock { Ok(()) } else { Err("a struct refers to itself or to a later one") };
        }
        if self.latest.is_some_and(|(known, end)| known == to.client && to.clock < end) {
            return Ok(());
        }
        let end = self.frontier.entry(to.client).or_insert(0);
        if to.clock >= *end {
            *end = to.clock + 1;
            self.needs.push(Need { section: self.spans.len(), at: clock, on: to });
        }
        self.latest = Some((to.client, *end));
        Ok(())
    }

    fn place(&mut self, client: Client, clock: Clock, item: &Item<'_>, length: Clock) -> Result<(), &'static str> {
        if let Some(origin) = item.place.origin {
            self.refer(client, clock, origin)?;
        }
        if let Some(right_origin) = item.place.right_origin {
            self.refer(client, clock, right_origin)?;
        }
        if let Some(Parent::Nested(parent)) = item.place.parent {
            self.refer(client, clock, parent)?;
        }
        let holds_units = matches!(item.content, Content::Text(_) | Content::Values(_));
        if item.place.key.is_some() && length > 1 && holds_units {
            return Err("an entry of a map is longer than one clock");
        }
        Ok(())
    }

    /// What must be known before the update: references and section starts, less what it contains itself.
    fn requires(&self) -> StateVector {
        let contained: BTreeMap<Client, Clock> = self.spans.iter().map(|span| (span.client, span.end)).collect();
        let beyond = |(client, end): &(Client, Clock)| contained.get(client).is_none_or(|span_end| end > span_end);
        let mut requires: StateVector =
            self.references.iter().map(|(client, end)| (*client, *end)).filter(beyond).collect();
        for span in &self.spans {
            requires.advance(span.client, span.start);
        }
        requires
    }

    fn note(&mut self, client: Client, end: Clock) {
        let known = self.references.entry(client).or_insert(0);
        *known = (*known).max(end);
    }
}

impl<'a> Listener<'a> for Facts {
    fn on_struct(&mut self, client: Client, clock: Clock, item: &Struct<'a>) -> Result<(), &'static str> {
        if let Some(root) = item.root_of_sequence()
            && !self.root_inserts.contains(root)
        {
            self.root_inserts.insert(root.to_owned());
        }
        let length = item.length;
        let Body::Item(item) = &item.body else { return Ok(()) };
        if matches!(item.content, Content::Type(_)) {
            self.types += 1;
        }
        self.place(client, clock, item, length)
    }

    fn on_section(&mut self, section: Section<'a>) {
        self.spans.push(ClientSpan { client: section.client, start: section.start, end: section.end });
        for (client, end) in std::mem::take(&mut self.frontier) {
            self.note(client, end);
        }
        self.latest = None;
    }

    fn on_deletion(&mut self, client: Client, start: Clock, end: Clock) {
        self.deletes.insert(client, start, end);
        self.note(client, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits::Limits;
    use crate::yjs::samples::{array_in, keyed_text, root_text, text_after, text_between, update};
    use crate::yjs::walk::NO_CAPS;

    fn scan(bytes: Vec<u8>) -> Result<ScannedUpdate, ScanError> {
        scan_update(bytes, &Limits::default().yjs)
    }

    fn refusal(bytes: Vec<u8>) -> &'static str {
        match scan(bytes) {
            Err(ScanError::Invalid { reason, .. }) => reason,
            Err(ScanError::TooLarge { limit, .. }) => limit,
            Ok(update) => panic!("accepted: {update:?}"),
        }
    }

    fn vector(entries: &[(Client, Clock)]) -> StateVector {
        entries.iter().copied().collect()
    }

    #[test]
    fn an_update_is_told_in_full() {
        let bytes = update(
            &[
                (9, 4, &[text_between((9, 3), (5, 8), "é😀"), text_after(5, 9, "x"), vec![0, 6]]),
                (5, 0, &[root_text("content", "0123456789"), keyed_text("meta", "title", "T")]),
            ],
            &[(5, &[(2, 3), (8, 1)]), (1, &[(4, 2)])],
        );
        let scanned = scan(bytes.clone()).unwrap();
        assert_eq!(scanned.bytes, bytes);
        assert_eq!(
            scanned.spans,
            [ClientSpan { client: 9, start: 4, end: 14 }, ClientSpan { client: 5, start: 0, end: 11 }]
        );
        assert_eq!(scanned.requires, vector(&[(9, 4), (1, 6)]));
        assert_eq!(scanned.deletes.iter().collect::<Vec<_>>(), [(1, 4, 6), (5, 2, 5), (5, 8, 9)]);
        assert_eq!(scanned.root_inserts, BTreeSet::from(["content".to_owned()]));
    }

    #[test]
    fn what_lies_outside_is_required() {
        let scanned = scan(update(
            &[(
                7,
                3,
                &[
                    text_between((2, 8), (7, 0), "a"),
                    text_after(2, 4, "b"),
                    array_in(Parent::Nested(Id { client: 3, clock: 1 })),
                ],
            )],
            &[(7, &[(1, 20)])],
        ))
        .unwrap();
        assert_eq!(scanned.requires, vector(&[(2, 9), (3, 2), (7, 21)]));
        assert_eq!(scan(vec![0, 0]).unwrap(), ScannedUpdate { bytes: vec![0, 0], ..ScannedUpdate::default() });
    }

    #[test]
    fn malformed_updates_are_refused() {
        let one = |item: Vec<u8>| update(&[(1, 0, &[item])], &[]);
        assert_eq!(refusal(vec![]), "a number does not end");
        assert_eq!(refusal(vec![0, 0, 0]), "bytes after the end of the update (is it a v2 update?)");
        assert_eq!(refusal(vec![0xff, 0xff, 0xff, 0x7f]), "a count or length goes past the end of the bytes");
        assert_eq!(refusal(one(vec![10, 3])), "a Skip struct: the update has a hole");
        assert_eq!(refusal(one(vec![0, 0])), "a struct of length zero");
        assert_eq!(refusal(one(root_text("t", ""))), "a struct of length zero");
        assert_eq!(refusal(one(vec![0x81, 1, 0, 1])), "a struct refers to itself or to a later one");
        assert_eq!(refusal(one(vec![0x18, 1, 0, 1, 127])), "an unknown kind of struct");
        assert_eq!(refusal(one(vec![2, 1, 0, 1, 1, b'1'])), "legacy JSON content is not accepted");
        assert_eq!(refusal(one(vec![7, 1, 0, 5, 1, b'h'])), "XML hooks are not accepted");
        assert_eq!(refusal(one(vec![7, 1, 0, 7])), "an unknown shared type");
        assert_eq!(refusal(one(vec![9, 1, 0, 1, b'g', 126])), "the options of a subdocument are not a map");
        assert_eq!(refusal(one(vec![4, 2, 0, 1, b'h'])), "a parent is neither a root nor an item");
        assert_eq!(refusal(one(vec![4, 1, 0, 1, 0xff])), "a string is not UTF-8");
        assert_eq!(refusal(one(vec![8, 1, 1, b't', 9, 127, 127])), "a value has an unknown type");
        assert_eq!(refusal(one(vec![0x80, 1, 0, 1])), "an unknown kind of struct");
        let twice = update(&[(1, 0, &[vec![0, 1]]), (1, 1, &[vec![0, 1]])], &[]);
        assert_eq!(refusal(twice), "a client comes twice");
        assert_eq!(
            refusal(update(&[(1, 0, &[]), (2, 0, &[vec![0, 9], vec![0, 9], vec![0, 9]])], &[])),
            "a client without structs"
        );
        assert_eq!(refusal(update(&[(1, 0x7fff_fffe, &[vec![0, 2]])], &[])), "a clock goes over 2^31 - 1");
        assert!(scan(update(&[(1, 0x7fff_fffe, &[vec![0, 1]])], &[])).is_ok());
    }

    #[test]
    fn deletions_are_sorted_and_hold_something() {
        assert_eq!(refusal(update(&[], &[(1, &[(3, 0)])])), "a deletion of length zero");
        assert_eq!(refusal(update(&[], &[(1, &[(3, 2), (4, 1)])])), "deletions are not sorted, or overlap");
        assert_eq!(refusal(update(&[], &[(1, &[(0x7fff_ffff, 1)])])), "a deletion goes over 2^31 - 1");
        assert_eq!(refusal(update(&[], &[(1, &[(3, 2)]), (1, &[(9, 1)])])), "a client comes twice among the deletions");
        let touching = scan(update(&[], &[(2, &[(3, 2), (5, 1)]), (1, &[(0, 1)])])).unwrap();
        assert_eq!(touching.deletes.iter().collect::<Vec<_>>(), [(1, 0, 1), (2, 3, 6)]);
    }

    #[test]
    fn circles_are_refused() {
        let circle = update(&[(2, 0, &[text_after(1, 0, "a")]), (1, 0, &[text_after(2, 0, "b")])], &[]);
        assert_eq!(refusal(circle), "structs depend on each other in a circle");
        let zigzag = update(
            &[
                (2, 0, &[root_text("t", "a"), text_after(1, 0, "c")]),
                (1, 0, &[text_after(2, 0, "b"), text_after(2, 1, "d")]),
            ],
            &[],
        );
        assert!(scan(zigzag).is_ok());
    }

    #[test]
    fn caps_hold() {
        let caps =
            YjsCaps { max_yjs_structs: 2, max_yjs_clients: 2, max_yjs_delete_ranges: 2, max_yjs_nesting: 2, ..NO_CAPS };
        let limit = |bytes: Vec<u8>| match scan_update(bytes, &caps) {
            Err(ScanError::TooLarge { limit, .. }) => limit,
            other => panic!("{other:?}"),
        };
        let gc = [vec![0, 1]];
        assert_eq!(limit(update(&[(1, 0, &[vec![0, 1], vec![0, 1], vec![0, 1]])], &[])), "max_yjs_structs");
        assert_eq!(limit(update(&[(3, 0, &gc), (2, 0, &gc), (1, 0, &gc)], &[])), "max_yjs_clients");
        assert_eq!(limit(update(&[], &[(1, &[(0, 1)]), (2, &[(0, 1), (2, 1)])])), "max_yjs_delete_ranges");
        let references = [text_between((1, 1), (2, 1), "a"), text_after(3, 1, "b")];
        assert_eq!(limit(update(&[(9, 0, &references)], &[])), "max_yjs_clients");
    }

    #[test]
    fn nested_types_are_counted_by_depth_not_by_number() {
        let nested = |depth: Clock| {
            let mut structs = vec![array_in(Parent::Root("t"))];
            structs.extend((1..depth).map(|clock| array_in(Parent::Nested(Id { client: 1, clock: clock - 1 }))));
            update(&[(1, 0, &structs)], &[(1, &[(0, 1)])])
        };
        assert!(scan(nested(64)).is_ok());
        assert_eq!(refusal(nested(65)), "max_yjs_nesting");
        assert_eq!(refusal(nested(8_000)), "max_yjs_nesting");
        assert!(scan_update(nested(8_000), &NO_CAPS).is_ok());
        // Beside one another, each hanging from the one before: a list of types, not a tower.
        let mut structs = vec![array_in(Parent::Root("t"))];
        structs.extend((1..5_000).map(|clock| {
            let mut out = vec![0x87];
            crate::yjs::reader::put_id(&mut out, Id { client: 1, clock: clock - 1 });
            out.push(0);
            out
        }));
        assert!(scan(update(&[(1, 0, &structs)], &[])).is_ok());
    }

    #[test]
    fn state_vectors_are_read_whole() {
        let caps = Limits::default().yjs;
        assert_eq!(scan_state_vector(&[0], &caps).unwrap(), StateVector::default());
        assert_eq!(scan_state_vector(&[2, 9, 4, 0xac, 2, 5], &caps).unwrap(), vector(&[(9, 4), (300, 5)]));
        for bad in [
            &[][..],
            &[1],
            &[1, 9],
            &[0, 0],
            &[2, 9, 4, 9, 5],
            &[0xff, 0xff, 0xff, 0x7f],
            &[1, 9, 0xff, 0xff, 0xff, 0xff, 0xf],
        ] {
            assert!(scan_state_vector(bad, &caps).is_err(), "{bad:?}");
        }
    }
}
