//! What became of each operation.

use std::sync::Arc;

use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, Version};
use crate::domain::operation::{OperationError, OperationKind};

/// The four ends of an operation, as an answer names them.
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
    pub content: Option<Arc<str>>,
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

/// A clash with the server's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Which clash.
    pub error: OperationError,
    /// What the editor edited, if that is still known.
    pub base: Option<Base>,
    /// Text with conflict markers, for a clash of texts.
    pub merge_text: Option<String>,
}

/// How an operation ended, with what belongs to that end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was applied.
    Applied {
        /// Merged with what others had changed.
        merged: bool,
        /// The incoming title replaced another one.
        title_overwritten: bool,
    },
    /// A check that held.
    Held,
    /// Nothing had to be changed.
    Unchanged,
    /// Answered from its receipt.
    Replayed,
    /// It clashes with the server's state; the editor chooses.
    Conflict(Box<Conflict>),
    /// A mistake or a fault.
    Error(OperationError),
    /// Not tried, or undone, because of another operation.
    Skipped(OperationError),
}

impl Ending {
    /// A failure; its code says whether it is a conflict.
    #[must_use]
    pub fn failed(error: OperationError) -> Self {
        if error.code.is_conflict() {
            Self::Conflict(Box::new(Conflict { error, base: None, merge_text: None }))
        } else {
            Self::Error(error)
        }
    }

    /// Not done because of another operation.
    #[must_use]
    pub fn skipped(code: ErrorCode, message: &str) -> Self {
        Self::Skipped(OperationError { code, message: message.to_owned(), pointer: None })
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Applied { .. } | Self::Held | Self::Unchanged | Self::Replayed => Status::Success,
            Self::Conflict(_) => Status::Conflict,
            Self::Error(_) => Status::Error,
            Self::Skipped(_) => Status::Skipped,
        }
    }
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
    /// The document, where one is known.
    pub document_id: Option<DocumentId>,
    /// The document's current version on the server; none if there is no document.
    pub version: Option<Version>,
    /// How it ended.
    pub ending: Ending,
    /// How much of the server's document the answer carries.
    pub attach: Attach,
}

impl Outcome {
    /// How it ended, as an answer names it.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.ending.status()
    }

    /// Whether it was merged with what others had changed.
    #[must_use]
    pub const fn merged(&self) -> bool {
        matches!(self.ending, Ending::Applied { merged: true, .. })
    }

    /// Whether the incoming title replaced another one.
    #[must_use]
    pub const fn title_overwritten(&self) -> bool {
        matches!(self.ending, Ending::Applied { title_overwritten: true, .. })
    }

    /// Whether nothing had to be changed.
    #[must_use]
    pub const fn unchanged(&self) -> bool {
        matches!(self.ending, Ending::Unchanged)
    }

    /// Whether it was answered from its receipt.
    #[must_use]
    pub const fn replayed(&self) -> bool {
        matches!(self.ending, Ending::Replayed)
    }

    /// What went wrong; none of a success.
    #[must_use]
    pub fn error(&self) -> Option<&OperationError> {
        match &self.ending {
            Ending::Applied { .. } | Ending::Held | Ending::Unchanged | Ending::Replayed => None,
            Ending::Conflict(conflict) => Some(&conflict.error),
            Ending::Error(error) | Ending::Skipped(error) => Some(error),
        }
    }

    /// Bytes of the texts that its answer carries beside the server's document.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let Some(conflict) = self.conflict() else { return 0 };
        let base = conflict.base.as_ref().and_then(|base| base.content.as_ref()).map_or(0, |content| content.len());
        base.saturating_add(conflict.merge_text.as_ref().map_or(0, |text| text.len()))
    }

    /// Leaves those texts out.
    pub fn drop_texts(&mut self) {
        if let Ending::Conflict(conflict) = &mut self.ending {
            conflict.base = None;
            conflict.merge_text = None;
        }
    }

    /// The clash, if it ended in one.
    #[must_use]
    pub fn conflict(&self) -> Option<&Conflict> {
        match &self.ending {
            Ending::Conflict(conflict) => Some(conflict),
            _ => None,
        }
    }
}
