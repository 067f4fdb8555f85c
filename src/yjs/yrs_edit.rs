//! Edits made by yrs: the only place that names it. Runs in a worker process, on states that the scanner accepted and that
//! were united by our own merge; what it makes is checked by the caller.

use yrs::updates::decoder::Decode;
use yrs::{ClientID, Doc, OffsetKind, Options, Text, Transact, Update};

use crate::domain::text_edits::TextEdit;
use crate::domain::yjs_facts::Client;

/// The Yjs update by which `client` makes these edits of the text in the root named `root`; `None` where yrs cannot, or
/// counts another text there.
pub(super) fn edit(state: Option<&[u8]>, root: &str, client: Client, edits: &[TextEdit]) -> Option<Vec<u8>> {
    let doc = Doc::with_options(Options {
        offset_kind: OffsetKind::Utf16,
        // yrs' collection of deleted items has used freed memory; nothing of this document is kept anyway.
        skip_gc: true,
        ..Options::with_client_id(ClientID::new(client))
    });
    if let Some(state) = state {
        doc.transact_mut().apply_update(Update::decode_v1(state).ok()?).ok()?;
    }
    let text = doc.get_or_insert_text(root);
    let mut transaction = doc.transact_mut();
    for TextEdit { position, removed, inserted } in edits {
        // Past the end yrs panics.
        if position.checked_add(*removed)? > text.len(&transaction) {
            return None;
        }
        if *removed > 0 {
            text.remove_range(&mut transaction, *position, *removed);
        }
        text.insert(&mut transaction, *position, inserted);
    }
    Some(transaction.encode_update_v1())
}
