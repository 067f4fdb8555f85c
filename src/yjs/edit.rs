//! Edits of a state's text, by integrating its skeleton with yrs.
//!
//! To be called in a worker process only: yrs can abort, loop and exhaust memory, and none of that can be caught.

use yrs::updates::decoder::Decode as _;
use yrs::{ClientID, Doc, GetString as _, OffsetKind, Options, Text as _, Transact as _, Update, XmlFragment as _};

use crate::domain::text_edits::edits_between;
use crate::domain::yjs_facts::Client;
use crate::yjs::skeleton::{CONTENT_ROOT, Skeleton};

/// The Yjs update by which `client` makes `target` of the text of the union of `parts`; without parts, of nothing.
///
/// The skeleton has the names and places of the whole state, so the update fits the whole state.
///
/// # Errors
/// A reason without any of the document's contents; that its text is not plain text, among others.
pub(super) fn edit_text<'a>(
    parts: impl IntoIterator<Item = &'a [u8]>,
    client: Client,
    target: &str,
) -> Result<Vec<u8>, String> {
    let skeleton = Skeleton::of(parts).map_err(|error| error.to_string())?;
    let is_new = skeleton.is_empty();
    let root = match skeleton.root {
        Some(root) => root,
        None if is_new => CONTENT_ROOT.to_owned(),
        None => return Err("it has several roots, and none of them is named content".to_owned()),
    };
    let options =
        Options { skip_gc: true, offset_kind: OffsetKind::Utf16, ..Options::with_client_id(ClientID::new(client)) };
    let doc = Doc::with_options(options);
    let update = Update::decode_v1(&skeleton.update).map_err(|error| error.to_string())?;
    doc.transact_mut().apply_update(update).map_err(|error| error.to_string())?;
    let text = doc.get_or_insert_text(root.as_str());
    let fragment = doc.get_or_insert_xml_fragment(root.as_str());
    let mut transaction = doc.transact_mut();
    if fragment.first_child().is_some() {
        return Err("it is rich text, which cannot be edited as plain text".to_owned());
    }
    let current = text.get_string(&transaction);
    for edit in edits_between(&current, target) {
        if edit.removed > 0 {
            text.remove_range(&mut transaction, edit.position, edit.removed);
        }
        if !edit.inserted.is_empty() {
            text.insert(&mut transaction, edit.position, &edit.inserted);
        }
    }
    if text.get_string(&transaction) != target {
        return Err("the edit does not make the text that was asked for".to_owned());
    }
    Ok(transaction.encode_update_v1())
}
