//! A plain text and its Yjs state: an editor who opens it live gives it one, by an ordinary operation of theirs. A viewer writes
//! nothing, and is shown the text by a state that is not stored: the same that it would be given at this version.

use std::sync::Arc;
use std::time::Instant;

use super::edit::LiveEdit;
use super::{Live, Missing, OpenError, Slot, is_plain};
use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::domain::operation::{Changes, OperationKind, Text, digest_of};
use crate::domain::yjs_facts::{Client, DeleteSet, StateVector};
use crate::store::StoreError;
use crate::yjs::merge::encode_state_vector;
use crate::yjs::scan::{scan_state_vector, scan_update};
use crate::yjs::seed::{deleting_update, seed_update};

/// A viewer who comes back may have the text of an old version: of the first and of the newest ones, so many each.
const RECOGNISED: Version = 2_048;

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
        let outcome = self.sync.apply_one(&edit, OperationKind::Update, Some(version), changes, deadline)?.outcome;
        match outcome.error() {
            // Somebody changed it at the same moment.
            _ if outcome.conflict().is_some() => Ok(()),
            None => Ok(()),
            Some(error) if error.code.retryable() => Err(StoreError::Unavailable(error.message.clone()).into()),
            Some(error) => Err(OpenError::Refused(error.message.clone())),
        }
    }
}

impl Slot {
    /// What a reader with `known` lacks of the text as it is now, and is to forget of what it was. Blocks.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn plain_text(&self, known: &StateVector) -> Result<Missing, OpenError> {
        let (workspace_id, document_id) = (self.room().workspace_id, self.room().document_id);
        let Some(stored) = self.live.sync.store.find_document(workspace_id, document_id)? else {
            return Ok(Missing::nothing_yet());
        };
        if !is_plain(&stored.head) {
            // It has become another one at this moment.
            return Err(StoreError::Unavailable("the document changes".to_owned()).into());
        }
        let text = stored.content.ok_or(OpenError::Damaged)?;
        let client = seeder(document_id, stored.head.version);
        let update: Option<Arc<[u8]>> = (known.get(client) == 0).then(|| seed_update(client, &text).into());
        if update.as_ref().is_some_and(|update| update.len() > self.live.sync.limits().max_yjs_bytes) {
            return Err(OpenError::Refused("its text is too large (max_yjs_bytes)".to_owned()));
        }
        let units = u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
        let shown = StateVector::from_iter([(client, units)]);
        let outdated = outdated(document_id, stored.head.version, known, &shown).map(Arc::from);
        let state_vector = encode_state_vector(&StateVector::default());
        Ok(Missing { update, state_vector, outdated, shown, ..Missing::default() })
    }

    /// What a reader with `known` is to forget, who may have seen a document with this state vector when it was a plain text.
    pub(super) fn outdated(&self, version: Version, known: &StateVector, state_vector: &[u8]) -> Option<Vec<u8>> {
        let stored = scan_state_vector(state_vector, &self.live.sync.limits().yjs).ok()?;
        outdated(self.room().document_id, version, known, &stored)
    }
}

/// Deletes what is known of the text of versions that is not part of the state.
fn outdated(document_id: DocumentId, version: Version, known: &StateVector, state: &StateVector) -> Option<Vec<u8>> {
    let mut strange: Vec<_> = known.iter().filter(|(client, _)| !state.knows(*client)).collect();
    if strange.is_empty() {
        return None;
    }
    let newest = (version.saturating_sub(RECOGNISED)..=version).rev();
    let first = 1..=version.min(RECOGNISED);
    let mut deletes = DeleteSet::default();
    for version in first.chain(newest) {
        let client = seeder(document_id, version);
        if let Some(place) = strange.iter().position(|(strange, _)| *strange == client) {
            let (client, clock) = strange.swap_remove(place);
            deletes.insert(client, 0, clock);
        }
        if strange.is_empty() {
            break;
        }
    }
    (!deletes.is_empty()).then(|| deleting_update(&deletes))
}

/// Whose change the text is in the state: two servers that seed one version make the same bytes.
fn seeder(document_id: DocumentId, version: Version) -> Client {
    let digest = digest_of(&format!("the text of {document_id} at version {version}"));
    digest.iter().take(4).fold(0, |client, byte| client << 8 | Client::from(*byte))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_reader_forgets_the_text_of_other_versions_alone() {
        let document = DocumentId(Uuid::from_u128(7));
        let (old, now) = (seeder(document, 3), seeder(document, 5));
        let state = StateVector::from_iter([(now, 4)]);
        let forgets =
            |known: &[(Client, u32)]| outdated(document, 9_000, &StateVector::from_iter(known.to_vec()), &state);
        assert_eq!(forgets(&[]), None);
        assert_eq!(forgets(&[(now, 4), (77, 12)]), None, "what somebody typed is no text of the server's");
        let mut deletes = DeleteSet::default();
        deletes.insert(old, 0, 6);
        deletes.insert(seeder(document, 8_999), 0, 2);
        let known = [(now, 4), (old, 6), (77, 12), (seeder(document, 8_999), 2)];
        assert_eq!(forgets(&known), Some(deleting_update(&deletes)));
    }
}
