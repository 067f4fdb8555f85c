//! One document that is edited live on this server: who is connected to it, and what waits to be stored.
//!
//! Nothing of the document itself is kept here. Updates wait in the room, are committed one group after the other, and are
//! passed on once they are committed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Semaphore;

use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::sync::live::missing::Shared;
use crate::sync::live::news::{Inbox, News, Refusal, Tag};
use crate::sync::live::waiting::{Task, Waiting, Work, take_group};
use crate::sync::presence::{Presence, Presences, SocketId};

/// Bytes of updates that wait in a room; who has more to say waits before saying it.
const MAX_WAITING_BYTES: usize = 8 * 1024 * 1024;
/// Who does a room's work; there is one at a time. If it is dropped before the work is done, as by a panic, everybody in the
/// room is told to connect again: nobody waits for what does not come.
#[derive(Debug)]
#[must_use = "a room whose worker is dropped sends everybody away"]
pub struct Worker {
    room: Arc<Room>,
    is_done: bool,
}

impl Worker {
    /// The caller was told that somebody has to work.
    pub(super) fn of(room: Arc<Room>) -> Self {
        Self { room, is_done: false }
    }

    /// The room.
    #[must_use]
    pub fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// What is to be done next; `None` if all is done.
    pub fn next_work(&mut self) -> Option<Work> {
        let work = self.room.next_work();
        self.is_done = work.is_none();
        work
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.is_done {
            self.room.abandon();
        }
    }
}

/// A document that is open.
#[derive(Debug)]
pub struct Room {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Which document.
    pub document_id: DocumentId,
    /// What newcomers are sent.
    pub(super) shared: Shared,
    waiting: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    members: HashMap<SocketId, Member>,
    presences: Presences,
    queue: VecDeque<Waiting>,
    /// What was committed elsewhere.
    turns: super::turns::Turns,
    /// Somebody does the room's work.
    is_worked: bool,
    /// The version up to which everybody was told; `None` until it was looked up.
    sent_up_to: Option<Version>,
    /// Bytes of the document's Yjs state, if it is known to have one.
    state_bytes: Option<usize>,
}

#[derive(Debug)]
struct Member {
    inbox: Inbox,
    place: usize,
    joined_at: Instant,
}

