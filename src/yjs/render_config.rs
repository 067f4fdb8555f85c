//! How the workers that derive texts are set up.

use std::path::PathBuf;
use std::time::Duration;

/// How the pool of workers is set up.
#[derive(Clone, Debug)]
pub struct RenderConfig {
    /// The program to run as a worker: this binary.
    pub program: PathBuf,
    /// Workers at most.
    pub workers: usize,
    /// Address space of a worker, in bytes; 256 MiB of it are a stack, so less than 512 MiB leaves little for documents.
    pub max_memory_bytes: u64,
    /// Time for one document. A caller waits at most twice as long for a free worker.
    pub time_budget: Duration,
}
