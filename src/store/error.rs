//! What can go wrong in storage. Its HTTP status is decided elsewhere, in `http::error`.

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
