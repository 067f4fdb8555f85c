//! A page of the feed while it is filled: what fits, and what is still wanted of it. Knows no SQL.

use std::ops::RangeInclusive;

use super::StoreError;
use super::assembly::{Assembly, BodyRow};
use super::rows::HeadRow;
use crate::domain::document::StoredDocument;
use crate::domain::ids::Version;

/// A stretch of a feed, and how much of it to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Only changes after this sequence.
    pub after: i64,
    /// And up to this one.
    pub up_to: i64,
    /// Documents at most; at least 1.
    pub max_documents: usize,
    /// No document more once the bodies (texts and Yjs parts) have this many bytes; the first is always read.
    pub max_bytes: usize,
}

/// A document of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedDocument {
    /// Its place in the feed.
    pub sequence: i64,
    /// The document; a tombstone comes without bodies.
    pub document: StoredDocument,
}

/// The documents of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// In feed order.
    pub changes: Vec<ChangedDocument>,
    /// Whether there was more than fitted.
    pub has_more: bool,
}

/// A row of the page: sequence, head, damage, author's name, body, and text and Yjs update of the log row at the head's
/// `content_version`. For most documents with Yjs state that row has all of it.
pub(super) type ChangeRow = (i64, HeadRow, bool, Option<String>, Option<BodyRow>, Option<Vec<u8>>, Option<Vec<u8>>);

/// A page while it is filled.
pub(super) struct Filling<'a> {
    span: &'a Span,
    changes: Vec<ChangedDocument>,
    /// Documents, by place, of which more Yjs updates are wanted than came with the row.
    incomplete: Vec<(usize, RangeInclusive<Version>)>,
    bytes: usize,
    /// The last document that was left out.
    passed: Option<i64>,
    /// Whether there is more than fits.
    pub(super) has_more: bool,
}

impl<'a> Filling<'a> {
    pub(super) const fn new(span: &'a Span) -> Self {
        Self { span, changes: Vec::new(), incomplete: Vec::new(), bytes: 0, passed: None, has_more: false }
    }

    /// Whether no document more fits.
    pub(super) fn is_full(&self) -> bool {
        let some = !self.changes.is_empty();
        some && (self.changes.len() >= self.span.max_documents || self.bytes >= self.span.max_bytes)
    }

    /// The sequence of the last document taken, or left out.
    pub(super) fn last_sequence(&self) -> Option<i64> {
        self.changes.last().map(|change| change.sequence).max(self.passed)
    }

    /// Takes the next document.
    ///
    /// # Errors
    /// `Corrupt` if its head cannot be read.
    pub(super) fn take(&mut self, row: ChangeRow) -> Result<(), StoreError> {
        let (sequence, head, damaged, author, body, text, update) = row;
        let document = match Assembly::new(head, damaged, author, body) {
            // It must not end its workspace's feed; once it is repaired, it is in the feed anew.
            Err(error @ StoreError::Damaged { .. }) => {
                tracing::error!(%error, "a document is left out of the feed");
                self.passed = Some(sequence);
                return Ok(());
            }
            document => document?,
        };
        let head = document.head();
        let (mut updates, mut announced) = (Vec::new(), 0);
        if let Some(versions) = document.updates_logged_at().filter(|_| !head.is_deleted()) {
            match update {
                Some(update) if versions == (head.content_version..=head.content_version) => updates.push(update),
                _ => {
                    announced = head.snapshot_bytes.saturating_add(head.log_bytes);
                    self.incomplete.push((self.changes.len(), versions));
                }
            }
        }
        let document = document.finish_readable(text, updates);
        let parts: usize = document.yjs_parts.iter().map(Vec::len).sum();
        self.bytes = self
            .bytes
            .saturating_add(document.content.as_ref().map_or(0, String::len))
            .saturating_add(parts.max(usize::try_from(announced).unwrap_or_default()));
        self.changes.push(ChangedDocument { sequence, document });
        Ok(())
    }

    /// The page, with the updates that `load` has for the documents that want some.
    ///
    /// # Errors
    /// What `load` answered.
    pub(super) fn finish(
        mut self,
        mut load: impl FnMut(&StoredDocument, RangeInclusive<Version>) -> Result<Vec<Vec<u8>>, StoreError>,
    ) -> Result<FeedPage, StoreError> {
        for (place, versions) in self.incomplete {
            let Some(change) = self.changes.get_mut(place) else { continue };
            let updates = load(&change.document, versions)?;
            change.document.yjs_parts.extend(updates);
        }
        Ok(FeedPage { changes: self.changes, has_more: self.has_more })
    }

    /// The documents of which more Yjs updates are wanted.
    pub(super) fn incomplete(&self) -> impl Iterator<Item = &StoredDocument> {
        self.incomplete.iter().filter_map(|(place, _)| Some(&self.changes.get(*place)?.document))
    }
}
