//! Documents whose texts took too long, or whose workers died: tried again after a pause that grows each time, whatever is written to them
//! meanwhile, and forgotten as soon as one is shown.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::yjs::render_error::RenderError;

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// Documents that are remembered; beyond that those are forgotten first whose pause ends first.
const MAX_DOCUMENTS: usize = 10_000;

/// What is put off, and until when.
#[derive(Debug, Default)]
pub(super) struct PutOff {
    documents: Mutex<HashMap<u128, Pause>>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    length: Duration,
    ends: Instant,
}

impl PutOff {
    /// Whether a document may be tried now.
    pub(super) fn check(&self, document: u128) -> Result<(), RenderError> {
        match self.lock().get(&document) {
            Some(pause) if pause.ends > Instant::now() => {
                Err(RenderError::Slow("it could not be rendered before, and is tried again later".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// A document was not rendered.
    pub(super) fn note(&self, document: u128) {
        self.note_at(document, Instant::now());
    }

    fn note_at(&self, document: u128, now: Instant) {
        let mut documents = self.lock();
        let before = documents.get(&document).map(|pause| pause.length);
        let length = before.map_or(FIRST_PAUSE, |length| (length * 2).min(LONGEST_PAUSE));
        documents.insert(document, Pause { length, ends: now + length });
        if documents.len() > MAX_DOCUMENTS {
            let first = documents.iter().min_by_key(|(_, pause)| pause.ends).map(|(document, _)| *document);
            first.and_then(|first| documents.remove(&first));
        }
    }

    /// A document was shown.
    pub(super) fn forget(&self, document: u128) {
        self.lock().remove(&document);
    }

    /// The table is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, HashMap<u128, Pause>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let put_off = PutOff::default();
        let long_ago = Instant::now().checked_sub(Duration::from_secs(30)).unwrap();
        assert!(put_off.check(1).is_ok());
        put_off.note_at(1, long_ago);
        assert!(put_off.check(1).is_ok(), "five seconds are over");
        put_off.note_at(1, long_ago);
        assert!(put_off.check(1).is_ok(), "and ten");
        put_off.note_at(1, long_ago);
        put_off.note_at(1, long_ago);
        assert!(put_off.check(1).is_err(), "forty are not");
        assert!(put_off.check(2).is_ok());
        put_off.forget(1);
        put_off.note_at(1, long_ago);
        assert!(put_off.check(1).is_ok(), "what was shown begins anew");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let put_off = PutOff::default();
        for document in 0..=u128::try_from(MAX_DOCUMENTS).unwrap() {
            put_off.note(document);
        }
        assert_eq!(put_off.lock().len(), MAX_DOCUMENTS);
        assert!(put_off.check(0).is_ok(), "the first one was forgotten");
    }
}
