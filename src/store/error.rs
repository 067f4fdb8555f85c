//! What can go wrong in storage. Its HTTP status is decided elsewhere, in `http::error`.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use thiserror::Error;

/// A failure of storage.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Too much is waiting to be written; try again shortly.
    #[error("the write queue is full")]
    Busy,
    /// The deadline passed; everything was rolled back.
    #[error("the deadline passed before the commit")]
    Timeout,
    /// The workspace does not exist (any more).
    #[error("no such workspace")]
    NoSuchWorkspace,
    /// Another writer got there first; planning again will see its work.
    #[error("another writer changed the document first")]
    LostRace,
    /// The database refused a row; the transaction is lost, the same rows would be refused again.
    #[error("the database refused a statement: {0}")]
    Refused(String),
    /// The database is not reachable, was cut off, or stayed busy; the same work may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A stored row cannot be understood.
    #[error("a stored row cannot be read: {0}")]
    Corrupt(String),
    /// The configuration names a database that cannot be opened.
    #[error("cannot open the database: {0}")]
    Open(String),
}

/// What databases say, in a message without a code of its own, when they are out of reach or out of room. SQLite's
/// come from its own table of messages; Postgres's are those of `lc_messages` `C` or English.
const UNAVAILABLE: [&str; 16] = [
    "database is locked",
    "database table is locked",
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    "out of memory",
    "readonly database",
    "server closed the connection",
    "connection",
    "SSL",
    "the database system is",
    "terminating",
    "No space left",
    "too many clients",
    "remaining connection slots",
    "recovery",
];

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(kind, information) => from_database(kind, information.message()),
            DieselError::NotFound => Self::Corrupt("a row that must be there is missing".into()),
            DieselError::DeserializationError(cause) => Self::Corrupt(cause.to_string()),
            DieselError::BrokenTransactionManager => {
                Self::Unavailable("the connection was lost in a transaction".into())
            }
            DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// Primary messages alone are kept: a Postgres `DETAIL` may quote a row.
fn from_database(kind: DatabaseErrorKind, message: &str) -> StoreError {
    match kind {
        DatabaseErrorKind::SerializationFailure => StoreError::LostRace,
        DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::ReadOnlyTransaction => StoreError::Unavailable(message.to_owned()),
        DatabaseErrorKind::Unknown => from_message(message),
        _ => StoreError::Refused(message.to_owned()),
    }
}

fn from_message(message: &str) -> StoreError {
    if message.contains("deadlock detected") {
        StoreError::LostRace
    } else if message.contains("statement timeout") || message.contains("lock timeout") {
        StoreError::Timeout
    } else if message.contains("malformed") || message.contains("not a database") {
        StoreError::Corrupt(message.to_owned())
    } else if UNAVAILABLE.iter().any(|known| message.contains(known)) {
        StoreError::Unavailable(message.to_owned())
    } else {
        StoreError::Refused(message.to_owned())
    }
}
