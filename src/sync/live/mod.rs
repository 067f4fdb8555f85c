//! Documents that are edited live: the rooms of this server (protocol §8).
//!
//! An update that comes over a socket goes the way of a batch and is passed on once it is committed. There is no other way
//! in, and no copy of a document in memory.

mod edit;
mod joining;
mod lines;
mod missing;
mod news;
mod room;
mod save;
mod seed;
mod together;
mod turns;
mod waiting;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::lines::Lines;
pub use self::lines::{Saving, Turn};
pub use self::missing::Missing;
pub use self::news::{Delivery, Heard, Inbox, News, Refusal, Sent, Tag};
pub use self::room::{Room, Worker};
pub use self::waiting::Work;
use crate::domain::document::DocumentHead;
use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::domain::operation::digest_of;
use crate::store::StoreError;
use crate::sync::events::{PresenceNews, SubscribeError, Subscription};
use crate::sync::presence::SocketId;
pub use crate::sync::presence::{MAX_STATE_BYTES, Presence};
use crate::sync::{SyncError, SyncService};

/// How many sockets there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveConfig {
    /// Sockets of this server at a time.
    pub max_sockets: usize,
    /// Sockets of one user on this server at a time.
    pub max_user_sockets: usize,
    /// Documents that one socket may have open.
    pub max_documents: usize,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self { max_sockets: 10_000, max_user_sockets: 100, max_documents: 100 }
    }
}

/// Why a socket or a document cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// As many sockets as the server or the user may have are open.
    #[error("too many sockets are open")]
    Full,
    /// The document is a tombstone.
    #[error("the document was deleted")]
    Deleted,
    /// The document has a text and no Yjs state: an editor would show it empty. See [`Live::seed`] and [`Slot::plain_text`].
    #[error("the document is plain text without Yjs state")]
    Plain,
    /// It cannot be given one.
    #[error("the document cannot be edited live: {0}")]
    Refused(String),
    /// Its Yjs state cannot be read.
    #[error("the document's Yjs state cannot be read")]
    Damaged,
    /// The store, or too many listeners.
    #[error(transparent)]
    Sync(#[from] SyncError),
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Sync(error.into())
    }
}

impl From<SubscribeError> for OpenError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::ServerFull | SubscribeError::UserFull => Self::Full,
            SubscribeError::Sync(error) => Self::Sync(error),
        }
    }
}

/// The documents that are open on this server.
pub struct Live {
    sync: Arc<SyncService>,
    config: LiveConfig,
    open: Mutex<Open>,
    /// The rooms that wait to be stored together.
    lines: Lines,
    /// The workspaces whose commits are listened for.
    listening: Mutex<HashSet<WorkspaceId>>,
    next_socket: AtomicU64,
}

#[derive(Default)]
struct Open {
    rooms: HashMap<(WorkspaceId, DocumentId), Arc<Room>>,
    sockets: usize,
    of_user: HashMap<UserId, usize>,
}

/// One of the sockets that a server and a user may have. Dropping it gives the place back.
pub struct Connection {
    live: Arc<Live>,
    user_id: UserId,
    inbox: Inbox,
}

/// A socket's place in a room. Dropping it leaves the room.
pub struct Slot {
    live: Arc<Live>,
    room: Arc<Room>,
    socket: SocketId,
    user_id: UserId,
}

impl Live {
    /// No rooms yet. Hears from now on what editors on other servers say of themselves.
    #[must_use]
    pub fn start(sync: Arc<SyncService>, config: LiveConfig) -> Arc<Self> {
        let live = Arc::new(Self {
            sync,
            config,
            open: Mutex::default(),
            lines: Lines::default(),
            listening: Mutex::default(),
            next_socket: AtomicU64::new(1),
        });
        let heard_by = Arc::downgrade(&live);
        live.sync.events().hear_presences_with(Box::new(move |workspace_id, document_id, news| {
            if let Some(live) = heard_by.upgrade() {
                live.hear_presences(workspace_id, document_id, news);
            }
        }));
        live
    }

    fn hear_presences(&self, workspace_id: WorkspaceId, document_id: DocumentId, news: PresenceNews) {
        let room = self.open().rooms.get(&(workspace_id, document_id)).map(Arc::clone);
        let Some(room) = room else { return };
        match news {
            PresenceNews::Said(said) => {
                room.present(None, said);
            }
            PresenceNews::WhoIsThere => self.sync.events().present(workspace_id, document_id, room.own_presences()),
        }
    }

