//! What the other rooms speak of: files and changes of them, and which names and paths there are. Pure.

pub mod coalesce;
pub mod markers;
pub mod names;
pub mod paths;
pub mod settings;
pub mod skipped;

pub use self::names::{
    MAX_PART_BYTES, check_path, folded, is_synced_name, marked_path, not_everywhere, shortened, title_for_path,
};
pub use self::paths::{Paths, own_path};
pub use self::settings::{Direction, SyncSettings};
pub use self::skipped::Skipped;
use crate::client::state::{DocId, Look, TrackedFile};

/// Who the folder is to the server.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The workspace.
    pub workspace: String,
    /// This folder's device.
    pub device: String,
}

/// A file as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// Digest of its text.
    pub digest: Vec<u8>,
    /// How it looks.
    pub look: Look,
}

/// Why a file cannot be synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// For people.
    pub reason: String,
    /// Whether it is the file as it is that cannot be synced, and nothing has failed: reported once.
    pub is_refusal: bool,
}

impl Problem {
    /// The file as it is cannot be synced.
    pub fn refusal(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_refusal: true }
    }

    /// Something has failed.
    pub fn failure(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_refusal: false }
    }
}

/// What the server takes.
#[derive(Clone, Copy, Debug)]
pub struct FileLimits {
    /// Bytes of a file.
    pub bytes: u64,
    /// Characters of a path.
    pub chars: usize,
}

impl FileLimits {
    /// Where no server was asked.
    pub const UNKNOWN: Self = Self { bytes: u64::MAX, chars: usize::MAX };
}

/// A tracked file, and what keeps it from being looked at.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The file as it was last synced.
    pub file: TrackedFile,
    /// Whether a person has to choose first, or a write is not finished.
    pub is_held: bool,
    /// Whether its deletion is queued already.
    pub is_deletion_queued: bool,
}

/// A change made in the folder since it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalChange {
    /// A new file.
    Create {
        /// Where.
        path: String,
    },
    /// Another text.
    Edit {
        /// The document.
        id: DocId,
    },
    /// The same text, or one that is much like it, at another path.
    Move {
        /// The document.
        id: DocId,
        /// Where it is now.
        to: String,
    },
    /// The file is gone.
    Delete {
        /// The document.
        id: DocId,
    },
    /// The file is there again although its deletion was queued.
    Reappear {
        /// The document.
        id: DocId,
    },
}
