//! Giving a plain text its Yjs state, when an editor first opens it live: an ordinary operation of that editor.

use std::time::Instant;

use super::save::LiveEdit;
use super::{Live, OpenError, is_plain};
use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::domain::operation::{Changes, OperationKind, Text, digest_of};
use crate::domain::yjs_facts::Client;
use crate::store::StoreError;
use crate::yjs::scan::scan_update;
use crate::yjs::seed::seed_update;

impl Live {
    /// Gives a document that is plain text a Yjs state that shows as this text, unless somebody does so at the same moment:
    /// the caller looks again. Blocks; call off the event loop.
    ///
    /// # Errors
    /// `Refused` if its text is too large for a Yjs update, or may not be stored; see [`OpenError`].
    pub fn seed(
        &self,
        user_id: UserId,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        deadline: Instant,
    ) -> Result<(), OpenError> {
        let Some(stored) = self.sync.store.find_document(workspace_id, document_id)? else { return Ok(()) };
        if !is_plain(&stored.head) {
            return Ok(());
        }
        let version = stored.head.version;
        let text = stored.content.ok_or(OpenError::Damaged)?;
        let limits = self.sync.limits();
        let update = scan_update(seed_update(seeder(document_id, version), &text), &limits.yjs);
        let update = update.ok().filter(|update| update.bytes.len() <= limits.max_yjs_bytes);
        let update = update.ok_or_else(|| OpenError::Refused("its text is too large (max_yjs_bytes)".to_owned()))?;
        let changes = Changes { content: Some(Text::new(text)), yjs: Some(update), ..Changes::default() };
        let edit = LiveEdit { workspace_id, document_id, user_id };
        let outcome = self.sync.apply_one(&edit, OperationKind::Update, Some(version), changes, deadline)?;
        match outcome.error() {
            // Somebody changed it at the same moment.
            _ if outcome.conflict().is_some() => Ok(()),
            None => Ok(()),
            Some(error) if error.code.retryable() => Err(StoreError::Unavailable(error.message.clone()).into()),
            Some(error) => Err(OpenError::Refused(error.message.clone())),
        }
    }
}

/// Whose change the text is in the state: two servers that seed one version make the same bytes.
fn seeder(document_id: DocumentId, version: Version) -> Client {
    let digest = digest_of(&format!("the text of {document_id} at version {version}"));
    digest.iter().take(4).fold(0, |client, byte| client << 8 | Client::from(*byte))
}
