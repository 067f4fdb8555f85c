//! The use cases: what the server does for an editor, from parsed request to finished answer.
//!
//! Knows the core, the store and the Yjs tools; knows nothing of HTTP or JSON.

pub mod answer;
pub mod apply;
mod counting;
mod damage;
pub mod diff;
pub mod edit_turns;
pub mod events;
mod fit;
pub mod gather;
pub mod health;
pub mod indexing;
pub mod live;
mod look;
pub mod maintenance;
pub mod past;
mod presence;
pub mod pull;
mod reading;
mod restores;
pub mod retention;
pub mod runs;
pub mod search;
mod service;
pub mod take_back;
mod texts;
mod types;
mod typing;
pub mod uploads;
pub mod view;
pub mod workspaces;

pub use self::service::SyncService;
pub use self::types::{
    Batch, BatchAnswer, BatchRefusal, ChangesPage, DocumentView, OperationAnswer, Preview, PullFrom, Restored,
    ServerSide, SyncError, UploadView, VersionView, YjsBodies,
};
pub use crate::store::StoreError;
pub use crate::store::documents::{ListQuery, ListedDocument, VersionEntry};
