//! Texts of Yjs states derived, and edited, in worker processes.
//!
//! Whatever a state is like, it must not hold up anything else. So its text is derived in a worker: the same program with
//! a hidden subcommand, with bounded memory, bounded time, no environment and no other file than its two pipes. What
//! happens there costs one worker and one document. Workers are shared fairly (`lanes`), and a document that took too
//! long, or that its worker died over, is put off for a while (`put_off`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::domain::operation::Digest;
use crate::domain::yjs_facts::Client;
use crate::yjs::edit::{Edited, Wanted};
use crate::yjs::frames::{Answer, Job, Task};
use crate::yjs::lanes::{Lanes, NOBODY};
use crate::yjs::put_off::PutOff;
pub use crate::yjs::render_config::RenderConfig;
pub use crate::yjs::render_error::{EditError, RenderError};
use crate::yjs::worker_handle::{JobError, WorkerHandle};

/// A pool of worker processes. Dropping it ends them.
#[derive(Debug)]
pub struct Renderer {
    config: RenderConfig,
    lanes: Lanes,
    idle: Mutex<Vec<WorkerHandle>>,
    put_off: PutOff,
}

/// The renders that one answer needs: all on behalf of one user, and over by one deadline.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'r> {
    renderer: &'r Renderer,
    user: u128,
    deadline: Instant,
}

impl Turn<'_> {
    /// The text of the union of `parts`, which is the state of `document`. Blocks; call off the event loop.
    ///
    /// # Errors
    /// See [`RenderError`]; `Unavailable` also when the turn is over.
    pub fn render(&self, document: u128, parts: &[Vec<u8>]) -> Result<String, RenderError> {
        let Self { renderer, user, deadline } = *self;
        renderer.put_off.check(document)?;
        let started = Instant::now();
        let outcome = renderer.run(Task::Render, parts, user, deadline);
        if let Err(RenderError::Slow(reason)) = &outcome {
            metrics::counter!("landfall_renders_put_off_total").increment(1);
            tracing::warn!(document = %uuid::Uuid::from_u128(document), reason, "a document is put off");
        }
        match &outcome {
            Ok(_) => renderer.put_off.forget(document),
            Err(RenderError::Slow(_)) => renderer.put_off.note(document),
            // It was cut short by the turn's end, but it was long enough to hold up others.
            Err(_) if started.elapsed() > renderer.config.time_budget / 2 => renderer.put_off.note(document),
            Err(_) => {}
        }
        text_of(outcome?)
    }

    /// The Yjs update by which `client` makes `text` of the text of the union of `parts`, whose digest is `from`. Blocks;
    /// call off the event loop.
    ///
    /// # Errors
    /// See [`EditError`].
    pub fn edit(
        &self,
        document: u128,
        parts: &[Vec<u8>],
        client: Client,
        from: Digest,
        text: String,
    ) -> Result<Vec<u8>, EditError> {
        let Self { renderer, user, deadline } = *self;
        renderer.put_off.check(document)?;
        let wanted = Wanted { client, from: Some(from), text, by_yrs: true };
        match renderer.edited(wanted, parts, user, deadline) {
            Ok(Edited::Made(update)) => Ok(update),
            Ok(Edited::OtherText(text)) => Err(EditError::OtherText(text)),
            Ok(Edited::RichText) => Err(EditError::RichText),
            Err(error) => {
                if matches!(error, RenderError::Slow(_)) {
                    renderer.put_off.note(document);
                }
                Err(error.into())
            }
        }
    }
}

impl Renderer {
    /// A pool; workers start when they are first needed.
    #[must_use]
    pub fn new(config: RenderConfig) -> Self {
        let lanes = Lanes::new(config.workers);
        Self { config, lanes, idle: Mutex::default(), put_off: PutOff::default() }
    }

