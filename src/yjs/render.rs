//! Text of Yjs states, derived in worker processes.

use std::path::PathBuf;
use std::time::Duration;

/// How the pool of workers is set up.
#[derive(Clone, Debug)]
pub struct RenderConfig {
    /// The program to run as a worker: this binary.
    pub program: PathBuf,
    /// Workers at most.
    pub workers: usize,
    /// Address space of a worker, in bytes.
    pub max_memory_bytes: u64,
    /// Time for one document.
    pub time_budget: Duration,
}

/// Why a document could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The state itself is at fault (the worker refused it, died of it, or exceeded memory or time): do not try again.
    #[error("the document cannot be rendered: {0}")]
    Damaged(String),
    /// No worker could be had; it may work later.
    #[error("no worker to render the document: {0}")]
    Unavailable(String),
}

/// A pool of worker processes.
#[derive(Debug)]
pub struct Renderer {
    _config: RenderConfig,
}

impl Renderer {
    /// A pool; workers start when they are first needed.
    #[must_use]
    pub fn new(config: RenderConfig) -> Self {
        Self { _config: config }
    }

    /// The text of the union of `parts`. Blocks; call off the event loop.
    ///
    /// # Errors
    /// `Damaged` and `Unavailable`, see [`RenderError`].
    pub fn render(&self, _parts: &[Vec<u8>]) -> Result<String, RenderError> {
        Err(RenderError::Unavailable("not built yet".to_owned()))
    }
}
