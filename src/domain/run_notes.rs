//! What a sync run keeps of single operations: those that it must know again when they come back.

use crate::domain::error_code::ErrorCode;
use crate::domain::ids::DocumentId;
use crate::domain::timestamp::Timestamp;

/// An operation that the run must know again when it comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunNote {
    /// Its number in the run; what is newer has the greater one.
    pub number: i64,
    /// The operation's name; none if it had no valid one.
    pub client_id: Option<String>,
    /// Its document, where one was known.
    pub document_id: Option<DocumentId>,
    /// Why it was not applied; none if it succeeded before the run began and was counted when it was sent again.
    pub failure: Option<RunFailure>,
    /// When it was noted.
    pub noted_at: Timestamp,
}

/// Why an operation of a run was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFailure {
    /// The code.
    pub code: ErrorCode,
    /// For people. Never holds document text.
    pub message: String,
    /// How often it had failed before.
    pub retry_count: i64,
}

/// What changes in a run's notes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoteChanges {
    /// Notes that no longer hold.
    pub dropped: Vec<RunNote>,
    /// New notes.
    pub added: Vec<RunNote>,
}
