//! A yardstick: the rows that a create leaves, inserted by Diesel without any server.
//!
//! Same tables, same durability. What a program would reach that knows what to write and checks nothing.

use std::io::Write;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::SqlType;
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use crate::Outcome;
use crate::corpus::Sample;
use crate::measure::{Measurement, cpu_time_with};

/// `UUID` on Postgres, a blob on SQLite.
#[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
pub struct IdType;

#[derive(Clone, Copy, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = IdType)]
struct Id(Uuid);

impl ToSql<IdType, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<IdType, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(&self.0.as_bytes()[..]);
        Ok(IsNull::No)
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use super::IdType;

    workspaces (workspace_id) {
        workspace_id -> IdType,
        name -> Text,
        head_sequence -> BigInt,
        created_at -> BigInt,
        documents -> BigInt,
        deleted_documents -> BigInt,
        text_bytes -> BigInt,
        yjs_bytes -> BigInt,
        history_bytes -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use super::IdType;

    documents (workspace_id, document_id) {
        workspace_id -> IdType,
        document_id -> IdType,
        version -> BigInt,
        sequence -> BigInt,
        title -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        updated_by -> IdType,
        epoch -> BigInt,
        content_version -> BigInt,
        content_digest -> Nullable<Binary>,
        state_vector -> Nullable<Binary>,
        yjs_roots -> Binary,
        snapshot_bytes -> BigInt,
        log_bytes -> BigInt,
        log_rows -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};
    use super::IdType;

    document_log (workspace_id, document_id, version) {
        workspace_id -> IdType,
        document_id -> IdType,
        version -> BigInt,
        kind -> SmallInt,
        title -> Text,
        user_id -> IdType,
        device_id -> Nullable<Text>,
        client_id -> Text,
        created_at -> BigInt,
        content -> Nullable<Binary>,
        yjs_update -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};
    use super::IdType;

    receipts (workspace_id, user_id, device_id, client_id) {
        workspace_id -> IdType,
        user_id -> IdType,
        device_id -> Text,
        client_id -> Text,
        kind -> SmallInt,
        payload_digest -> Binary,
        document_id -> IdType,
        version -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

#[derive(Insertable)]
#[diesel(table_name = workspaces)]
struct WorkspaceRow {
    workspace_id: Id,
    name: &'static str,
    head_sequence: i64,
    created_at: i64,
}

#[derive(Insertable)]
#[diesel(table_name = documents)]
struct DocumentRow<'a> {
    workspace_id: Id,
    document_id: Id,
    version: i64,
    sequence: i64,
    title: &'a str,
    created_at: i64,
    updated_at: i64,
    updated_by: Id,
    epoch: i64,
    content_version: i64,
    content_digest: &'a [u8],
    state_vector: &'a [u8],
    yjs_roots: &'a [u8],
    snapshot_bytes: i64,
    log_bytes: i64,
    log_rows: i64,
}

#[derive(Insertable)]
#[diesel(table_name = document_log)]
struct LogRow<'a> {
    workspace_id: Id,
    document_id: Id,
    version: i64,
    kind: i16,
    title: &'a str,
    user_id: Id,
    device_id: &'a str,
    client_id: &'a str,
    created_at: i64,
    content: &'a [u8],
    yjs_update: &'a [u8],
}

#[derive(Insertable)]
#[diesel(table_name = receipts)]
struct ReceiptRow<'a> {
    workspace_id: Id,
    user_id: Id,
    device_id: &'a str,
    client_id: &'a str,
    kind: i16,
    payload_digest: &'a [u8],
    document_id: Id,
    version: i64,
    created_at: i64,
}

/// What differs between documents, made before the clock starts.
struct NewDocument<'a> {
    id: Id,
    sequence: i64,
    client_id: String,
    content: Vec<u8>,
    sample: &'a Sample,
}

/// Values that every row has, of the size that a server's would be.
struct Author<'a> {
    workspace_id: Id,
    user_id: Id,
    device_id: &'a str,
    now: i64,
}

const DIGEST: [u8; 16] = [7; 16];
const STATE_VECTOR: [u8; 8] = [1, 0x80, 0x80, 0x80, 0x80, 1, 0x80, 1];
const YJS_ROOTS: &[u8] = b"\x07content";

