//! One commit for many batches against one commit for each: the SQLite writer under 32 threads, without HTTP.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use landfall::domain::ids::{DocumentId, UserId, WorkspaceId};
use landfall::domain::limits::Limits;
use landfall::domain::timestamp::Timestamp;
use landfall::http::batch::request::parse_batch;
use landfall::store::accounts::NewUser;
use landfall::store::{BatchScope, DatabaseUrl, Store, StoreConfig};
use landfall::sync::apply::{Attempt, process};
use tempfile::TempDir;
use uuid::Uuid;

use crate::Outcome;
use crate::corpus::Sample;
use crate::measure::Measurement;
use crate::workload::{Device, Kind};

const WRITERS: u32 = 32;
const BATCH_SIZE: usize = 10;
const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

/// Creates in batches of ten by 32 writers, with at most `group_limit` batches in a commit.
pub fn run(corpus: &[Sample], time: Duration, group_limit: usize) -> Outcome<Measurement> {
    let directory = TempDir::new()?;
    let url = DatabaseUrl::parse(&format!("sqlite://{}", directory.path().join("bench.db").display()))?;
    let store = Arc::new(Store::open(&url, &StoreConfig { group_limit, ..StoreConfig::default() })?);
    let (user_id, workspace_id) = (UserId(Uuid::new_v4()), WorkspaceId(Uuid::new_v4()));
    store.create_user(NewUser {
        user_id,
        username: "bench".to_owned(),
        password_hash: "none".to_owned(),
        workspace_id,
        workspace_name: "bench".to_owned(),
        now: NOW,
    })?;
    let started = Instant::now();
    let writers: Vec<_> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| scope.spawn(|| write(&store, corpus, user_id, workspace_id, started + time)))
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap_or_else(|_| Err("a writer panicked".into()))).collect()
    });
    let elapsed = started.elapsed();
    let mut latencies = writers.into_iter().collect::<Outcome<Vec<_>>>()?.concat();
    latencies.sort_unstable();
    let operations = u32::try_from(latencies.len() * BATCH_SIZE)?;
    Ok(Measurement { operations, elapsed, latencies, cpu: None, peak_kib: None })
}

fn write(
    store: &Store,
    corpus: &[Sample],
    user_id: UserId,
    workspace_id: WorkspaceId,
    until: Instant,
) -> Outcome<Vec<Duration>> {
    let limits = Limits::default();
    let mut device = Device::new(corpus, workspace_id.to_string());
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let body = device.next_batch(Kind::Create, BATCH_SIZE)?.ok_or("creates need no preparation")?;
        let started = Instant::now();
        let request = parse_batch(body.as_bytes(), &limits, user_id, &mut || DocumentId(Uuid::now_v7()))?;
        let scope = BatchScope {
            sync_id: None,
            workspace_id,
            user_id,
            device_id: request.device_id.clone(),
            now: NOW,
            deadline: started + Duration::from_secs(30),
        };
        let processed = process(store, &scope, &Arc::new(request), &Attempt::default(), None)?;
        let processed = processed.map_err(|refusal| format!("the batch was refused: {refusal:?}"))?;
        if processed.plan.outcomes.iter().any(|outcome| outcome.error().is_some()) {
            return Err("an operation was refused".into());
        }
        latencies.push(started.elapsed());
    }
    Ok(latencies)
}
