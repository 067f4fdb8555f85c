//! Batches that were too much for the server, and operations that fail alone.
//!
//! An operation that nobody answers may be at fault itself, and must not block the rest; or the server is away, and no
//! operation is. It goes to the dead letters only if the server answers to other operations in the same run, then fails
//! once more over this one, and answers again after that; and only after many tries over some time. In any other case it
//! stays queued.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;

use super::course::{Answered, BATCH_PATH, Course, Named, Suspect};
use super::engine::{Engine, now_us};
use crate::client::error::ClientError;
use crate::client::plan;
use crate::client::report::{Counted, Event};
use crate::client::state::outbox::QueuedOperation;
use crate::client::transport::remote::{RemoteError, Until};

/// So many operations in a row that fail alone, without one batch that succeeds, say that the server is at fault.
const MAX_IN_A_ROW: usize = 5;

/// The code of an operation that the server fails over.
const NOT_ANSWERED: &str = "not_answered";

impl Engine<'_> {
    /// Halves a batch that was too much. The halves come next, so that what fails alone is soon known.
    pub(super) fn settle_failure(
        &mut self,
        course: &mut Course,
        operations: Vec<QueuedOperation>,
        failure: RemoteError,
    ) -> Result<(), ClientError> {
        if failure.is_servers_fault() {
            self.remote.check_health().map_err(|failure| failure.into_client_error(self.remote.server()))?;
        }
        if operations.len() > 1 {
            let mut first: VecDeque<Named> =
                operations.into_iter().map(|operation| (operation.client_id, operation.document_id)).collect();
            let second = first.split_off(first.len().div_ceil(2));
            course.again.push_front(second);
            course.again.push_front(first);
            return Ok(());
        }
        for operation in operations {
            if !failure.is_servers_fault() {
                // Too large by itself, which is an answer.
                self.bury(&operation, failure.code().unwrap_or(NOT_ANSWERED), &failure.to_string())?;
                continue;
            }
            course.failed_in_a_row += 1;
            if course.failed_in_a_row >= MAX_IN_A_ROW {
                return Err(self.is_at_fault(&operation, &failure)?);
            }
            self.held.insert(operation.document_id);
            course.suspects.push(Suspect(operation));
        }
        Ok(())
    }

    /// The server fails over everything.
    fn is_at_fault(&mut self, last: &QueuedOperation, failure: &RemoteError) -> Result<ClientError, ClientError> {
        let reason = format!(
            "it fails over one operation after the other, the last of them {}: {failure}; they stay queued",
            self.path_of(last.document_id)?
        );
        Ok(ClientError::Unreachable { server: self.remote.server().to_owned(), reason })
    }

    /// Sends what failed alone once more, since what was the matter may have passed, and decides on what fails again.
    pub(super) fn judge_suspects(&mut self, course: &mut Course) -> Result<(), ClientError> {
        for Suspect(operation) in std::mem::take(&mut course.suspects) {
            self.interrupt.check()?;
            self.held.remove(&operation.document_id);
            course.again.push_front([(operation.client_id, operation.document_id)].into());
            let Some(chunk) = self.next_chunk(course)? else { continue };
            let (outcome, took) = self.remote.post_timed(BATCH_PATH, &chunk.body, Until::LessHelps);
            match outcome {
                Err(failure) if failure.is_servers_fault() && failure.asks_for_less() => {
                    for operation in &chunk.operations {
                        self.judge(course, operation, &failure)?;
                    }
                }
                outcome => self.settle(course, Answered { chunk, outcome, took })?,
            }
        }
        Ok(())
    }

    fn judge(
        &mut self,
        course: &Course,
        operation: &QueuedOperation,
        failure: &RemoteError,
    ) -> Result<(), ClientError> {
        self.check_batches()?;
        if is_given_up(operation, course.has_success) {
            return self.bury(operation, NOT_ANSWERED, &failure.to_string());
        }
        self.keep_queued(operation, &failure.to_string())
    }

    /// Whether batches get through, for which an empty one is good enough.
    fn check_batches(&self) -> Result<(), ClientError> {
        let body = json!({
            "workspace_id": self.identity.workspace,
            "device_id": self.identity.device,
            "operations": [],
        });
        let answer = self.remote.post::<Box<RawValue>>(BATCH_PATH, body.to_string().as_bytes(), Until::LessHelps);
        answer.map(drop).map_err(|failure| failure.into_client_error(self.remote.server()))
    }

    /// An operation without an answer of use stays queued, and is not sent again in this run.
    pub(super) fn keep_queued(&mut self, operation: &QueuedOperation, reason: &str) -> Result<(), ClientError> {
        let path = self.path_of(operation.document_id)?;
        self.held.insert(operation.document_id);
        self.report.tell(&Event::Note { path: &path, text: &format!("{reason}; it stays queued") });
        self.tally.failed += 1;
        self.report.count(&format!("{} {path}", operation.kind), Counted::Skipped);
        Ok(())
    }
}

/// Whether an operation that failed alone was tried often enough, and for long enough.
pub(super) fn is_given_up(operation: &QueuedOperation, do_others_succeed: bool) -> bool {
    let over = u64::try_from(now_us() - operation.first_sent_at).unwrap_or_default();
    plan::is_given_up(operation.attempts, Duration::from_micros(over), do_others_succeed)
}
