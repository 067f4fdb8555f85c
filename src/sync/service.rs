//! The one object that HTTP handlers talk to. Every method blocks: call it off the event loop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::ids::{DocumentId, UserId, WorkspaceId};
use crate::domain::limits::Limits;
use crate::domain::timestamp::Clock;
use crate::domain::upload::UploadKey;
use crate::store::{BatchScope, Store, StoreError};
use crate::sync::apply::{AppliedBatch, Attempt, Processed, process_in_turn};
use crate::sync::edit_turns::{BatchTurns, EditTurns};
use crate::sync::events::Events;
use crate::sync::health::Health;
use crate::sync::indexing::Indexing;
use crate::sync::maintenance::{Maintenance, Task};
use crate::sync::pull::{Pulled, Shown, cursor_of, read_page, show};
use crate::sync::restores::Restores;
use crate::sync::texts::Texts;
use crate::sync::typing::Typing;
use crate::sync::view::{Learned, Rendered, view_document};
use crate::sync::{Batch, BatchRefusal, ChangesPage, DocumentView, PullFrom, SyncError, YjsBodies};
use crate::yjs::render::{Renderer, Turn};

/// How many refused operations are searched for before the rest of the batch is given up.
const MAX_REFUSED: usize = 8;
/// Time for deriving all the texts that one answer shows.
const ANSWER_RENDERING: Duration = Duration::from_secs(6);

/// The use cases, bound to a store and a renderer.
pub struct SyncService {
    pub(super) store: Arc<Store>,
    renderer: Arc<Renderer>,
    limits: Arc<Limits>,
    pub(super) clock: Arc<dyn Clock>,
    maintenance: Maintenance,
    indexing: Indexing,
    pub(super) events: Arc<Events>,
    health: Health,
    pub(super) restores: Restores,
    edit_turns: Arc<EditTurns>,
    typing: Arc<Typing>,
}

