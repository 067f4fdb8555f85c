//! One stream's place in its workspace's feed: what it has missed is read for it, then it hears what its topic tells.

use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::notices::{ChangePage, Changes, Notice};
use super::shared::Shared;
use super::topics::{Full, Topic};
use crate::domain::cursor::{Cursor, CursorError, FeedKey};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::store::StoreError;
use crate::sync::{BatchRefusal, SyncError};

/// Missed changes that a stream is told; who has missed more pulls.
const MAX_MISSED: u32 = 1_000;
/// Missed changes that are read at a time, as the stream takes them.
const MISSED_PAGE: u32 = 100;
/// Missed changes and those that come on top while they are told: a stream that still has not caught up is too slow.
const MAX_CATCHING_UP: usize = 10_000;

/// Why a stream cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The server has as many streams as it may.
    #[error("too many event streams are open on this server")]
    ServerFull,
    /// The user has as many streams as they may.
    #[error("too many event streams of this user are open")]
    UserFull,
    /// The cursor or the store.
    #[error(transparent)]
    Sync(#[from] SyncError),
}

impl From<Full> for SubscribeError {
    fn from(full: Full) -> Self {
        match full {
            Full::Server => Self::ServerFull,
            Full::User => Self::UserFull,
        }
    }
}

/// What a stream is to pass on.
#[derive(Clone, Debug)]
pub enum Event {
    /// Documents changed.
    Changes(Changes),
    /// A run of the stream's user moved on; how far, as JSON.
    Progress(Arc<str>),
    /// Too much was missed to be told here: it has to be pulled. What follows is new, from this cursor on.
    FarBehind(String),
}

/// Why a stream is over.
#[derive(Debug)]
pub enum Ended {
    /// It did not take what it was told in time.
    SlowReader,
    /// Its user is not a member of the workspace any more.
    NotMember,
    /// The server is stopping.
    Closed,
    /// What it has missed could not be read.
    Failed(StoreError),
}

/// An open stream. Dropping it closes it.
pub struct Subscription {
    slot: Slot,
    workspace_id: WorkspaceId,
    key: FeedKey,
    /// Where it began.
    start: Cursor,
    /// The last change that it was told.
    position: i64,
    stage: Stage,
}

enum Stage {
    /// Has missed too much, and has not been told so yet.
    FarBehind,
    /// Is told what it has missed; so many changes so far.
    CatchingUp(usize),
    /// Hears what the topic tells.
    Live(Receiver<Arc<Notice>>),
}

/// One of the places that a server and a user have for streams.
struct Slot {
    shared: Arc<Shared>,
    topic: Arc<Topic>,
    workspace_id: WorkspaceId,
    /// `None` for the server itself.
    user_id: Option<UserId>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.topics.leave(self.workspace_id, self.user_id);
    }
}

impl Subscription {
    /// See [`super::Events::subscribe`].
    pub(super) fn open(
        shared: &Arc<Shared>,
        workspace_id: WorkspaceId,
        user_id: Option<UserId>,
        last_event_id: Option<&str>,
    ) -> Result<Self, SubscribeError> {
        let topic = shared.topics.enter(workspace_id, user_id)?;
        let slot = Slot { shared: Arc::clone(shared), topic, workspace_id, user_id };
        // Listen first, look second: what is committed in between is heard, and skipped if it was seen.
        let receiver = slot.topic.listen();
        let store = &shared.store;
        let feed = store.find_feed_state(workspace_id).map_err(SyncError::from)?;
        let feed = feed.ok_or(SyncError::Store(StoreError::NoSuchWorkspace))?;
        shared.topics.begin(workspace_id, &slot.topic, &feed);
        let head = Cursor { sequence: feed.head_sequence, floor: 0 };
        let (start, position, stage) = match last_event_id {
            None => (head, head.sequence, Stage::Live(receiver)),
            Some(text) => {
                let start = match Cursor::open(text, workspace_id, &feed.key) {
                    Ok(start) => start,
                    Err(CursorError::Foreign(_)) => return Err(SyncError::from(BatchRefusal::ForeignCursor).into()),
                    // What its reader has missed, or has and must not have, only a pull can tell.
                    Err(CursorError::EarlierGeneration) => {
                        let start = Cursor::start(feed.purged_sequence);
                        let stage = Stage::FarBehind;
                        return Ok(Self { slot, workspace_id, key: feed.key, start, position: head.sequence, stage });
                    }
                };
                if start.sequence > head.sequence || start.is_expired(feed.purged_sequence) {
                    return Err(SyncError::from(BatchRefusal::CursorExpired).into());
                }
                let missed = head.sequence.saturating_sub(start.sequence);
                let is_far_behind = missed > i64::from(MAX_MISSED)
                    && store.has_more_changes(workspace_id, start.sequence, MAX_MISSED).map_err(SyncError::from)?;
                if is_far_behind {
                    (start, head.sequence, Stage::FarBehind)
                } else {
                    (start, start.sequence, Stage::CatchingUp(0))
                }
            }
        };
        Ok(Self { slot, workspace_id, key: feed.key, start, position, stage })
    }

