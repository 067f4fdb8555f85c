//! Uploads: atomic batches that are staged over several requests. What one may be, and what may be done with it.

use serde::Serialize;

use crate::domain::ids::{BatchId, DocumentId, UploadId, UserId, Version, WorkspaceId};
use crate::domain::operation::{Digest, OperationKind, Submitted};
use crate::domain::outcome::{Attach, Ending, Outcome};
use crate::domain::timestamp::Timestamp;

/// What an upload may be, and how many there may be. Every figure is inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UploadLimits {
    /// Operations of an upload.
    pub max_operations: usize,
    /// Bytes of its operations, as they are written in the requests, decompressed.
    pub max_bytes: usize,
    /// Open uploads of a user in a workspace.
    pub max_open: usize,
    /// Bytes of all open uploads of a workspace.
    pub max_workspace_bytes: usize,
    /// Seconds that an upload may take from its first request to its commit, and that its answer is kept.
    pub retention_s: i64,
}

/// A staged operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedOperation {
    /// Its name.
    pub client_id: String,
    /// The operation as it was sent.
    pub body: String,
}

/// An upload that has ended is remembered for so many times as long as it was kept, so that nobody goes on with it or begins
/// it again.
const REMEMBERED_FOR: i64 = 30;

impl Default for UploadLimits {
    fn default() -> Self {
        Self {
            max_operations: 10_000,
            max_bytes: 256 * 1024 * 1024,
            max_open: 8,
            max_workspace_bytes: 1024 * 1024 * 1024,
            retention_s: 86_400,
        }
    }
}

impl UploadLimits {
    /// Whether so many operations with so many bytes are more than an upload may have.
    ///
    /// # Errors
    /// `TooLarge`.
    pub fn check(&self, size: Size) -> Result<(), UploadRefusal> {
        let fits = size.operations <= bound(self.max_operations) && size.bytes <= bound(self.max_bytes);
        if fits { Ok(()) } else { Err(self.too_large()) }
    }

    /// Whether a workspace with these open uploads, of which `own` are the user's, may have another one, or a larger one.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn check_room(&self, is_new: bool, own: usize, staged_bytes: i64) -> Result<(), UploadRefusal> {
        if is_new && own >= self.max_open {
            return Err(UploadRefusal::TooMany { max_open: self.max_open });
        }
        if staged_bytes > bound(self.max_workspace_bytes) {
            return Err(UploadRefusal::NoRoom { max_workspace_bytes: self.max_workspace_bytes });
        }
        Ok(())
    }

    /// The refusal that names these limits.
    #[must_use]
    pub const fn too_large(&self) -> UploadRefusal {
        UploadRefusal::TooLarge { max_operations: self.max_operations, max_bytes: self.max_bytes }
    }

    /// What came into its state before this time has been kept long enough: the operations of an open upload, the answer
    /// of a commit.
    #[must_use]
    pub fn kept_since(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(-self.retention_s)
    }

    /// What was committed or dropped before this time is forgotten.
    #[must_use]
    pub fn remembered_since(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(-(self.retention_s.saturating_mul(REMEMBERED_FOR)))
    }
}

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// How much is staged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Operations.
    pub operations: i64,
    /// Bytes of them.
    pub bytes: i64,
}

/// Which upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadKey {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Whose.
    pub user_id: UserId,
    /// Its name.
    pub upload_id: UploadId,
}

/// What has become of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadState {
    /// It takes operations.
    Open,
    /// It was applied.
    Committed,
    /// It was dropped: nothing of it was applied.
    Dropped,
}

/// An upload, without its operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What has become of it.
    pub state: UploadState,
    /// Changes with each request that staged something.
    pub revision: i64,
    /// What is staged.
    pub size: Size,
    /// When it came into its state.
    pub since: Timestamp,
    /// The batch that it became, if that made versions.
    pub batch_id: Option<BatchId>,
}

impl Upload {
    /// What it is at this time: one that was open for long enough is as good as dropped. One that was committed stays so.
    #[must_use]
    pub fn state_at(&self, now: Timestamp, limits: &UploadLimits) -> UploadState {
        match self.state {
            UploadState::Open if self.since < limits.kept_since(now) => UploadState::Dropped,
            state => state,
        }
    }

    /// When it will be dropped, or the answer of its commit.
    #[must_use]
    pub fn expires_at(&self, limits: &UploadLimits) -> Timestamp {
        self.since.plus_seconds(limits.retention_s)
    }
}

