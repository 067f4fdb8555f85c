//! The schema's steps, and several servers on one database.

use landfall::store::migrations::{migrate, revert_all};
use landfall::store::{Store, StoreConfig, StoreError};

use crate::support::{Author, Database, new_id};

pub fn the_schema_goes_up_down_and_up_again(database: &Database) {
    let url = database.url();
    let up = migrate(&url).unwrap().steps;
    assert!(!up.is_empty());
    assert!(migrate(&url).unwrap().steps.is_empty());
    let down: Vec<_> = revert_all(&url).unwrap().steps.into_iter().rev().collect();
    assert_eq!(down, up);
    assert_eq!(migrate(&url).unwrap().steps, up);
    let ada = database.with_user();
    ada.write(ada.created(new_id(), "one")).unwrap();
}

/// A step that a later program took.
pub fn a_newer_schema_is_refused(database: &Database) {
    let url = database.url();
    let steps = migrate(&url).unwrap().steps;
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99999999999999')");
    for refused in [migrate(&url).map(drop), Store::open(&url, &StoreConfig::default()).map(drop)] {
        let Err(StoreError::Open(reason)) = refused else { panic!("opened a newer schema") };
        assert!(reason.contains("made by a newer landfall") && reason.contains("99999999999999"), "{reason}");
        assert_eq!(reason.lines().count(), 1);
    }
    database.execute("DELETE FROM __diesel_schema_migrations WHERE version = '99999999999999'");
    assert!(!steps.is_empty() && migrate(&url).unwrap().steps.is_empty());
}

/// A database as the program before made it, with documents in it, comes out of the step with the same documents.
#[test]
fn documents_are_the_same_once_their_rows_are_appended() {
    let database = Database::sqlite();
    let ada = database.with_user();
    for number in 0..300 {
        ada.write(ada.created(new_id(), &format!("text {number}"))).unwrap();
    }
    let before = ada.store.list_changes(ada.workspace_id, 0, 1_000).unwrap();
    database.execute(include_str!("../../migrations/sqlite/00000000000008_appended_documents/down.sql"));
    database.execute("DELETE FROM __diesel_schema_migrations WHERE version = '00000000000008'");
    assert_eq!(migrate(&database.url()).unwrap().steps.len(), 1);
    let store = Store::open(&database.url(), &StoreConfig::default()).unwrap();
    let ada = Author { store: std::sync::Arc::new(store), ..ada };
    assert_eq!(ada.store.list_changes(ada.workspace_id, 0, 1_000).unwrap(), before);
    ada.write(ada.created(new_id(), "one more")).unwrap();
    assert_eq!(ada.store.list_changes(ada.workspace_id, 0, 1_000).unwrap().len(), before.len() + 1);
}

pub fn two_stores_open_and_write_at_once(database: &Database) {
    let url = database.url();
    let stores: Vec<_> = std::thread::scope(|scope| {
        let open = || std::sync::Arc::new(Store::open(&url, &StoreConfig::default()).unwrap());
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let ada = Author::register(&stores[0], "ada");
    std::thread::scope(|scope| {
        for store in &stores {
            let author = Author { store: std::sync::Arc::clone(store), ..ada.clone() };
            scope.spawn(move || {
                for _ in 0..8 {
                    author.write(author.created(new_id(), "one")).unwrap();
                }
            });
        }
    });
    let sequences: Vec<i64> =
        ada.store.list_changes(ada.workspace_id, 0, 100).unwrap().iter().map(|change| change.sequence).collect();
    assert_eq!(sequences, (1..=24).collect::<Vec<i64>>());
}
