//! Finding the Yjs updates of a batch that do not fit their documents.

use std::collections::{BTreeSet, HashMap};

use crate::domain::batch::{Resolution, execution_order};
use crate::domain::ids::DocumentId;
use crate::domain::limits::YjsCaps;
use crate::domain::operation::Submitted;
use crate::domain::plan::Loaded;
use crate::domain::unfit::Unfit;
use crate::domain::yjs_facts::{ScannedUpdate, StateVector};
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

/// The documents whose Yjs states are needed to tell.
pub(super) fn states_needed(
    operations: &[Submitted],
    resolutions: &[Resolution],
    loaded: &Loaded,
) -> BTreeSet<DocumentId> {
    let has_state = |id: &DocumentId| loaded.heads.get(id).is_some_and(|head| head.state_vector.is_some());
    let with_updates = updates_of(operations, resolutions, loaded).into_keys();
    // A change of the text alone is made in the state, too.
    let of_text = operations.iter().zip(resolutions).filter_map(|(submitted, resolution)| match submitted {
        Submitted::Valid(operation) if operation.changes.are_of_text() => {
            resolution.document_id.filter(|_| !loaded.receipts.contains_key(&operation.client_id))
        }
        _ => None,
    });
    with_updates.chain(of_text).filter(has_state).collect()
}

/// The operations (by place) whose updates do not fit, and why. An update is looked at as if those before it were
/// applied. What leans on changes that are not there is left to the decision.
pub(super) fn find_unfit(
    operations: &[Submitted],
    resolutions: &[Resolution],
    loaded: &Loaded,
    states: &HashMap<DocumentId, Vec<Vec<u8>>>,
    caps: &YjsCaps,
) -> HashMap<usize, Unfit> {
    let mut unfit = HashMap::new();
    for (id, updates) in updates_of(operations, resolutions, loaded) {
        let parts = states.get(&id).map_or(&[][..], Vec::as_slice);
        let known = loaded.heads.get(&id).and_then(|head| head.state_vector.clone());
        let known = known.filter(|_| !parts.is_empty()).unwrap_or_default();
        let complete = complete_ones(&updates, known.clone());
        let scanned: Vec<&ScannedUpdate> = complete.iter().map(|(_, update)| *update).collect();
        let checked = check_fits(parts, &known, &scanned, caps);
        let faults = complete.iter().zip(checked).filter_map(|((place, _), fit)| Some((*place, unfit_of(&fit.err()?))));
        unfit.extend(faults);
    }
    unfit
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