/// Why a request about an upload is refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadRefusal {
    /// The user has no such upload in the workspace.
    Unknown,
    /// It was dropped.
    Dropped,
    /// It was committed, and takes no more operations; or with others; or so long ago that its answer is gone.
    Committed,
    /// It would be larger than an upload may be.
    TooLarge {
        /// Operations that one may have.
        max_operations: usize,
        /// Bytes that one may have.
        max_bytes: usize,
    },
    /// The user has as many as one may have open.
    TooMany {
        /// How many that is.
        max_open: usize,
    },
    /// The open uploads of the workspace have as many bytes as they may.
    NoRoom {
        /// How many that is.
        max_workspace_bytes: usize,
    },
}

/// The upload that a batch commits, as it was when its operations were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committing {
    /// Which one.
    pub upload_id: UploadId,
    /// Its revision.
    pub revision: i64,
}

/// What became of an operation of a committed upload: enough to answer the commit again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadOutcome {
    /// The operation's name.
    pub client_id: String,
    /// What it did.
    pub kind: OperationKind,
    /// The document.
    pub document_id: Option<DocumentId>,
    /// Its version after the upload.
    pub version: Option<Version>,
    /// Whether the answer carried the document.
    pub shows_document: bool,
    /// The operation's contents, where they are known.
    pub digest: Option<Digest>,
}

impl UploadOutcome {
    /// What is kept of the outcome of one of the operations; none of a failure.
    #[must_use]
    pub fn of(outcome: &Outcome, operations: &[Submitted]) -> Option<Self> {
        let digest = operations.get(outcome.index).and_then(Submitted::digest);
        Some(Self {
            digest,
            client_id: outcome.client_id.clone()?,
            kind: outcome.kind?,
            document_id: outcome.document_id,
            version: outcome.version,
            shows_document: outcome.attach == Attach::Document,
        })
    }

    /// Whether it is the outcome of this operation, and not of another one of the same name.
    #[must_use]
    pub fn is_of(&self, operation: &Submitted) -> bool {
        operation.client_id() == Some(&self.client_id) && (self.digest.is_none() || self.digest == operation.digest())
    }

    /// The outcome with which the commit is answered again.
    #[must_use]
    pub fn replayed(self, index: usize) -> Outcome {
        Outcome {
            index,
            client_id: Some(self.client_id),
            kind: Some(self.kind),
            document_id: self.document_id,
            version: self.version,
            ending: if self.kind == OperationKind::Check { Ending::Held } else { Ending::Replayed },
            attach: if self.shows_document { Attach::Document } else { Attach::Nothing },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: UploadLimits =
        UploadLimits { max_operations: 3, max_bytes: 10, max_open: 2, max_workspace_bytes: 15, retention_s: 60 };

    #[test]
    fn every_bound_is_inclusive() {
        let size = |operations, bytes| Size { operations, bytes };
        assert_eq!(LIMITS.check(size(3, 10)), Ok(()));
        let too_large = UploadRefusal::TooLarge { max_operations: 3, max_bytes: 10 };
        assert_eq!(LIMITS.check(size(4, 0)), Err(too_large));
        assert_eq!(LIMITS.check(size(1, 11)), Err(too_large));
        assert_eq!(LIMITS.check_room(true, 1, 15), Ok(()));
        assert_eq!(LIMITS.check_room(true, 2, 0), Err(UploadRefusal::TooMany { max_open: 2 }));
        assert_eq!(LIMITS.check_room(false, 2, 15), Ok(()), "one that is open goes on");
        assert_eq!(LIMITS.check_room(false, 2, 16), Err(UploadRefusal::NoRoom { max_workspace_bytes: 15 }));
    }

    #[test]
    fn what_was_open_for_long_enough_is_as_good_as_dropped() {
        let since = Timestamp(1_700_000_000_000_000);
        let (state, size) = (UploadState::Open, Size::default());
        let upload = Upload { state, revision: 1, size, since, batch_id: None };
        assert_eq!(upload.state_at(since.plus_seconds(60), &LIMITS), UploadState::Open);
        assert_eq!(upload.state_at(since.plus_seconds(61), &LIMITS), UploadState::Dropped);
        let committed = Upload { state: UploadState::Committed, ..upload };
        assert_eq!(committed.state_at(since.plus_seconds(61), &LIMITS), UploadState::Committed);
        assert_eq!(upload.expires_at(&LIMITS), since.plus_seconds(60));
    }
}
