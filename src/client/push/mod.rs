//! Pushing the outbox: `queue` says what comes next and what follows from an answer, `batch` writes it, `run` sends it, some
//! batches at a time, and `results` carries out what the server answers, one batch after another. `upload` pushes all or
//! nothing.

mod answers;
mod batch;
pub mod batch_size;
mod giving_up;
mod queue;
mod results;
mod run;
mod upload;

use self::batch_size::BatchSize;
use self::queue::Queue;
use crate::client::model::SyncSettings;
use crate::client::pull::Pull;
use crate::client::transport::wire::ServerLimits;

/// Operations of a batch that the size is not given of, at most.
const MOST_OPERATIONS: usize = 100;

/// What a push works with.
pub struct Push<'s, 'p, 'a> {
    pull: &'s mut Pull<'p, 'a>,
    settings: &'s SyncSettings,
    limits: &'s ServerLimits,
    queue: Queue,
    /// The run on the server, if it knows of runs.
    run_id: Option<&'s str>,
    /// Whether something was committed in several requests.
    has_uploaded: bool,
}

impl<'s, 'p, 'a> Push<'s, 'p, 'a> {
    /// A push that has sent nothing yet.
    #[must_use]
    pub fn new(pull: &'s mut Pull<'p, 'a>, settings: &'s SyncSettings, limits: &'s ServerLimits) -> Self {
        Self { pull, settings, limits, queue: Queue::default(), run_id: None, has_uploaded: false }
    }

    /// The largest batch.
    fn all(&self) -> BatchSize {
        BatchSize { operations: self.limits.max_operations, bytes: self.limits.batch_bytes() }
    }

    /// The largest batch of which the size is not given.
    fn most(&self) -> BatchSize {
        let all = self.all();
        BatchSize { operations: all.operations.min(MOST_OPERATIONS), ..all }
    }
}
