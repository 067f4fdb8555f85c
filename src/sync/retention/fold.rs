//! Folding a document's old versions, one step: load, unite, check, replace. The uniting is done outside any lock.

use crate::domain::history::plan_fold;
use crate::domain::ids::{DocumentId, WorkspaceId};
use crate::domain::timestamp::Timestamp;
use crate::store::upkeep::Swap;
use crate::store::{Store, StoreError};
use crate::sync::maintenance::checked_union;
use crate::yjs::render::Renderer;

/// How a step of folding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// So many versions went; there may be more to fold.
    Folded {
        /// Versions that are gone.
        versions: usize,
    },
    /// There is nothing (more) to fold, or the document is marked as damaged and keeps all it has.
    Nothing,
    /// Somebody else changed the document first; it is as they left it.
    Moved,
    /// A check failed; the document is as it was.
    Refused,
}

/// Folds a document's versions from before `before` into the newest of them, or as many as one step takes. Younger
/// versions, and the document itself, show the same afterwards. The united Yjs state is checked as compaction checks a
/// snapshot.
///
/// # Errors
/// What the store says; the document is then as it was.
pub fn fold_step(
    store: &Store,
    renderer: &Renderer,
    workspace_id: WorkspaceId,
    document_id: DocumentId,
    before: Timestamp,
) -> Result<Folded, StoreError> {
    let Some(history) = store.find_old_history(workspace_id, document_id)? else { return Ok(Folded::Nothing) };
    let Some(fold) = plan_fold(&history.oldest, before).filter(|_| !history.damaged) else {
        return Ok(Folded::Nothing);
    };
    let mut parts = match fold.yjs_updates {
        0 => Vec::new(),
        _ => store.load_folded_updates(workspace_id, document_id, &fold)?,
    };
    if parts.len() != fold.yjs_updates {
        return Ok(Folded::Moved);
    }
    let state = match parts.len() {
        // What is alone needs no uniting, and stays byte for byte.
        0 | 1 => Ok(parts.pop()),
        _ => checked_union(renderer, &parts).map(Some),
    };
    let state = match state {
        Ok(state) => state,
        Err(reason) => {
            tracing::warn!(%workspace_id, %document_id, version = fold.base, reason, "old versions not folded; they are kept");
            return Ok(Folded::Refused);
        }
    };
    let versions = fold.versions.saturating_sub(1);
    Ok(match store.fold_history(workspace_id, document_id, history.epoch, fold, state)? {
        Swap::Swapped => Folded::Folded { versions },
        Swap::Moved => Folded::Moved,
    })
}
