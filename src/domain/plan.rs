//! Folds [`decide`] over a batch: outcomes, and one write set. Atomic only says whether a failure empties it.

use std::collections::{BTreeSet, HashMap};

use crate::domain::batch::{Resolution, execution_order};
use crate::domain::decide::{BaseView, Decision, Refusal, Situation, Standing, decide};
use crate::domain::document::{DocumentHead, DocumentWrite, HeadWrite, Receipt, VersionText, WriteSet};
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, Version};
use crate::domain::line_diff::Budget;
use crate::domain::operation::{Operation, OperationError, OperationKind, Submitted, Target};
use crate::domain::outcome::{Attach, Base, Outcome, Status};
use crate::domain::text_merge::MERGE_STEPS;
use crate::domain::track::{Authorship, Track};
use crate::domain::yjs_facts::DeleteSet;

/// What the store knows of the documents and names of a batch.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Receipts by `client_id`; empty without a device.
    pub receipts: HashMap<String, Receipt>,
    /// Heads of the documents that exist, live or deleted.
    pub heads: HashMap<DocumentId, DocumentHead>,
    /// Texts of versions, as [`needs`] asked for them.
    pub texts: HashMap<(DocumentId, Version), VersionText>,
    /// Deletions of Yjs states, as [`needs`] asked for them.
    pub deletions: HashMap<DocumentId, DeleteSet>,
    /// Documents of which a stored part cannot be read; nothing else is known of them.
    pub damaged: BTreeSet<DocumentId>,
}

/// What a plan needs besides heads and receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Titles and texts of these versions.
    pub texts: BTreeSet<(DocumentId, Version)>,
    /// Deletions of these documents' Yjs states.
    pub deletions: BTreeSet<DocumentId>,
}

/// How a batch is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Mode<'a> {
    /// Author and time.
    pub by: Authorship,
    /// All or nothing.
    pub atomic: bool,
    /// Whether successes leave receipts.
    pub with_receipts: bool,
    /// Operations that the database refused to store when they were tried before: they fail.
    pub refused: &'a BTreeSet<usize>,
    /// Steps that the merges of the batch may take together; each at most [`MERGE_STEPS`].
    pub merge_steps: usize,
    /// Look at this many operations only, in order of execution: how a refused one is searched for.
    pub first: Option<usize>,
}

/// [`Mode::merge_steps`] of a batch that nobody waits for.
pub const BATCH_MERGE_STEPS: usize = 10 * MERGE_STEPS;

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
}

/// What must be loaded before [`plan`] can decide, given receipts and heads. Asks for too much rather than too little.
#[must_use]
pub fn needs(operations: &[Submitted], resolutions: &[Resolution], loaded: &Loaded) -> Needs {
    let mut needs = Needs::default();
    let mut appended: BTreeSet<DocumentId> = BTreeSet::new();
    for (submitted, resolution) in operations.iter().zip(resolutions) {
        let (Submitted::Valid(operation), Some(id)) = (submitted, resolution.document_id) else { continue };
        let Some(head) = loaded.heads.get(&id) else { continue };
        if operation.kind == OperationKind::Check {
            continue;
        }
        let replayed = loaded.receipts.get(&operation.client_id).and_then(|receipt| receipt.version);
        let bare_yjs = operation.changes.yjs.is_some() && operation.changes.title.is_none();
        for base in operation.base_version.filter(|_| !bare_yjs).into_iter().chain(replayed) {
            if (head.epoch..head.version).contains(&base) {
                needs.texts.extend([(id, base), (id, head.version)]);
            }
        }
        if let (Some(update), Some(vector)) = (&operation.changes.yjs, &head.state_vector) {
            let may_be_known = !update.has_structs_beyond(vector) || !appended.insert(id);
            let compares = operation.kind == OperationKind::Create;
            if may_be_known && (compares || !update.deletes.is_empty()) {
                needs.deletions.insert(id);
            }
        }
    }
    needs
}

/// Decides every operation and collects what is to be stored.
#[must_use]
pub fn plan(mode: Mode<'_>, operations: &[Submitted], resolutions: &[Resolution], loaded: &Loaded) -> Plan {
    let mut planner = Planner {
        mode,
        loaded,
        merge_steps: mode.merge_steps,
        checks_held: mode.atomic && is_applied(operations, loaded),
        tracks: HashMap::new(),
        touched: Vec::new(),
        writes: WriteSet::default(),
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
            .is_some_and(|create| create.status != Status::Success);
        let outcome = planner.run(submitted, resolution, create_failed);
        if let Some(slot) = outcomes.get_mut(position) {
            *slot = Some(outcome);
        }
    }
    planner.finish(outcomes.into_iter().flatten().collect(), operations, order)
}

