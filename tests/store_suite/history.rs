//! Texts of versions, Yjs parts, listings.

use landfall::domain::document::{HeadWrite, VersionText, WriteSet};
use landfall::domain::ids::{DocumentId, Version};
use landfall::domain::operation::OperationKind;
use landfall::domain::yjs_facts::StateVector;
use landfall::store::End;
use landfall::store::documents::{ListQuery, ListedDocument};
use uuid::Uuid;

use crate::support::{Author, Database, NOW, new_id};

/// Title and text of each version in a document's history, as a batch reads them.
fn texts(
    author: &Author,
    id: DocumentId,
    versions: impl IntoIterator<Item = Version>,
) -> Vec<(Version, String, Option<String>)> {
    let wanted: Vec<_> = versions.into_iter().map(|version| (id, version)).collect();
    let found = author
        .store
        .run_batch(author.scope(), move |batch| Ok((batch.load_texts(&wanted, usize::MAX)?, End::Rollback)));
    let owned = |text: VersionText| (text.version, text.title, text.content.map(|content| content.to_string()));
    let mut found: Vec<_> = found.unwrap().into_iter().map(owned).collect();
    found.sort();
    found
}

fn some_state() -> Option<StateVector> {
    Some([(1, 1)].into_iter().collect())
}

pub fn the_text_of_a_version_is_the_newest_one_before_it(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    ada.write(ada.created(id, "one")).unwrap();
    ada.update(ada.head(id, 2), None, None);
    ada.update(ada.head(id, 3), Some("three"), None);
    assert_eq!(
        texts(&ada, id, 0..=4),
        [
            (1, "title 1".to_owned(), Some("one".to_owned())),
            (2, "title 2".to_owned(), Some("one".to_owned())),
            (3, "title 3".to_owned(), Some("three".to_owned())),
        ]
    );
    assert!(texts(&ada, new_id(), [1]).is_empty());
}

pub fn the_text_behind_a_yjs_update_is_not_guessed(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    ada.write(ada.created(id, "one")).unwrap();
    ada.update(ada.head(id, 2), Some("two"), Some(b"with text"));
    ada.update(ada.head(id, 3), None, Some(b"without"));
    ada.update(ada.head(id, 4), None, None);
    ada.update(ada.head(id, 5), Some("five"), Some(b"with text"));
    let contents: Vec<_> = texts(&ada, id, 1..=5).into_iter().map(|(_, _, content)| content).collect();
    assert_eq!(contents, [Some("one"), Some("two"), None, None, Some("five")].map(|text| text.map(str::to_owned)));
}

pub fn an_earlier_document_of_the_same_id_is_not_its_history(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    let mut head = ada.head(id, 1);
    head.state_vector = some_state();
    ada.write(ada.step(HeadWrite::Insert, head, OperationKind::Create, Some("old"), Some(b"old"))).unwrap();
    let mut head = ada.head(id, 2);
    (head.deleted_at, head.content_version) = (Some(NOW), 1);
    let write = HeadWrite::Replace { expected_version: 1 };
    ada.write(ada.step(write, head, OperationKind::Delete, None, None)).unwrap();
    let deleted = ada.store.find_document(ada.workspace_id, id).unwrap().unwrap();
    assert_eq!((deleted.content, deleted.head.title), (None, "title 2".to_owned()));

    let mut head = ada.head(id, 3);
    (head.epoch, head.content_version, head.state_vector) = (3, 3, some_state());
    head.content_digest = None;
    let write = HeadWrite::Replace { expected_version: 2 };
    ada.write(ada.step(write, head, OperationKind::Create, None, Some(b"new"))).unwrap();
    assert_eq!(texts(&ada, id, 1..=3), [(3, "title 3".to_owned(), None)]);
    let anew = ada.store.find_document(ada.workspace_id, id).unwrap().unwrap();
    assert_eq!((anew.content, anew.yjs_parts), (None, vec![b"new".to_vec()]));
    // The history of the id goes on: an overwritten text can always be got back.
    let old = ada.store.find_version(ada.workspace_id, id, 1).unwrap().unwrap();
    assert_eq!(old.content.as_deref(), Some("old"));
    let new = ada.store.find_version(ada.workspace_id, id, 3).unwrap().unwrap();
    assert_eq!((new.content, new.yjs_parts), (None, vec![b"new".to_vec()]));
}

pub fn yjs_parts_are_the_updates_since_the_creation(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    ada.write(ada.created(id, "plain")).unwrap();
    for (version, bytes) in [(2, b"a"), (3, b"b"), (4, b"c")] {
        let mut head = ada.head(id, version);
        (head.state_vector, head.content_version) = (some_state(), 1);
        ada.update(head, None, Some(bytes));
    }
    let stored = ada.store.find_document(ada.workspace_id, id).unwrap().unwrap();
    assert_eq!(stored.yjs_parts, [b"a", b"b", b"c"].map(|part| part.to_vec()));
    assert_eq!(stored.content.as_deref(), Some("plain"));
    let third = ada.store.find_version(ada.workspace_id, id, 3).unwrap().unwrap();
    assert_eq!(third.yjs_parts, [b"a", b"b"].map(|part| part.to_vec()));
}

