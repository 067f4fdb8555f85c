//! Writes between batches: renderings, snapshots, marks of damage.

use landfall::domain::document::{DocumentHead, HeadWrite, StoredDocument};
use landfall::domain::ids::{DocumentId, Version};
use landfall::domain::operation::OperationKind;
use landfall::store::upkeep::Swap;

use crate::support::{Author, Database, NOW, new_id};

fn yjs_head(author: &Author, id: DocumentId, version: Version) -> DocumentHead {
    let mut head = author.head(id, version);
    head.state_vector = Some([(1, 1)].into_iter().collect());
    head.content_digest = None;
    head
}

fn create_yjs(author: &Author, id: DocumentId) {
    let head = yjs_head(author, id, 1);
    author.write(author.step(HeadWrite::Insert, head, OperationKind::Create, None, Some(b"1"))).unwrap();
}

fn find(author: &Author, id: DocumentId) -> StoredDocument {
    author.store.find_document(author.workspace_id, id).unwrap().unwrap()
}

pub fn a_rendering_is_kept_while_it_holds(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    create_yjs(&ada, id);
    let save = |version, text| ada.store.save_rendering(ada.workspace_id, id, version, text).unwrap();
    assert_eq!(save(1, "derived"), Swap::Swapped);
    assert_eq!(find(&ada, id).content.as_deref(), Some("derived"));
    assert_eq!(save(1, "derived again"), Swap::Swapped);
    // A new title leaves the text as it is; a new Yjs update does not.
    let mut titled = yjs_head(&ada, id, 2);
    titled.content_version = 1;
    ada.update(titled, None, None);
    assert_eq!(find(&ada, id).content.as_deref(), Some("derived again"));
    ada.update(yjs_head(&ada, id, 3), None, Some(b"3"));
    assert_eq!(find(&ada, id).content, None);
    assert_eq!(save(1, "late"), Swap::Moved);
    assert_eq!(ada.store.save_rendering(ada.workspace_id, new_id(), 1, "no such document").unwrap(), Swap::Moved);
    assert_eq!(find(&ada, id).content, None);
}

pub fn a_snapshot_replaces_the_updates_that_it_covers(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    create_yjs(&ada, id);
    let mut head = yjs_head(&ada, id, 2);
    (head.snapshot_bytes, head.log_bytes, head.log_rows) = (1, 1, 1);
    ada.update(head, None, Some(b"2"));
    let before = ada.store.load_for_compaction(ada.workspace_id, id).unwrap().unwrap();
    assert_eq!(before.yjs_parts, [b"1", b"2"].map(|part| part.to_vec()));
    let swapped =
        ada.store.swap_snapshot(ada.workspace_id, id, (before.head.epoch, before.head.version), b"1+2".to_vec());
    assert_eq!(swapped.unwrap(), Swap::Swapped);
    let after = find(&ada, id);
    assert_eq!((after.head.snapshot_bytes, after.head.log_bytes, after.head.log_rows), (3, 0, 0));
    assert_eq!(after.yjs_parts, [b"1+2".to_vec()]);
    ada.update(yjs_head(&ada, id, 3), None, Some(b"3"));
    assert_eq!(find(&ada, id).yjs_parts, [b"1+2".to_vec(), b"3".to_vec()]);
    // The history keeps every update.
    let second = ada.store.find_version(ada.workspace_id, id, 2).unwrap().unwrap();
    assert_eq!(second.yjs_parts, [b"1", b"2"].map(|part| part.to_vec()));
}