impl SyncService {
    /// A service over these parts. Starts the background threads: one compacts logs and keeps renderings, one keeps the
    /// search index.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        renderer: Arc<Renderer>,
        limits: Arc<Limits>,
        clock: Arc<dyn Clock>,
        events: Arc<Events>,
    ) -> Self {
        let maintenance = Maintenance::start(Arc::clone(&store), Arc::clone(&renderer));
        let indexing = Indexing::start(Arc::clone(&store), Arc::clone(&renderer));
        let health = Health::start(Arc::clone(&store), Arc::clone(&renderer), Arc::clone(&clock));
        let (restores, edit_turns, typing) = (Restores::default(), Arc::default(), Arc::default());
        Self { store, renderer, limits, clock, maintenance, indexing, events, health, restores, edit_turns, typing }
    }

    /// Applies a batch (protocol §1). The caller has checked that the user may write there.
    ///
    /// # Errors
    /// What the store says; nothing of the batch is then stored.
    pub fn apply_batch(&self, request: Batch, deadline: Instant) -> Result<AppliedBatch, SyncError> {
        let request = Arc::new(request);
        let processed = self.carry_out(&request, deadline)?;
        Ok(AppliedBatch { request, processed })
    }

    /// Applies a batch that takes its turn at the texts that it changes; `None` if it has to wait for that first.
    ///
    /// # Errors
    /// As those of [`apply_batch`](Self::apply_batch).
    pub fn apply_in_turn(
        &self,
        request: &Arc<Batch>,
        turns: &mut BatchTurns,
        deadline: Instant,
    ) -> Result<Option<AppliedBatch>, SyncError> {
        match self.carry_out_in_turn(request, deadline, Some(turns)) {
            Ok(processed) => Ok(Some(AppliedBatch { request: Arc::clone(request), processed })),
            Err(SyncError::Refused(BatchRefusal::NotItsTurn)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The turns of a batch that has none yet.
    #[must_use]
    pub fn turns_of(&self, request: &Batch) -> BatchTurns {
        self.edit_turns.of(request)
    }

    /// Applies a batch, and says so to whom it concerns.
    pub(super) fn carry_out(&self, request: &Arc<Batch>, deadline: Instant) -> Result<Processed, SyncError> {
        self.carry_out_in_turn(request, deadline, None)
    }

    fn carry_out_in_turn(
        &self,
        request: &Arc<Batch>,
        deadline: Instant,
        turns: Option<&mut BatchTurns>,
    ) -> Result<Processed, SyncError> {
        let mut processed = self.apply_surviving_refusals(request, deadline, turns)?;
        processed.take_typed().for_each(|typed| self.typing.stored(typed));
        for document_id in processed.outgrown() {
            self.maintenance.offer(Task::Compact { workspace_id: request.workspace_id, document_id });
        }
        if let Some(upload) = request.upload.filter(|_| processed.stored.upload) {
            let (workspace_id, user_id, upload_id) = (request.workspace_id, request.user_id, upload.upload_id);
            self.clear_upload(UploadKey { workspace_id, user_id, upload_id });
        }
        if processed.stored.wrote {
            self.events.committed(request.workspace_id);
            self.indexing.committed(request.workspace_id, processed.plan.writes.documents.len());
        }
        if let (Some(sync_id), true) = (request.sync_id, processed.stored.counted) {
            self.events.progressed(request.workspace_id, request.user_id, sync_id);
        }
        Ok(processed)
    }

    pub(super) fn scope(&self, request: &Batch, deadline: Instant) -> BatchScope {
        BatchScope {
            workspace_id: request.workspace_id,
            user_id: request.user_id,
            device_id: request.device_id.clone(),
            sync_id: request.sync_id,
            now: self.clock.now(),
            deadline,
        }
    }

    /// An operation whose data the database refuses affects only itself: it is searched for by halves, in trials that
    /// store nothing, and the batch is run again without it. An atomic batch fails as a whole. A document that cannot be
    /// read fails its own operations.
    fn apply_surviving_refusals(
        &self,
        request: &Arc<Batch>,
        deadline: Instant,
        mut turns: Option<&mut BatchTurns>,
    ) -> Result<Processed, SyncError> {
        let mut attempt = Attempt {
            yjs: self.limits.yjs.clone(),
            max_content_bytes: self.limits.max_content_bytes,
            quotas: self.limits.quotas,
            typing: Arc::clone(&self.typing),
            ..Attempt::default()
        };
        loop {
            let reason = match self.run(request, deadline, attempt.clone(), turns.as_deref_mut()) {
                // Each document once: it is not read again.
                Err(SyncError::Store(StoreError::Damaged { document_id, reason }))
                    if attempt.damaged.insert(document_id) =>
                {
                    tracing::error!(workspace_id = %request.workspace_id, %document_id, reason, "a document cannot be read");
                    continue;
                }
                Err(SyncError::Store(StoreError::Refused(reason)))
                    if !request.atomic && attempt.refused.len() < MAX_REFUSED =>
                {
                    reason
                }
                other => return other,
            };
            let place = self.find_refused(request, deadline, &attempt)?;
            tracing::error!(workspace_id = %request.workspace_id, place, reason, "the database refused an operation's data");
            if !attempt.refused.insert(place) {
                return Err(StoreError::Refused(reason).into());
            }
        }
    }

    /// The operation (by place in the request) at which the database first refuses the batch.
    fn find_refused(&self, request: &Arc<Batch>, deadline: Instant, attempt: &Attempt) -> Result<usize, SyncError> {
        let trial = |first| self.run(request, deadline, Attempt { trial: Some(first), ..attempt.clone() }, None);
        let order = trial(0)?.plan.order;
        let (mut passes, mut fails) = (0, order.len());
        while fails - passes > 1 {
            let middle = passes + (fails - passes) / 2;
            match trial(middle) {
                Ok(_) => passes = middle,
                Err(SyncError::Store(StoreError::Refused(_))) => fails = middle,
                Err(other) => return Err(other),
            }
        }
        order.get(passes).copied().ok_or_else(|| StoreError::Refused("no operation is at fault".to_owned()).into())
    }

    fn run(
        &self,
        request: &Arc<Batch>,
        deadline: Instant,
        attempt: Attempt,
        turns: Option<&mut BatchTurns>,
    ) -> Result<Processed, SyncError> {
        // An upload may have many texts to be changed.
        let until = if request.upload.is_some() { deadline } else { deadline.min(Instant::now() + ANSWER_RENDERING) };
        let turn = Some(self.renderer.turn(request.user_id.0.as_u128(), until));
        let texts = Texts { store: &self.store, workspace_id: request.workspace_id, turn };
        Ok(process_in_turn(&texts, &self.scope(request, deadline), request, &attempt, turns)??)
    }

    /// The renders of one answer to this user.
    pub(super) fn turn(&self, user_id: UserId) -> Turn<'_> {
        self.turn_until(user_id, Instant::now() + ANSWER_RENDERING)
    }

    /// The renders of one answer to this user, which must be there by the deadline.
    pub(super) fn turn_until(&self, user_id: UserId, deadline: Instant) -> Turn<'_> {
        self.renderer.turn(user_id.0.as_u128(), deadline.min(Instant::now() + ANSWER_RENDERING))
    }

    /// Has what is staged of an upload that is not open any more be removed.
    pub(super) fn clear_upload(&self, key: UploadKey) {
        self.maintenance.offer(Task::ClearUpload(key));
    }

    pub(super) fn keep(&self, workspace_id: WorkspaceId, rendered: Rendered, learned: Learned) {
        let Rendered { document_id, content_version, version } = rendered;
        match learned {
            Learned::Nothing => {}
            Learned::Text(text) => {
                self.maintenance.offer(Task::KeepText { workspace_id, document_id, content_version, text });
            }
            Learned::Damaged => self.maintenance.offer(Task::MarkDamaged { workspace_id, document_id, version }),
            Learned::NotNow(reason) | Learned::PutOff(reason) => {
                tracing::warn!(%document_id, reason, "the document is shown without its text for now");
            }
        }
    }

    /// A page of the workspace's feed (protocol §2): what changed after `from`, `max_documents` at most.
    ///
    /// # Errors
    /// `ForeignCursor`, `CursorExpired`; `Unavailable` if the first document must be rendered and no worker can be had;
    /// or what the store says.
    pub fn pull_changes(
        &self,
        user_id: UserId,
        workspace_id: WorkspaceId,
        from: &PullFrom,
        max_documents: usize,
        yjs: YjsBodies,
    ) -> Result<ChangesPage, SyncError> {
        let pulled = self.store.read_feed(workspace_id, |reader| {
            let feed = reader.feed().clone();
            let cursor = match cursor_of(from, workspace_id, &feed) {
                Ok(cursor) => cursor,
                Err(refusal) => return Ok(Err(refusal)),
            };
            read_page(cursor, &feed, max_documents, |span| reader.load_changes(span)).map(Ok)
        })??;
        let Shown { page, nothing_rendered } = self.show_changes(&self.turn(user_id), workspace_id, pulled, yjs);
        match nothing_rendered {
            Some(reason) => Err(StoreError::Unavailable(reason).into()),
            None => Ok(page),
        }
    }

    pub(super) fn show_changes(
        &self,
        turn: &Turn<'_>,
        workspace_id: WorkspaceId,
        pulled: Pulled,
        yjs: YjsBodies,
    ) -> Shown {
        let keep = |rendered, learned| self.keep(workspace_id, rendered, learned);
        let shown = show(turn, workspace_id, pulled, yjs, keep);
        let documents = u64::try_from(shown.page.items.len()).unwrap_or(u64::MAX);
        metrics::counter!("landfall_pulled_documents_total").increment(documents);
        shown
    }

    /// A document, live or deleted.
    ///
    /// # Errors
    /// `NotFound`, or what the store says.
    pub fn find_document(
        &self,
        user_id: UserId,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
    ) -> Result<DocumentView, SyncError> {
        let stored = self.store.find_document(workspace_id, document_id)?.ok_or(SyncError::NotFound)?;
        let rendered = Rendered::from(&stored.head);
        let (view, learned) = view_document(&self.turn(user_id), stored, None)?;
        if let Learned::NotNow(reason) = learned {
            return Err(StoreError::Unavailable(reason).into());
        }
        self.keep(workspace_id, rendered, learned);
        Ok(view)
    }

    /// The published limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The live streams.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Whether the server can do its work.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Finishes background work; to be called once, when no request runs any more.
    pub fn close(&self) {
        self.restores.close();
        self.health.close();
        self.events.close();
        self.indexing.close();
        self.maintenance.close();
    }
}