impl Author<'_> {
    fn workspace(&self) -> WorkspaceRow {
        WorkspaceRow { workspace_id: self.workspace_id, name: "raw inserts", head_sequence: 0, created_at: self.now }
    }

    fn document<'a>(&self, new: &'a NewDocument<'_>) -> DocumentRow<'a> {
        DocumentRow {
            workspace_id: self.workspace_id,
            document_id: new.id,
            version: 1,
            sequence: new.sequence,
            title: &new.sample.title,
            created_at: self.now,
            updated_at: self.now,
            updated_by: self.user_id,
            epoch: 1,
            content_version: 1,
            content_digest: &DIGEST,
            state_vector: &STATE_VECTOR,
            yjs_roots: YJS_ROOTS,
            snapshot_bytes: i64::try_from(new.sample.state.len()).unwrap_or(i64::MAX),
            log_bytes: 0,
            log_rows: 1,
        }
    }

    fn log<'a>(&'a self, new: &'a NewDocument<'_>) -> LogRow<'a> {
        LogRow {
            workspace_id: self.workspace_id,
            document_id: new.id,
            version: 1,
            kind: 0,
            title: &new.sample.title,
            user_id: self.user_id,
            device_id: self.device_id,
            client_id: &new.client_id,
            created_at: self.now,
            content: &new.content,
            yjs_update: &new.sample.state,
        }
    }

    fn receipt<'a>(&'a self, new: &'a NewDocument<'_>) -> ReceiptRow<'a> {
        ReceiptRow {
            workspace_id: self.workspace_id,
            user_id: self.user_id,
            device_id: self.device_id,
            client_id: &new.client_id,
            kind: 0,
            payload_digest: &DIGEST,
            document_id: new.id,
            version: 1,
            created_at: self.now,
        }
    }
}

/// How rows reach Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The best there is: row by row on SQLite, many rows in a statement on Postgres.
    Sets,
    /// Each document in a savepoint of its own, row by row: how a batch is often made to stand failures.
    SavepointEach,
}

/// Whether a transaction counts what its workspace holds, as the server does, or moves its feed on alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// As the server does.
    On,
    /// The feed alone.
    Off,
}

/// Ends a transaction that inserted these documents. Both statements are prepared once for a connection.
macro_rules! advance_feed {
    ($connection:expr, $author:expr, $documents:expr, $counting:expr) => {{
        let workspace = diesel::update(workspaces::table.find($author.workspace_id));
        let count = i64::try_from($documents.len()).unwrap_or(i64::MAX);
        let advanced = workspaces::head_sequence.eq(workspaces::head_sequence + count);
        match $counting {
            Counting::Off => {
                workspace.set(advanced).returning(workspaces::head_sequence).get_result::<i64>($connection)
            }
            Counting::On => {
                let (text, yjs) = sizes_of($documents);
                let held =
                    (workspaces::head_sequence, workspaces::documents, workspaces::text_bytes + workspaces::yjs_bytes);
                let set = (
                    advanced,
                    workspaces::documents.eq(workspaces::documents + count),
                    workspaces::deleted_documents.eq(workspaces::deleted_documents + 0),
                    workspaces::text_bytes.eq(workspaces::text_bytes + text),
                    workspaces::yjs_bytes.eq(workspaces::yjs_bytes + yjs),
                    workspaces::history_bytes.eq(workspaces::history_bytes + text + yjs),
                );
                let row = workspace.set(set).returning(held).get_result::<(i64, i64, i64)>($connection);
                row.map(|(head_sequence, _documents, _bytes)| head_sequence)
            }
        }
    }};
}

fn sizes_of(documents: &[NewDocument<'_>]) -> (i64, i64) {
    let size = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    let add = |(text, yjs): (i64, i64), new: &NewDocument<'_>| {
        (text.saturating_add(size(new.content.len())), yjs.saturating_add(size(new.sample.state.len())))
    };
    documents.iter().fold((0, 0), add)
}

impl Author<'_> {
    fn new() -> Self {
        let now = 1_800_000_000_000_000;
        Self { workspace_id: Id(Uuid::new_v4()), user_id: Id(Uuid::new_v4()), device_id: "bench-raw", now }
    }

    fn open_sqlite(&self, path: &str) -> Outcome<SqliteConnection> {
        let mut connection = SqliteConnection::establish(path)?;
        // Without checkpoints, which a server makes off the writer's path: this yardstick does not make any.
        connection.batch_execute(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 0;",
        )?;
        diesel::insert_into(workspaces::table).values(self.workspace()).execute(&mut connection)?;
        Ok(connection)
    }

    fn open_postgres(&self, url: &str) -> Outcome<PgConnection> {
        let mut connection = PgConnection::establish(url)?;
        diesel::insert_into(workspaces::table).values(self.workspace()).execute(&mut connection)?;
        Ok(connection)
    }
}

/// Processor time of transactions of 100 creates, the database's included: so many with counting off and on, in turns.
pub fn compare_counting(database_url: &str, corpus: &[Sample], pairs: usize) -> Outcome<[Vec<Duration>; 2]> {
    let author = Author::new();
    match database_url.strip_prefix("sqlite://") {
        Some(path) => {
            let mut connection = author.open_sqlite(path)?;
            alternate(corpus, pairs, &[], |documents, counting| {
                insert_into_sqlite(&mut connection, &author, documents, counting)
            })
        }
        None => {
            let mut connection = author.open_postgres(database_url)?;
            let backend = diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("pg_backend_pid()"));
            let backend: i32 = backend.get_result(&mut connection)?;
            alternate(corpus, pairs, &[backend], |documents, counting| {
                insert_into_postgres(&mut connection, &author, documents, counting)
            })
        }
    }
}

