//! What a neighbour feels: one user's batches of one, reads and pulls, alone and while somebody else does their worst.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::Outcome;
use crate::arguments::Options;
use crate::client::Connection;
use crate::measure::{Watch, percentile};
use crate::report::{Section, milliseconds, none, ratio};
use crate::server::Database;
use crate::suite::{progress, start};
use crate::troubles::{TROUBLES, Trouble};

/// Between two rounds of the neighbour: somebody at work, not another load.
const PAUSE: Duration = Duration::from_millis(10);

/// What the neighbour felt.
#[derive(Debug, Default)]
struct Felt {
    batches: Vec<Duration>,
    reads: Vec<Duration>,
    pulls: Vec<Duration>,
    /// Requests that were not answered with a success.
    refused: u32,
    peak_kib: u32,
    /// What the others were answered, by status.
    others: String,
}

/// The table of all troubles.
pub fn run(options: &Options) -> Outcome<Section> {
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        let alone = feel(database, None, options.time)?;
        rows.push(row(database, "alone", &alone, &alone));
        for trouble in TROUBLES.iter().filter(|trouble| trouble.fits(database)) {
            let felt = feel(database, Some(trouble), trouble.time(options))?;
            rows.push(row(database, trouble.name, &felt, &alone));
        }
    }
    let columns = vec![
        "somebody else",
        "rounds",
        "refused",
        "batch p50 ms",
        "batch p99 ms",
        "batch max ms",
        "read p99 ms",
        "pull p99 ms",
        "batch p99 × alone",
        "peak MiB",
        "the others' answers",
    ];
    let about = "One user creates a document, reads it and pulls what changed, over and over with a pause of 10 ms, in a workspace \
                 of their own, while other users do what the first column says until the neighbour is done. The memory is the \
                 most that the server process held. Wanted: p99 below 250 ms, peaks below 400 MiB.";
    Ok(Section { title: "Neighbours", about: about.to_owned(), columns, rows })
}

fn feel(database: Database, trouble: Option<&Trouble>, time: Duration) -> Outcome<Felt> {
    let name = trouble.map_or("alone", |trouble| trouble.name);
    progress(&format!("{}: neighbours, {name}", database.name()));
    let (server, owner) = start(database)?;
    let neighbour = Connection::register(server.url(), "neighbour")?;
    let workspace_id = neighbour.create_workspace("next door")?;
    let hands = trouble.map_or_else(|| Ok(Vec::new()), |trouble| trouble.prepare(&server, &owner))?;
    let (stop, statuses) = (AtomicBool::new(false), std::sync::Mutex::new(Vec::new()));
    let watch = Watch::start(server.process_id())?;
    let mut felt = thread::scope(|scope| {
        for hand in hands {
            let (stop, statuses) = (&stop, &statuses);
            spawn(scope, move || {
                let done = hand(stop);
                if let Ok(mut statuses) = statuses.lock() {
                    statuses.extend(done);
                }
            })?;
        }
        let felt = live(&neighbour, &workspace_id, time);
        stop.store(true, Ordering::SeqCst);
        felt
    })?;
    felt.peak_kib = watch.finish(0, Vec::new())?.peak_kib.unwrap_or_default();
    felt.others = told(&statuses.into_inner().unwrap_or_default());
    Ok(felt)
}

/// A thousand at once must fit: small stacks.
fn spawn<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    work: impl FnOnce() + Send + 'scope,
) -> Outcome<thread::ScopedJoinHandle<'scope, ()>> {
    Ok(thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, work)?)
}

/// The neighbour, for so long.
fn live(neighbour: &Connection, workspace_id: &str, time: Duration) -> Outcome<Felt> {
    let mut felt = Felt::default();
    let deadline = Instant::now() + time;
    let mut cursor = String::new();
    while Instant::now() < deadline {
        let id = Uuid::new_v4();
        let batch = format!(
            r#"{{"workspace_id":"{workspace_id}","device_id":"neighbour","operations":[{{"operation":"create","client_id":"{id}","document_id":"{id}","data":{{"title":"A note","content":"Buy milk.\n"}}}}]}}"#
        );
        match neighbour.push(&batch) {
            Ok((_, took)) => felt.batches.push(took),
            Err(_) => felt.refused += 1,
        }
        let started = Instant::now();
        match neighbour.get(&format!("/api/v1/documents/{id}?workspace_id={workspace_id}")) {
            Ok(_) => felt.reads.push(started.elapsed()),
            Err(_) => felt.refused += 1,
        }
        let started = Instant::now();
        match neighbour.get(&format!("/api/v1/documents/changes?workspace_id={workspace_id}&cursor={cursor}")) {
            Ok(page) => {
                felt.pulls.push(started.elapsed());
                let page: serde_json::Value = serde_json::from_slice(&page)?;
                page.get("next_cursor").and_then(serde_json::Value::as_str).unwrap_or_default().clone_into(&mut cursor);
            }
            Err(_) => felt.refused += 1,
        }
        thread::sleep(PAUSE);
    }
    [&mut felt.batches, &mut felt.reads, &mut felt.pulls].into_iter().for_each(|times| times.sort_unstable());
    Ok(felt)
}

fn told(statuses: &[u16]) -> String {
    let mut counts = std::collections::BTreeMap::<u16, u32>::new();
    statuses.iter().for_each(|status| *counts.entry(*status).or_default() += 1);
    let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{count} × {status}")).collect();
    if counts.is_empty() { none() } else { counts.join(", ") }
}

fn row(database: Database, name: &str, felt: &Felt, alone: &Felt) -> Vec<String> {
    let p99 = |times: &[Duration]| milliseconds(percentile(times, 99));
    let seconds = |times: &[Duration]| percentile(times, 99).as_secs_f64();
    vec![
        format!("{}: {name}", database.name()),
        felt.batches.len().to_string(),
        felt.refused.to_string(),
        milliseconds(percentile(&felt.batches, 50)),
        p99(&felt.batches),
        milliseconds(percentile(&felt.batches, 100)),
        p99(&felt.reads),
        p99(&felt.pulls),
        ratio(seconds(&felt.batches), seconds(&alone.batches)),
        format!("{:.0}", f64::from(felt.peak_kib) / 1024.0),
        felt.others.clone(),
    ]
}