    /// The bounds.
    #[must_use]
    pub fn config(&self) -> LiveConfig {
        self.config
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a user's new socket.
    ///
    /// # Errors
    /// `Full`.
    pub fn connect(self: &Arc<Self>, user_id: UserId) -> Result<(Connection, Heard), OpenError> {
        let mut open = self.open();
        let of_user = open.of_user.get(&user_id).copied().unwrap_or_default();
        if open.sockets >= self.config.max_sockets || of_user >= self.config.max_user_sockets {
            return Err(OpenError::Full);
        }
        open.sockets += 1;
        open.of_user.insert(user_id, of_user + 1);
        show("landfall_live_sockets", open.sockets);
        let (inbox, heard) = news::inbox();
        Ok((Connection { live: Arc::clone(self), user_id, inbox }, heard))
    }

    /// Opens a document for a socket; `place` is the socket's own number for it. Blocks; call off the event loop. Nothing
    /// is missed if the workspace is listened to before ([`Live::listen_to`]).
    ///
    /// # Errors
    /// `Plain` if the document is one and the user may write, who is to give it a state first; see [`OpenError`].
    pub fn enter(
        self: &Arc<Self>,
        connection: &Connection,
        (workspace_id, document_id): (WorkspaceId, DocumentId),
        place: usize,
        may_write: bool,
    ) -> Result<Slot, OpenError> {
        let socket = self.next_socket.fetch_add(1, Ordering::Relaxed);
        // In this order nothing is missed: first join, then look.
        let room = {
            let mut open = self.open();
            let key = (workspace_id, document_id);
            let room = open.rooms.entry(key).or_insert_with(|| Arc::new(Room::new(workspace_id, document_id)));
            room.join(socket, connection.inbox.clone(), place);
            let room = Arc::clone(room);
            show("landfall_live_documents", open.rooms.len());
            room
        };
        let slot = Slot { live: Arc::clone(self), room, socket, user_id: connection.user_id };
        let head = self.sync.store.find_heads(workspace_id, &[document_id])?.into_iter().next();
        if head.as_ref().is_some_and(DocumentHead::is_deleted) {
            return Err(OpenError::Deleted);
        }
        if may_write && head.as_ref().is_some_and(is_plain) {
            return Err(OpenError::Plain);
        }
        if slot.room.sent_up_to().is_none() {
            slot.room.note_sent(head.map_or(0, |head| head.version));
            self.sync.events().ask_who_is_there(workspace_id, document_id);
        }
        Ok(slot)
    }

    /// A subscription to the workspace's commits, unless somebody has one: the caller passes on what it tells, see
    /// [`Live::hear`]. Blocks.
    ///
    /// # Errors
    /// What the store says.
    pub fn listen_to(&self, workspace_id: WorkspaceId) -> Result<Option<Subscription>, OpenError> {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if listening.contains(&workspace_id) {
            return Ok(None);
        }
        let subscription = self.sync.events().listen(workspace_id)?;
        listening.insert(workspace_id);
        Ok(Some(subscription))
    }

    /// Ends the listening to a workspace if none of its documents is open, or if it has failed; whether it is over.
    pub fn stop_listening(&self, workspace_id: WorkspaceId, has_failed: bool) -> bool {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        let is_used = self.open().rooms.keys().any(|(workspace, _)| *workspace == workspace_id);
        let is_over = has_failed || !is_used;
        if is_over {
            listening.remove(&workspace_id);
        }
        is_over
    }

    /// The open documents of a workspace.
    #[must_use]
    pub fn rooms_of(&self, workspace_id: WorkspaceId) -> Vec<Arc<Room>> {
        let open = self.open();
        let rooms = open.rooms.iter().filter(|((workspace, _), _)| *workspace == workspace_id);
        rooms.map(|(_, room)| Arc::clone(room)).collect()
    }

    /// A document was committed at this version. Its room's worker, if somebody has to do its work now.
    #[must_use]
    pub fn hear(&self, workspace_id: WorkspaceId, document_id: DocumentId, version: Version) -> Option<Worker> {
        let room = self.open().rooms.get(&(workspace_id, document_id)).map(Arc::clone)?;
        room.note_commit(version).then(|| Worker::of(room))
    }

    fn leave(&self, room: &Room, socket: SocketId) {
        let mut open = self.open();
        let (gone, is_empty) = room.leave(socket);
        if is_empty {
            open.rooms.remove(&(room.workspace_id, room.document_id));
        }
        show("landfall_live_documents", open.rooms.len());
        drop(open);
        self.sync.events().present(room.workspace_id, room.document_id, gone);
    }
}

impl Slot {
    /// Puts an update behind those that wait to be stored; it is scanned when its turn comes. Waits while too much waits.
    /// The room's worker, if somebody has to do its work now.
    pub async fn submit(&self, update: Vec<u8>, tag: Tag) -> Option<Worker> {
        let has_to_work = self.room.submit(self.socket, self.user_id, update, tag).await;
        has_to_work.then(|| Worker::of(Arc::clone(&self.room)))
    }

    /// Tells the others what this socket's editors say of themselves.
    pub fn present(&self, said: Vec<Presence>) {
        let news = self.room.present(Some(self.socket), said);
        self.live.sync.events().present(self.room.workspace_id, self.room.document_id, news);
    }

    /// Everybody who is in the document.
    #[must_use]
    pub fn presences(&self) -> Vec<Presence> {
        self.room.presences()
    }

    /// The room.
    #[must_use]
    pub fn room(&self) -> &Arc<Room> {
        &self.room
    }
}

/// Whether a document has words and no Yjs state to edit them by.
fn is_plain(head: &DocumentHead) -> bool {
    head.state_vector.is_none() && head.content_digest.is_some_and(|digest| digest != digest_of(""))
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.live.leave(&self.room, self.socket);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut open = self.live.open();
        open.sockets = open.sockets.saturating_sub(1);
        show("landfall_live_sockets", open.sockets);
        if let Some(of_user) = open.of_user.get_mut(&self.user_id) {
            *of_user = of_user.saturating_sub(1);
            if *of_user == 0 {
                open.of_user.remove(&self.user_id);
            }
        }
    }
}

fn show(gauge: &'static str, count: usize) {
    metrics::gauge!(gauge).set(u32::try_from(count).map_or(f64::MAX, f64::from));
}
