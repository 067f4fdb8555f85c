//! Clients that push batches side by side for a while.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::Connection;
use crate::corpus::Sample;
use crate::measure::{Measurement, Watch};
use crate::server::Server;
use crate::workload::{Device, Kind};

/// How the clients push.
#[derive(Clone, Copy, Debug)]
pub struct PushLoad {
    /// What the batches are made of.
    pub kind: Kind,
    /// Operations of a batch.
    pub batch_size: usize,
    /// Clients, each with a workspace and a connection of its own.
    pub clients: usize,
    /// For how long.
    pub time: Duration,
    /// Operations a second that existing documents are prepared for; when they run out the load ends early.
    pub expected_rate: f64,
}

impl PushLoad {
    /// Pushes to a Landfall server in which `owner` has an account, each client into a new workspace.
    pub fn run(&self, server: &Server, owner: &Connection, corpus: &[Sample]) -> Outcome<Measurement> {
        let mut clients = Vec::with_capacity(self.clients);
        for number in 0..self.clients {
            let workspace_id = owner.create_workspace(&format!("bench {number}"))?;
            clients.push((owner.another(server.url()), Device::new(corpus, workspace_id)));
        }
        self.run_as(server, clients)
    }

    /// Pushes as these clients; the documents that they will change are made before.
    pub fn run_as(&self, server: &Server, mut clients: Vec<(Connection, Device<'_>)>) -> Outcome<Measurement> {
        let documents = self.documents_for_each();
        in_parallel(&mut clients, |(connection, device)| device.prepare(connection, documents))?;
        self.push(server.process_id(), clients)
    }

    /// Pushes to a server that takes whatever comes, in no workspace that exists.
    pub fn run_unchecked(&self, process_id: u32, base_url: &str, corpus: &[Sample]) -> Outcome<Measurement> {
        let workspace_id = uuid::Uuid::nil().to_string();
        let client = || (Connection::open(base_url), Device::new(corpus, workspace_id.clone()));
        self.push(process_id, std::iter::repeat_with(client).take(self.clients).collect())
    }

    fn push(&self, process_id: u32, mut clients: Vec<(Connection, Device<'_>)>) -> Outcome<Measurement> {
        let start = Barrier::new(clients.len());
        let watch = Watch::start(process_id)?;
        let results = in_parallel(&mut clients, |(connection, device)| {
            start.wait();
            let deadline = Instant::now() + self.time;
            let (mut operations, mut latencies) = (0, Vec::new());
            while Instant::now() < deadline {
                let Some(batch) = device.next_batch(self.kind, self.batch_size)? else { break };
                let (applied, latency) = connection.push(&batch)?;
                operations += applied;
                latencies.push(latency);
            }
            Ok((operations, latencies))
        })?;
        let operations = results.iter().map(|(operations, _)| operations).sum();
        watch.finish(operations, results.into_iter().flat_map(|(_, latencies)| latencies).collect())
    }

    fn documents_for_each(&self) -> usize {
        let rate = Duration::from_secs_f64(self.expected_rate.clamp(0.0, 1e6) / 1e6).as_micros();
        let operations = usize::try_from(rate * self.time.as_millis() / 1_000).unwrap_or(usize::MAX);
        let batches = (operations / self.clients.max(1)).div_ceil(self.batch_size).max(1);
        self.kind.uses(batches * self.batch_size)
    }
}

/// Does the same for each, on a thread of its own; the results in order, or the first failure.
fn in_parallel<T: Send, R: Send>(items: &mut [T], work: impl Fn(&mut T) -> Outcome<R> + Sync) -> Outcome<Vec<R>> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = items.iter_mut().map(|item| scope.spawn(move || work(item))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_panic| "a client panicked")?).collect()
    })
}
