//! What a batch is decided on, and the decision. Both happen off every lock, unless the batch has lost too many races.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use crate::domain::batch::{Resolution, resolve_targets};
use crate::domain::cursor::Cursor;
use crate::domain::ids::{DocumentId, Version};
use crate::domain::limits::YjsCaps;
use crate::domain::needs::{Loaded, needs};
use crate::domain::operation::{Digest, Submitted};
use crate::domain::plan::{Mode, Plan, plan};
use crate::domain::quota::{Held, Quotas, Room};
use crate::domain::sync_run::RunStatus;
use crate::domain::timestamp::Timestamp;
use crate::domain::track::Authorship;
use crate::domain::upload::{Committing, UploadState};
use crate::domain::yjs_facts::ScannedUpdate;
use crate::store::feed::FeedState;
use crate::store::{Snapshot, StoreError};
use crate::sync::fit::Fitting;
use crate::sync::pull::cursor_of;
use crate::sync::typing::{Typed, Typing};
use crate::sync::{Batch, BatchRefusal};
use crate::yjs::merge::deletions_of;

/// Bytes of old texts that a batch is decided on. An edit whose texts are beyond them is a conflict. What a batch carries is
/// less, so that only small edits of texts that were much larger before come to that.
const MAX_TEXT_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of Yjs states that are looked at together, unless one alone has more.
const STATES_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of the Yjs states that are kept for changing texts in them, unless one alone has more.
const MAX_KEPT_BYTES: usize = 64 * 1024 * 1024;

/// Operations of a batch that is light.
const LIGHT_OPERATIONS: usize = 100;
/// Bytes of texts and states that are read for a light batch.
const LIGHT_BYTES: usize = 64 * 1024;

/// Which part of a batch to run: what the search for a refused operation varies.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// Operations (by place) that the database refused before.
    pub refused: BTreeSet<usize>,
    /// Only the first so many, in order of execution; stored nothing.
    pub trial: Option<usize>,
    /// Documents of which a stored part could not be read: their operations fail.
    pub damaged: BTreeSet<DocumentId>,
    /// What a document's Yjs state may be.
    pub yjs: YjsCaps,
    /// Bytes that a text may have.
    pub max_content_bytes: usize,
    /// What a workspace and a user may hold.
    pub quotas: Quotas,
    /// What is remembered of documents that people type into.
    pub typing: Arc<Typing>,
}

/// Yjs states, in their parts.
type States = HashMap<DocumentId, Vec<Vec<u8>>>;

/// What was read, and the documents meant.
type Read = (Loaded, Vec<Resolution>, ReadStates);

/// What was seen of Yjs states.
struct ReadStates {
    /// Those that are kept.
    kept: States,
    /// Bytes of all that were read.
    bytes: usize,
    typed: Vec<Typed>,
}

/// Yjs updates that were made, by the places of their operations: of which text they make which.
pub(super) type MadeEdits = HashMap<usize, (Digest, Digest, ScannedUpdate)>;

/// One state of the database, as far as a batch needs it.
#[derive(Clone, Debug)]
pub struct Looked {
    pub(super) loaded: Loaded,
    resolutions: Vec<Resolution>,
    /// The Yjs states that were read.
    pub(super) parts: States,
    /// The edits of texts that were made for a plan so far.
    pub(super) made: MadeEdits,
    /// The feed as it stood.
    pub(super) feed: FeedState,
    /// Where the batch pulls from; `None` = push only.
    pub(super) cursor: Option<Cursor>,
    /// What the workspace has room for, and the most that it may hold.
    room: Room,
    most: Option<Held>,
    /// Bytes of the texts and Yjs states that were read.
    bytes: usize,
    /// What is to be remembered of it once it is stored.
    pub(super) typed: Vec<Typed>,
}

