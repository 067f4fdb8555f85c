//! Uploads: staging the operations of an atomic batch over several requests, and committing them as one batch
//! (protocol §1.11).

use std::sync::Arc;
use std::time::Instant;

use crate::domain::error_code::ErrorCode;
use crate::domain::operation::{OperationKind, Submitted, Target, digest_of};
use crate::domain::outcome::{Attach, Ending, Outcome};
use crate::domain::plan::Plan;
use crate::domain::upload::{StagedOperation, Upload, UploadKey, UploadOutcome, UploadRefusal, UploadState};
use crate::store::uploads::NewOperation;
use crate::sync::apply::{AppliedBatch, Processed};
use crate::sync::pull::cursor_of;
use crate::sync::{Batch, BatchAnswer, OperationAnswer, ServerSide, SyncError, SyncService, UploadView};

/// Operations that are to be staged, from a user who may write to the workspace.
#[derive(Clone, Debug)]
pub struct Staging {
    /// The upload.
    pub key: UploadKey,
    /// Operations of lower parts come first.
    pub part: i64,
    /// The operations, as they were read.
    pub operations: Vec<Submitted>,
    /// And as they were sent.
    pub bodies: Vec<String>,
}

/// An upload that is to be committed.
#[derive(Clone, Debug)]
pub enum Opened {
    /// It can be.
    Open {
        /// The upload.
        upload: Upload,
        /// What is staged, in order.
        operations: Vec<StagedOperation>,
    },
    /// It has been: what came of it, in the order of the answer.
    Committed(Upload, Vec<UploadOutcome>),
}

impl SyncService {
    /// Stages operations: all of them, or none if one of them is malformed. The caller has checked that the user may write
    /// there.
    ///
    /// # Errors
    /// `Upload`, or what the store says.
    pub fn stage(&self, staging: Staging, deadline: Instant) -> Result<BatchAnswer, SyncError> {
        let Staging { key, part, operations, bodies } = staging;
        let is_sound = operations.iter().all(|operation| matches!(operation, Submitted::Valid(_)));
        let results = operations.iter().map(|operation| staged(operation, is_sound)).collect();
        let limits = self.limits().upload;
        let upload = if is_sound {
            let new = operations.iter().zip(bodies).filter_map(|(operation, body)| {
                let client_id = operation.client_id()?.to_owned();
                Some(NewOperation { client_id, digest: digest_of(&body), body })
            });
            let new: Vec<NewOperation> = new.collect();
            Some(self.store.stage(key, part, &new, limits, (self.clock.now(), deadline))?.map_err(SyncError::Upload)?)
        } else {
            None
        };
        Ok(BatchAnswer {
            results,
            committed: false,
            dry_run: false,
            atomic: true,
            changes: None,
            batch_id: None,
            restored: None,
            upload: upload.map(|upload| self.view_upload(key, &upload, 0)),
        })
    }

    /// The size of an upload that may be read; what reads it must have room for so many bytes.
    ///
    /// # Errors
    /// `Upload`, or what the store says.
    pub fn find_upload(&self, key: UploadKey) -> Result<Upload, SyncError> {
        let upload = self.store.find_upload(key)?.ok_or(SyncError::Upload(UploadRefusal::Unknown))?;
        match upload.state_at(self.clock.now(), &self.limits().upload) {
            UploadState::Dropped => Err(SyncError::Upload(UploadRefusal::Dropped)),
            UploadState::Open | UploadState::Committed => Ok(upload),
        }
    }

    /// Reads an upload that is to be committed.
    ///
    /// # Errors
    /// `Upload`, or what the store says.
    pub fn open_upload(&self, key: UploadKey) -> Result<Opened, SyncError> {
        let unknown = || SyncError::Upload(UploadRefusal::Unknown);
        if self.find_upload(key)?.state == UploadState::Open {
            let (upload, operations) = self.store.read_upload(key)?.ok_or_else(unknown)?;
            if upload.state == UploadState::Open {
                return Ok(Opened::Open { upload, operations });
            }
        }
        let upload = self.find_upload(key)?;
        let outcomes = self.store.find_upload_answer(key)?;
        let outcomes = outcomes.ok_or(SyncError::Upload(UploadRefusal::Committed))?;
        Ok(Opened::Committed(upload, outcomes))
    }

