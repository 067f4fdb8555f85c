//! The topics of this server: who listens to which workspace, and what is to be read for them. Reads nothing itself.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::broadcast;

use super::agenda::{Agenda, Job};
use super::config::EventsConfig;
use super::notices::Notice;
use crate::domain::cursor::FeedKey;
use crate::domain::ids::{SyncId, UserId, WorkspaceId};
use crate::store::feed::FeedState;

/// What a stream may fall behind, in pages, before it is dropped; see [`READ_PAUSE`].
const RING_PAGES: usize = 128;
/// After a workspace was read it is not read again for so long: under load its changes are told in fewer, larger
/// pages, and a stream has at least [`RING_PAGES`] times as long to take them.
const READ_PAUSE: Duration = Duration::from_millis(10);
/// Added to it for each stream, since each costs about as much to be told: however many listen and however much is
/// written, telling leaves room for other work.
const READ_PAUSE_FOR_EACH: Duration = Duration::from_micros(20);
/// Progress of a run waits this long, so that several steps are told as one.
const PROGRESS_PAUSE: Duration = Duration::from_millis(50);
/// How often the heads of workspaces are compared with what was told. Together with a reading it stays below the half
/// second within which a change must be told.
const COMPARE_INTERVAL: Duration = Duration::from_millis(350);

/// What all streams of a workspace share.
pub(super) struct Topic {
    sender: broadcast::Sender<Arc<Notice>>,
    /// Held while new changes are read, so that they are told in order.
    pub(super) reading: Mutex<Option<Reading>>,
}

/// How far a workspace was told.
pub(super) struct Reading {
    /// The last change that was.
    pub(super) told_up_to: i64,
    /// What its cursors are signed with.
    pub(super) key: FeedKey,
}

impl Topic {
    /// Hears everything from now on.
    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<Notice>> {
        self.sender.subscribe()
    }

    /// Tells everyone who listens.
    pub(super) fn send(&self, notice: Notice) {
        // It fails where nobody listens at the moment, which is no failure.
        let _heard_by = self.sender.send(Arc::new(notice));
    }
}

/// Why a stream cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The server has as many as it may.
    Server,
    /// The user has as many as they may.
    User,
}

/// All topics, and the work that they make.
pub(super) struct Topics {
    config: EventsConfig,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    topics: HashMap<WorkspaceId, Listeners>,
    of_user: HashMap<UserId, usize>,
    streams: usize,
    agenda: Agenda,
    closed: bool,
}

struct Listeners {
    topic: Arc<Topic>,
    users: HashMap<UserId, usize>,
    streams: u32,
    /// Not read again before.
    rested_at: Instant,
    /// The newest sequence that is known of; smaller = the next comparison has it read.
    known_head: i64,
}

