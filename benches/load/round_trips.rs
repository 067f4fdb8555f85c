//! What a batch saves: ten documents in one request against ten requests, near and far, and a long offline queue.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::Connection;
use crate::corpus::Sample;
use crate::delay_proxy::{self, Line};
use crate::measure::percentile;
use crate::workload::{Device, Kind};

/// There and back, in the emulated distance.
const ROUND_TRIP: Duration = Duration::from_millis(20);
const DOCUMENTS: usize = 10;
/// Operations of the long queue.
const QUEUE: usize = 1_000;
/// The same for a quick look.
const SHORT_QUEUE: usize = 200;
const FULL_BATCH: usize = 100;

/// The time of one way to send the same documents.
#[derive(Debug)]
pub struct RoundTrips {
    /// How far the server is.
    pub distance: &'static str,
    /// How many documents.
    pub documents: usize,
    /// Median time in batches.
    pub batched: Duration,
    /// Median time with one request for each document.
    pub single: Duration,
}

/// Measures both ways over both distances.
pub fn run(base_url: &str, owner: &Connection, corpus: &[Sample], quick: bool) -> Outcome<Vec<RoundTrips>> {
    let workspace_id = owner.create_workspace("round trips")?;
    let mut device = Device::new(corpus, workspace_id);
    let upstream = base_url.strip_prefix("http://").unwrap_or(base_url);
    let far = delay_proxy::start(upstream, Line { delay: ROUND_TRIP / 2, bytes_per_s: None })?;
    let (repeats, queue) = if quick { (5, SHORT_QUEUE) } else { (20, QUEUE) };
    let mut rows = Vec::new();
    for (distance, url) in [("loopback", base_url), ("20 ms round trip", far.as_str())] {
        let connection = owner.another(url);
        // The handshake is paid once, before.
        send(&connection, &mut device, 1, 1)?;
        rows.push(RoundTrips {
            distance,
            documents: DOCUMENTS,
            batched: median(repeats, || send(&connection, &mut device, DOCUMENTS, DOCUMENTS))?,
            single: median(repeats, || send(&connection, &mut device, DOCUMENTS, 1))?,
        });
        rows.push(RoundTrips {
            distance,
            documents: queue,
            batched: median(3, || send(&connection, &mut device, queue, FULL_BATCH))?,
            single: send(&connection, &mut device, queue, 1)?,
        });
    }
    Ok(rows)
}

/// The time to create so many documents, so many in a request, one request after the other.
fn send(connection: &Connection, device: &mut Device<'_>, documents: usize, in_one: usize) -> Outcome<Duration> {
    let mut batches = Vec::new();
    for _ in 0..documents.div_ceil(in_one) {
        batches.push(device.next_batch(Kind::Create, in_one)?.ok_or("a create needs no document")?);
    }
    let started = Instant::now();
    for batch in &batches {
        connection.push(batch)?;
    }
    Ok(started.elapsed())
}

fn median(repeats: usize, mut measure: impl FnMut() -> Outcome<Duration>) -> Outcome<Duration> {
    let mut times = (0..repeats).map(|_| measure()).collect::<Outcome<Vec<_>>>()?;
    times.sort_unstable();
    Ok(percentile(&times, 50))
}
