//! What a plan leaves to be done with texts of Yjs documents before it can be stored: neither is the work of a pure function.

use crate::domain::ids::{DocumentId, Version};
use crate::domain::operation::Digest;

/// A text that a decision needs and does not have. The plan is made again when it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedText {
    /// The operation, by its place in the request.
    pub place: usize,
    /// Of which document.
    pub document_id: DocumentId,
    /// At which version; `None`: as it is after what the batch did to it so far.
    pub base: Option<Version>,
    /// How many entries of the log the plan had before.
    pub entries: usize,
}

/// A change of a text that is to be made in the document's Yjs state: the entry of the log has the text, and lacks the
/// update that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedEdit {
    /// The operation, by its place in the request.
    pub place: usize,
    /// Of which document.
    pub document_id: DocumentId,
    /// Which entry of the log.
    pub entry: usize,
    /// The digest of the text before.
    pub from: Digest,
}
