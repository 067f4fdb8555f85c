//! What each database does at its limits: queues, groups, pools, plans, and databases that cannot be opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use landfall::domain::document::WriteSet;
use landfall::store::{DatabaseUrl, End, Store, StoreConfig, StoreError};

use crate::support::{Author, Database, new_id};

fn open_with(database: &Database, config: &StoreConfig) -> Author {
    Author::register(&Arc::new(Store::open(&database.url(), config).unwrap()), "ada")
}

/// Occupies the writer (or a connection) until the sender is dropped; says when it has begun.
fn occupy(author: &Author) -> (std::sync::mpsc::Sender<()>, std::thread::JoinHandle<()>) {
    let (release, released) = channel::<()>();
    let (begun, wait) = channel();
    let author = author.clone();
    let thread = std::thread::spawn(move || {
        let body = move |_batch: &mut dyn landfall::store::BatchTransaction| {
            begun.send(()).unwrap();
            let _closed = released.recv();
            Ok(((), End::Rollback))
        };
        author.store.run_batch(author.scope(), body).unwrap();
    });
    wait.recv().unwrap();
    (release, thread)
}

#[test]
fn a_full_queue_is_busy_and_what_was_accepted_is_done() {
    let database = Database::sqlite();
    let ada = open_with(&database, &StoreConfig { writer_queue: 2, ..StoreConfig::default() });
    let (release, occupied) = occupy(&ada);
    let (queued, results) = channel();
    let mut threads = Vec::new();
    for _ in 0..6 {
        let (author, queued) = (ada.clone(), queued.clone());
        threads.push(std::thread::spawn(move || queued.send(author.write(author.created(new_id(), "one"))).unwrap()));
    }
    // Four find the queue full at once; the two that wait are done when the writer is free.
    for _ in 0..4 {
        assert!(matches!(results.recv().unwrap(), Err(StoreError::Busy)));
    }
    drop(release);
    for _ in 0..2 {
        results.recv().unwrap().unwrap();
    }
    threads.into_iter().chain([occupied]).for_each(|thread| thread.join().unwrap());
    assert_eq!(ada.store.find_feed_state(ada.workspace_id).unwrap().unwrap().head_sequence, 2);
}

#[test]
fn a_group_keeps_the_good_and_drops_the_bad() {
    let database = Database::sqlite();
    let ada = open_with(&database, &StoreConfig { group_time_ms: 10_000, ..StoreConfig::default() });
    let (release, occupied) = occupy(&ada);
    let ids: Vec<_> = (0..12).map(|_| new_id()).collect();
    let mut threads = Vec::new();
    for (number, id) in ids.iter().copied().enumerate() {
        let author = ada.clone();
        threads.push(std::thread::spawn(move || {
            let writes = author.created(id, "one");
            let mut scope = author.scope();
            if number % 4 == 3 {
                scope.deadline = Instant::now();
            }
            let outcome = author.store.run_batch(scope, move |batch| {
                batch.write(&writes)?;
                match number % 4 {
                    0 => Ok(((), End::Commit)),
                    1 => Ok(((), End::Rollback)),
                    _ => Err(StoreError::LostRace),
                }
            });
            matches!(
                (number % 4, outcome),
                (0 | 1, Ok(())) | (2, Err(StoreError::LostRace)) | (3, Err(StoreError::Timeout))
            )
        }));
    }
    drop(release);
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    occupied.join().unwrap();
    for (number, id) in ids.iter().enumerate() {
        let found = ada.store.find_document(ada.workspace_id, *id).unwrap();
        assert_eq!(found.is_some(), number % 4 == 0, "{number}");
    }
    assert_eq!(ada.store.find_feed_state(ada.workspace_id).unwrap().unwrap().head_sequence, 3);
}

#[test]
fn a_closed_store_has_finished_and_carried_over_its_log() {
    let database = Database::sqlite();
    let ada = database.with_user();
    ada.write(ada.created(new_id(), &"text ".repeat(10_000))).unwrap();
    ada.store.close();
    ada.store.close();
    let DatabaseUrl::Sqlite(path) = database.url() else { panic!("a SQLite database") };
    let mut wal = path.into_os_string();
    wal.push("-wal");
    assert_eq!(std::fs::metadata(&wal).map_or(0, |metadata| metadata.len()), 0);
    assert!(matches!(ada.write(WriteSet::default()), Err(StoreError::Unavailable(_))));
    assert!(ada.store.find_user(ada.user_id).unwrap().is_some());
}

