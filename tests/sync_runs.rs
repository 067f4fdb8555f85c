//! Sync runs as a state machine: its steps by tables, its sums by random histories.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use landfall::domain::document::Receipt;
use landfall::domain::error_code::ErrorCode;
use landfall::domain::ids::{DocumentId, SyncId};
use landfall::domain::operation::{OperationError, OperationKind};
use landfall::domain::outcome::{Attach, Ending, Outcome};
use landfall::domain::sync_run::{CountedBatch, Direction, RunNote, RunStatus, SILENT_AFTER_S, SyncRun};
use landfall::domain::timestamp::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

const RUN: SyncId = SyncId(Uuid::from_u128(0xcccc));
const START: Timestamp = Timestamp(1_000_000_000);

fn at(seconds: i64) -> Timestamp {
    START.plus_seconds(seconds)
}

fn opened(total: i64) -> SyncRun {
    SyncRun::open(RUN, None, Direction::Push, total, START)
}

/// How an operation of a made-up batch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Applied,
    /// From a receipt made this many seconds after the run began.
    Replayed(i64),
    Failed(ErrorCode),
}

/// A run with its notes, as a store keeps them.
struct Kept {
    run: SyncRun,
    notes: BTreeMap<i64, RunNote>,
}

impl Kept {
    fn new(run: SyncRun) -> Self {
        Self { run, notes: BTreeMap::new() }
    }

    /// Counts a batch of named ends; whether anything was to be stored.
    fn count(&mut self, now: Timestamp, ends: &[(&str, End)]) -> bool {
        let outcomes: Vec<Outcome> =
            ends.iter().enumerate().map(|(index, (name, end))| outcome(index, name, *end)).collect();
        let replayed = ends.iter().filter_map(|(name, end)| match end {
            End::Replayed(seconds) => Some((String::from(*name), receipt(name, at(*seconds)))),
            _ => None,
        });
        let receipts: HashMap<String, Receipt> = replayed.collect();
        let order: Vec<usize> = (0..ends.len()).collect();
        let counted = CountedBatch { outcomes: &outcomes, order: &order, receipts: &receipts, now };
        let names: BTreeSet<Option<&str>> = ends.iter().map(|(name, _)| Some(*name)).collect();
        let known = self.notes.values().filter(|note| names.contains(&note.client_id.as_deref())).cloned().collect();
        let Some(changes) = self.run.count(&counted, known) else { return false };
        for note in changes.dropped {
            assert_eq!(self.notes.remove(&note.number), Some(note), "an unknown note is dropped");
        }
        for note in changes.added {
            assert!(note.number <= self.run.notes && self.notes.insert(note.number, note).is_none());
        }
        true
    }

    fn told(&self) -> String {
        let run = &self.run;
        let counts = format!("{}+{}+{} of {}", run.succeeded, run.failed, run.skipped, run.total);
        format!("{} {counts} {}%", run.status.as_str(), run.percentage())
    }

    /// Name, code and retries of each failure, oldest first.
    fn failures(&self) -> Vec<String> {
        let failures = self.notes.values().filter_map(|note| Some((note, note.failure.as_ref()?)));
        let told = failures.map(|(note, failure)| {
            let name = note.client_id.as_deref().unwrap_or("null");
            format!("{name} {} x{}", failure.code.as_str(), failure.retry_count)
        });
        told.collect()
    }
}

fn outcome(index: usize, name: &str, end: End) -> Outcome {
    let error = |code| OperationError { code, message: "why".to_owned(), pointer: None };
    let ending = match end {
        End::Applied => Ending::Applied { merged: false, title_overwritten: false },
        End::Replayed(_) => Ending::Replayed,
        End::Failed(code @ (ErrorCode::RolledBack | ErrorCode::DependencyFailed)) => Ending::Skipped(error(code)),
        End::Failed(code) => Ending::failed(error(code)),
    };
    Outcome {
        index,
        client_id: (!name.is_empty()).then(|| name.to_owned()),
        kind: Some(OperationKind::Update),
        document_id: None,
        version: None,
        ending,
        attach: Attach::Nothing,
    }
}

fn receipt(name: &str, created_at: Timestamp) -> Receipt {
    Receipt {
        client_id: name.to_owned(),
        kind: OperationKind::Update,
        payload_digest: Some([0; 16]),
        document_id: DocumentId(Uuid::nil()),
        version: Some(1),
        created_at,
    }
}

