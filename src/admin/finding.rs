//! What a check of everything that is stored finds.

use std::fmt;

use crate::domain::ids::{DocumentId, WorkspaceId};

/// A part that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Which document; none for what is staged.
    pub document_id: Option<DocumentId>,
    /// Which part of it.
    pub part: String,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workspace_id, document_id, part, reason } = self;
        match document_id {
            Some(document_id) => write!(f, "workspace {workspace_id} document {document_id} {part}: {reason}"),
            None => write!(f, "workspace {workspace_id} {part}: {reason}"),
        }
    }
}
