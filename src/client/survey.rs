//! What was done in the folder since the last sync, found without changing anything and without the server.

use crate::client::error::ClientError;
use crate::client::moves::{Sizes, recognise_moves};
use crate::client::plan::{LocalChange, Tracked, local_changes};
use crate::client::scan::scan;
use crate::client::workplace::Workplace;

/// What a look at the folder finds.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Files that stand for documents.
    pub tracked: usize,
    /// What was done to files, in words.
    pub changed: Vec<String>,
    /// Operations that are queued.
    pub pending: usize,
    /// Files that wait for a choice.
    pub conflicts: Vec<String>,
    /// Files that cannot be synced, and why.
    pub problems: Vec<(String, String)>,
}

/// Compares the folder with what is remembered of it.
///
/// # Errors
/// `State`.
pub fn survey(workplace: &mut Workplace) -> Result<Survey, ClientError> {
    let (files, queue, conflicts) =
        workplace.state.read(|change| Ok((change.load_files()?, change.list_outbox()?, change.load_conflicts()?)))?;
    let found = scan(&workplace.folder, &files, u64::MAX, false);
    let tracked: Vec<Tracked> = files
        .into_iter()
        .map(|file| Tracked {
            is_held: conflicts.iter().any(|one| one.document_id == file.document_id),
            is_deletion_queued: queue.iter().any(|(_, id, kind)| *id == file.document_id && kind == "delete"),
            file,
        })
        .collect();
    let mut scanned = found.files.clone();
    scanned.retain(|path, _| !conflicts.iter().any(|one| one.path == *path));
    let is_gone = |path: &str| found.is_gone(&workplace.folder, path);
    let mut changes = recognise_moves(
        local_changes(&tracked, &scanned, is_gone),
        &Sizes::of(&tracked, &scanned),
        |id| workplace.state.read(|change| change.find_content(id)),
        |path| workplace.folder.read_text(path),
    )?;
    found.withhold(&mut changes);
    let path_of = |id| tracked.iter().find(|one| one.file.document_id == id).map_or("", |one| one.file.path.as_str());
    let changed = changes
        .iter()
        .map(|change| match change {
            LocalChange::Create { path } => format!("new {path}"),
            LocalChange::Edit { id } | LocalChange::Reappear { id } => format!("edited {}", path_of(*id)),
            LocalChange::Move { id, to } => format!("moved {} -> {to}", path_of(*id)),
            LocalChange::Delete { id } => format!("deleted {}", path_of(*id)),
        })
        .collect();
    Ok(Survey {
        tracked: tracked.len(),
        changed,
        pending: queue.len(),
        conflicts: conflicts.into_iter().map(|one| one.path).collect(),
        problems: found.problems.into_iter().collect(),
    })
}