const CLASH: End = End::Failed(ErrorCode::VersionMismatch);
const SKIPPED: End = End::Failed(ErrorCode::DependencyFailed);

#[test]
fn a_run_goes_from_idle_to_completed() {
    let mut kept = Kept::new(opened(4));
    assert_eq!(kept.told(), "idle 0+0+0 of 4 0%");
    assert_eq!(kept.run.estimated_completion(), None);
    assert!(kept.count(at(10), &[("a", End::Applied)]));
    assert_eq!(kept.told(), "processing 1+0+0 of 4 25%");
    assert_eq!(kept.run.estimated_completion(), Some(at(40)), "three more at ten seconds each");
    assert_eq!(kept.run.current_operation.as_deref(), Some("update 1 of 1 in batch 1"));
    assert!(kept.count(at(20), &[("b", CLASH), ("c", SKIPPED), ("d", End::Applied)]));
    assert_eq!(kept.told(), "completed 2+1+1 of 4 100%");
    assert_eq!(kept.run.current_operation.as_deref(), Some("update 3 of 3 in batch 2"));
    assert_eq!((kept.run.finished_at, kept.run.estimated_completion()), (Some(at(20)), None));
    assert_eq!(kept.failures(), ["c dependency_failed x0", "b version_mismatch x0"], "culprits are the newest");
}

#[test]
fn a_failure_is_taken_back_when_it_comes_again() {
    let mut kept = Kept::new(opened(2));
    kept.count(at(1), &[("a", CLASH)]);
    kept.count(at(2), &[("a", End::Failed(ErrorCode::NotFound))]);
    assert_eq!(
        (kept.told().as_str(), kept.failures()),
        ("processing 0+1+0 of 2 50%", vec!["a not_found x1".to_owned()])
    );
    kept.count(at(3), &[("a", SKIPPED)]);
    assert_eq!(
        (kept.told().as_str(), kept.failures()[0].as_str()),
        ("processing 0+0+1 of 2 50%", "a dependency_failed x2")
    );
    kept.count(at(4), &[("a", End::Applied)]);
    assert_eq!((kept.told().as_str(), kept.failures().len()), ("processing 1+0+0 of 2 50%", 0));
}

#[test]
fn names_belong_to_documents_where_both_are_known() {
    let mut run = opened(9);
    let of = |document: u128, end| Outcome {
        document_id: Some(DocumentId(Uuid::from_u128(document))),
        ..outcome(0, "a", end)
    };
    let mut count = |outcome: Outcome, known: Vec<RunNote>| {
        let counted = CountedBatch { outcomes: &[outcome], order: &[0], receipts: &HashMap::new(), now: at(1) };
        (run.count(&counted, known).unwrap(), run.processed())
    };
    let (first, _) = count(of(1, CLASH), Vec::new());
    let (other, processed) = count(of(2, End::Applied), first.added.clone());
    assert_eq!((other.dropped.len(), processed), (0, 2), "another document's operation of the same name");
    let (same, processed) = count(of(1, End::Applied), first.added);
    assert_eq!((same.dropped.len(), processed), (1, 2));
}

#[test]
fn replays_count_once() {
    let mut kept = Kept::new(opened(3));
    kept.count(at(1), &[("a", End::Applied)]);
    assert!(kept.count(at(2), &[("a", End::Replayed(1))]), "it was heard of");
    assert_eq!(
        (kept.told().as_str(), kept.run.updated_at, kept.run.batches),
        ("processing 1+0+0 of 3 33.3%", at(2), 1)
    );
    for _ in 0..3 {
        kept.count(at(3), &[("old", End::Replayed(-1)), ("a", End::Replayed(1))]);
        assert_eq!(kept.told(), "processing 2+0+0 of 3 66.6%", "a receipt that is older than the run counts once");
    }
    kept.count(at(4), &[("elsewhere", CLASH)]);
    kept.count(at(6), &[("elsewhere", End::Replayed(5))]);
    assert_eq!(kept.told(), "completed 3+0+0 of 3 100%", "what failed here was applied outside of the run");
    assert!(!kept.count(at(7), &[("elsewhere", End::Replayed(5)), ("old", End::Replayed(-1))]), "nothing to store");
    assert_eq!(kept.run.updated_at, at(6));
}