    /// Renders on behalf of `user`, until `deadline`.
    #[must_use]
    pub const fn turn(&self, user: u128, deadline: Instant) -> Turn<'_> {
        Turn { renderer: self, user, deadline }
    }

    /// The text of the union of `parts`, on nobody's behalf. Blocks; call off the event loop.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render(&self, parts: &[Vec<u8>]) -> Result<String, RenderError> {
        text_of(self.run(Task::Render, parts, NOBODY, self.patience())?)
    }

    /// The Yjs update by which `client` makes `text` of the text of the union of `parts` (of nothing, where there are
    /// none), by small edits. Blocks; call off the event loop.
    ///
    /// # Errors
    /// See [`RenderError`]; `Damaged` also where the document's text is no plain text.
    pub fn edit(&self, parts: &[Vec<u8>], client: Client, text: &str) -> Result<Vec<u8>, RenderError> {
        let wanted = Wanted { client, from: None, text: text.to_owned(), by_yrs: true };
        match self.edited(wanted, parts, NOBODY, self.patience())? {
            Edited::Made(update) => Ok(update),
            Edited::OtherText(_) | Edited::RichText => {
                Err(RenderError::Damaged("it is rich text, which cannot be edited as plain text".to_owned()))
            }
        }
    }

    /// An edit; if it ends its worker, it is made anew by our own code alone.
    fn edited(&self, wanted: Wanted, parts: &[Vec<u8>], user: u128, deadline: Instant) -> Result<Edited, RenderError> {
        let own = Task::Edit(Wanted { by_yrs: false, ..wanted.clone() });
        let answer = match self.try_run(Task::Edit(wanted), parts, user, deadline)? {
            Err(RunError::Job(JobError::Died | JobError::TooSlow(_) | JobError::Panicked)) => {
                self.run(own, parts, user, deadline)?
            }
            outcome => outcome?,
        };
        match answer {
            Answer::Edited(edited) => Ok(edited),
            _ => Err(RenderError::Unavailable("the worker answered another question".to_owned())),
        }
    }

    /// Whether workers can be had: some are at work, one waits, or one starts.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn check(&self) -> Result<(), RenderError> {
        if self.lanes.is_in_use() || !self.idle().is_empty() {
            return Ok(());
        }
        let worker = self.start_worker()?;
        self.idle().push(worker);
        Ok(())
    }

    fn start_worker(&self) -> Result<WorkerHandle, RenderError> {
        WorkerHandle::start(&self.config).map_err(|error| {
            RenderError::Unavailable(format!("{} did not start: {error}", self.config.program.display()))
        })
    }

    /// When a caller without a deadline is through: as long again as a render may take, it waits for a worker.
    fn patience(&self) -> Instant {
        Instant::now() + self.config.time_budget * 3
    }

    fn run(&self, task: Task, parts: &[Vec<u8>], user: u128, deadline: Instant) -> Result<Answer, RenderError> {
        Ok(self.try_run(task, parts, user, deadline)??)
    }

    fn try_run(
        &self,
        task: Task,
        parts: &[Vec<u8>],
        user: u128,
        deadline: Instant,
    ) -> Result<Result<Answer, RunError>, RenderError> {
        let job = Arc::new(Job { task, parts: parts.to_vec() });
        let _place = self.lanes.take_place(user, deadline.min(Instant::now() + self.config.time_budget * 2))?;
        if let Some(worker) = self.idle_worker() {
            match self.run_on(worker, &job, deadline) {
                // It may have died of something else (an earlier document, the system): let a fresh one judge.
                Err(RunError::Job(JobError::Died)) => {}
                outcome => return Ok(outcome),
            }
        }
        let worker = self.start_worker()?;
        Ok(self.run_on(worker, &job, deadline))
    }

    fn idle_worker(&self) -> Option<WorkerHandle> {
        self.idle().pop()
    }

    /// Has `worker` do a job, and keeps it for the next one if it came through unharmed.
    fn run_on(&self, mut worker: WorkerHandle, job: &Arc<Job>, deadline: Instant) -> Result<Answer, RunError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.idle().push(worker);
            return Err(RunError::TurnIsOver);
        }
        metrics::gauge!("landfall_yjs_workers_busy").increment(1.0);
        let ran = worker.run(job, self.config.time_budget.min(left));
        metrics::gauge!("landfall_yjs_workers_busy").decrement(1.0);
        let failure = match &ran {
            Err(JobError::TooSlow(_)) => Some("timeout"),
            Err(JobError::Died | JobError::Panicked) | Ok(Answer::Panicked) => Some("death"),
            Err(JobError::Refused(_)) | Ok(_) => None,
        };
        if let Some(reason) = failure {
            metrics::counter!("landfall_yjs_worker_failures_total", "reason" => reason).increment(1);
        }
        match ran {
            Ok(Answer::Refused(reason)) => {
                self.idle().push(worker);
                Err(JobError::Refused(reason).into())
            }
            Ok(answer @ (Answer::Text(_) | Answer::Edited(_))) => {
                self.idle().push(worker);
                Ok(answer)
            }
            Ok(Answer::Panicked) => Err(JobError::Panicked.into()),
            Err(JobError::TooSlow(_)) if left < self.config.time_budget => Err(RunError::TurnIsOver),
            Err(error) => Err(error.into()),
        }
    }

    /// Workers that wait for a job. The list is whole between any two statements, so a panic elsewhere does not spoil it.
    fn idle(&self) -> MutexGuard<'_, Vec<WorkerHandle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text_of(answer: Answer) -> Result<String, RenderError> {
    match answer {
        Answer::Text(text) => Ok(text),
        _ => Err(RenderError::Unavailable("the worker answered another question".to_owned())),
    }
}

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Job(#[from] JobError),
    #[error("the time for all of an answer's documents is up")]
    TurnIsOver,
}

impl From<RunError> for RenderError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::TurnIsOver => Self::Unavailable(error.to_string()),
            // What a worker died of may have been the machine: only its own answer is a judgement of the bytes.
            RunError::Job(JobError::TooSlow(_) | JobError::Died | JobError::Panicked) => Self::Slow(error.to_string()),
            RunError::Job(JobError::Refused(_)) => Self::Damaged(error.to_string()),
        }
    }
}