fn alternate(
    corpus: &[Sample],
    pairs: usize,
    backends: &[i32],
    mut insert: impl FnMut(&[NewDocument<'_>], Counting) -> Outcome<()>,
) -> Outcome<[Vec<Duration>; 2]> {
    let (mut off, mut on, mut sequence) = (Vec::new(), Vec::new(), 0_i64);
    for _ in 0..pairs {
        for (counting, took) in [(Counting::Off, &mut off), (Counting::On, &mut on)] {
            let documents = new_documents(corpus, 100, &mut sequence);
            let before = cpu_time_with(backends)?;
            insert(&documents, counting)?;
            took.push(cpu_time_with(backends)?.saturating_sub(before));
        }
    }
    Ok([off, on])
}

/// Inserts documents for a while, so many in a transaction, into the database of that URL, whose tables exist.
pub fn run(
    database_url: &str,
    corpus: &[Sample],
    time: Duration,
    manner: Manner,
    at_once: usize,
) -> Outcome<Measurement> {
    let author = Author::new();
    match database_url.strip_prefix("sqlite://") {
        Some(path) => {
            let mut connection = author.open_sqlite(path)?;
            measure(corpus, time, at_once, |documents| {
                insert_into_sqlite(&mut connection, &author, documents, Counting::Off)
            })
        }
        None => {
            let mut connection = author.open_postgres(database_url)?;
            measure(corpus, time, at_once, |documents| match manner {
                Manner::Sets => insert_into_postgres(&mut connection, &author, documents, Counting::Off),
                Manner::SavepointEach => insert_with_savepoints(&mut connection, &author, documents),
            })
        }
    }
}

fn measure(
    corpus: &[Sample],
    time: Duration,
    at_once: usize,
    mut insert: impl FnMut(&[NewDocument<'_>]) -> Outcome<()>,
) -> Outcome<Measurement> {
    let (mut operations, mut latencies, mut elapsed, mut sequence) = (0_u32, Vec::new(), Duration::ZERO, 0_i64);
    while elapsed < time {
        let documents = new_documents(corpus, at_once, &mut sequence);
        let started = Instant::now();
        insert(&documents)?;
        let latency = started.elapsed();
        elapsed += latency;
        operations = operations.saturating_add(u32::try_from(documents.len())?);
        latencies.push(latency);
    }
    latencies.sort_unstable();
    Ok(Measurement { operations, elapsed, latencies, cpu: None, peak_kib: None })
}

fn new_documents<'a>(corpus: &'a [Sample], at_once: usize, sequence: &mut i64) -> Vec<NewDocument<'a>> {
    let samples = corpus.iter().cycle().take(at_once);
    samples
        .map(|sample| {
            *sequence += 1;
            // A tag byte before the text, as the server stores it.
            let content = [b"\0", sample.content.as_bytes()].concat();
            NewDocument {
                id: Id(Uuid::new_v4()),
                sequence: *sequence,
                client_id: format!("op-{sequence}"),
                content,
                sample,
            }
        })
        .collect()
}

/// Row by row with cached statements: on SQLite faster than many rows in one statement.
fn insert_into_sqlite(
    connection: &mut SqliteConnection,
    author: &Author<'_>,
    documents: &[NewDocument<'_>],
    counting: Counting,
) -> Outcome<()> {
    connection.immediate_transaction(|connection| {
        for new in documents {
            diesel::insert_into(documents::table).values(author.document(new)).execute(connection)?;
            diesel::insert_into(document_log::table).values(author.log(new)).execute(connection)?;
            diesel::insert_into(receipts::table).values(author.receipt(new)).execute(connection)?;
        }
        advance_feed!(connection, author, documents, counting)
    })?;
    Ok(())
}

/// Many rows in one statement: on Postgres each statement is a round trip.
fn insert_into_postgres(
    connection: &mut PgConnection,
    author: &Author<'_>,
    documents: &[NewDocument<'_>],
    counting: Counting,
) -> Outcome<()> {
    connection.transaction(|connection| {
        let heads: Vec<_> = documents.iter().map(|new| author.document(new)).collect();
        diesel::insert_into(documents::table).values(heads).execute(connection)?;
        let log: Vec<_> = documents.iter().map(|new| author.log(new)).collect();
        diesel::insert_into(document_log::table).values(log).execute(connection)?;
        let receipts: Vec<_> = documents.iter().map(|new| author.receipt(new)).collect();
        diesel::insert_into(receipts::table).values(receipts).execute(connection)?;
        advance_feed!(connection, author, documents, counting)
    })?;
    Ok(())
}

/// A savepoint for each document, a statement for each row: five round trips a document.
fn insert_with_savepoints(
    connection: &mut PgConnection,
    author: &Author<'_>,
    documents: &[NewDocument<'_>],
) -> Outcome<()> {
    connection.transaction(|connection| {
        for new in documents {
            connection.transaction(|connection| {
                diesel::insert_into(documents::table).values(author.document(new)).execute(connection)?;
                diesel::insert_into(document_log::table).values(author.log(new)).execute(connection)?;
                diesel::insert_into(receipts::table).values(author.receipt(new)).execute(connection)
            })?;
        }
        advance_feed!(connection, author, documents, Counting::Off)
    })?;
    Ok(())
}