#[test]
fn a_batch_that_is_older_than_its_run_is_known_again() {
    // It was given its time before the run was opened, and its lock after.
    let mut kept = Kept::new(opened(5));
    kept.count(at(-3), &[("a", End::Applied)]);
    assert_eq!((kept.run.started_at, kept.run.updated_at), (at(-3), START));
    kept.count(at(2), &[("a", End::Replayed(-3))]);
    assert_eq!(kept.told(), "processing 1+0+0 of 5 20%");
}

#[test]
fn two_of_one_name_do_not_stand_in_for_each_other() {
    let duplicate = End::Failed(ErrorCode::DuplicateClientId);
    let reused = End::Failed(ErrorCode::ClientIdReused);
    let mut kept = Kept::new(opened(9));
    for (round, first) in [End::Applied, End::Replayed(0), End::Replayed(0)].into_iter().enumerate() {
        kept.count(at(0), &[("a", first), ("a", duplicate)]);
        assert_eq!(kept.told(), "processing 1+1+0 of 9 22.2%", "round {round}");
    }
    for _ in 0..2 {
        kept.count(at(1), &[("a", reused)]);
        assert_eq!(kept.told(), "processing 1+2+0 of 9 33.3%");
    }
    for _ in 0..2 {
        kept.count(at(2), &[("b", CLASH), ("b", duplicate)]);
        assert_eq!(kept.told(), "processing 1+4+0 of 9 55.5%");
    }
    kept.count(at(3), &[("b", End::Applied)]);
    assert_eq!(kept.told(), "processing 2+3+0 of 9 55.5%");
    assert_eq!(kept.failures(), ["a duplicate_client_id x2", "a client_id_reused x1", "b duplicate_client_id x1"]);
}

#[test]
fn what_has_no_name_counts_each_time() {
    let mut kept = Kept::new(opened(1));
    for _ in 0..2 {
        kept.count(at(1), &[("", End::Failed(ErrorCode::Invalid))]);
    }
    assert_eq!(kept.told(), "completed 0+2+0 of 2 100%");
}

#[test]
fn the_total_is_corrected_while_the_run_is_open() {
    for (processed, total, told) in [
        (0_usize, 7, "idle 0+0+0 of 7 0%"),
        (0, 0, "idle 0+0+0 of 0 0%"),
        (2, 7, "processing 2+0+0 of 7 28.5%"),
        (2, 2, "completed 2+0+0 of 2 100%"),
        (2, 1, "completed 2+0+0 of 2 100%"),
    ] {
        let mut kept = Kept::new(opened(5));
        if processed > 0 {
            kept.count(at(1), &[("a", End::Applied), ("b", End::Applied)]);
        }
        assert!(kept.run.correct_total(total, at(2)));
        assert_eq!((kept.told().as_str(), kept.run.updated_at), (told, at(2)));
        assert!(!kept.run.correct_total(total.max(2).min(kept.run.total), at(3)), "nothing is left to correct");
    }
    let mut done = Kept::new(opened(1));
    done.count(at(1), &[("a", End::Applied)]);
    assert!(!done.run.correct_total(9, at(2)), "it has ended");
}

#[test]
fn every_ending_takes_what_it_may() {
    let silent = at(SILENT_AFTER_S + 1);
    // (status, after another operation, after a resend, after cancelling, after silence)
    for (status, more, resent, cancelled, silenced) in [
        (RunStatus::Idle, "processing", "idle", "cancelled", "error"),
        (RunStatus::Processing, "processing", "processing", "cancelled", "error"),
        (RunStatus::Completed, "completed", "completed", "completed", "completed"),
        (RunStatus::Error, "processing", "processing", "cancelled", "error"),
    ] {
        let begin = || {
            let mut kept = Kept::new(opened(3));
            kept.run.status = status;
            if status == RunStatus::Completed {
                kept.run.succeeded = 3;
            }
            kept.run.finished_at = (!status.is_open()).then_some(START);
            kept
        };
        let after = |change: &dyn Fn(&mut Kept)| {
            let mut kept = begin();
            change(&mut kept);
            assert_eq!(kept.run.finished_at.is_none(), kept.run.status.is_open());
            kept.run.status.as_str()
        };
        assert_eq!(after(&|kept| assert!(kept.count(at(1), &[("new", End::Applied)]))), more, "{status:?}");
        assert_eq!(after(&|kept| _ = kept.count(at(1), &[("a", End::Replayed(0))])), resent, "{status:?}");
        assert_eq!(after(&|kept| _ = kept.run.cancel(at(1))), cancelled, "{status:?}");
        assert_eq!(after(&|kept| _ = kept.run.fall_silent(silent)), silenced, "{status:?}");
    }
    let mut run = opened(1);
    assert!(!run.fall_silent(at(SILENT_AFTER_S)), "an hour to the microsecond is not silence yet");
    assert!(run.cancel(at(1)) && !run.cancel(at(2)), "cancelled once");
}

