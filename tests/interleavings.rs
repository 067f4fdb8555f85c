//! Two batches at once: whatever the order of their steps (look and decide, store), what comes of them is what would
//! have come of one after the other. On the in-memory store and on SQLite; one case on Postgres, too.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod model;
mod postgres_server;

use std::sync::Arc;

use landfall::domain::document::{Receipt, StoredDocument};
use landfall::domain::operation::{Operation, OperationKind, digest_of};
use landfall::domain::outcome::Outcome;
use landfall::domain::plan::Plan;
use landfall::domain::timestamp::Timestamp;
use landfall::store::accounts::NewUser;
use landfall::store::{BatchScope, DatabaseUrl, Store, StoreConfig, StoreError};
use landfall::sync::Batch;
use landfall::sync::apply::{Attempt, Looked, carry_out, decide, has_to_store, look, process};
use model::cases::cases;
use model::operations::{
    USER, WORKSPACE, atomic, batch, by_reference, check, create, delete, from_device, id, retitle, update,
};
use model::{Decided, Model, far_away};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const NOW: Timestamp = Timestamp(1_000);
const DOCUMENTS: std::ops::Range<u128> = 1..4;

fn any_operation() -> impl Strategy<Value = Operation> {
    let content = "[xy]\n[xy]\n[xy]";
    prop_oneof![
        2 => (DOCUMENTS, content).prop_map(|(doc, text)| create("", doc, "T", &text)),
        4 => (DOCUMENTS, 0..4_i64, content).prop_map(|(doc, base, text)| update("", doc, base, &text)),
        1 => (DOCUMENTS, 0..4_i64, "[TU]").prop_map(|(doc, base, title)| retitle("", doc, base, &title)),
        2 => (DOCUMENTS, 0..4_i64).prop_map(|(doc, base)| delete("", doc, base)),
        2 => (DOCUMENTS, 0..4_i64).prop_map(|(doc, version)| check("", doc, version)),
        1 => (DOCUMENTS, content).prop_map(|(doc, text)| Operation { force: true, ..update("", doc, 0, &text) }),
        1 => (0..6_u8, content).prop_map(|(name, text)| by_reference(update("", 0, 1, &text), &format!("op{name}"))),
    ]
}

/// Names come from a small pool, so that the two batches send the same operations now and then.
fn any_batch(operations: usize) -> impl Strategy<Value = Batch> {
    let named = (any_operation(), 0..6_u8).prop_map(|(operation, name)| {
        let payload_digest = digest_of(&format!("{:?}", operation.changes));
        Operation { client_id: format!("op{name}"), payload_digest, ..operation }
    });
    (prop::collection::vec(named, 1..=operations), any::<bool>(), any::<bool>()).prop_map(
        |(mut operations, all, device)| {
            operations.sort_by(|one, two| one.client_id.cmp(&two.client_id));
            operations.dedup_by(|one, two| one.client_id == two.client_id);
            let request = batch(operations);
            let request = if all { atomic(request) } else { request };
            if device { from_device("d", request) } else { request }
        },
    )
}

/// The histories that are tried: what was there before, and the two batches.
fn histories() -> impl Strategy<Value = (Vec<Batch>, Batch, Batch)> {
    (prop::collection::vec(any_batch(4), 0..3), any_batch(4), any_batch(4))
}

/// Documents and receipts, in a fixed order.
type Seen = (Vec<StoredDocument>, Vec<Receipt>);

fn seen_in_model(model: &Model) -> Seen {
    let workspace = model.workspace(WORKSPACE);
    let mut receipts: Vec<Receipt> = workspace.receipts.values().cloned().collect();
    receipts.sort_by(|one, two| one.client_id.cmp(&two.client_id));
    (workspace.heads.keys().filter_map(|id| model.stored(WORKSPACE, *id, "ada")).collect(), receipts)
}

/// What two batches come to, one after the other.
fn in_order(before: &Model, first: &Batch, second: &Batch) -> (Vec<Outcome>, Vec<Outcome>, Seen) {
    let mut model = before.clone();
    let first = model.apply(first, NOW).outcomes;
    let second = model.apply(second, NOW).outcomes;
    (first, second, seen_in_model(&model))
}

