//! Updates that come over sockets, as operations of a batch.

use std::time::Instant;

use super::room::Room;
use super::{Live, OpenError, is_plain};
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::domain::operation::{Changes, Digest, Operation, OperationKind, Submitted, Target};
use crate::domain::outcome::Outcome;
use crate::domain::yjs_facts::ScannedUpdate;
use crate::store::StoreError;
use crate::sync::apply::Processed;
use crate::sync::{Batch, SyncError, SyncService};

/// How often it is tried to give a document its first state, while others write to it.
const BEGINNINGS: u32 = 8;

/// Whose edit, and of what.
pub(super) struct LiveEdit {
    pub workspace_id: WorkspaceId,
    pub document_id: DocumentId,
    pub user_id: UserId,
}

impl Live {
    /// Applies an update that came over a socket, as a batch of one operation. A document that does not exist is made; one that
    /// has a text and no Yjs state is given one first, so that the update overwrites nothing.
    pub(super) fn apply(
        &self,
        room: &Room,
        edit: &LiveEdit,
        update: ScannedUpdate,
        deadline: Instant,
    ) -> Result<Outcome, OpenError> {
        let changes = Changes { yjs: Some(update), ..Changes::default() };
        let apply = |kind, base, changes| {
            let edited = self.sync.apply_one(edit, kind, base, changes, deadline)?;
            if edited.state_bytes.is_some() {
                room.note_state(edited.state_bytes);
            }
            Ok::<_, SyncError>(edited.outcome)
        };
        if room.state_bytes().is_some() {
            let outcome = apply(OperationKind::Update, None, changes.clone())?;
            if outcome.error().is_none_or(|error| error.code != ErrorCode::NotFound) {
                return Ok(outcome);
            }
        }
        for _ in 0..BEGINNINGS {
            let head = self.sync.store.find_heads(edit.workspace_id, &[edit.document_id])?.into_iter().next();
            let outcome = match head {
                None => {
                    let title = Some(edit.document_id.to_string());
                    apply(OperationKind::Create, None, Changes { title, ..changes.clone() })?
                }
                Some(head) if is_plain(&head) => {
                    self.seed(edit.user_id, edit.workspace_id, edit.document_id, deadline)?;
                    continue;
                }
                Some(head) => {
                    let has_state = head.is_deleted() || head.state_vector.is_some();
                    apply(OperationKind::Update, (!has_state).then_some(head.version), changes.clone())?
                }
            };
            if outcome.conflict().is_none() {
                return Ok(outcome);
            }
            // Somebody made or changed it at the same moment, perhaps on another server.
        }
        Err(StoreError::Unavailable("the document changes all the time".to_owned()).into())
    }
}

/// What became of an edit.
pub(super) struct Edited {
    pub outcome: Outcome,
    /// Bytes of the Yjs state that the document has now, if it was changed.
    pub state_bytes: Option<usize>,
}

impl SyncService {
    /// Applies one operation. An update that states no version is forced.
    pub(super) fn apply_one(
        &self,
        edit: &LiveEdit,
        kind: OperationKind,
        base_version: Option<Version>,
        changes: Changes,
        deadline: Instant,
    ) -> Result<Edited, SyncError> {
        let operation = operation(0, edit.document_id, kind, base_version, changes);
        let batch = batch(edit.workspace_id, edit.user_id, Vec::new(), vec![operation]);
        let edited = edited(self.carry_out(&batch.into(), deadline)?).next();
        edited.ok_or_else(|| StoreError::Refused("an operation was not answered".to_owned()).into())
    }

    /// Applies updates of documents of a workspace, each of them once, in one commit: what became of each.
    pub(super) fn apply_updates(
        &self,
        workspace_id: WorkspaceId,
        updates: Vec<(DocumentId, UserId, ScannedUpdate)>,
        deadline: Instant,
    ) -> Result<Vec<Edited>, SyncError> {
        let authors: Vec<UserId> = updates.iter().map(|(_, user_id, _)| *user_id).collect();
        let Some(user_id) = authors.first().copied() else { return Ok(Vec::new()) };
        let operations = updates.into_iter().enumerate().map(|(index, (document_id, _, update))| {
            let changes = Changes { yjs: Some(update), ..Changes::default() };
            operation(index, document_id, OperationKind::Update, None, changes)
        });
        let batch = batch(workspace_id, user_id, authors, operations.collect());
        Ok(edited(self.carry_out(&batch.into(), deadline)?).collect())
    }
}

fn operation(
    index: usize,
    document_id: DocumentId,
    kind: OperationKind,
    base_version: Option<Version>,
    changes: Changes,
) -> Submitted {
    Submitted::Valid(Box::new(Operation {
        index,
        client_id: "live".to_owned(),
        kind,
        target: Target::Id(document_id),
        base_version,
        // Editors that are connected merge whatever meets, as Yjs does: two who begin an empty document at once too.
        force: kind == OperationKind::Update && base_version.is_none(),
        restore: false,
        changes,
        reader_state_vector: None,
        payload_digest: Digest::default(),
    }))
}

fn batch(workspace_id: WorkspaceId, user_id: UserId, authors: Vec<UserId>, operations: Vec<Submitted>) -> Batch {
    Batch {
        workspace_id,
        user_id,
        device_id: None,
        atomic: false,
        dry_run: false,
        sync_id: None,
        pull: None,
        upload: None,
        authors,
        operations,
    }
}

fn edited(processed: Processed) -> impl Iterator<Item = Edited> {
    let documents = processed.plan.writes.documents;
    processed.plan.outcomes.into_iter().map(move |outcome| {
        let head = documents.iter().map(|write| &write.head).find(|head| Some(head.document_id) == outcome.document_id);
        let bytes = head.map(|head| usize::try_from(head.snapshot_bytes.saturating_add(head.log_bytes)));
        Edited { outcome, state_bytes: bytes.map(|bytes| bytes.unwrap_or(usize::MAX)) }
    })
}