/// Whether everything but checks has a receipt: the batch is one that was applied before.
fn is_applied(operations: &[Submitted], loaded: &Loaded) -> bool {
    let mut guarded = operations.iter().filter(|operation| operation.kind() != Some(OperationKind::Check)).peekable();
    guarded.peek().is_some()
        && guarded.all(|operation| operation.client_id().is_some_and(|name| loaded.receipts.contains_key(name)))
}

struct Planner<'a> {
    mode: Mode<'a>,
    loaded: &'a Loaded,
    /// Steps that are left for merges.
    merge_steps: usize,
    /// Everything that the batch's checks guarded has been applied: they held then.
    checks_held: bool,
    tracks: HashMap<DocumentId, Track>,
    /// Documents in the order in which they were first changed.
    touched: Vec<DocumentId>,
    writes: WriteSet,
}

impl Planner<'_> {
    fn run(&mut self, submitted: &Submitted, resolution: &Resolution, create_failed: bool) -> Outcome {
        let mut outcome = blank(submitted, resolution);
        if let Some(id) = resolution.document_id {
            let stored = self.loaded.heads.get(&id);
            let loaded = self.loaded;
            self.tracks.entry(id).or_insert_with(|| {
                let content = stored.and_then(|head| loaded.texts.get(&(id, head.version)));
                Track::new(
                    stored.cloned(),
                    content.and_then(|text| text.content.clone()),
                    loaded.deletions.get(&id).cloned(),
                )
            });
        }
        let failure = match submitted {
            Submitted::Rejected(rejected) => Some(rejected.error.clone()),
            Submitted::Valid(_) => resolution.error.clone(),
        };
        let is_applied = submitted.client_id().is_some_and(|name| self.loaded.receipts.contains_key(name));
        let track = resolution.document_id.and_then(|id| self.tracks.get(&id));
        let failed_before = track.is_some_and(|track| track.failed || (track.check_failed && !is_applied));
        match (failure, submitted, resolution.document_id) {
            (Some(error), _, _) => fail(&mut outcome, error),
            (None, Submitted::Valid(_), Some(id)) if self.loaded.damaged.contains(&id) && !is_applied => {
                let message = "a stored part of the document cannot be read; the operator can repair it".to_owned();
                fail(&mut outcome, OperationError { code: ErrorCode::Damaged, message, pointer: None });
            }
            (None, Submitted::Valid(operation), Some(id)) if operation.kind == OperationKind::Check => {
                self.check(operation, id, &mut outcome);
            }
            _ if failed_before || create_failed => {
                let message = "an operation that this one builds on failed; settle that one first";
                skip(&mut outcome, ErrorCode::DependencyFailed, message);
            }
            (None, Submitted::Valid(operation), Some(id)) if !self.mode.refused.contains(&operation.index) => {
                self.run_valid(operation, id, &mut outcome);
            }
            (None, Submitted::Valid(_), Some(_)) => {
                let message = "the database refused this operation's data".to_owned();
                fail(&mut outcome, OperationError { code: ErrorCode::Internal, message, pointer: None });
            }
            (None, _, _) => {
                let message = "the operation names no document".to_owned();
                fail(&mut outcome, OperationError { code: ErrorCode::Invalid, message, pointer: None });
            }
        }
        if outcome.status != Status::Success
            && let Some(track) = resolution.document_id.and_then(|id| self.tracks.get_mut(&id))
        {
            let is_check = submitted.kind() == Some(OperationKind::Check);
            let failed = if is_check { &mut track.check_failed } else { &mut track.failed };
            *failed = true;
            outcome.version = track.version();
        }
        outcome
    }

    fn run_valid(&mut self, operation: &Operation, id: DocumentId, outcome: &mut Outcome) {
        if let Some(receipt) = self.loaded.receipts.get(&operation.client_id) {
            self.replay(operation, id, receipt, outcome);
            return;
        }
        let loaded = self.loaded;
        let stored_view = |version: Version| {
            let text = loaded.texts.get(&(id, version))?;
            Some(BaseView { title: text.title.clone(), content: text.content.clone() })
        };
        let Some(track) = self.tracks.get_mut(&id) else { return };
        let standing = track.standing(operation, stored_view);
        let situation = Situation {
            current: track.head.as_ref(),
            deleted_by_batch: track.deleted_by_batch,
            standing: standing.clone(),
            content: track.content.as_deref(),
            known_deletions: track.deletions.as_ref(),
        };
        let steps = self.merge_steps.min(MERGE_STEPS);
        let mut budget = Budget::of(steps);
        let decision = decide(&situation, operation, &mut budget);
        self.merge_steps -= steps - budget.left();
        match decision {
            Decision::Refuse(refusal) => {
                let base = operation.base_version.filter(|_| refusal.with_base);
                outcome.base = base
                    .and_then(|version| stored_view(version).map(|view| (version, view)))
                    .map(|(version, view)| Base { version, title: view.title, content: view.content });
                refuse(outcome, *refusal, operation.index, track.head.is_some());
            }
            decision => self.apply(operation, id, decision, &standing, outcome),
        }
    }

    /// A check looks at the document as it was before the batch, and leaves nothing behind.
    fn check(&self, operation: &Operation, id: DocumentId, outcome: &mut Outcome) {
        let Some(track) = self.tracks.get(&id) else { return };
        let situation = Situation {
            current: track.stored.as_ref(),
            deleted_by_batch: false,
            standing: Standing::Unstated,
            content: None,
            known_deletions: None,
        };
        outcome.version = track.stored.as_ref().map(|head| head.version);
        if self.checks_held {
            return;
        }
        if let Decision::Refuse(refusal) = decide(&situation, operation, &mut Budget::of(0)) {
            refuse(outcome, *refusal, operation.index, track.stored.is_some());
        }
    }

    fn replay(&mut self, operation: &Operation, id: DocumentId, receipt: &Receipt, outcome: &mut Outcome) {
        let same_target = matches!(operation.target, Target::Minted(_)) || id == receipt.document_id;
        if receipt.kind != operation.kind || receipt.payload_digest != operation.payload_digest || !same_target {
            let message = "this client_id was used before for another operation; give each operation a name of its own"
                .to_owned();
            let pointer = Some(format!("/operations/{}/client_id", operation.index));
            fail(outcome, OperationError { code: ErrorCode::ClientIdReused, message, pointer });
            return;
        }
        outcome.replayed = true;
        outcome.document_id = Some(receipt.document_id);
        outcome.version = receipt.version;
        if let Some(track) = self.tracks.get_mut(&id) {
            if track.head.as_ref().is_some_and(|head| may_lack_news(head, operation, receipt)) {
                outcome.attach = Attach::Document;
            }
            track.note_success(operation, receipt.version, None);
            track.deleted_by_batch |= operation.kind == OperationKind::Delete && track.version() == receipt.version;
        }
    }

    fn apply(
        &mut self,
        operation: &Operation,
        id: DocumentId,
        decision: Decision,
        standing: &Standing,
        outcome: &mut Outcome,
    ) {
        let by = self.mode.by;
        let Some(track) = self.tracks.get_mut(&id) else { return };
        let was_changed = track.is_changed();
        let stale = !matches!(standing, Standing::Current);
        let entry = match (decision, track.head.clone()) {
            (Decision::Create, _) => Some(track.create(id, operation, by)),
            (Decision::Update(effect), Some(head)) => {
                outcome.merged = effect.merged;
                outcome.title_overwritten = effect.title_overwritten;
                Some(track.update(head, operation, *effect, by))
            }
            (Decision::Delete, Some(head)) => Some(track.delete(head, operation, by)),
            _ => {
                outcome.unchanged = true;
                None
            }
        };
        outcome.document_id = Some(id);
        outcome.version = track.version();
        let behind = operation.kind == OperationKind::Update && stale;
        if behind {
            // Its author has not seen what it was applied onto, and no feed tells them what they wrote themselves.
            outcome.attach = Attach::Document;
        }
        let view = editor_view(track, operation, standing).filter(|_| behind && !operation.force);
        track.note_success(operation, outcome.version, view);
        if entry.is_some() && !was_changed {
            self.touched.push(id);
        }
        self.writes.log.extend(entry);
        if self.mode.with_receipts {
            self.writes.receipts.push(Receipt {
                client_id: operation.client_id.clone(),
                kind: operation.kind,
                payload_digest: operation.payload_digest,
                document_id: id,
                version: outcome.version,
                created_at: by.now,
            });
        }
    }

    fn finish(mut self, mut outcomes: Vec<Outcome>, operations: &[Submitted], order: Vec<usize>) -> Plan {
        let failed = outcomes.iter().any(|outcome| matches!(outcome.status, Status::Conflict | Status::Error));
        let rolled_back = self.mode.atomic && failed;
        if rolled_back {
            for outcome in &mut outcomes {
                self.roll_back(outcome, operations.get(outcome.index));
            }
            return Plan { outcomes, writes: WriteSet::default(), order, rolled_back };
        }
        for id in &self.touched {
            let Some(Track { stored, head: Some(head), .. }) = self.tracks.remove(id) else { continue };
            let write =
                stored.map_or(HeadWrite::Insert, |stored| HeadWrite::Replace { expected_version: stored.version });
            self.writes.documents.push(DocumentWrite { write, head });
        }
        Plan { outcomes, writes: self.writes, order, rolled_back }
    }

    /// What an outcome becomes when the atomic batch around it failed: nothing that the batch did remains.
    fn roll_back(&self, outcome: &mut Outcome, submitted: Option<&Submitted>) {
        let stored = outcome.document_id.and_then(|id| self.tracks.get(&id)).and_then(|track| track.stored.as_ref());
        outcome.version = stored.map(|head| head.version);
        if stored.is_none() {
            outcome.attach = Attach::Nothing;
        }
        if outcome.status == Status::Success {
            outcome.merged = false;
            outcome.unchanged = false;
            outcome.replayed = false;
            outcome.title_overwritten = false;
            outcome.attach = Attach::Nothing;
            skip(outcome, ErrorCode::RolledBack, "another operation of the atomic batch failed; nothing was applied");
        }
        if stored.is_none() && matches!(submitted.and_then(Submitted::target), Some(Target::Minted(_) | Target::Ref(_)))
        {
            outcome.document_id = None;
        }
    }
}