/// Whether both batches, `first` stored before `second` though both were looked at before, came to what some order
/// comes to.
fn agrees(before: &Model, requests: [&Batch; 2], outcomes: [&[Outcome]; 2], seen: &Seen) -> bool {
    let (one, two, end) = in_order(before, requests[0], requests[1]);
    let (other_two, other_one, other_end) = in_order(before, requests[1], requests[0]);
    (one == outcomes[0] && two == outcomes[1] && end == *seen)
        || (other_one == outcomes[0] && other_two == outcomes[1] && other_end == *seen)
}

#[test]
fn every_interleaving_agrees_with_an_order_on_the_model() {
    let mut runner = TestRunner::new(Config { cases: cases(1_500), ..Config::default() });
    runner
        .run(&histories(), |(history, one, two)| {
            let mut before = Model::default();
            for request in &history {
                before.apply(request, NOW);
            }
            for [first, second] in [[&one, &two], [&two, &one]] {
                let mut model = before.clone();
                let (decided_first, decided_second) = (model.decide(first, NOW), model.decide(second, NOW));
                prop_assert!(model.store(first, NOW, &decided_first), "nobody was before the first");
                let second_outcomes = if model.store(second, NOW, &decided_second) {
                    decided_second.plan.outcomes
                } else {
                    let again: Decided = model.decide(second, NOW);
                    prop_assert!(model.store(second, NOW, &again), "nobody came between");
                    again.plan.outcomes
                };
                let outcomes = [&decided_first.plan.outcomes[..], &second_outcomes[..]];
                prop_assert!(agrees(&before, [first, second], outcomes, &seen_in_model(&model)), "{:?}", outcomes);
            }
            Ok(())
        })
        .unwrap();
}

fn scope(request: &Batch) -> BatchScope {
    BatchScope {
        sync_id: None,
        workspace_id: WORKSPACE,
        user_id: USER,
        device_id: request.device_id.clone(),
        now: NOW,
        deadline: far_away(),
    }
}

fn decide_in(store: &Store, request: &Batch) -> (Looked, Plan) {
    let attempt = Attempt::default();
    let looked = store.look(&scope(request), |snapshot| look(snapshot, request, &attempt)).unwrap().unwrap();
    let plan = decide(&looked, request, NOW, &attempt, usize::MAX);
    (looked, plan)
}

/// Stores what was decided; the outcomes, or none after a lost race.
fn store_in(store: &Store, request: &Batch, (looked, plan): (Looked, Plan)) -> Option<Vec<Outcome>> {
    let outcomes = plan.outcomes.clone();
    if !has_to_store(request, &Attempt::default(), &plan) {
        return Some(outcomes);
    }
    match carry_out(store, &scope(request), &Arc::new(request.clone()), &Attempt::default(), looked, plan) {
        Ok(stored) => Some(stored.unwrap().plan.outcomes),
        Err(StoreError::LostRace) => None,
        Err(other) => panic!("{other}"),
    }
}

