//! What an editor who comes, or comes back, lacks of a document.

use std::sync::Arc;

use super::missing::Missing;
use super::{OpenError, Slot, is_plain};
use crate::domain::yjs_facts::StateVector;
use crate::sync::diff::{DiffOutcome, DiffRequest};

impl Slot {
    /// What an editor with this state lacks. Blocks.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn missing(&self, known: &StateVector) -> Result<Arc<Missing>, OpenError> {
        let (workspace_id, document_id) = (self.room.workspace_id, self.room.document_id);
        let head = self.live.sync.store.find_heads(workspace_id, &[document_id])?.into_iter().next();
        // The version is looked up after the room was joined: whatever is committed later is passed on.
        let version = head.map_or(0, |head| head.version);
        self.room.shared.get_or_make(version, known, || self.make_missing(known))
    }

    fn make_missing(&self, known: &StateVector) -> Result<Missing, OpenError> {
        let (workspace_id, document_id) = (self.room.workspace_id, self.room.document_id);
        let request = DiffRequest { document_id, known: known.clone(), version: None };
        let diffs = self.live.sync.diff_documents(workspace_id, &[request])?;
        match diffs.into_iter().next().map(|diff| diff.outcome) {
            Some(DiffOutcome::Live { version, state_vector: Some(state_vector), update }) => {
                let outdated = self.outdated(version, known, &state_vector).map(Arc::from);
                let update = update.map(Arc::from);
                Ok(Missing { update, state_vector, outdated, ..Missing::default() })
            }
            Some(DiffOutcome::Live { state_vector: None, .. }) => {
                let heads = self.live.sync.store.find_heads(workspace_id, &[document_id])?;
                if heads.first().is_some_and(is_plain) { Err(OpenError::Plain) } else { Ok(Missing::nothing_yet()) }
            }
            Some(DiffOutcome::Deleted { .. }) => Err(OpenError::Deleted),
            Some(DiffOutcome::NotFound) => Ok(Missing::nothing_yet()),
            Some(DiffOutcome::Unreadable | DiffOutcome::LeftOut) | None => Err(OpenError::Damaged),
        }
    }
}
