//! How a document is put together from its rows: which snapshot, which text and which Yjs updates hold for its head.
//! The same rules for a document that is read alone and for a page of the feed. Runs no statement.

use std::ops::RangeInclusive;

use diesel::prelude::*;

use super::StoreError;
use super::encoding::decode_text;
use super::rows::HeadRow;
use super::schema::document_bodies;
use crate::domain::document::{DocumentHead, StoredDocument};
use crate::domain::ids::Version;

/// The columns of `document_bodies` that a reader needs.
#[derive(Queryable, Selectable)]
#[diesel(table_name = document_bodies)]
pub(super) struct BodyRow {
    yjs_version: i64,
    content_version: i64,
    yjs_snapshot: Option<Vec<u8>>,
    content: Option<Vec<u8>>,
}

/// A document of which the log is still to be read.
pub(super) struct Assembly {
    head: DocumentHead,
    updated_by_name: String,
    damaged: bool,
    /// The snapshot, with the version up to which it holds everything.
    snapshot: Option<(Version, Vec<u8>)>,
    /// The text, as stored.
    text: Option<Vec<u8>>,
}

impl Assembly {
    /// Takes what of the body still holds for the head.
    ///
    /// # Errors
    /// `Damaged` if the head cannot be read.
    pub(super) fn new(
        head: HeadRow,
        damaged: bool,
        updated_by_name: Option<String>,
        body: Option<BodyRow>,
    ) -> Result<Self, StoreError> {
        let head = DocumentHead::try_from(head)?;
        let (mut snapshot, mut text) = (None, None);
        if let Some(body) = body {
            if head.state_vector.is_some() && body.yjs_version >= head.epoch {
                snapshot = body.yjs_snapshot.map(|bytes| (body.yjs_version, bytes));
            }
            if !head.is_deleted() && body.content_version >= head.content_version.max(head.epoch) {
                text = body.content;
            }
        }
        Ok(Self { head, updated_by_name: updated_by_name.unwrap_or_default(), damaged, snapshot, text })
    }

    /// The head.
    pub(super) fn head(&self) -> &DocumentHead {
        &self.head
    }

    /// The version whose log row has the text, if any row has it; `None` if it is here, or not shown.
    pub(super) fn text_logged_at(&self) -> Option<Version> {
        Some(self.head.content_version).filter(|_| self.text.is_none() && !self.head.is_deleted())
    }

    /// The versions whose Yjs updates complete the state; `None` if nothing lacks.
    pub(super) fn updates_logged_at(&self) -> Option<RangeInclusive<Version>> {
        self.head.state_vector.as_ref()?;
        let first = self.snapshot.as_ref().map_or(self.head.epoch, |(version, _)| version + 1);
        Some(first..=self.head.version).filter(|range| !range.is_empty())
    }

    /// The document, with the text and the updates that the log has for it.
    ///
    /// # Errors
    /// `Damaged` if the text cannot be read.
    pub(super) fn finish(
        mut self,
        logged_text: Option<Vec<u8>>,
        updates: Vec<Vec<u8>>,
    ) -> Result<StoredDocument, StoreError> {
        let text = self.take_text(logged_text).as_deref().map(decode_text).transpose();
        let content = text.map_err(|error| error.of(self.head.document_id))?;
        Ok(self.with(content, updates))
    }

    /// As [`finish`](Self::finish); a text that cannot be read is left out, so that one row never holds up its
    /// workspace's feed.
    pub(super) fn finish_readable(mut self, logged_text: Option<Vec<u8>>, updates: Vec<Vec<u8>>) -> StoredDocument {
        let decoded = self.take_text(logged_text).as_deref().map(decode_text).transpose();
        let content = decoded.unwrap_or_else(|error| {
            tracing::error!(document_id = %self.head.document_id, %error, "the document is shown without its text");
            None
        });
        self.with(content, updates)
    }

    fn take_text(&mut self, logged: Option<Vec<u8>>) -> Option<Vec<u8>> {
        self.text.take().or(logged).filter(|_| !self.head.is_deleted())
    }

    fn with(self, content: Option<String>, updates: Vec<Vec<u8>>) -> StoredDocument {
        let mut yjs_parts: Vec<Vec<u8>> = self.snapshot.map(|(_, bytes)| bytes).into_iter().collect();
        yjs_parts.extend(updates);
        let Self { head, updated_by_name, damaged, .. } = self;
        StoredDocument { head, updated_by_name, content, yjs_parts, damaged }
    }
}
