//! Folds [`decide`] over a batch: outcomes, and one write set. Atomic only says whether a failure empties it.

use std::collections::{BTreeSet, HashMap};

use crate::domain::batch::{Resolution, execution_order};
use crate::domain::conditions::{expects, head_write, unused_names};
use crate::domain::decide::decide;
use crate::domain::decision::{BaseView, ContentChange, Decision, Situation, Standing, TextFacts, Want};
use crate::domain::document::{ANY_PAYLOAD, DocumentHead, DocumentWrite, Receipt, WriteSet};
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, UserId, Version};
use crate::domain::line_diff::Budget;
use crate::domain::needs::Loaded;
use crate::domain::operation::{Operation, OperationKind, Submitted, Target, digest_of};
use crate::domain::outcome::{Attach, Base, Ending, Outcome, Status};
use crate::domain::quota::{Held, Room};
use crate::domain::refusal::not_now;
use crate::domain::text_merge::MERGE_STEPS;
use crate::domain::text_steps::{PlannedEdit, WantedText};
use crate::domain::track::{Authorship, Track};
use crate::domain::verdict::Verdict;

/// How a batch is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Mode<'a> {
    /// Author and time.
    pub by: Authorship,
    /// Whose each operation is, by its place, where each is a batch of its own; empty = all are the author's.
    pub authors: &'a [UserId],
    /// All or nothing.
    pub atomic: bool,
    /// Whether successes leave receipts.
    pub with_receipts: bool,
    /// Operations that the database refused to store when they were tried before: they fail.
    pub refused: &'a BTreeSet<usize>,
    /// Steps that the merges of the batch may take together; each at most [`MERGE_STEPS`].
    pub merge_steps: usize,
    /// What the workspace has room for.
    pub room: Room,
    /// The most that it may hold, whatever else is written meanwhile.
    pub most: Option<Held>,
    /// Look at this many operations only, in order of execution: how a refused one is searched for.
    pub first: Option<usize>,
    /// Bytes that a text may have.
    pub max_content_bytes: usize,
}

/// [`Mode::merge_steps`] of a batch that nobody waits for.
pub const BATCH_MERGE_STEPS: usize = 10 * MERGE_STEPS;
/// Bytes that the merged texts of a batch may have together, which may be much more than what the batch carries. What is
/// beyond them is a conflict.
const BATCH_MERGE_BYTES: usize = 32 * 1024 * 1024;

/// Outcomes in submitted order, and what to store.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One for each operation (fewer if [`Mode::first`] says so).
    pub outcomes: Vec<Outcome>,
    /// What to store.
    pub writes: WriteSet,
    /// The order of execution, as places in the request.
    pub order: Vec<usize>,
    /// An atomic batch failed: nothing is to be stored.
    pub rolled_back: bool,
    /// What has to be known before it can be decided.
    pub wanted: Vec<WantedText>,
    /// What has to be made before it can be stored, in the order of the log.
    pub edits: Vec<PlannedEdit>,
}

impl Plan {
    /// Of outcomes that are known: nothing is to be stored.
    #[must_use]
    pub fn of_outcomes(outcomes: Vec<Outcome>, order: Vec<usize>) -> Self {
        let (writes, wanted, edits) = (WriteSet::default(), Vec::new(), Vec::new());
        Self { outcomes, writes, order, rolled_back: false, wanted, edits }
    }
}

/// Decides every operation and collects what is to be stored.
#[must_use]
pub fn plan(mode: Mode<'_>, operations: &[Submitted], resolutions: &[Resolution], loaded: &Loaded) -> Plan {
    let mut planner = Planner {
        mode,
        loaded,
        merge_steps: mode.merge_steps,
        merge_bytes: BATCH_MERGE_BYTES,
        room: mode.room,
        checks_held: mode.atomic && loaded.is_applied(operations),
        tracks: HashMap::new(),
        touched: Vec::new(),
        writes: WriteSet::default(),
        wanted: Vec::new(),
        edits: Vec::new(),
    };
    let mut outcomes: Vec<Option<Outcome>> = operations.iter().map(|_| None).collect();
    let order = execution_order(operations, resolutions);
    for position in order.iter().copied().take(mode.first.unwrap_or(usize::MAX)) {
        let (Some(submitted), Some(resolution)) = (operations.get(position), resolutions.get(position)) else {
            continue;
        };
        let create_failed = resolution
            .refers_to
            .and_then(|at| outcomes.get(at).and_then(Option::as_ref))
            .is_some_and(|create| create.status() != Status::Success);
        let outcome = planner.run(submitted, resolution, create_failed);
        if let Some(slot) = outcomes.get_mut(position) {
            *slot = Some(outcome);
        }
    }
    planner.finish(outcomes.into_iter().flatten().collect(), operations, order)
}

