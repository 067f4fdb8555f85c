//! How an operation of a batch ended, before its outcome is put together.

use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, Version};
use crate::domain::operation::OperationError;
use crate::domain::outcome::{Attach, Base, Ending};
use crate::domain::refusal::Refusal;

/// How an operation ended, and what its answer says of the document.
pub(super) struct Verdict {
    pub(super) ending: Ending,
    /// The document and its version; `None` after a failure, which names what was asked for.
    pub(super) document: Option<(DocumentId, Option<Version>)>,
    pub(super) attach: Attach,
}

impl Verdict {
    pub(super) const fn success(ending: Ending, id: DocumentId, version: Option<Version>) -> Self {
        Self { ending, document: Some((id, version)), attach: Attach::Nothing }
    }

    pub(super) const fn failure(ending: Ending) -> Self {
        Self { ending, document: None, attach: Attach::Nothing }
    }

    pub(super) fn error(code: ErrorCode, message: &str, pointer: Option<String>) -> Self {
        Self::failure(Ending::failed(OperationError { code, message: message.to_owned(), pointer }))
    }

    pub(super) fn refusal(refusal: Refusal, base: Option<Base>, index: usize, has_document: bool) -> Self {
        let entry = refusal.entry.map_or_else(String::new, |entry| format!("/{entry}"));
        let pointer = refusal.field.map(|field| format!("/operations/{index}/{field}{entry}"));
        let error = OperationError { code: refusal.code, message: refusal.message.into_owned(), pointer };
        let attach = if has_document { refusal.attach } else { Attach::Nothing };
        let mut ending = Ending::failed(error);
        if let Ending::Conflict(conflict) = &mut ending {
            conflict.base = base;
            conflict.merge_text = refusal.merge_text;
        }
        Self { ending, document: None, attach }
    }

    pub(super) fn attaching(self, attach: Attach) -> Self {
        Self { attach, ..self }
    }
}
