//! What became of a batch: its results, a page of the feed, or nothing of use.

use std::time::Duration;

use super::Push;
use super::batch::Chunk;
use super::batch_size::{BatchSize, Sent};
use super::giving_up::is_given_up;
use super::queue::TooMuch;
use crate::client::error::ClientError;
use crate::client::state::QueuedOperation;
use crate::client::transport::{RemoteError, wire::BatchAnswer};

/// The code of an operation that the server fails over.
const NOT_ANSWERED: &str = "not_answered";

/// A batch that came back.
pub(super) struct Answered {
    pub(super) chunk: Chunk,
    pub(super) outcome: Result<BatchAnswer, RemoteError>,
    /// How long the last try took.
    pub(super) took: Duration,
}

impl Push<'_, '_, '_> {
    /// Carries out what a batch was answered.
    pub(super) fn settle(&mut self, answered: Answered) -> Result<(), ClientError> {
        self.note_size(&answered);
        let Answered { chunk, outcome, .. } = answered;
        match outcome {
            Ok(answer) => {
                if !answer.results.is_empty() {
                    self.queue.on_success();
                }
                self.settle_results(&chunk.operations, answer.results)?;
                match answer.changes.filter(|_| chunk.pulls) {
                    Some(page) => {
                        let has_more = page.has_more;
                        self.pull.take_in_page(page)?;
                        if has_more { self.pull.pull() } else { self.pull.carry_out_removals() }
                    }
                    None => Ok(()),
                }
            }
            Err(failure) if failure.asks_for_less() && !self.settings.atomic => {
                self.settle_failure(chunk.operations, &failure)
            }
            Err(failure) => Err(self.pull.server.failure(failure)),
        }
    }

    /// Learns from an answer how large the next batch may be.
    fn note_size(&mut self, answered: &Answered) {
        let Answered { chunk, outcome, took } = answered;
        let was_too_much = match outcome {
            Ok(_) => false,
            Err(failure) if failure.asks_for_less() => true,
            // It says nothing about the size.
            Err(_) => return,
        };
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let sent = Sent {
            size: BatchSize { operations: chunk.operations.len(), bytes: chunk.body.len() },
            ms: milliseconds(*took),
            latency_ms: self.pull.server.shortest_answer().map_or(0, milliseconds),
            was_too_much,
        };
        let most = self.most();
        self.queue.learn(&sent, most);
    }

    fn settle_failure(&mut self, operations: Vec<QueuedOperation>, failure: &RemoteError) -> Result<(), ClientError> {
        if failure.is_servers_fault() {
            self.pull.server.check_health()?;
        }
        match self.queue.on_too_much(operations, failure.is_servers_fault()) {
            TooMuch::Halved => Ok(()),
            TooMuch::Refused(operation) => {
                self.bury(&operation, failure.code().unwrap_or(NOT_ANSWERED), &failure.to_string())
            }
            TooMuch::Suspect(id) => {
                self.pull.local.held.insert(id);
                Ok(())
            }
            TooMuch::AtFault(last) => Err(self.pull.server.unreachable(format!(
                "it fails over one operation after the other, the last of them {}: {failure}; they stay queued",
                self.pull.local.path_of(last.document_id)?
            ))),
        }
    }

    /// Decides on what failed alone and was sent once more, since what was the matter may have passed.
    ///
    /// An operation that nobody answers may be at fault itself, and must not block the rest; or the server is away, and no
    /// operation is. It goes to the dead letters only if the server answers to other operations in the same run, then fails
    /// once more over this one, and answers again after that; and only after many tries over some time. In any other case it
    /// stays queued.
    pub(super) fn judge(&mut self, answered: Answered) -> Result<(), ClientError> {
        let failure = match &answered.outcome {
            Err(failure) if failure.is_servers_fault() && failure.asks_for_less() => failure.to_string(),
            _ => return self.settle(answered),
        };
        for operation in &answered.chunk.operations {
            self.pull.server.check_batches()?;
            if is_given_up(operation, self.queue.has_success()) {
                self.bury(operation, NOT_ANSWERED, &failure)?;
            } else {
                self.keep_queued(operation, &failure)?;
            }
        }
        Ok(())
    }
}
