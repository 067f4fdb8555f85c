//! The answer to a batch: what its results carry, read after the commit, as much as fits.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::domain::ids::{BatchId, DocumentId};
use crate::domain::operation::Submitted;
use crate::domain::outcome::{Attach, Outcome};
use crate::domain::yjs_facts::StateVector;
use crate::sync::apply::{AppliedBatch, Processed};
use crate::sync::gather::{Documents, Gathered, gather, gather_documents};
use crate::sync::service::SyncService;
use crate::sync::view::{Learned, Rendered, view_document};
use crate::sync::{Batch, BatchAnswer, DocumentView, OperationAnswer, ServerSide, SyncError, YjsBodies};
use crate::yjs::merge::encode_state_vector;
use crate::yjs::render::Turn;

/// Bytes of documents and texts after which the results of an answer carry no further ones.
pub const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of documents that are read for an answer, which may show less of them.
const READ_BYTES: usize = 64 * 1024 * 1024;

impl SyncService {
    /// The answer to a batch. Its results carry about `max_bytes` of documents; of what does not fit, nothing is read.
    ///
    /// # Errors
    /// What the store says, of a batch that stored nothing. What cannot be read after a commit only makes the answer
    /// poorer.
    pub fn answer_batch(
        &self,
        applied: AppliedBatch,
        max_bytes: usize,
        deadline: Instant,
    ) -> Result<BatchAnswer, SyncError> {
        let AppliedBatch { request, mut processed } = applied;
        let committed = !(processed.plan.rolled_back || request.dry_run);
        let mut answering = Answering {
            service: self,
            request: &request,
            wanted: processed.plan.outcomes.iter().map(wanted_by).collect(),
            documents: Documents::default(),
            room: Room { answer: max_bytes, read: READ_BYTES },
            // What is not rendered when the request has to be answered is left out.
            turn: self.turn_until(request.user_id, deadline),
            deadline,
        };
        let Gathered { documents, vectors, pulled } = answering.begin(&processed)?;
        answering.documents = documents;
        let outcomes = std::mem::take(&mut processed.plan.outcomes);
        let mut results = Vec::with_capacity(outcomes.len());
        for (place, mut outcome) in outcomes.into_iter().enumerate() {
            let server = match (outcome.attach, outcome.document_id) {
                (Attach::StateVector, Some(id)) => vectors
                    .get(&id)
                    .map_or(ServerSide::Nothing, |vector| ServerSide::StateVector(encode_state_vector(vector))),
                (Attach::Document, Some(id)) => answering.document(&processed, place, &mut outcome, id),
                _ => ServerSide::Nothing,
            };
            results.push(OperationAnswer { outcome, server, preview: None });
        }
        let changes = pulled
            .map(|pulled| self.show_changes(&answering.turn, request.workspace_id, pulled, YjsBodies::Whole).page);
        let batch_id = processed.stored.batch_id.or_else(|| self.replayed_batch(&request, &results));
        Ok(BatchAnswer {
            results,
            committed,
            dry_run: request.dry_run,
            atomic: request.atomic,
            changes,
            batch_id,
            restored: None,
            upload: None,
        })
    }
}

impl SyncService {
    /// The batch that made the versions of a batch of which everything was answered from receipts, if one alone did.
    fn replayed_batch(&self, request: &Batch, results: &[OperationAnswer]) -> Option<BatchId> {
        let replayed = results.iter().filter(|result| result.outcome.replayed());
        let made: Vec<_> =
            replayed.filter_map(|result| result.outcome.document_id.zip(result.outcome.version)).collect();
        if made.is_empty() || request.dry_run {
            return None;
        }
        let batches = self.store.find_batches(request.workspace_id, &made);
        // It only makes the answer poorer.
        let batches = batches.inspect_err(|error| tracing::warn!(%error, "the batch of a replay cannot be looked up"));
        let mut batches = batches.ok()?.into_iter();
        batches.next().filter(|_| batches.next().is_none())
    }
}

/// The document that a result carries.
fn wanted_by(outcome: &Outcome) -> Option<DocumentId> {
    outcome.document_id.filter(|_| outcome.attach == Attach::Document)
}

/// What is left of an answer's bounds.
struct Room {
    answer: usize,
    read: usize,
}

