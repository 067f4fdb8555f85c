//! What reading a body costs, on one core and without a server: the plain parse that any handler would do, and
//! Landfall's own, which also checks every rule, decodes and scans the Yjs updates and hashes what is carried.

use std::hint::black_box;
use std::time::{Duration, Instant};

use landfall::domain::ids::{DocumentId, UserId};
use landfall::domain::limits::{Limits, YjsCaps};
use landfall::domain::operation::Submitted;
use landfall::http::batch::request::parse_batch;
use landfall::yjs::scan::scan_update;
use uuid::Uuid;

use crate::Outcome;
use crate::corpus::Sample;
use crate::measure::thread_cpu_time;
use crate::parse_only::Request;
use crate::report::Section;
use crate::workload::{Device, Kind};

const BATCH_SIZE: usize = 100;

/// Measures both, for creates and for updates.
pub fn run(corpus: &[Sample], time: Duration) -> Outcome<Section> {
    let mut rows = Vec::new();
    for kind in [Kind::Create, Kind::Update] {
        let mut device = Device::new(corpus, Uuid::nil().to_string());
        device.imagine(BATCH_SIZE);
        let body = device.next_batch(kind, BATCH_SIZE)?.ok_or("the documents have run out")?;
        let bytes = body.as_bytes();
        let plain = each(time, || Ok(black_box(serde_json::from_slice::<Request>(bytes)?).operations()))?;
        let limits = Limits::default();
        let whole = each(time, || {
            let batch = parse_batch(black_box(bytes), &limits, UserId(Uuid::nil()), &mut || DocumentId(Uuid::nil()))?;
            Ok(batch.operations.iter().filter(|operation| matches!(operation, Submitted::Valid(_))).count())
        })?;
        rows.push(row(format!("{}: plain parse", kind.name()), plain, body.len()));
        rows.push(row(format!("{}: parse, check, decode, scan, hash", kind.name()), whole, body.len()));
    }
    let caps = YjsCaps::default();
    let states: Vec<&[u8]> = corpus.iter().take(BATCH_SIZE).map(|sample| sample.state.as_slice()).collect();
    let scan = each(time, || {
        for state in &states {
            black_box(scan_update(black_box(state.to_vec()), &caps)?);
        }
        Ok(states.len())
    })?;
    rows.push(row("scan of a Yjs state alone".to_owned(), scan, states.iter().map(|state| state.len()).sum()));
    Ok(Section {
        title: "Reading a batch",
        about: format!("{BATCH_SIZE} operations in one body, without a server: processor time of one core."),
        columns: vec!["work", "CPU µs/operation", "KiB/operation"],
        rows,
    })
}

fn row(name: String, microseconds: f64, bytes: usize) -> Vec<String> {
    let kib = f64::from(u32::try_from(bytes / BATCH_SIZE).unwrap_or(u32::MAX)) / 1024.0;
    vec![name, format!("{microseconds:.2}"), format!("{kib:.1}")]
}

/// Microseconds of processor time for each operation, of work that answers how many operations it did: a whole batch.
fn each(time: Duration, mut work: impl FnMut() -> Outcome<usize>) -> Outcome<f64> {
    let (mut operations, started, cpu_before) = (0_u32, Instant::now(), thread_cpu_time()?);
    while started.elapsed() < time {
        let done = work()?;
        if done != BATCH_SIZE {
            return Err(format!("{done} of {BATCH_SIZE} operations were taken").into());
        }
        operations = operations.saturating_add(u32::try_from(done)?);
    }
    Ok((thread_cpu_time()? - cpu_before).as_secs_f64() * 1e6 / f64::from(operations))
}
