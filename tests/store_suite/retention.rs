//! Tombstones, receipts, runs and tokens that have been kept long enough, and who removes them.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use landfall::domain::document::{DocumentHead, HeadWrite, Receipt, WriteSet};
use landfall::domain::ids::DocumentId;
use landfall::domain::operation::OperationKind;
use landfall::domain::timestamp::{Clock, Timestamp};
use landfall::domain::upload::UploadLimits;
use landfall::store::accounts::NewSession;
use landfall::store::documents::ListQuery;
use landfall::store::tombstones::PurgedTombstones;
use landfall::store::upkeep::Swap;
use landfall::store::{End, Store};
use landfall::sync::retention::{Purged, Purger, Retention, RetentionConfig, Stop};
use landfall::yjs::render::{RenderConfig, Renderer};
use uuid::Uuid;

use crate::support::{Author, Database, NOW, new_id};

/// Workers that all tests of this binary share.
pub static RENDERER: LazyLock<Arc<Renderer>> = LazyLock::new(|| {
    Arc::new(Renderer::new(RenderConfig {
        program: PathBuf::from(env!("CARGO_BIN_EXE_landfall")),
        workers: 2,
        max_memory_bytes: 1 << 30,
        time_budget: Duration::from_secs(30),
    }))
});

/// A clock that stands still.
pub struct StoppedClock(pub Timestamp);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Everything is kept a day, and looked through each hour.
pub const DAY: RetentionConfig = RetentionConfig {
    interval: Duration::from_secs(3_600),
    receipts_s: 86_400,
    tombstones_s: 86_400,
    history_s: 86_400,
    caution_s: 0,
    upload: UploadLimits { max_operations: 0, max_bytes: 0, max_open: 0, max_workspace_bytes: 0, retention_s: 86_400 },
};

/// A server's purger, at a time.
pub fn purger(store: &Arc<Store>, now: Timestamp) -> Purger {
    Purger::new(Arc::clone(store), Arc::clone(&RENDERER), Arc::new(StoppedClock(now)), DAY)
}

/// Creates a document and deletes it `seconds` later.
fn deleted(author: &Author, seconds: i64) -> DocumentId {
    let id = new_id();
    author.write(author.created(id, "secret")).unwrap();
    let mut head = author.head(id, 2);
    (head.deleted_at, head.content_version) = (Some(NOW.plus_seconds(seconds)), 1);
    let write = HeadWrite::Replace { expected_version: 1 };
    author.write(author.step(write, head, OperationKind::Delete, None, None)).unwrap();
    id
}

fn head_of(author: &Author, id: DocumentId) -> DocumentHead {
    let heads = author.store.run_batch(author.scope(), move |batch| Ok((batch.load_heads(&[id])?, End::Rollback)));
    heads.unwrap().remove(0)
}

pub fn tombstones_are_purged_at_the_line(database: &Database) {
    let ada = database.with_user();
    let (old, at_the_line, live) = (deleted(&ada, 9), deleted(&ada, 10), new_id());
    ada.write(ada.created(live, "live")).unwrap();
    ada.store.save_rendering(ada.workspace_id, old, 1, "secret").unwrap();
    let feed = || ada.store.find_feed_state(ada.workspace_id).unwrap().unwrap();
    let line = NOW.plus_seconds(10);
    assert_eq!((feed().purged_sequence, feed().purged_before), (0, None));
    let purge = |before| ada.store.purge_tombstones(ada.workspace_id, before).unwrap();
    assert_eq!(purge(NOW), PurgedTombstones { documents: 0, more: false });
    assert_eq!(feed().purged_before, None, "nothing was purged");
    assert_eq!(purge(line), PurgedTombstones { documents: 1, more: false });
    assert_eq!((feed().purged_sequence, feed().purged_before), (2, Some(line)));
    // The first tombstone is gone for every reader; the second is not.
    assert!(ada.store.find_document(ada.workspace_id, old).unwrap().is_none());
    assert!(ada.store.find_document(ada.workspace_id, at_the_line).unwrap().is_some());
    let query = ListQuery { limit: 10, include_deleted: true, ..ListQuery::default() };
    let listed = ada.store.list_documents(ada.workspace_id, &query).unwrap();
    assert!(listed.len() == 2 && listed.iter().all(|document| document.head.document_id != old));
    let changes = ada.store.list_changes(ada.workspace_id, 0, 10).unwrap();
    assert_eq!(changes.iter().map(|change| change.sequence).collect::<Vec<_>>(), [4, 5]);
    assert!(ada.store.list_versions(ada.workspace_id, old, None, 10).unwrap().is_empty());
    assert!(ada.store.find_version(ada.workspace_id, old, 1).unwrap().is_none());
    // The line never goes back.
    assert_eq!(purge(NOW.plus_seconds(100)).documents, 1);
    assert_eq!(purge(line).documents, 0);
    assert_eq!((feed().purged_sequence, feed().purged_before), (4, Some(NOW.plus_seconds(100))));
    assert!(ada.store.find_document(ada.workspace_id, live).unwrap().is_some());
}

