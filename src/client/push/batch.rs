//! A batch: operations that fit into one request, fixed for good, marked as sent, and written.

use std::collections::{BTreeSet, VecDeque};

use serde_json::value::RawValue;

use super::Push;
use super::batch_size::BatchSize;
use super::queue::Named;
use crate::client::apply::Local;
use crate::client::clock::now_us;
use crate::client::error::ClientError;
use crate::client::model::{Direction, Identity, SyncSettings};
use crate::client::state::{Change, DocId, QueuedOperation, Setting, StateError};
use crate::client::transport::wire::{Batch, encode_operation};
use crate::yjs::merge::{encode_state_vector, facts_of};

/// Texts up to this size go with their Yjs update, so that the server need not derive them.
const MAX_SENT_CONTENT: usize = 64 * 1024;

/// A batch, written.
pub(super) struct Chunk {
    pub(super) operations: Vec<QueuedOperation>,
    pub(super) body: Vec<u8>,
    /// Whether it asks for a page of the feed as well.
    pub(super) pulls: bool,
}

impl Push<'_, '_, '_> {
    /// The next batch, its operations marked as sent.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Chunk>, ClientError> {
        self.pull.local.state.begin_group()?;
        let outcome = self.gather_chunk();
        let committed = self.pull.local.state.end_group();
        outcome.and_then(|chunk| committed.map(|()| chunk).map_err(Into::into))
    }

    fn gather_chunk(&mut self) -> Result<Option<Chunk>, ClientError> {
        let most = self.next_size();
        let Local { state, held, .. } = &mut *self.pull.local;
        let list = |busy: &BTreeSet<DocId>| state.change(|change| list_free(change, busy, held));
        let mut turn = self.queue.next(most.operations, held, list)?;
        let (mut operations, mut written, mut bytes) = (Vec::new(), Vec::<Box<RawValue>>::new(), 0_usize);
        while let Some(candidate) = turn.names.pop_front() {
            let Some((operation, raw)) = self.prepare(&candidate.0)? else { continue };
            let size = raw.get().len() + 1;
            if !operations.is_empty() && bytes + size > most.bytes {
                turn.names.push_front(candidate);
                break;
            }
            bytes += size;
            operations.push(operation);
            written.push(raw);
        }
        self.queue.put_back(turn);
        if operations.is_empty() { Ok(None) } else { self.write_chunk(operations, &written).map(Some) }
    }

    /// The first queued operation of each document that is free.
    pub(super) fn list_all_free(&mut self) -> Result<VecDeque<Named>, ClientError> {
        let Local { state, held, .. } = &mut *self.pull.local;
        Ok(state.change(|change| list_free(change, &BTreeSet::new(), held))?)
    }

    /// How large the next batch may be.
    fn next_size(&mut self) -> BatchSize {
        let (all, most) = (self.all(), self.most());
        match self.settings.batch_size {
            Some(given) => BatchSize { operations: given.min(all.operations), ..all },
            None => self.queue.size(most),
        }
    }

    /// Writes the request.
    pub(super) fn write_chunk(
        &mut self,
        operations: Vec<QueuedOperation>,
        written: &[Box<RawValue>],
    ) -> Result<Chunk, ClientError> {
        let SyncSettings { atomic, dry_run, direction, .. } = *self.settings;
        let cursor = self.pull.local.state.change(|change| change.find_setting(Setting::Cursor))?;
        // The feed leaves out what its own batch wrote, and nothing else: after several batches it is read by itself.
        let pulls = self.queue.is_only_one() && cursor.is_some() && direction == Direction::Both && !dry_run;
        let Identity { workspace, device } = self.pull.server.identity();
        let request = Batch {
            workspace_id: workspace,
            device_id: device,
            atomic,
            dry_run,
            sync_id: self.run_id,
            upload: None,
            cursor: pulls.then_some(cursor.as_deref()),
            operations: written.iter().map(AsRef::as_ref).collect(),
        };
        let body = serde_json::to_vec(&request).map_err(|error| ClientError::Usage(error.to_string()))?;
        Ok(Chunk { operations, body, pulls })
    }

    /// Fixes an operation for good, marks it as sent, and writes it.
    pub(super) fn prepare(&mut self, name: &str) -> Result<Option<(QueuedOperation, Box<RawValue>)>, ClientError> {
        let (operation, known) = self.pull.local.state.change(|change| {
            let Some(mut operation) = change.find_operation(name)? else { return Ok((None, None)) };
            let known = change.find_with_body(operation.document_id)?;
            if let Some((file, body)) = known.as_ref().filter(|_| !operation.sent) {
                let lacks_some = change.has_dead_letters(operation.document_id)?;
                if operation.kind == "update" && file.version == 0 {
                    // Its creation was refused: the document as it is now is made in its place.
                    "create".clone_into(&mut operation.kind);
                    operation.title = Some(file.title.clone());
                    operation.yjs_update.clone_from(&body.yjs_state);
                    operation.content = Some(body.content.clone());
                }
                if operation.yjs_update.is_some() {
                    // The server takes this for the text of its version and this update together. It is only now that
                    // the version is known, and only if the server has everything that was pushed before.
                    operation.content = sent_content(&body.content).filter(|_| !lacks_some && !operation.restore);
                }
                if operation.kind != "create" {
                    operation.base_version = Some(file.version);
                }
            }
            operation.sent = true;
            operation.attempts += 1;
            if operation.first_sent_at == 0 {
                operation.first_sent_at = now_us();
            }
            change.update_operation(&operation)?;
            Ok((Some(operation), known))
        })?;
        let Some(operation) = operation else { return Ok(None) };
        let vector = known.and_then(|(_, body)| body.yjs_state).filter(|_| operation.kind == "update");
        let vector = vector.and_then(|state| facts_of(&[state]).ok()).map(|(vector, ..)| encode_state_vector(&vector));
        let raw = encode_operation(&operation, vector.as_deref().filter(|_| operation.yjs_update.is_some()));
        raw.map(|raw| Some((operation, raw))).map_err(|error| ClientError::Usage(error.to_string()))
    }
}

/// The first queued operation of each document that is free. Those that were sent before and not answered come last, so that
/// they hold up no other.
fn list_free(
    change: &mut Change<'_>,
    busy: &BTreeSet<DocId>,
    held: &BTreeSet<DocId>,
) -> Result<VecDeque<Named>, StateError> {
    let (queue, attempts) = (change.list_outbox()?, change.load_attempts()?);
    let mut taken: BTreeSet<DocId> = change.list_conflicts()?.iter().map(|(id, ..)| *id).collect();
    taken.extend(busy.iter().chain(held));
    let free = queue.into_iter().filter(|(_, id, _)| taken.insert(*id));
    let mut names: Vec<Named> = free.map(|(name, id, _)| (name, id)).collect();
    if !attempts.is_empty() {
        names.sort_by_key(|(name, _)| attempts.get(name).copied().unwrap_or(0));
    }
    Ok(names.into())
}

/// What of a text goes along with its Yjs update.
fn sent_content(text: &str) -> Option<String> {
    (text.len() <= MAX_SENT_CONTENT).then(|| text.to_owned())
}
