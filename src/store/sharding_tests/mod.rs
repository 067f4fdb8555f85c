//! Every statement on a distributed table is one shard's, and none reads a workspace, whatever Postgres knows of its
//! tables. A method of the store that is not called here fails [`nothing_is_left_out`].

mod plans;
#[path = "../../../tests/postgres_server/mod.rs"]
mod postgres_server;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use diesel::prelude::*;
use uuid::Uuid;

use self::plans::{Observer, Recorded};
use self::postgres_server::PostgresDatabase;
use super::accounts::{ExternalUser, NewRefreshToken, NewUser, Role};
use super::documents::ListQuery;
use super::feed_pages::Span;
use super::query_plans::{head, scope, writes};
use super::{DatabaseUrl, End, Store, StoreConfig, distribution};
use crate::domain::caution::PurgeRecord;
use crate::domain::document::HeadWrite;
use crate::domain::error_code::ErrorCode;
use crate::domain::history::Fold;
use crate::domain::ids::{DocumentId, SyncId, UserId, WorkspaceId};
use crate::domain::sync_run::{Direction, NoteChanges, RunFailure, RunKey, RunNote, SyncRun};
use crate::domain::timestamp::Timestamp;

/// Rows and index entries that a method may read at most: less than a tenth of the workspace.
const FEW: i64 = 9_000;
/// Methods that ask every shard. Each says so where it is defined.
const EVERY_SHARD: [&str; 10] = [
    "begin_new_life",
    "find_compactable",
    "find_ended_runs",
    "find_foldable",
    "find_silent_runs",
    "first_workspace",
    "is_older_than",
    "list_workspace_ids",
    "list_workspaces",
    "load_head_sequences",
];
/// Methods that read a whole workspace because they are asked about all of it.
const WHOLE: [&str; 4] = ["begin_new_life", "count_old_receipts", "count_old_tombstones", "read_raw_receipts"];
/// Methods that run what they are given.
const EXEMPT: [&str; 4] = ["look", "read_feed", "run_batch", "write_batch"];
const NOW: Timestamp = Timestamp(9);

/// 100,000 documents with a version each, as many receipts and notes, in one workspace.
const MANY: &str = "
    INSERT INTO documents (workspace_id, document_id, version, sequence, title, created_at, updated_at, updated_by, epoch,
            content_version, yjs_roots, snapshot_bytes, log_bytes, log_rows)
        SELECT $w, lpad(to_hex(n), 32, '0')::uuid, 1, n + 1000, 't', 0, 0, $u, 1, 1, '', 0, 0, 0
        FROM generate_series(1, 100000) AS n;
    INSERT INTO document_log (workspace_id, document_id, version, kind, title, user_id, client_id, created_at, yjs_update)
        SELECT $w, lpad(to_hex(n), 32, '0')::uuid, 1, 0, 't', $u, 'm' || n, 50, '\\x0000'
        FROM generate_series(1, 100000) AS n;
    INSERT INTO receipts SELECT $w, $u, 'laptop', 'm' || n, 1, '\\x00000000000000000000000000000000',
        lpad(to_hex(n), 32, '0')::uuid, 1, 50 FROM generate_series(1, 100000) AS n;
    INSERT INTO sync_notes SELECT $w, $u, lpad('4', 32, '0')::uuid, 'm' || n, n + 10, NULL, NULL, NULL, 0, 0
        FROM generate_series(1, 100000) AS n;
    UPDATE workspaces SET head_sequence = 101000 WHERE workspace_id = $w;";

/// A store of one connection whose statements are checked method by method.
struct Bench {
    store: Store,
    recorded: Recorded,
    observer: Observer,
    failures: Vec<String>,
    /// Off while plans are made that are to be kept.
    is_checking: bool,
    /// What has been found out about a statement.
    known: BTreeMap<String, Vec<String>>,
    _database: PostgresDatabase,
}

