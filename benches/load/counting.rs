//! What counting costs a batch of 100: what its workspace holds, and its place in a sync run, each in one process with and without,
//! in turns, by processor time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Integer;
use landfall::domain::ids::{DocumentId, SyncId, UserId, WorkspaceId};
use landfall::domain::limits::Limits;
use landfall::domain::timestamp::Timestamp;
use landfall::http::batch::request::parse_batch;
use landfall::store::accounts::NewUser;
use landfall::store::{BatchScope, DatabaseUrl, Store, StoreConfig};
use landfall::sync::apply::{Attempt, process};
use tempfile::TempDir;
use uuid::Uuid;

use crate::Outcome;
use crate::arguments::Options;
use crate::corpus::Sample;
use crate::measure::{cpu_time_with, percentile};
use crate::postgres_server::PostgresDatabase;
use crate::raw_inserts;
use crate::report::{Section, milliseconds};
use crate::server::Database;
use crate::suite::progress;
use crate::workload::{Device, Kind};

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
const BATCH_SIZE: usize = 100;

/// The table.
pub fn run(options: &Options, corpus: &[Sample]) -> Outcome<Section> {
    let pairs = if options.quick { 50 } else { 400 };
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        progress(&format!("{}: counting", database.name()));
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let postgres = (database == Database::Postgres).then(PostgresDatabase::create);
        let url = match &postgres {
            Some(postgres) => postgres.url().to_owned(),
            None => format!("sqlite://{}", directory.path().join("landfall.db").display()),
        };
        let runs = Pusher::open(&url)?.compare_runs(&url, corpus, pairs)?;
        let held = raw_inserts::compare_counting(&url, corpus, pairs)?;
        rows.push(row(database, "what a workspace holds", held));
        rows.push(row(database, "a sync run", runs));
    }
    Ok(Section {
        title: "Counting",
        about: format!(
            "Processor time of {BATCH_SIZE} creates, the database's included, in one process, {pairs} times without what is counted and \
             {pairs} times with it, in turns. What a workspace holds: the rows that the creates leave and the advance of the feed, inserted \
             by Diesel, so the rest of a batch's work is not in it. A sync run: the server's whole way from a parsed batch to its commit."
        ),
        columns: vec!["what is counted", "without, p50 ms", "with, p50 ms", "more"],
        rows,
    })
}

fn row(database: Database, name: &str, took: [Vec<Duration>; 2]) -> Vec<String> {
    let [without, with] = took.map(|mut took| {
        took.sort_unstable();
        percentile(&took, 50)
    });
    let more = (with.as_secs_f64() / without.as_secs_f64().max(f64::EPSILON) - 1.0) * 100.0;
    vec![format!("{}: {name}", database.name()), milliseconds(without), milliseconds(with), format!("{more:.1} %")]
}

/// Who pushes into a store, without HTTP.
struct Pusher {
    store: Store,
    user_id: UserId,
    workspace_id: WorkspaceId,
    /// The processes of a Postgres that work for the store.
    backends: Vec<i32>,
}

impl Pusher {
    fn open(url: &str) -> Outcome<Self> {
        let store = Store::open(&DatabaseUrl::parse(url)?, &StoreConfig::default())?;
        let (user_id, workspace_id) = (UserId(Uuid::new_v4()), WorkspaceId(Uuid::new_v4()));
        store.create_user(NewUser {
            user_id,
            username: "bench".to_owned(),
            password_hash: "none".to_owned(),
            workspace_id,
            workspace_name: "bench".to_owned(),
            now: NOW,
        })?;
        Ok(Self { store, user_id, workspace_id, backends: Vec::new() })
    }

    /// Processor time of batches that belong to no sync run, and of those that do.
    fn compare_runs(mut self, url: &str, corpus: &[Sample], pairs: usize) -> Outcome<[Vec<Duration>; 2]> {
        let mut device = Device::new(corpus, self.workspace_id.to_string());
        let sync_id = SyncId(Uuid::new_v4());
        // Statements are prepared and connections opened before anything is measured.
        for run in [None, Some(sync_id)] {
            self.push(&mut device, run)?;
        }
        if !url.starts_with("sqlite:") {
            self.backends = backends_of(url)?;
        }
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..pairs {
            without.push(self.push(&mut device, None)?);
            with.push(self.push(&mut device, Some(sync_id))?);
        }
        Ok([without, with])
    }

    fn push(&self, device: &mut Device<'_>, sync_id: Option<SyncId>) -> Outcome<Duration> {
        let body = device.next_batch(Kind::Create, BATCH_SIZE)?.ok_or("creates need no preparation")?;
        let limits = Limits::default();
        let mut batch = parse_batch(body.as_bytes(), &limits, self.user_id, &mut || DocumentId(Uuid::now_v7()))?;
        batch.sync_id = sync_id;
        let scope = BatchScope {
            sync_id,
            workspace_id: self.workspace_id,
            user_id: self.user_id,
            device_id: batch.device_id.clone(),
            now: NOW,
            deadline: Instant::now() + Duration::from_secs(30),
        };
        let batch = Arc::new(batch);
        let before = cpu_time_with(&self.backends)?;
        let processed = process(&self.store, &scope, &batch, &Attempt::default(), None)?;
        let took = cpu_time_with(&self.backends)?.saturating_sub(before);
        let processed = processed.map_err(|refusal| format!("the batch was refused: {refusal:?}"))?;
        if processed.plan.outcomes.iter().any(|outcome| outcome.error().is_some()) {
            return Err("an operation was refused".into());
        }
        Ok(took)
    }
}

/// The processes of a Postgres that serve connections to this database.
fn backends_of(url: &str) -> Outcome<Vec<i32>> {
    let mut connection = PgConnection::establish(url)?;
    let own = "pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'";
    let backends = diesel::sql_query(format!("SELECT pid FROM pg_stat_activity WHERE {own}"));
    let backends: Vec<Backend> = backends.load(&mut connection)?;
    Ok(backends.into_iter().map(|backend| backend.pid).collect())
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}