pub fn a_purged_document_leaves_its_id_and_version(database: &Database) {
    let ada = database.with_user();
    let id = deleted(&ada, 0);
    ada.store.purge_tombstones(ada.workspace_id, NOW.plus_seconds(1)).unwrap();
    let mut left = ada.head(id, 2);
    (left.title, left.content_digest) = (String::new(), None);
    (left.deleted_at, left.content_version) = (Some(NOW), 1);
    assert_eq!(head_of(&ada, id), left);
    assert!(left.is_purged());
    // Late background work leaves nothing behind.
    assert_eq!(ada.store.save_rendering(ada.workspace_id, id, 1, "secret").unwrap(), Swap::Moved);
    assert_eq!(ada.store.swap_snapshot(ada.workspace_id, id, (1, 2), b"secret".to_vec()).unwrap(), Swap::Moved);
    assert_eq!(ada.store.mark_damaged(ada.workspace_id, id, 2).unwrap(), Swap::Moved);
    // The id is taken, and a document that is made anew under it is in the feed again.
    assert!(ada.write(ada.created(id, "again")).is_err());
    let mut anew = ada.head(id, 3);
    anew.epoch = 3;
    let renew = HeadWrite::Renew { expected_version: 2 };
    ada.write(ada.step(renew, anew.clone(), OperationKind::Update, Some("anew"), None)).unwrap();
    let found = ada.store.find_document(ada.workspace_id, id).unwrap().unwrap();
    assert_eq!((found.head, found.content.as_deref()), (anew, Some("anew")));
    assert_eq!(ada.store.list_changes(ada.workspace_id, 0, 10).unwrap()[0].sequence, 3);
}

pub fn many_tombstones_go_in_several_transactions(database: &Database) {
    let ada = database.with_user();
    let mut writes = WriteSet::default();
    for _ in 0..230 {
        let mut head = ada.head(new_id(), 1);
        head.deleted_at = Some(NOW);
        writes.documents.extend(ada.step(HeadWrite::Insert, head, OperationKind::Create, None, None).documents);
    }
    ada.write(writes).unwrap();
    let purge = || ada.store.purge_tombstones(ada.workspace_id, NOW.plus_seconds(1)).unwrap();
    assert_eq!(
        [purge(), purge(), purge()].map(|slice| (slice.documents, slice.more)),
        [(100, true), (100, true), (30, false)]
    );
    // Documents with long histories are taken one by one.
    for _ in 0..2 {
        let mut head = ada.head(new_id(), 4_000);
        head.deleted_at = Some(NOW);
        ada.write(ada.step(HeadWrite::Insert, head, OperationKind::Create, None, None)).unwrap();
    }
    assert_eq!([purge(), purge()].map(|slice| (slice.documents, slice.more)), [(1, true), (1, false)]);
}

