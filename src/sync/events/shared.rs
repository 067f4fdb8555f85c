//! What the streams and the threads that read for them share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use super::config::EventsConfig;
use super::relay::{Message, Relay};
use super::topics::Topics;
use crate::domain::ids::{DocumentId, SyncId, UserId, WorkspaceId};
use crate::store::Store;
use crate::sync::presence::Presence;

/// Loads how far a run has come, as the JSON that its streams get; `None` if there is no such run. It may block.
pub type RunLoader = dyn Fn(WorkspaceId, UserId, SyncId) -> Option<String> + Send + Sync;

/// What another server says of the editors in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceNews {
    /// What they say of themselves.
    Said(Vec<Presence>),
    /// It asks for those that are here.
    WhoIsThere,
}

/// Hears of editors on other servers. It must not block.
pub type PresenceHearer = dyn Fn(WorkspaceId, DocumentId, PresenceNews) + Send + Sync;

/// What streams and threads share.
pub(super) struct Shared {
    pub(super) store: Arc<Store>,
    pub(super) config: EventsConfig,
    pub(super) topics: Topics,
    /// To the other servers; none on SQLite.
    pub(super) relay: Option<Relay>,
    pub(super) load_run: OnceLock<Box<RunLoader>>,
    pub(super) hear_presences: OnceLock<Box<PresenceHearer>>,
    /// The last reading failed: a dead database is logged once, not at every reading.
    pub(super) is_failing: AtomicBool,
}

impl Shared {
    pub(super) fn hear_presences(
        &self,
        is_own: bool,
        workspace: WorkspaceId,
        document: DocumentId,
        news: PresenceNews,
    ) {
        if let Some(hear) = self.hear_presences.get().filter(|_| !is_own) {
            hear(workspace, document, news);
        }
    }

    pub(super) fn notify_others(&self, message: Message) {
        if let Some(relay) = &self.relay {
            relay.post(message);
        }
    }
}
