//! Memory for Argon2, kept between hashes: 19 MiB fresh from the system take about as long as the hash that is made in
//! them. Knows no password.
//!
//! What a hash leaves behind was made of a password, so it is overwritten before the memory is kept; and what nobody has
//! used for a while goes back to the system.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::Block;
use tokio::runtime::Handle;

/// Memory that was not used for so long is given back.
const IDLE: Duration = Duration::from_secs(30);

/// What was used before.
#[derive(Debug)]
pub(super) struct HashMemory {
    idle: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Since when each is not used: the last used at the end.
    unused: Vec<(Instant, Vec<Block>)>,
    /// Somebody looks again and again whether there is something to give back.
    is_watched: bool,
}

impl Default for HashMemory {
    fn default() -> Self {
        Self { idle: IDLE, kept: Mutex::default() }
    }
}

impl HashMemory {
    /// What was used last, or nothing: whoever needs more makes it longer. How many have some at a time is for the caller
    /// to bound.
    pub(super) fn take(&self) -> Vec<Block> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.unused.pop().map(|(_since, blocks)| blocks).unwrap_or_default()
    }

    /// Overwrites the memory and keeps it, until nobody has used it for a while. The writes are not left out by the
    /// compiler: who takes the memory next may read it. To be called within a runtime.
    pub(super) fn keep(self: &Arc<Self>, mut blocks: Vec<Block>) {
        blocks.fill(Block::new());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.unused.push((Instant::now(), blocks));
        if !std::mem::replace(&mut kept.is_watched, true) {
            let memory = Arc::clone(self);
            drop(Handle::current().spawn(async move {
                while memory.give_back() {
                    tokio::time::sleep(memory.idle).await;
                }
            }));
        }
    }

    /// Gives back what was not used for a while; whether some is left to be watched.
    fn give_back(&self) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.unused.retain(|(since, _blocks)| since.elapsed() < self.idle);
        kept.is_watched = !kept.unused.is_empty();
        kept.is_watched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_is_overwritten_and_used_again() {
        let memory = Arc::new(HashMemory::default());
        assert!(memory.take().is_empty());
        let mut blocks = vec![Block::new(); 64];
        let argon2 = argon2::Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            argon2::Params::new(64, 1, 1, None).unwrap(),
        );
        argon2.hash_password_into_with_memory(b"secret", b"some salt", &mut [0; 32], &mut blocks).unwrap();
        let is_zero = |block: &Block| block.as_ref().iter().all(|word| *word == 0);
        assert!(!blocks.iter().any(is_zero));
        memory.keep(blocks);
        let again = memory.take();
        assert!(again.len() == 64 && again.iter().all(is_zero));
        assert!(memory.take().is_empty());
    }

    fn kept(memory: &HashMemory) -> usize {
        memory.kept.lock().unwrap().unused.len()
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
    async fn what_is_not_used_is_given_back() {
        let memory = Arc::new(HashMemory::default());
        memory.keep(vec![Block::new(); 4]);
        memory.keep(vec![Block::new(); 4]);
        assert!(memory.give_back());
        assert_eq!(kept(&memory), 2, "it may be used again");
        let memory = Arc::new(HashMemory { idle: Duration::from_millis(1), kept: Mutex::default() });
        memory.keep(vec![Block::new(); 4]);
        memory.keep(vec![Block::new(); 4]);
        wait_until(|| kept(&memory) == 0).await;
    }

    #[tokio::test]
    async fn what_is_in_use_while_somebody_looks_is_given_back_later() {
        let memory = Arc::new(HashMemory { idle: Duration::from_millis(1), kept: Mutex::default() });
        memory.keep(vec![Block::new(); 4]);
        // Nobody looks before this waits.
        let in_use = memory.take();
        assert_eq!(in_use.len(), 4);
        wait_until(|| !memory.kept.lock().unwrap().is_watched).await;
        memory.keep(in_use);
        wait_until(|| kept(&memory) == 0).await;
    }
}
