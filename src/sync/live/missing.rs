//! What an editor lacks of a document. Those who come at the same time and have the same, as after a restart of the server
//! or at the beginning of a lecture, are given the same bytes, which are made once.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use crate::domain::ids::Version;
use crate::domain::yjs_facts::StateVector;
use crate::yjs::merge::encode_state_vector;

/// Whoever waits longer for what another makes makes it for itself.
const PATIENCE: Duration = Duration::from_millis(500);

/// What an editor lacks of a document.
#[derive(Debug, Default)]
pub struct Missing {
    /// The Yjs update; `None` if it lacks nothing.
    pub update: Option<Arc<[u8]>>,
    /// What the server knows, encoded.
    pub state_vector: Vec<u8>,
    /// A Yjs update by which it forgets what it was shown of a plain text as it was; `None` if that is nothing.
    pub outdated: Option<Arc<[u8]>>,
    /// What it has of a state that is not stored, see `Slot::plain_text`.
    pub shown: StateVector,
    /// What lives as long as somebody is being sent this.
    pub(super) held: Held,
}

#[derive(Default)]
pub(super) struct Held(OnceLock<Box<dyn Any + Send + Sync>>);

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.0.get().is_some()).finish()
    }
}

impl Missing {
    /// It is counted as memory in use by this share, until nobody is being sent it. It is counted once.
    pub fn count_as(&self, share: impl Any + Send + Sync) {
        let _counted_already = self.held.0.set(Box::new(share));
    }

    /// Of a document that has nothing yet.
    pub(super) fn nothing_yet() -> Self {
        Self { state_vector: encode_state_vector(&StateVector::default()), ..Self::default() }
    }
}

/// What was made last, as long as somebody is being sent it.
#[derive(Debug, Default)]
pub(super) struct Shared {
    last: Mutex<Last>,
    made: Condvar,
}

#[derive(Debug, Default)]
struct Last {
    version: Version,
    known: StateVector,
    missing: Weak<Missing>,
    is_being_made: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What somebody who has `known` lacks of this version: what others are being sent, or what `make` makes. One makes it
    /// at a time.
    pub(super) fn get_or_make<E>(
        &self,
        version: Version,
        known: &StateVector,
        make: impl FnOnce() -> Result<Missing, E>,
    ) -> Result<Arc<Missing>, E> {
        let (mut last, _late) = self
            .made
            .wait_timeout_while(self.lock(), PATIENCE, |last| last.is_being_made)
            .unwrap_or_else(PoisonError::into_inner);
        if last.version == version
            && last.known == *known
            && let Some(missing) = last.missing.upgrade()
        {
            return Ok(missing);
        }
        last.is_being_made = true;
        drop(last);
        let making = Making(self);
        let missing = Arc::new(make()?);
        let mut last = self.lock();
        (last.version, last.known) = (version, known.clone());
        last.missing = Arc::downgrade(&missing);
        drop(last);
        drop(making);
        Ok(missing)
    }
}

/// Lets the others go on when it is dropped.
struct Making<'a>(&'a Shared);

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.0.lock().is_being_made = false;
        self.0.made.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn missing(bytes: &[u8]) -> Missing {
        Missing { update: Some(bytes.into()), ..Missing::default() }
    }

    #[test]
    fn those_who_come_together_are_given_the_same_bytes() {
        const READERS: usize = 8;
        let (shared, made, all_here) = (Shared::default(), AtomicUsize::new(0), Barrier::new(READERS));
        std::thread::scope(|scope| {
            for _ in 0..READERS {
                scope.spawn(|| {
                    all_here.wait();
                    let given = shared.get_or_make(3, &StateVector::default(), || {
                        made.fetch_add(1, Ordering::SeqCst);
                        Ok::<_, ()>(missing(b"all"))
                    });
                    // Nobody has sent it before all have it.
                    all_here.wait();
                    assert_eq!(given.unwrap().update.as_deref(), Some(&b"all"[..]));
                });
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn another_version_another_reader_and_what_nobody_holds_are_made_anew() {
        let shared = Shared::default();
        let (nothing, something) = (StateVector::default(), StateVector::from_iter([(1, 1)]));
        let get = |version, known: &StateVector, bytes: &[u8]| {
            shared.get_or_make(version, known, || Ok::<_, ()>(missing(bytes))).unwrap()
        };
        let first = get(1, &nothing, b"a");
        let update = |missing: Arc<Missing>| missing.update.clone().unwrap();
        assert!(Arc::ptr_eq(&get(1, &nothing, b"b"), &first));
        assert_eq!(*update(get(2, &nothing, b"c")), *b"c");
        let third = get(2, &something, b"d");
        assert_eq!(third.update.as_deref(), Some(&b"d"[..]));
        drop(third);
        assert_eq!(*update(get(2, &something, b"e")), *b"e");
    }

    #[test]
    fn what_is_sent_is_counted_once_and_until_all_have_it() {
        let (first, second) = (Arc::new(()), Arc::new(()));
        let missing = Arc::new(missing(b"a"));
        let other = Arc::clone(&missing);
        missing.count_as(Arc::clone(&first));
        other.count_as(Arc::clone(&second));
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (2, 1));
        drop(missing);
        assert_eq!(Arc::strong_count(&first), 2);
        drop(other);
        assert_eq!(Arc::strong_count(&first), 1);
    }

    #[test]
    fn a_failure_is_not_shared_and_holds_nobody_up() {
        let shared = Shared::default();
        let failed = shared.get_or_make(1, &StateVector::default(), || Err::<Missing, _>("no"));
        assert_eq!(failed.unwrap_err(), "no");
        let panics = std::panic::AssertUnwindSafe(|| {
            let _made = shared.get_or_make(1, &StateVector::default(), || -> Result<Missing, ()> { panic!("no") });
        });
        assert!(std::panic::catch_unwind(panics).is_err());
        let made = shared.get_or_make(1, &StateVector::default(), || Ok::<_, ()>(missing(b"a")));
        assert_eq!(made.unwrap().update.as_deref(), Some(&b"a"[..]));
        assert!(!shared.lock().is_being_made);
    }
}
