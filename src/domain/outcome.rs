//! What became of each operation.

use crate::domain::ids::{DocumentId, Version};
use crate::domain::operation::{OperationError, OperationKind};

/// The four ends of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Applied, or already so.
    Success,
    /// It clashes with the server's state; the editor chooses.
    Conflict,
    /// A mistake or a fault.
    Error,
    /// Not tried, or undone, because of another operation.
    Skipped,
}

impl Status {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Conflict => "conflict",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// The base of a conflict, where the history still has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The version that the editor edited.
    pub version: Version,
    /// Its title.
    pub title: String,
    /// Its text, if it was kept as text.
    pub content: Option<String>,
}

/// How much of the server's document goes into the answer, as `server`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Attach {
    /// Nothing.
    #[default]
    Nothing,
    /// Its state vector, so that the editor can send a larger update.
    StateVector,
    /// All of it: no second request is needed.
    Document,
}

/// The answer to one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Place in the request.
    pub index: usize,
    /// The operation's name, if it had one.
    pub client_id: Option<String>,
    /// What it was to do, if that could be read.
    pub kind: Option<OperationKind>,
    /// How it ended.
    pub status: Status,
    /// The document, where one is known.
    pub document_id: Option<DocumentId>,
    /// The document's current version on the server; none if there is no document.
    pub version: Option<Version>,
    /// Merged with what others had changed.
    pub merged: bool,
    /// Nothing had to be changed.
    pub unchanged: bool,
    /// Answered from its receipt.
    pub replayed: bool,
    /// The incoming title replaced another one.
    pub title_overwritten: bool,
    /// What went wrong; always there unless `status` is success.
    pub error: Option<OperationError>,
    /// How much of the server's document the answer carries.
    pub attach: Attach,
    /// The base of a conflict.
    pub base: Option<Base>,
    /// Text with conflict markers, for a conflict of texts.
    pub merge_text: Option<String>,
}
