//! How operations of one document come together before they are pushed. Pure.
//!
//! An operation that was sent once is never changed: its receipt on the server would not match. What comes later
//! waits behind it.

use crate::client::state::outbox::QueuedOperation;
use crate::yjs::merge::merge_updates;
use crate::yjs::scan::ScanError;

/// What becomes of the end of a document's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coalesced {
    /// The new operation goes behind it.
    Append(QueuedOperation),
    /// The last operation becomes this one, under its own name and in its place.
    Replace(QueuedOperation),
    /// The last operation and the new one come to nothing: a document that the server never saw is gone.
    Nothing,
}

/// Unites `new` with the last queued operation of its document.
///
/// # Errors
/// If the Yjs updates do not follow one another, which those of one state always do.
pub fn coalesce(last: Option<&QueuedOperation>, new: QueuedOperation) -> Result<Coalesced, ScanError> {
    let Some(last) = last.filter(|last| !last.sent) else { return Ok(Coalesced::Append(new)) };
    Ok(match (last.kind.as_str(), new.kind.as_str()) {
        ("create", "delete") => Coalesced::Nothing,
        ("create" | "update", "update") => Coalesced::Replace(united(last, new)?),
        ("update", "delete") => {
            let QueuedOperation { client_id, position, .. } = last.clone();
            Coalesced::Replace(QueuedOperation { client_id, position, ..new })
        }
        _ => Coalesced::Append(new),
    })
}

fn united(last: &QueuedOperation, new: QueuedOperation) -> Result<QueuedOperation, ScanError> {
    let yjs_update = match (&last.yjs_update, new.yjs_update) {
        (Some(first), Some(second)) => Some(merge_updates(&[first.clone(), second])?),
        (first, second) => second.or_else(|| first.clone()),
    };
    // The text belongs to the last change of it; a longer one is sent as Yjs alone.
    let content = if yjs_update.is_some() && yjs_update != last.yjs_update {
        new.content
    } else {
        new.content.or_else(|| last.content.clone())
    };
    Ok(QueuedOperation {
        title: new.title.or_else(|| last.title.clone()),
        content,
        yjs_update,
        restore: last.restore || new.restore,
        force: last.force || new.force,
        ..last.clone()
    })
}