impl Looked {
    /// Whether looking and deciding again takes less than a millisecond or so: the lock may be held meanwhile.
    pub(super) fn is_light(&self, request: &Batch) -> bool {
        request.operations.len() <= LIGHT_OPERATIONS && self.bytes <= LIGHT_BYTES && request.upload.is_none()
    }
}

/// Reads what the batch is decided on.
///
/// # Errors
/// Inside: a cursor or a cancelled run refuses the batch. Outside: what the store says.
pub fn look(
    snapshot: &mut dyn Snapshot,
    request: &Batch,
    attempt: &Attempt,
) -> Result<Result<Looked, BatchRefusal>, StoreError> {
    let feed = snapshot.feed()?;
    let from = request.pull.as_ref().filter(|_| attempt.trial.is_none());
    let cursor = match from.map(|from| cursor_of(from, request.workspace_id, &feed)).transpose() {
        Ok(cursor) => cursor,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // Of a batch that is to be stored this is asked again, where nobody can cancel the run meanwhile.
    if let Some(sync_id) = request.sync_id.filter(|_| request.dry_run)
        && snapshot.find_sync_run(sync_id)?.is_some_and(|run| run.status == RunStatus::Cancelled)
    {
        return Ok(Err(BatchRefusal::SyncCancelled));
    }
    if let Some(Committing { upload_id, revision }) = request.upload {
        let found = snapshot.find_upload(upload_id)?;
        if !found.is_some_and(|upload| upload.state == UploadState::Open && upload.revision == revision) {
            return Ok(Err(BatchRefusal::UploadChanged));
        }
    }
    let (loaded, resolutions, states) = load(snapshot, request, attempt, feed.version_floor)?;
    let texts = loaded.texts.values().filter_map(|text| text.content.as_ref()).map(|content| content.len());
    let bytes = texts.fold(states.bytes, usize::saturating_add);
    let ReadStates { kept: parts, typed, .. } = states;
    let (room, most) = find_room(snapshot, &attempt.quotas)?;
    Ok(Ok(Looked { loaded, resolutions, parts, made: MadeEdits::new(), feed, cursor, room, most, bytes, typed }))
}

/// What the workspace has room for. Where there is no quota, nothing is read.
fn find_room(snapshot: &mut dyn Snapshot, quotas: &Quotas) -> Result<(Room, Option<Held>), StoreError> {
    if !quotas.is_any() {
        return Ok((Room::ENDLESS, None));
    }
    let held = snapshot.held()?;
    let by_owner = if quotas.is_for_users() { snapshot.held_by_owner()? } else { Held::default() };
    let most = quotas.is_for_workspaces().then(|| Held {
        documents: quotas.max_workspace_documents.unwrap_or(i64::MAX),
        bytes: quotas.max_workspace_bytes.unwrap_or(i64::MAX),
    });
    Ok((quotas.room(held, by_owner), most))
}

fn load(
    snapshot: &mut dyn Snapshot,
    request: &Batch,
    attempt: &Attempt,
    version_floor: Version,
) -> Result<Read, StoreError> {
    let operations = &request.operations;
    let mut loaded = Loaded { damaged: attempt.damaged.clone(), ..Loaded::default() };
    if request.device_id.is_some() {
        let names: BTreeSet<&str> = operations.iter().flat_map(Submitted::receipt_names).collect();
        let receipts = snapshot.find_receipts(&names.into_iter().collect::<Vec<_>>())?;
        loaded.receipts = receipts.into_iter().map(|receipt| (receipt.client_id.clone(), receipt)).collect();
    }
    let resolutions = resolve_targets(operations, &loaded.receipts);
    let ids: BTreeSet<DocumentId> = resolutions.iter().filter_map(|resolution| resolution.document_id).collect();
    let heads = snapshot.load_heads(&ids.difference(&attempt.damaged).copied().collect::<Vec<_>>())?;
    loaded.heads = heads.into_iter().map(|head| (head.document_id, head)).collect();
    let needs = needs(operations, &resolutions, &loaded);
    if !needs.texts.is_empty() {
        let texts = snapshot.load_texts(&needs.texts.into_iter().collect::<Vec<_>>(), MAX_TEXT_BYTES)?;
        loaded.texts = texts.into_iter().map(|text| ((text.document_id, text.version), text)).collect();
    }
    let typing = (&*attempt.typing, version_floor);
    let fitting = Fitting::new(operations, &resolutions, &loaded, &attempt.yjs, typing);
    let states = look_at_states(snapshot, fitting, needs.deletions, &mut loaded)?;
    Ok((loaded, resolutions, states))
}

/// Looks at the Yjs states that the batch builds on, a few at a time. Kept are those in which texts are to be changed, as
/// far as there is room; the others' texts cannot be changed now.
fn look_at_states(
    snapshot: &mut dyn Snapshot,
    mut fitting: Fitting<'_>,
    deletions: BTreeSet<DocumentId>,
    loaded: &mut Loaded,
) -> Result<ReadStates, StoreError> {
    let (mut kept, mut kept_bytes, mut bytes) = (States::new(), 0_usize, 0_usize);
    let mut ids: Vec<DocumentId> = deletions.union(&fitting.states_needed()).copied().collect();
    while !ids.is_empty() {
        let documents = snapshot.load_documents(&ids, STATES_BYTES)?;
        let Some(last) = documents.last().map(|document| document.head.document_id) else { break };
        ids = ids.split_off(ids.iter().position(|id| *id == last).map_or(ids.len(), |at| at + 1));
        for document in documents {
            let id = document.head.document_id;
            bytes = bytes.saturating_add(document.body_bytes());
            let damaged = |error| StoreError::Damaged { document_id: id, reason: format!("Yjs state: {error}") };
            if deletions.contains(&id) {
                loaded.deletions.insert(id, deletions_of(&document.yjs_parts).map_err(damaged)?);
            }
            if document.damaged {
                loaded.unshowable.insert(id);
            }
            let known = loaded.heads.get(&id).and_then(|head| head.state_vector.clone());
            if !fitting.check(id, &document.yjs_parts, known.unwrap_or_default()) {
                // It may be the document that cannot be read.
                deletions_of(&document.yjs_parts).map_err(damaged)?;
            }
            if let (Some(content), Some(text)) = (document.content, loaded.texts.get_mut(&(id, document.head.version)))
            {
                text.content = Some(content.into());
            }
            if fitting.is_of_text(id) {
                kept_bytes = document.yjs_parts.iter().fold(kept_bytes, |sum, part| sum.saturating_add(part.len()));
                if kept.is_empty() || kept_bytes <= MAX_KEPT_BYTES {
                    kept.insert(id, document.yjs_parts);
                } else {
                    loaded.unavailable.insert(id);
                }
            }
        }
    }
    let (unfit, typed) = fitting.finish();
    loaded.unfit = unfit;
    Ok(ReadStates { kept, bytes, typed })
}

/// Decides the batch on what was looked at: a function of its arguments.
#[must_use]
pub fn decide(looked: &Looked, request: &Batch, now: Timestamp, attempt: &Attempt, merge_steps: usize) -> Plan {
    let mode = Mode {
        by: Authorship { user_id: request.user_id, now, version_floor: looked.feed.version_floor },
        authors: &request.authors,
        atomic: request.atomic,
        with_receipts: request.device_id.is_some(),
        refused: &attempt.refused,
        merge_steps,
        room: looked.room,
        most: looked.most,
        first: attempt.trial,
        max_content_bytes: attempt.max_content_bytes,
    };
    let started = Instant::now();
    let plan = plan(mode, &request.operations, &looked.resolutions, &looked.loaded);
    // Order, decisions and three-way merges of texts.
    metrics::histogram!("landfall_plan_seconds").record(started.elapsed());
    plan
}
