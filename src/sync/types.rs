//! What goes into a use case, and what comes out of it.

use crate::domain::cursor::ForeignCursor;
use crate::domain::ids::{BatchId, DocumentId, SyncId, UploadId, UserId, Version, WorkspaceId};
use crate::domain::operation::{OperationKind, Submitted};
use crate::domain::outcome::Outcome;
use crate::domain::timestamp::Timestamp;
use crate::domain::upload::{Committing, UploadRefusal, UploadState};
use crate::store::StoreError;
use crate::store::documents::VersionEntry;

/// A parsed batch, from a user who may write to the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Who.
    pub user_id: UserId,
    /// Which device; turns on receipts.
    pub device_id: Option<String>,
    /// All or nothing.
    pub atomic: bool,
    /// Answer, but store nothing.
    pub dry_run: bool,
    /// The sync run that the batch counts towards.
    pub sync_id: Option<SyncId>,
    /// Where to pull from in the same round trip; `None` = push only.
    pub pull: Option<PullFrom>,
    /// The upload that it commits: its operations are those that were staged.
    pub upload: Option<Committing>,
    /// Whose each operation is, where people who type into documents of one workspace are stored together: a version's author,
    /// and a batch of its own. Empty = all are the user's, and one batch.
    pub authors: Vec<UserId>,
    /// The operations, in submitted order.
    pub operations: Vec<Submitted>,
}

impl Batch {
    /// Bytes of the texts that may have to be merged.
    #[must_use]
    pub fn bytes_to_merge(&self) -> usize {
        let texts = self.operations.iter().filter_map(|submitted| match submitted {
            Submitted::Valid(operation) if operation.kind == OperationKind::Update => {
                operation.changes.content.as_ref().map(|content| content.text.len())
            }
            Submitted::Valid(_) | Submitted::Rejected(_) => None,
        });
        texts.sum()
    }
}

/// Why a batch, or a pull, is refused as a whole although it could be read; nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchRefusal {
    /// The cursor was not given out by this workspace's feed.
    #[error("{}", ForeignCursor)]
    ForeignCursor,
    /// What the cursor's reader has not seen may have been purged.
    #[error("the cursor has expired")]
    CursorExpired,
    /// The batch's sync run was cancelled: it takes no more batches.
    #[error("the sync run was cancelled")]
    SyncCancelled,
    /// The upload that the batch commits is not as it was when its operations were read.
    #[error("the upload changed while it was being committed")]
    UploadChanged,
    /// Others are changing the texts of its documents: it has to wait for them, and then is decided anew.
    #[error("others are changing the same documents")]
    NotItsTurn,
}

/// Where a pull starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullFrom {
    /// Before the first change.
    Start,
    /// After what this cursor's reader has.
    Cursor(String),
}

/// What a pull shows of documents with Yjs state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YjsBodies {
    /// Text and state.
    Whole,
    /// The state vector alone: the reader fetches what they lack as a diff.
    Vector,
}

/// A document as an answer shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentView {
    /// Which document.
    pub document_id: DocumentId,
    /// Its current version.
    pub version: Version,
    /// Its title.
    pub title: String,
    /// Its text; none for tombstones.
    pub content: Option<String>,
    /// Its Yjs state, or the part that the editor lacks; none for tombstones, without Yjs state, or where nothing lacks.
    pub yjs_state: Option<Vec<u8>>,
    /// What its Yjs state knows, encoded.
    pub state_vector: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who changed it last, by name.
    pub updated_by: String,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// A page of a workspace's feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesPage {
    /// The documents that changed, in the order in which they last did; tombstones too.
    pub items: Vec<DocumentView>,
    /// Where the reader stands who has taken in the page.
    pub next_cursor: String,
    /// Whether there is more to read from there at once.
    pub has_more: bool,
    /// Tombstones from before this time may be gone; `None` before the first purge.
    pub purged_before: Option<Timestamp>,
}

/// One version of a document, with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionView {
    /// Who, when, what.
    pub entry: VersionEntry,
    /// The text at that version; none for a deletion, or where it can no longer be had.
    pub content: Option<String>,
}

/// The server's side of a clash or a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerSide {
    /// Not carried.
    Nothing,
    /// Only what its Yjs state knows, encoded.
    StateVector(Vec<u8>),
    /// The document, whole.
    Document(Box<DocumentView>),
    /// The answer was full before it: the editor reads it by itself.
    Omitted {
        /// Which document.
        document_id: DocumentId,
        /// Its version, or an older one.
        version: Version,
    },
}

/// What would change in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Its title, and the one that it would have.
    pub title: Option<(String, String)>,
    /// Whether it is deleted, and whether it would be.
    pub deleted: Option<(bool, bool)>,
    /// How its text would change, in the unified form.
    pub diff: Option<String>,
    /// The text would change, and how is not shown: the answer was full, or the text cannot be derived now.
    pub omitted: bool,
}

/// The answer to one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationAnswer {
    /// What became of it.
    pub outcome: Outcome,
    /// The server's side, where the outcome asks for it.
    pub server: ServerSide,
    /// What it would change, where that was asked for.
    pub preview: Option<Box<Preview>>,
}

/// What a restore's answer says besides its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The run that it is, or was; none of a preview.
    pub sync_id: Option<SyncId>,
    /// Documents that it is about.
    pub documents: usize,
    /// Whether the preview shows fewer than those.
    pub has_more: bool,
}

/// An upload as an answer shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadView {
    /// Which one.
    pub upload_id: UploadId,
    /// What has become of it.
    pub state: UploadState,
    /// What is staged, or was applied.
    pub operations: i64,
    /// Bytes of what is staged; none once it was applied.
    pub bytes: Option<i64>,
    /// When it, or the answer of its commit, is dropped.
    pub expires_at: Timestamp,
}

/// The answer to a batch, results in submitted order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchAnswer {
    /// One for each operation.
    pub results: Vec<OperationAnswer>,
    /// Whether the batch was committed (false for a dry run and for an atomic batch that failed).
    pub committed: bool,
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// Whether all-or-nothing was asked for.
    pub atomic: bool,
    /// What the author had missed, where the batch asked for it.
    pub changes: Option<ChangesPage>,
    /// The batch that made the versions: this one, or the one that all of it replays.
    pub batch_id: Option<BatchId>,
    /// What a restore says besides.
    pub restored: Option<Restored>,
    /// The upload that the request was about.
    pub upload: Option<UploadView>,
}

/// Why a use case could not be carried out at all.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such document (or version) for this reader.
    #[error("not found")]
    NotFound,
    /// The user has no such sync run there.
    #[error("no such sync run")]
    NoSuchRun,
    /// Nothing is wrong with the store, but the whole is refused.
    #[error(transparent)]
    Refused(#[from] BatchRefusal),
    /// The history does not reach back so far.
    #[error("the history reaches back to {since}")]
    HistoryExpired {
        /// The first moment that can be read.
        since: Timestamp,
    },
    /// There is no such batch there.
    #[error("no such batch")]
    NoSuchBatch,
    /// As many restores as may be are under way.
    #[error("too many restores are under way")]
    TooManyRestores,
    /// What was asked of an upload is refused.
    #[error("the upload is refused: {0:?}")]
    Upload(UploadRefusal),
}
