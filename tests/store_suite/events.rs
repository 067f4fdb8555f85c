//! What event streams read of the feed, and the messages between servers.

use std::time::{Duration, Instant};

use landfall::domain::document::HeadWrite;
use landfall::domain::ids::{DocumentId, WorkspaceId};
use landfall::domain::operation::OperationKind;
use landfall::store::change_notices::ChangeNotice;
use uuid::Uuid;

use crate::support::{Author, Database, NOW, new_id};

pub fn notices_tell_each_change_once_in_feed_order(database: &Database) {
    let ada = database.with_user();
    let ids: Vec<DocumentId> = (0..3).map(|_| new_id()).collect();
    for id in &ids {
        ada.write(ada.created(*id, "one")).unwrap();
    }
    ada.update(ada.head(ids[0], 2), Some("two"), None);
    let mut tombstone = ada.head(ids[1], 2);
    tombstone.deleted_at = Some(NOW);
    let deletion = ada.step(HeadWrite::Replace { expected_version: 1 }, tombstone, OperationKind::Delete, None, None);
    ada.write(deletion).unwrap();

    let notice = |sequence, id, version, deleted| ChangeNotice { sequence, document_id: id, version, deleted };
    let all = [notice(3, ids[2], 1, false), notice(4, ids[0], 2, false), notice(5, ids[1], 2, true)];
    let list = |after, limit| ada.store.list_change_notices(ada.workspace_id, after, limit).unwrap();
    assert_eq!(list(0, 10), all);
    assert_eq!(list(0, 2), all[..2]);
    assert_eq!(list(3, 10), all[1..]);
    assert_eq!(list(5, 10), []);
    let more = |after, count| ada.store.has_more_changes(ada.workspace_id, after, count).unwrap();
    assert!(more(0, 2) && !more(0, 3) && more(4, 0) && !more(5, 0), "documents are counted, not sequences");
}

pub fn heads_of_many_workspaces_are_read_at_once(database: &Database) {
    let ada = database.with_user();
    let grace = Author::register(&ada.store, "grace");
    ada.write(ada.created(new_id(), "one")).unwrap();
    ada.write(ada.created(new_id(), "two")).unwrap();
    let mut asked = vec![ada.workspace_id, grace.workspace_id];
    asked.extend((0..2_500).map(|_| WorkspaceId(Uuid::new_v4())));
    let mut heads = ada.store.load_head_sequences(&asked).unwrap();
    heads.sort_unstable();
    let mut expected = vec![(ada.workspace_id, 2), (grace.workspace_id, 0)];
    expected.sort_unstable();
    assert_eq!(heads, expected);
    assert_eq!(ada.store.load_head_sequences(&[]).unwrap(), []);
}

pub fn messages_reach_every_listener(database: &Database) {
    let stores = [database.open(), database.open()];
    if matches!(database, Database::Sqlite(_)) {
        assert!(!stores[0].can_notify() && stores[0].open_listener().is_err() && stores[0].open_notifier().is_err());
        return;
    }
    assert!(stores[0].can_notify());
    let mut listeners = stores.each_ref().map(|store| store.open_listener().unwrap());
    let mut notifier = stores[0].open_notifier().unwrap();
    let sent: Vec<String> = (0..100).map(|number| format!("message {number}, it's \"quoted\"")).collect();
    notifier.send(&sent[..60]).unwrap();
    notifier.send(&sent[60..]).unwrap();
    for listener in &mut listeners {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut received = Vec::new();
        while received.len() < sent.len() {
            assert!(Instant::now() < deadline, "only {} messages arrived", received.len());
            received.extend(listener.receive().unwrap());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(received, sent);
    }
}
