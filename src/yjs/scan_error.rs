//! What a reader of Yjs bytes says of those that it does not accept.

/// Why bytes are not accepted as Yjs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Not a Yjs v1 update (or state vector) that the server accepts.
    #[error("{reason} (at byte {offset})")]
    Invalid {
        /// What is wrong.
        reason: &'static str,
        /// Where.
        offset: usize,
    },
    /// Over a published cap.
    #[error("over the limit {limit} of {max}")]
    TooLarge {
        /// The limit's published name.
        limit: &'static str,
        /// Its value.
        max: usize,
    },
}
