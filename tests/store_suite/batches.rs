//! What a batch reads and writes, and what is left of one that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use landfall::domain::document::{DocumentWrite, Expected, HeadWrite, WriteSet};
use landfall::domain::ids::{UserId, WorkspaceId};
use landfall::domain::operation::OperationKind;
use landfall::domain::timestamp::Timestamp;
use landfall::domain::yjs_facts::StateVector;
use landfall::store::documents::ListQuery;
use landfall::store::{End, StoreError};
use uuid::Uuid;

use crate::support::{Author, Database, NOW, new_id};

pub fn a_write_set_comes_back_as_it_was(database: &Database) {
    let ada = database.with_user();
    let (full, bare) = (new_id(), new_id());
    let mut head = ada.head(full, 4);
    head.title = "Ünïcode ☃ 'quoted' \\ %".to_owned();
    head.created_at = Timestamp(-1);
    head.deleted_at = Some(NOW.plus_seconds(5));
    head.epoch = 3;
    head.content_version = 3;
    head.state_vector = Some([(1, 5), (1 << 52, 2_147_483_647)].into_iter().collect::<StateVector>());
    head.yjs_roots = ["content", "meta"].map(str::to_owned).into_iter().collect();
    (head.snapshot_bytes, head.log_bytes, head.log_rows) = (10, 20, 3);
    let mut plain = ada.head(bare, 1);
    plain.content_digest = None;
    let mut writes = ada.step(HeadWrite::Insert, head.clone(), OperationKind::Delete, None, Some(&[0, 0]));
    let second = ada.step(HeadWrite::Insert, plain.clone(), OperationKind::Create, Some(""), None);
    writes.documents.extend(second.documents);
    writes.log.extend(second.log);
    writes.receipts.extend(second.receipts);
    writes.receipts[1].version = None;
    let receipts = writes.receipts.clone();
    ada.write(writes).unwrap();

    let names: Vec<String> = receipts.iter().map(|receipt| receipt.client_id.clone()).collect();
    let (heads, found) = ada
        .store
        .run_batch(ada.scope(), move |batch| {
            let names: Vec<&str> = names.iter().map(String::as_str).chain(["unknown"]).collect();
            let read = (batch.load_heads(&[new_id(), full, bare])?, batch.find_receipts(&names)?);
            assert!(batch.load_heads(&[])?.is_empty() && batch.find_receipts(&[])?.is_empty());
            Ok((read, End::Rollback))
        })
        .unwrap();
    let heads: BTreeMap<_, _> = heads.into_iter().map(|head| (head.document_id, head)).collect();
    assert_eq!(heads, BTreeMap::from([(full, head), (bare, plain)]));
    let mut found = found;
    found.sort_by_key(|receipt| receipts.iter().position(|written| written.client_id == receipt.client_id));
    assert_eq!(found, receipts);
}

/// They are committed together, and each is a batch of its own.
pub fn documents_that_are_apart_have_their_own_authors_and_batches(database: &Database) {
    let ada = database.with_user();
    let grace = Author { workspace_id: ada.workspace_id, ..Author::register(&ada.store, "grace") };
    let ids = [new_id(), new_id(), new_id()];
    let together = |are_apart| {
        let mut all = WriteSet { are_apart, ..WriteSet::default() };
        for (id, author) in ids.into_iter().zip([&ada, &grace, &ada]) {
            let version = if are_apart { 2 } else { 1 };
            let write = if are_apart { HeadWrite::Replace { expected_version: 1 } } else { HeadWrite::Insert };
            let kind = if are_apart { OperationKind::Update } else { OperationKind::Create };
            let step = author.step(write, author.head(id, version), kind, Some("text"), None);
            all.documents.extend(step.documents);
            all.log.extend(step.log);
        }
        ada.write(all).unwrap();
        let latest = |id| ada.store.list_versions(ada.workspace_id, id, None, 1).unwrap().remove(0);
        ids.map(latest).map(|entry| (entry.author, entry.batch_id.unwrap()))
    };
    let [one, two, three] = together(false);
    assert_eq!((&one.1, &two.1), (&two.1, &three.1), "one batch");
    let [four, five, six] = together(true);
    assert_eq!([&four.0, &five.0, &six.0], ["ada", "grace", "ada"]);
    assert_eq!(BTreeSet::from([one.1, four.1, five.1, six.1]).len(), 4);
    let sequences = [four, five, six].map(|(_, batch)| batch.sequence());
    assert_eq!(sequences, [4, 5, 6], "where each document is in the feed");
}

