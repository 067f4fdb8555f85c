//! What requests may hold at a time: bytes of bodies and of answers, and places for batches that want to be written.
//!
//! Nobody waits for a place on a thread or with a database connection in hand: waiting is asynchronous, and each user's
//! and each workspace's excess waits for itself ([`Shares`]).

use std::time::Instant;

use crate::domain::ids::{UserId, WorkspaceId};
use crate::http::error::ApiError;
use crate::http::shares::{Share, Shares};

/// What a key has of the whole, at most.
const QUARTER: usize = 4;
/// What making an answer of the largest size takes: what is read from the database, what is shown of it, and the JSON.
const LARGEST_ANSWER_BYTES: usize = 24 * 1024 * 1024;
/// Updates with fewer bytes of text than this are merged without asking: what they take is small beside their body's share.
const SMALL_MERGE_BYTES: usize = 256 * 1024;
/// What merging a text takes, as a multiple of it: the two others, all their lines with a place for each, the marked-up
/// text of a conflict, and what the answer shows. An estimate for short lines, which take the most.
const ROOM_TO_MERGE: usize = 16;

/// The sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionConfig {
    /// Bytes of bodies and parsed batches, and as many of answers.
    pub in_flight_bytes: usize,
    /// Batches that may wait to be written.
    pub waiting_batches: usize,
    /// Batches that are being written at a time, each on a thread, and on Postgres with a connection.
    pub concurrent_batches: usize,
    /// Large bodies that are being inflated or parsed at a time: as many as there are cores.
    pub concurrent_reads: usize,
    /// Bytes of the uploads that are being committed at a time: as many as one may have.
    pub upload_bytes: usize,
}

/// The bounds.
#[derive(Debug)]
pub struct Admission {
    bodies: Shares<UserId>,
    answers: Shares<UserId>,
    merging: Shares<UserId>,
    reading: Shares<UserId>,
    committing: Shares<UserId>,
    waiting: Shares<WorkspaceId>,
    writing: Shares<WorkspaceId>,
}

/// A batch's place among those that are written.
#[derive(Debug)]
pub struct WritingPlace {
    _writing: Share,
    _waiting: Share,
}

impl Admission {
    /// Bounds of these sizes.
    #[must_use]
    pub fn new(config: AdmissionConfig) -> Self {
        let AdmissionConfig { in_flight_bytes, waiting_batches, concurrent_batches, concurrent_reads, upload_bytes } =
            config;
        Self {
            bodies: Shares::new("body_bytes", in_flight_bytes, in_flight_bytes / QUARTER),
            answers: Shares::new("answer_bytes", in_flight_bytes, in_flight_bytes / QUARTER),
            merging: Shares::new("merge_bytes", in_flight_bytes / 2, in_flight_bytes / 2 / QUARTER),
            reading: Shares::new("reading_bodies", concurrent_reads, concurrent_reads / 2),
            committing: Shares::new("upload_bytes", upload_bytes, upload_bytes),
            waiting: Shares::new("waiting_batches", waiting_batches, waiting_batches.div_ceil(QUARTER)),
            writing: Shares::new("writing_batches", concurrent_batches, concurrent_batches / QUARTER),
        }
    }

    /// A share in the memory for bodies, of no bytes yet.
    ///
    /// # Errors
    /// `Busy`, if the user has as much of it as one may.
    pub fn body(&self, user: UserId) -> Result<Share, ApiError> {
        self.bodies.try_acquire(user, 1).ok_or(ApiError::Busy)
    }

    /// Adds bytes to a body's share. Nothing waits: who waited would hold what others wait for.
    ///
    /// # Errors
    /// `Busy`.
    pub fn grow_body(&self, share: &mut Share, bytes: usize) -> Result<(), ApiError> {
        if self.bodies.try_grow(share, bytes) { Ok(()) } else { Err(ApiError::Busy) }
    }

    /// Room to make an answer in, to be cut down to the answer's size once that is known.
    ///
    /// # Errors
    /// `Busy`, if there is none by the deadline.
    pub async fn answer(&self, user: UserId, deadline: Instant) -> Result<Share, ApiError> {
        self.answers.acquire(user, LARGEST_ANSWER_BYTES, deadline).await.ok_or(ApiError::Busy)
    }

    /// Room to merge texts of so many bytes together; `None` for few. One batch of a user's at a time has much.
    ///
    /// # Errors
    /// `Busy`, if there is none by the deadline.
    pub async fn merge(&self, user: UserId, bytes: usize, deadline: Instant) -> Result<Option<Share>, ApiError> {
        if bytes < SMALL_MERGE_BYTES {
            return Ok(None);
        }
        let room = bytes.saturating_mul(ROOM_TO_MERGE);
        self.merging.acquire(user, room, deadline).await.map(Some).ok_or(ApiError::Busy)
    }

