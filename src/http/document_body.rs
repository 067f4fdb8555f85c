//! A document as JSON (protocol §3), in a batch's answer and in the documents' own answers.

use base64::display::Base64Display;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD};
use serde::{Serialize, Serializer};

use crate::domain::ids::{DocumentId, Version};
use crate::domain::timestamp::Timestamp;
use crate::sync::DocumentView;
use crate::sync::ListedDocument;

/// Bytes that are written as standard base64 with padding, straight into the output.
#[derive(Clone, Copy, Debug)]
pub struct Base64<'a>(pub &'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::<GeneralPurpose>::new(self.0, &STANDARD))
    }
}

/// The JSON object `Document`.
#[derive(Debug, Serialize)]
pub struct DocumentBody<'a> {
    #[serde(flatten)]
    summary: DocumentSummaryBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    yjs_state_b64: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_vector_b64: Option<Base64<'a>>,
}

/// Bytes that a document will have as JSON, roughly, so that a buffer need not grow often.
#[must_use]
pub fn size_estimate(document: &DocumentView) -> usize {
    const SUMMARY: usize = 320;
    let content = document.content.as_ref().map_or(0, |content| content.len().saturating_add(content.len() / 16));
    let yjs = document.yjs_state.as_ref().map_or(0, |state| state.len().saturating_mul(4) / 3);
    SUMMARY.saturating_add(document.title.len()).saturating_add(content).saturating_add(yjs)
}

/// The JSON object `Document` without its bodies, as lists have it.
#[derive(Debug, Serialize)]
pub struct DocumentSummaryBody<'a> {
    document_id: DocumentId,
    version: Version,
    title: &'a str,
    created_at: Timestamp,
    updated_at: Timestamp,
    updated_by: &'a str,
    deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
}

impl<'a> From<&'a DocumentView> for DocumentSummaryBody<'a> {
    fn from(document: &'a DocumentView) -> Self {
        Self {
            document_id: document.document_id,
            version: document.version,
            title: &document.title,
            created_at: document.created_at,
            updated_at: document.updated_at,
            updated_by: &document.updated_by,
            deleted: document.deleted_at.is_some(),
            deleted_at: document.deleted_at,
        }
    }
}

impl<'a> From<&'a ListedDocument> for DocumentSummaryBody<'a> {
    fn from(listed: &'a ListedDocument) -> Self {
        let head = &listed.head;
        Self {
            document_id: head.document_id,
            version: head.version,
            title: &head.title,
            created_at: head.created_at,
            updated_at: head.updated_at,
            updated_by: &listed.updated_by_name,
            deleted: head.is_deleted(),
            deleted_at: head.deleted_at,
        }
    }
}

impl<'a> From<&'a DocumentView> for DocumentBody<'a> {
    fn from(document: &'a DocumentView) -> Self {
        Self {
            summary: document.into(),
            content: document.content.as_deref(),
            yjs_state_b64: document.yjs_state.as_deref().map(Base64),
            state_vector_b64: document.state_vector.as_deref().map(Base64),
        }
    }
}
