//! Reading many documents of which some may not be readable: those concern nobody else.

use std::collections::BTreeSet;

use crate::domain::ids::DocumentId;
use crate::store::StoreError;

/// What `read` has of those of the documents that can be read, and the others.
///
/// # Errors
/// What `read` answered otherwise.
pub(super) fn readable<T>(
    mut ids: Vec<DocumentId>,
    mut read: impl FnMut(&[DocumentId]) -> Result<Vec<T>, StoreError>,
) -> Result<(Vec<T>, BTreeSet<DocumentId>), StoreError> {
    let mut unreadable = BTreeSet::new();
    loop {
        match read(&ids) {
            Err(StoreError::Damaged { document_id, reason }) if unreadable.insert(document_id) => {
                tracing::error!(%document_id, reason, "a document cannot be read");
                ids.retain(|id| *id != document_id);
            }
            found => return Ok((found?, unreadable)),
        }
    }
}