struct Planner<'a> {
    mode: Mode<'a>,
    loaded: &'a Loaded,
    /// Steps that are left for merges.
    merge_steps: usize,
    /// Bytes that merged texts may still have.
    merge_bytes: usize,
    /// What is left of the workspace's room.
    room: Room,
    /// Everything that the batch's checks guarded has been applied: they held then.
    checks_held: bool,
    tracks: HashMap<DocumentId, Track>,
    /// Documents in the order in which they were first changed.
    touched: Vec<DocumentId>,
    writes: WriteSet,
    wanted: Vec<WantedText>,
    edits: Vec<PlannedEdit>,
}

impl Planner<'_> {
    fn run(&mut self, submitted: &Submitted, resolution: &Resolution, create_failed: bool) -> Outcome {
        self.follow(resolution.document_id);
        let Verdict { ending, document, attach } = self.judge(submitted, resolution, create_failed);
        let track = resolution.document_id.and_then(|id| self.tracks.get_mut(&id));
        let is_minted = matches!(submitted.target(), Some(Target::Minted(_)));
        let (mut document_id, mut version) = (resolution.document_id.filter(|_| !is_minted), None);
        if let Some((id, at)) = document {
            (document_id, version) = (Some(id), at);
        } else if let Some(track) = track {
            let is_check = submitted.kind() == Some(OperationKind::Check);
            let failed = if is_check { &mut track.check_failed } else { &mut track.failed };
            *failed = true;
            version = track.version();
        }
        let (client_id, kind) = (submitted.client_id().map(str::to_owned), submitted.kind());
        Outcome { index: submitted.index(), client_id, kind, document_id, version, ending, attach }
    }

    /// Starts to follow a document through the batch, unless that has begun.
    fn follow(&mut self, id: Option<DocumentId>) {
        let (Some(id), loaded) = (id, self.loaded) else { return };
        self.tracks.entry(id).or_insert_with(|| {
            let stored = loaded.heads.get(&id);
            let text = stored.and_then(|head| loaded.texts.get(&(id, head.version)));
            Track::new(stored.cloned(), text.and_then(|text| text.content.clone()), loaded.deletions.get(&id).cloned())
        });
    }

    fn judge(&mut self, submitted: &Submitted, resolution: &Resolution, create_failed: bool) -> Verdict {
        let operation = match submitted {
            Submitted::Rejected(rejected) => return Verdict::failure(Ending::failed(rejected.error.clone())),
            Submitted::Valid(operation) => operation,
        };
        let building_on_a_failure = || {
            let message = "an operation that this one builds on failed; settle that one first";
            Verdict::failure(Ending::skipped(ErrorCode::DependencyFailed, message))
        };
        let id = match (&resolution.error, resolution.document_id) {
            (Some(error), _) => return Verdict::failure(Ending::failed(error.clone())),
            (None, None) if create_failed => return building_on_a_failure(),
            (None, None) => return Verdict::error(ErrorCode::Invalid, "the operation names no document", None),
            (None, Some(id)) => id,
        };
        let receipt = self.loaded.receipts.get(&operation.client_id);
        if self.loaded.damaged.contains(&id) && receipt.is_none() {
            let message = "a stored part of the document cannot be read; the operator can find out which";
            return Verdict::error(ErrorCode::Damaged, message, None);
        }
        if operation.kind == OperationKind::Check {
            return self.check(operation, id);
        }
        let track = self.tracks.get(&id);
        let failed_before = track.is_some_and(|track| track.failed || (track.check_failed && receipt.is_none()));
        if failed_before || create_failed {
            return building_on_a_failure();
        }
        if self.mode.refused.contains(&operation.index) {
            return Verdict::error(ErrorCode::Internal, "the database refused this operation's data", None);
        }
        match receipt {
            Some(receipt) => self.replay(operation, id, receipt),
            None => self.run_new(operation, id),
        }
    }

    fn run_new(&mut self, operation: &Operation, id: DocumentId) -> Verdict {
        let loaded = self.loaded;
        let stored_view = |version: Version| {
            let text = loaded.texts.get(&(id, version))?;
            Some(BaseView { title: text.title.clone(), content: text.content.clone() })
        };
        let track = self.tracks.entry(id).or_default();
        let standing = track.standing(operation, stored_view);
        let situation = Situation {
            current: track.head.as_ref(),
            deleted_by_batch: track.deleted_by_batch,
            standing: standing.clone(),
            // What was derived for the operation is bounded by itself.
            content: (loaded.derived.get(&operation.index).map(|text| &**text))
                .or_else(|| track.content.as_deref().filter(|_| self.merge_bytes > 0)),
            known_deletions: track.deletions.as_ref(),
            is_damaged: loaded.unshowable.contains(&id) && !track.is_changed(),
            text: TextFacts {
                is_rich: loaded.rich.contains(&id),
                is_unavailable: loaded.unavailable.contains(&id),
                is_base_final: operation.base_version.is_none_or(|base| loaded.is_final((id, base))),
                max_bytes: self.mode.max_content_bytes,
            },
        };
        let steps = self.merge_steps.min(MERGE_STEPS);
        let mut budget = Budget::of(steps);
        let mut decision = decide(&situation, operation, &mut budget);
        self.merge_steps -= steps - budget.left();
        self.merge_bytes = self.merge_bytes.saturating_sub(decision.merged_bytes());
        if let Some(refusal) = loaded.unfit.get(&operation.index).and_then(|unfit| unfit.refusal(&decision)) {
            decision = refusal.into();
        }
        match decision {
            Decision::Refuse(refusal) => {
                let version = operation.base_version.filter(|_| refusal.with_base);
                let base = version.and_then(|version| stored_view(version).map(|view| (version, view)));
                let base = base.map(|(version, view)| Base { version, title: view.title, content: view.content });
                Verdict::refusal(*refusal, base, operation.index, track.head.is_some())
            }
            Decision::Wants(want) => {
                let base = operation.base_version.filter(|_| want == Want::BaseText);
                let entries = self.writes.log.len();
                self.wanted.push(WantedText { place: operation.index, document_id: id, base, entries });
                Verdict::refusal(not_now(), None, operation.index, true)
            }
            decision => {
                if !self.room.take(decision.added(operation, track.head.as_ref())) {
                    let message = "the workspace, or what its owner may store, is full (GET /api/v1/limits, …/stats)";
                    return Verdict::error(ErrorCode::QuotaExceeded, message, None);
                }
                let has_state = track.head.as_ref().is_some_and(|head| head.state_vector.is_some());
                let text = loaded.derived.get(&operation.index).or(track.content.as_ref());
                if let (Decision::Update(effect), Some(text), true) = (&decision, text, has_state)
                    && matches!(effect.content, ContentChange::Set(_))
                    && !effect.append_yjs
                {
                    let (entry, from) = (self.writes.log.len(), digest_of(text));
                    self.edits.push(PlannedEdit { place: operation.index, document_id: id, entry, from });
                }
                self.apply(operation, id, decision, &standing)
            }
        }
    }

    /// A check looks at the document as it was before the batch, and leaves nothing behind.
    fn check(&self, operation: &Operation, id: DocumentId) -> Verdict {
        let stored = self.tracks.get(&id).and_then(|track| track.stored.as_ref());
        let situation = Situation {
            current: stored,
            deleted_by_batch: false,
            standing: Standing::Unstated,
            content: None,
            known_deletions: None,
            is_damaged: false,
            text: TextFacts { is_rich: false, is_unavailable: false, is_base_final: true, max_bytes: 0 },
        };
        match decide(&situation, operation, &mut Budget::of(0)) {
            Decision::Refuse(refusal) if !self.checks_held => {
                Verdict::refusal(*refusal, None, operation.index, stored.is_some())
            }
            _ => Verdict::success(Ending::Held, id, stored.map(|head| head.version)),
        }
    }

    fn replay(&mut self, operation: &Operation, id: DocumentId, receipt: &Receipt) -> Verdict {
        let Some(digest) = receipt.payload_digest else {
            let message = "the receipt of this operation cannot be read, so that nobody knows what came of it; the operator can repair it";
            return Verdict::error(ErrorCode::Damaged, message, None);
        };
        let same_target = matches!(operation.target, Target::Minted(_)) || id == receipt.document_id;
        let same_payload = digest == operation.payload_digest || digest == ANY_PAYLOAD;
        if receipt.kind != operation.kind || !same_payload || !same_target {
            let message = "this client_id was used before for another operation; give each operation a name of its own";
            let pointer = format!("/operations/{}/client_id", operation.index);
            return Verdict::error(ErrorCode::ClientIdReused, message, Some(pointer));
        }
        let track = self.tracks.entry(id).or_default();
        let attach = if track.has_news(operation, receipt) { Attach::Document } else { Attach::Nothing };
        track.note_success(operation, receipt.version, None);
        track.deleted_by_batch |= operation.kind == OperationKind::Delete && track.version() == receipt.version;
        Verdict::success(Ending::Replayed, receipt.document_id, receipt.version).attaching(attach)
    }

    fn apply(&mut self, operation: &Operation, id: DocumentId, decision: Decision, standing: &Standing) -> Verdict {
        let author = self.mode.authors.get(operation.index).copied();
        let by = Authorship { user_id: author.unwrap_or(self.mode.by.user_id), ..self.mode.by };
        let track = self.tracks.entry(id).or_default();
        let was_changed = track.is_changed();
        let plainly = Ending::Applied { merged: false, title_overwritten: false };
        let (ending, entry) = match (decision, track.head.clone()) {
            (Decision::Create, _) => (plainly, Some(track.create(id, operation, by))),
            (Decision::Update(effect), Some(head)) => {
                let ending = Ending::Applied { merged: effect.merged, title_overwritten: effect.title_overwritten };
                (ending, Some(track.update(head, operation, *effect, by)))
            }
            (Decision::Delete, Some(head)) => (plainly, Some(track.delete(head, operation, by))),
            _ => (Ending::Unchanged, None),
        };
        let version = track.version();
        // Its author has not seen what it was applied onto, and no feed tells them what they wrote themselves.
        let behind = operation.kind == OperationKind::Update && !matches!(standing, Standing::Current);
        let view = track.editor_view(operation, standing).filter(|_| behind && !operation.force);
        track.note_success(operation, version, view);
        if entry.is_some() && !was_changed {
            self.touched.push(id);
        }
        self.writes.log.extend(entry);
        if self.mode.with_receipts {
            self.writes.receipts.push(Receipt {
                client_id: operation.client_id.clone(),
                kind: operation.kind,
                payload_digest: Some(operation.payload_digest),
                document_id: id,
                version,
                created_at: by.now,
            });
        }
        Verdict::success(ending, id, version).attaching(if behind { Attach::Document } else { Attach::Nothing })
    }

    fn finish(mut self, mut outcomes: Vec<Outcome>, operations: &[Submitted], order: Vec<usize>) -> Plan {
        let failed = outcomes.iter().any(|outcome| matches!(outcome.status(), Status::Conflict | Status::Error));
        let rolled_back = self.mode.atomic && failed;
        if rolled_back {
            for outcome in &mut outcomes {
                self.roll_back(outcome, operations.get(outcome.index));
            }
            let (wanted, edits) = (self.wanted, Vec::new());
            return Plan { outcomes, writes: WriteSet::default(), order, rolled_back, wanted, edits };
        }
        for id in &self.touched {
            let Some(Track { stored, head: Some(head), .. }) = self.tracks.remove(id) else { continue };
            let state = |head: &DocumentHead| (!head.is_purged()).then(|| head.is_deleted());
            self.writes.growth.count(stored.as_ref().and_then(state), Some(head.is_deleted()));
            self.writes.documents.push(DocumentWrite { write: head_write(stored.as_ref()), head });
        }
        if !self.writes.is_empty() {
            self.writes.expects = expects(&self.tracks, &self.loaded.damaged);
            if self.mode.with_receipts {
                self.writes.unused_names = unused_names(operations, &self.loaded.receipts, &self.writes.receipts);
            }
            self.writes.most = self.mode.most;
            self.writes.are_apart = !self.mode.authors.is_empty();
        }
        Plan { outcomes, writes: self.writes, order, rolled_back, wanted: self.wanted, edits: self.edits }
    }

    /// What an outcome becomes when the atomic batch around it failed: nothing that the batch did remains.
    fn roll_back(&self, outcome: &mut Outcome, submitted: Option<&Submitted>) {
        let stored = outcome.document_id.and_then(|id| self.tracks.get(&id)).and_then(|track| track.stored.as_ref());
        outcome.version = stored.map(|head| head.version);
        if stored.is_none() {
            outcome.attach = Attach::Nothing;
        }
        if outcome.status() == Status::Success {
            outcome.attach = Attach::Nothing;
            let message = "another operation of the atomic batch failed; nothing was applied";
            outcome.ending = Ending::skipped(ErrorCode::RolledBack, message);
        }
        if stored.is_none() && matches!(submitted.and_then(Submitted::target), Some(Target::Minted(_) | Target::Ref(_)))
        {
            outcome.document_id = None;
        }
    }
}
