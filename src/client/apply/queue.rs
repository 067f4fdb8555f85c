//! Operations come into the outbox united with what waits there already.

use crate::client::model::coalesce::{Coalesced, coalesce};
use crate::client::state::{Change, DocId, QueuedOperation, StateError};

/// Puts an operation behind those of its document, united with the last one where that has not been sent.
pub fn queue(change: &mut Change<'_>, operation: QueuedOperation) -> Result<(), StateError> {
    let queued = change.load_queued(operation.document_id)?;
    let last = queued.last();
    match coalesce(last, operation).map_err(|error| StateError::Damaged(error.to_string()))? {
        Coalesced::Append(operation) => change.enqueue(&operation),
        Coalesced::Replace(operation) => change.update_operation(&operation),
        Coalesced::Nothing => last.map_or(Ok(()), |last| change.remove_operation(&last.client_id)),
    }
}

/// Takes everything out of the queue that waits for a document.
pub fn unqueue(change: &mut Change<'_>, id: DocId) -> Result<Vec<QueuedOperation>, StateError> {
    let queued = change.load_queued(id)?;
    queued.iter().try_for_each(|operation| change.remove_operation(&operation.client_id))?;
    Ok(queued)
}

/// Takes back deletions of a document that nobody has been told of; whether there was one.
pub fn take_back_deletion(change: &mut Change<'_>, id: DocId) -> Result<bool, StateError> {
    let queued = change.load_queued(id)?;
    let mut unsent = queued.iter().filter(|operation| operation.kind == "delete" && !operation.sent).peekable();
    let is_any = unsent.peek().is_some();
    unsent.try_for_each(|operation| change.remove_operation(&operation.client_id))?;
    Ok(is_any)
}