    /// The commit of an upload that has been committed before: it is answered again, and nothing is applied.
    ///
    /// # Errors
    /// `Upload`, if the request carries operations that the first one had not, or had with other contents; what a cursor is
    /// refused with; or what the store says.
    pub fn replay_upload(
        &self,
        request: Batch,
        upload: &Upload,
        outcomes: Vec<UploadOutcome>,
        deadline: Instant,
    ) -> Result<AppliedBatch, SyncError> {
        let is_known = |operation: &Submitted| outcomes.iter().any(|outcome| outcome.is_of(operation));
        if !request.operations.iter().all(is_known) {
            return Err(SyncError::Upload(UploadRefusal::Committed));
        }
        let pull = match &request.pull {
            None => None,
            Some(from) => {
                let looked = self.store.look(&self.scope(&request, deadline), |snapshot| {
                    let feed = snapshot.feed()?;
                    Ok(cursor_of(from, request.workspace_id, &feed).map(|cursor| (cursor, feed)))
                })?;
                Some(looked.map_err(SyncError::from)?)
            }
        };
        let order = (0..outcomes.len()).collect();
        let outcomes = outcomes.into_iter().enumerate().map(|(index, outcome)| outcome.replayed(index)).collect();
        let plan = Plan::of_outcomes(outcomes, order);
        let request = Arc::new(Batch { operations: Vec::new(), ..request });
        Ok(AppliedBatch { request, processed: Processed::replayed(plan, upload.batch_id, pull) })
    }

    /// Drops an open upload; one that is not open is left as it is.
    ///
    /// # Errors
    /// `Upload`, or what the store says.
    pub fn drop_upload(&self, key: UploadKey) -> Result<(), SyncError> {
        match self.store.find_upload(key)?.map(|upload| upload.state) {
            None => return Err(SyncError::Upload(UploadRefusal::Unknown)),
            Some(UploadState::Committed) => return Err(SyncError::Upload(UploadRefusal::Committed)),
            Some(UploadState::Dropped) => return Ok(()),
            Some(UploadState::Open) => {}
        }
        if !self.store.drop_upload(key, self.clock.now())? {
            // It has been committed, or dropped, meanwhile.
            return self.drop_upload(key);
        }
        self.clear_upload(key);
        Ok(())
    }

    /// The upload as an answer shows it; none if it cannot be read, which only makes the answer poorer.
    #[must_use]
    pub fn show_upload(&self, key: UploadKey, results: usize) -> Option<UploadView> {
        let found = self.store.find_upload(key);
        let found = found.inspect_err(|error| tracing::warn!(%error, "an upload cannot be shown"));
        found.ok().flatten().map(|upload| self.view_upload(key, &upload, results))
    }

    fn view_upload(&self, key: UploadKey, upload: &Upload, results: usize) -> UploadView {
        let is_open = upload.state == UploadState::Open;
        let applied = i64::try_from(results).unwrap_or(i64::MAX);
        UploadView {
            upload_id: key.upload_id,
            state: upload.state,
            operations: if is_open { upload.size.operations } else { applied },
            bytes: is_open.then_some(upload.size.bytes),
            expires_at: upload.expires_at(&self.limits().upload),
        }
    }
}

/// What is answered to an operation that is to be staged.
fn staged(operation: &Submitted, is_sound: bool) -> OperationAnswer {
    let document_id = match operation.target() {
        Some(Target::Id(id)) => Some(*id),
        _ => None,
    };
    let ending = match operation {
        Submitted::Rejected(rejected) => Ending::failed(rejected.error.clone()),
        Submitted::Valid(_) if is_sound => Ending::Held,
        Submitted::Valid(_) => {
            Ending::skipped(ErrorCode::RolledBack, "another operation of the request is malformed; nothing was staged")
        }
    };
    let outcome = Outcome {
        index: operation.index(),
        client_id: operation.client_id().map(str::to_owned),
        kind: operation.kind(),
        // Of a create that was not staged there is no document, whatever id it has.
        document_id: document_id.filter(|_| is_sound || operation.kind() != Some(OperationKind::Create)),
        version: None,
        ending,
        attach: Attach::Nothing,
    };
    OperationAnswer { outcome, server: ServerSide::Nothing, preview: None }
}
