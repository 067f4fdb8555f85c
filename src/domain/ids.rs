//! Newtypes for identifiers, so that a document's id can never stand where a workspace's is meant.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

/// A document's version: 1 at creation, +1 for each applied operation that changed something; never goes back.
pub type Version = i64;
