//! What SQLite's planner makes of the statements that are really run: recorded as they run, explained afterwards.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::connection::{Connection, InstrumentationEvent};
use diesel::prelude::*;
use diesel::sql_types::Text;
use uuid::Uuid;

use super::accounts::{NewSession, NewUser};
use super::connection::{AnyConnection, Connector, Purpose};
use super::documents::ListQuery;
use super::feed_pages::Span;
use super::session::BatchSession;
use super::upkeep::Swap;
use super::{BatchScope, BatchTransaction, DatabaseUrl, End, Snapshot, Store, StoreConfig};
use crate::domain::document::{DocumentHead, DocumentWrite, HeadWrite, LogEntry, Receipt, WriteSet};
use crate::domain::error_code::ErrorCode;
use crate::domain::history::Fold;
use crate::domain::ids::{DocumentId, SyncId, UserId, WorkspaceId};
use crate::domain::operation::OperationKind;
use crate::domain::sync_run::{Direction, NoteChanges, RunFailure, RunKey, RunNote, SyncRun};
use crate::domain::timestamp::Timestamp;

#[derive(QueryableByName)]
struct PlanStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The statements run, and those of them that the connection has kept prepared.
#[derive(Clone, Default)]
struct Statements {
    run: Arc<Mutex<BTreeSet<String>>>,
    cached: Arc<Mutex<BTreeSet<String>>>,
}

fn record(connection: &mut AnyConnection, statements: &Statements) {
    let statements = statements.clone();
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
        InstrumentationEvent::StartQuery { query, .. } => {
            let shown = query.to_string();
            let sql = shown.split("-- binds").next().unwrap_or_default().trim();
            if ["SELECT", "UPDATE", "INSERT", "REPLACE", "DELETE"].iter().any(|verb| sql.starts_with(verb)) {
                statements.run.lock().unwrap().insert(sql.to_owned());
            }
        }
        InstrumentationEvent::CacheQuery { sql, .. } => {
            statements.cached.lock().unwrap().insert(sql.trim().to_owned());
        }
        _ => {}
    });
}

/// Every step of every statement's plan, each once; inserts have none.
fn steps(connection: &mut AnyConnection, statements: &Statements) -> BTreeSet<String> {
    let recorded = statements.run.lock().unwrap().clone();
    let explain = |sql: String| -> Vec<PlanStep> {
        diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(connection.sqlite().unwrap()).unwrap()
    };
    recorded.into_iter().flat_map(explain).map(|step| step.detail).collect()
}

pub(super) fn scope() -> BatchScope {
    BatchScope {
        sync_id: None,
        workspace_id: WorkspaceId(Uuid::from_u128(1)),
        user_id: UserId(Uuid::from_u128(2)),
        device_id: Some("laptop".to_owned()),
        now: Timestamp(0),
        deadline: Instant::now() + Duration::from_secs(30),
    }
}