/// Whether an editor that is answered from a receipt may not have what the document holds: it has moved on, or the first
/// answer, which may have been lost, may have told of a merge.
fn may_lack_news(head: &DocumentHead, operation: &Operation, receipt: &Receipt) -> bool {
    if Some(head.version) != receipt.version {
        return true;
    }
    let changes = &operation.changes;
    let built_on_it = |base: Version| base == head.version || base.checked_add(1) == Some(head.version);
    let says_all = changes.yjs.is_none()
        && changes.title.as_ref() == Some(&head.title)
        && changes.content.as_ref().map(|content| content.digest) == head.content_digest;
    operation.kind == OperationKind::Update && !says_all && !operation.base_version.is_some_and(built_on_it)
}

/// What the editor has after its operation, where that is not what the server has.
fn editor_view(track: &Track, operation: &Operation, standing: &Standing) -> Option<BaseView> {
    let head = track.head.as_ref()?;
    let base = match standing {
        Standing::Stale { base } => base.as_ref(),
        _ => None,
    };
    let title = operation.changes.title.as_ref().or(base.map(|base| &base.title)).unwrap_or(&head.title);
    let content = operation.changes.content.as_ref().map(|content| &content.text);
    let content = content.or(base.and_then(|base| base.content.as_ref()));
    let same = *title == head.title && content.is_some() && content == track.content.as_ref();
    (!same).then(|| BaseView { title: title.clone(), content: content.cloned() })
}