#[test]
fn the_write_ahead_log_is_begun_anew_above_its_limit() {
    let database = Database::sqlite();
    let ada = open_with(&database, &StoreConfig { wal_limit_bytes: 256 * 1024, ..StoreConfig::default() });
    let DatabaseUrl::Sqlite(path) = database.url() else { panic!("a SQLite database") };
    let mut wal = path.into_os_string();
    wal.push("-wal");
    for number in 0..60_u64 {
        // Not compressible, so that the log grows by about 64 KiB each time.
        let mut state = number;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(64 * 1024)
        .collect();
        let head = ada.head(new_id(), 1);
        let kind = landfall::domain::operation::OperationKind::Create;
        let write = landfall::domain::document::HeadWrite::Insert;
        ada.write(ada.step(write, head, kind, None, Some(&bytes))).unwrap();
    }
    // That follows the answer: the next batch is answered after it. The file is kept, up to twice the limit.
    ada.write(WriteSet::default()).unwrap();
    let bytes = std::fs::metadata(&wal).unwrap().len();
    assert!(bytes < 1024 * 1024, "{bytes} bytes of log");
}

#[test]
fn readers_of_sqlite_are_not_held_up_by_the_writer() {
    let database = Database::sqlite();
    let ada = database.with_user();
    let id = new_id();
    ada.write(ada.created(id, "one")).unwrap();
    let (release, occupied) = occupy(&ada);
    assert!(ada.store.find_document(ada.workspace_id, id).unwrap().is_some());
    drop(release);
    occupied.join().unwrap();
}

#[test]
fn a_postgres_pool_in_full_use_is_busy_or_late() {
    let database = Database::postgres();
    let config = StoreConfig { reader_connections: 1, connection_timeout_ms: 3_000, ..StoreConfig::default() };
    let ada = open_with(&database, &config);
    let (release, occupied) = occupy(&ada);
    assert!(matches!(ada.write(WriteSet::default()), Err(StoreError::Busy)));
    drop(release);
    occupied.join().unwrap();
    ada.write(WriteSet::default()).unwrap();
}

#[test]
fn a_postgres_batch_waits_for_its_workspace_until_its_deadline() {
    let database = Database::postgres();
    let ada = database.with_user();
    let bob = Author::register(&ada.store, "bob");
    let (release, occupied) = occupy(&ada);
    // A second connection is there: the deadline is not spent on opening one.
    ada.store.ping().unwrap();
    let mut scope = ada.scope();
    scope.deadline = Instant::now() + Duration::from_millis(100);
    let waited = ada.store.run_batch(scope, |_batch| Ok(((), End::Commit)));
    assert!(matches!(waited, Err(StoreError::Timeout)), "{waited:?}");
    bob.write(bob.created(new_id(), "side by side")).unwrap();
    drop(release);
    occupied.join().unwrap();
}

#[test]
fn a_decision_that_lost_its_race_is_tried_once_more_where_that_is_wanted() {
    for database in [Database::sqlite(), Database::postgres()] {
        let ada = database.with_user();
        let (lost, kept) = (ada.created(new_id(), "lost"), ada.created(new_id(), "kept"));
        let mut tries = 0;
        let outcome = ada.store.write_batch(ada.scope(), true, move |batch| {
            tries += 1;
            batch.write(if tries == 1 { &lost } else { &kept })?;
            if tries == 1 { Err(StoreError::LostRace) } else { Ok((tries, End::Commit)) }
        });
        assert_eq!(outcome.unwrap(), 2);
        assert_eq!(ada.store.find_feed_state(ada.workspace_id).unwrap().unwrap().head_sequence, 1);
        for (twice, expected) in [(true, 2), (false, 1)] {
            let tries = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&tries);
            let lost = ada.store.write_batch(ada.scope(), twice, move |_batch| {
                counted.fetch_add(1, Ordering::Relaxed);
                Err::<((), End), _>(StoreError::LostRace)
            });
            assert!(matches!(lost, Err(StoreError::LostRace)), "{lost:?}");
            assert_eq!(tries.load(Ordering::Relaxed), expected);
        }
    }
}

#[test]
fn a_postgres_race_is_tried_again() {
    let database = Database::postgres();
    let ada = database.with_user();
    let mut tries = 0;
    let outcome = ada.store.run_batch(ada.scope(), move |_batch| {
        tries += 1;
        if tries < 3 { Err(StoreError::LostRace) } else { Ok((tries, End::Commit)) }
    });
    assert_eq!(outcome.unwrap(), 3);
}

