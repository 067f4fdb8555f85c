//! Databases that were put back, copied, or taken away under a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use landfall::domain::ids::WorkspaceId;
use landfall::domain::timestamp::Timestamp;
use landfall::store::feed::FeedState;
use landfall::store::{DatabaseUrl, Store, StoreConfig, StoreError};
use uuid::Uuid;

use crate::postgres_server::PostgresDatabase;
use crate::support::{Author, Database, NOW, new_id};

fn feed_of(author: &Author) -> FeedState {
    author.store.find_feed_state(author.workspace_id).unwrap().unwrap()
}

pub fn a_new_life_has_another_generation_and_higher_versions(database: &Database) {
    let ada = database.with_user();
    ada.write(ada.created(new_id(), "one")).unwrap();
    let before = feed_of(&ada);
    assert_eq!(before.version_floor, 0);
    let life = ada.store.begin_new_life(NOW).unwrap();
    let after = feed_of(&ada);
    assert_eq!((after.head_sequence, after.version_floor), (before.head_sequence, life.version_floor));
    assert!(life.version_floor > 1_000_000 && after.key != before.key);
    // A workspace made afterwards is of the same life: one that was lost may be made anew under its old id.
    let workspace_id = WorkspaceId(Uuid::new_v4());
    ada.store.create_workspace(ada.user_id, workspace_id, "anew".to_owned(), NOW).unwrap();
    assert_eq!(ada.store.find_feed_state(workspace_id).unwrap().unwrap().version_floor, life.version_floor);
    // However soon another one begins, and whatever the clock says.
    let again = ada.store.begin_new_life(Timestamp(0)).unwrap();
    assert!(again.version_floor > life.version_floor && again.generation != life.generation);
    assert_eq!(again, ada.store.find_life().unwrap());
}

pub fn a_restart_is_no_new_life(database: &Database) {
    let life = database.open().find_life().unwrap();
    for _ in 0..3 {
        let again = database.open().find_life().unwrap();
        assert_eq!((again.number, again.generation), (life.number, life.generation));
    }
}

fn open(path: &Path) -> Arc<Store> {
    let url = DatabaseUrl::Sqlite(path.to_owned());
    Arc::new(Store::open(&url, &StoreConfig::default()).unwrap())
}

/// The number of the life that a file is in when it is opened.
fn life_of(path: &Path) -> i64 {
    open(path).find_life().unwrap().number
}

fn in_a_directory(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    (directory, path)
}

#[test]
fn a_copied_file_begins_a_new_life() {
    let (directory, path) = in_a_directory("a.db");
    assert_eq!((life_of(&path), life_of(&path)), (1, 1));
    let copy = directory.path().join("b.db");
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!((life_of(&copy), life_of(&copy)), (2, 2), "once");
    // The markers are copied as well.
    let other = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), other.path().join(entry.file_name())).unwrap();
    }
    assert_eq!(life_of(&other.path().join("a.db")), 2);
    assert_eq!(life_of(&path), 1, "the original goes on");
}

#[test]
fn a_file_that_only_moved_goes_on() {
    let (directory, path) = in_a_directory("a.db");
    assert_eq!(life_of(&path), 1);
    let moved = directory.path().join("b.db");
    std::fs::rename(&path, &moved).unwrap();
    assert_eq!(life_of(&moved), 1);
    let elsewhere = tempfile::tempdir_in(directory.path().parent().unwrap()).unwrap();
    let place = elsewhere.path().join("data");
    std::fs::rename(directory.path(), &place).unwrap();
    assert_eq!(life_of(&place.join("b.db")), 1);
}

#[test]
fn an_older_content_in_the_same_file_begins_a_new_life() {
    let (directory, path) = in_a_directory("a.db");
    assert_eq!(life_of(&path), 1);
    let backup = std::fs::read(&path).unwrap();
    let marker = |directory: &Path| -> PathBuf {
        let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let mut markers = names.filter(|path| path.to_string_lossy().contains(".mark-"));
        let marker = markers.next().unwrap();
        assert_eq!(markers.next(), None);
        marker
    };
    let marked = marker(directory.path());
    assert_eq!(life_of(&path), 1);
    assert_ne!(marker(directory.path()), marked);
    // As `cp` does it: the same inode. The marker may come back with it.
    std::fs::write(&path, &backup).unwrap();
    std::fs::write(&marked, "").unwrap();
    assert_eq!((life_of(&path), life_of(&path)), (2, 2));
    std::fs::write(&path, &backup).unwrap();
    assert_eq!((life_of(&path), life_of(&path)), (2, 2), "another second life");
    // What is newer than its marker, as after a crash between the two, is itself.
    std::fs::remove_file(marker(directory.path())).unwrap();
    assert_eq!(life_of(&path), 2);
}

#[test]
fn nothing_is_acknowledged_into_a_file_that_is_gone() {
    let (directory, path) = in_a_directory("a.db");
    let store = open(&path);
    let ada = Author::register(&store, "ada");
    let is_refused = || {
        let written = ada.write(ada.created(new_id(), "lost"));
        matches!(written, Err(StoreError::Unavailable(_)))
            && matches!(store.ping(), Err(StoreError::Unavailable(reason)) if reason.contains("was removed or replaced"))
    };
    let [wal, aside] = ["a.db-wal", "aside"].map(|name| directory.path().join(name));
    for taken in [&path, &wal] {
        ada.write(ada.created(new_id(), "kept")).unwrap();
        std::fs::rename(taken, &aside).unwrap();
        assert!(is_refused());
        assert!(!taken.exists(), "no empty database in its place");
        std::fs::copy(&aside, taken).unwrap();
        assert!(is_refused());
        std::fs::rename(&aside, taken).unwrap();
        ada.write(ada.created(new_id(), "kept")).unwrap();
    }
    std::fs::remove_file(&path).unwrap();
    assert!(is_refused());
    assert_eq!(store.list_changes(ada.workspace_id, 0, 100).unwrap().len(), 4);
}

#[test]
fn a_database_made_anew_from_another_begins_a_new_life() {
    let database = PostgresDatabase::create();
    let open = |url: &str| Store::open(&DatabaseUrl::parse(url).unwrap(), &StoreConfig::default()).unwrap();
    let life = |url: &str| open(url).find_life().unwrap().number;
    assert_eq!((life(database.url()), life(database.url())), (1, 1));
    let copy = PostgresDatabase::copy_of(&database);
    assert_eq!((life(copy.url()), life(copy.url())), (2, 2), "once");
}
