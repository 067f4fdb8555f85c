//! Why a Yjs update does not fit the document that it is for.

use crate::domain::decision::Decision;
use crate::domain::error_code::ErrorCode;
use crate::domain::refusal::{Refusal, divergent_contents};

/// What was found of an update before it is decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It breaks a rule: `yjs_invalid`. The rule and the place, in words.
    Invalid(String),
    /// It goes over a limit: `too_large`. Which one, in words.
    TooLarge(String),
    /// It has other contents under names that are known: `divergent_history`.
    Divergent,
}

impl Unfit {
    /// The refusal of the operation, if `decision` takes its update in.
    pub(super) fn refusal(&self, decision: &Decision) -> Option<Refusal> {
        let at_fault = |code, message: &str| Refusal {
            message: message.to_owned().into(),
            ..Refusal::new(code, "", Some("data/yjs_state_b64"))
        };
        match (decision, self) {
            (Decision::Refuse(_) | Decision::Delete | Decision::Wants(_), _) => None,
            (_, Self::Divergent) => Some(divergent_contents()),
            (Decision::Unchanged, _) => None,
            (_, Self::Invalid(message)) => Some(at_fault(ErrorCode::YjsInvalid, message)),
            (_, Self::TooLarge(message)) => Some(at_fault(ErrorCode::TooLarge, message)),
        }
    }
}
