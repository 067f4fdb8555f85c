//! The Yjs state of a text that had none: one insertion by one client. The same bytes whoever makes it.

use crate::domain::yjs_facts::{Client, DeleteSet};
use crate::yjs::reader::{put_length, put_number};
use crate::yjs::text::CONTENT_ROOT;
use crate::yjs::weave::put_deletes;

/// An item that is a text and has no neighbours.
const TEXT_ITEM: u8 = 4;
/// Its parent is a root, which is named.
const IN_ROOT: u8 = 1;

/// A Yjs update that deletes, and inserts nothing.
#[must_use]
pub fn deleting_update(deletes: &DeleteSet) -> Vec<u8> {
    let mut out = vec![0];
    put_deletes(&mut out, deletes);
    out
}

/// A Yjs update by which `client` writes `text` into an empty document, where its text is.
#[must_use]
pub fn seed_update(client: Client, text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len().saturating_add(32));
    // One client with one struct, from its first clock on.
    out.extend([1, 1]);
    put_number(&mut out, client);
    out.extend([0, TEXT_ITEM, IN_ROOT]);
    for part in [CONTENT_ROOT, text] {
        put_length(&mut out, part.len());
        out.extend_from_slice(part.as_bytes());
    }
    // No deletions.
    out.push(0);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::limits::YjsCaps;
    use crate::yjs::scan::scan_update;
    use crate::yjs::text::derive_text;

    proptest! {
        #[test]
        fn the_state_shows_as_the_text(text in "\\PC{1,200}", client in 0..=u64::from(u32::MAX)) {
            let update = seed_update(client, &text);
            let scanned = scan_update(update.clone(), &YjsCaps::default()).unwrap();
            prop_assert_eq!(derive_text([update.as_slice()]).unwrap(), text);
            prop_assert!(scanned.is_complete_for(&Default::default()));
            prop_assert_eq!(scanned.root_inserts.into_iter().collect::<Vec<_>>(), [CONTENT_ROOT]);
        }

        #[test]
        fn what_is_deleted_shows_no_more(text in "\\PC{1,200}", client in 0..=u64::from(u32::MAX)) {
            let mut deletes = DeleteSet::default();
            deletes.insert(client, 0, u32::try_from(text.encode_utf16().count()).unwrap());
            let (update, deletion) = (seed_update(client, &text), deleting_update(&deletes));
            prop_assert_eq!(derive_text([update.as_slice(), deletion.as_slice()]).unwrap(), "");
        }
    }
}
