//! What is known while pushing: batches under way, halves of them, and what failed alone.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::client::push::batch_size::BatchSize;
use crate::client::state::DocId;
use crate::client::state::outbox::QueuedOperation;
use crate::client::transport::remote::RemoteError;
use crate::client::transport::wire::BatchAnswer;

/// Where batches go.
pub(super) const BATCH_PATH: &str = "/api/v1/documents/batch";

/// A batch, written.
pub(super) struct Chunk {
    pub(super) operations: Vec<QueuedOperation>,
    pub(super) body: Vec<u8>,
    pub(super) pulls: bool,
}

/// A batch that came back.
pub(super) struct Answered {
    pub(super) chunk: Chunk,
    pub(super) outcome: Result<BatchAnswer, RemoteError>,
    /// How long the last try took.
    pub(super) took: Duration,
}

/// An operation's name, and its document.
pub(super) type Named = (String, DocId);

/// What is known while pushing.
#[derive(Default)]
pub(super) struct Course {
    /// Halves of batches that were too much, the next first.
    pub(super) again: VecDeque<VecDeque<Named>>,
    /// What was queued and free when that was last looked at, and has not had its turn.
    pub(super) ahead: VecDeque<Named>,
    /// Documents with an operation under way.
    pub(super) busy: BTreeSet<DocId>,
    pub(super) in_flight: usize,
    /// Whether the server has answered to an operation in this run.
    pub(super) has_success: bool,
    /// Operations that failed alone, in the server or before it.
    pub(super) suspects: Vec<Suspect>,
    /// How many did so since the last success.
    pub(super) failed_in_a_row: usize,
    pub(super) sync_id: Option<String>,
    /// How large the next batch is, unless that is given.
    pub(super) size: Option<BatchSize>,
}

/// An operation that failed alone.
pub(super) struct Suspect(pub(super) QueuedOperation);
