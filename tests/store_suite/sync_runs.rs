//! Sync runs as the store keeps them, and the closing of silent ones.

use std::sync::{Arc, Barrier};
use std::thread;

use landfall::domain::error_code::ErrorCode;
use landfall::domain::ids::{SyncId, WorkspaceId};
use landfall::domain::limits::Limits;
use landfall::domain::sync_run::{
    Direction, MAX_SHOWN_ERRORS, NoteChanges, RunFailure, RunKey, RunNote, RunStatus, SILENT_AFTER_S, SyncRun,
    silent_since,
};
use landfall::domain::timestamp::{Clock, Timestamp};
use landfall::store::sync_runs::RunDeletion;
use landfall::store::{End, Store, StoreError};
use landfall::sync::SyncService;
use landfall::sync::events::{Events, EventsConfig};
use landfall::sync::retention::Stop;
use landfall::yjs::render::{RenderConfig, Renderer};
use uuid::Uuid;

use crate::retention::purger;
use crate::support::{Author, Database, NOW, new_id};

fn key(author: &Author, n: u128) -> RunKey {
    RunKey { workspace_id: author.workspace_id, user_id: author.user_id, sync_id: SyncId(Uuid::from_u128(n)) }
}

fn run(key: RunKey, at: Timestamp) -> SyncRun {
    SyncRun::open(key.sync_id, Some("laptop".to_owned()), Direction::Both, 10, at)
}

fn open(author: &Author, n: u128, at: Timestamp) -> RunKey {
    let key = key(author, n);
    author.store.change_sync_run(key, move |found| (found.is_none().then(|| run(key, at)), ())).unwrap();
    key
}

fn find(store: &Store, key: RunKey) -> (SyncRun, Vec<RunNote>) {
    store.find_sync_run(key).unwrap().unwrap()
}

fn failed(number: i64, name: Option<&str>) -> RunNote {
    let failure = RunFailure { code: ErrorCode::NotFound, message: "there is none".to_owned(), retry_count: number };
    RunNote {
        number,
        client_id: name.map(str::to_owned),
        document_id: (number % 2 == 0).then(new_id),
        failure: Some(failure),
        noted_at: NOW.plus_seconds(number),
    }
}

/// Saves the run and its notes as a batch of its own.
fn save(author: &Author, saved: &SyncRun, changes: NoteChanges) {
    let saved = saved.clone();
    let stored =
        author.store.run_batch(author.scope(), move |tx| Ok((tx.save_sync_run(&saved, &changes)?, End::Commit)));
    stored.unwrap();
}

pub fn a_run_comes_back_as_it_was(database: &Database) {
    let ada = database.with_user();
    let key = key(&ada, 7);
    assert!(ada.store.find_sync_run(key).unwrap().is_none());
    let mut written = run(key, NOW);
    save(&ada, &written, NoteChanges::default());
    assert_eq!(find(&ada.store, key), (written.clone(), Vec::new()));
    written.status = RunStatus::Cancelled;
    (written.total, written.succeeded, written.failed, written.skipped) = (i64::MAX, 5, 6, 7);
    (written.batches, written.notes, written.current_operation) = (3, 4, Some("update 3 of 9 in batch 3".to_owned()));
    (written.started_at, written.updated_at) = (NOW.plus_seconds(-5), NOW.plus_seconds(5));
    written.finished_at = Some(NOW.plus_seconds(6));
    let before = RunNote { failure: None, ..failed(3, Some("before")) };
    let notes = vec![failed(1, Some("ünï")), failed(2, None), before.clone(), failed(4, Some("ünï"))];
    save(&ada, &written, NoteChanges { dropped: vec![], added: notes.clone() });
    let shown = vec![notes[3].clone(), notes[1].clone(), notes[0].clone()];
    assert_eq!(find(&ada.store, key), (written.clone(), shown), "failures, newest first");
    let wanted = |names: &'static [&'static str]| {
        let found =
            ada.store.run_batch(ada.scope(), move |tx| Ok((tx.find_run_notes(key.sync_id, names)?, End::Rollback)));
        found.unwrap()
    };
    assert_eq!(wanted(&["ünï", "unknown", "before"]).len(), 3);
    assert_eq!(wanted(&["ünï"]), [notes[0].clone(), notes[3].clone()]);
    assert!(wanted(&[]).is_empty());
    save(&ada, &written, NoteChanges { dropped: vec![notes[0].clone(), notes[3].clone()], added: vec![] });
    assert_eq!(wanted(&["ünï", "before"]), [before]);
}

pub fn the_newest_failures_are_shown(database: &Database) {
    let ada = database.with_user();
    let key = open(&ada, 7, NOW);
    let added: Vec<RunNote> = (1..=i64::from(MAX_SHOWN_ERRORS) + 20).map(|number| failed(number, None)).collect();
    save(&ada, &run(key, NOW), NoteChanges { dropped: vec![], added });
    let numbers: Vec<i64> = find(&ada.store, key).1.iter().map(|note| note.number).collect();
    assert_eq!(numbers, (21..=120).rev().collect::<Vec<_>>());
}

pub fn a_history_is_listed_newest_first(database: &Database) {
    let ada = database.with_user();
    let grace = Author { workspace_id: ada.workspace_id, ..Author::register(&ada.store, "grace") };
    open(&grace, 99, NOW);
    // (id, when): the ids do not follow the times, and two are of one moment.
    let opened = [(5, 3), (4, 1), (9, 2), (1, 2), (2, 0)].map(|(n, second)| open(&ada, n, NOW.plus_seconds(second)));
    let list = |before, limit| {
        let rows = ada.store.list_sync_runs(ada.workspace_id, ada.user_id, before, limit).unwrap();
        rows.into_iter().map(|run| (run.started_at, run.sync_id)).collect::<Vec<_>>()
    };
    let all = list(None, 10);
    let expected = [0, 2, 3, 1, 4].map(|place| opened[place].sync_id);
    assert_eq!(all.iter().map(|(_, id)| *id).collect::<Vec<_>>(), expected);
    for place in 0..all.len() {
        assert_eq!(list(Some(all[place]), 10), all[place + 1..]);
    }
    assert_eq!(list(None, 2), all[..2]);
    assert!(ada.store.list_sync_runs(WorkspaceId(Uuid::new_v4()), ada.user_id, None, 10).unwrap().is_empty());
}

