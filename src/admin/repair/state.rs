//! What can be read of a document's Yjs state.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::domain::ids::Version;
use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::{ScannedUpdate, StateVector};
use crate::store::audit::{RawVersion, is_known_damage};
use crate::yjs::merge::facts_of;
use crate::yjs::scan::scan_update;

/// What can be read of a Yjs state, and what cannot.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Whether there are any parts, readable or not.
    pub was_there: bool,
    /// The parts that can be read and lean on nothing that cannot.
    pub parts: Vec<Vec<u8>>,
    /// What they know.
    pub vector: StateVector,
    /// The roots that they put items into.
    pub roots: BTreeSet<String>,
    /// Whether a part of the current state is not among them.
    pub lacks_parts: bool,
    /// What is wrong with the snapshot.
    pub snapshot_damage: Option<String>,
    /// Updates that are to be set aside: of which version, why, and the bytes.
    pub set_aside: Vec<(Version, String, Vec<u8>)>,
}

/// What was stored was within some limits once.
const ANY: YjsCaps = YjsCaps {
    max_yjs_structs: usize::MAX,
    max_yjs_clients: usize::MAX,
    max_yjs_delete_ranges: usize::MAX,
    max_yjs_nesting: 1_000,
    max_yjs_steps: usize::MAX,
};

/// Reads the state that a snapshot and the updates of the `current` versions come to.
pub(super) fn readable_state(
    snapshot: Option<&(Version, Vec<u8>)>,
    versions: &[RawVersion],
    current: RangeInclusive<Version>,
) -> State {
    let mut state = State::default();
    let mut covered = None;
    if let Some((version, bytes)) = snapshot {
        state.was_there = true;
        match facts_of(std::slice::from_ref(bytes)) {
            Ok((vector, _, _)) => {
                covered = Some(*version);
                state.vector = vector;
                state.parts.push(bytes.clone());
            }
            Err(error) => state.snapshot_damage = Some(error.to_string()),
        }
    }
    for version in versions {
        let Some(bytes) = &version.yjs_update else { continue };
        let is_needed = current.contains(&version.version) && covered.is_none_or(|covered| version.version > covered);
        state.was_there |= is_needed;
        let known_damage = is_known_damage(bytes);
        let taken = match scan_update(bytes.clone(), &ANY) {
            Err(error) => Err(error.to_string()),
            Ok(_) if !is_needed => continue,
            Ok(update) if !update.is_complete_for(&state.vector) => Err("it leans on changes that are lost".to_owned()),
            Ok(update) => Ok(update),
        };
        match taken {
            Ok(update) => state.take(&update),
            Err(reason) => {
                state.lacks_parts |= is_needed;
                if !known_damage {
                    state.set_aside.push((version.version, reason, bytes.clone()));
                }
            }
        }
    }
    if let Ok((vector, _, roots)) = facts_of(&state.parts) {
        (state.vector, state.roots) = (vector, roots);
    }
    state
}

impl State {
    fn take(&mut self, update: &ScannedUpdate) {
        for span in &update.spans {
            self.vector.advance(span.client, span.end);
        }
        self.parts.push(update.bytes.clone());
    }
}
