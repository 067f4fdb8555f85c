//! A yardstick: the rows that a pull shows, scanned from SQLite and written as JSON, without any server.
//!
//! One statement for the whole workspace in the order of the feed, each document with the text and the Yjs state of its
//! one version, 500 a page. What a program would reach that checks nothing and knows that nothing is merged.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use serde::Serialize;
use uuid::Uuid;

use crate::Outcome;
use crate::measure::Measurement;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Binary)]
    document_id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
    #[diesel(sql_type = Text)]
    username: String,
    #[diesel(sql_type = Nullable<Binary>)]
    state_vector: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    content: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    yjs_update: Option<Vec<u8>>,
}

#[derive(Serialize)]
struct Document {
    document_id: Uuid,
    version: i64,
    title: String,
    created_at: i64,
    updated_at: i64,
    updated_by: String,
    content: String,
    yjs_state_b64: Option<String>,
    state_vector_b64: Option<String>,
}

/// Scans the workspace over and over for a while.
pub fn run(database_url: &str, workspace_id: Uuid, page: usize, time: Duration) -> Outcome<Measurement> {
    let path = database_url.strip_prefix("sqlite://").ok_or("the yardstick is SQLite's")?;
    let mut connection = SqliteConnection::establish(path)?;
    connection.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA cache_size = -2048;")?;
    let (mut operations, mut latencies, started) = (0, Vec::new(), Instant::now());
    while started.elapsed() < time {
        let scanning = Instant::now();
        operations += scan(&mut connection, workspace_id, page)?;
        latencies.push(scanning.elapsed());
    }
    let elapsed = started.elapsed();
    latencies.sort_unstable();
    Ok(Measurement { operations, elapsed, latencies, cpu: None, peak_kib: None })
}

fn scan(connection: &mut SqliteConnection, workspace_id: Uuid, page: usize) -> Outcome<u32> {
    let rows = diesel::sql_query(
        "SELECT d.document_id, d.version, d.title, d.created_at, d.updated_at, u.username, d.state_vector, l.content, \
         l.yjs_update FROM documents AS d JOIN users AS u ON u.user_id = d.updated_by \
         JOIN document_log AS l ON l.workspace_id = d.workspace_id AND l.document_id = d.document_id \
         AND l.version = d.content_version WHERE d.workspace_id = ? AND sequence > 0 ORDER BY d.sequence",
    )
    .bind::<Binary, _>(workspace_id.as_bytes().to_vec())
    .load_iter::<Row, DefaultLoadingMode>(connection)?;
    let (mut documents, mut count) = (Vec::with_capacity(page), 0);
    for row in rows {
        documents.push(document(row?)?);
        count += 1;
        if documents.len() == page {
            std::hint::black_box(serde_json::to_vec(&documents)?);
            documents.clear();
        }
    }
    std::hint::black_box(serde_json::to_vec(&documents)?);
    Ok(count)
}

fn document(row: Row) -> Outcome<Document> {
    let stored = row.content.unwrap_or_default();
    // As the server stores texts: a tag, then the text as it is or compressed.
    let text = match stored.split_first() {
        Some((1, block)) => lz4_flex::block::decompress_size_prepended(block)?,
        Some((_, text)) => text.to_vec(),
        None => Vec::new(),
    };
    Ok(Document {
        document_id: Uuid::from_slice(&row.document_id)?,
        version: row.version,
        title: row.title,
        created_at: row.created_at,
        updated_at: row.updated_at,
        updated_by: row.username,
        content: String::from_utf8(text)?,
        yjs_state_b64: row.yjs_update.map(|bytes| STANDARD.encode(bytes)),
        state_vector_b64: row.state_vector.map(|bytes| STANDARD.encode(bytes)),
    })
}