pub fn old_receipts_are_found_by_their_age(database: &Database) {
    let ada = database.with_user();
    let bob = Author::register(&ada.store, "bob");
    let receipt = |number: i64| Receipt {
        client_id: format!("op {number:04}"),
        kind: OperationKind::Update,
        payload_digest: Some([1; 16]),
        document_id: new_id(),
        version: Some(1),
        created_at: NOW.plus_seconds(number % 2),
    };
    for (author, device) in [(&ada, "a"), (&ada, "b"), (&bob, "a")] {
        let receipts = (0..401).map(receipt).collect();
        let author = Author { device_id: Some(device.to_owned()), ..author.clone() };
        author.write(WriteSet { receipts, ..WriteSet::default() }).unwrap();
    }
    let due = ada.store.count_old_receipts(ada.workspace_id, NOW.plus_seconds(1)).unwrap();
    assert_eq!((due.rows, due.of), (2 * 201, 2 * 401));
    // Those of one moment go together.
    let purge = || ada.store.purge_receipts(ada.workspace_id, NOW.plus_seconds(1)).unwrap();
    assert_eq!([purge(), purge()].map(|slice| (slice.removed, slice.more)), [(2 * 201, false), (0, false)]);
    let names: Vec<String> = (0..401).map(|number| format!("op {number:04}")).collect();
    let left = |author: &Author, device: &str| -> usize {
        let author = Author { device_id: Some(device.to_owned()), ..author.clone() };
        let names = names.clone();
        let found = author.store.run_batch(author.scope(), move |batch| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Ok((batch.find_receipts(&names)?.len(), End::Rollback))
        });
        found.unwrap()
    };
    assert_eq!([left(&ada, "a"), left(&ada, "b"), left(&bob, "a")], [200, 200, 401]);
}

pub fn expired_tokens_are_removed(database: &Database) {
    let ada = database.with_user();
    for number in 0..3_u8 {
        let session = NewSession {
            session_id: Uuid::new_v4(),
            user_id: ada.user_id,
            password_hash: "$argon2id$".to_owned(),
            family_hash: [number; 32],
            token_hash: [number; 32],
            client: None,
            now: NOW,
            expires_at: NOW.plus_seconds(i64::from(number)),
        };
        assert!(ada.store.insert_session(session).unwrap());
    }
    let purge = |seconds| ada.store.purge_sessions(NOW.plus_seconds(seconds)).unwrap();
    assert_eq!((purge(0).removed, purge(2).removed, purge(2).removed, purge(9).removed), (0, 2, 0, 1));
}

pub fn a_lease_has_one_holder_until_it_runs_out(database: &Database) {
    let store = database.open();
    let beside = database.open();
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let at = |seconds| NOW.plus_seconds(seconds);
    assert!(store.take_lease("work", one, at(0), 10).unwrap());
    assert!(!beside.take_lease("work", two, at(9), 10).unwrap());
    assert!(store.take_lease("work", one, at(9), 10).unwrap(), "renewed");
    assert!(!beside.take_lease("work", two, at(18), 10).unwrap());
    assert!(beside.take_lease("other work", two, at(18), 10).unwrap());
    assert!(beside.take_lease("work", two, at(19), 10).unwrap(), "it ran out");
    assert!(!store.take_lease("work", one, at(20), 10).unwrap());
    store.release_lease("work", one).unwrap();
    assert!(!store.take_lease("work", one, at(20), 10).unwrap(), "another's lease cannot be given back");
    beside.release_lease("work", two).unwrap();
    assert!(store.take_lease("work", one, at(20), 10).unwrap());
    assert_eq!([store.purge_leases(at(29)).unwrap(), store.purge_leases(at(31)).unwrap()], [1, 1]);
    // Taken while a clock was far ahead: nobody waits for that day to come.
    assert!(store.take_lease("ahead", one, at(91 * 86_400), 10).unwrap());
    assert!(store.take_lease("ahead", two, at(0), 10).unwrap());
    let taken = std::thread::scope(|scope| {
        let take = |holder| store.take_lease("race", Uuid::from_u128(holder), NOW, 10).unwrap();
        let threads: Vec<_> = (0..8).map(|holder| scope.spawn(move || take(holder))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|taken| *taken).count()
    });
    assert_eq!(taken, 1);
}