impl Room {
    const fn is_full(&self) -> bool {
        self.answer == 0 || self.read == 0
    }
}

/// An answer while it is made.
struct Answering<'a> {
    service: &'a SyncService,
    request: &'a Batch,
    /// The documents that the results carry, by place.
    wanted: Vec<Option<DocumentId>>,
    /// Those that were read last.
    documents: Documents,
    room: Room,
    turn: Turn<'a>,
    deadline: Instant,
}

impl Answering<'_> {
    /// Reads what the answer shows, of the documents the first.
    fn begin(&mut self, processed: &Processed) -> Result<Gathered, SyncError> {
        if !processed.shows_something() {
            return Ok(Gathered::default());
        }
        let wanted = if self.room.is_full() { Vec::new() } else { self.wanted_from(0) };
        let scope = self.service.scope(self.request, self.deadline);
        match self.service.store.look(&scope, |snapshot| gather(snapshot, processed, &wanted)) {
            Err(error) if processed.stored.wrote => {
                tracing::error!(workspace_id = %self.request.workspace_id, %error, "what a batch met cannot be shown");
                self.room.answer = 0;
                Ok(Gathered::nothing(processed))
            }
            gathered => Ok(gathered?),
        }
    }

    /// The documents that results from this place on carry, each once, in their order.
    fn wanted_from(&self, place: usize) -> Vec<DocumentId> {
        let mut seen = BTreeSet::new();
        let later = self.wanted.iter().skip(place).flatten();
        later.copied().filter(|id| !self.documents.missing.contains(id) && seen.insert(*id)).collect()
    }

    /// The document of the result at `place`, if it still fits; what else the result carries is counted with it, or left
    /// out with it.
    fn document(&mut self, processed: &Processed, place: usize, outcome: &mut Outcome, id: DocumentId) -> ServerSide {
        if !self.room.is_full() && !self.documents.found.contains_key(&id) && !self.documents.missing.contains(&id) {
            self.read_on(processed, place);
        }
        if self.room.is_full() {
            outcome.drop_texts();
            return outcome
                .version
                .map_or(ServerSide::Nothing, |version| ServerSide::Omitted { document_id: id, version });
        }
        let Some(document) = self.documents.found.get_mut(&id) else { return ServerSide::Nothing };
        self.room.read = self.room.read.saturating_sub(document.body_bytes());
        self.room.answer = self.room.answer.saturating_sub(outcome.text_bytes());
        let reader = self.request.operations.get(outcome.index).and_then(reader_of);
        match view_document(&self.turn, document.clone(), reader) {
            Ok((view, learned)) => {
                if let Learned::Text(text) = &learned {
                    document.content = Some(text.clone());
                }
                if !self.request.dry_run {
                    self.service.keep(self.request.workspace_id, Rendered::from(&document.head), learned);
                }
                self.room.answer = self.room.answer.saturating_sub(bytes_of(&view));
                ServerSide::Document(Box::new(view))
            }
            Err(error) => {
                tracing::error!(document_id = %id, %error, "the server's document cannot be shown");
                ServerSide::Nothing
            }
        }
    }

    /// Reads the next documents. If that fails the rest is left out.
    fn read_on(&mut self, processed: &Processed, place: usize) {
        let wanted = self.wanted_from(place);
        let scope = self.service.scope(self.request, self.deadline);
        match self.service.store.look(&scope, |snapshot| gather_documents(snapshot, processed, &wanted)) {
            Ok(Documents { found, missing }) => {
                self.documents.found = found;
                self.documents.missing.extend(missing);
            }
            Err(error) => {
                tracing::error!(workspace_id = %self.request.workspace_id, %error, "what a batch met cannot be shown");
                self.room.answer = 0;
            }
        }
    }
}

/// What the editor has of its document.
const fn reader_of(submitted: &Submitted) -> Option<&StateVector> {
    match submitted {
        Submitted::Valid(valid) => valid.reader_state_vector.as_ref(),
        Submitted::Rejected(_) => None,
    }
}

fn bytes_of(view: &DocumentView) -> usize {
    let text = view.content.as_ref().map_or(0, |content| content.len());
    text.saturating_add(view.yjs_state.as_ref().map_or(0, Vec::len)).saturating_add(view.title.len())
}