pub fn an_update_replaces_the_head_and_advances_the_feed(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    ada.write(ada.created(id, "one")).unwrap();
    ada.update(ada.head(id, 2), Some("two"), None);
    let stored = ada.store.find_document(ada.workspace_id, id).unwrap().unwrap();
    assert_eq!(stored.head, ada.head(id, 2));
    assert_eq!((stored.content.as_deref(), stored.updated_by_name.as_str()), (Some("two"), "ada"));
    assert!(!stored.damaged && stored.yjs_parts.is_empty());
}

pub fn rollback_leaves_nothing(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    let writes = ada.created(id, "never");
    let name = writes.receipts[0].client_id.clone();
    let value = ada.store.run_batch(ada.scope(), move |batch| {
        batch.write(&writes)?;
        Ok((42, End::Rollback))
    });
    assert_eq!(value.unwrap(), 42);
    assert_nothing_of(&ada, id, name);
}

pub fn an_error_leaves_nothing(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    let writes = ada.created(id, "never");
    let name = writes.receipts[0].client_id.clone();
    let outcome = ada.store.run_batch(ada.scope(), move |batch| -> Result<((), End), StoreError> {
        batch.write(&writes)?;
        // The same log rows again: the database refuses, or the count is short.
        batch.write(&WriteSet { log: writes.log.clone(), ..WriteSet::default() })?;
        Ok(((), End::Commit))
    });
    assert!(matches!(outcome, Err(StoreError::Refused(_) | StoreError::LostRace)), "{outcome:?}");
    assert_nothing_of(&ada, id, name);
}

pub fn a_panic_leaves_nothing_and_the_store_lives_on(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    let writes = ada.created(id, "never");
    let name = writes.receipts[0].client_id.clone();
    let outcome = ada.store.run_batch(ada.scope(), move |batch| -> Result<((), End), StoreError> {
        batch.write(&writes)?;
        panic!("as this test wants it");
    });
    assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
    assert_nothing_of(&ada, id, name);
    ada.write(ada.created(id, "now")).unwrap();
}

fn assert_nothing_of(ada: &Author, id: landfall::domain::ids::DocumentId, receipt: String) {
    assert!(ada.store.find_document(ada.workspace_id, id).unwrap().is_none());
    assert!(ada.store.list_versions(ada.workspace_id, id, None, 10).unwrap().is_empty());
    let receipts =
        ada.store.run_batch(ada.scope(), move |batch| Ok((batch.find_receipts(&[&receipt])?, End::Rollback)));
    assert!(receipts.unwrap().is_empty());
}

pub fn a_head_that_is_not_as_expected_is_a_lost_race(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    ada.write(ada.created(id, "one")).unwrap();
    let replace = |expected_version| HeadWrite::Replace { expected_version };
    for (write, head) in
        [(HeadWrite::Insert, ada.head(id, 1)), (replace(2), ada.head(id, 3)), (replace(1), ada.head(new_id(), 2))]
    {
        let beside = new_id();
        let mut writes = ada.created(beside, "beside");
        writes.documents.push(DocumentWrite { write, head });
        assert!(matches!(ada.write(writes), Err(StoreError::LostRace)), "{write:?}");
        assert!(ada.store.find_document(ada.workspace_id, beside).unwrap().is_none());
    }
    assert_eq!(ada.store.find_document(ada.workspace_id, id).unwrap().unwrap().head.version, 1);
}

/// A decision leans on what it looked at and did not write, and on names that were free.
pub fn what_a_decision_leans_on_must_still_stand(database: &Database) {
    let ada = database.with_user();
    let (id, other) = (new_id(), new_id());
    let first = ada.created(id, "one");
    let name = first.receipts[0].client_id.clone();
    ada.write(first).unwrap();
    let leaning = |expects: Vec<Expected>, unused_names: Vec<String>| {
        let beside = new_id();
        let written = ada.write(WriteSet { expects, unused_names, ..ada.created(beside, "beside") });
        assert_eq!(ada.store.find_document(ada.workspace_id, beside).unwrap().is_some(), written.is_ok());
        written
    };
    let at = |document_id, version| Expected { document_id, version };
    leaning(vec![at(id, Some(1)), at(other, None)], vec!["free".to_owned()]).unwrap();
    for (expects, names) in [
        (vec![at(id, Some(2))], vec![]),
        (vec![at(id, None)], vec![]),
        (vec![at(id, Some(1)), at(other, Some(1))], vec![]),
        (vec![], vec![name]),
    ] {
        assert!(matches!(leaning(expects.clone(), names), Err(StoreError::LostRace)), "{expects:?}");
    }
}

