//! What an answer shows besides the outcomes: documents, state vectors, a page of the feed. Read after the commit, off
//! every lock, as of the versions that the results name or newer ones.

use std::collections::{BTreeSet, HashMap};

use crate::domain::document::{DocumentHead, DocumentWrite, HeadWrite, LogEntry, StoredDocument, WriteSet};
use crate::domain::ids::{DocumentId, Version};
use crate::domain::operation::OperationKind;
use crate::domain::outcome::Attach;
use crate::domain::yjs_facts::StateVector;
use crate::store::{Snapshot, StoreError};
use crate::sync::apply::Processed;
use crate::sync::damage::readable;
use crate::sync::pull::{Pulled, read_page_of_batch};

/// What an answer shows.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// Documents that results carry whole: the first of them.
    pub documents: Documents,
    /// State vectors that results carry.
    pub vectors: HashMap<DocumentId, StateVector>,
    /// What the author had missed, where the batch asked for it.
    pub pulled: Option<Pulled>,
}

impl Gathered {
    /// What can be shown without the database: nothing, and a page that has the author pull again.
    #[must_use]
    pub fn nothing(processed: &Processed) -> Self {
        let pulled = processed.pull.as_ref().map(|(cursor, feed)| Pulled::nothing(*cursor, feed.clone()));
        Self { pulled, ..Self::default() }
    }
}

/// As many documents as are read at once.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Those that there are.
    pub found: HashMap<DocumentId, StoredDocument>,
    /// Those that are not there, or cannot be read.
    pub missing: BTreeSet<DocumentId>,
}

/// Bytes of documents that are read at once, unless one alone has more.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// Reads what the outcomes promise to carry; of the documents only the first, which `wanted` names in the order of the
/// results. What a dry run would have stored is laid over what is stored.
///
/// # Errors
/// What the store says.
pub fn gather(
    snapshot: &mut dyn Snapshot,
    processed: &Processed,
    wanted: &[DocumentId],
) -> Result<Gathered, StoreError> {
    let mut gathered = Gathered { documents: gather_documents(snapshot, processed, wanted)?, ..Gathered::default() };
    let of_vectors = processed.plan.outcomes.iter().filter(|outcome| outcome.attach == Attach::StateVector);
    let vectors: BTreeSet<DocumentId> = of_vectors.filter_map(|outcome| outcome.document_id).collect();
    if !vectors.is_empty() {
        let (mut heads, _) = readable(vectors.iter().copied().collect(), |ids| snapshot.load_heads(ids))?;
        if !processed.stored.wrote {
            let would_be = processed.plan.writes.documents.iter().map(|write| &write.head);
            heads.extend(would_be.filter(|head| vectors.contains(&head.document_id)).cloned());
        }
        gathered.vectors = heads.into_iter().filter_map(|head| Some((head.document_id, head.state_vector?))).collect();
    }
    if let Some((cursor, _)) = &processed.pull {
        let feed = snapshot.feed()?;
        let own = processed.own_changes();
        gathered.pulled = Some(read_page_of_batch(*cursor, feed, own, |span| snapshot.load_changes(span))?);
    }
    Ok(gathered)
}

/// Reads the first of these documents.
///
/// # Errors
/// What the store says.
pub fn gather_documents(
    snapshot: &mut dyn Snapshot,
    processed: &Processed,
    wanted: &[DocumentId],
) -> Result<Documents, StoreError> {
    if wanted.is_empty() {
        return Ok(Documents::default());
    }
    let (read, _) = readable(wanted.to_vec(), |ids| snapshot.load_documents(ids, CHUNK_BYTES))?;
    let bytes: usize = read.iter().map(StoredDocument::body_bytes).sum();
    let last = read.last().map(|document| document.head.document_id).filter(|_| bytes >= CHUNK_BYTES);
    let reached = last.and_then(|last| wanted.iter().position(|id| *id == last)).map_or(wanted.len(), |at| at + 1);
    let looked_for = wanted.get(..reached).unwrap_or(wanted);
    let mut found = read.into_iter().map(|document| (document.head.document_id, document)).collect();
    if !processed.stored.wrote {
        lay_over(snapshot, &processed.plan.writes, looked_for, &mut found)?;
    }
    let missing = looked_for.iter().copied().filter(|id| !found.contains_key(id)).collect();
    Ok(Documents { found, missing })
}

/// Documents as the write set would leave them, if it is still made for what is stored.
fn lay_over(
    snapshot: &mut dyn Snapshot,
    writes: &WriteSet,
    wanted: &[DocumentId],
    documents: &mut HashMap<DocumentId, StoredDocument>,
) -> Result<(), StoreError> {
    let mut author = None;
    for DocumentWrite { write, head } in
        writes.documents.iter().filter(|write| wanted.contains(&write.head.document_id))
    {
        let stored = documents.remove(&head.document_id);
        let expected = match write {
            HeadWrite::Insert => None,
            HeadWrite::Replace { expected_version } | HeadWrite::Renew { expected_version } => Some(*expected_version),
        };
        if stored.as_ref().map(|stored| stored.head.version) != expected {
            documents.extend(stored.map(|stored| (head.document_id, stored)));
            continue;
        }
        if author.is_none() {
            author = Some(snapshot.find_username()?.unwrap_or_default());
        }
        let text = kept_text(snapshot, stored.as_ref())?;
        let log = writes.log.iter().filter(|entry| entry.document_id == head.document_id);
        let document = would_be(stored, text, head, log, author.clone().unwrap_or_default());
        documents.insert(head.document_id, document);
    }
    Ok(())
}

/// The text of the stored document; that of a tombstone is its last version's.
fn kept_text(snapshot: &mut dyn Snapshot, stored: Option<&StoredDocument>) -> Result<Option<String>, StoreError> {
    let Some(StoredDocument { head, content, .. }) = stored else { return Ok(None) };
    if content.is_some() || !head.is_deleted() || head.content_digest.is_none() {
        return Ok(content.clone());
    }
    let wanted: [(DocumentId, Version); 1] = [(head.document_id, head.version)];
    Ok(snapshot.load_texts(&wanted, usize::MAX)?.into_iter().find_map(|text| text.content).map(|text| text.to_string()))
}

fn would_be<'a>(
    stored: Option<StoredDocument>,
    mut content: Option<String>,
    head: &DocumentHead,
    log: impl Iterator<Item = &'a LogEntry>,
    author: String,
) -> StoredDocument {
    let (mut yjs_parts, damaged) = stored
        .map_or((Vec::new(), false), |stored| (stored.yjs_parts, stored.damaged && stored.head.epoch == head.epoch));
    for entry in log {
        if entry.kind == OperationKind::Create {
            yjs_parts.clear();
            content = None;
        }
        if entry.content.is_some() || entry.yjs_update.is_some() {
            content = entry.content.as_deref().map(str::to_owned);
        }
        yjs_parts.extend(entry.yjs_update.clone());
    }
    let content = content.filter(|_| !head.is_deleted());
    StoredDocument { head: head.clone(), updated_by_name: author, content, yjs_parts, damaged }
}