impl Room {
    pub(super) fn new(workspace_id: WorkspaceId, document_id: DocumentId) -> Self {
        let waiting = Arc::new(Semaphore::new(MAX_WAITING_BYTES));
        Self { workspace_id, document_id, shared: Shared::default(), waiting, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn join(&self, socket: SocketId, inbox: Inbox, place: usize) {
        self.lock().members.insert(socket, Member { inbox, place, joined_at: Instant::now() });
    }

    /// The others hear that the socket's editors have gone. Who has gone, and whether nobody is left.
    pub(super) fn leave(&self, socket: SocketId) -> (Vec<Presence>, bool) {
        let mut state = self.lock();
        state.members.remove(&socket);
        let gone = state.presences.leave(socket);
        state.send_presences(None, gone.clone());
        (gone, state.members.is_empty())
    }

    /// The version up to which everybody was told, if that is known.
    pub(super) fn sent_up_to(&self) -> Option<Version> {
        self.lock().sent_up_to
    }

    /// Bytes of the document's Yjs state, if it is known to have one.
    pub(super) fn state_bytes(&self) -> Option<usize> {
        self.lock().state_bytes
    }

    /// The document's Yjs state as it was last seen.
    pub(super) fn note_state(&self, bytes: Option<usize>) {
        self.lock().state_bytes = bytes;
    }

    /// Everybody knows this version, or will read it. Never goes back.
    pub(super) fn note_sent(&self, version: Version) {
        let mut state = self.lock();
        state.sent_up_to = state.sent_up_to.max(Some(version));
    }

    /// Puts an update behind those that wait. Waits while too much waits already. Whether somebody has to do the room's
    /// work now.
    pub(super) async fn submit(&self, socket: SocketId, user_id: UserId, update: Vec<u8>, tag: Tag) -> bool {
        let size = u32::try_from(update.len().min(MAX_WAITING_BYTES)).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.waiting).acquire_many_owned(size).await else { return false };
        let mut state = self.lock();
        state.queue.push_back(Waiting { socket, user_id, update, tag, _room: room });
        state.start_work()
    }

    /// A version was committed, here or elsewhere. Whether somebody has to do the room's work now.
    pub(super) fn note_commit(&self, version: Version) -> bool {
        let mut state = self.lock();
        // Before the version was looked up there is nothing to be behind of.
        if state.sent_up_to.is_none_or(|sent| version <= sent) {
            return false;
        }
        state.turns.note_commit();
        state.start_work()
    }

    /// What is to be done next; `None` ends the work.
    fn next_work(&self) -> Option<Work> {
        let mut state = self.lock();
        let is_waiting = !state.queue.is_empty();
        if state.turns.catches_up(is_waiting) {
            return Some(Work(Task::CatchUp));
        }
        let group = take_group(&mut state.queue);
        state.is_worked = !group.is_empty();
        (!group.is_empty()).then_some(Work(Task::Save(group)))
    }

    /// Nobody does the room's work any more, and what waited is not stored: everybody is to connect again, and to send all
    /// that is missing.
    fn abandon(&self) {
        let mut state = self.lock();
        state.is_worked = false;
        state.queue.clear();
        state.send_to_all(None, &News::Refused(Refusal::NotNow));
    }

    /// Tells the others what a socket's editors say of themselves, or those of another server; what of it was news.
    pub(super) fn present(&self, socket: Option<SocketId>, said: Vec<Presence>) -> Vec<Presence> {
        let mut state = self.lock();
        let source = socket.and_then(|socket| Some((socket, state.members.get(&socket)?.joined_at)));
        if socket.is_some() && source.is_none() {
            return Vec::new();
        }
        let news = state.presences.take_in(source, said);
        state.send_presences(socket, news.clone());
        news
    }

    pub(super) fn presences(&self) -> Vec<Presence> {
        self.lock().presences.here()
    }

    /// Those of this server's editors.
    pub(super) fn own_presences(&self) -> Vec<Presence> {
        self.lock().presences.own()
    }

    /// Tells everybody but `except`.
    pub(super) fn send_to_all(&self, except: Option<SocketId>, news: &News) {
        self.lock().send_to_all(except, news);
    }

    /// Tells one.
    pub(super) fn send(&self, socket: SocketId, news: News) {
        if let Some(member) = self.lock().members.get(&socket) {
            member.inbox.send(member.place, news);
        }
    }

    /// If everybody knows all up to the version before this one, they are told this one; whether that was so.
    pub(super) fn send_next(&self, version: Version, updates: &[(SocketId, Arc<[u8]>)]) -> bool {
        let mut state = self.lock();
        if state.sent_up_to.and_then(|sent| sent.checked_add(1)) != Some(version) {
            return false;
        }
        state.sent_up_to = Some(version);
        for (socket, update) in updates {
            state.send_to_all(Some(*socket), &News::Update(Arc::clone(update)));
        }
        true
    }
}

impl State {
    fn start_work(&mut self) -> bool {
        !std::mem::replace(&mut self.is_worked, true)
    }

    fn send_to_all(&self, except: Option<SocketId>, news: &News) {
        for (socket, member) in &self.members {
            if Some(*socket) != except {
                member.inbox.send(member.place, news.clone());
            }
        }
    }

