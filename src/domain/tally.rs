//! What one batch adds to its sync run: how an operation that was counted before is known again.
//!
//! - A failed or skipped operation leaves a note. When it comes back, the note is taken back and its new outcome counts
//!   instead; failing again makes a new note, with one more retry.
//! - A success leaves a receipt (protocol §1.6). A replay from a receipt that is no older than the run was counted when
//!   the receipt was made. One from an older receipt counts once and leaves a note that says so.
//! - An operation without a valid name, and a success without a device, cannot be known again: each time counts.
//!
//! Names are permanent on a device only, so a note is of the same operation if the documents do not differ either.

use crate::domain::error_code::ErrorCode;
use crate::domain::outcome::{Outcome, Status};
use crate::domain::run_notes::{NoteChanges, RunFailure, RunNote};
use crate::domain::timestamp::Timestamp;

/// Counts to be added to those of the run (negative where something is taken back).
#[derive(Debug)]
pub(super) struct Tally {
    started_at: Timestamp,
    /// Notes that no operation of the batch has claimed yet.
    known: Vec<RunNote>,
    changes: NoteChanges,
    pub(super) succeeded: i64,
    pub(super) failed: i64,
    pub(super) skipped: i64,
    /// Whether any operation of the batch counted.
    pub(super) counted: bool,
}

impl Tally {
    /// An empty tally for a run that began at `started_at` and has these notes of the batch's names.
    pub(super) fn new(started_at: Timestamp, known: Vec<RunNote>) -> Self {
        let changes = NoteChanges::default();
        Self { started_at, known, changes, succeeded: 0, failed: 0, skipped: 0, counted: false }
    }

    /// Adds one outcome; `receipt_at` is the age of the receipt that a replay was answered from.
    pub(super) fn add(&mut self, outcome: &Outcome, receipt_at: Option<Timestamp>, now: Timestamp) {
        if outcome.status() == Status::Success {
            self.add_success(outcome, receipt_at.filter(|_| outcome.replayed()), now);
        } else {
            self.add_failure(outcome, now);
        }
    }

    fn add_success(&mut self, outcome: &Outcome, replayed_from: Option<Timestamp>, now: Timestamp) {
        let is_older = replayed_from.is_some_and(|made_at| made_at < self.started_at);
        if is_older && self.claim(outcome, |note| note.failure.is_none()).is_some() {
            return;
        }
        let was_failed = self.take_back(outcome, Alias::None).is_some();
        if replayed_from.is_some() && !is_older && !was_failed {
            return;
        }
        self.succeeded += 1;
        self.counted = true;
        if is_older {
            self.note(outcome, None, now);
        }
    }

    fn add_failure(&mut self, outcome: &Outcome, now: Timestamp) {
        let (code, message) = match outcome.error() {
            Some(error) => (error.code, error.message.clone()),
            None => (ErrorCode::Internal, "the operation was not applied".to_owned()),
        };
        let earlier = self.take_back(outcome, Alias::of(code));
        let retry_count = earlier.map_or(0, |failure| failure.retry_count.saturating_add(1));
        *self.count_of(code) += 1;
        self.counted = true;
        self.note(outcome, Some(RunFailure { code, message, retry_count }), now);
    }

    /// Undoes the count of an earlier failure of the same operation.
    fn take_back(&mut self, outcome: &Outcome, alias: Alias) -> Option<RunFailure> {
        let same = |note: &RunNote| note.failure.as_ref().is_some_and(|failure| Alias::of(failure.code) == alias);
        let note = self.claim(outcome, same)?;
        let failure = note.failure.clone()?;
        *self.count_of(failure.code) -= 1;
        self.changes.dropped.push(note);
        Some(failure)
    }

    /// The note of the outcome's operation, if there is one; no other operation of the batch will have it.
    fn claim(&mut self, outcome: &Outcome, is_wanted: impl Fn(&RunNote) -> bool) -> Option<RunNote> {
        let name = outcome.client_id.as_deref()?;
        let place = self.known.iter().position(|note| {
            let documents = note.document_id.zip(outcome.document_id);
            note.client_id.as_deref() == Some(name) && documents.is_none_or(|(one, two)| one == two) && is_wanted(note)
        })?;
        Some(self.known.remove(place))
    }

    fn count_of(&mut self, code: ErrorCode) -> &mut i64 {
        if is_skip(code) { &mut self.skipped } else { &mut self.failed }
    }

    fn note(&mut self, outcome: &Outcome, failure: Option<RunFailure>, now: Timestamp) {
        self.changes.added.push(RunNote {
            number: 0,
            client_id: outcome.client_id.clone(),
            document_id: outcome.document_id,
            failure,
            noted_at: now,
        });
    }

    /// The changes, new notes numbered on from `last`: culprits after what was skipped because of them, so that they
    /// are shown first and longest.
    pub(super) fn number(mut self, last: &mut i64) -> NoteChanges {
        let is_culprit = |note: &RunNote| note.failure.as_ref().is_some_and(|failure| !is_skip(failure.code));
        self.changes.added.sort_by_key(is_culprit);
        for note in &mut self.changes.added {
            *last = last.saturating_add(1);
            note.number = *last;
        }
        self.changes
    }
}

/// Failures that tell of another operation under the same name: they neither replace a failure of its owner, nor are
/// made good by its success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alias {
    /// The name's owner.
    None,
    /// The second of that name in one batch.
    Duplicate,
    /// Other contents under a name that has a receipt.
    Reused,
}

impl Alias {
    const fn of(code: ErrorCode) -> Self {
        match code {
            ErrorCode::DuplicateClientId => Self::Duplicate,
            ErrorCode::ClientIdReused => Self::Reused,
            _ => Self::None,
        }
    }
}

/// Whether an operation that failed with this code was skipped.
const fn is_skip(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::RolledBack | ErrorCode::DependencyFailed)
}
