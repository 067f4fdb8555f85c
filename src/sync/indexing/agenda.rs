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
/// While the server is busy, those that are behind rest so many times as long as the last of their steps took, and no
/// longer than this.
const REST: (u32, Duration) = (9, Duration::from_millis(500));

/// Workspaces that wait, each with the time when it is due.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: BTreeMap<WorkspaceId, Waiting>,
    load: Load,
    /// Until when those that are behind rest, unless the load ends before.
    rested: Option<Instant>,
    is_stopped: bool,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    due: Instant,
    /// It has more changes than one step takes.
    is_behind: bool,
}

impl Waiting {
    fn due_after(&self, rest_ends: Option<Instant>) -> Instant {
        rest_ends.filter(|_| self.is_behind).map_or(self.due, |ends| self.due.max(ends))
    }
}

impl State {
    /// Until when those that are behind rest. They do so together: when the load ends, none of them has to rest any more.
    fn rest_ends(&self, now: Instant) -> Option<Instant> {
        let load_ends = self.load.ends(now)?;
        self.rested.map(|rested| rested.min(load_ends))
    }

    /// What is due first, and when. Of those that rest, the one that has waited longest.
    fn first(&self, now: Instant) -> Option<(WorkspaceId, Instant)> {
        let rest_ends = self.rest_ends(now);
        let first = self.waiting.iter().min_by_key(|(_, one)| (one.due_after(rest_ends), one.due));
        first.map(|(id, one)| (*id, one.due_after(rest_ends)))
    }
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

    /// When the load ends unless more is written; `None` if it is light.
    fn ends(&self, now: Instant) -> Option<Instant> {
        let end = self.since? + WINDOW * 2;
        (now < end && self.current.saturating_add(self.previous) >= BUSY_DOCUMENTS).then_some(end)
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
        let one = Waiting { due: Instant::now() + after, is_behind: false };
        self.put(&mut self.lock(), workspace_id, one);
    }

    fn put(&self, state: &mut State, workspace_id: WorkspaceId, one: Waiting) {
        // A busy workspace waits already with nearly every batch: nobody is woken for it.
        if state.waiting.len() < MAX_WAITING && !state.waiting.contains_key(&workspace_id) {
            state.waiting.insert(workspace_id, one);
            self.changed.notify_all();
        }
    }

    pub(super) fn committed(&self, workspace_id: WorkspaceId, documents: usize) {
        self.lock().load.note(documents, Instant::now());
        self.add(workspace_id, SETTLING);
    }

    /// Its last step took so long, and there is more: behind those that wait already. While much is written, all that are
    /// behind rest: together they take a small share of the time, each in its turn.
    pub(super) fn add_behind(&self, workspace_id: WorkspaceId, took: Duration) {
        let mut state = self.lock();
        let now = Instant::now();
        state.rested = Some(now + took.saturating_mul(REST.0).min(REST.1));
        // One that was written to during its step waits already, and must rest all the same.
        state.waiting.remove(&workspace_id);
        self.put(&mut state, workspace_id, Waiting { due: now, is_behind: true });
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
            let first = state.first(now);
            match first {
                _ if state.is_stopped => return Next::Stop,
                Some((id, due)) if due <= now => {
                    state.waiting.remove(&id);
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

    /// A step so long that the longest rest follows.
    const TOOK: Duration = Duration::from_secs(10);

    #[test]
    fn what_is_behind_rests_while_much_is_written() {
        let agenda = Agenda::default();
        agenda.add_behind(workspace(1), TOOK);
        assert_eq!(agenda.lock().rest_ends(Instant::now()), None, "nothing is written");
        agenda.committed(workspace(2), BUSY_DOCUMENTS);
        // Written to while its step ran.
        agenda.add_behind(workspace(2), TOOK);
        agenda.committed(workspace(3), 1);
        let state = agenda.lock();
        let noted = state.load.since.unwrap();
        // It has rested since the second step: no longer than the load lasts.
        let rest_ends = state.rest_ends(noted).unwrap();
        assert!(rest_ends > noted && rest_ends <= noted + WINDOW * 2);
        for (number, rests) in [(1, true), (2, true), (3, false)] {
            let one = state.waiting[&workspace(number)];
            assert_eq!(one.due_after(Some(noted + TOOK)) > one.due, rests, "{number}");
        }
    }

    #[test]
    fn those_that_rest_have_turns_and_none_rests_when_the_load_has_ended() {
        let agenda = Agenda::default();
        for number in (1..=100).rev() {
            agenda.committed(workspace(number), BUSY_DOCUMENTS);
            agenda.add_behind(workspace(number), TOOK);
        }
        let mut state = agenda.lock();
        let over = state.load.since.unwrap() + WINDOW * 2;
        assert_eq!(state.rest_ends(over), None);
        let longest = state.waiting.values().map(|one| one.due).min().unwrap();
        assert!(state.first(over).unwrap().1 == longest && longest <= Instant::now());
        // While they rest together, whoever has waited longest is the first all the same.
        state.load.note(BUSY_DOCUMENTS, Instant::now());
        let (first, due) = state.first(state.load.since.unwrap()).unwrap();
        assert!(state.waiting[&first].due == longest && due >= longest);
    }

    #[test]
    fn a_load_ends_when_less_is_written() {
        let started = Instant::now();
        let mut load = Load::default();
        let is_heavy = |load: &Load, after: Duration| load.ends(started + after).is_some();
        load.note(BUSY_DOCUMENTS, started);
        assert!(is_heavy(&load, WINDOW) && !is_heavy(&load, WINDOW * 2));
        load.note(1, started + WINDOW);
        assert!(is_heavy(&load, WINDOW), "{load:?}");
        load.note(1, started + WINDOW * 2);
        assert!(!is_heavy(&load, WINDOW * 2), "{load:?}");
        load.note(BUSY_DOCUMENTS - 1, started + WINDOW * 9);
        assert!(!is_heavy(&load, WINDOW * 9), "{load:?}");
    }

    #[test]
    fn the_agenda_is_bounded() {
        let agenda = Agenda::default();
        for number in 0..20_000 {
            agenda.add(workspace(number), Duration::ZERO);
        }
        assert_eq!(agenda.lock().waiting.len(), MAX_WAITING);
    }
}
