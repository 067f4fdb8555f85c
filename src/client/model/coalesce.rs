//! How operations of one document come together before they are pushed. Pure.
//!
//! An operation that was sent once is never changed: its receipt on the server would not match. What comes later
//! waits behind it.

use crate::client::state::QueuedOperation;
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
    Ok(QueuedOperation {
        title: new.title.or_else(|| last.title.clone()),
        content: new.content.or_else(|| last.content.clone()),
        yjs_update,
        restore: last.restore || new.restore,
        force: last.force || new.force,
        ..last.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::state::DocId;

    /// A Yjs update of client 7 that puts one letter behind its `clock` earlier ones.
    fn typed(clock: u8, letter: u8) -> Vec<u8> {
        if clock == 0 {
            let root = [b"\x01\x01\x07\x00\x04\x01\x07content\x01".as_slice(), &[letter, 0]];
            return root.concat();
        }
        vec![1, 1, 7, clock, 0x84, 7, clock - 1, 1, letter, 0]
    }

    fn operation(kind: &str) -> QueuedOperation {
        QueuedOperation::new(kind, DocId(uuid::Uuid::from_u128(1)))
    }

    fn edit(clock: u8, text: &str) -> QueuedOperation {
        let letter = text.bytes().last().unwrap();
        QueuedOperation {
            content: Some(text.to_owned()),
            yjs_update: Some(typed(clock, letter)),
            ..operation("update")
        }
    }

    fn replaced(outcome: Coalesced) -> QueuedOperation {
        match outcome {
            Coalesced::Replace(operation) => operation,
            other => panic!("not replaced: {other:?}"),
        }
    }

    #[test]
    fn edits_of_a_new_document_go_into_its_creation() {
        let create = QueuedOperation { kind: "create".to_owned(), title: Some("a.md".to_owned()), ..edit(0, "a") };
        let both = replaced(coalesce(Some(&create), edit(1, "ab")).unwrap());
        assert_eq!((both.kind.as_str(), both.client_id.as_str()), ("create", create.client_id.as_str()));
        assert_eq!((both.title.as_deref(), both.content.as_deref()), (Some("a.md"), Some("ab")));
        assert_eq!(both.yjs_update, Some(merge_updates(&[typed(0, b'a'), typed(1, b'b')]).unwrap()));
        let moved = QueuedOperation { title: Some("b.md".to_owned()), ..operation("update") };
        let both = replaced(coalesce(Some(&both), moved).unwrap());
        assert_eq!((both.title.as_deref(), both.content.as_deref()), (Some("b.md"), Some("ab")));
        assert_eq!(coalesce(Some(&both), operation("delete")).unwrap(), Coalesced::Nothing);
    }

    #[test]
    fn many_edits_become_one() {
        let first = edit(0, "a");
        let both = replaced(coalesce(Some(&first), edit(1, "ab")).unwrap());
        let all = replaced(coalesce(Some(&both), edit(2, "abc")).unwrap());
        assert_eq!((all.client_id, all.content), (first.client_id.clone(), Some("abc".to_owned())));
        let gone = replaced(coalesce(Some(&first), operation("delete")).unwrap());
        assert_eq!((gone.kind.as_str(), gone.client_id, gone.yjs_update), ("delete", first.client_id, None));
    }

    #[test]
    fn what_was_sent_is_never_changed() {
        for kind in ["create", "update", "delete"] {
            let sent = QueuedOperation { sent: true, ..operation(kind) };
            for next in [edit(1, "ab"), operation("delete")] {
                assert_eq!(coalesce(Some(&sent), next.clone()).unwrap(), Coalesced::Append(next));
            }
        }
        let first = operation("create");
        assert_eq!(coalesce(None, first.clone()).unwrap(), Coalesced::Append(first));
    }
}
