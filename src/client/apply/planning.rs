//! What the state knows, for a plan; and the plan for a folder.

use std::collections::BTreeSet;

use super::local::Local;
use crate::client::error::ClientError;
use crate::client::folder::Folder;
use crate::client::folder::scan::Scan;
use crate::client::model::Tracked;
use crate::client::plan::{Action, Found, Head, Known, plan};
use crate::client::state::{Change, DocId, LOST, State, StateError, TrackedFile};

impl Local<'_> {
    /// What has to be done about the folder.
    pub(super) fn plan(&mut self) -> Result<(Known, Vec<Action>), ClientError> {
        plan_for(&self.folder, &self.scan, &mut self.state, &[])
    }
}

/// What has to be done about a folder, as it was found, and a feed; and what was known for that. Changes nothing.
pub fn plan_for(
    folder: &Folder,
    scan: &Scan,
    state: &mut State,
    feed: &[Head],
) -> Result<(Known, Vec<Action>), ClientError> {
    let known = state.read(|change| load_known(change, None))?;
    let found = Found {
        files: &scan.files,
        is_gone: &|path| scan.is_gone(folder, path),
        is_withheld: &|path| scan.is_withheld(path),
        text: &|path| folder.read_text(path),
    };
    let actions = plan(&known, Some(&found), feed, |id| state.read(|change| change.find_content(id)))?;
    Ok((known, actions))
}

/// What has to be done about a feed alone.
pub fn plan_for_feed(state: &mut State, feed: &[Head]) -> Result<Vec<Action>, ClientError> {
    let ids: Vec<DocId> = feed.iter().filter_map(|head| head.document_id).collect();
    let known = state.read(|change| load_known(change, Some(&ids)))?;
    Ok(plan(&known, None, feed, |_| Ok::<_, StateError>(None))?)
}

/// What the state knows of all documents, or of these alone: then nothing of what is queued, which no feed is compared with.
fn load_known(change: &mut Change<'_>, ids: Option<&[DocId]>) -> Result<Known, StateError> {
    let (conflicts, removals) = (change.list_conflicts()?, change.load_pending_removals()?);
    let mut known = Known {
        conflicts: conflicts.iter().map(|(id, _, version)| (*id, *version)).collect(),
        removals: removals.iter().map(|(id, _)| *id).collect(),
        ..Known::default()
    };
    let track = |file: TrackedFile| Tracked { file, is_held: false, is_deletion_queued: false };
    if let Some(ids) = ids {
        let found: Result<Vec<_>, _> = ids.iter().map(|id| change.find_file(*id)).collect();
        known.tracked = found?.into_iter().flatten().map(track).collect();
        return Ok(known);
    }
    let queue = change.list_outbox()?.into_iter().filter(|(_, _, kind)| kind == "delete");
    known.deletions = queue.map(|(_, id, _)| id).collect();
    known.accepted = change.load_accepted_deletions()?;
    known.asked = conflicts.into_iter().map(|(_, path, _)| path).collect();
    // What waits for a choice, is still to be written, or was lost by the server is not compared with its file.
    let writes = change.load_pending_writes()?.into_iter().map(|one| one.document_id);
    let lost = removals.into_iter().filter(|(_, version)| *version == LOST).map(|(id, _)| id);
    let held: BTreeSet<DocId> = known.conflicts.keys().copied().chain(writes).chain(lost).collect();
    let rows = change.load_files()?.into_iter().map(|file| Tracked {
        is_held: held.contains(&file.document_id),
        is_deletion_queued: known.deletions.contains(&file.document_id),
        file,
    });
    known.tracked = rows.collect();
    Ok(known)
}
