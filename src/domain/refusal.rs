//! Why an operation is not applied, in the protocol's codes and in words.

use std::borrow::Cow;

use crate::domain::error_code::ErrorCode;
use crate::domain::outcome::Attach;
use crate::domain::replacements::ReplaceError;

/// Why an operation is not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: ErrorCode,
    /// For people.
    pub message: Cow<'static, str>,
    /// The field at fault, as the end of a pointer: `base_version`, `data/content`.
    pub field: Option<&'static str>,
    /// Which entry of that field, where it is a list.
    pub entry: Option<usize>,
    /// What of the server's document goes into the answer.
    pub attach: Attach,
    /// Whether the base goes into the answer.
    pub with_base: bool,
    /// Marked-up text of a clash.
    pub merge_text: Option<String>,
}

impl Refusal {
    pub(super) const fn new(code: ErrorCode, message: &'static str, field: Option<&'static str>) -> Self {
        let message = Cow::Borrowed(message);
        Self { code, message, field, entry: None, attach: Attach::Nothing, with_base: false, merge_text: None }
    }

    pub(super) const fn with_document(mut self) -> Self {
        self.attach = Attach::Document;
        self
    }

    pub(super) const fn with_base(mut self) -> Self {
        self.with_base = true;
        self
    }
}

pub(super) fn deleted(message: &'static str) -> Refusal {
    Refusal::new(ErrorCode::Deleted, message, Some("document_id")).with_document()
}

pub(super) fn version_mismatch(message: &'static str) -> Refusal {
    Refusal::new(ErrorCode::VersionMismatch, message, Some("base_version")).with_document().with_base()
}

pub(super) fn divergent() -> Refusal {
    Refusal::new(
        ErrorCode::DivergentHistory,
        "the Yjs state was not grown from the document's, merging would double its text; take the server's state and redo the edit, or use force",
        Some("data/yjs_state_b64"),
    )
    .with_document()
}

/// The refusal of an update that has other contents than the document under a name that both know.
pub(super) fn divergent_contents() -> Refusal {
    Refusal::new(
        ErrorCode::DivergentHistory,
        "the Yjs update has other contents than the document for changes of one client id, as if two editors had used it; take the server's state and redo the edit under another client id",
        Some("data/yjs_state_b64"),
    )
    .with_document()
    .with_base()
}

pub(super) fn missing_dependencies(attach: Attach) -> Refusal {
    Refusal {
        attach,
        ..Refusal::new(
            ErrorCode::YjsMissingDependencies,
            "the Yjs update leans on changes that the server does not have; send everything since server.state_vector_b64",
            Some("data/yjs_state_b64"),
        )
    }
}

pub(super) fn base_version_required() -> Refusal {
    Refusal::new(
        ErrorCode::BaseVersionRequired,
        "state the base_version that the editor last saw, or use force",
        Some("base_version"),
    )
}

pub(super) fn invalid_base_version() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidBaseVersion,
        "base_version is greater than the document's version; read the document again",
        Some("base_version"),
    )
}

pub(super) fn yjs_required() -> Refusal {
    Refusal::new(
        ErrorCode::YjsRequired,
        "the document has Yjs state and the text that the change was made from is not known: send the change as yjs_state_b64",
        Some("data/content"),
    )
}

pub(super) fn rich_text() -> Refusal {
    Refusal::new(
        ErrorCode::RichText,
        "the document is rich text: send the change as yjs_state_b64, text alone cannot change it",
        Some("data"),
    )
}

pub(super) fn not_now() -> Refusal {
    Refusal::new(
        ErrorCode::Transient,
        "the document's text cannot be read or changed now, since it is being written to or takes long; send the operation again",
        None,
    )
}

pub(super) fn not_replaced(error: ReplaceError) -> Refusal {
    let edits = Some("data/edits");
    match error {
        ReplaceError::NotFound { edit } => Refusal {
            entry: Some(edit),
            ..Refusal::new(ErrorCode::EditNotFound, "what the edit looks for is not in the text; look at server", edits)
                .with_document()
        },
        ReplaceError::Ambiguous { edit, places } => Refusal {
            message: format!(
                "what the edit looks for is at {places} places of the text; look for more of it, or use all: true"
            )
            .into(),
            entry: Some(edit),
            ..Refusal::new(ErrorCode::EditAmbiguous, "", edits).with_document()
        },
        ReplaceError::TooLong => {
            Refusal::new(ErrorCode::TooLarge, "the text would be over the limit max_content_bytes", edits)
        }
        ReplaceError::TooMuch => {
            Refusal::new(ErrorCode::TooLarge, "the edits take too many steps; send fewer of them in one batch", edits)
        }
    }
}