impl Bench {
    fn new() -> Self {
        let database = PostgresDatabase::create();
        let url = DatabaseUrl::parse(database.url()).unwrap();
        let config = StoreConfig { reader_connections: 1, ..StoreConfig::default() };
        let store = Store::open(&url, &config).unwrap();
        let mut observer = Observer::connect(database.url());
        for table in ["documents", "document_log", "document_bodies", "receipts", "sync_notes", "sync_runs"] {
            observer.execute(&format!("ALTER TABLE {table} SET (autovacuum_enabled = off)"));
        }
        let recorded = Recorded::on(&store);
        Self {
            store,
            recorded,
            observer,
            failures: Vec::new(),
            is_checking: false,
            known: BTreeMap::new(),
            _database: database,
        }
    }

    /// Runs a method and checks what it did.
    fn check<T>(&mut self, name: &'static str, method: impl FnOnce(&Store) -> Result<T, super::StoreError>) -> T {
        if !self.is_checking {
            return method(&self.store).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        self.flush();
        let before = self.observer.tuples_read();
        self.recorded.take();
        let value = method(&self.store).unwrap_or_else(|error| panic!("{name}: {error}"));
        let statements = self.recorded.take();
        self.flush();
        let read = self.observer.tuples_read() - before;
        if read > FEW && !WHOLE.contains(&name) {
            self.failures.push(format!("{name} read {read} rows: {statements:#?}"));
        }
        let (known, observer) = (&mut self.known, &mut self.observer);
        let unscoped: Vec<String> = statements
            .iter()
            .flat_map(|sql| known.entry(sql.clone()).or_insert_with(|| observer.unscoped(sql)).clone())
            .collect();
        if unscoped.is_empty() == EVERY_SHARD.contains(&name) {
            self.failures.push(format!("{name} is not as EVERY_SHARD says: {unscoped:?} of {statements:#?}"));
        }
        value
    }

    /// Has the connection report what it has read.
    fn flush(&self) {
        let flush = diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>("pg_stat_force_next_flush()::text"));
        let _flushed: String = self.store.read(|connection| Ok(flush.get_result(connection)?)).unwrap();
    }
}

#[test]
fn every_statement_is_one_shards_and_none_reads_a_workspace() {
    let mut bench = Bench::new();
    let (workspace_id, user_id) = (scope().workspace_id, scope().user_id);
    let user = NewUser {
        user_id,
        username: "ada".to_owned(),
        password_hash: String::new(),
        workspace_id,
        workspace_name: String::new(),
        now: Timestamp(0),
    };
    bench.check("create_user", |store| store.create_user(user));
    // Plans that are made while the tables are empty are kept when they are full, and when they are known.
    for round in 0..3 {
        bench.is_checking = round > 0;
        match round {
            1 => {
                let ids = MANY.replace("$w", &format!("'{workspace_id}'")).replace("$u", &format!("'{user_id}'"));
                bench.observer.execute(&ids);
            }
            2 => bench.observer.execute("ANALYZE"),
            _ => {}
        }
        for _ in 0..if round == 0 { 7 } else { 1 } {
            accounts(&mut bench, user_id, workspace_id);
            batches(&mut bench, DocumentId(Uuid::new_v4()));
            sync_runs(&mut bench, workspace_id, user_id);
            readers(&mut bench, workspace_id, DocumentId(Uuid::from_u128(0xffff)));
            upkeep(&mut bench, workspace_id);
        }
    }
    bench.check("begin_new_life", |store| store.begin_new_life(NOW));
    assert!(bench.failures.is_empty(), "{}", bench.failures.join("\n\n"));
}

