//! What was done in the folder since the last sync, found without changing anything and without the server.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::error::ClientError;
use crate::client::folder::scan::{FileLimits, Problem, scan};
use crate::client::model::skipped::Skipped;
use crate::client::model::{LocalChange, Tracked};
use crate::client::plan::local_changes;
use crate::client::plan::moves::{Sizes, recognise_moves};
use crate::client::state::DocId;
use crate::client::state::settings::Setting;
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
    /// Files that cannot be synced, by path, and why.
    pub problems: BTreeMap<String, Problem>,
    /// Files that are not synced because of their names.
    pub skipped: Skipped,
}

/// Compares the folder with what is remembered of it.
///
/// # Errors
/// `State`.
pub fn survey(workplace: &mut Workplace) -> Result<Survey, ClientError> {
    let (files, queue, conflicts) =
        workplace.state.read(|change| Ok((change.load_files()?, change.list_outbox()?, change.load_conflicts()?)))?;
    let limits = limits_of(workplace)?;
    let found = scan(&workplace.folder, &files, limits, false);
    let (asked, deleted): (BTreeSet<DocId>, BTreeSet<DocId>) = (
        conflicts.iter().map(|one| one.document_id).collect(),
        queue.iter().filter(|(_, _, kind)| kind == "delete").map(|(_, id, _)| *id).collect(),
    );
    let tracked: Vec<Tracked> = files
        .into_iter()
        .map(|file| Tracked {
            is_held: asked.contains(&file.document_id),
            is_deletion_queued: deleted.contains(&file.document_id),
            file,
        })
        .collect();
    let waiting: BTreeSet<&str> = conflicts.iter().map(|one| one.path.as_str()).collect();
    let mut scanned = found.files.clone();
    scanned.retain(|path, _| !waiting.contains(path.as_str()));
    let is_gone = |path: &str| found.is_gone(&workplace.folder, path);
    let mut changes = recognise_moves(
        local_changes(&tracked, &scanned, is_gone),
        &Sizes::of(&tracked, &scanned),
        |id| workplace.state.read(|change| change.find_content(id)),
        |path| workplace.folder.read_text(path),
    )?;
    found.withhold(&mut changes);
    let paths: BTreeMap<DocId, &str> =
        tracked.iter().map(|one| (one.file.document_id, one.file.path.as_str())).collect();
    let path_of = |id: DocId| paths.get(&id).copied().unwrap_or_default();
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
        problems: found.problems,
        skipped: found.skipped,
    })
}

/// What the server took when it was last asked.
fn limits_of(workplace: &mut Workplace) -> Result<FileLimits, ClientError> {
    let (bytes, chars) = workplace
        .state
        .read(|change| Ok((change.find_setting(Setting::FileBytes)?, change.find_setting(Setting::TitleChars)?)))?;
    let FileLimits { bytes: any_bytes, chars: any_chars } = FileLimits::UNKNOWN;
    Ok(FileLimits {
        bytes: bytes.and_then(|bytes| bytes.parse().ok()).unwrap_or(any_bytes),
        chars: chars.and_then(|chars| chars.parse().ok()).unwrap_or(any_chars),
    })
}