    /// The cursor from which the stream began, sealed. Until something is told, it is the one to resume from.
    #[must_use]
    pub fn start(&self) -> String {
        self.start.seal(self.workspace_id, &self.key)
    }

    /// Waits for what the stream is to pass on next. Nothing is lost if the wait is given up.
    ///
    /// # Errors
    /// Why the stream is over.
    pub async fn next(&mut self) -> Result<Event, Ended> {
        loop {
            match &mut self.stage {
                Stage::FarBehind => {
                    self.stage = Stage::CatchingUp(0);
                    let head = Cursor { sequence: self.position, floor: 0 };
                    return Ok(Event::FarBehind(head.seal(self.workspace_id, &self.key)));
                }
                Stage::CatchingUp(sent) if *sent > MAX_CATCHING_UP => return Err(Ended::SlowReader),
                Stage::CatchingUp(_) => {
                    if let Some(changes) = self.read_missed().await? {
                        return Ok(Event::Changes(changes));
                    }
                }
                Stage::Live(receiver) => {
                    let notice = receiver.recv().await.map_err(|error| match error {
                        RecvError::Lagged(_) => Ended::SlowReader,
                        RecvError::Closed => Ended::Closed,
                    })?;
                    if let Some(event) = self.pick(&notice)? {
                        return Ok(event);
                    }
                }
            }
        }
    }

    /// What of the topic's news is this stream's.
    fn pick(&mut self, notice: &Notice) -> Result<Option<Event>, Ended> {
        match notice {
            Notice::Changes(page) => Ok(page.after(self.position).map(|(new, last)| {
                self.position = last;
                Event::Changes(Changes::new(Arc::clone(page), new))
            })),
            Notice::Progress(user_id, progress) if Some(*user_id) == self.slot.user_id => {
                Ok(Some(Event::Progress(Arc::clone(progress))))
            }
            Notice::Removed(user_id) if Some(*user_id) == self.slot.user_id => Err(Ended::NotMember),
            Notice::Progress(..) | Notice::Removed(_) => Ok(None),
        }
    }

    /// Reads the next missed changes; with the last of them the stream goes live.
    async fn read_missed(&mut self) -> Result<Option<Changes>, Ended> {
        // Listen first, look second, as in `open`.
        let receiver = self.slot.topic.listen();
        let (shared, workspace_id, after) = (Arc::clone(&self.slot.shared), self.workspace_id, self.position);
        let read = move || shared.store.list_change_notices(workspace_id, after, MISSED_PAGE);
        let read = tokio::task::spawn_blocking(read).await;
        let notices = match read {
            Ok(read) => read.map_err(Ended::Failed)?,
            Err(lost) => return Err(Ended::Failed(StoreError::Unavailable(lost.to_string()))),
        };
        let new = notices.len();
        self.stage = match &self.stage {
            Stage::CatchingUp(sent) if u32::try_from(new).is_ok_and(|new| new >= MISSED_PAGE) => {
                Stage::CatchingUp(sent.saturating_add(new))
            }
            _ => Stage::Live(receiver),
        };
        let Some(last) = notices.last() else { return Ok(None) };
        self.position = last.sequence;
        Ok(Some(Changes::new(Arc::new(ChangePage::new(workspace_id, &self.key, &notices)), new)))
    }
}
