//! What a dry run would change, document by document, with differences.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::domain::document::{DocumentHead, StoredDocument};
use crate::domain::ids::DocumentId;
use crate::domain::unified_diff::unified_diff;
use crate::sync::apply::AppliedBatch;
use crate::sync::{BatchAnswer, Preview, SyncError, SyncService};
use crate::yjs::render::Turn;

/// Bytes of documents that are read at once, unless one alone has more.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// A document as a plan would leave it.
struct Planned<'a> {
    head: &'a DocumentHead,
    /// Its text, if that would change.
    text: Option<&'a str>,
}

impl SyncService {
    /// The answer to a dry run, with what it would change; and how many of the `max_bytes` are left.
    pub fn answer_preview(
        &self,
        applied: AppliedBatch,
        max_bytes: usize,
        deadline: Instant,
    ) -> Result<(BatchAnswer, usize), SyncError> {
        let turn = self.turn_until(applied.request.user_id, deadline);
        let writes = &applied.processed.plan.writes;
        let mut planned: HashMap<DocumentId, Planned<'_>> = HashMap::new();
        for write in &writes.documents {
            let log = writes.log.iter().rev().filter(|entry| entry.document_id == write.head.document_id);
            let text = log.filter_map(|entry| entry.content.as_deref()).next();
            planned.insert(write.head.document_id, Planned { head: &write.head, text });
        }
        let (mut previews, mut room) = (HashMap::new(), max_bytes);
        let mut left: Vec<DocumentId> = planned.keys().copied().collect();
        left.sort_unstable();
        let scope = self.scope(&applied.request, deadline);
        while !left.is_empty() {
            let found = self.store.look(&scope, |snapshot| snapshot.load_documents(&left, CHUNK_BYTES))?;
            let seen: BTreeSet<DocumentId> = found.iter().map(|document| document.head.document_id).collect();
            let Some(last) = seen.last().copied() else { break };
            left.retain(|id| *id > last);
            for document in found {
                let id = document.head.document_id;
                if let Some(planned) = planned.get(&id) {
                    previews.insert(id, preview(&turn, &document, planned, &mut room));
                }
            }
        }
        let mut answer = self.answer_batch(applied, room, deadline)?;
        for result in &mut answer.results {
            result.preview = result.outcome.document_id.and_then(|id| previews.remove(&id)).map(Box::new);
        }
        Ok((answer, room))
    }
}

fn preview(turn: &Turn<'_>, now: &StoredDocument, then: &Planned<'_>, room: &mut usize) -> Preview {
    let (was, would) = (now.head.is_deleted(), then.head.is_deleted());
    let mut preview = Preview {
        title: (now.head.title != then.head.title).then(|| (now.head.title.clone(), then.head.title.clone())),
        deleted: (was != would).then_some((was, would)),
        ..Preview::default()
    };
    let Some(text) = then.text else { return preview };
    let current = match (&now.content, was) {
        (Some(content), _) => Some(content.clone()),
        _ if now.yjs_parts.is_empty() => was.then(String::new),
        _ => turn.render(now.head.document_id.0.as_u128(), &now.yjs_parts).ok(),
    };
    let diff = current.filter(|_| *room > 0).map(|current| unified_diff(&current, text));
    preview.omitted = diff.is_none();
    *room = room.saturating_sub(diff.as_ref().map_or(0, String::len));
    preview.diff = diff.filter(|diff| !diff.is_empty());
    preview
}
