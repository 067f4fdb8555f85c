//! Memory for Argon2, kept between hashes: 19 MiB fresh from the system take about as long as the hash that is made in
//! them. Knows no password.
//!
//! What a hash leaves behind was made of a password, so it is overwritten as soon as no other hash comes to do that; and
//! what nobody has used for a while goes back to the system.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::Block;
use tokio::runtime::Handle;

/// Memory that was not used for so long is overwritten. Earlier it would be in the way of the next login: overwriting takes
/// a tenth of a hash.
const SETTLED: Duration = Duration::from_secs(1);
/// Memory that was not used for so long is given back.
const IDLE: Duration = Duration::from_secs(30);

/// What was used before.
#[derive(Debug)]
pub(super) struct HashMemory {
    settled: Duration,
    idle: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The last used at the end.
    unused: Vec<Unused>,
    /// Somebody looks again and again whether there is something to overwrite or to give back.
    is_watched: bool,
}

#[derive(Debug)]
struct Unused {
    since: Instant,
    blocks: Vec<Block>,
    is_overwritten: bool,
}

impl Default for HashMemory {
    fn default() -> Self {
        Self { settled: SETTLED, idle: IDLE, kept: Mutex::default() }
    }
}

impl HashMemory {
    /// What was used last, or nothing: whoever needs more makes it longer. How many have some at a time is for the caller
    /// to bound.
    pub(super) fn take(&self) -> Vec<Block> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.unused.pop().map(|unused| unused.blocks).unwrap_or_default()
    }

    /// Keeps the memory until nobody has used it for a while. To be called within a runtime.
    pub(super) fn keep(self: &Arc<Self>, blocks: Vec<Block>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.unused.push(Unused { since: Instant::now(), blocks, is_overwritten: false });
        if !std::mem::replace(&mut kept.is_watched, true) {
            drop(Handle::current().spawn(Arc::clone(self).watch()));
        }
    }

    async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.settled).await;
            let memory = Arc::clone(&self);
            // Only a runtime that ends does not run it to its end.
            if tokio::task::spawn_blocking(move || memory.overwrite()).await.is_err() || !self.give_back() {
                return;
            }
        }
    }

    /// Overwrites what was not used for a moment, off the lock. The compiler does not leave the writes out: who takes the
    /// memory next may read it.
    fn overwrite(&self) {
        loop {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let settled = |unused: &Unused| !unused.is_overwritten && unused.since.elapsed() >= self.settled;
            let Some(at) = kept.unused.iter().position(settled) else { return };
            let mut unused = kept.unused.remove(at);
            drop(kept);
            unused.blocks.fill(Block::new());
            unused.is_overwritten = true;
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let at = at.min(kept.unused.len());
            kept.unused.insert(at, unused);
        }
    }

    /// Gives back what was not used for a while; whether some is left to be watched.
    fn give_back(&self) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.unused.retain(|unused| !unused.is_overwritten || unused.since.elapsed() < self.idle);
        kept.is_watched = !kept.unused.is_empty();
        kept.is_watched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every millisecond.
    fn restless(idle: Duration) -> Arc<HashMemory> {
        Arc::new(HashMemory { settled: Duration::from_millis(1), idle, kept: Mutex::default() })
    }

    fn kept(memory: &HashMemory) -> usize {
        memory.kept.lock().unwrap().unused.len()
    }

    fn is_zero(block: &Block) -> bool {
        block.as_ref().iter().all(|word| *word == 0)
    }

    fn used() -> Block {
        let mut block = Block::new();
        block.as_mut().fill(7);
        block
    }

    async fn wait_until(is_so: impl Fn() -> bool) {
        let waiting = async {
            while !is_so() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it never came");
    }

    #[tokio::test]
    async fn memory_is_used_again_and_overwritten_when_nobody_does() {
        let memory = restless(IDLE);
        assert!(memory.take().is_empty());
        let mut blocks = vec![Block::new(); 64];
        let argon2 = argon2::Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            argon2::Params::new(64, 1, 1, None).unwrap(),
        );
        argon2.hash_password_into_with_memory(b"secret", b"some salt", &mut [0; 32], &mut blocks).unwrap();
        assert!(!blocks.iter().any(is_zero));
        memory.keep(blocks);
        assert_eq!(memory.take().len(), 64, "the watch has had no turn");
        memory.keep(vec![used(); 64]);
        memory.keep(vec![used(); 32]);
        wait_until(|| memory.kept.lock().unwrap().unused.iter().all(|unused| unused.is_overwritten)).await;
        for length in [32, 64] {
            let again = memory.take();
            assert!(again.len() == length && again.iter().all(is_zero));
        }
        assert!(memory.take().is_empty());
    }

    #[tokio::test]
    async fn what_is_not_used_is_given_back_but_not_before_it_was_overwritten() {
        let memory = Arc::new(HashMemory { idle: Duration::ZERO, ..HashMemory::default() });
        memory.keep(vec![Block::new(); 4]);
        assert!(memory.give_back());
        assert_eq!(kept(&memory), 1);
        let memory = restless(Duration::from_millis(1));
        memory.keep(vec![Block::new(); 4]);
        memory.keep(vec![Block::new(); 4]);
        wait_until(|| kept(&memory) == 0).await;
    }

    #[tokio::test]
    async fn what_is_in_use_while_somebody_looks_is_given_back_later() {
        let memory = restless(Duration::from_millis(1));
        memory.keep(vec![Block::new(); 4]);
        // Nobody looks before this waits.
        let in_use = memory.take();
        assert_eq!(in_use.len(), 4);
        wait_until(|| !memory.kept.lock().unwrap().is_watched).await;
        memory.keep(in_use);
        wait_until(|| kept(&memory) == 0).await;
    }
}
