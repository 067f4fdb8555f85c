//! Finding the Yjs updates of a batch that do not fit their documents.

use std::collections::{BTreeSet, HashMap};

use crate::domain::batch::{Resolution, execution_order};
use crate::domain::ids::{DocumentId, Version};
use crate::domain::limits::YjsCaps;
use crate::domain::needs::Loaded;
use crate::domain::operation::Submitted;
use crate::domain::unfit::Unfit;
use crate::domain::yjs_facts::{ScannedUpdate, StateVector};
use crate::sync::typing::{DocumentLife, Typed, Typing};
use crate::yjs::fit::{Misfit, check_fits};
use crate::yjs::scan::ScanError;

/// The updates of a batch that bring something new, by their documents, in order of execution, each with its place.
type Updates<'a> = HashMap<DocumentId, Vec<(usize, &'a ScannedUpdate)>>;

fn updates_of<'a>(operations: &'a [Submitted], resolutions: &[Resolution], loaded: &Loaded) -> Updates<'a> {
    let mut updates = Updates::new();
    for place in execution_order(operations, resolutions) {
        let (Some(Submitted::Valid(operation)), Some(resolution)) = (operations.get(place), resolutions.get(place))
        else {
            continue;
        };
        let is_replay = loaded.receipts.contains_key(&operation.client_id);
        if let (Some(update), Some(id), false) = (&operation.changes.yjs, resolution.document_id, is_replay)
            && !update.spans.is_empty()
        {
            updates.entry(id).or_default().push((place, update));
        }
    }
    updates
}

/// The updates of a batch, while they are compared with their documents.
pub(super) struct Fitting<'a> {
    updates: Updates<'a>,
    /// Documents with Yjs state whose updates, or whose showing, must be looked at.
    states: BTreeSet<DocumentId>,
    /// Those whose text is changed by an operation that brings no Yjs update: their states are kept for making it.
    of_text: BTreeSet<DocumentId>,
    /// The lives of those with Yjs state.
    lives: HashMap<DocumentId, DocumentLife>,
    caps: &'a YjsCaps,
    unfit: HashMap<usize, Unfit>,
    typed: Vec<Typed>,
}

impl<'a> Fitting<'a> {
    pub(super) fn new(
        operations: &'a [Submitted],
        resolutions: &[Resolution],
        loaded: &Loaded,
        caps: &'a YjsCaps,
        (typing, version_floor): (&Typing, Version),
    ) -> Self {
        let mut updates = updates_of(operations, resolutions, loaded);
        let has_state = |id: &DocumentId| loaded.heads.get(id).is_some_and(|head| head.state_vector.is_some());
        // A change of the text alone is made in the state, too.
        let of_text = operations.iter().zip(resolutions).filter_map(|(submitted, resolution)| match submitted {
            Submitted::Valid(operation) if operation.changes.are_of_text() => {
                resolution.document_id.filter(|_| !loaded.receipts.contains_key(&operation.client_id))
            }
            _ => None,
        });
        let of_text: BTreeSet<DocumentId> = of_text.filter(has_state).collect();
        let heads = loaded.heads.values().filter(|head| head.state_vector.is_some());
        let lives: HashMap<_, _> = heads.map(|head| (head.document_id, (head.epoch, version_floor))).collect();
        let mut typed = Vec::new();
        updates.retain(|id, updates| {
            let goes_on = match (updates.as_slice(), lives.get(id), known_of(loaded, *id)) {
                ([(place, update)], Some(life), Some(known)) if !update.begins_within(known) => {
                    typing.goes_on(*place, *id, *life, update)
                }
                _ => None,
            };
            let is_unknown = goes_on.is_none();
            typed.extend(goes_on);
            is_unknown
        });
        let states = updates.keys().copied().filter(has_state).chain(of_text.iter().copied()).collect();
        Self { updates, states, of_text, lives, caps, unfit: HashMap::new(), typed }
    }

    /// The documents whose Yjs states are needed.
    pub(super) fn states_needed(&self) -> BTreeSet<DocumentId> {
        self.states.clone()
    }

    /// Whether a document's text is changed by an operation that brings no Yjs update.
    pub(super) fn is_of_text(&self, id: DocumentId) -> bool {
        self.of_text.contains(&id)
    }

    /// Compares the updates of a document with its state. An update is looked at as if those before it were applied.
    /// What leans on changes that are not there is left to the decision. Whether all fit.
    pub(super) fn check(&mut self, id: DocumentId, parts: &[Vec<u8>], known: StateVector) -> bool {
        let Some(updates) = self.updates.remove(&id) else { return true };
        let known = Some(known).filter(|_| !parts.is_empty()).unwrap_or_default();
        let complete = complete_ones(&updates, known.clone());
        let scanned: Vec<&ScannedUpdate> = complete.iter().map(|(_, update)| *update).collect();
        let checked = check_fits(parts, &known, &scanned, self.caps);
        if let ([(place, update)], [Ok(())], 1, Some(life)) =
            (complete.as_slice(), checked.as_slice(), updates.len(), self.lives.get(&id))
        {
            self.typed.extend(Typed::read(*place, id, *life, update, &known));
        }
        let all_fit = checked.iter().all(Result::is_ok);
        let faults = complete.iter().zip(checked).filter_map(|((place, _), fit)| Some((*place, unfit_of(&fit.err()?))));
        self.unfit.extend(faults);
        all_fit
    }

    /// The operations (by place) whose updates do not fit, and why; and what is to be remembered of those that do. Updates of
    /// documents without a state need only fit one another.
    pub(super) fn finish(mut self) -> (HashMap<usize, Unfit>, Vec<Typed>) {
        let rest: Vec<DocumentId> = self.updates.keys().copied().collect();
        for id in rest {
            self.check(id, &[], StateVector::default());
        }
        (self.unfit, self.typed)
    }
}

fn known_of(loaded: &Loaded, id: DocumentId) -> Option<&StateVector> {
    loaded.heads.get(&id)?.state_vector.as_ref()
}

/// The updates that lean on nothing but what is there or in those before them.
fn complete_ones<'a>(
    updates: &[(usize, &'a ScannedUpdate)],
    mut known: StateVector,
) -> Vec<(usize, &'a ScannedUpdate)> {
    let is_complete = |(_, update): &&(usize, &ScannedUpdate)| {
        let complete = update.is_complete_for(&known);
        if complete {
            update.spans.iter().for_each(|span| known.advance(span.client, span.end));
        }
        complete
    };
    updates.iter().filter(is_complete).copied().collect()
}

fn unfit_of(misfit: &Misfit) -> Unfit {
    match misfit {
        Misfit::Refused(ScanError::TooLarge { .. }) => {
            Unfit::TooLarge(format!("the document would be {misfit}: too many of its items are at one place"))
        }
        Misfit::Refused(ScanError::Invalid { .. }) => {
            Unfit::Invalid(format!("does not fit the document, so that editors would not read it alike: {misfit}"))
        }
        Misfit::Divergent { .. } => Unfit::Divergent,
    }
}
