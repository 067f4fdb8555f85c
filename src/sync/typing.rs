//! What is remembered of documents that people type into: the ends of the runs that were stored last, so that a letter that goes
//! on with one is stored without its document being read (see [`crate::yjs::runs`]). Forgetting costs a read.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::{DocumentId, Version};
use crate::domain::yjs_facts::{Client, ScannedUpdate, StateVector};
use crate::yjs::runs::{RunEnd, going_on, run_ends};

/// Documents that are remembered. When there are more, all are forgotten.
const MAX_DOCUMENTS: usize = 8_192;
/// Runs of a document that are remembered. When there are more, they are forgotten.
const MAX_RUNS: usize = 16;
/// Items that a document is given before it is read again. What placing it costs is counted when it is read. An item that was
/// not counted adds one step for each of the others at its place, of which there are at most as many as the root of twice what was
/// counted: 64 times 707 where `max_yjs_steps` is 250,000.
const MAX_UNREAD_ITEMS: usize = 64;

/// In which life a document is: the version from which its state is its own, and the version that the database's life
/// began with. Names of changes may be used again in another.
pub(super) type DocumentLife = (Version, Version);

/// What a batch will have stored of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    /// The operation's place.
    pub place: usize,
    /// Which document.
    pub document_id: DocumentId,
    life: DocumentLife,
    clients: Vec<Client>,
    ends: Vec<RunEnd>,
    /// Items that were not looked at together with their document; `None` if it was read.
    unread: Option<usize>,
}

impl Typed {
    /// Of an update that was compared with its document, which knew `known`. `None` if nothing can go on with it.
    pub(super) fn read(
        place: usize,
        document_id: DocumentId,
        life: DocumentLife,
        update: &ScannedUpdate,
        known: &StateVector,
    ) -> Option<Self> {
        // What was there before is not what it repeats.
        (!update.begins_within(known)).then(|| Self::of(place, document_id, life, update, None))
    }

    fn of(
        place: usize,
        document_id: DocumentId,
        life: DocumentLife,
        update: &ScannedUpdate,
        unread: Option<usize>,
    ) -> Self {
        let clients = update.spans.iter().map(|span| span.client).collect();
        Self { place, document_id, life, clients, ends: run_ends(update), unread }
    }
}

/// What is remembered.
#[derive(Debug, Default)]
pub struct Typing {
    documents: Mutex<HashMap<DocumentId, Runs>>,
}

#[derive(Debug)]
struct Runs {
    life: DocumentLife,
    ends: HashMap<Client, RunEnd>,
    unread: usize,
}

impl Typing {
    fn lock(&self) -> MutexGuard<'_, HashMap<DocumentId, Runs>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an update of a document only goes on with what was stored, so that it fits.
    pub(super) fn goes_on(
        &self,
        place: usize,
        document_id: DocumentId,
        life: DocumentLife,
        update: &ScannedUpdate,
    ) -> Option<Typed> {
        let documents = self.lock();
        let runs = documents.get(&document_id).filter(|runs| runs.life == life)?;
        let items = going_on(update, |client| runs.ends.get(&client).copied())?;
        (runs.unread.saturating_add(items) <= MAX_UNREAD_ITEMS)
            .then(|| Typed::of(place, document_id, life, update, Some(items)))
    }

    /// Remembers what was stored.
    pub(super) fn stored(&self, typed: Typed) {
        let Typed { document_id, life, clients, ends, unread, .. } = typed;
        let mut documents = self.lock();
        if documents.len() >= MAX_DOCUMENTS && !documents.contains_key(&document_id) {
            documents.clear();
        }
        let runs = documents.entry(document_id).or_insert_with(|| Runs { life, ends: HashMap::new(), unread: 0 });
        if runs.life != life {
            (runs.life, runs.ends) = (life, HashMap::new());
        }
        runs.unread = unread.map_or(0, |items| runs.unread.saturating_add(items));
        runs.ends.retain(|client, _| !clients.contains(client));
        if runs.ends.len().saturating_add(ends.len()) > MAX_RUNS {
            runs.ends.clear();
        }
        runs.ends.extend(ends.into_iter().take(MAX_RUNS).map(|run| (run.client, run)));
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::limits::Limits;
    use crate::yjs::scan::scan_update;
    use crate::yjs::seed::seed_update;

    const LIFE: DocumentLife = (1, 0);

    /// The first letters of a client, and what goes on with them: one more each.
    fn letters(client: Client, count: u32) -> Vec<ScannedUpdate> {
        let first = seed_update(client, "a");
        // An item behind the last one: its client, its clock.
        let next = |clock: u32| {
            let client = u8::try_from(client).unwrap();
            let (last, clock) = (u8::try_from(clock - 1).unwrap(), u8::try_from(clock).unwrap());
            vec![1, 1, client, clock, 0x84, client, last, 1, b'b', 0]
        };
        let bytes = std::iter::once(first).chain((1..count).map(next));
        bytes.map(|bytes| scan_update(bytes, &Limits::default().yjs).unwrap()).collect()
    }

    fn document(number: u128) -> DocumentId {
        DocumentId(Uuid::from_u128(number))
    }

    fn begin(typing: &Typing, id: DocumentId, update: &ScannedUpdate) {
        typing.stored(Typed::read(0, id, LIFE, update, &StateVector::default()).unwrap());
    }

    #[test]
    fn letters_go_on_until_the_document_is_read_again() {
        let (typing, id) = (Typing::default(), document(1));
        let letters = letters(7, 100);
        assert_eq!(typing.goes_on(0, id, LIFE, &letters[1]), None, "nothing is known of it");
        begin(&typing, id, &letters[0]);
        assert_eq!(typing.goes_on(0, document(2), LIFE, &letters[1]), None, "another document");
        assert_eq!(typing.goes_on(0, id, (1, 9), &letters[1]), None, "another life");
        assert_eq!(typing.goes_on(0, id, LIFE, &letters[2]), None, "a letter is missing");
        for letter in &letters[1..=MAX_UNREAD_ITEMS] {
            typing.stored(typing.goes_on(0, id, LIFE, letter).unwrap());
        }
        let next = &letters[MAX_UNREAD_ITEMS + 1];
        assert_eq!(typing.goes_on(0, id, LIFE, next), None);
        let known = StateVector::from_iter([(7, next.spans[0].start)]);
        typing.stored(Typed::read(0, id, LIFE, next, &known).unwrap());
        assert!(typing.goes_on(0, id, LIFE, &letters[MAX_UNREAD_ITEMS + 2]).is_some());
    }

    #[test]
    fn what_was_not_stored_is_not_gone_on_with() {
        let (typing, id) = (Typing::default(), document(1));
        let letters = letters(7, 4);
        begin(&typing, id, &letters[0]);
        assert!(typing.goes_on(0, id, LIFE, &letters[1]).is_some());
        assert_eq!(typing.goes_on(0, id, LIFE, &letters[2]), None);
        let known = StateVector::from_iter([(7, 1)]);
        assert_eq!(Typed::read(0, id, LIFE, &letters[0], &known), None, "it repeats what may be another's");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let typing = Typing::default();
        for client in 1..40 {
            begin(&typing, document(1), &letters(client, 1)[0]);
        }
        for number in 2..u128::try_from(MAX_DOCUMENTS + 10).unwrap() {
            begin(&typing, document(number), &letters(1, 1)[0]);
        }
        let documents = typing.lock();
        assert!(documents.len() <= MAX_DOCUMENTS && documents.values().all(|runs| runs.ends.len() <= MAX_RUNS));
    }
}