    fn send_presences(&self, except: Option<SocketId>, news: Vec<Presence>) {
        if !news.is_empty() {
            self.send_to_all(except, &News::Presence(news.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::sync::live::news::{Delivery, MAX_UNREAD, Sent, inbox};

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));
    const TAG: Tag = Tag { round: 1, sent: Sent::Change };

    fn room() -> Room {
        Room::new(WorkspaceId(Uuid::from_u128(3)), DocumentId(Uuid::from_u128(4)))
    }

    fn sizes(work: Option<Work>) -> Vec<usize> {
        match work {
            Some(Work(Task::Save(group))) => group.iter().map(|waiting| waiting.update.len()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_one_user_waits_for_is_one_commit() {
        let room = room();
        assert!(room.submit(1, ADA, vec![0; 3], TAG).await, "the first has the work done");
        for (socket, user, size) in [(2, BOB, 4), (1, ADA, 5), (3, ADA, 70_000), (1, ADA, 6)] {
            assert!(!room.submit(socket, user, vec![0; size], TAG).await);
        }
        assert_eq!(sizes(room.next_work()), [3, 5]);
        assert_eq!(sizes(room.next_work()), [4]);
        assert_eq!(sizes(room.next_work()), [70_000]);
        assert_eq!(sizes(room.next_work()), [6]);
        assert!(room.next_work().is_none());
        assert!(room.submit(1, ADA, vec![0; 1], TAG).await, "once it is done, the next one begins it again");
    }

    #[tokio::test]
    async fn a_worker_that_dies_leaves_nobody_waiting() {
        let room = Arc::new(room());
        let (one, mut first) = inbox();
        room.join(1, one, 0);
        assert!(room.submit(1, ADA, vec![0; 3], TAG).await);
        assert!(!room.submit(1, BOB, vec![0; MAX_WAITING_BYTES - 3], TAG).await);
        let mut worker = Worker::of(Arc::clone(&room));
        let died = tokio::task::spawn_blocking(move || {
            let work = worker.next_work();
            panic!("while working on {work:?}");
        });
        assert!(died.await.is_err());
        assert!(matches!(first.next().await, Some(Delivery { news: News::Refused(Refusal::NotNow), .. })));
        assert!(
            room.submit(1, ADA, vec![0; MAX_WAITING_BYTES], TAG).await,
            "nothing waits, and somebody may work again"
        );
        let mut worker = Worker::of(Arc::clone(&room));
        assert_eq!(sizes(worker.next_work()), [MAX_WAITING_BYTES]);
        assert!(worker.next_work().is_none());
        drop(worker);
        room.send(1, News::Saved(TAG));
        assert!(
            matches!(first.next().await, Some(Delivery { news: News::Saved(TAG), .. })),
            "who is done sends nobody away"
        );
    }

    #[tokio::test]
    async fn a_commit_elsewhere_is_work_if_it_is_news() {
        let room = room();
        assert!(!room.note_commit(3), "nobody knows yet from where on");
        room.note_sent(3);
        assert!(!room.note_commit(3));
        assert!(room.note_commit(4));
        assert!(!room.note_commit(5), "it is being done");
        assert!(matches!(room.next_work(), Some(Work(Task::CatchUp))));
        assert!(room.next_work().is_none());
    }

    #[tokio::test]
    async fn the_next_version_is_told_to_all_but_its_author() {
        let room = room();
        let ((one, mut first), (two, mut second)) = (inbox(), inbox());
        room.join(1, one, 0);
        room.join(2, two, 7);
        room.note_sent(1);
        let update: Arc<[u8]> = vec![1, 2].into();
        assert!(!room.send_next(3, &[(1, Arc::clone(&update))]), "a version is missing between");
        assert!(room.send_next(2, &[(1, update)]));
        room.send(1, News::Saved(TAG));
        assert!(matches!(first.next().await, Some(Delivery { place: 0, news: News::Saved(TAG) })));
        assert!(matches!(second.next().await, Some(Delivery { place: 7, news: News::Update(_) })));
    }

    #[tokio::test]
    async fn who_opens_it_again_hears_nothing_of_what_was_sent_before() {
        let room = room();
        let (one, mut heard) = inbox();
        room.join(1, one.clone(), 0);
        room.leave(1);
        room.join(2, one, 1);
        room.send(1, News::Saved(TAG));
        room.send(2, News::Deleted);
        assert!(matches!(heard.next().await, Some(Delivery { place: 1, news: News::Deleted })));
    }

    #[tokio::test]
    async fn who_does_not_listen_is_dropped() {
        let room = room();
        let (inbox, mut heard) = inbox();
        room.join(1, inbox, 0);
        for _ in 0..=MAX_UNREAD {
            room.send_to_all(None, &News::Update(vec![0].into()));
        }
        assert!(heard.next().await.is_none());
    }
}
