//! Who may run a worker next: so many at once, of one user at most half of them, each user's in the order of asking.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::yjs::render_error::RenderError;

/// The user of what runs on nobody's behalf.
pub(super) const NOBODY: u128 = 0;

/// Callers of one user that may wait at once. Each holds up a thread.
const MAX_WAITING: usize = 16;

/// Places for running workers.
#[derive(Debug)]
pub(super) struct Lanes {
    places: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    users: HashMap<u128, Lane>,
    tickets: u64,
}

/// One user's queue.
#[derive(Debug, Default)]
struct Lane {
    running: usize,
    waiting: VecDeque<u64>,
}

impl Lanes {
    pub(super) fn new(places: usize) -> Self {
        Self { places, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Places that one user may have: half of them, rounded up.
    const fn share(&self) -> usize {
        self.places.div_ceil(2)
    }

    /// Whether workers are at work.
    pub(super) fn is_in_use(&self) -> bool {
        self.lock().taken > 0
    }

    /// Waits for the right to run a worker.
    pub(super) fn take_place(&self, user: u128, deadline: Instant) -> Result<LanePlace<'_>, RenderError> {
        let mut state = self.lock();
        let ticket = state.tickets;
        state.tickets += 1;
        let lane = state.users.entry(user).or_default();
        if lane.waiting.len() >= MAX_WAITING {
            return Err(RenderError::Unavailable("too many documents of one user wait for it already".to_owned()));
        }
        lane.waiting.push_back(ticket);
        loop {
            let is_free = state.taken < self.places;
            let lane = state.users.entry(user).or_default();
            if is_free && lane.running < self.share() && lane.waiting.front() == Some(&ticket) {
                lane.waiting.pop_front();
                lane.running += 1;
                state.taken += 1;
                // The next of this user may have its turn as well.
                self.changed.notify_all();
                return Ok(LanePlace { lanes: self, user });
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                lane.waiting.retain(|waiting| *waiting != ticket);
                state.drop_idle(user);
                self.changed.notify_all();
                return Err(RenderError::Unavailable(format!("all {} are busy", self.places)));
            };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The state is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn drop_idle(&mut self, user: u128) {
        if self.users.get(&user).is_some_and(|lane| lane.running == 0 && lane.waiting.is_empty()) {
            self.users.remove(&user);
        }
    }
}

/// The right to run one worker; given back when dropped.
#[derive(Debug)]
pub(super) struct LanePlace<'l> {
    lanes: &'l Lanes,
    user: u128,
}

impl Drop for LanePlace<'_> {
    fn drop(&mut self) {
        let mut state = self.lanes.lock();
        state.taken = state.taken.saturating_sub(1);
        if let Some(lane) = state.users.get_mut(&self.user) {
            lane.running = lane.running.saturating_sub(1);
        }
        state.drop_idle(self.user);
        self.lanes.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    #[test]
    fn one_user_has_half_of_the_places_at_most() {
        let lanes = Lanes::new(4);
        let first = lanes.take_place(7, soon()).unwrap();
        let second = lanes.take_place(7, soon()).unwrap();
        assert!(matches!(lanes.take_place(7, soon()), Err(RenderError::Unavailable(_))));
        let third = lanes.take_place(8, soon()).unwrap();
        let fourth = lanes.take_place(NOBODY, soon()).unwrap();
        assert!(lanes.take_place(9, soon()).is_err(), "all are taken");
        drop(first);
        assert!(lanes.take_place(7, soon()).is_ok());
        drop((second, third, fourth));
        assert!(lanes.lock().users.is_empty(), "nobody is remembered who has nothing");
        assert_eq!(lanes.lock().taken, 0);
    }

    #[test]
    fn a_caller_waits_until_a_place_is_free_but_not_for_ever() {
        let lanes = Lanes::new(1);
        let place = lanes.take_place(7, soon()).unwrap();
        let started = Instant::now();
        assert!(lanes.take_place(8, soon()).is_err());
        assert!(started.elapsed() >= Duration::from_millis(50));
        thread::scope(|scope| {
            let (told, got) = channel();
            let lanes = &lanes;
            scope.spawn(move || {
                told.send(lanes.take_place(8, Instant::now() + Duration::from_secs(60)).map(drop).is_ok()).unwrap();
            });
            drop(place);
            assert!(got.recv().unwrap());
        });
    }

    #[test]
    fn the_queue_of_one_user_is_bounded_and_others_pass_it() {
        let lanes = Lanes::new(2);
        let held = lanes.take_place(7, soon()).unwrap();
        thread::scope(|scope| {
            let (lanes, late) = (&lanes, Instant::now() + Duration::from_secs(60));
            let wait = move || lanes.take_place(7, late).map(drop);
            let waiting: Vec<_> = (0..MAX_WAITING).map(|_| scope.spawn(wait)).collect();
            while lanes.lock().users.get(&7).is_none_or(|lane| lane.waiting.len() < MAX_WAITING) {
                thread::yield_now();
            }
            assert!(lanes.take_place(7, late).is_err(), "one more does not wait");
            assert!(lanes.take_place(8, late).is_ok(), "another user does not stand behind them");
            drop(held);
            assert!(waiting.into_iter().all(|caller| caller.join().unwrap().is_ok()));
        });
    }
}