fn seen_in(store: &Store) -> Seen {
    let request = from_device("d", batch([]));
    store
        .look(&scope(&request), |snapshot| {
            let names: Vec<String> = (0..6).map(|name| format!("op{name}")).collect();
            let mut receipts = snapshot.find_receipts(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
            receipts.sort_by(|one, two| one.client_id.cmp(&two.client_id));
            let mut documents = snapshot.load_documents(&DOCUMENTS.map(id).collect::<Vec<_>>(), usize::MAX)?;
            documents.sort_by_key(|document| document.head.document_id);
            Ok((documents, receipts))
        })
        .unwrap()
}

fn open(folder: &tempfile::TempDir) -> Store {
    open_at(&format!("sqlite://{}", folder.path().join("landfall.db").display()))
}

fn open_at(url: &str) -> Store {
    let store = Store::open(&DatabaseUrl::parse(url).unwrap(), &StoreConfig::default()).unwrap();
    let user = NewUser {
        user_id: USER,
        username: "ada".to_owned(),
        password_hash: "none".to_owned(),
        workspace_id: WORKSPACE,
        workspace_name: "Ada's".to_owned(),
        now: Timestamp(0),
    };
    store.create_user(user).unwrap();
    store
}

#[test]
fn every_interleaving_agrees_with_an_order_on_sqlite() {
    let mut runner = TestRunner::new(Config { cases: cases(60), max_shrink_time: 20_000, ..Config::default() });
    runner
        .run(&histories(), |(history, one, two)| {
            let mut before = Model::default();
            for request in &history {
                before.apply(request, NOW);
            }
            for [first, second] in [[&one, &two], [&two, &one]] {
                let folder = tempfile::tempdir().unwrap();
                let store = open(&folder);
                for request in &history {
                    process(&store, &scope(request), &Arc::new(request.clone()), &Attempt::default(), None)
                        .unwrap()
                        .unwrap();
                }
                let (decided_first, decided_second) = (decide_in(&store, first), decide_in(&store, second));
                let first_outcomes = store_in(&store, first, decided_first).unwrap();
                let second_outcomes = match store_in(&store, second, decided_second) {
                    Some(outcomes) => outcomes,
                    None => store_in(&store, second, decide_in(&store, second)).unwrap(),
                };
                let outcomes = [&first_outcomes[..], &second_outcomes[..]];
                prop_assert!(agrees(&before, [first, second], outcomes, &seen_in(&store)), "{:?}", outcomes);
                store.close();
            }
            Ok(())
        })
        .unwrap();
}

/// A batch that has lost its race is decided again under the lock, if it succeeds then.
#[test]
fn a_light_batch_that_lost_its_race_is_decided_at_once() {
    let (folder, database) = (tempfile::tempdir().unwrap(), postgres_server::PostgresDatabase::create());
    for store in [open(&folder), open_at(database.url())] {
        let run = |request: &Batch, decided| store_in(&store, request, decided);
        let made = batch([create("c", 1, "T", "a")]);
        run(&made, decide_in(&store, &made)).unwrap();
        let forced = |name: &str, text: &str| batch([Operation { force: true, ..update(name, 1, 1, text) }]);
        let (first, second, stale) = (forced("one", "b"), forced("two", "c"), batch([update("three", 1, 1, "d")]));
        let decided = [&first, &second, &stale].map(|request| decide_in(&store, request));
        let [of_first, of_second, of_stale] = decided;
        assert_eq!(run(&first, of_first).unwrap()[0].version, Some(2));
        assert_eq!(run(&second, of_second).unwrap()[0].version, Some(3));
        // It is a conflict now, which has all of its budget off the lock.
        assert!(run(&stale, of_stale).is_none());
    }
}

/// A batch that stores nothing is answered from the state that it looked at, whatever came since.
#[test]
fn a_batch_that_stores_nothing_needs_no_writer() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let run = |request: Batch| {
        let processed =
            process(&store, &scope(&request), &Arc::new(request), &Attempt::default(), None).unwrap().unwrap();
        (processed.plan.outcomes, processed.stored.wrote)
    };
    assert!(run(batch([create("c", 1, "T", "a"), create("d", 2, "T", "a")])).1);
    // The writer is gone: only what needs none is still answered.
    store.close();
    let (outcomes, wrote) = run(atomic(from_device("d", batch([delete("gone", 1, 1), update("late", 2, 7, "b")]))));
    assert!(!wrote && outcomes.iter().all(|outcome| outcome.error().is_some()));
    let (outcomes, wrote) = run(Batch { dry_run: true, ..batch([update("dry", 1, 1, "b")]) });
    assert_eq!((outcomes[0].version, wrote), (Some(2), false));
    let (outcomes, wrote) = run(batch([check("same", 1, 1)]));
    assert_eq!((outcomes[0].kind, outcomes[0].error().is_none(), wrote), (Some(OperationKind::Check), true, false));
}
