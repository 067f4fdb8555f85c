//! Strict, iterative reader of Yjs v1 updates and state vectors: the gate for all bytes from outside.
//!
//! What it refuses, and why, is architecture §5.1: yrs and the editors can be crashed, stalled or made to differ by
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
use crate::yjs::structs::{Body, Content, Item, Parent, Struct};
use crate::yjs::walk::{Listener, Section, Unique, walk_update, within};

/// Why bytes are not accepted as Yjs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Not a Yjs v1 update (or state vector) that the server accepts.
    #[error("{reason} (at byte {offset})")]
    Invalid {
        /// What is wrong.
        reason: &'static str,
        /// Where.
        offset: usize,
    },
    /// Over a published cap.
    #[error("over the limit {limit} of {max}")]
    TooLarge {
        /// The limit's published name.
        limit: &'static str,
        /// Its value.
        max: usize,
    },
}

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

    fn place(&mut self, client: Client, clock: Clock, item: &Item<'_>) -> Result<(), &'static str> {
        if let Some(origin) = item.place.origin {
            self.refer(client, clock, origin)?;
        }
        if let Some(right_origin) = item.place.right_origin {
            self.refer(client, clock, right_origin)?;
        }
        match item.place.parent {
            Some(Parent::Nested(parent)) => self.refer(client, clock, parent)?,
            Some(Parent::Root(name)) if item.place.key.is_none() && !self.root_inserts.contains(name) => {
                self.root_inserts.insert(name.to_owned());
            }
            Some(Parent::Root(_)) | None => {}
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
        let Body::Item(item) = &item.body else { return Ok(()) };
        if matches!(item.content, Content::Type(_)) {
            self.types += 1;
        }
        self.place(client, clock, item)
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