fn blank(submitted: &Submitted, resolution: &Resolution) -> Outcome {
    let minted = matches!(submitted.target(), Some(Target::Minted(_)));
    Outcome {
        index: submitted.index(),
        client_id: submitted.client_id().map(str::to_owned),
        kind: submitted.kind(),
        status: Status::Success,
        document_id: resolution.document_id.filter(|_| !minted),
        version: None,
        merged: false,
        unchanged: false,
        replayed: false,
        title_overwritten: false,
        error: None,
        attach: Attach::Nothing,
        base: None,
        merge_text: None,
    }
}

fn refuse(outcome: &mut Outcome, refusal: Refusal, index: usize, has_document: bool) {
    let pointer = refusal.field.map(|field| format!("/operations/{index}/{field}"));
    fail(outcome, OperationError { code: refusal.code, message: refusal.message.to_owned(), pointer });
    outcome.attach = if has_document { refusal.attach } else { Attach::Nothing };
    outcome.merge_text = refusal.merge_text;
}

fn fail(outcome: &mut Outcome, error: OperationError) {
    outcome.status = if error.code.is_conflict() { Status::Conflict } else { Status::Error };
    outcome.error = Some(error);
}

fn skip(outcome: &mut Outcome, code: ErrorCode, message: &str) {
    outcome.status = Status::Skipped;
    outcome.error = Some(OperationError { code, message: message.to_owned(), pointer: None });
}
