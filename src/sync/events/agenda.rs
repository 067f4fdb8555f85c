//! What is to be done, and when: each job once, however often it is asked for. Does nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::domain::ids::{SyncId, UserId, WorkspaceId};

/// A piece of work of the reading threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Job {
    /// Read what is new in a workspace, and tell its streams.
    Read(WorkspaceId),
    /// Load how far a run has come, and tell its user's streams.
    TellProgress(WorkspaceId, UserId, SyncId),
    /// End the streams of those who are no members any more.
    CheckMembers(WorkspaceId),
    /// Find workspaces whose changes nobody told of.
    CompareHeads,
}

/// Jobs by the time at which they are due.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    due: BTreeMap<Job, Instant>,
    order: BTreeSet<(Instant, Job)>,
}

impl Agenda {
    /// Puts a job on, or moves it forward; one that is due earlier stays.
    pub(super) fn add(&mut self, job: Job, at: Instant) {
        match self.due.get(&job) {
            Some(earlier) if *earlier <= at => return,
            Some(later) => {
                self.order.remove(&(*later, job));
            }
            None => {}
        }
        self.due.insert(job, at);
        self.order.insert((at, job));
    }

    /// Takes the first job that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Job> {
        let (at, job) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.order.pop_first();
        self.due.remove(&job);
        Some(job)
    }

    /// When the first job is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    const ONE: Job = Job::Read(WorkspaceId(Uuid::from_u128(1)));
    const TWO: Job = Job::Read(WorkspaceId(Uuid::from_u128(2)));

    #[test]
    fn a_job_is_done_once_and_at_the_earliest_time_asked_for() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut agenda = Agenda::default();
        agenda.add(ONE, later);
        agenda.add(ONE, now);
        agenda.add(ONE, later);
        assert_eq!(agenda.take(now), Some(ONE));
        assert_eq!((agenda.take(later), agenda.next()), (None, None));
    }

    #[test]
    fn jobs_come_in_the_order_in_which_they_are_due() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut agenda = Agenda::default();
        agenda.add(ONE, later);
        agenda.add(TWO, now);
        assert_eq!((agenda.take(now), agenda.take(now)), (Some(TWO), None));
        assert_eq!(agenda.next(), Some(later));
        assert_eq!(agenda.take(later), Some(ONE));
    }
}