pub fn a_receipt_that_is_there_already_is_a_lost_race(database: &Database) {
    let ada = database.with_user();
    let first = ada.created(new_id(), "one");
    ada.write(first.clone()).unwrap();
    let again = WriteSet { receipts: first.receipts, ..ada.created(new_id(), "two") };
    assert!(matches!(ada.write(again), Err(StoreError::LostRace)));
}

/// A look sees one state, whatever is written meanwhile, and holds nobody up.
pub fn a_look_is_of_one_state_and_locks_nothing(database: &Database) {
    let ada = database.with_user();
    let (id, later) = (new_id(), new_id());
    ada.write(ada.created(id, "one")).unwrap();
    let seen = ada.store.look(&ada.scope(), |snapshot| {
        let before = snapshot.load_heads(&[id, later])?.len();
        if ada.store.find_document(ada.workspace_id, later)?.is_none() {
            ada.write(ada.created(later, "later"))?;
        }
        Ok((before, snapshot.load_heads(&[id, later])?.len(), snapshot.feed()?.head_sequence))
    });
    assert_eq!(seen.unwrap(), (1, 1, 1));
    assert_eq!(ada.store.look(&ada.scope(), |snapshot| Ok(snapshot.feed()?.head_sequence)).unwrap(), 2);
}

/// A tombstone keeps its version when it is purged: what was decided on the one does not fit the other.
pub fn a_tombstone_that_was_purged_meanwhile_is_a_lost_race(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    ada.write(ada.created(id, "one")).unwrap();
    let mut gone = ada.head(id, 2);
    gone.deleted_at = Some(NOW);
    ada.write(ada.step(HeadWrite::Replace { expected_version: 1 }, gone, OperationKind::Delete, None, None)).unwrap();
    let revive = |write| ada.write(ada.step(write, ada.head(id, 3), OperationKind::Update, Some("again"), None));
    assert!(matches!(revive(HeadWrite::Renew { expected_version: 2 }), Err(StoreError::LostRace)));
    assert_eq!(ada.store.purge_tombstones(ada.workspace_id, NOW.plus_seconds(1)).unwrap().documents, 1);
    assert!(matches!(revive(HeadWrite::Replace { expected_version: 2 }), Err(StoreError::LostRace)));
    revive(HeadWrite::Renew { expected_version: 2 }).unwrap();
}

pub fn a_deadline_that_has_passed_is_a_timeout(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    let mut late = ada.scope();
    late.deadline = Instant::now();
    let unreached = ada.store.run_batch(late, |_batch| -> Result<((), End), StoreError> { panic!("it is too late") });
    assert!(matches!(unreached, Err(StoreError::Timeout)), "{unreached:?}");

    let mut short = ada.scope();
    short.deadline = Instant::now() + Duration::from_millis(150);
    let deadline = short.deadline;
    let writes = ada.created(id, "late");
    let overrun = ada.store.run_batch(short, move |batch| {
        batch.write(&writes)?;
        while Instant::now() < deadline {
            std::thread::yield_now();
        }
        Ok(((), End::Commit))
    });
    assert!(matches!(overrun, Err(StoreError::Timeout)), "{overrun:?}");
    assert!(ada.store.find_document(ada.workspace_id, id).unwrap().is_none());
}

pub fn an_unknown_workspace_is_named(database: &Database) {
    let mut ada = database.with_user();
    ada.workspace_id = WorkspaceId(Uuid::new_v4());
    assert!(matches!(ada.write(WriteSet::default()), Err(StoreError::NoSuchWorkspace)));
}

