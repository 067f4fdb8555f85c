//! Batches in a small and in a large workspace: what a batch costs must not depend on what lies beside it.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use uuid::Uuid;

use crate::Outcome;
use crate::client::Connection;
use crate::corpus::Sample;
use crate::measure::Measurement;
use crate::push_load::PushLoad;
use crate::server::Server;
use crate::workload::{Device, Kind};

const BATCH_SIZE: usize = 10;

/// A workspace of so many documents, and what batches in it cost.
#[derive(Debug)]
pub struct LargeWorkspace {
    /// Documents that were there before.
    pub documents: u32,
    /// What the batches cost.
    pub measurement: Measurement,
}

/// Pushes mixed batches of ten into workspaces that hold so many documents each.
pub fn run(
    server: &Server,
    owner: &Connection,
    corpus: &[Sample],
    sizes: &[u32],
    time: Duration,
) -> Outcome<Vec<LargeWorkspace>> {
    let load = PushLoad { kind: Kind::Mix, batch_size: BATCH_SIZE, clients: 1, time, expected_rate: 4_000.0 };
    let mut rows = Vec::new();
    for documents in sizes.iter().copied() {
        let workspace_id = owner.create_workspace(&format!("{documents} documents"))?;
        fill(&server.database_url(), workspace_id.parse()?, documents)?;
        let client = (owner.another(server.url()), Device::new(corpus, workspace_id));
        rows.push(LargeWorkspace { documents, measurement: load.run_as(server, vec![client])? });
    }
    Ok(rows)
}

/// Puts small documents into a workspace, past the server.
pub fn fill(database_url: &str, workspace_id: Uuid, documents: u32) -> Outcome<()> {
    match database_url.strip_prefix("sqlite://") {
        Some(path) => {
            let numbers = format!(
                "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {documents})"
            );
            let id = format!("x'{}'", workspace_id.simple());
            let statements = statements(&id, documents, "x'0061'", "x''", &numbers, "numbers", "randomblob(16)");
            let mut connection = SqliteConnection::establish(path)?;
            connection.batch_execute("PRAGMA busy_timeout = 60000; PRAGMA synchronous = FULL;")?;
            connection.batch_execute(&format!("BEGIN IMMEDIATE; {statements} COMMIT;"))?;
        }
        None => {
            let source = format!("generate_series(1, {documents}) AS n");
            let id = format!("'{workspace_id}'::uuid");
            let content = r"'\x0061'::bytea";
            let statements = statements(&id, documents, content, "''::bytea", "", &source, "gen_random_uuid()");
            PgConnection::establish(database_url)?.batch_execute(&format!("BEGIN; {statements} COMMIT;"))?;
        }
    }
    Ok(())
}

/// What fills the workspace `id` from `source`, a row for each number `n`.
fn statements(
    id: &str,
    documents: u32,
    content: &str,
    no_bytes: &str,
    with: &str,
    source: &str,
    random_id: &str,
) -> String {
    const NOW: u64 = 1_800_000_000_000_000;
    format!(
        "{with} INSERT INTO documents (workspace_id, document_id, version, sequence, title, created_at, updated_at, \
         updated_by, epoch, content_version, yjs_roots, snapshot_bytes, log_bytes, log_rows) \
         SELECT {id}, {random_id}, 1, n, 'Document ' || n, {NOW}, {NOW}, {id}, 1, 1, {no_bytes}, 0, 0, 1 FROM {source}; \
         INSERT INTO document_log (workspace_id, document_id, version, kind, title, user_id, client_id, created_at, \
         content) SELECT workspace_id, document_id, 1, 0, title, updated_by, 'fill', created_at, {content} \
         FROM documents WHERE workspace_id = {id}; \
         UPDATE workspaces SET head_sequence = {documents} WHERE workspace_id = {id};"
    )
}
