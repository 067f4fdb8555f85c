//! Newtypes for identifiers, so that a document's id can never stand where a workspace's is meant.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::domain::timestamp::Timestamp;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

uuid_newtype!(
    /// A workspace: the unit of tenancy, of feed order and of sharding. The first part of every key.
    WorkspaceId
);
uuid_newtype!(
    /// A document, unique within its workspace only.
    DocumentId
);
uuid_newtype!(
    /// An account, built-in or vouched for by an outside identity provider.
    UserId
);

uuid_newtype!(
    /// A sync run: the batches of one sync, counted together. Unique to its workspace and user.
    SyncId
);

uuid_newtype!(
    /// An upload: an atomic batch that is staged over several requests. Unique to its workspace and user.
    UploadId
);

uuid_newtype!(
    /// A batch that made versions: its time, and its place in its workspace.
    BatchId
);

impl BatchId {
    /// The id of the batch after which the workspace's feed had this head. Two batches of a workspace differ in it, and
    /// the same number in another life of the database has another time.
    #[must_use]
    pub fn new(workspace_id: WorkspaceId, sequence: i64, made_at: Timestamp) -> Self {
        let named = Sha256::new_with_prefix(workspace_id.0.as_bytes()).chain_update(sequence.to_be_bytes()).finalize();
        let milliseconds = u64::try_from(made_at.0.div_euclid(MICROSECONDS)).unwrap_or_default();
        let (mut random, place) = ([0; 10], sequence.to_be_bytes());
        for (byte, value) in random.iter_mut().zip(named.iter().take(2).copied().chain(place)) {
            *byte = value;
        }
        Self(Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid())
    }

    /// When it was made, to the millisecond.
    #[must_use]
    pub fn made_at(self) -> Timestamp {
        let milliseconds = self.0.as_bytes().iter().take(6).fold(0_i64, |time, byte| (time << 8) | i64::from(*byte));
        Timestamp(milliseconds.saturating_mul(MICROSECONDS))
    }

    /// The head of the workspace's feed after the batch.
    #[must_use]
    pub fn sequence(self) -> i64 {
        let place = self.0.as_bytes().iter().skip(8).fold(0_u64, |place, byte| (place << 8) | u64::from(*byte));
        i64::try_from(place & PLACE).unwrap_or(i64::MAX)
    }
}

/// Microseconds in the unit of an id's time.
const MICROSECONDS: i64 = 1_000;
/// The bits of an id that hold the place: the others of the eight bytes name the variant.
const PLACE: u64 = (1 << 62) - 1;

/// A document's version: 1 at creation, +1 for each applied operation that changed something; never goes back.
pub type Version = i64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_id_is_a_uuid_of_its_time_that_leads_back_to_its_place() {
        let (here, there) = (WorkspaceId(Uuid::from_u128(1)), WorkspaceId(Uuid::from_u128(2)));
        let made_at = Timestamp(1_700_000_000_123_456);
        for sequence in [1, 7, 1 << 40, i64::MAX >> 1] {
            let id = BatchId::new(here, sequence, made_at);
            assert_eq!((id.sequence(), id.0.get_version_num()), (sequence, 7));
            assert_eq!(id.0.get_timestamp().unwrap().to_unix(), (1_700_000_000, 123_000_000));
            assert_eq!(id, BatchId::new(here, sequence, made_at));
            assert_ne!(id, BatchId::new(there, sequence, made_at));
            assert_ne!(id, BatchId::new(here, sequence, Timestamp(made_at.0 + 1_000)));
        }
    }
}
