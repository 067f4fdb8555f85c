//! Taking back what batches, users and devices did: as operations that go the way of any other, so with versions,
//! receipts, quotas and events. `targets` finds what was done, `build` makes the operations, `preview` shows what they
//! would change, `steps` restores many documents in the background.

mod build;
mod preview;
mod steps;
mod targets;

use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest as _, Sha256};

use self::targets::Page;
use crate::domain::ids::{BatchId, DocumentId, SyncId, UserId, WorkspaceId};
use crate::domain::operation::Submitted;
use crate::domain::sync_run::{Direction, RunKey, RunStatus};
use crate::domain::take_back::Moment;
use crate::domain::timestamp::Timestamp;
use crate::store::StoreError;
use crate::sync::past::{AsOf, moment_of};
use crate::sync::runs::{OpenRun, SyncRunView};
use crate::sync::{Batch, BatchAnswer, Restored, SyncError, SyncService};

/// Documents that are restored by one batch. What is more is restored in steps.
pub const DOCUMENTS_AT_ONCE: usize = 100;
/// Documents that a preview shows.
pub const PREVIEWED_DOCUMENTS: usize = 1_000;

/// What is to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// What a batch did.
    Batch(BatchId),
    /// What was done since a moment.
    Since(Since),
}

/// Which documents are restored, and which of their versions are taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// The moment; `None`: before the sync run began, which is the user's own.
    pub as_of: Option<AsOf>,
    /// These documents alone.
    pub document_ids: Option<Vec<DocumentId>>,
    /// Those alone whose title begins so, or began so then.
    pub title_prefix: Option<String>,
    /// What this user did, by name.
    pub by_user: Option<String>,
    /// What was done on this device.
    pub by_device: Option<String>,
    /// What this sync run did.
    pub sync_id: Option<SyncId>,
}

impl Since {
    /// Whether only some of the versions are taken back.
    const fn is_selective(&self) -> bool {
        self.by_user.is_some() || self.by_device.is_some() || self.sync_id.is_some()
    }
}

/// A request to take something back, by a user who may write to the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeBack {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Who.
    pub user_id: UserId,
    /// Which device; turns on receipts.
    pub device_id: Option<String>,
    /// The request's name, by which it is known when it is sent again.
    pub client_id: String,
    /// Show what it would come to, and store nothing.
    pub dry_run: bool,
    /// What.
    pub what: What,
}

impl TakeBack {
    /// The beginning of the names of its operations.
    fn name(&self) -> String {
        let word = match &self.what {
            What::Batch(_) => "undo",
            What::Since(_) => "restore",
        };
        let named = Sha256::digest(self.client_id.as_bytes());
        let short: String = named.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{word}-{short}")
    }

    /// The run of a restore: the same again for a request that is sent again.
    fn run_key(&self) -> RunKey {
        let named = Sha256::new_with_prefix("landfall restore")
            .chain_update(self.workspace_id.0.as_bytes())
            .chain_update(self.user_id.0.as_bytes())
            .chain_update(self.device_id.as_deref().unwrap_or_default())
            .chain_update([0])
            .chain_update(self.client_id.as_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(named).for_each(|(byte, drawn)| *byte = drawn);
        let sync_id = SyncId(uuid::Builder::from_custom_bytes(bytes).into_uuid());
        RunKey { workspace_id: self.workspace_id, user_id: self.user_id, sync_id }
    }

    /// The batch of these operations.
    fn batch(&self, operations: Vec<Submitted>, sync_id: Option<SyncId>) -> Batch {
        Batch {
            workspace_id: self.workspace_id,
            user_id: self.user_id,
            device_id: self.device_id.clone(),
            atomic: false,
            dry_run: self.dry_run,
            sync_id,
            pull: None,
            upload: None,
            operations,
        }
    }
}

/// A restore that has begun.
#[derive(Debug)]
pub enum Begun {
    /// One batch is enough: it is to be applied as any other.
    Batch(Box<Batch>, Restored),
    /// It is done in steps, under this run.
    Steps(Box<SyncRunView>, usize),
}

impl SyncService {
    /// The batch that undoes a batch.
    ///
    /// # Errors
    /// `NoSuchBatch`; `HistoryExpired`; or what the store says.
    pub fn undo_batch(&self, request: &TakeBack, deadline: Instant) -> Result<Batch, SyncError> {
        let now = Moment::Time(self.clock.now());
        let page = self.find_targets(request, now, now, None)?;
        Ok(request.batch(self.operations_of(request, page.targets, deadline)?, None))
    }

