//! Operations that are not tried again: in this run, or at all.

use std::time::Duration;

use super::Push;
use crate::client::clock::now_us;
use crate::client::error::ClientError;
use crate::client::plan;
use crate::client::report::{Counted, Event};
use crate::client::state::QueuedOperation;

impl Push<'_, '_, '_> {
    /// Moves an operation to the dead letters, and tells.
    pub(super) fn bury(&mut self, operation: &QueuedOperation, code: &str, message: &str) -> Result<(), ClientError> {
        let local = &mut *self.pull.local;
        let path = local.path_of(operation.document_id)?;
        local.held.insert(operation.document_id);
        local.state.change(|change| change.bury(operation, &path, (code, message)))?;
        let client_id = &operation.client_id;
        local.report.show(&Event::DeadLetter { path: &path, client_id, code, message });
        local.tally.failed += 1;
        local.report.count(&format!("{} {path}", operation.kind), Counted::Failed);
        Ok(())
    }

    /// An operation without an answer of use stays queued, and is not sent again in this run.
    pub(super) fn keep_queued(&mut self, operation: &QueuedOperation, reason: &str) -> Result<(), ClientError> {
        let local = &mut *self.pull.local;
        let path = local.path_of(operation.document_id)?;
        local.held.insert(operation.document_id);
        local.report.show(&Event::Note { path: &path, text: &format!("{reason}; it stays queued") });
        local.tally.failed += 1;
        local.report.count(&format!("{} {path}", operation.kind), Counted::Skipped);
        Ok(())
    }
}

/// Whether an operation that failed alone was tried often enough, and for long enough.
pub(super) fn is_given_up(operation: &QueuedOperation, do_others_succeed: bool) -> bool {
    let over = u64::try_from(now_us() - operation.first_sent_at).unwrap_or_default();
    plan::is_given_up(operation.attempts, Duration::from_micros(over), do_others_succeed)
}
