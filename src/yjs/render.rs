//! Texts of Yjs states derived, and edited, in worker processes.
//!
//! yrs can be made to abort, to loop, to exhaust memory and to use freed memory, and nothing in the same process
//! guards against that. So a document is only ever built in a worker: the same program with a hidden subcommand, with
//! bounded memory, bounded time, no environment and no other file than its two pipes. What happens there costs one
//! worker and one document.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::yjs_facts::Client;
use crate::yjs::frames::{Answer, Job, Task};
use crate::yjs::worker_handle::{JobError, WorkerHandle};

/// How the pool of workers is set up.
#[derive(Clone, Debug)]
pub struct RenderConfig {
    /// The program to run as a worker: this binary.
    pub program: PathBuf,
    /// Workers at most.
    pub workers: usize,
    /// Address space of a worker, in bytes; 256 MiB of it are a stack, so less than 512 MiB leaves little for documents.
    pub max_memory_bytes: u64,
    /// Time for one document. A caller waits twice as long for a free worker.
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

/// A pool of worker processes. Dropping it ends them.
#[derive(Debug)]
pub struct Renderer {
    config: RenderConfig,
    pool: Mutex<Pool>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Vec<WorkerHandle>,
    /// Workers that run, and places kept for workers that are being started.
    taken: usize,
}

impl Renderer {
    /// A pool; workers start when they are first needed.
    #[must_use]
    pub fn new(config: RenderConfig) -> Self {
        Self { config, pool: Mutex::default(), freed: Condvar::new() }
    }

    /// The text of the union of `parts`. Blocks; call off the event loop.
    ///
    /// # Errors
    /// `Damaged` and `Unavailable`, see [`RenderError`].
    pub fn render(&self, parts: &[Vec<u8>]) -> Result<String, RenderError> {
        match self.run(Task::Render, parts)? {
            Answer::Text(text) => Ok(text),
            _ => Err(RenderError::Unavailable("the worker answered another question".to_owned())),
        }
    }

    /// The Yjs update by which `client` makes `text` of the text of the union of `parts` (of nothing, where there are
    /// none), by small edits. Blocks; call off the event loop.
    ///
    /// # Errors
    /// `Damaged` (also where the document's text is no plain text) and `Unavailable`, see [`RenderError`].
    pub fn edit(&self, parts: &[Vec<u8>], client: Client, text: &str) -> Result<Vec<u8>, RenderError> {
        match self.run(Task::Edit(client, text.to_owned()), parts)? {
            Answer::Update(update) => Ok(update),
            _ => Err(RenderError::Unavailable("the worker answered another question".to_owned())),
        }
    }

    fn run(&self, task: Task, parts: &[Vec<u8>]) -> Result<Answer, RenderError> {
        let job = Arc::new(Job { task, parts: parts.to_vec() });
        let _place = self.take_place()?;
        if let Some(worker) = self.idle_worker() {
            match self.run_on(worker, &job) {
                // It may have died of something else (an earlier document, the system): let a fresh one judge.
                Err(JobError::Died) => {}
                outcome => return outcome.map_err(RenderError::from),
            }
        }
        let worker = WorkerHandle::start(&self.config).map_err(|error| {
            RenderError::Unavailable(format!("{} did not start: {error}", self.config.program.display()))
        })?;
        self.run_on(worker, &job).map_err(RenderError::from)
    }

    /// Waits for the right to run a worker.
    fn take_place(&self) -> Result<Place<'_>, RenderError> {
        let deadline = Instant::now() + self.config.time_budget * 2;
        let mut pool = self.lock();
        while pool.taken >= self.config.workers {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return Err(RenderError::Unavailable(format!("all {} are busy", self.config.workers)));
            };
            pool = self.freed.wait_timeout(pool, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        pool.taken += 1;
        Ok(Place { renderer: self })
    }

    fn idle_worker(&self) -> Option<WorkerHandle> {
        self.lock().idle.pop()
    }

    /// Has `worker` do a job, and keeps it for the next one if it came through unharmed.
    fn run_on(&self, mut worker: WorkerHandle, job: &Arc<Job>) -> Result<Answer, JobError> {
        match worker.run(job, self.config.time_budget)? {
            Answer::Refused(reason) => {
                self.lock().idle.push(worker);
                Err(JobError::Refused(reason))
            }
            answer @ (Answer::Text(_) | Answer::Update(_)) => {
                self.lock().idle.push(worker);
                Ok(answer)
            }
            Answer::Panicked => Err(JobError::Refused("the renderer panicked".to_owned())),
        }
    }

    /// The pool. Its state is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to run one worker; given back when dropped.
struct Place<'r> {
    renderer: &'r Renderer,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.renderer.lock().taken -= 1;
        self.renderer.freed.notify_one();
    }
}

impl From<JobError> for RenderError {
    fn from(error: JobError) -> Self {
        Self::Damaged(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_that_finds_all_workers_busy_waits_but_not_for_ever() {
        let renderer = Renderer::new(RenderConfig {
            program: "landfall".into(),
            workers: 1,
            max_memory_bytes: 1 << 30,
            time_budget: Duration::from_millis(50),
        });
        let place = renderer.take_place().unwrap();
        let started = Instant::now();
        assert!(matches!(renderer.take_place(), Err(RenderError::Unavailable(_))));
        assert!(started.elapsed() >= Duration::from_millis(100));
        drop(place);
        assert!(renderer.take_place().is_ok());
    }
}
