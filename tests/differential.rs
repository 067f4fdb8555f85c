//! The same random batches through the in-memory store, SQLite and Postgres: the same outcomes, the same end.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod model;
mod postgres_server;

use std::sync::Arc;
use std::time::Duration;

use landfall::domain::document::{Receipt, StoredDocument};
use landfall::domain::ids::SyncId;
use landfall::domain::operation::{Operation, digest_of};
use landfall::domain::outcome::Outcome;
use landfall::domain::sync_run::{RunNote, SyncRun};
use landfall::domain::timestamp::Timestamp;
use landfall::store::accounts::NewUser;
use landfall::store::feed_pages::{FeedPage, Span};
use landfall::store::{BatchScope, DatabaseUrl, Snapshot, Store, StoreConfig, StoreError};
use landfall::sync::Batch;
use landfall::sync::apply::{Attempt, process, run_batch};
use model::cases::cases;
use model::operations::{
    USER, WORKSPACE, atomic, batch, check, create, delete, from_device, id, retitle, typing, update, yjs,
};
use model::{Model, far_away};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

/// Histories of up to seven batches each; Postgres gets half as many.
const DIFFERENTIAL_CASES: u32 = 64;
const RUN: SyncId = SyncId(Uuid::from_u128(0xcccc));
const DOCUMENTS: std::ops::Range<u128> = 1..5;

fn open(url: &str) -> Store {
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

/// Off the lock, as the server does; every third batch under it, as one that has lost too many races.
fn apply(store: &Store, request: &Batch, now: Timestamp) -> Vec<Outcome> {
    let scope = BatchScope {
        sync_id: None,
        workspace_id: request.workspace_id,
        user_id: request.user_id,
        device_id: request.device_id.clone(),
        now,
        deadline: far_away(),
    };
    let request = Arc::new(request.clone());
    let processed = if now.0 % 3 == 0 {
        store.run_batch(scope, move |tx| run_batch(tx, &request, now, &Attempt::default()))
    } else {
        process(store, &scope, &request, &Attempt::default(), None)
    };
    processed.unwrap().unwrap().plan.outcomes
}

/// Documents, receipts, the feed in pages, and the sync run with its notes.
type Seen = (Vec<StoredDocument>, Vec<Receipt>, Vec<FeedPage>, Option<(SyncRun, Vec<RunNote>)>);

/// The feed, three documents a page.
fn pages(tx: &mut dyn Snapshot) -> Result<Vec<FeedPage>, StoreError> {
    let mut span = Span { after: 0, up_to: tx.feed()?.head_sequence, max_documents: 3, max_bytes: usize::MAX >> 1 };
    let mut pages = Vec::new();
    loop {
        let mut page = tx.load_changes(&span)?;
        page.changes.iter_mut().for_each(|change| change.document.updated_by_name.clear());
        let (last, has_more) = (page.changes.last().map(|change| change.sequence), page.has_more);
        pages.push(page);
        match last.filter(|_| has_more) {
            Some(last) => span.after = last,
            None => return Ok(pages),
        }
    }
}

/// Everything that can be seen of a workspace.
fn seen(store: &Store, names: &[String]) -> Seen {
    let scope = BatchScope {
        sync_id: None,
        workspace_id: WORKSPACE,
        user_id: USER,
        device_id: Some("d".to_owned()),
        now: Timestamp(0),
        deadline: far_away(),
    };
    store
        .look(&scope, |tx| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut receipts = tx.find_receipts(&names)?;
            receipts.sort_by(|one, two| one.client_id.cmp(&two.client_id));
            let mut documents = tx.load_documents(&DOCUMENTS.map(id).collect::<Vec<_>>(), usize::MAX)?;
            documents.sort_by_key(|document| document.head.document_id);
            let mut notes = tx.find_run_notes(RUN, &names)?;
            notes.sort_by_key(|note| note.number);
            let run = tx.find_sync_run(RUN)?.map(|run| (run, notes));
            Ok((documents, receipts, pages(tx)?, run))
        })
        .unwrap()
}

