//! The restores that a server does in the background: a thread each, a few at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::domain::sync_run::RunKey;

/// Restores of many documents that one server does at a time.
const MAX_RESTORES: usize = 4;

/// The restores that this server is doing.
#[derive(Debug, Default)]
pub struct Restores {
    stopping: AtomicBool,
    threads: Mutex<HashMap<RunKey, JoinHandle<()>>>,
}

/// What becomes of a restore that is to be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It has begun.
    Begun,
    /// This server is at it.
    Running,
    /// There are as many as may be, or the server is stopping.
    Full,
}

impl Restores {
    /// Whether they are to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Begins a restore, unless it is under way; `open` makes what its thread does.
    ///
    /// # Errors
    /// What `open` answered.
    pub(super) fn begin<E>(
        &self,
        key: RunKey,
        open: impl FnOnce() -> Result<Box<dyn FnOnce() + Send>, E>,
    ) -> Result<Start, E> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|_key, thread| !thread.is_finished());
        if threads.contains_key(&key) {
            return Ok(Start::Running);
        }
        if threads.len() >= MAX_RESTORES || self.is_stopping() {
            return Ok(Start::Full);
        }
        let work = open()?;
        match std::thread::Builder::new().name("restore".to_owned()).spawn(work) {
            Ok(thread) => {
                threads.insert(key, thread);
                Ok(Start::Begun)
            }
            Err(error) => {
                tracing::error!(%error, "a restore has no thread");
                Ok(Start::Full)
            }
        }
    }

    /// Ends them, each after the batch that it is at. What they restored stays; the same request goes on.
    pub fn close(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads.into_values() {
            if thread.join().is_err() {
                tracing::error!("a restore had panicked");
            }
        }
    }
}
