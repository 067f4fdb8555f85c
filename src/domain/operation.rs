//! One operation of a batch, parsed: whatever can be known without the database is known and valid here.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, Version};
use crate::domain::replacements::Replacement;
use crate::domain::yjs_facts::{ScannedUpdate, StateVector};

/// What an operation does. The order of the variants is the order of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationKind {
    /// Asks whether a document, as it was before the batch, is at a version. Never stored.
    Check,
    /// Makes a document.
    Create,
    /// Changes a document.
    Update,
    /// Turns a document into a tombstone.
    Delete,
}

impl OperationKind {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Which document an operation means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The id that the editor gave.
    Id(DocumentId),
    /// A create without an id: the one that the server minted for it.
    Minted(DocumentId),
    /// The document made by the create of this `client_id`, in this batch or (by its receipt) an earlier one.
    Ref(String),
}

/// What a create or an update carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The new title.
    pub title: Option<String>,
    /// The new text, with its digest.
    pub content: Option<Text>,
    /// Edits of the text as it is; empty where there are none. Never beside a text or Yjs changes.
    pub edits: Vec<Replacement>,
    /// The Yjs changes: one update, or a list of updates joined.
    pub yjs: Option<ScannedUpdate>,
}

impl Changes {
    /// Whether they change the text, and not by Yjs.
    #[must_use]
    pub fn are_of_text(&self) -> bool {
        self.yjs.is_none() && (self.content.is_some() || !self.edits.is_empty())
    }
}

/// First 16 bytes of the SHA-256 of a text: equality without loading the text.
pub type Digest = [u8; 16];

/// The digest of a text.
#[must_use]
pub fn digest_of(text: &str) -> Digest {
    let mut digest = Digest::default();
    for (own, byte) in digest.iter_mut().zip(Sha256::digest(text.as_bytes())) {
        *own = byte;
    }
    digest
}

/// A text and its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text itself; shared by whatever becomes of it, not copied.
    pub text: Arc<str>,
    /// Its digest.
    pub digest: Digest,
}

impl Text {
    /// The text with its digest.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        Self { digest: digest_of(&text), text }
    }
}

/// A valid operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Its name, unique in the batch.
    pub client_id: String,
    /// What it does.
    pub kind: OperationKind,
    /// The document meant.
    pub target: Target,
    /// The version that the editor last saw; of a check, 0 means that there must be no live document.
    pub base_version: Option<Version>,
    /// Apply whatever the version.
    pub force: bool,
    /// Revive the document if it is deleted (updates).
    pub restore: bool,
    /// What it carries; empty for deletes.
    pub changes: Changes,
    /// What the editor has, for the answer's diff.
    pub reader_state_vector: Option<StateVector>,
    /// Digest of kind, `restore` and `changes`: what makes a resend "the same contents". The target is compared apart.
    pub payload_digest: Digest,
}

/// Why an operation failed, where in the request, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationError {
    /// The code.
    pub code: ErrorCode,
    /// For people: what is wrong and what to do. Never holds document text.
    pub message: String,
    /// RFC 6901 pointer into the request, where one place is at fault.
    pub pointer: Option<String>,
}

/// An operation that cannot be carried out, whatever the database holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedOperation {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Its name, if it had a valid one.
    pub client_id: Option<String>,
    /// What it was to do, if that could be read.
    pub kind: Option<OperationKind>,
    /// The document meant, if that could be read: later operations on it are skipped.
    pub target: Option<Target>,
    /// The mistake.
    pub error: OperationError,
}

/// One entry of `operations`, after validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// To be decided against the database.
    Valid(Box<Operation>),
    /// Answered without it.
    Rejected(RejectedOperation),
}

impl Submitted {
    /// Its place in the request.
    #[must_use]
    pub fn index(&self) -> usize {
        match self {
            Self::Valid(operation) => operation.index,
            Self::Rejected(rejected) => rejected.index,
        }
    }

    /// Its name, if it has a valid one.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::Valid(operation) => Some(&operation.client_id),
            Self::Rejected(rejected) => rejected.client_id.as_deref(),
        }
    }

    /// The digest of its contents; none of what was rejected.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::Valid(operation) => Some(operation.payload_digest),
            Self::Rejected(_) => None,
        }
    }

    /// What it does, if that could be read.
    #[must_use]
    pub fn kind(&self) -> Option<OperationKind> {
        match self {
            Self::Valid(operation) => Some(operation.kind),
            Self::Rejected(rejected) => rejected.kind,
        }
    }

    /// The names under which a receipt decides about it: its own, and the one of the create that it refers to.
    pub fn receipt_names(&self) -> impl Iterator<Item = &str> {
        let valid = match self {
            Self::Valid(operation) if operation.kind != OperationKind::Check => Some(operation),
            _ => None,
        };
        let reference = valid.and_then(|operation| match &operation.target {
            Target::Ref(name) => Some(name.as_str()),
            Target::Id(_) | Target::Minted(_) => None,
        });
        valid.map(|operation| operation.client_id.as_str()).into_iter().chain(reference)
    }

    /// The document that it means, if that could be read.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Valid(operation) => Some(&operation.target),
            Self::Rejected(rejected) => rejected.target.as_ref(),
        }
    }
}