fn accounts(bench: &mut Bench, user_id: UserId, workspace_id: WorkspaceId) {
    let other = WorkspaceId(Uuid::new_v4());
    let external = ExternalUser {
        issuer: "issuer".to_owned(),
        subject: Uuid::new_v4().to_string(),
        preferred_name: Uuid::new_v4().to_string(),
        user_id: UserId(Uuid::new_v4()),
        workspace_id: WorkspaceId(Uuid::new_v4()),
        workspace_name: String::new(),
        now: NOW,
    };
    let found = bench.check("find_or_create_external_user", |store| store.find_or_create_external_user(external));
    let name = found.username;
    bench.check("find_user", |store| store.find_user(user_id));
    bench.check("find_user_by_name", |store| store.find_user_by_name("ada"));
    bench.check("create_workspace", |store| store.create_workspace(user_id, other, "w".to_owned(), NOW));
    bench.check("list_workspaces", |store| store.list_workspaces(user_id));
    bench.check("first_workspace", |store| store.first_workspace(user_id));
    bench.check("find_role", |store| store.find_role(user_id, workspace_id));
    for role in [Role::Editor, Role::Viewer] {
        bench.check("put_member", |store| store.put_member(workspace_id, name.clone(), role, NOW));
    }
    bench.check("list_members", |store| store.list_members(workspace_id));
    bench.check("remove_member", |store| store.remove_member(workspace_id, name));
    let hash = |bytes: Uuid| -> [u8; 32] { [*bytes.as_bytes(), *bytes.as_bytes()].concat().try_into().unwrap() };
    let (old, new) = (hash(Uuid::new_v4()), hash(Uuid::new_v4()));
    let token = NewRefreshToken {
        token_hash: old,
        family_id: Uuid::new_v4(),
        user_id,
        created_at: Timestamp(0),
        expires_at: Timestamp(100),
    };
    bench.check("insert_refresh_token", |store| store.insert_refresh_token(token));
    bench.check("rotate_refresh_token", |store| store.rotate_refresh_token(old, new, NOW, Timestamp(200)));
    bench.check("revoke_token_family", |store| store.revoke_token_family(new, NOW));
    bench.check("count_old_tokens", |store| store.count_old_tokens(Timestamp(300)));
    bench.check("purge_refresh_tokens", |store| store.purge_refresh_tokens(Timestamp(300)));
}

fn batches(bench: &mut Bench, id: DocumentId) {
    let scope = super::BatchScope { device_id: Some(id.to_string()), ..scope() };
    let known = DocumentId(Uuid::from_u128(0xffff));
    bench.check("look", |store| {
        store.look(&scope, |batch| {
            batch.feed()?;
            batch.find_receipts(&["m1", "none"])?;
            batch.load_heads(&[id, known])?;
            batch.load_texts(&[(known, 1)], usize::MAX)?;
            batch.load_documents(&[id, known], usize::MAX)?;
            batch.load_changes(&Span { after: 5_000, up_to: 200_000, max_documents: 50, max_bytes: 1_000_000 })?;
            batch.find_username()?;
            batch.find_sync_run(SyncId(Uuid::from_u128(4)))?;
            batch.find_run_notes(SyncId(Uuid::from_u128(4)), &["m1", "none"])
        })
    });
    let note = move |number: i64| RunNote {
        number,
        client_id: Some(format!("{id}{number}")),
        document_id: None,
        failure: Some(RunFailure { code: ErrorCode::NotFound, message: String::new(), retry_count: 0 }),
        noted_at: NOW,
    };
    let run = SyncRun::open(SyncId(Uuid::from_u128(4)), None, Direction::Push, 2, NOW);
    let (first, second) = (writes(HeadWrite::Insert, head(id, 1)), head(id, 2));
    let second = writes(HeadWrite::Replace { expected_version: 1 }, second);
    let number = i64::try_from(id.0.as_u128() >> 80).unwrap();
    bench.check("run_batch", |store| {
        store.run_batch(scope.clone(), move |batch| {
            batch.lock()?;
            batch.head_sequence()?;
            batch.write(&first)?;
            batch.write(&second)?;
            batch.save_sync_run(&run, &NoteChanges { dropped: vec![], added: vec![note(number)] })?;
            batch.save_sync_run(&run, &NoteChanges { dropped: vec![note(number)], added: vec![] })?;
            Ok(((), End::Commit))
        })
    });
}

