//! Which workspaces wait to be indexed, and when each is due.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::ids::WorkspaceId;

/// After a commit, so that one step takes in what follows it closely.
const SETTLING: Duration = Duration::from_millis(250);
/// Workspaces that wait at most; the next look finds the others.
const MAX_WAITING: usize = 10_000;
/// So many documents that were written within two windows: the server is busy.
const BUSY_DOCUMENTS: usize = 250;
const WINDOW: Duration = Duration::from_millis(250);
/// While the server is busy, a workspace that is behind waits so many times as long as its last step took, and no longer
/// than this.
const REST: (u32, Duration) = (9, Duration::from_millis(500));

/// Workspaces that wait, each with the time when it is due.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    due: BTreeMap<WorkspaceId, Instant>,
    load: Load,
    /// When the last of the workspaces that rest is due.
    rested: Option<Instant>,
    is_stopped: bool,
}

/// How much is written.
#[derive(Debug, Default)]
struct Load {
    /// When the current window began.
    since: Option<Instant>,
    /// Documents of the current window and of the one before.
    current: usize,
    previous: usize,
}

impl Load {
    fn note(&mut self, documents: usize, now: Instant) {
        match self.since.map(|since| now.saturating_duration_since(since)) {
            Some(age) if age < WINDOW => self.current = self.current.saturating_add(documents),
            age => {
                self.previous = if age.is_some_and(|age| age < WINDOW * 2) { self.current } else { 0 };
                (self.since, self.current) = (Some(now), documents);
            }
        }
    }

    fn is_heavy(&self, now: Instant) -> bool {
        let is_now = self.since.is_some_and(|since| now.saturating_duration_since(since) < WINDOW * 2);
        is_now && self.current.saturating_add(self.previous) >= BUSY_DOCUMENTS
    }
}

/// What is to be done next.
pub(super) enum Next {
    Index(WorkspaceId),
    Look,
    Stop,
}

impl Agenda {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that waits already keeps its time.
    pub(super) fn add(&self, workspace_id: WorkspaceId, after: Duration) {
        self.put(&mut self.lock(), workspace_id, Instant::now() + after);
    }

    fn put(&self, state: &mut State, workspace_id: WorkspaceId, due: Instant) {
        // A busy workspace waits already with nearly every batch: nobody is woken for it.
        if state.due.len() < MAX_WAITING && !state.due.contains_key(&workspace_id) {
            state.due.insert(workspace_id, due);
            self.changed.notify_all();
        }
    }

    pub(super) fn committed(&self, workspace_id: WorkspaceId, documents: usize) {
        self.lock().load.note(documents, Instant::now());
        self.add(workspace_id, SETTLING);
    }

    /// Its last step took so long, and there is more: behind those that wait already. Those that rest do so one after the
    /// other.
    pub(super) fn add_behind(&self, workspace_id: WorkspaceId, took: Duration) {
        let mut state = self.lock();
        let now = Instant::now();
        let rest = if state.load.is_heavy(now) { took.saturating_mul(REST.0).min(REST.1) } else { Duration::ZERO };
        let due = state.rested.filter(|_| !rest.is_zero()).unwrap_or(now).max(now) + rest;
        state.rested = Some(due);
        self.put(&mut state, workspace_id, due);
    }

    pub(super) fn stop(&self) {
        self.lock().is_stopped = true;
        self.changed.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// Waits for what is due, until `look` at most.
    pub(super) fn next(&self, look: Instant) -> Next {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let first = state.due.iter().min_by_key(|(_, due)| **due).map(|(id, due)| (*id, *due));
            match first {
                _ if state.is_stopped => return Next::Stop,
                Some((id, due)) if due <= now => {
                    state.due.remove(&id);
                    return Next::Index(id);
                }
                _ if look <= now => return Next::Look,
                _ => {}
            }
            let until = first.map_or(look, |(_, due)| due.min(look));
            let wait = self.changed.wait_timeout(state, until.saturating_duration_since(now));
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(number: u128) -> WorkspaceId {
        WorkspaceId(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn what_waits_longest_is_next() {
        let agenda = Agenda::default();
        let later = Instant::now() + Duration::from_secs(60);
        agenda.add(workspace(1), Duration::from_millis(20));
        agenda.add(workspace(2), Duration::ZERO);
        // It has its time already.
        agenda.add(workspace(1), Duration::from_secs(60));
        for expected in [2, 1] {
            assert!(matches!(agenda.next(later), Next::Index(id) if id == workspace(expected)));
        }
        assert!(matches!(agenda.next(Instant::now()), Next::Look));
        agenda.stop();
        assert!(matches!(agenda.next(later), Next::Stop));
    }

    #[test]
    fn what_is_behind_rests_while_much_is_written() {
        let agenda = Agenda::default();
        let due = |number| agenda.lock().due.get(&workspace(number)).copied().unwrap();
        let took = Duration::from_secs(10);
        agenda.add_behind(workspace(1), took);
        assert!(due(1) <= Instant::now(), "nothing is written");
        let started = Instant::now();
        agenda.committed(workspace(9), BUSY_DOCUMENTS);
        agenda.add_behind(workspace(2), took);
        agenda.add_behind(workspace(3), took);
        // Unless the test stood still for half a second.
        if started.elapsed() < WINDOW * 2 {
            assert!(due(2) >= started + REST.1 && due(3) >= due(2) + REST.1);
        }
        let mut load = Load::default();
        load.note(BUSY_DOCUMENTS, started);
        assert!(load.is_heavy(started + WINDOW) && !load.is_heavy(started + WINDOW * 2));
        load.note(1, started + WINDOW);
        assert!(load.is_heavy(started + WINDOW), "{load:?}");
        load.note(1, started + WINDOW * 2);
        assert!(!load.is_heavy(started + WINDOW * 2), "{load:?}");
        load.note(BUSY_DOCUMENTS - 1, started + WINDOW * 9);
        assert!(!load.is_heavy(started + WINDOW * 9), "{load:?}");
    }

    #[test]
    fn the_agenda_is_bounded() {
        let agenda = Agenda::default();
        for number in 0..20_000 {
            agenda.add(workspace(number), Duration::ZERO);
        }
        assert_eq!(agenda.lock().due.len(), MAX_WAITING);
    }
}