pub fn listings_page_by_id(database: &Database) {
    let ada = database.with_user();
    let ids: Vec<_> = (1..=5).map(|number| DocumentId(Uuid::from_u128(number << 100))).collect();
    for (number, id) in ids.iter().enumerate() {
        let mut head = ada.head(*id, 1);
        head.title = ["Änderung", "ändern", "a_b", "a%b", "gone"][number].to_owned();
        head.deleted_at = (number == 4).then_some(NOW);
        ada.write(ada.step(HeadWrite::Insert, head, OperationKind::Create, Some(""), None)).unwrap();
    }
    let list = |query: ListQuery| -> Vec<DocumentId> {
        let listed: Vec<ListedDocument> = ada.store.list_documents(ada.workspace_id, &query).unwrap();
        assert!(listed.iter().all(|document| document.updated_by_name == "ada"));
        listed.iter().map(|document| document.head.document_id).collect()
    };
    let all = ListQuery { limit: 100, ..ListQuery::default() };
    assert_eq!(list(all.clone()), ids[..4]);
    assert_eq!(list(ListQuery { include_deleted: true, ..all.clone() }), ids);
    assert_eq!(list(ListQuery { after: Some(ids[1]), limit: 1, ..all.clone() }), ids[2..3]);
    for (prefix, expected) in
        [("Änd", &ids[..1]), ("änd", &ids[1..2]), ("a_", &ids[2..3]), ("a%", &ids[3..4]), ("", &ids[..4])]
    {
        assert_eq!(list(ListQuery { title_prefix: Some(prefix.to_owned()), ..all.clone() }), expected, "{prefix}");
    }
}

pub fn versions_are_listed_newest_first(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    ada.write(ada.created(id, "one")).unwrap();
    for version in 2..=5 {
        ada.update(ada.head(id, version), None, Some(b"bytes"));
    }
    let versions = |before, limit| -> Vec<Version> {
        let entries = ada.store.list_versions(ada.workspace_id, id, before, limit).unwrap();
        entries.iter().map(|entry| entry.version).collect()
    };
    assert_eq!(versions(None, 3), [5, 4, 3]);
    assert_eq!(versions(Some(3), 3), [2, 1]);
    assert!(versions(Some(1), 3).is_empty());
    let first = ada.store.list_versions(ada.workspace_id, id, Some(2), 1).unwrap().remove(0);
    assert_eq!((first.kind, first.has_content, first.has_yjs), (OperationKind::Create, true, false));
    assert_eq!((first.author.as_str(), first.device_id.as_deref(), first.created_at), ("ada", Some("laptop"), NOW));
    assert_eq!((first.title.as_str(), first.client_id), ("title 1", format!("op {id} 1")));
}

pub fn a_version_is_found_with_what_its_text_is_made_of(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    ada.write(ada.created(id, "one")).unwrap();
    ada.update(ada.head(id, 2), None, None);
    let mut head = ada.head(id, 3);
    head.deleted_at = Some(NOW);
    let write = HeadWrite::Replace { expected_version: 2 };
    ada.write(ada.step(write, head, OperationKind::Delete, None, None)).unwrap();
    let found = |version| ada.store.find_version(ada.workspace_id, id, version).unwrap();
    assert_eq!(found(2).unwrap().content.as_deref(), Some("one"));
    let deletion = found(3).unwrap();
    assert_eq!((deletion.entry.kind, deletion.content, deletion.yjs_parts.len()), (OperationKind::Delete, None, 0));
    assert!(found(0).is_none() && found(4).is_none());
}

pub fn long_texts_survive_compression(database: &Database) {
    let ada = database.with_user();
    for text in ["x".repeat(3 * 1024 * 1024), "é\u{1F600}\n".repeat(40_000)] {
        let id = new_id();
        ada.write(ada.created(id, &text)).unwrap();
        let stored = ada.store.find_document(ada.workspace_id, id).unwrap().unwrap();
        assert!(stored.content.as_deref() == Some(&text));
        assert!(texts(&ada, id, [1])[0].2.as_deref() == Some(&text));
    }
}

pub fn documents_are_loaded_alike_inside_and_outside_a_batch(database: &Database) {
    let ada = database.with_user();
    let (plain, yjs, gone, snapshot, rendered) = (new_id(), new_id(), new_id(), new_id(), new_id());
    ada.write(ada.created(plain, "plain")).unwrap();
    for id in [yjs, gone, snapshot, rendered] {
        let mut head = ada.head(id, 1);
        (head.state_vector, head.content_digest) = (some_state(), None);
        ada.write(ada.step(HeadWrite::Insert, head.clone(), OperationKind::Create, None, Some(b"first"))).unwrap();
        if id == snapshot {
            ada.store.swap_snapshot(ada.workspace_id, id, (1, 1), b"snapshot".to_vec()).unwrap();
        }
        head.version = 2;
        head.deleted_at = (id == gone).then_some(NOW);
        ada.update(head, None, Some(b"second"));
    }
    ada.store.save_rendering(ada.workspace_id, rendered, 1, "derived").unwrap();
    ada.store.mark_damaged(ada.workspace_id, yjs, 2).unwrap();
    let mut ids = vec![plain, yjs, gone, snapshot, rendered];
    ids.sort();
    let wanted = ids.clone();
    let inside = ada.store.run_batch(ada.scope(), move |batch| {
        batch.write(&WriteSet::default())?;
        Ok((batch.load_documents(&wanted, usize::MAX)?, End::Rollback))
    });
    let mut inside = inside.unwrap();
    inside.sort_by_key(|document| document.head.document_id);
    let outside: Vec<_> =
        ids.iter().map(|id| ada.store.find_document(ada.workspace_id, *id).unwrap().unwrap()).collect();
    assert_eq!(inside, outside);
    let parts =
        |id: DocumentId| outside.iter().find(|document| document.head.document_id == id).unwrap().yjs_parts.clone();
    assert_eq!(parts(snapshot), [b"snapshot".to_vec(), b"second".to_vec()]);
    assert_eq!(parts(yjs), [b"first".to_vec(), b"second".to_vec()]);
    assert!(parts(plain).is_empty());
}
