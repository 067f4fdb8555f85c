//! What was done in the folder since the last sync, found without changing anything and without the server.

use std::collections::BTreeMap;

use crate::client::apply::planning::plan_for;
use crate::client::error::ClientError;
use crate::client::folder::scan::scan;
use crate::client::model::{FileLimits, LocalChange, Problem, Skipped};
use crate::client::plan::{Action, Head};
use crate::client::state::{DocId, Setting};
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
    /// Whether others did anything that is not known here, as the feed says.
    pub has_news: bool,
}

/// Plans a sync of the folder, and of what a feed says.
pub fn survey(workplace: &mut Workplace, feed: &[Head]) -> Result<Survey, ClientError> {
    let (files, pending, conflicts) = workplace
        .state
        .read(|change| Ok((change.load_files()?, change.list_outbox()?.len(), change.list_conflicts()?)))?;
    let limits = limits_of(workplace)?;
    let found = scan(&workplace.folder, &files, limits, false);
    let (known, actions) = plan_for(&workplace.folder, &found, &mut workplace.state, feed)?;
    let paths: BTreeMap<DocId, &str> =
        known.tracked.iter().map(|one| (one.file.document_id, one.file.path.as_str())).collect();
    let path_of = |id: DocId| paths.get(&id).copied().unwrap_or_default();
    let changed = actions.iter().filter_map(Action::change).map(|change| match change {
        LocalChange::Create { path } => format!("new {path}"),
        LocalChange::Edit { id } | LocalChange::Reappear { id } => format!("edited {}", path_of(*id)),
        LocalChange::Move { id, to } => format!("moved {} -> {to}", path_of(*id)),
        LocalChange::Delete { id } => format!("deleted {}", path_of(*id)),
    });
    Ok(Survey {
        tracked: known.tracked.len(),
        changed: changed.collect(),
        pending,
        conflicts: conflicts.into_iter().map(|(_, path, _)| path).collect(),
        problems: found.problems,
        skipped: found.skipped,
        has_news: actions.iter().any(|action| action.place_in_feed().is_some()),
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