fn seen_in_model(model: &Model) -> Seen {
    let workspace = model.workspace(WORKSPACE);
    let mut receipts: Vec<Receipt> = workspace.receipts.values().cloned().collect();
    receipts.sort_by(|one, two| one.client_id.cmp(&two.client_id));
    let documents = workspace.heads.keys().filter_map(|id| model.stored(WORKSPACE, *id, "ada")).collect();
    let run = workspace.runs.get(&(USER, RUN)).cloned();
    let run = run.map(|(run, notes)| (run, notes.into_values().collect()));
    (documents, receipts, model.in_transaction(WORKSPACE, pages).unwrap(), run)
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let content = "[xyü]\n[xy]{1,3}\n[xy]";
    prop_oneof![
        3 => (DOCUMENTS, content).prop_map(|(doc, text)| create("", doc, "T", &text)),
        3 => (DOCUMENTS, 0..6_i64, content).prop_map(|(doc, base, text)| update("", doc, base, &text)),
        1 => (DOCUMENTS, 0..6_i64, "[TU]").prop_map(|(doc, base, title)| retitle("", doc, base, &title)),
        1 => (DOCUMENTS, 0..6_i64).prop_map(|(doc, base)| delete("", doc, base)),
        1 => (DOCUMENTS, 0..6_i64).prop_map(|(doc, version)| check("", doc, version)),
        2 => (DOCUMENTS, 0..6_i64, 0..3_u8).prop_map(|(doc, base, clock)| yjs("", doc, base, typing(1, clock, "z"))),
        1 => (DOCUMENTS, content).prop_map(|(doc, text)| Operation { force: true, ..update("", doc, 0, &text) }),
        1 => (DOCUMENTS, 0..6_i64, content).prop_map(|(doc, base, text)| Operation { restore: true, ..update("", doc, base, &text) }),
    ]
}

/// Names come from a small pool, so that resends and clashes of names happen.
fn any_batch() -> impl Strategy<Value = Batch> {
    let named = (any_operation(), 0..30_u8).prop_map(|(operation, name)| {
        let payload_digest = digest_of(&format!("{:?}", operation.changes));
        Operation { client_id: format!("op{name}"), payload_digest, ..operation }
    });
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (prop::collection::vec(named, 1..8), flags).prop_map(|(mut operations, (all, device, counts))| {
        operations.sort_by(|one, two| one.client_id.cmp(&two.client_id));
        operations.dedup_by(|one, two| one.client_id == two.client_id);
        let mut request = batch(operations);
        if all {
            request = atomic(request);
        }
        request.sync_id = counts.then_some(RUN);
        if device { from_device("d", request) } else { request }
    })
}

fn compare(new_store: impl Fn() -> (Store, Box<dyn std::any::Any>), usually: u32) {
    let mut runner = TestRunner::new(Config { cases: cases(usually), max_shrink_time: 20_000, ..Config::default() });
    let histories = prop::collection::vec(any_batch(), 1..8);
    runner
        .run(&histories, |history| {
            let (store, _keep) = new_store();
            let mut model = Model::default();
            let names: Vec<String> = (0..30).map(|name| format!("op{name}")).collect();
            for (number, request) in history.iter().enumerate() {
                let now = Timestamp(i64::try_from(number).unwrap() + 1);
                let expected = model.apply(request, now).outcomes;
                prop_assert_eq!(apply(&store, request, now), expected);
                prop_assert_eq!(seen(&store, &names), seen_in_model(&model));
                let counted = store.find_usage(WORKSPACE).unwrap().unwrap();
                prop_assert_eq!(counted, store.recount_usage(WORKSPACE).unwrap());
            }
            store.close();
            Ok(())
        })
        .unwrap();
}

#[test]
fn sqlite_does_what_the_model_does() {
    compare(
        || {
            let folder = tempfile::tempdir().unwrap();
            let store = open(&format!("sqlite://{}", folder.path().join("landfall.db").display()));
            (store, Box::new(folder))
        },
        DIFFERENTIAL_CASES,
    );
}

#[test]
fn postgres_does_what_the_model_does() {
    compare(
        || {
            let database = postgres_server::PostgresDatabase::create();
            (open(database.url()), Box::new(database))
        },
        DIFFERENTIAL_CASES / 2,
    );
}

/// What a deadline in the past means on both: nothing is done.
#[test]
fn a_batch_past_its_deadline_is_not_applied() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&format!("sqlite://{}", folder.path().join("landfall.db").display()));
    let scope = BatchScope {
        sync_id: None,
        workspace_id: WORKSPACE,
        user_id: USER,
        device_id: None,
        now: Timestamp(1),
        deadline: far_away() - Duration::from_secs(3_600),
    };
    let request = batch([create("c", 1, "T", "x")]);
    let late = store.run_batch(scope, move |tx| run_batch(tx, &request, Timestamp(1), &Attempt::default()));
    assert!(matches!(late, Err(landfall::store::StoreError::Timeout)));
    assert!(store.find_document(WORKSPACE, id(1)).unwrap().is_none());
}