impl Topics {
    pub(super) fn new(config: EventsConfig) -> Self {
        Self { config, state: Mutex::default(), work: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more stream of the user, or of the server itself; the workspace's topic, made if it is the first.
    pub(super) fn enter(&self, workspace_id: WorkspaceId, user_id: Option<UserId>) -> Result<Arc<Topic>, Full> {
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Some(user_id) = user_id {
            if state.streams >= self.config.max_streams {
                return Err(Full::Server);
            }
            let of_user = state.of_user.entry(user_id).or_default();
            if *of_user >= self.config.max_user_streams {
                return Err(Full::User);
            }
            *of_user += 1;
        }
        state.streams += 1;
        show_streams(state.streams);
        let now = Instant::now();
        if state.topics.is_empty() {
            state.agenda.add(Job::CompareHeads, now + COMPARE_INTERVAL);
        }
        let listeners = state.topics.entry(workspace_id).or_insert_with(|| {
            state.agenda.add(Job::CheckMembers(workspace_id), now + self.config.heartbeat);
            let (sender, _nobody_yet) = broadcast::channel(RING_PAGES);
            let topic = Arc::new(Topic { sender, reading: Mutex::new(None) });
            Listeners { topic, users: HashMap::new(), streams: 0, rested_at: now, known_head: 0 }
        });
        if let Some(user_id) = user_id {
            *listeners.users.entry(user_id).or_default() += 1;
        }
        listeners.streams = listeners.streams.saturating_add(1);
        let topic = Arc::clone(&listeners.topic);
        drop(guard);
        // The first topic's comparison may be due before whatever the threads wait for.
        self.work.notify_one();
        Ok(topic)
    }

    /// Counts one stream less; a topic ends with its last.
    pub(super) fn leave(&self, workspace_id: WorkspaceId, user_id: Option<UserId>) {
        let mut state = self.lock();
        state.streams = state.streams.saturating_sub(1);
        show_streams(state.streams);
        if let Some(user_id) = user_id {
            count_down(&mut state.of_user, user_id);
        }
        if let Some(listeners) = state.topics.get_mut(&workspace_id) {
            if let Some(user_id) = user_id {
                count_down(&mut listeners.users, user_id);
            }
            listeners.streams = listeners.streams.saturating_sub(1);
            if listeners.streams == 0 {
                state.topics.remove(&workspace_id);
            }
        }
    }

    /// The feed of the topic's first stream begins here. What was committed since it was looked up is read now:
    /// before, nobody knew from where.
    pub(super) fn begin(&self, workspace_id: WorkspaceId, topic: &Topic, feed: &FeedState) {
        {
            let mut reading = topic.reading.lock().unwrap_or_else(PoisonError::into_inner);
            if reading.is_some() {
                return;
            }
            *reading = Some(Reading { told_up_to: feed.head_sequence, key: feed.key.clone() });
        }
        self.note_head(workspace_id, feed.head_sequence);
        self.changed(workspace_id);
    }

    /// Something was committed: to be read soon, if anyone listens.
    pub(super) fn changed(&self, workspace_id: WorkspaceId) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(listeners) = state.topics.get(&workspace_id) else { return };
        state.agenda.add(Job::Read(workspace_id), listeners.rested_at.max(Instant::now()));
        drop(guard);
        self.work.notify_one();
    }

    /// A run moved on: to be told soon, if its user listens.
    pub(super) fn progressed(&self, workspace_id: WorkspaceId, user_id: UserId, sync_id: SyncId) {
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.topics.get(&workspace_id).is_some_and(|listeners| listeners.users.contains_key(&user_id)) {
            let job = Job::TellProgress(workspace_id, user_id, sync_id);
            state.agenda.add(job, Instant::now() + PROGRESS_PAUSE);
            drop(guard);
            self.work.notify_one();
        }
    }

    /// Waits for the next job; `None` once closed. What comes at intervals is put on the agenda again.
    pub(super) fn next_job(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let now = Instant::now();
            if let Some(job) = state.agenda.take(now) {
                state.reschedule(job, now, self.config.heartbeat);
                if state.agenda.next().is_some_and(|at| at <= now) {
                    self.work.notify_one();
                }
                return Some(job);
            }
            state = match state.agenda.next() {
                Some(at) => {
                    let waited = self.work.wait_timeout(state, at.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// The topic of a workspace, while anyone listens.
    pub(super) fn find(&self, workspace_id: WorkspaceId) -> Option<Arc<Topic>> {
        self.lock().topics.get(&workspace_id).map(|listeners| Arc::clone(&listeners.topic))
    }

    /// Who listens to a workspace.
    pub(super) fn users_of(&self, workspace_id: WorkspaceId) -> Vec<UserId> {
        let state = self.lock();
        state.topics.get(&workspace_id).map(|listeners| listeners.users.keys().copied().collect()).unwrap_or_default()
    }

    /// The workspaces that anyone listens to.
    pub(super) fn workspaces(&self) -> Vec<WorkspaceId> {
        self.lock().topics.keys().copied().collect()
    }

    /// Remembers that a workspace was told up to here.
    pub(super) fn note_head(&self, workspace_id: WorkspaceId, head: i64) {
        if let Some(listeners) = self.lock().topics.get_mut(&workspace_id) {
            listeners.known_head = listeners.known_head.max(head);
        }
    }

    /// A workspace could not be read: the next comparison has it read again.
    pub(super) fn forget_head(&self, workspace_id: WorkspaceId) {
        if let Some(listeners) = self.lock().topics.get_mut(&workspace_id) {
            listeners.known_head = -1;
        }
    }

    /// Has those workspaces read whose head is beyond what was known.
    pub(super) fn compare(&self, heads: &[(WorkspaceId, i64)]) {
        let mut guard = self.lock();
        let state = &mut *guard;
        for (workspace_id, head) in heads {
            let Some(listeners) = state.topics.get_mut(workspace_id) else { continue };
            if *head > listeners.known_head {
                listeners.known_head = *head;
                state.agenda.add(Job::Read(*workspace_id), listeners.rested_at);
            }
        }
        drop(guard);
        self.work.notify_one();
    }

    /// Whether nobody listens at all.
    pub(super) fn are_idle(&self) -> bool {
        self.lock().topics.is_empty()
    }

    /// Ends all waiting for jobs.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }
}

impl State {
    fn reschedule(&mut self, job: Job, now: Instant, heartbeat: Duration) {
        match job {
            Job::Read(workspace_id) => {
                if let Some(listeners) = self.topics.get_mut(&workspace_id) {
                    listeners.rested_at = now + READ_PAUSE + READ_PAUSE_FOR_EACH * listeners.streams;
                }
            }
            Job::CheckMembers(workspace_id) if self.topics.contains_key(&workspace_id) => {
                self.agenda.add(job, now + heartbeat);
            }
            Job::CompareHeads if !self.topics.is_empty() => self.agenda.add(job, now + COMPARE_INTERVAL),
            Job::CheckMembers(_) | Job::CompareHeads | Job::TellProgress(..) => {}
        }
    }
}

fn count_down(counts: &mut HashMap<UserId, usize>, user_id: UserId) {
    if let Some(count) = counts.get_mut(&user_id) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&user_id);
        }
    }
}

fn show_streams(streams: usize) {
    metrics::gauge!("landfall_event_streams").set(u32::try_from(streams).map_or(f64::MAX, f64::from));
}
