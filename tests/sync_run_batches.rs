//! Batches that count towards a sync run, on the in-memory store.

mod model;

use landfall::domain::ids::SyncId;
use landfall::domain::sync_run::RunStatus;
use landfall::domain::timestamp::Timestamp;
use landfall::sync::Batch;
use landfall::sync::BatchRefusal;
use landfall::sync::apply::Attempt;
use model::Model;
use model::operations::{USER, WORKSPACE, atomic, batch, create, delete, from_device, update};
use uuid::Uuid;

const RUN: SyncId = SyncId(Uuid::from_u128(0xcccc));
const START: Timestamp = Timestamp(1_000_000_000);

fn at(seconds: i64) -> Timestamp {
    START.plus_seconds(seconds)
}

fn towards_run(request: Batch) -> Batch {
    Batch { sync_id: Some(RUN), ..from_device("laptop", request) }
}

/// The run: status and counts, then its failures, oldest first.
fn told(model: &Model) -> Vec<String> {
    let workspace = model.workspace(WORKSPACE);
    let Some((run, notes)) = workspace.runs.get(&(USER, RUN)) else { return Vec::new() };
    let (status, current) = (run.status.as_str(), run.current_operation.as_deref().unwrap_or("nothing"));
    let counts = format!("{}+{}+{} of {}", run.succeeded, run.failed, run.skipped, run.total);
    let failures = notes.values().filter_map(|note| Some((note, note.failure.as_ref()?)));
    let told = failures.map(|(note, failure)| {
        format!("{} {} x{}", note.client_id.as_deref().unwrap_or("null"), failure.code.as_str(), failure.retry_count)
    });
    [format!("{status} {counts}, {current}")].into_iter().chain(told).collect()
}

#[test]
fn a_batch_counts_what_it_commits() {
    let mut model = Model::default();
    let operations = || [create("new", 1, "T", "one"), update("lost", 2, 1, "x"), delete("gone", 1, 9)];
    let dry = Batch { dry_run: true, ..towards_run(batch(operations())) };
    model.apply(&dry, START);
    assert!(told(&model).is_empty(), "a dry run opens nothing");
    let applied = model.apply(&towards_run(batch(operations())), START);
    assert!(applied.counted && applied.wrote);
    let counted = "completed 1+2+0 of 3, delete 3 of 3 in batch 1";
    assert_eq!(told(&model), [counted, "lost not_found x0", "gone invalid_base_version x0"]);
    let resent = model.apply(&towards_run(batch([create("new", 1, "T", "one")])), at(5));
    assert!(!resent.counted && !resent.wrote);
}

#[test]
fn an_atomic_batch_that_fails_is_counted_alone() {
    let mut model = Model::default();
    let request = |second| towards_run(atomic(batch([create("new", 1, "T", "one"), second])));
    let applied = model.apply(&request(update("lost", 2, 1, "x")), START);
    assert!(applied.counted && !applied.wrote && applied.rolled_back);
    assert!(model.workspace(WORKSPACE).heads.is_empty() && model.workspace(WORKSPACE).receipts.is_empty());
    let counted = "completed 0+1+1 of 2, update 2 of 2 in batch 1";
    assert_eq!(told(&model), [counted, "new rolled_back x0", "lost not_found x0"]);
    model.apply(&request(update("edit", 1, 1, "two")), at(1));
    assert_eq!(told(&model), ["completed 2+1+0 of 3, update 2 of 2 in batch 2", "lost not_found x0"]);
}

#[test]
fn an_operation_that_the_database_refuses_counts_once() {
    let mut model = Model::default();
    let request = towards_run(batch([create("one", 1, "T", "x"), create("two", 2, "T", "y")]));
    let mut attempt = |attempt| model.attempt(&request, START, &attempt).unwrap();
    for trial in [0, 1, 2] {
        let tried = attempt(Attempt { trial: Some(trial), ..Attempt::default() });
        assert!(!tried.counted, "a trial counts nothing");
    }
    let applied = attempt(Attempt { refused: [1].into(), trial: None });
    assert!(applied.counted);
    assert_eq!(told(&model), ["completed 1+1+0 of 2, create 2 of 2 in batch 1", "two internal x0"]);
}

#[test]
fn a_cancelled_run_refuses_before_anything_is_looked_at() {
    let mut model = Model::default();
    model.apply(&towards_run(batch([create("one", 1, "T", "x")])), START);
    let key = (USER, RUN);
    let workspace = model.workspaces.get_mut(&WORKSPACE).unwrap();
    let (run, _) = workspace.runs.get_mut(&key).unwrap();
    run.status = RunStatus::Processing;
    assert!(run.cancel(at(1)));
    let before = model.clone();
    for operation in [create("two", 2, "T", "x"), create("one", 1, "T", "x")] {
        let refused = model.attempt(&towards_run(batch([operation])), at(2), &Attempt::default());
        assert!(matches!(refused, Err(BatchRefusal::SyncCancelled)));
    }
    assert_eq!(model, before);
}