    /// Room to commit an upload of so many bytes. The largest ones are committed one after the other.
    ///
    /// # Errors
    /// `Busy`, if there is none by the deadline.
    pub async fn commit(&self, user: UserId, bytes: usize, deadline: Instant) -> Result<Share, ApiError> {
        self.committing.acquire(user, bytes.max(1), deadline).await.ok_or(ApiError::Busy)
    }

    /// A turn to inflate or to parse a large body. A user has half of the cores at most, so that the others' small requests
    /// find one free.
    ///
    /// # Errors
    /// `Busy`, if none is to be had by the deadline.
    pub async fn read(&self, user: UserId, deadline: Instant) -> Result<Share, ApiError> {
        self.reading.acquire(user, 1, deadline).await.ok_or(ApiError::Busy)
    }

    /// A place among the batches of the workspace that wait, for one that waits for something else than to be written.
    ///
    /// # Errors
    /// `Busy`, if too many of the workspace's or of all batches wait.
    pub fn queue(&self, workspace: WorkspaceId) -> Result<Share, ApiError> {
        self.waiting.try_acquire(workspace, 1).ok_or(ApiError::Busy)
    }

    /// A place for a batch of the workspace.
    ///
    /// # Errors
    /// `Busy`, if too many of the workspace's or of all batches wait, or none comes through by the deadline.
    pub async fn write(&self, workspace: WorkspaceId, deadline: Instant) -> Result<WritingPlace, ApiError> {
        let waiting = self.queue(workspace)?;
        let writing = self.writing.acquire(workspace, 1, deadline).await.ok_or(ApiError::Busy)?;
        Ok(WritingPlace { _writing: writing, _waiting: waiting })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));
    const HOT: WorkspaceId = WorkspaceId(Uuid::from_u128(3));
    const COLD: WorkspaceId = WorkspaceId(Uuid::from_u128(4));

    fn of_bytes(in_flight_bytes: usize) -> Admission {
        let (waiting_batches, concurrent_batches, concurrent_reads, upload_bytes) = (8, 4, 2, 4_000);
        Admission::new(AdmissionConfig {
            in_flight_bytes,
            waiting_batches,
            concurrent_batches,
            concurrent_reads,
            upload_bytes,
        })
    }

    fn admission() -> Admission {
        of_bytes(4_000)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(30)
    }

    #[tokio::test]
    async fn a_workspace_that_waits_leaves_places_to_others() {
        let admission = admission();
        let held = admission.write(HOT, soon()).await.unwrap();
        assert!(matches!(admission.write(HOT, soon()).await, Err(ApiError::Busy)));
        let _other = admission.write(COLD, soon()).await.unwrap();
        drop(held);
        assert!(admission.write(HOT, soon()).await.is_ok());
    }

    #[tokio::test]
    async fn who_sends_large_bodies_leaves_a_core_to_others() {
        let admission = admission();
        let held = admission.read(ADA, soon()).await.unwrap();
        assert!(matches!(admission.read(ADA, soon()).await, Err(ApiError::Busy)));
        assert!(admission.read(BOB, soon()).await.is_ok());
        drop(held);
        assert!(admission.read(ADA, soon()).await.is_ok());
    }

    #[tokio::test]
    async fn large_merges_of_a_user_come_one_after_the_other() {
        let admission = of_bytes(64 << 20);
        let merge = async |user, bytes| admission.merge(user, bytes, soon()).await;
        assert!(merge(ADA, 1_000).await.unwrap().is_none(), "small texts need no room");
        let held = merge(ADA, 4 << 20).await.unwrap();
        assert!(matches!(merge(ADA, 4 << 20).await, Err(ApiError::Busy)));
        assert!(merge(BOB, 4 << 20).await.unwrap().is_some());
        drop(held);
        assert!(merge(ADA, 4 << 20).await.is_ok());
    }

    #[tokio::test]
    async fn a_user_has_a_quarter_of_the_bytes() {
        let admission = admission();
        let mut adas = admission.body(ADA).unwrap();
        assert!(admission.grow_body(&mut adas, 999).is_ok());
        assert!(matches!(admission.grow_body(&mut adas, 1), Err(ApiError::Busy)));
        let mut bobs = admission.body(BOB).unwrap();
        assert!(admission.grow_body(&mut bobs, 999).is_ok());
        let _answer = admission.answer(ADA, soon()).await.unwrap();
        assert!(matches!(admission.answer(ADA, soon()).await, Err(ApiError::Busy)));
        assert!(admission.answer(BOB, soon()).await.is_ok());
    }
}
