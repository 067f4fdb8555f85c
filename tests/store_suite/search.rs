//! The search index: what is put in is found, in steps that nobody takes twice.

use landfall::domain::document::HeadWrite;
use landfall::domain::ids::DocumentId;
use landfall::domain::operation::OperationKind;
use landfall::domain::search::FORM;
use landfall::domain::search::query::Query;
use landfall::domain::search::terms::Terms;
use landfall::domain::timestamp::Timestamp;
use landfall::store::search::{Indexed, Lookup, Progress, Step, Tier};

use crate::support::{Author, Database, NOW, new_id};

fn indexed(document_id: DocumentId, sequence: i64, title: &str, text: &str) -> Indexed {
    Indexed { document_id, sequence, terms: Some(Terms::of(title, text)) }
}

/// What a query proposes, best first.
fn proposed(author: &Author, query: &str) -> Vec<DocumentId> {
    let lookup = Lookup::from(&Query::parse(query));
    let of_tier = |tier| author.store.find_candidates(author.workspace_id, &lookup, tier, i64::MAX, 100).unwrap();
    Tier::ALL.into_iter().flat_map(of_tier).map(|candidate| candidate.document_id).collect()
}

fn at(sequence: i64) -> Option<Progress> {
    Some(Progress { sequence, form: FORM })
}

pub fn what_is_indexed_is_proposed_by_tier_and_time(database: &Database) {
    let ada = database.with_user();
    let ids: Vec<DocumentId> = (0..5).map(|_| new_id()).collect();
    let documents = [
        indexed(ids[0], 1, "bread butter", "one"),
        indexed(ids[1], 2, "bread", "butter"),
        indexed(ids[2], 3, "", "bread butter"),
        indexed(ids[3], 4, "", "butter bread 東京都"),
        indexed(ids[4], 5, "", "breadth"),
    ];
    assert_eq!(ada.store.index_documents(ada.workspace_id, None, 5, &documents).unwrap(), Step::Taken);
    assert_eq!(proposed(&ada, "bread butter"), [ids[0], ids[1], ids[3], ids[2]]);
    assert_eq!(proposed(&ada, "\"bread\" -one"), [ids[1], ids[3], ids[2]]);
    assert_eq!(proposed(&ada, "brea"), [ids[1], ids[0], ids[4], ids[3], ids[2]]);
    assert_eq!(proposed(&ada, "東京"), [ids[3]]);
    assert_eq!(proposed(&ada, "都"), [ids[3]]);
    assert_eq!(proposed(&ada, "-bread"), []);
    let lookup = Lookup::from(&Query::parse("butter"));
    let earlier = ada.store.find_candidates(ada.workspace_id, &lookup, Tier::Text, 4, 1).unwrap();
    assert_eq!(earlier.iter().map(|one| (one.document_id, one.sequence)).collect::<Vec<_>>(), [(ids[2], 3)]);
    // Changed: it is found anew, and comes first.
    let changed = [indexed(ids[2], 6, "", "butter 東"), Indexed { document_id: ids[3], sequence: 7, terms: None }];
    assert_eq!(ada.store.index_documents(ada.workspace_id, at(5), 7, &changed).unwrap(), Step::Taken);
    assert_eq!(proposed(&ada, "butter"), [ids[0], ids[2], ids[1]]);
    assert_eq!(proposed(&ada, "東"), [ids[2]]);
    // Another workspace has none of it.
    let grace = Author::register(&ada.store, "grace");
    assert_eq!(proposed(&grace, "butter"), []);
    ada.store.clear_search_index().unwrap();
    assert_eq!((proposed(&ada, "butter"), ada.store.find_search_progress(ada.workspace_id).unwrap()), (vec![], None));
}

pub fn a_step_is_taken_once(database: &Database) {
    let ada = database.with_user();
    let (one, other) = (new_id(), new_id());
    let step = |from, to, id| ada.store.index_documents(ada.workspace_id, from, to, &[indexed(id, to, "", "bread")]);
    assert_eq!(step(at(3), 4, one).unwrap(), Step::Moved);
    assert_eq!(step(None, 1, one).unwrap(), Step::Taken);
    assert_eq!(step(None, 1, other).unwrap(), Step::Moved);
    assert_eq!(step(at(1), 2, one).unwrap(), Step::Taken);
    assert_eq!(step(at(1), 2, other).unwrap(), Step::Moved);
    assert_eq!(step(Some(Progress { sequence: 2, form: FORM + 1 }), 3, other).unwrap(), Step::Moved);
    assert_eq!(proposed(&ada, "bread"), [one]);
    assert_eq!(ada.store.find_search_progress(ada.workspace_id).unwrap(), at(2));
    // Two at once: one of them.
    std::thread::scope(|scope| {
        let steps: Vec<_> = [one, other].map(|id| scope.spawn(move || step(at(2), 3, id).unwrap())).into();
        let taken: Vec<Step> = steps.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(taken.iter().filter(|step| **step == Step::Taken).count(), 1, "{taken:?}");
    });
    // A workspace that is gone takes none.
    ada.store.delete_workspace(ada.workspace_id, None, NOW).unwrap();
    assert_eq!(step(at(3), 4, other).unwrap(), Step::Moved);
    while ada.store.erase_slice(ada.workspace_id).unwrap().more {}
    assert_eq!(ada.store.find_search_progress(ada.workspace_id).unwrap(), None);
}

pub fn workspaces_that_are_behind_are_found(database: &Database) {
    let ada = database.with_user();
    let grace = Author::register(&ada.store, "grace");
    assert_eq!(ada.store.find_unindexed(None, 10).unwrap(), []);
    let id = new_id();
    ada.write(ada.created(id, "bread")).unwrap();
    grace.write(grace.created(new_id(), "butter")).unwrap();
    let mut behind = ada.store.find_unindexed(None, 10).unwrap();
    assert_eq!(behind.len(), 2);
    assert_eq!(ada.store.find_unindexed(Some(behind[0]), 10).unwrap(), [behind[1]]);
    ada.store.index_documents(ada.workspace_id, None, 1, &[indexed(id, 1, "", "bread")]).unwrap();
    behind.retain(|workspace| *workspace != ada.workspace_id);
    assert_eq!(ada.store.find_unindexed(None, 10).unwrap(), behind);
    // Terms of another form are none.
    database.execute("UPDATE search_progress SET form = form + 1");
    assert_eq!(ada.store.find_unindexed(None, 10).unwrap().len(), 2);
}

/// As long as the index is behind, a tombstone may be purged that it has not seen.
pub fn a_purged_document_leaves_the_index(database: &Database) {
    let ada = database.with_user();
    let id = new_id();
    ada.write(ada.created(id, "bread")).unwrap();
    ada.store.index_documents(ada.workspace_id, None, 1, &[indexed(id, 1, "", "bread")]).unwrap();
    let mut gone = ada.head(id, 2);
    gone.deleted_at = Some(NOW);
    let write = HeadWrite::Replace { expected_version: 1 };
    ada.write(ada.step(write, gone, OperationKind::Delete, None, None)).unwrap();
    assert_eq!(proposed(&ada, "bread"), [id]);
    ada.store.purge_tombstones(ada.workspace_id, Timestamp(NOW.0 + 1)).unwrap();
    assert_eq!(proposed(&ada, "bread"), []);
}
