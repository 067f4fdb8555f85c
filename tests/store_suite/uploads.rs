//! Uploads as they are stored: what time, deletions and other lives of the database do to them.

use std::time::{Duration, Instant};

use landfall::domain::access::Role;
use landfall::domain::ids::UploadId;
use landfall::domain::operation::digest_of;
use landfall::domain::upload::{Upload, UploadKey, UploadLimits, UploadRefusal, UploadState};
use landfall::store::StoreError;
use landfall::store::uploads::NewOperation;
use uuid::Uuid;

use crate::support::{Author, Database, NOW, new_id};

const LIMITS: UploadLimits = UploadLimits {
    max_operations: 2_000,
    max_bytes: 1 << 20,
    max_open: 3,
    max_workspace_bytes: 1 << 21,
    retention_s: 60,
};

fn key(author: &Author) -> UploadKey {
    let Author { workspace_id, user_id, .. } = *author;
    UploadKey { workspace_id, user_id, upload_id: UploadId(Uuid::new_v4()) }
}

fn operations(names: std::ops::Range<usize>) -> Vec<NewOperation> {
    let of = |name: usize| {
        let body = format!(r#"{{"client_id":"op_{name}"}}"#);
        NewOperation { client_id: format!("op_{name}"), digest: digest_of(&body), body }
    };
    names.map(of).collect()
}

fn stage(author: &Author, key: UploadKey, names: std::ops::Range<usize>) -> Result<Upload, UploadRefusal> {
    let times = (NOW, Instant::now() + Duration::from_secs(30));
    author.store.stage(key, 0, &operations(names), LIMITS, times).unwrap()
}

fn staged(author: &Author, key: UploadKey) -> Vec<String> {
    let read = author.store.read_upload(key).unwrap();
    read.map_or_else(Vec::new, |(_, operations)| operations.into_iter().map(|one| one.client_id).collect())
}

/// More than one statement takes, and more than one slice removes.
pub fn a_dropped_upload_is_removed_in_slices(database: &Database) {
    let ada = database.with_user();
    let key = key(&ada);
    let upload = stage(&ada, key, 0..1_200).unwrap();
    assert_eq!((upload.size.operations, upload.revision), (1_200, 1));
    assert_eq!(stage(&ada, key, 600..1_200).unwrap(), upload, "what is there already changes nothing");
    let expected: Vec<String> = (0..1_200).map(|name| format!("op_{name}")).collect();
    assert_eq!(staged(&ada, key), expected);
    assert_eq!(ada.store.clear_upload(key).unwrap().removed, 0, "it is open");
    assert!(ada.store.drop_upload(key, NOW).unwrap());
    assert!(!ada.store.drop_upload(key, NOW).unwrap());
    let mut slices = Vec::new();
    loop {
        let slice = ada.store.clear_upload(key).unwrap();
        if !slice.more {
            break;
        }
        slices.push(slice.removed);
    }
    assert_eq!(slices, [500, 500, 200]);
    let upload = ada.store.find_upload(key).unwrap().unwrap();
    assert_eq!((upload.state, upload.size.operations), (UploadState::Dropped, 0));
    assert_eq!(stage(&ada, key, 0..1), Err(UploadRefusal::Dropped));
}

pub fn time_drops_uploads_and_then_forgets_them(database: &Database) {
    let ada = database.with_user();
    let (old, young) = (key(&ada), key(&ada));
    stage(&ada, old, 0..600).unwrap();
    let purge = |seconds: i64| {
        let mut removed = 0;
        loop {
            let slice = ada.store.purge_uploads(ada.workspace_id, LIMITS, NOW.plus_seconds(seconds)).unwrap();
            removed += slice.removed;
            if !slice.more {
                return removed;
            }
        }
    };
    assert_eq!((purge(60), staged(&ada, old).len()), (0, 600));
    let times = (NOW.plus_seconds(50), Instant::now() + Duration::from_secs(30));
    ada.store.stage(young, 0, &operations(0..1), LIMITS, times).unwrap().unwrap();
    assert_eq!(purge(61), 601, "the upload, and what is staged");
    assert_eq!((staged(&ada, old).len(), staged(&ada, young).len()), (0, 1));
    assert_eq!(stage(&ada, old, 0..1), Err(UploadRefusal::Dropped), "it is remembered");
    assert_eq!(purge(61 + 30 * 60), 2);
    assert_eq!(purge(62 + 30 * 60), 1);
    assert!(ada.store.find_upload(old).unwrap().is_none());
}

/// Parts that were staged after the backup are missing.
pub fn another_life_drops_open_uploads(database: &Database) {
    let ada = database.with_user();
    let key = key(&ada);
    stage(&ada, key, 0..3).unwrap();
    ada.store.begin_new_life(NOW).unwrap();
    assert_eq!(ada.store.find_upload(key).unwrap().unwrap().state, UploadState::Dropped);
    assert_eq!(stage(&ada, key, 3..6), Err(UploadRefusal::Dropped));
}

pub fn a_workspace_and_a_user_take_their_uploads_with_them(database: &Database) {
    let ada = database.with_user();
    let bob = Author::register(&ada.store, "bob");
    ada.store.put_member(ada.workspace_id, "bob".to_owned(), Role::Editor, NOW).unwrap();
    let guest = Author { workspace_id: ada.workspace_id, ..bob.clone() };
    let (of_guest, of_bob, of_ada) = (key(&guest), key(&bob), key(&ada));
    stage(&guest, of_guest, 0..3).unwrap();
    stage(&bob, of_bob, 0..3).unwrap();
    stage(&ada, of_ada, 0..700).unwrap();
    ada.write(ada.created(new_id(), "one")).unwrap();
    ada.store.delete_user(bob.user_id, "bob".to_owned(), NOW).unwrap();
    for gone in [of_guest, of_bob] {
        assert!(ada.store.find_upload(gone).unwrap().is_none() && staged(&ada, gone).is_empty());
    }
    ada.store.delete_workspace(ada.workspace_id, None, NOW).unwrap();
    while ada.store.erase_slice(ada.workspace_id).unwrap().more {}
    assert!(ada.store.find_upload(of_ada).unwrap().is_none() && staged(&ada, of_ada).is_empty());
    let traces = ada.store.count_traces(ada.user_id).unwrap();
    assert!(traces.iter().all(|(table, rows)| *rows == 0 || ["users", "sessions"].contains(table)), "{traces:?}");
}

pub fn what_cannot_be_read_is_found(database: &Database) {
    let ada = database.with_user();
    let (key, other) = (key(&ada), key(&ada));
    stage(&ada, key, 0..250).unwrap();
    stage(&ada, other, 300..303).unwrap();
    // Bytes that are none of ours, and a text that was another one.
    let (damage, flipped) = match database {
        Database::Sqlite(_) => ("x'07'", "x'007b7d'"),
        Database::Postgres(_) => (r"'\x07'", r"'\x007b7d'"),
    };
    database.execute(&format!("UPDATE staged_operations SET body = {damage} WHERE client_id = 'op_1'"));
    database.execute(&format!("UPDATE staged_operations SET body = {flipped} WHERE client_id = 'op_3'"));
    let unreadable = |upload: UploadKey| {
        let (mut read, mut found) = (0, Vec::new());
        let raw = ada.store.read_raw_upload(upload, |operation| {
            read += 1;
            if operation.body.is_err() {
                found.push(operation.client_id);
            }
        });
        (read, found, raw.unwrap().unwrap())
    };
    let (read, found, raw) = unreadable(key);
    assert_eq!((read, found), (250, vec!["op_1".to_owned(), "op_3".to_owned()]));
    assert!(raw.is_whole.is_ok() && raw.answer.is_none());
    assert!(matches!(ada.store.read_upload(key), Err(StoreError::Corrupt(_))));
    // Of the other one a row is gone: the rest must not be applied alone.
    assert!(ada.store.read_upload(other).unwrap().is_some());
    database.execute("DELETE FROM staged_operations WHERE client_id = 'op_302'");
    let (_, found, raw) = unreadable(other);
    assert!(found.is_empty() && matches!(raw.is_whole, Err(StoreError::Corrupt(_))));
    assert!(matches!(ada.store.read_upload(other), Err(StoreError::Corrupt(_))));
    // An upload that goes on meanwhile is left.
    assert!(!ada.store.end_damaged_upload(key, raw.revision + 7, NOW).unwrap());
    assert!(ada.store.end_damaged_upload(key, unreadable(key).2.revision, NOW).unwrap());
    assert_eq!(stage(&ada, key, 0..1), Err(UploadRefusal::Dropped));
    assert_eq!((staged(&ada, key).len(), ada.store.list_uploads(ada.workspace_id).unwrap().len()), (0, 2));
}
