//! Taking back: a batch undone, and a thousand documents put back to a moment, with the preview.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::Outcome;
use crate::client::Connection;
use crate::measure::percentile;

const RESTORE: &str = "/api/v1/documents/restore";
const BATCH_SIZE: usize = 100;
/// Batches that are undone one after the other.
const UNDONE: usize = 10;

/// Undoes batches of a hundred, and restores so many documents of 2 KB; what each step took.
pub fn run(owner: &Connection, documents: usize) -> Outcome<Vec<(String, Duration)>> {
    let workspace = owner.create_workspace("restored")?;
    let ids: Vec<Uuid> = (0..documents).map(|_| Uuid::now_v7()).collect();
    let text = |word: &str| format!("{word}\n{}", "A line of forty characters, more or less.\n".repeat(48));
    let mut last = Value::Null;
    for ids in ids.chunks(BATCH_SIZE) {
        last = push(owner, &workspace, ids, "create", &text("then"))?;
    }
    let changed: Value = read(&owner.get(&format!(
        "/api/v1/documents/{}/versions?workspace_id={workspace}",
        ids.last().ok_or("there are no documents")?
    ))?)?;
    let then = changed.pointer("/items/0/updated_at").cloned().ok_or("a version without a time")?;
    let mut steps = Vec::new();
    let mut undone = Vec::new();
    for _ in 0..UNDONE {
        last = push(owner, &workspace, ids.get(..BATCH_SIZE).ok_or("too few documents")?, "update", &text("now"))?;
        let batch = last.get("batch_id").and_then(Value::as_str).ok_or("a batch without a name")?;
        let started = Instant::now();
        ask(owner, &format!("/api/v1/batches/{batch}/undo"), &json!({ "workspace_id": workspace }))?;
        undone.push(started.elapsed());
    }
    undone.sort_unstable();
    steps.push((format!("undo of a batch of {BATCH_SIZE}"), percentile(&undone, 50)));
    for ids in ids.chunks(BATCH_SIZE) {
        last = push(owner, &workspace, ids, "update", &text("spoiled"))?;
    }
    drop(last);
    let started = Instant::now();
    ask(owner, RESTORE, &json!({ "workspace_id": workspace, "as_of": then, "dry_run": true }))?;
    steps.push((format!("preview of {documents} documents"), started.elapsed()));
    let started = Instant::now();
    let begun = ask(owner, RESTORE, &json!({ "workspace_id": workspace, "as_of": then }))?;
    let run = begun.get("sync_id").and_then(Value::as_str).ok_or("a restore without a run")?;
    let progress = format!("/api/v1/syncs/{run}?workspace_id={workspace}");
    while read(&owner.get(&progress)?)?.get("status").is_none_or(|status| status != "completed") {
        thread::sleep(Duration::from_millis(5));
    }
    steps.push((format!("restore of {documents} documents"), started.elapsed()));
    Ok(steps)
}

fn push(owner: &Connection, workspace: &str, ids: &[Uuid], operation: &str, text: &str) -> Outcome<Value> {
    let operations = ids.iter().map(|id| {
        let data = json!({ "title": id, "content": text });
        json!({ "operation": operation, "client_id": id, "document_id": id, "force": true, "data": data })
    });
    let operations: Vec<Value> = operations.collect();
    ask(owner, "/api/v1/documents/batch", &json!({ "workspace_id": workspace, "operations": operations }))
}

/// A request of which no part may fail.
fn ask(owner: &Connection, path: &str, body: &Value) -> Outcome<Value> {
    let answer = read(&owner.post(path, &body.to_string())?)?;
    match answer.get("failed").and_then(Value::as_u64) {
        Some(0) => Ok(answer),
        failed => Err(format!("{path}: {failed:?} failed").into()),
    }
}

fn read(answer: &[u8]) -> Outcome<Value> {
    Ok(serde_json::from_slice(answer)?)
}