pub fn changes_of_a_run_wait_for_each_other(database: &Database) {
    const CHANGES: i64 = 8;
    let ada = database.with_user();
    let key = open(&ada, 7, NOW);
    thread::scope(|scope| {
        for _ in 0..CHANGES {
            scope.spawn(|| {
                let count =
                    |found: Option<SyncRun>| (found.map(|run| SyncRun { succeeded: run.succeeded + 1, ..run }), ());
                ada.store.change_sync_run(key, count).unwrap();
            });
        }
    });
    assert_eq!(find(&ada.store, key).0.succeeded, CHANGES);
    // In another workspace the same id is another run.
    let elsewhere = RunKey { workspace_id: WorkspaceId(Uuid::new_v4()), ..key };
    let changed = ada.store.change_sync_run(elsewhere, |found| (None, found));
    assert!(matches!(changed, Ok(None) | Err(StoreError::NoSuchWorkspace)), "{changed:?}");
}

struct StoppedClock(Timestamp);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A server's use cases on a store.
fn service(store: &Arc<Store>, now: Timestamp) -> SyncService {
    let renderer = Renderer::new(RenderConfig {
        program: "/nowhere".into(),
        workers: 1,
        max_memory_bytes: 0,
        time_budget: std::time::Duration::ZERO,
    });
    let limits = Arc::new(Limits::default());
    SyncService::new(
        Arc::clone(store),
        Arc::new(renderer),
        limits,
        Arc::new(StoppedClock(now)),
        Arc::new(Events::start(Arc::clone(store), EventsConfig::default())),
    )
}

pub fn silent_runs_are_closed_once_however_many_servers_look(database: &Database) {
    const SERVERS: usize = 3;
    let ada = database.with_user();
    let now = NOW.plus_seconds(SILENT_AFTER_S);
    // More than are looked up at a time.
    let silent: Vec<RunKey> = (0..120).map(|n| open(&ada, n, NOW.plus_seconds(-1))).collect();
    let heard_of = open(&ada, 500, NOW);
    let done = open(&ada, 501, NOW.plus_seconds(-100));
    assert!(silent_since(now) == NOW);
    let services: Vec<SyncService> = (0..SERVERS).map(|_| service(&ada.store, now)).collect();
    services[0].cancel_run(done).unwrap();
    let start = Barrier::new(SERVERS);
    let closed: usize = thread::scope(|scope| {
        let closing = services.iter().map(|service| {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                service.close_silent_runs(now).unwrap()
            })
        });
        closing.collect::<Vec<_>>().into_iter().map(|closing| closing.join().unwrap()).sum()
    });
    assert_eq!(closed, silent.len(), "each by one of them");
    for key in silent {
        let run = find(&ada.store, key).0;
        assert_eq!((run.status, run.finished_at), (RunStatus::Error, Some(now)));
    }
    assert_eq!(find(&ada.store, heard_of).0.status, RunStatus::Idle);
    assert_eq!(find(&ada.store, done).0.status, RunStatus::Cancelled);
    assert_eq!(services[0].close_silent_runs(now).unwrap(), 0);
    services.iter().for_each(SyncService::close);
}

pub fn runs_that_ended_long_ago_are_forgotten(database: &Database) {
    let ada = database.with_user();
    let [old, recent, still_open] =
        [(1, -2), (2, 0), (3, -2)].map(|(n, second)| open(&ada, n, NOW.plus_seconds(second)));
    for (key, at) in [(old, NOW.plus_seconds(-1)), (recent, NOW)] {
        let changed = ada.store.change_sync_run(key, move |found| {
            let mut run = found.unwrap();
            let changed = run.cancel(at);
            (Some(run), changed)
        });
        assert!(changed.unwrap());
    }
    let added: Vec<RunNote> = (1..=2_500).map(|number| failed(number, Some(&format!("op{number}")))).collect();
    save(&ada, &find(&ada.store, old).0, NoteChanges { dropped: vec![], added });
    assert_eq!(ada.store.forget_run(recent, NOW).unwrap(), RunDeletion::Kept);
    assert_eq!(ada.store.forget_run(still_open, NOW).unwrap(), RunDeletion::Kept);
    assert_eq!(ada.store.forget_run(old, NOW).unwrap(), RunDeletion::Started, "a part of its notes");
    assert_eq!(find(&ada.store, old).1.len(), 100, "it is still there");
    // Everything is kept a day. The lease of the first purger ends before the second comes.
    let purge_at = |now| purger(&ada.store, now).run(&Stop::default()).unwrap().unwrap().sync_runs;
    assert_eq!(purge_at(NOW.plus_seconds(86_400 - 7_200)), 0);
    assert_eq!(purge_at(NOW.plus_seconds(86_400)), 1);
    assert!(ada.store.find_sync_run(old).unwrap().is_none());
    for key in [recent, still_open] {
        assert!(ada.store.find_sync_run(key).unwrap().is_some());
    }
    // Another run under the id finds none of its notes.
    let found = ada
        .store
        .run_batch(ada.scope(), move |tx| Ok((tx.find_run_notes(old.sync_id, &["op1", "op2500"])?, End::Rollback)));
    assert!(found.unwrap().is_empty());
}