pub fn a_snapshot_does_not_wait_for_a_pause(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    create_yjs(&ada, id);
    ada.update(yjs_head(&ada, id, 2), None, Some(b"2"));
    // Made of version 1, swapped in after version 2 was written.
    let swap = |covered, bytes: &[u8]| ada.store.swap_snapshot(ada.workspace_id, id, covered, bytes.to_vec()).unwrap();
    assert_eq!(swap((1, 1), b"one"), Swap::Swapped);
    let found = find(&ada, id);
    assert_eq!(found.yjs_parts, [b"one".to_vec(), b"2".to_vec()]);
    assert_eq!((found.head.snapshot_bytes, found.head.log_bytes, found.head.log_rows), (3, 1, 1));
    assert_eq!(swap((1, 1), b"again"), Swap::Moved, "it has one that covers as much");
    assert_eq!(swap((1, 9), b"future"), Swap::Moved);
    assert_eq!(swap((2, 2), b"another life"), Swap::Moved);
    assert_eq!(ada.store.swap_snapshot(ada.workspace_id, new_id(), (1, 1), b"none".to_vec()).unwrap(), Swap::Moved);
    assert_eq!(swap((1, 2), b"both"), Swap::Swapped);
    assert_eq!(find(&ada, id).yjs_parts, [b"both".to_vec()]);
}

pub fn damage_is_marked_and_stays_until_the_document_is_made_anew(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    create_yjs(&ada, id);
    assert_eq!(ada.store.mark_damaged(ada.workspace_id, id, 9).unwrap(), Swap::Moved);
    assert!(!find(&ada, id).damaged);
    assert_eq!(ada.store.mark_damaged(ada.workspace_id, id, 1).unwrap(), Swap::Swapped);
    ada.update(yjs_head(&ada, id, 2), None, Some(b"2"));
    let damaged = find(&ada, id);
    assert!(damaged.damaged);
    assert_eq!(damaged.yjs_parts.len(), 2);
    let mut deleted = yjs_head(&ada, id, 3);
    deleted.deleted_at = Some(NOW);
    ada.update(deleted, None, None);
    let mut anew = yjs_head(&ada, id, 4);
    anew.epoch = 4;
    ada.update(anew, None, Some(b"4"));
    assert!(!find(&ada, id).damaged);
}

pub fn heavy_logs_are_found_for_compaction(database: &Database) {
    let ada = database.with_user();
    // (snapshot bytes, log bytes, log rows, whether that is to be compacted)
    let cases = [
        (0, 16_383, 63, false),
        (0, 64, 64, true),
        (25_601, 100, 100, false),
        (25_600, 100, 100, true),
        (1_000_000, 1, 1_000, false),
        (0, 16_384, 1, true),
        (20_000, 19_999, 1, false),
        (20_000, 20_000, 1, true),
        (1_000_000, 1, 1_001, true),
    ];
    let mut expected = Vec::new();
    for (snapshot_bytes, log_bytes, log_rows, heavy) in cases {
        let mut head = yjs_head(&ada, new_id(), 1);
        (head.snapshot_bytes, head.log_bytes, head.log_rows) = (snapshot_bytes, log_bytes, log_rows);
        expected.extend(heavy.then_some((ada.workspace_id, head.document_id)));
        ada.write(ada.step(HeadWrite::Insert, head, OperationKind::Create, None, Some(b"1"))).unwrap();
    }
    expected.sort();
    let compactable = |after, limit| ada.store.find_compactable(after, limit).unwrap();
    assert_eq!(compactable(None, 10), expected);
    assert_eq!(compactable(None, 1), expected[..1]);
    assert_eq!(compactable(Some(expected[0]), 10), expected[1..]);
    let (workspace_id, id) = expected.remove(0);
    ada.store.mark_damaged(workspace_id, id, 1).unwrap();
    let (workspace_id, id) = expected.remove(0);
    ada.store.swap_snapshot(workspace_id, id, (1, 1), b"new".to_vec()).unwrap();
    assert_eq!(compactable(None, 10), expected);
}

pub fn a_snapshot_of_an_earlier_document_is_not_used(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    create_yjs(&ada, id);
    ada.store.swap_snapshot(ada.workspace_id, id, (1, 1), b"old".to_vec()).unwrap();
    ada.store.save_rendering(ada.workspace_id, id, 1, "old").unwrap();
    let mut deleted = yjs_head(&ada, id, 2);
    (deleted.deleted_at, deleted.content_version) = (Some(NOW), 1);
    ada.update(deleted, None, None);
    let mut anew = yjs_head(&ada, id, 3);
    anew.epoch = 3;
    ada.update(anew, None, Some(b"3"));
    let found = find(&ada, id);
    assert_eq!((found.content, found.yjs_parts), (None, vec![b"3".to_vec()]));
}