pub fn one_server_purges_and_another_takes_over(database: &Database) {
    let ada = database.with_user();
    let later = NOW.plus_seconds(2 * 86_400);
    let (first, second) = (purger(&ada.store, later), purger(&database.open(), later));
    deleted(&ada, 0);
    let purged = first.run(&Stop::default()).unwrap().unwrap();
    // Its receipts were written at the same time.
    assert_eq!(purged, Purged { tombstones: 1, receipts: 2, ..Purged::default() });
    assert_eq!(second.run(&Stop::default()).unwrap(), None, "the first has just done it");
    assert_eq!(first.run(&Stop::default()).unwrap(), Some(Purged::default()));
    // The first server is gone; its lease runs out when the next run is due.
    deleted(&ada, 0);
    let due = purger(&ada.store, later.plus_seconds(3_600));
    assert_eq!(due.run(&Stop::default()).unwrap().unwrap().tombstones, 1);
    // One that is told to stop gives the lease back at once.
    let stop = Stop::default();
    stop.stop();
    deleted(&ada, 0);
    assert_eq!(due.run(&stop).unwrap(), Some(Purged::default()));
    assert_eq!(second.run(&Stop::default()).unwrap().unwrap().tombstones, 1);
}

pub fn the_thread_ends_when_told_to(database: &Database) {
    let ada = database.with_user();
    let id = deleted(&ada, 0);
    let config = RetentionConfig { interval: Duration::from_secs(1), ..DAY };
    let clock = Arc::new(StoppedClock(NOW.plus_seconds(2 * 86_400)));
    let retention = Retention::start(Purger::new(Arc::clone(&ada.store), Arc::clone(&RENDERER), clock.clone(), config));
    while ada.store.find_document(ada.workspace_id, id).unwrap().is_some() {
        std::thread::sleep(Duration::from_millis(20));
    }
    retention.close();
    retention.close();
    let never = RetentionConfig { interval: Duration::ZERO, ..DAY };
    Retention::start(Purger::new(Arc::clone(&ada.store), Arc::clone(&RENDERER), clock, never)).close();
}

/// A server's clock is 91 days ahead for a moment, as after a change of its battery.
pub fn a_clock_that_jumps_purges_nothing(database: &Database) {
    let ada = database.with_user();
    let gone = deleted(&ada, 0);
    let id = new_id();
    ada.write(ada.created(id, "one")).unwrap();
    for version in 2..=20 {
        ada.update(ada.head(id, version), Some("more"), None);
    }
    let careful = RetentionConfig { caution_s: 86_400, ..DAY };
    let at = |seconds: i64| {
        let clock = Arc::new(StoppedClock(NOW.plus_seconds(seconds)));
        Purger::new(Arc::clone(&ada.store), Arc::clone(&RENDERER), clock, careful.clone())
    };
    let run = |seconds: i64| at(seconds).run(&Stop::default()).unwrap().unwrap();
    let versions = || ada.store.list_versions(ada.workspace_id, id, None, 100).unwrap().len();
    assert_eq!(run(60), Purged::default());
    ada.store.purge_leases(Timestamp(i64::MAX)).unwrap();
    assert_eq!(run(91 * 86_400), Purged::default(), "far ahead");
    assert!(ada.store.find_document(ada.workspace_id, gone).unwrap().is_some());
    assert_eq!(versions(), 20);
    // The wait is known to the next server too, and what has passed there counts from its start.
    ada.store.purge_leases(Timestamp(i64::MAX)).unwrap();
    assert_eq!(run(91 * 86_400 + 60), Purged::default(), "still");
    let waiting = ada.store.find_purge("receipts").unwrap().unwrap().waiting.unwrap();
    assert_eq!(waiting.line, NOW.plus_seconds(90 * 86_400));
    // Put right, nothing is due, and nothing waits.
    ada.store.purge_leases(Timestamp(i64::MAX)).unwrap();
    assert_eq!(run(120), Purged::default());
    assert_eq!(ada.store.find_purge("receipts").unwrap().unwrap().waiting, None);
    // Once a day has been outlasted it goes.
    let mut record = ada.store.find_purge("receipts").unwrap().unwrap();
    let waited = 86_400_000_000;
    record.waiting = Some(landfall::domain::caution::Waiting { line: NOW.plus_seconds(86_400), waited });
    ada.store.save_purge("receipts", record).unwrap();
    ada.store.purge_leases(Timestamp(i64::MAX)).unwrap();
    assert_eq!(run(2 * 86_400), Purged { receipts: 22, ..Purged::default() });
}
