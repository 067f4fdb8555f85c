//! Documents as answers show them: stored parts merged, text derived where it must be.

use std::time::Instant;

use crate::domain::document::{DocumentHead, StoredDocument};
use crate::domain::ids::{DocumentId, Version};
use crate::domain::yjs_facts::StateVector;
use crate::store::StoreError;
use crate::sync::DocumentView;
use crate::yjs::merge::{diff_update, encode_state_vector, merge_updates};
use crate::yjs::render::{RenderError, Turn};

/// What rendering a document taught that is worth storing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned {
    /// Nothing.
    Nothing,
    /// Its text.
    Text(String),
    /// It cannot be rendered.
    Damaged,
    /// No worker could be had to render it; the view lacks its text for now.
    NotNow(String),
    /// It takes too long to render; the view lacks its text until it is tried again.
    PutOff(String),
}

const MERGE_SECONDS: &str = "landfall_yjs_merge_seconds";

fn timed<T>(histogram: &'static str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    metrics::histogram!(histogram).record(started.elapsed());
    result
}

/// Which version of a document was rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Which document.
    pub document_id: DocumentId,
    /// The version at which its text last changed.
    pub content_version: Version,
    /// Its version.
    pub version: Version,
}

impl From<&DocumentHead> for Rendered {
    fn from(head: &DocumentHead) -> Self {
        Self { document_id: head.document_id, content_version: head.content_version, version: head.version }
    }
}

/// Makes the view of a document for a reader who has `reader` of its Yjs state.
///
/// A document that cannot be rendered is shown without its text; its Yjs state is there all the same.
///
/// # Errors
/// `Corrupt` if its stored Yjs parts cannot be read.
pub fn view_document(
    turn: &Turn<'_>,
    document: StoredDocument,
    reader: Option<&StateVector>,
) -> Result<(DocumentView, Learned), StoreError> {
    let (view, learned, unreadable) = view(turn, document, reader);
    unreadable.map_or(Ok((view, learned)), Err)
}

/// As [`view_document`], for one among many: Yjs parts that cannot be read are left out of the view, and told to the
/// log.
pub fn view_readable(turn: &Turn<'_>, document: StoredDocument) -> (DocumentView, Learned) {
    let (view, learned, unreadable) = view(turn, document, None);
    if let Some(error) = unreadable {
        tracing::error!(document_id = %view.document_id, %error, "the document is shown without its Yjs state");
    }
    (view, learned)
}

/// Makes the view of a document without its text and Yjs state.
pub fn view_head(document: StoredDocument) -> DocumentView {
    let StoredDocument { head, updated_by_name, .. } = document;
    let is_deleted = head.is_deleted();
    DocumentView {
        document_id: head.document_id,
        version: head.version,
        title: head.title,
        content: None,
        yjs_state: None,
        state_vector: head.state_vector.filter(|_| !is_deleted).map(|vector| encode_state_vector(&vector)),
        created_at: head.created_at,
        updated_at: head.updated_at,
        updated_by: updated_by_name,
        deleted_at: head.deleted_at,
    }
}

/// The head of a document, and its text, derived where it must be; none of a tombstone.
pub fn text_of(turn: &Turn<'_>, document: StoredDocument) -> (DocumentHead, Option<String>, Learned) {
    let StoredDocument { head, content, yjs_parts, damaged, .. } = document;
    let (text, learned) = text(turn, &head, content, &yjs_parts, damaged);
    (head, text, learned)
}

fn text(
    turn: &Turn<'_>,
    head: &DocumentHead,
    content: Option<String>,
    yjs_parts: &[Vec<u8>],
    damaged: bool,
) -> (Option<String>, Learned) {
    let id = head.document_id;
    match content {
        _ if head.is_deleted() => (None, Learned::Nothing),
        Some(content) => (Some(content), Learned::Nothing),
        None if damaged || head.state_vector.is_none() => (None, Learned::Nothing),
        None => match timed("landfall_render_seconds", || turn.render(id.0.as_u128(), yjs_parts)) {
            Ok(text) => (Some(text.clone()), Learned::Text(text)),
            Err(RenderError::Damaged(reason)) => {
                tracing::error!(document_id = %id, version = head.version, reason, "the document cannot be rendered");
                (None, Learned::Damaged)
            }
            Err(RenderError::Slow(reason)) => (None, Learned::PutOff(reason)),
            Err(RenderError::Unavailable(reason)) => (None, Learned::NotNow(reason)),
        },
    }
}

fn view(
    turn: &Turn<'_>,
    document: StoredDocument,
    reader: Option<&StateVector>,
) -> (DocumentView, Learned, Option<StoreError>) {
    let StoredDocument { head, updated_by_name, content, yjs_parts, damaged } = document;
    let id = head.document_id;
    let deleted = head.is_deleted();
    let (content, learned) = text(turn, &head, content, &yjs_parts, damaged);
    let merged = match (&head.state_vector, reader) {
        _ if deleted => Ok(None),
        (None, _) => Ok(None),
        (Some(_), Some(known)) => timed(MERGE_SECONDS, || diff_update(&yjs_parts, known)),
        (Some(_), None) if yjs_parts.len() == 1 => Ok(yjs_parts.into_iter().next()),
        (Some(_), None) => timed(MERGE_SECONDS, || merge_updates(&yjs_parts)).map(Some),
    };
    let (yjs_state, unreadable) = match merged {
        Ok(state) => (state, None),
        Err(error) => (None, Some(StoreError::Corrupt(format!("Yjs state of document {id}: {error}")))),
    };
    let view = DocumentView {
        document_id: id,
        version: head.version,
        title: head.title,
        content,
        yjs_state,
        state_vector: head.state_vector.filter(|_| !deleted).map(|vector| encode_state_vector(&vector)),
        created_at: head.created_at,
        updated_at: head.updated_at,
        updated_by: updated_by_name,
        deleted_at: head.deleted_at,
    };
    (view, learned, unreadable)
}
