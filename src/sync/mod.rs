//! The use cases: what the server does for an editor, from parsed request to finished answer.
//!
//! Knows the core, the store and the Yjs tools; knows nothing of HTTP or JSON.

pub mod answer;
pub mod apply;
mod counting;
mod damage;
pub mod diff;
pub mod events;
mod fit;
pub mod gather;
pub mod health;
pub mod indexing;
pub mod live;
mod look;
pub mod maintenance;
mod presence;
pub mod pull;
pub mod retention;
pub mod runs;
pub mod search;
mod service;
mod texts;
mod types;
pub mod view;

pub use self::service::SyncService;
pub use self::types::{
    Batch, BatchAnswer, BatchRefusal, ChangesPage, DocumentView, OperationAnswer, PullFrom, ServerSide, SyncError,
    VersionView, YjsBodies,
};
pub use crate::store::StoreError;