fn sync_runs(bench: &mut Bench, workspace_id: WorkspaceId, user_id: UserId) {
    let key = RunKey { workspace_id, user_id, sync_id: SyncId(Uuid::new_v4()) };
    let mut run = SyncRun::open(key.sync_id, None, Direction::Push, 2, NOW);
    bench.check("find_silent_runs", |store| store.find_silent_runs(Timestamp(100), 10));
    run.finished_at = Some(Timestamp(1));
    bench.check("change_sync_run", |store| store.change_sync_run(key, move |_| (Some(run.clone()), ())));
    bench.check("find_sync_run", |store| store.find_sync_run(key));
    bench.check("list_sync_runs", |store| {
        store.list_sync_runs(workspace_id, user_id, Some((Timestamp(100), SyncId(Uuid::max()))), 10)
    });
    bench.check("find_ended_runs", |store| store.find_ended_runs(Timestamp(100), 10));
    bench.check("forget_run", |store| store.forget_run(key, Timestamp(100)));
}

fn readers(bench: &mut Bench, workspace_id: WorkspaceId, id: DocumentId) {
    let query = ListQuery { after: Some(id), limit: 10, ..ListQuery::default() };
    bench.check("find_document", |store| store.find_document(workspace_id, id));
    bench.check("list_documents", |store| store.list_documents(workspace_id, &query));
    bench.check("list_versions", |store| store.list_versions(workspace_id, id, Some(9), 10));
    bench.check("find_version", |store| store.find_version(workspace_id, id, 1));
    bench.check("find_heads", |store| store.find_heads(workspace_id, &[id]));
    bench.check("find_version_number", |store| store.find_version_number(workspace_id, id));
    bench.check("find_documents", |store| store.find_documents(workspace_id, &[id]));
    bench.check("find_updates_since", |store| store.find_updates_since(workspace_id, id, 1));
    bench.check("list_changes", |store| store.list_changes(workspace_id, 5_000, 10));
    bench.check("list_change_notices", |store| store.list_change_notices(workspace_id, 5_000, 10));
    bench.check("has_more_changes", |store| store.has_more_changes(workspace_id, 5_000, 10));
    bench.check("find_feed_state", |store| store.find_feed_state(workspace_id));
    bench.check("read_feed", |store| {
        let span = Span { after: 5_000, up_to: 200_000, max_documents: 50, max_bytes: 1_000_000 };
        store.read_feed(workspace_id, |reader| reader.load_changes(&span))
    });
    bench.check("load_head_sequences", |store| store.load_head_sequences(&[workspace_id, WorkspaceId(id.0)]));
    bench.check("list_document_ids", |store| store.list_document_ids(workspace_id, Some(id), 10));
    bench.check("read_raw_document", |store| store.read_raw_document(workspace_id, id, |_, _| {}));
    bench.check("read_raw_receipts", |store| store.read_raw_receipts(workspace_id, |_| {}));
    bench.check("ping", Store::ping);
    bench.check("find_life", Store::find_life);
}

fn upkeep(bench: &mut Bench, workspace_id: WorkspaceId) {
    let id = DocumentId(Uuid::new_v4());
    let scope = super::BatchScope { device_id: Some(id.to_string()), ..scope() };
    let mut deleted = head(id, 3);
    deleted.deleted_at = Some(Timestamp(1));
    let steps = [
        writes(HeadWrite::Insert, head(id, 1)),
        writes(HeadWrite::Replace { expected_version: 1 }, head(id, 2)),
        writes(HeadWrite::Replace { expected_version: 2 }, deleted),
    ];
    let [first, second, last] = steps.map(|write| {
        let scope = scope.clone();
        move |store: &Store| store.write_batch(scope, move |batch| Ok((batch.write(&write)?, End::Commit)))
    });
    bench.check("write_batch", first);
    bench.check("write_batch", second);
    bench.check("save_rendering", |store| store.save_rendering(workspace_id, id, 2, "text"));
    bench.check("mark_damaged", |store| store.mark_damaged(workspace_id, id, 2));
    bench.check("find_compactable", |store| store.find_compactable(Some((workspace_id, id)), 10));
    bench.check("load_for_compaction", |store| store.load_for_compaction(workspace_id, id));
    bench.check("find_foldable", |store| store.find_foldable(workspace_id, Some(id), NOW));
    bench.check("find_old_history", |store| store.find_old_history(workspace_id, id));
    let fold = Fold { first: 1, base: 2, versions: 2, begin: 1, yjs_updates: 2, text_from: Some(1) };
    bench.check("load_folded_updates", |store| store.load_folded_updates(workspace_id, id, &fold));
    bench.check("fold_history", |store| store.fold_history(workspace_id, id, 1, fold, Some(vec![0, 0])));
    bench.check("swap_snapshot", |store| store.swap_snapshot(workspace_id, id, (1, 2), vec![0, 0]));
    bench.check("write_batch", last);
    bench.check("count_old_tombstones", |store| store.count_old_tombstones(workspace_id, NOW));
    bench.check("purge_tombstones", |store| store.purge_tombstones(workspace_id, NOW));
    bench.check("count_old_receipts", |store| store.count_old_receipts(workspace_id, NOW));
    bench.check("purge_receipts", |store| store.purge_receipts(workspace_id, NOW));
    bench.check("list_workspace_ids", |store| store.list_workspace_ids(None, 10));
    bench.check("is_older_than", |store| store.is_older_than(NOW));
    bench.check("find_purge", |store| store.find_purge("receipts"));
    bench.check("save_purge", |store| store.save_purge("receipts", PurgeRecord { line: NOW, waiting: None }));
    bench.check("take_lease", |store| store.take_lease("plans", Uuid::nil(), NOW, 1));
    bench.check("release_lease", |store| store.release_lease("plans", Uuid::nil()));
    bench.check("purge_leases", |store| store.purge_leases(NOW));
    std::thread::sleep(Duration::from_millis(1));
}