#[test]
fn percentages_never_round_up_to_the_end() {
    for (succeeded, total, percentage) in
        [(1, 3, 33.3), (2, 3, 66.6), (999_999, 1_000_000, 99.9), (0, 5, 0.0), (i64::MAX / 2, i64::MAX, 49.9)]
    {
        let run = SyncRun { succeeded, ..opened(total) };
        assert!((run.percentage() - percentage).abs() < 1e-9, "{succeeded} of {total}: {}", run.percentage());
    }
}

/// What a client has in its queue: each operation fails so often, then succeeds.
#[derive(Clone, Copy, Debug)]
struct Queued {
    failures: u8,
    skips: bool,
    applied_before_the_run: bool,
}

fn any_queue() -> impl Strategy<Value = Vec<Queued>> {
    let queued = (0..3_u8, any::<bool>(), any::<bool>()).prop_map(|(failures, skips, applied_before_the_run)| Queued {
        failures,
        skips,
        applied_before_the_run,
    });
    prop::collection::vec(queued, 1..12)
}

proptest! {
    /// However a queue is cut into batches, reordered and resent: each operation is processed once, and what is shown
    /// as failed is what failed last.
    #[test]
    fn an_operation_is_processed_once(
        queue in any_queue(),
        batches in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..8), 1..20),
        total in 0..20_i64,
    ) {
        let names: Vec<String> = (0..queue.len()).map(|place| format!("op{place}")).collect();
        let mut kept = Kept::new(opened(total));
        let mut tries = vec![0_u8; queue.len()];
        let mut receipts: Vec<Option<i64>> = queue.iter().map(|op| op.applied_before_the_run.then_some(-1)).collect();
        let mut last: BTreeMap<usize, End> = BTreeMap::new();
        for (number, picks) in batches.iter().enumerate() {
            let now = i64::try_from(number).unwrap();
            let mut places: Vec<usize> = Vec::new();
            for pick in picks {
                let place = pick.index(queue.len());
                if !places.contains(&place) {
                    places.push(place);
                }
            }
            let ends: Vec<(&str, End)> = places.iter().map(|place| {
                let op = queue[*place];
                let end = match receipts[*place] {
                    Some(made_at) => End::Replayed(made_at),
                    None if tries[*place] < op.failures => {
                        tries[*place] += 1;
                        if op.skips && tries[*place] % 2 == 0 { SKIPPED } else { CLASH }
                    }
                    None => {
                        receipts[*place] = Some(now);
                        End::Applied
                    }
                };
                last.insert(*place, end);
                (names[*place].as_str(), end)
            }).collect();
            kept.count(at(now), &ends);

            let run = &kept.run;
            let counted = |wanted: &dyn Fn(&End) -> bool| {
                i64::try_from(last.values().filter(|end| wanted(end)).count()).unwrap()
            };
            prop_assert_eq!(run.succeeded, counted(&|end| matches!(end, End::Applied | End::Replayed(_))));
            prop_assert_eq!(run.failed, counted(&|end| *end == CLASH));
            prop_assert_eq!(run.skipped, counted(&|end| *end == SKIPPED));
            prop_assert!(run.processed() <= run.total && run.total == total.max(run.processed()));
            prop_assert!((0.0..=100.0).contains(&run.percentage()));
            let shown = kept.notes.values().filter(|note| note.failure.is_some());
            let failing: BTreeSet<&str> = shown.filter_map(|note| note.client_id.as_deref()).collect();
            let failed = last.iter().filter(|(_, end)| matches!(end, End::Failed(_)));
            let expected: BTreeSet<&str> = failed.map(|(place, _)| names[*place].as_str()).collect();
            prop_assert_eq!(failing, expected);
            for note in kept.notes.values() {
                if let Some(failure) = &note.failure {
                    let place: usize = note.client_id.as_deref().unwrap()[2..].parse().unwrap();
                    prop_assert_eq!(failure.retry_count, i64::from(tries[place]) - 1);
                }
            }
            let anything = !last.is_empty() || run.status != RunStatus::Idle;
            let done = anything && run.processed() == run.total;
            prop_assert_eq!(run.status == RunStatus::Completed, done, "{}", kept.told());
        }
    }
}
