//! Who is told of what was committed: the live streams of each workspace.
//!
//! A workspace has a topic while somebody listens to it. What was committed here or on another server puts the
//! workspace on an agenda; a few threads read what is new, once for all streams, and hand it out. Knows nothing of
//! HTTP; what a stream does with an event is its own affair.

mod agenda;
mod config;
mod exchange;
mod notices;
mod presences;
mod reading;
mod relay;
mod shared;
mod subscription;
mod topics;

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use self::config::EventsConfig;
pub use self::notices::{ChangeEvent, Changes};
use self::reading::read_until_closed;
use self::relay::{Message, Relay};
use self::shared::Shared;
pub use self::shared::{PresenceHearer, PresenceNews, RunLoader};
pub use self::subscription::{Ended, Event, SubscribeError, Subscription};
use self::topics::Topics;
use crate::domain::ids::{DocumentId, SyncId, UserId, WorkspaceId};
use crate::store::Store;
use crate::sync::presence::Presence;

/// Threads that read for the topics: what one workspace waits for does not hold up the others.
const READING_THREADS: usize = 4;
/// How long a database that hangs may hold up the server's stop.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// The streams of this server.
pub struct Events {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Events {
    /// Starts the threads that read for the streams, and on Postgres those that talk to other servers.
    #[must_use]
    pub fn start(store: Arc<Store>, config: EventsConfig) -> Self {
        let relay = (store.can_notify() && config.notify).then(Relay::new);
        let shared = Arc::new(Shared {
            store,
            config,
            topics: Topics::new(config),
            relay,
            load_run: OnceLock::new(),
            hear_presences: OnceLock::new(),
            is_failing: AtomicBool::new(false),
        });
        let mut threads = Vec::new();
        for _ in 0..READING_THREADS {
            threads.extend(spawn("events", &shared, read_until_closed));
        }
        if shared.relay.is_some() {
            threads.extend(spawn("events-send", &shared, exchange::send_until_closed));
            threads.extend(spawn("events-receive", &shared, exchange::receive_until_closed));
        }
        Self { shared, threads: Mutex::new(threads) }
    }

    /// Says how the progress of a run is loaded. Only the first loader counts.
    pub fn load_runs_with(&self, load: Box<RunLoader>) {
        if self.shared.load_run.set(load).is_err() {
            tracing::error!("the loader of sync runs was set twice; the first one stays");
        }
    }

    /// Says who hears of editors on other servers. Only the first one counts.
    pub fn hear_presences_with(&self, hear: Box<PresenceHearer>) {
        if self.shared.hear_presences.set(hear).is_err() {
            tracing::error!("who hears of editors was set twice; the first one stays");
        }
    }

    /// Tells the other servers what editors here say of themselves, some times a second for each document. It may be lost.
    pub fn present(&self, workspace_id: WorkspaceId, document_id: DocumentId, said: Vec<Presence>) {
        if let Some(relay) = self.shared.relay.as_ref().filter(|_| !said.is_empty()) {
            relay.present(workspace_id, document_id, said);
        }
    }

    /// Asks the other servers for the editors in a document.
    pub fn ask_who_is_there(&self, workspace_id: WorkspaceId, document_id: DocumentId) {
        self.shared.notify_others(Message::WhoIsThere(workspace_id, document_id));
    }

    /// Changes of this workspace were committed here. Never blocks and never fails: a stream that misses it finds out
    /// by polling.
    pub fn committed(&self, workspace_id: WorkspaceId) {
        self.shared.topics.changed(workspace_id);
        self.shared.notify_others(Message::Changed(workspace_id));
    }

    /// A sync run of this user was counted, closed or cancelled here; as [`committed`](Self::committed).
    pub fn progressed(&self, workspace_id: WorkspaceId, user_id: UserId, sync_id: SyncId) {
        self.shared.topics.progressed(workspace_id, user_id, sync_id);
        self.shared.notify_others(Message::Progressed(workspace_id, user_id, sync_id));
    }

    /// Opens a stream for a member of the workspace, from `last_event_id` on if there is one, else from now on.
    /// Blocks; call off the event loop.
    ///
    /// # Errors
    /// Too many streams; a cursor that is foreign, expired or ahead of the feed; what the store says.
    pub fn subscribe(
        &self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        last_event_id: Option<&str>,
    ) -> Result<Subscription, SubscribeError> {
        Subscription::open(&self.shared, workspace_id, Some(user_id), last_event_id)
    }

    /// Opens a stream for the server itself, from now on. It counts among nobody's. Blocks; call off the event loop.
    ///
    /// # Errors
    /// What the store says.
    pub fn listen(&self, workspace_id: WorkspaceId) -> Result<Subscription, SubscribeError> {
        Subscription::open(&self.shared, workspace_id, None, None)
    }

    /// How often an idle stream gives a sign of life.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.shared.config.heartbeat
    }

    /// Ends the threads, waiting two seconds for them at most. Streams hear nothing more. Closing twice is fine; dropping closes.
    pub fn close(&self) {
        self.shared.topics.close();
        if let Some(relay) = &self.shared.relay {
            relay.close();
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let deadline = Instant::now() + CLOSE_PATIENCE;
        for thread in threads {
            while !thread.is_finished() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(2));
            }
            if !thread.is_finished() {
                tracing::warn!("a thread of the event streams still waits for the database; it is left behind");
            } else if thread.join().is_err() {
                tracing::error!("a thread of the event streams had panicked");
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.close();
    }
}

fn spawn(name: &str, shared: &Arc<Shared>, work: fn(&Shared)) -> Option<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || work(&shared))
        .inspect_err(|error| tracing::error!(%error, name, "a thread of the event streams could not be started"))
        .ok()
}

#[cfg(test)]
mod tests;
