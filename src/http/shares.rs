//! Something that there is a bounded amount of, shared so that no single key takes more than its part.
//!
//! A key waits for its own part first and for the whole second, each in the order of asking. So what one key asks for in
//! excess waits behind that key alone, and nobody who waits holds anything that another key needs.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Keys that are remembered before those that hold and want nothing are forgotten.
const REMEMBERED_KEYS: usize = 1_024;

/// The whole, and each key's part of it.
#[derive(Debug)]
pub struct Shares<K> {
    /// What it is, as metrics name it.
    name: &'static str,
    whole: Arc<Semaphore>,
    whole_units: u32,
    part_units: u32,
    parts: Mutex<HashMap<K, Arc<Semaphore>>>,
}

/// Units that a key has; given back when dropped.
#[derive(Debug)]
pub struct Share {
    // Fields are dropped in this order: the whole is free again before the key may ask for more.
    whole: OwnedSemaphorePermit,
    part: OwnedSemaphorePermit,
}

impl<K: Eq + Hash> Shares<K> {
    /// `whole_units` of something, of which a key has `part_units` at most; never less than one.
    #[must_use]
    pub fn new(name: &'static str, whole_units: usize, part_units: usize) -> Self {
        let units = |units| u32::try_from(units).unwrap_or(u32::MAX).max(1);
        let (whole_units, part_units) = (units(whole_units), units(part_units.min(whole_units)));
        Self { name, whole: semaphore(whole_units), whole_units, part_units, parts: Mutex::default() }
    }

    /// Units for a key, without waiting; `None` if they are not there.
    #[must_use]
    pub fn try_acquire(&self, key: K, units: usize) -> Option<Share> {
        let units = self.cut(units);
        let part = self.part_of(key).try_acquire_many_owned(units).ok();
        let share = part.and_then(|part| {
            let whole = Arc::clone(&self.whole).try_acquire_many_owned(units).ok()?;
            Some(Share { whole, part })
        });
        self.note(share.is_some());
        share
    }

    /// Units for a key, by `deadline`; `None` if they are not there by then. More than a key's part is taken to be its
    /// part.
    pub async fn acquire(&self, key: K, units: usize, deadline: Instant) -> Option<Share> {
        let (units, part) = (self.cut(units), self.part_of(key));
        let both = async {
            let part = part.acquire_many_owned(units).await.ok()?;
            let whole = Arc::clone(&self.whole).acquire_many_owned(units).await.ok()?;
            Some(Share { whole, part })
        };
        let share = tokio::time::timeout_at(deadline.into(), both).await.ok().flatten();
        self.note(share.is_some());
        share
    }

    /// Adds units to a share, without waiting; whether they were there.
    #[must_use]
    pub fn try_grow(&self, share: &mut Share, units: usize) -> bool {
        let Ok(units) = u32::try_from(units) else { return false };
        let part = Arc::clone(share.part.semaphore()).try_acquire_many_owned(units);
        let whole = Arc::clone(share.whole.semaphore()).try_acquire_many_owned(units);
        let grown = match (whole, part) {
            (Ok(whole), Ok(part)) => {
                share.whole.merge(whole);
                share.part.merge(part);
                true
            }
            _ => false,
        };
        self.note(grown);
        grown
    }

    fn cut(&self, units: usize) -> u32 {
        u32::try_from(units).unwrap_or(u32::MAX).min(self.part_units)
    }

    fn part_of(&self, key: K) -> Arc<Semaphore> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if parts.len() >= REMEMBERED_KEYS {
            // Whoever holds or waits for units has a reference too.
            parts.retain(|_key, part| Arc::strong_count(part) > 1);
        }
        Arc::clone(parts.entry(key).or_insert_with(|| semaphore(self.part_units)))
    }

    fn note(&self, admitted: bool) {
        let free = u32::try_from(self.whole.available_permits()).unwrap_or(u32::MAX);
        metrics::gauge!("landfall_admitted", "kind" => self.name).set(f64::from(self.whole_units.saturating_sub(free)));
        if !admitted {
            metrics::counter!("landfall_not_admitted_total", "kind" => self.name).increment(1);
        }
    }
}

impl Share {
    /// Gives back all but so many units.
    pub fn shrink_to(&mut self, units: usize) {
        for permit in [&mut self.whole, &mut self.part] {
            let excess = permit.num_permits().saturating_sub(units);
            drop(permit.split(excess));
        }
    }
}

fn semaphore(units: u32) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(Semaphore::MAX_PERMITS)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(30)
    }

    #[tokio::test]
    async fn a_key_has_its_part_and_no_more() {
        let shares = Shares::new("test", 8, 2);
        let held = shares.acquire("hot", 2, soon()).await.unwrap();
        assert!(shares.try_acquire("hot", 1).is_none());
        assert!(shares.acquire("hot", 1, soon()).await.is_none());
        let others: Vec<Share> = ["a", "b", "c"].map(|key| shares.try_acquire(key, 2).unwrap()).into();
        assert!(shares.try_acquire("d", 1).is_none(), "the whole is given out");
        drop(held);
        assert!(shares.try_acquire("d", 1).is_some());
        drop(others);
        assert_eq!(shares.whole.available_permits(), 8);
    }

    #[tokio::test]
    async fn who_waits_for_a_hot_key_takes_nothing_from_others() {
        let shares = Arc::new(Shares::new("test", 4, 1));
        let held = shares.try_acquire("hot", 1).unwrap();
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let shares = Arc::clone(&shares);
                tokio::spawn(async move {
                    shares.acquire("hot", 1, Instant::now() + Duration::from_secs(20)).await.is_some()
                })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(shares.acquire("cold", 1, soon()).await.is_some());
        drop(held);
        for waiter in waiting {
            assert!(waiter.await.unwrap(), "one after another they get through");
        }
    }

    #[tokio::test]
    async fn a_share_grows_and_shrinks() {
        let shares = Shares::new("test", 100, 50);
        let mut share = shares.try_acquire(1, 10).unwrap();
        assert!(shares.try_grow(&mut share, 40));
        assert!(!shares.try_grow(&mut share, 1), "the part is used up");
        share.shrink_to(5);
        assert_eq!(shares.whole.available_permits(), 95);
        assert!(shares.try_grow(&mut share, 0));
        drop(shares.acquire(2, 1_000, soon()).await.unwrap());
        drop(share);
        assert_eq!(shares.whole.available_permits(), 100);
    }

    #[tokio::test]
    async fn keys_that_hold_nothing_are_forgotten() {
        let shares = Shares::new("test", 10, 5);
        let held = shares.try_acquire(0, 5).unwrap();
        for key in 1..5_000 {
            drop(shares.try_acquire(key, 1));
        }
        assert!(shares.parts.lock().unwrap().len() <= REMEMBERED_KEYS);
        assert!(shares.try_acquire(0, 1).is_none(), "a key that holds something is remembered");
        drop(held);
    }
}
