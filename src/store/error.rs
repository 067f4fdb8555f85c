//! What can go wrong in storage. Its HTTP status is decided elsewhere, in `http::error`.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use thiserror::Error;

use crate::domain::ids::DocumentId;

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
    /// A stored part of one document cannot be read: it concerns that document alone.
    #[error("document {document_id} is damaged: {reason}")]
    Damaged {
        /// Which document.
        document_id: DocumentId,
        /// What cannot be read.
        reason: String,
    },
    /// The configuration names a database that cannot be opened.
    #[error("cannot open the database: {0}")]
    Open(String),
}

impl StoreError {
    /// As this error, laid to a document where a row cannot be understood.
    pub(super) fn of(self, document_id: DocumentId) -> Self {
        match self {
            Self::Corrupt(reason) => Self::Damaged { document_id, reason },
            other => other,
        }
    }
}

/// What a message without a kind of its own means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    LostRace,
    Timeout,
    Corrupt,
    Refused,
}

/// The messages that mean more than "try again". SQLite's come from its own table and are always these. Postgres tells
/// classes by SQLSTATE, of which Diesel hands on the constraints (23…), serialization (40001), read-only (25006) and
/// lost connections (08…), as kinds; for the rest there is the text, in the language that `connection` has asked for.
/// Whatever is not here (no room, no memory, shutting down, another language) is taken for transient: that is right for
/// most, and never loses an operation.
const BY_TEXT: [(&str, Class); 18] = [
    // 40P01, 57014, 55P03
    ("deadlock detected", Class::LostRace),
    ("canceling statement due to statement timeout", Class::Timeout),
    ("canceling statement due to lock timeout", Class::Timeout),
    // XX001
    ("missing chunk number", Class::Corrupt),
    ("unexpected chunk number", Class::Corrupt),
    ("data is corrupt", Class::Corrupt),
    ("invalid page in block", Class::Corrupt),
    // 22…, 54…
    ("invalid byte sequence for encoding", Class::Refused),
    ("invalid input syntax", Class::Refused),
    ("value too long", Class::Refused),
    ("index row", Class::Refused),
    ("row is too big", Class::Refused),
    // SQLITE_CORRUPT, SQLITE_NOTADB
    ("malformed", Class::Corrupt),
    ("not a database", Class::Corrupt),
    // SQLITE_TOOBIG, SQLITE_MISMATCH, SQLITE_CONSTRAINT_…
    ("string or blob too big", Class::Refused),
    ("datatype mismatch", Class::Refused),
    ("cannot store", Class::Refused),
    ("constraint failed", Class::Refused),
];

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(kind, information) => from_database(kind, information.message()),
            DieselError::NotFound => Self::Corrupt("a row that must be there is missing".into()),
            DieselError::DeserializationError(cause) => Self::Corrupt(cause.to_string()),
            DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            DieselError::InvalidCString(cause) => Self::Refused(cause.to_string()),
            DieselError::QueryBuilderError(cause) | DieselError::SerializationError(cause) => {
                Self::Refused(cause.to_string())
            }
            // The transaction, or the connection, is not as it was left.
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// Primary messages alone are kept: a Postgres `DETAIL` may quote a row.
fn from_database(kind: DatabaseErrorKind, message: &str) -> StoreError {
    match kind {
        DatabaseErrorKind::SerializationFailure => StoreError::LostRace,
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::ExclusionViolation => StoreError::Refused(message.to_owned()),
        DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::ReadOnlyTransaction => StoreError::Unavailable(message.to_owned()),
        _ => from_message(message),
    }
}

fn from_message(message: &str) -> StoreError {
    let class = BY_TEXT.iter().find(|(known, _)| message.contains(known)).map(|(_, class)| class);
    match class {
        Some(Class::LostRace) => StoreError::LostRace,
        Some(Class::Timeout) => StoreError::Timeout,
        Some(Class::Corrupt) => StoreError::Corrupt(message.to_owned()),
        Some(Class::Refused) => StoreError::Refused(message.to_owned()),
        None => StoreError::Unavailable(message.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: DatabaseErrorKind, message: &str) -> StoreError {
        StoreError::from(DieselError::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn a_kind_counts_whatever_the_language() {
        use DatabaseErrorKind::{CheckViolation, ClosedConnection, ReadOnlyTransaction, SerializationFailure};
        let german = "Wert zu lang, connection, constraint failed";
        assert!(matches!(of(SerializationFailure, german), StoreError::LostRace));
        assert!(matches!(of(CheckViolation, german), StoreError::Refused(_)));
        for kind in [ClosedConnection, ReadOnlyTransaction, DatabaseErrorKind::UnableToSendCommand] {
            assert!(matches!(of(kind, german), StoreError::Unavailable(_)));
        }
    }

    #[test]
    fn what_is_not_known_is_transient() {
        for message in [
            "Verklemmung (Deadlock) entdeckt",
            "die Datenbank wird gerade heruntergefahren",
            "the database system is in recovery mode",
            "could not extend file \"base/5/16384\": No space left on device",
            "database or disk is full",
            "out of memory",
            "",
        ] {
            assert!(matches!(of(DatabaseErrorKind::Unknown, message), StoreError::Unavailable(_)), "{message}");
        }
        assert!(matches!(StoreError::from(DieselError::BrokenTransactionManager), StoreError::Unavailable(_)));
    }
}