    /// Begins a restore. One of many documents goes on by itself.
    ///
    /// # Errors
    /// `HistoryExpired`; what a cursor is refused with; `SyncCancelled` if it was begun before and called off;
    /// `TooManyRestores`; or what the store says.
    pub fn begin_restore(self: &Arc<Self>, request: &TakeBack, deadline: Instant) -> Result<Begun, SyncError> {
        let key = request.run_key();
        let known = match self.find_run(key) {
            Ok(view) if view.run.status == RunStatus::Cancelled => return Err(SyncError::SyncCancelled),
            Ok(view) => Some(view.run.started_at),
            Err(SyncError::NoSuchRun) => None,
            Err(error) => return Err(error),
        };
        let until = known.unwrap_or_else(|| self.clock.now());
        let moment = self.moment(request)?;
        let Page { targets, next } = self.find_targets(request, moment, Moment::Time(until), None)?;
        let documents = match next {
            Some(_) => self.count_targets(request, moment, until, deadline)?,
            None => targets.len(),
        };
        if documents == 0 {
            let nothing = Restored { sync_id: None, documents: 0, has_more: false };
            return Ok(Begun::Batch(Box::new(request.batch(Vec::new(), None)), nothing));
        }
        if next.is_some() {
            let view = self.restore_in_steps(request, key, moment, documents)?;
            return Ok(Begun::Steps(Box::new(view), documents));
        }
        self.open_restore(request, key, documents)?;
        let operations = self.operations_of(request, targets, deadline)?;
        let restored = Restored { sync_id: Some(key.sync_id), documents, has_more: false };
        Ok(Begun::Batch(Box::new(request.batch(operations, Some(key.sync_id))), restored))
    }

    fn open_restore(&self, request: &TakeBack, key: RunKey, documents: usize) -> Result<SyncRunView, SyncError> {
        let total = i64::try_from(documents).unwrap_or(i64::MAX);
        let open = OpenRun { key, total, direction: Direction::Push, device_id: request.device_id.clone() };
        Ok(self.open_run(open)?.1)
    }

    /// What a restore would change.
    ///
    /// # Errors
    /// As those of [`begin_restore`](Self::begin_restore).
    pub fn preview_restore(
        &self,
        request: &TakeBack,
        max_bytes: usize,
        deadline: Instant,
    ) -> Result<BatchAnswer, SyncError> {
        let (moment, until) = (self.moment(request)?, self.clock.now());
        let mut answer: Option<BatchAnswer> = None;
        let (mut after, mut documents, mut room) = (None, 0, max_bytes);
        loop {
            let page = self.find_targets(request, moment, Moment::Time(until), after)?;
            documents += page.targets.len();
            let shown = answer.as_ref().map_or(0, |answer| answer.results.len());
            if shown < PREVIEWED_DOCUMENTS {
                let operations = self.operations_of(request, page.targets, deadline)?;
                let applied = self.apply_batch(request.batch(operations, None), deadline)?;
                let (more, left) = self.answer_preview(applied, room, deadline)?;
                room = left;
                match &mut answer {
                    Some(answer) => answer.results.extend(more.results),
                    None => answer = Some(more),
                }
            }
            after = page.next;
            if after.is_none() {
                let answer = answer.ok_or(SyncError::NotFound)?;
                let has_more = answer.results.len() < documents;
                let restored = Some(Restored { sync_id: None, documents, has_more });
                return Ok(BatchAnswer { restored, ..answer });
            }
            if Instant::now() > deadline {
                return Err(StoreError::Timeout.into());
            }
        }
    }

    fn moment(&self, request: &TakeBack) -> Result<Moment, SyncError> {
        let as_of = match &request.what {
            What::Since(since) => match (&since.as_of, since.sync_id) {
                (Some(as_of), _) => as_of.clone(),
                (None, Some(sync_id)) => {
                    let TakeBack { workspace_id, user_id, .. } = *request;
                    let began = self.find_run(RunKey { workspace_id, user_id, sync_id })?.run.started_at;
                    // Its first batch may have opened it.
                    AsOf::Time(Timestamp(began.0.saturating_sub(1)))
                }
                (None, None) => return Err(SyncError::NotFound),
            },
            What::Batch(_) => return Ok(Moment::Time(self.clock.now())),
        };
        let as_of = &as_of;
        self.store.read_past(request.workspace_id, |past| Ok(moment_of(past, as_of, request.workspace_id)))?
    }

    fn count_targets(
        &self,
        request: &TakeBack,
        moment: Moment,
        until: Timestamp,
        deadline: Instant,
    ) -> Result<usize, SyncError> {
        let (mut after, mut documents) = (None, 0);
        loop {
            let page = self.find_targets(request, moment, Moment::Time(until), after)?;
            documents += page.targets.len();
            after = page.next;
            if after.is_none() {
                return Ok(documents);
            }
            if Instant::now() > deadline {
                return Err(StoreError::Timeout.into());
            }
        }
    }
}