pub fn workspaces_do_not_see_each_other(database: &Database) {
    let ada = database.with_user();
    let bob = Author::register(&ada.store, "bob");
    let id = new_id();
    ada.write(ada.created(id, "ada's")).unwrap();
    let seen = bob.store.run_batch(bob.scope(), move |batch| {
        let read = (
            batch.load_heads(&[id])?.len(),
            batch.load_texts(&[(id, 1)], usize::MAX)?.len(),
            batch.load_documents(&[id], usize::MAX)?.len(),
        );
        Ok((read, End::Rollback))
    });
    assert_eq!(seen.unwrap(), (0, 0, 0));
    assert!(bob.store.find_document(bob.workspace_id, id).unwrap().is_none());
    assert!(bob.store.find_version(bob.workspace_id, id, 1).unwrap().is_none());

    bob.write(bob.created(id, "bob's")).unwrap();
    bob.update(bob.head(id, 2), Some("bob's still"), None);
    let texts =
        [&ada, &bob].map(|author| author.store.find_document(author.workspace_id, id).unwrap().unwrap().content);
    assert_eq!(texts, [Some("ada's".to_owned()), Some("bob's still".to_owned())]);
    assert_eq!(ada.store.list_versions(ada.workspace_id, id, None, 10).unwrap().len(), 1);
}

pub fn receipts_belong_to_user_and_device(database: &Database) {
    let ada = database.with_user();
    let writes = ada.created(new_id(), "one");
    let name = writes.receipts[0].client_id.clone();
    ada.write(writes.clone()).unwrap();
    let count = |author: &Author| {
        let name = name.clone();
        author
            .store
            .run_batch(author.scope(), move |batch| Ok((batch.find_receipts(&[&name])?.len(), End::Rollback)))
            .unwrap()
    };
    let phone = Author { device_id: Some("phone".to_owned()), ..ada.clone() };
    let nowhere = Author { device_id: None, ..ada.clone() };
    let other = Author { user_id: UserId(Uuid::new_v4()), ..ada.clone() };
    assert_eq!([&ada, &phone, &nowhere, &other].map(count), [1, 0, 0, 0]);
    let unfiled = WriteSet { receipts: writes.receipts, ..WriteSet::default() };
    assert!(matches!(nowhere.write(unfiled), Err(StoreError::Refused(_))));
}

pub fn concurrent_batches_number_the_feed_without_gaps(database: &Database) {
    let ada = database.with_user();
    let bob = Author::register(&ada.store, "bob");
    let (threads, batches) = (6, 10);
    std::thread::scope(|threads_scope| {
        for thread in 0..threads {
            let author = if thread % 2 == 0 { &ada } else { &bob };
            threads_scope.spawn(move || {
                for _ in 0..batches {
                    let mut writes = author.created(new_id(), "one");
                    let more = author.created(new_id(), "two");
                    writes.documents.extend(more.documents);
                    writes.log.extend(more.log);
                    writes.receipts.extend(more.receipts);
                    author.write(writes).unwrap();
                }
            });
        }
    });
    for author in [&ada, &bob] {
        let query = ListQuery { limit: 500, ..ListQuery::default() };
        let listed = author.store.list_documents(author.workspace_id, &query).unwrap();
        let changed = author.store.list_changes(author.workspace_id, 0, 500).unwrap();
        assert_eq!(listed.len(), threads * batches);
        let sequences: Vec<i64> = changed.iter().map(|change| change.sequence).collect();
        assert_eq!(sequences, (1..=60).collect::<Vec<i64>>());
    }
}

pub fn a_body_sees_what_it_wrote(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    let first = ada.created(id, "one");
    let replace = HeadWrite::Replace { expected_version: 1 };
    let second = ada.step(replace, ada.head(id, 2), OperationKind::Update, Some("two"), None);
    let seen = ada.store.run_batch(ada.scope(), move |batch| {
        batch.write(&first)?;
        batch.write(&second)?;
        Ok((
            (batch.load_documents(&[id], usize::MAX)?, batch.load_texts(&[(id, 1), (id, 2), (id, 3)], usize::MAX)?),
            End::Commit,
        ))
    });
    let (documents, texts) = seen.unwrap();
    assert_eq!(documents[0].content.as_deref(), Some("two"));
    assert_eq!(documents[0].head, ada.head(id, 2));
    let mut texts: Vec<_> = texts.into_iter().map(|text| (text.version, text.title, text.content)).collect();
    texts.sort();
    assert_eq!(texts, [(1, "title 1".to_owned(), Some("one".into())), (2, "title 2".to_owned(), Some("two".into()))]);
}
