//! The schema's steps, and several servers on one database.

use std::fs;
use std::path::Path;

use landfall::domain::ids::{DocumentId, UserId, WorkspaceId};
use landfall::domain::timestamp::Timestamp;
use landfall::store::migrations::{migrate, revert_all};
use landfall::store::sessions::Rotation;
use landfall::store::{DatabaseUrl, Store, StoreConfig, StoreError, distribution};
use uuid::Uuid;

use crate::support::{Author, Database, new_id};

/// A database without tables, also where it is the copy of one that has them.
fn empty(database: &Database) -> DatabaseUrl {
    let url = database.url();
    revert_all(&url).unwrap();
    url
}

pub fn the_schema_goes_up_down_and_up_again(database: &Database) {
    let url = empty(database);
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
    let url = empty(database);
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

/// The schema as it was before a step, with the list of the steps that were taken.
fn migrate_up_to(database: &Database, step: &str) {
    empty(database);
    let folder = match database {
        Database::Sqlite(_) => "sqlite",
        Database::Postgres(_) => "postgres",
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
    let mut steps: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    steps.sort();
    database.execute(
        "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
         run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
    );
    for path in steps {
        let version = path.file_name().unwrap().to_str().unwrap().split('_').next().unwrap().to_owned();
        if version.as_str() < step {
            database.execute(&fs::read_to_string(path.join("up.sql")).unwrap());
            database.execute(&format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')"));
        }
    }
}

/// A database as it was before there were sessions, quotas and invitations: nobody is logged out, all is counted, and each
/// workspace has somebody who answers for it.
pub fn old_rows_come_through_the_step_of_people(database: &Database) {
    migrate_up_to(database, "00000000000007");
    let is_sqlite = matches!(database, Database::Sqlite(_));
    let id = |number: u128| match is_sqlite {
        true => format!("x'{number:032x}'"),
        false => format!("'{}'", Uuid::from_u128(number)),
    };
    let blob = |hex: &str| if is_sqlite { format!("x'{hex}'") } else { format!(r"'\x{hex}'::bytea") };
    let hash = |byte: &str| blob(&byte.repeat(32));
    let (ada, bob, home, shared) = (id(1), id(2), id(11), id(12));
    let insert = |table: &str, rows: String| database.execute(&format!("INSERT INTO {table} VALUES {rows}"));
    insert(
        "users (user_id, username, password_hash, created_at)",
        format!("({ada}, 'ada', NULL, 1), ({bob}, 'bob', NULL, 2)"),
    );
    insert("workspaces (workspace_id, name, created_at)", format!("({home}, 'Home', 1), ({shared}, 'Shared', 2)"));
    // Two owners: the first one answers for it.
    insert("members", format!("({home}, {ada}, 2, 1), ({shared}, {ada}, 2, 9), ({shared}, {bob}, 2, 2)"));
    insert(
        "refresh_tokens (token_hash, family_id, user_id, created_at, expires_at, used_at, revoked_at)",
        format!(
            "({}, {}, {ada}, 10, 900, 20, NULL), ({}, {}, {ada}, 20, 900, NULL, NULL), ({}, {}, {ada}, 30, 900, NULL, 40)",
            hash("a1"),
            id(21),
            hash("a2"),
            id(21),
            hash("b1"),
            id(22),
        ),
    );
    let document = |number: u128, sequence: i64, deleted_at: &str| {
        let (document, digest, none) = (id(number), blob(&"07".repeat(16)), blob(""));
        insert(
            "documents (workspace_id, document_id, version, sequence, title, created_at, updated_at, updated_by, deleted_at, \
             epoch, content_version, content_digest, yjs_roots, snapshot_bytes, log_bytes, log_rows)",
            format!(
                "({home}, {document}, 1, {sequence}, 'T', 1, 1, {ada}, {deleted_at}, 1, 1, {digest}, {none}, 0, 0, 0)"
            ),
        );
        insert(
            "document_log (workspace_id, document_id, version, kind, title, user_id, client_id, created_at, content, yjs_update)",
            format!("({home}, {document}, 1, 0, 'T', {ada}, 'c', 1, {}, {})", blob("006f6e65"), blob("0000")),
        );
    };
    document(31, 1, "NULL");
    document(32, 2, "5");
    insert(
        "document_bodies (workspace_id, document_id, yjs_version, content_version, yjs_snapshot, content)",
        format!("({home}, {}, 1, 1, {}, {})", id(31), blob("0000"), blob("00")),
    );
    assert!(!migrate(&database.url()).unwrap().steps.is_empty());
    let store = database.open();
    let (ada, home) = (UserId(Uuid::from_u128(1)), WorkspaceId(Uuid::from_u128(11)));
    // The token that had not been used is good for one exchange; the others for nothing.
    let bytes = |byte: u8| [byte; 32];
    let rotate =
        |hash: u8| store.rotate_session(bytes(hash), bytes(hash), bytes(hash + 1), Timestamp(50), Timestamp(999));
    let session_id = Uuid::from_u128(21);
    assert_eq!(rotate(0xa2).unwrap(), Rotation::Rotated { user_id: ada, session_id });
    assert_eq!((rotate(0xa1).unwrap(), rotate(0xb1).unwrap()), (Rotation::Unknown, Rotation::Unknown));
    let sessions = store.list_sessions(ada, Timestamp(50)).unwrap();
    assert_eq!(sessions.iter().map(|session| session.created_at).collect::<Vec<_>>(), [Timestamp(10)]);
    let usage = store.find_usage(home).unwrap().unwrap();
    assert_eq!(usage, store.recount_usage(home).unwrap());
    assert_eq!((usage.documents, usage.deleted_documents, usage.text_bytes, usage.yjs_bytes), (1, 1, 9, 6));
    assert_eq!(usage.history_bytes, 12);
    database
        .execute(&format!("UPDATE workspaces SET name = 'found' WHERE owner_id = {bob} AND workspace_id = {shared}"));
    let names: Vec<String> = store.list_workspaces(ada).unwrap().into_iter().map(|found| found.name).collect();
    assert!(names.contains(&"found".to_owned()), "who was an owner first answers for it: {names:?}");
    let found = store.find_document(home, DocumentId(Uuid::from_u128(31))).unwrap().unwrap();
    assert_eq!((found.head.version, found.updated_by_name.as_str()), (1, "ada"));
}

/// On Postgres: each table is distributed by workspace, or somebody has said where it belongs.
#[test]
fn every_table_of_the_schema_has_a_place_in_a_cluster() {
    let database = Database::postgres();
    let url = database.url();
    migrate(&url).unwrap();
    let planned = distribution::plan(&url).unwrap();
    let places = |name: &str| planned.statements.iter().filter(|one| one.contains(&format!("('{name}'"))).count();
    for name in [
        "workspaces",
        "documents",
        "document_log",
        "document_bodies",
        "receipts",
        "members",
        "sync_runs",
        "sync_notes",
        "uploads",
        "staged_operations",
    ] {
        assert_eq!(places(name), 1, "{name}: {:?}", planned.statements);
    }
    assert!(planned.local.contains(&"sessions".to_owned()), "{:?}", planned.local);
    assert!(distribution::apply(&url, &planned).unwrap_err().to_string().contains("CREATE EXTENSION citus"));
    database.execute("CREATE TABLE more (workspace_id UUID, id UUID, PRIMARY KEY (workspace_id, id))");
    assert!(distribution::plan(&url).unwrap().statements.iter().any(|statement| statement.contains("('more'")));
    database.execute("CREATE TABLE letters (letter_id UUID PRIMARY KEY)");
    assert!(distribution::plan(&url).unwrap_err().to_string().contains("letters"));
}
