//! Why a Yjs update does not fit the document that it is for.

use crate::domain::decision::Decision;
use crate::domain::error_code::ErrorCode;
use crate::domain::operation::OperationError;
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

/// How an unfit update is answered.
pub(super) enum UnfitAnswer {
    Refusal(Refusal),
    Error(OperationError),
}

impl Unfit {
    /// The answer to the operation at `index`, if `decision` takes its update in.
    pub(super) fn answer(&self, decision: &Decision, index: usize) -> Option<UnfitAnswer> {
        let error = |code, message: &str| {
            let pointer = Some(format!("/operations/{index}/data/yjs_state_b64"));
            UnfitAnswer::Error(OperationError { code, message: message.to_owned(), pointer })
        };
        match (decision, self) {
            (Decision::Refuse(_) | Decision::Delete | Decision::Wants(_), _) => None,
            (_, Self::Divergent) => Some(UnfitAnswer::Refusal(divergent_contents())),
            (Decision::Unchanged, _) => None,
            (_, Self::Invalid(message)) => Some(error(ErrorCode::YjsInvalid, message)),
            (_, Self::TooLarge(message)) => Some(error(ErrorCode::TooLarge, message)),
        }
    }
}
