//! Strict, iterative reader of Yjs v1 updates and state vectors.

use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::{ScannedUpdate, StateVector};

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

/// Reads one Yjs v1 update.
///
/// # Errors
/// `Invalid` and `TooLarge`, see [`ScanError`].
pub fn scan_update(_bytes: Vec<u8>, _caps: &YjsCaps) -> Result<ScannedUpdate, ScanError> {
    Err(ScanError::Invalid { reason: "not built yet", offset: 0 })
}

/// Reads an encoded state vector.
///
/// # Errors
/// `Invalid` and `TooLarge`, see [`ScanError`].
pub fn scan_state_vector(_bytes: &[u8], _caps: &YjsCaps) -> Result<StateVector, ScanError> {
    Err(ScanError::Invalid { reason: "not built yet", offset: 0 })
}
