//! What streams are told, made once and shared by all of them.

use std::sync::{Arc, OnceLock};

use crate::domain::cursor::{Cursor, FeedKey};
use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::store::change_notices::ChangeNotice;

/// That a document changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeEvent {
    /// Which document.
    pub document_id: DocumentId,
    /// Its version.
    pub version: Version,
    /// Whether it is deleted.
    pub deleted: bool,
    /// The place in the feed after this change, sealed.
    pub cursor: String,
}

/// Changes that follow one another in the feed. What they look like on the wire is made once, by whoever first asks,
/// since a thousand streams may.
#[derive(Debug)]
pub struct ChangePage {
    sequences: Vec<i64>,
    changes: Vec<ChangeEvent>,
    encoded: OnceLock<Encoded>,
}

#[derive(Debug)]
struct Encoded {
    text: String,
    /// Where each change begins.
    starts: Vec<usize>,
}

impl ChangePage {
    /// The changes of a workspace whose cursors are signed with `key`.
    pub(super) fn new(workspace_id: WorkspaceId, key: &FeedKey, notices: &[ChangeNotice]) -> Self {
        let event = |notice: &ChangeNotice| ChangeEvent {
            document_id: notice.document_id,
            version: notice.version,
            deleted: notice.deleted,
            cursor: Cursor { sequence: notice.sequence, floor: 0 }.seal(workspace_id, key),
        };
        Self {
            sequences: notices.iter().map(|notice| notice.sequence).collect(),
            changes: notices.iter().map(event).collect(),
            encoded: OnceLock::new(),
        }
    }

    /// How many of the changes come after `sequence`, and the last one's.
    pub(super) fn after(&self, sequence: i64) -> Option<(usize, i64)> {
        let skip = self.sequences.partition_point(|known| *known <= sequence);
        let last = *self.sequences.last()?;
        (skip < self.sequences.len()).then_some((self.sequences.len() - skip, last))
    }
}

/// The changes of a page that are new to one stream; never none.
#[derive(Clone, Debug)]
pub struct Changes {
    page: Arc<ChangePage>,
    new: usize,
}

impl Changes {
    /// The last `new` changes of the page.
    pub(super) fn new(page: Arc<ChangePage>, new: usize) -> Self {
        Self { page, new }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.new
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &ChangeEvent> {
        self.page.changes.iter().skip(self.page.changes.len().saturating_sub(self.new))
    }

    /// What `encode` writes for them, one after the other. It must be the same function at every call: its work is
    /// kept for the other streams.
    pub fn encoded(&self, encode: fn(&ChangeEvent, &mut String)) -> &str {
        let encoded = self.page.encoded.get_or_init(|| {
            let (mut text, mut starts) = (String::new(), Vec::with_capacity(self.page.changes.len()));
            for change in &self.page.changes {
                starts.push(text.len());
                encode(change, &mut text);
            }
            Encoded { text, starts }
        });
        let skip = encoded.starts.len().saturating_sub(self.new);
        let start = encoded.starts.get(skip).copied().unwrap_or_default();
        encoded.text.get(start..).unwrap_or_default()
    }
}

/// What a topic tells all its streams; each picks what is its own.
#[derive(Debug)]
pub(super) enum Notice {
    /// Documents changed.
    Changes(Arc<ChangePage>),
    /// A run of this user moved on; how far, as JSON.
    Progress(UserId, Arc<str>),
    /// This user is no longer a member.
    Removed(UserId),
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn page(sequences: &[i64]) -> Arc<ChangePage> {
        let notice = |sequence: &i64| ChangeNotice {
            sequence: *sequence,
            document_id: DocumentId(Uuid::from_u128(9)),
            version: *sequence,
            deleted: false,
        };
        let notices: Vec<_> = sequences.iter().map(notice).collect();
        Arc::new(ChangePage::new(WorkspaceId(Uuid::from_u128(1)), &FeedKey::new(vec![1; 16], 1), &notices))
    }

    fn encode(change: &ChangeEvent, text: &mut String) {
        text.push_str(&format!("<{}>", change.version));
    }

    #[test]
    fn a_stream_gets_the_part_of_a_page_that_is_new_to_it() {
        let page = page(&[3, 5, 9]);
        assert_eq!(page.after(0), Some((3, 9)));
        assert_eq!(page.after(4), Some((2, 9)));
        assert_eq!(page.after(5), Some((1, 9)));
        assert_eq!(page.after(9), None);
        let text = |new| Changes::new(Arc::clone(&page), new).encoded(encode).to_owned();
        assert_eq!((text(1), text(3), text(2)), ("<9>".into(), "<3><5><9>".into(), "<5><9>".into()));
    }
}
