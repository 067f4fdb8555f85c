//! Memory for Argon2, kept between hashes: 19 MiB fresh from the system take about as long as the hash that is made in
//! them. Knows no password.
//!
//! What a hash leaves behind was made of a password, so it is overwritten before the memory is kept; and what nobody has
//! used for a while goes back to the system.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::Block;

/// Memory that was not used for so long is given back.
const IDLE: Duration = Duration::from_secs(30);

/// What was used before, and when: the last used at the end.
#[derive(Debug, Default)]
pub(super) struct HashMemory {
    kept: Mutex<Vec<(Instant, Vec<Block>)>>,
    /// Somebody looks after [`IDLE`] whether there is something to give back.
    is_watched: AtomicBool,
}

impl HashMemory {
    /// What was used last, or nothing: whoever needs more makes it longer. How many have some at a time is for the caller
    /// to bound.
    pub(super) fn take(&self) -> Vec<Block> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pop().map(|(_used_at, blocks)| blocks).unwrap_or_default()
    }

    /// Overwrites the memory and keeps it. The writes are not left out by the compiler: who takes the memory next may read
    /// it.
    pub(super) fn keep(&self, mut blocks: Vec<Block>) {
        blocks.fill(Block::new());
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), blocks));
    }

    /// Gives back what is not used for [`IDLE`], now and as long as there is some. To be called within a runtime.
    pub(super) fn watch(self: &Arc<Self>) {
        if self.is_watched.swap(true, Ordering::Relaxed) {
            return;
        }
        let memory = Arc::downgrade(self);
        drop(tokio::spawn(async move {
            tokio::time::sleep(IDLE).await;
            if let Some(memory) = memory.upgrade() {
                memory.is_watched.store(false, Ordering::Relaxed);
                if memory.free_unused(IDLE) > 0 {
                    memory.watch();
                }
            }
        }));
    }

    /// Gives back what was not used for so long; how many are kept.
    fn free_unused(&self, idle: Duration) -> usize {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(used_at, _blocks)| used_at.elapsed() < idle);
        kept.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_overwritten_and_used_again() {
        let memory = HashMemory::default();
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

    #[test]
    fn what_is_not_used_is_given_back() {
        let memory = HashMemory::default();
        memory.keep(vec![Block::new(); 4]);
        assert_eq!(memory.free_unused(IDLE), 1);
        assert_eq!(memory.free_unused(Duration::ZERO), 0);
        assert!(memory.take().is_empty());
    }
}
