//! What a decision looks at, and what it can be. [`decide`](crate::domain::decide) makes it.

use std::sync::Arc;

use crate::domain::document::DocumentHead;
use crate::domain::ids::Version;
use crate::domain::operation::{Operation, Text};
use crate::domain::quota::Added;
use crate::domain::refusal::Refusal;
use crate::domain::yjs_facts::DeleteSet;

/// Title and text as the editor had them before its change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseView {
    /// The title.
    pub title: String,
    /// The text, if it is known as text.
    pub content: Option<Arc<str>>,
}

/// How the version that the operation builds on stands to the document's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the document's version.
    Current,
    /// The document has moved on; `base` is what the editor had, if that is still known.
    Stale {
        /// What the editor had.
        base: Option<BaseView>,
    },
    /// The operation names no version.
    Unstated,
    /// It names a version that the document never had.
    Future,
}

/// Everything that a decision looks at besides the operation.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The document as it stands now, earlier operations of the batch included; `None` if there never was one.
    pub current: Option<&'a DocumentHead>,
    /// Whether this batch itself deleted it.
    pub deleted_by_batch: bool,
    /// How the operation's base stands to `current`.
    pub standing: Standing,
    /// The document's text, where it was asked for.
    pub content: Option<&'a str>,
    /// The deletions that the document's Yjs state knows, where they were asked for.
    pub known_deletions: Option<&'a DeleteSet>,
    /// Whether its Yjs state cannot be shown.
    pub is_damaged: bool,
    /// What a change of its text meets.
    pub text: TextFacts,
}

/// What is known of a document's text besides the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextFacts {
    /// It is rich text: a change of text alone cannot be made in it.
    pub is_rich: bool,
    /// It cannot be read or changed now.
    pub is_unavailable: bool,
    /// The text at the operation's base version is known as far as it can be.
    pub is_base_final: bool,
    /// Bytes that a text may have.
    pub max_bytes: usize,
}

/// What a decision about a text needs and does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The document's text.
    Text,
    /// Its text at the operation's base version.
    BaseText,
}

/// What becomes of the document's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentChange {
    /// It stays.
    Keep,
    /// It becomes this.
    Set(Text),
    /// It must be derived from the Yjs state.
    Derive,
}

/// The effect of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateEffect {
    /// The new title, if it changes.
    pub title: Option<String>,
    /// What becomes of the text.
    pub content: ContentChange,
    /// Whether the operation's Yjs update is appended.
    pub append_yjs: bool,
    /// Whether it was merged with what others had changed.
    pub merged: bool,
    /// Whether the title replaced one that somebody else had set meanwhile.
    pub title_overwritten: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Make the document (anew).
    Create,
    /// Change it.
    Update(Box<UpdateEffect>),
    /// Turn it into a tombstone.
    Delete,
    /// Nothing has to be done.
    Unchanged,
    /// Do not.
    Refuse(Box<Refusal>),
    /// Decide again when this is known.
    Wants(Want),
}

impl Decision {
    /// Bytes of the text that a merge came to.
    #[must_use]
    pub fn merged_bytes(&self) -> usize {
        match self {
            Self::Update(effect) if effect.merged => match &effect.content {
                ContentChange::Set(text) => text.text.len(),
                ContentChange::Keep | ContentChange::Derive => 0,
            },
            Self::Refuse(refusal) => refusal.merge_text.as_ref().map_or(0, |text| text.len()),
            Self::Create | Self::Update(_) | Self::Delete | Self::Unchanged | Self::Wants(_) => 0,
        }
    }

    /// What it adds to what is stored.
    pub(super) fn added(&self, operation: &Operation, head: Option<&DocumentHead>) -> Added {
        let yjs = operation.changes.yjs.as_ref().map(|update| update.bytes.len());
        match self {
            Self::Create => {
                let text = operation.changes.content.as_ref().map(|content| content.text.len());
                // Without a text and a Yjs state it has an empty text.
                Added::documents(1).with(text.or_else(|| yjs.is_none().then_some(0)), yjs)
            }
            Self::Update(effect) => {
                let text = match &effect.content {
                    ContentChange::Set(text) => Some(text.text.len()),
                    ContentChange::Keep | ContentChange::Derive => None,
                };
                let revives = head.is_some_and(DocumentHead::is_deleted);
                Added::documents(i64::from(revives)).with(text, yjs.filter(|_| effect.append_yjs))
            }
            Self::Delete => Added::documents(-1),
            Self::Unchanged | Self::Refuse(_) | Self::Wants(_) => Added::default(),
        }
    }
}

impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(Box::new(refusal))
    }
}

/// How a stated base stands to a version. A document that only has to be revived is as its last live version.
#[must_use]
pub fn standing_of(stated: Option<Version>, head: &DocumentHead, restore: bool, base: Option<BaseView>) -> Standing {
    match stated {
        None => Standing::Unstated,
        Some(version) if version > head.version => Standing::Future,
        Some(version) if version == head.version => Standing::Current,
        Some(version) if restore && head.is_deleted() && version == head.version - 1 => Standing::Current,
        Some(_) => Standing::Stale { base },
    }
}