/// The methods of the store that read or write, by name, with what stands above them.
fn methods() -> Vec<(String, String)> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store");
    let files = [root.to_owned(), format!("{root}/sync_runs")];
    let paths = files.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let mut found = Vec::new();
    for source in sources.map(|path| std::fs::read_to_string(path).unwrap()) {
        let parts: Vec<&str> = source.split("\n    pub fn ").collect();
        for pair in parts.windows(2) {
            let (above, method) = (pair[0].rsplit("\n\n").next().unwrap_or_default(), pair[1]);
            let body = method.split("\n    }").next().unwrap_or_default();
            let asks = ["self.read(", "self.read_", "self.write(", "self.write_until(", "self.write_tried("];
            if asks.iter().any(|ask| body.contains(ask)) {
                let name = method.split(['(', '<']).next().unwrap_or_default();
                found.push((name.to_owned(), above.to_owned()));
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_out() {
    let checks = include_str!("mod.rs");
    let methods = methods();
    assert!(methods.len() > 50, "{}", methods.len());
    let missing: Vec<&String> = methods
        .iter()
        .map(|(name, _)| name)
        .filter(|name| !checks.contains(&format!("check(\"{name}\"")) && !EXEMPT.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "these are not checked: {missing:?}");
    let says_so: BTreeSet<&str> =
        methods.iter().filter(|(_, above)| above.contains("every shard")).map(|(name, _)| name.as_str()).collect();
    assert_eq!(says_so, EVERY_SHARD.into_iter().collect(), "methods that say that they ask every shard");
}

#[test]
fn every_table_of_the_schema_has_a_place_in_a_cluster() {
    let database = PostgresDatabase::create();
    let url = DatabaseUrl::parse(database.url()).unwrap();
    super::migrations::migrate(&url).unwrap();
    let planned = distribution::plan(&url).unwrap();
    let places = |name: &str| planned.statements.iter().filter(|one| one.contains(&format!("('{name}'"))).count();
    for name in
        ["workspaces", "documents", "document_log", "document_bodies", "receipts", "members", "sync_runs", "sync_notes"]
    {
        assert_eq!(places(name), 1, "{name}: {:?}", planned.statements);
    }
    assert!(distribution::apply(&url, &planned).unwrap_err().to_string().contains("CREATE EXTENSION citus"));
    let mut observer = Observer::connect(database.url());
    observer.execute("CREATE TABLE more (workspace_id UUID, id UUID, PRIMARY KEY (workspace_id, id))");
    assert!(distribution::plan(&url).unwrap().statements.iter().any(|statement| statement.contains("('more'")));
    observer.execute("CREATE TABLE letters (letter_id UUID PRIMARY KEY)");
    assert!(distribution::plan(&url).unwrap_err().to_string().contains("letters"));
}