#[test]
fn a_postgres_connection_that_was_cut_is_replaced() {
    let database = Database::postgres();
    let ada = database.with_user();
    let DatabaseUrl::Postgres(url) = database.url() else { panic!("a Postgres database") };
    let cut = || {
        let others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        diesel::sql_query(others).execute(&mut PgConnection::establish(&url).unwrap()).unwrap();
    };
    for _ in 0..3 {
        cut();
        ada.write(ada.created(new_id(), "one")).unwrap();
    }
    // A batch that is cut in its midst is not done, and says so.
    let (release, occupied) = channel::<()>();
    let (begun, wait) = channel();
    let (author, id) = (ada.clone(), new_id());
    let midst = std::thread::spawn(move || {
        let writes = author.created(id, "cut");
        author.store.run_batch(author.scope(), move |batch| {
            batch.write(&writes)?;
            begun.send(()).unwrap();
            let _closed = occupied.recv();
            Ok(((), End::Commit))
        })
    });
    wait.recv().unwrap();
    cut();
    drop(release);
    let outcome = midst.join().unwrap();
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    ada.write(ada.created(id, "again")).unwrap();
}

#[derive(QueryableByName)]
struct IndexUse {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    rows_read: i64,
}

/// The server's own counters, over real batches, tell more than a plan that was made for show.
#[test]
fn postgres_looks_documents_up_by_their_full_key() {
    let database = Database::postgres();
    let ada = database.with_user();
    let all: Vec<_> = (0..1_500).map(|_| new_id()).collect();
    for ids in all.chunks(100) {
        let mut writes = WriteSet::default();
        for id in ids {
            let one = ada.created(*id, "one");
            writes.documents.extend(one.documents);
            writes.log.extend(one.log);
            writes.receipts.extend(one.receipts);
        }
        let ids = ids.to_vec();
        let done = ada.store.run_batch(ada.scope(), move |batch| {
            let names: Vec<_> = writes.receipts.iter().map(|receipt| receipt.client_id.as_str()).collect();
            batch.find_receipts(&names)?;
            batch.load_heads(&ids)?;
            batch.write(&writes)?;
            batch.load_documents(&ids, usize::MAX)?;
            let texts: Vec<_> = ids.iter().map(|id| (*id, 1)).collect();
            Ok((batch.load_texts(&texts, usize::MAX)?.len(), End::Commit))
        });
        assert_eq!(done.unwrap(), 100);
    }
    // Sessions hand in their counters when they end.
    drop(ada);
    let DatabaseUrl::Postgres(url) = database.url() else { panic!("a Postgres database") };
    let mut connection = PgConnection::establish(&url).unwrap();
    let read = "SELECT indexrelname::text AS name, idx_tup_read AS rows_read FROM pg_stat_user_indexes \
                UNION ALL SELECT relname::text || ' in full', seq_tup_read FROM pg_stat_user_tables \
                WHERE relname IN ('documents', 'document_log', 'document_bodies', 'receipts')";
    let until = Instant::now() + Duration::from_secs(60);
    let used = loop {
        diesel::sql_query("SELECT pg_stat_clear_snapshot()").execute(&mut connection).unwrap();
        let used: Vec<IndexUse> = diesel::sql_query(read).load(&mut connection).unwrap();
        let known = |index: &IndexUse| index.name == "documents_pkey" && index.rows_read >= 1_500;
        if used.iter().any(known) || Instant::now() > until {
            break used;
        }
        std::thread::yield_now();
    };
    let rows = |name: &str| used.iter().find(|index| index.name == name).unwrap().rows_read;
    assert!((1_500..=12_000).contains(&rows("documents_pkey")), "{}", rows("documents_pkey"));
    assert!((1_500..=12_000).contains(&rows("document_log_pkey")), "{}", rows("document_log_pkey"));
    for unread in ["documents_by_sequence", "documents in full", "document_log in full", "receipts in full"] {
        assert!(rows(unread) < 200, "{unread}: {} rows", rows(unread));
    }
}

#[test]
fn a_database_that_cannot_be_opened_says_which_without_its_password() {
    for url in [
        "sqlite:///nowhere/at/all/landfall.db",
        "postgres://ada:s3cret@127.0.0.1:1/landfall",
        "postgres://ada:s3cret@[127.0.0.1:1/landfall",
        "postgres://ada:s3cret@127.0.0.1:1/landfall?nonsense",
    ] {
        let error = Store::open(&DatabaseUrl::parse(url).unwrap(), &StoreConfig::default()).unwrap_err();
        assert!(matches!(error, StoreError::Open(_)), "{error:?}");
        let shown = error.to_string();
        assert!(!shown.contains("s3cret") && (shown.contains("/nowhere") || shown.contains("127.0.0.1")), "{shown}");
    }
}