pub(super) fn head(id: DocumentId, version: i64) -> DocumentHead {
    DocumentHead {
        document_id: id,
        version,
        title: String::new(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        updated_by: UserId(Uuid::from_u128(2)),
        deleted_at: None,
        epoch: 1,
        content_version: version,
        content_digest: None,
        state_vector: Some([(1, 1)].into_iter().collect()),
        yjs_roots: BTreeSet::new(),
        snapshot_bytes: 0,
        log_bytes: 0,
        log_rows: 0,
    }
}

pub(super) fn writes(write: HeadWrite, head: DocumentHead) -> WriteSet {
    let client_id = head.version.to_string();
    let entry = LogEntry {
        document_id: head.document_id,
        version: head.version,
        user_id: head.updated_by,
        kind: OperationKind::Update,
        title: String::new(),
        content: None,
        yjs_update: Some(vec![0, 0]),
        client_id: client_id.clone(),
    };
    let receipt = Receipt {
        client_id,
        kind: OperationKind::Update,
        payload_digest: Some([0; 16]),
        document_id: head.document_id,
        version: Some(head.version),
        created_at: Timestamp(0),
    };
    WriteSet {
        documents: vec![DocumentWrite { write, head }],
        log: vec![entry],
        receipts: vec![receipt],
        ..WriteSet::default()
    }
}

fn database() -> (tempfile::TempDir, DatabaseUrl) {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(directory.path().join("plans.db"));
    super::migrations::migrate(&url).unwrap();
    (directory, url)
}

fn add_workspace(connection: &mut AnyConnection, scope: &BatchScope) {
    diesel::insert_into(super::schema::workspaces::table)
        .values((
            super::schema::workspaces::workspace_id.eq(super::sql_uuid::DbUuid(scope.workspace_id.0)),
            super::schema::workspaces::name.eq("plans"),
            super::schema::workspaces::created_at.eq(0),
        ))
        .execute(connection)
        .unwrap();
}

#[test]
fn a_batch_looks_everything_up_by_its_full_key() {
    let (_directory, url) = database();
    let mut connection = Connector::new(&url, Purpose::Write, &StoreConfig::default()).open().unwrap();
    let (scope, statements) = (scope(), Statements::default());
    add_workspace(&mut connection, &scope);
    record(&mut connection, &statements);
    let id = DocumentId(Uuid::from_u128(3));
    let mut batch = BatchSession::new(&mut connection, &scope, false);
    batch.feed().unwrap();
    batch.lock().unwrap();
    batch.find_receipts(&["1", "2"]).unwrap();
    batch.load_heads(&[id]).unwrap();
    batch.write(&writes(HeadWrite::Insert, head(id, 1))).unwrap();
    batch.write(&writes(HeadWrite::Replace { expected_version: 1 }, head(id, 2))).unwrap();
    assert_eq!(batch.load_documents(&[id], usize::MAX).unwrap().len(), 1);
    assert_eq!(batch.load_texts(&[(id, 1)], usize::MAX).unwrap().len(), 1);
    let span = Span { after: 0, up_to: 9, max_documents: 9, max_bytes: 9 };
    assert_eq!(batch.load_changes(&span).unwrap().changes.len(), 1);
    assert_eq!(*statements.run.lock().unwrap(), *statements.cached.lock().unwrap(), "every statement is prepared once");
    let limited: Vec<String> =
        statements.run.lock().unwrap().iter().filter(|sql| sql.contains("LIMIT")).cloned().collect();
    assert!(
        limited.iter().all(|sql| sql.contains("ORDER BY")),
        "a bound LIMIT has its statement prepared again: {limited:?}"
    );
    let expected = [
        "SEARCH body USING INDEX document_bodies_by_document (workspace_id=? AND document_id=?) LEFT-JOIN",
        "SEARCH document_bodies USING INDEX document_bodies_by_document (workspace_id=? AND document_id=?) LEFT-JOIN",
        "SEARCH document_log USING INDEX document_log_by_version (workspace_id=? AND document_id=? AND version=?)",
        "SEARCH document_log USING INDEX document_log_by_version (workspace_id=? AND document_id=? AND version=?) LEFT-JOIN",
        "SEARCH document_log USING INDEX document_log_by_version (workspace_id=? AND document_id=? AND version>? AND version<?)",
        "SEARCH documents USING INDEX documents_by_sequence (workspace_id=? AND sequence>? AND sequence<?)",
        "SEARCH documents USING INDEX documents_by_id (workspace_id=? AND document_id=?)",
        "SEARCH entry USING INDEX document_log_by_version (workspace_id=? AND document_id=? AND version=?) LEFT-JOIN",
        "SEARCH receipts USING PRIMARY KEY (workspace_id=? AND user_id=? AND device_id=? AND client_id=?)",
        "SEARCH users USING PRIMARY KEY (user_id=?) LEFT-JOIN",
        "SEARCH workspaces USING PRIMARY KEY (workspace_id=?)",
    ];
    assert_eq!(steps(&mut connection, &statements), expected.map(str::to_owned).into());
}

#[test]
fn a_run_is_counted_by_its_full_key() {
    let (_directory, url) = database();
    let mut connection = Connector::new(&url, Purpose::Write, &StoreConfig::default()).open().unwrap();
    let (scope, statements) = (scope(), Statements::default());
    add_workspace(&mut connection, &scope);
    let run = SyncRun::open(SyncId(Uuid::from_u128(4)), None, Direction::Push, 2, Timestamp(0));
    let failure = RunFailure { code: ErrorCode::NotFound, message: String::new(), retry_count: 0 };
    let note = RunNote {
        number: 1,
        client_id: Some("1".to_owned()),
        document_id: None,
        failure: Some(failure),
        noted_at: Timestamp(0),
    };
    record(&mut connection, &statements);
    let mut batch = BatchSession::new(&mut connection, &scope, false);
    batch.lock().unwrap();
    for (dropped, added) in [(vec![], vec![note.clone()]), (vec![note], vec![])] {
        batch.find_sync_run(run.sync_id).unwrap();
        batch.find_run_notes(run.sync_id, &["1", "2"]).unwrap();
        batch.save_sync_run(&run, &NoteChanges { dropped, added }).unwrap();
    }
    assert_eq!(*statements.run.lock().unwrap(), *statements.cached.lock().unwrap(), "every statement is prepared once");
    let expected = [
        "SEARCH sync_notes USING PRIMARY KEY (workspace_id=? AND user_id=? AND sync_id=? AND client_id=? AND note_number=?)",
        "SEARCH sync_notes USING PRIMARY KEY (workspace_id=? AND user_id=? AND sync_id=? AND client_id=?)",
        "SEARCH sync_runs USING PRIMARY KEY (workspace_id=? AND user_id=? AND sync_id=?)",
        "SEARCH workspaces USING PRIMARY KEY (workspace_id=?)",
    ];
    assert_eq!(steps(&mut connection, &statements), expected.map(str::to_owned).into());
}

#[test]
fn listings_and_upkeep_read_no_more_than_they_answer() {
    let (_directory, url) = database();
    let store = Store::open(&url, &StoreConfig { reader_connections: 1, ..StoreConfig::default() }).unwrap();
    let statements = Statements::default();
    store
        .read(|connection| {
            record(connection, &statements);
            Ok(())
        })
        .unwrap();
    let (workspace_id, id) = (scope().workspace_id, DocumentId(Uuid::from_u128(3)));
    let query = ListQuery { after: Some(id), limit: 10, title_prefix: Some("a".to_owned()), ..ListQuery::default() };
    store.list_documents(workspace_id, &query).unwrap();
    store.list_changes(workspace_id, 0, 10).unwrap();
    store.list_change_notices(workspace_id, 0, 10).unwrap();
    store.has_more_changes(workspace_id, 0, 10).unwrap();
    store.load_head_sequences(&[workspace_id, WorkspaceId(id.0)]).unwrap();
    store.list_versions(workspace_id, id, None, 10).unwrap();
    store.find_compactable(None, 10).unwrap();
    let (user_id, sync_id) = (scope().user_id, SyncId(Uuid::from_u128(4)));
    let key = RunKey { workspace_id, user_id, sync_id };
    let run = SyncRun::open(sync_id, None, Direction::Push, 2, Timestamp(0));
    store.change_sync_run(key, move |_| (Some(run.clone()), ())).unwrap();
    assert!(store.find_sync_run(key).unwrap().is_some());
    store.list_sync_runs(workspace_id, user_id, Some((Timestamp(0), sync_id)), 10).unwrap();
    store.find_silent_runs(Timestamp(0), 10).unwrap();
    store.find_ended_runs(Timestamp(0), 10).unwrap();
    store.find_role(scope().user_id, workspace_id).unwrap();
    store.list_workspaces(scope().user_id).unwrap();
    let mut pooled = store.readers.get(store.readers.patience()).unwrap();
    let expected = [
        "SCAN documents USING INDEX documents_to_compact",
        "SEARCH document_log USING INDEX document_log_by_version (workspace_id=? AND document_id=? AND version<?)",
        "SEARCH documents USING COVERING INDEX documents_by_sequence (workspace_id=? AND sequence>?)",
        "SEARCH documents USING INDEX documents_by_sequence (workspace_id=? AND sequence>?)",
        "SEARCH documents USING INDEX documents_by_id (workspace_id=? AND document_id>?)",
        "SEARCH members USING INDEX members_by_user (user_id=?)",
        "SEARCH members USING PRIMARY KEY (workspace_id=? AND user_id=?)",
        "SEARCH sync_notes USING INDEX sync_failures_by_number (workspace_id=? AND user_id=? AND sync_id=?)",
        "SEARCH sync_runs USING COVERING INDEX sync_runs_ended (finished_at<?)",
        "SEARCH sync_runs USING INDEX sync_runs_by_start (workspace_id=? AND user_id=? AND started_at<?)",
        "SEARCH sync_runs USING INDEX sync_runs_open (updated_at<?)",
        "SEARCH sync_runs USING PRIMARY KEY (workspace_id=? AND user_id=? AND sync_id=?)",
        "SEARCH users USING PRIMARY KEY (user_id=?) LEFT-JOIN",
        "SEARCH workspaces USING PRIMARY KEY (workspace_id=?)",
    ];
    assert_eq!(steps(&mut pooled.connection, &statements), expected.map(str::to_owned).into());
}

#[test]
fn purging_reads_no_more_than_it_removes() {
    let (_directory, url) = database();
    let store = Store::open(&url, &StoreConfig { reader_connections: 1, ..StoreConfig::default() }).unwrap();
    let (scope, id, now) = (scope(), DocumentId(Uuid::from_u128(3)), Timestamp(9));
    let (workspace_id, user_id) = (scope.workspace_id, scope.user_id);
    let user = NewUser {
        user_id,
        username: "ada".to_owned(),
        password_hash: String::new(),
        workspace_id,
        workspace_name: String::new(),
        now: Timestamp(0),
    };
    store.create_user(user).unwrap();
    let session = NewSession {
        session_id: Uuid::new_v4(),
        user_id,
        password_hash: String::new(),
        family_hash: [1; 32],
        token_hash: [1; 32],
        client: None,
        now: Timestamp(0),
        expires_at: Timestamp(0),
    };
    assert!(store.insert_session(session).unwrap());
    let write =
        |writes: WriteSet| store.run_batch(scope.clone(), move |batch| Ok((batch.write(&writes)?, End::Commit)));
    write(writes(HeadWrite::Insert, head(id, 1))).unwrap();
    write(writes(HeadWrite::Replace { expected_version: 1 }, head(id, 2))).unwrap();
    let statements = Statements::default();
    let (on_reader, on_writer) = (statements.clone(), statements.clone());
    let recording = |connection: &mut AnyConnection, statements: &Statements| {
        record(connection, statements);
        Ok(())
    };
    store.read(|connection| recording(connection, &on_reader)).unwrap();
    store.write(move |connection| recording(connection, &on_writer)).unwrap();
    store.list_workspace_ids(None, 10).unwrap();
    store.find_foldable(workspace_id, None, now).unwrap();
    store.find_old_history(workspace_id, id).unwrap().unwrap();
    let fold = Fold { first: 1, base: 2, versions: 2, begin: 1, yjs_updates: 2, text_from: Some(1) };
    store.load_folded_updates(workspace_id, id, &fold).unwrap();
    assert_eq!(store.fold_history(workspace_id, id, 1, fold, Some(vec![0, 0])).unwrap(), Swap::Swapped);
    let mut deleted = head(id, 3);
    deleted.deleted_at = Some(Timestamp(0));
    write(writes(HeadWrite::Replace { expected_version: 2 }, deleted)).unwrap();
    assert_eq!(store.purge_tombstones(workspace_id, now).unwrap().documents, 1);
    assert_eq!(store.purge_receipts(workspace_id, now).unwrap().removed, 3);
    assert_eq!(store.purge_sessions(now).unwrap().removed, 1);
    assert!(store.take_lease("plans", Uuid::nil(), now, 1).unwrap());
    let mut pooled = store.readers.get(store.readers.patience()).unwrap();
    let expected = [
        "CORRELATED SCALAR SUBQUERY 1",
        "SEARCH document_bodies USING INDEX document_bodies_by_document (workspace_id=? AND document_id=?)",
        "SEARCH document_log USING COVERING INDEX document_log_by_version (workspace_id=? AND document_id=? AND version<?)",
        "SEARCH document_log USING INDEX document_log_by_version (workspace_id=? AND document_id=? AND version<?)",
        "SEARCH document_log USING INDEX document_log_by_version (workspace_id=? AND document_id=? AND version=?)",
        "SEARCH document_log USING INDEX document_log_by_version (workspace_id=? AND document_id=? AND version>? AND version<?)",
        "SEARCH document_log USING INDEX document_log_by_version (workspace_id=? AND document_id=? AND version>?)",
        "SEARCH document_log USING INDEX document_log_by_version (workspace_id=? AND document_id=?)",
        "SEARCH documents USING INDEX documents_to_purge (workspace_id=? AND deleted_at>? AND deleted_at<?)",
        "SEARCH documents USING INDEX documents_by_id (workspace_id=? AND document_id=?)",
        "SEARCH documents USING COVERING INDEX documents_by_id (workspace_id=? AND document_id>?)",
        "SEARCH entry USING INDEX document_log_by_version (workspace_id=? AND document_id=?)",
        "SEARCH receipts USING COVERING INDEX receipts_by_age (workspace_id=? AND created_at<?)",
        "SEARCH receipts USING INDEX receipts_by_age (workspace_id=? AND created_at<?)",
        "SEARCH search_entries USING COVERING INDEX search_entries_by_document (workspace_id=? AND document_id=?)",
        "SEARCH sessions USING COVERING INDEX sessions_by_end (expires_at<?)",
        "SEARCH sessions USING INDEX sessions_by_end (expires_at<?)",
        "SEARCH workspaces USING PRIMARY KEY (workspace_id=?)",
        "SEARCH workspaces USING PRIMARY KEY (workspace_id>?)",
    ];
    assert_eq!(steps(&mut pooled.connection, &statements), expected.map(str::to_owned).into());
}
