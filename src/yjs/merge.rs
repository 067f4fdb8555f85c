//! Lossless union of Yjs updates without a document: merging, diffing, joining.

use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::{DeleteSet, ScannedUpdate, StateVector};
use crate::yjs::scan::ScanError;

/// Joins a list of updates, in order, to one.
///
/// # Errors
/// `ScanError::Invalid` if they leave a gap between them; `TooLarge` if the join exceeds the caps.
pub fn join_updates(_updates: Vec<ScannedUpdate>, _caps: &YjsCaps) -> Result<ScannedUpdate, ScanError> {
    Err(ScanError::Invalid { reason: "not built yet", offset: 0 })
}

/// The union of updates as one update.
///
/// # Errors
/// If a part cannot be read or they leave a gap between them.
pub fn merge_updates(_parts: &[Vec<u8>]) -> Result<Vec<u8>, ScanError> {
    Err(ScanError::Invalid { reason: "not built yet", offset: 0 })
}

/// What a reader who has `known` lacks of the union of `parts`: `None` if nothing (deletions count).
///
/// # Errors
/// If a part cannot be read or they leave a gap between them.
pub fn diff_update(_parts: &[Vec<u8>], _known: &StateVector) -> Result<Option<Vec<u8>>, ScanError> {
    Err(ScanError::Invalid { reason: "not built yet", offset: 0 })
}

/// The deletions of the union of `parts`.
///
/// # Errors
/// If a part cannot be read.
pub fn deletions_of(_parts: &[Vec<u8>]) -> Result<DeleteSet, ScanError> {
    Err(ScanError::Invalid { reason: "not built yet", offset: 0 })
}

/// A state vector in the v1 encoding.
#[must_use]
pub fn encode_state_vector(_vector: &StateVector) -> Vec<u8> {
    Vec::new()
}
