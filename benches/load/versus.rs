//! Two programs side by side in one run: the same loads in turns, each on a fresh database, so that whatever else the machine
//! does meets both.

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::Outcome;
use crate::arguments::Options;
use crate::client::Connection;
use crate::corpus::Sample;
use crate::measure::{Measurement, Watch};
use crate::push_load::PushLoad;
use crate::report::{Section, milliseconds, ratio};
use crate::server::{Database, Server, program};
use crate::suite::progress;
use crate::workload::Kind;

/// Turns of each program; the medians count.
const TURNS: usize = 3;
const HOT_CLIENTS: usize = 32;

/// What is pushed.
#[derive(Clone, Copy, Debug)]
enum Load {
    Batches {
        kind: Kind,
        clients: usize,
        size: usize,
    },
    /// Forced texts for one document, each in a batch of its own.
    HotDocument,
}

const LOADS: [(&str, Load); 6] = [
    ("create, 8 clients × 100", Load::Batches { kind: Kind::Create, clients: 8, size: 100 }),
    ("update, 8 clients × 100", Load::Batches { kind: Kind::Update, clients: 8, size: 100 }),
    ("mix, 8 clients × 100", Load::Batches { kind: Kind::Mix, clients: 8, size: 100 }),
    ("create, 1 client × 10", Load::Batches { kind: Kind::Create, clients: 1, size: 10 }),
    ("create, 1 client × 1", Load::Batches { kind: Kind::Create, clients: 1, size: 1 }),
    ("32 clients on one document", Load::HotDocument),
];

/// The table.
pub fn run(options: &Options, other: &Path, corpus: &[Sample]) -> Outcome<Section> {
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        for (name, load) in LOADS {
            let (mut others, mut own) = (Vec::new(), Vec::new());
            for turn in 1..=TURNS {
                progress(&format!("{}: {name}, turn {turn}", database.name()));
                others.push(measure(other, database, load, options.time, corpus)?);
                own.push(measure(program(), database, load, options.time, corpus)?);
            }
            rows.push(row(&format!("{}: {name}", database.name()), &others, &own));
        }
    }
    let columns = vec![
        "scenario",
        "other: operations/s",
        "operations/s",
        "× other",
        "other: CPU µs/operation",
        "CPU µs/operation",
        "CPU × other",
        "other: p50 ms",
        "p50 ms",
        "p50 × other",
    ];
    let about = format!(
        "Medians of {TURNS} turns of each program, one after the other, each on a fresh database. The other one: `{}`.",
        other.file_name().unwrap_or_default().to_string_lossy()
    );
    Ok(Section { title: "Versus", about, columns, rows })
}

fn measure(program: &Path, database: Database, load: Load, time: Duration, corpus: &[Sample]) -> Outcome<Measurement> {
    let server = Server::start_program(program, database)?;
    let owner = Connection::register(server.url(), "bench")?;
    match load {
        Load::Batches { kind, clients, size } => {
            let load = PushLoad { kind, batch_size: size, clients, time, expected_rate: 15_000.0 };
            load.run(&server, &owner, corpus)
        }
        Load::HotDocument => hot_document(&server, &owner, time),
    }
}

fn hot_document(server: &Server, owner: &Connection, time: Duration) -> Outcome<Measurement> {
    let (workspace_id, id) = (owner.create_workspace("hot")?, Uuid::new_v4());
    let push = |connection: &Connection, device: usize, operation: &str| {
        connection.push(&format!(
            r#"{{"workspace_id":"{workspace_id}","device_id":"hot-{device}","operations":[{operation}]}}"#
        ))
    };
    let made = format!(r#"{{"operation":"create","client_id":"made","document_id":"{id}","data":{{"title":"Hot"}}}}"#);
    push(owner, 0, &made)?;
    let start = Barrier::new(HOT_CLIENTS);
    let watch = Watch::start(server.process_id())?;
    let latencies: Vec<Outcome<Vec<Duration>>> = thread::scope(|scope| {
        let (start, push) = (&start, &push);
        let client = |device| {
            let connection = owner.another(server.url());
            scope.spawn(move || {
                start.wait();
                let (deadline, mut latencies) = (Instant::now() + time, Vec::new());
                while Instant::now() < deadline {
                    let at = latencies.len();
                    let forced = format!(
                        r#"{{"operation":"update","client_id":"op-{at}","document_id":"{id}","force":true,"data":{{"content":"{device} {at}"}}}}"#
                    );
                    latencies.push(push(&connection, device, &forced)?.1);
                }
                Ok(latencies)
            })
        };
        let clients: Vec<_> = (1..=HOT_CLIENTS).map(client).collect();
        clients.into_iter().map(|client| client.join().map_err(|_panic| "a client panicked")?).collect()
    });
    let latencies: Vec<Duration> = latencies.into_iter().collect::<Outcome<Vec<_>>>()?.concat();
    watch.finish(u32::try_from(latencies.len())?, latencies)
}

fn row(name: &str, others: &[Measurement], own: &[Measurement]) -> Vec<String> {
    let rate = |measured: &[Measurement]| median(measured.iter().map(Measurement::rate));
    let cpu = |measured: &[Measurement]| median(measured.iter().map(|one| one.cpu_us().unwrap_or_default()));
    let p50 = |measured: &[Measurement]| median(measured.iter().map(|one| one.latency(50).as_secs_f64()));
    let time = |seconds: f64| milliseconds(Duration::from_secs_f64(seconds));
    vec![
        name.to_owned(),
        format!("{:.0}", rate(others)),
        format!("{:.0}", rate(own)),
        ratio(rate(own), rate(others)),
        format!("{:.0}", cpu(others)),
        format!("{:.0}", cpu(own)),
        ratio(cpu(own), cpu(others)),
        time(p50(others)),
        time(p50(own)),
        ratio(p50(own), p50(others)),
    ]
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
