//! Documents as Yjs states: edited, united and read.

use sha2::{Digest as _, Sha256};

use crate::client::error::ClientError;
use crate::client::model::folded;
use crate::client::state::{Body, DocId, QueuedOperation, TrackedFile};
use crate::domain::line_ends::inside;
use crate::domain::operation::digest_of;
use crate::yjs::edit::edit_text;
use crate::yjs::merge::squash;
use crate::yjs::text::derive_text;

/// The Yjs client of this process: a new one each time, since a folder's state may have been restored from a backup, and no
/// two changes may ever have the same name.
pub struct Editor(u64);

impl Editor {
    /// One below 2^32, as yjs draws them, that no other process has.
    pub fn new(device: &str) -> Result<Self, ClientError> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|cause| ClientError::io("randomness", std::io::Error::other(cause)))?;
        let hash = Sha256::new().chain_update(device).chain_update(random).finalize();
        let number = hash.iter().take(4).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        Ok(Self(number.max(1)))
    }

    /// The Yjs update that makes `text` of what `state` says, and the state after it.
    pub fn edit(&self, state: Option<&[u8]>, text: &str) -> Result<(Vec<u8>, Vec<u8>), ClientError> {
        let update = edit_text(state, self.0, text).map_err(ClientError::Document)?;
        let after = match state {
            Some(state) => unite(&[state.to_vec(), update.clone()])?,
            None => update.clone(),
        };
        Ok((update, after))
    }
}

/// The union of Yjs updates, in few pieces.
pub fn unite(parts: &[Vec<u8>]) -> Result<Vec<u8>, ClientError> {
    squash(parts).map_err(|error| ClientError::Document(error.to_string()))
}

/// The text of a Yjs state.
pub fn text_of_state(state: &[u8]) -> Result<String, ClientError> {
    let text = derive_text([state]).map_err(ClientError::Document)?;
    Ok(inside(&text).into_owned())
}

/// A row for a file that has not been seen with this text.
#[must_use]
pub fn row_of(id: DocId, path: &str, title: &str, version: i64, content: &str) -> TrackedFile {
    TrackedFile {
        document_id: id,
        path: path.to_owned(),
        folded: folded(path),
        title: title.to_owned(),
        version,
        digest: digest_of(content).to_vec(),
        size: -1,
        modified_ns: -1,
        seen_ns: -1,
        changed_ns: -1,
        inode: -1,
    }
}

/// The body of a document.
#[must_use]
pub fn body(id: DocId, yjs_state: Option<Vec<u8>>, content: &str) -> Body {
    Body { document_id: id, yjs_state, content: content.to_owned(), raw: None }
}

/// An update with a change of the text. What the text is then goes with a Yjs update only when it is sent.
#[must_use]
pub fn update_of(id: DocId, yjs_update: Option<Vec<u8>>, text: &str) -> QueuedOperation {
    let content = yjs_update.is_none().then(|| text.to_owned());
    QueuedOperation { content, yjs_update, ..QueuedOperation::new("update", id) }
}
