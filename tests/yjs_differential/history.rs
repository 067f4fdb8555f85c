//! A document as the server keeps it: what was accepted, in order.

use landfall::domain::yjs_facts::StateVector;
use landfall::yjs::fit::{check_fits, unplaceable};
use landfall::yjs::merge::{deletions_of, diff_update, merge_updates, squash};
use landfall::yjs::scan::scan_update;
use landfall::yjs::text::derive_text;

use crate::yjs_support::caps;

/// What becomes of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Accepted,
    Refused(String),
}

/// What was accepted, and what was known before each.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub updates: Vec<Vec<u8>>,
    known: StateVector,
    before: Vec<StateVector>,
    /// Whether a client's changes came in more than one form, so that their order matters to an editor.
    pub overlaps: bool,
}

impl History {
    /// As the server receives an update.
    pub fn receive(&mut self, update: &[u8]) -> Fate {
        let scanned = match scan_update(update.to_vec(), &caps()) {
            Ok(scanned) => scanned,
            Err(error) => return Fate::Refused(error.to_string()),
        };
        if !scanned.is_complete_for(&self.known) {
            return Fate::Refused("it leans on changes that are not there".to_owned());
        }
        if let Some(Err(misfit)) = check_fits(&self.updates, &self.known, &[&scanned], &caps()).pop() {
            return Fate::Refused(misfit.to_string());
        }
        let known_deletions = deletions_of(&self.updates).unwrap();
        if !scanned.has_structs_beyond(&self.known) && known_deletions.covers(&scanned.deletes) {
            // Nothing new: the server does not keep it.
            return Fate::Accepted;
        }
        self.before.push(self.known.clone());
        self.overlaps |= scanned.spans.iter().any(|span| span.start < self.known.get(span.client));
        scanned.spans.iter().for_each(|span| self.known.advance(span.client, span.end));
        self.updates.push(update.to_vec());
        Fate::Accepted
    }

    /// Another history of some of the same updates.
    pub fn of(updates: &[Vec<u8>]) -> Self {
        let mut history = Self::default();
        updates.iter().for_each(|update| drop(history.receive(update)));
        history
    }

    /// The text that the server shows.
    pub fn text(&self) -> String {
        derive_text(self.updates.iter().map(Vec::as_slice)).expect("what was accepted can be shown")
    }

    /// The updates in their order. What an editor has already can still cut a character in two when it comes again in
    /// another form, so where that can be the updates are taken as the server hands them on.
    fn as_received(&self) -> Vec<Vec<u8>> {
        let has_pairs = self.updates.iter().any(|update| update.iter().any(|byte| (0xf0..0xf5).contains(byte)));
        if !(self.overlaps && has_pairs) {
            return self.updates.clone();
        }
        let handed_on = |(at, known)| diff_update(&self.updates[..=at], known).unwrap();
        self.before.iter().enumerate().filter_map(handed_on).collect()
    }

    /// Lists of updates that make the same document, the first as it was received.
    pub fn forms(&self) -> Vec<Vec<Vec<u8>>> {
        let merged = merge_updates(&self.updates).unwrap();
        let squashed = squash(&self.updates).unwrap();
        // What was accepted has a place, in every form.
        for form in [&self.updates, &vec![squashed.clone()]] {
            assert_eq!(unplaceable(form), Ok(Vec::new()), "{:x?}", self.updates);
        }
        let text = derive_text([squashed.as_slice()]).unwrap();
        assert_eq!(text, self.text(), "squashed, it reads otherwise: {:x?}", self.updates);
        let mut forms = vec![self.as_received(), vec![merged], vec![squashed.clone()]];
        let half = self.updates.len() / 2;
        if let Some(known) = self.before.get(half) {
            let mut caught_up = self.updates[..half].to_vec();
            caught_up.extend(diff_update(std::slice::from_ref(&squashed), known).unwrap());
            forms.push(caught_up);
        }
        if !self.overlaps {
            forms.push(self.updates.iter().rev().cloned().collect());
        }
        forms
    }
}
