//! Batches fit the network: small on a slow line, large on a fast one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::place::{Desk, Place};
use super::proxy::{Deed, Proxy};

/// A line that all connections share, each way.
struct Line {
    bytes_per_s: Mutex<u64>,
    latency: Duration,
    /// When it has sent all that it was given.
    free_at: Mutex<Instant>,
    /// Every so many pieces one is lost, and comes when it is sent again. 0: none.
    loses_every: u64,
    pieces: Mutex<u64>,
}

/// What is sent at once.
const PIECE: usize = 1024;
/// How long it takes until something that was lost is sent again.
const RESEND: Duration = Duration::from_millis(300);

impl Line {
    fn new(bytes_per_s: u64, latency: Duration, loses_every: u64) -> Arc<Self> {
        let free_at = Mutex::new(Instant::now());
        Arc::new(Self { bytes_per_s: Mutex::new(bytes_per_s), latency, free_at, loses_every, pieces: Mutex::new(0) })
    }

    /// When a piece arrives that is sent now.
    fn arrival(&self, bytes: usize) -> Instant {
        let takes = Duration::from_micros(bytes as u64 * 1_000_000 / *self.bytes_per_s.lock().unwrap());
        let mut free_at = self.free_at.lock().unwrap();
        *free_at = (*free_at).max(Instant::now()) + takes;
        let mut pieces = self.pieces.lock().unwrap();
        *pieces += 1;
        let is_lost = self.loses_every > 0 && pieces.is_multiple_of(self.loses_every);
        *free_at + self.latency + if is_lost { RESEND } else { Duration::ZERO }
    }

    /// Puts the line before a server; the address on its near side.
    fn before(self: &Arc<Self>, server: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (up, down) = (Arc::clone(self), Self::new(*self.bytes_per_s.lock().unwrap(), self.latency, 0));
        let server = server.strip_prefix("http://").unwrap().to_owned();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
                carry(client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&up));
                carry(server, client, Arc::clone(&down));
            }
        });
        url
    }
}

/// One direction of a connection. The queue before the line is short, as a modem's is.
fn carry(mut from: TcpStream, to: TcpStream, line: Arc<Line>) {
    let (sender, pieces) = channel();
    thread::spawn(move || deliver(&pieces, to));
    thread::spawn(move || {
        let mut piece = [0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            let arrival = line.arrival(length);
            if sender.send((arrival, piece[..length].to_vec())).is_err() {
                return;
            }
        }
    });
}

fn deliver(pieces: &Receiver<(Instant, Vec<u8>)>, mut to: TcpStream) {
    while let Ok((arrival, bytes)) = pieces.recv() {
        thread::sleep(arrival.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    drop(to.shutdown(Shutdown::Write));
}

/// Counts the operations of each batch behind a line.
fn counted(desk: &Desk, line: &Arc<Line>) -> (Place, Arc<Mutex<Vec<usize>>>) {
    let sizes: Arc<Mutex<Vec<usize>>> = Arc::default();
    let seen = Arc::clone(&sizes);
    let proxy = Proxy::start(&desk.url(), move |_, request| {
        seen.lock().unwrap().push(request["operations"].as_array().unwrap().len());
        Deed::Pass
    });
    (desk.place_through(&line.before(&proxy.url)), sizes)
}

/// About 2 KB that do not compress to nothing.
fn note(n: u64) -> String {
    let mut seed = n + 1;
    let mut word = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:x}{}", seed >> 40, if seed >> 61 == 0 { ".\n" } else { " " })
    };
    (0..300).map(|_| word()).collect()
}

/// Syncs; what it printed, and how long that took.
fn sync_timed(place: &Place, change: impl FnOnce() + Send + 'static) -> (Vec<Value>, Duration) {
    let mut child = place.spawn(&["sync", "--json", "--timeout", "30", "--retries", "0"]);
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (mut events, started, mut change) = (Vec::new(), Instant::now(), Some(change));
    for line in stdout.lines() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if event["event"] == "pushed" && events.len() > 20 {
            change.take().into_iter().for_each(|change| change());
        }
        events.push(event);
    }
    assert!(child.wait().unwrap().success(), "{:?}", events.last());
    (events, started.elapsed())
}

#[test]
fn on_a_slow_line_batches_are_small() {
    let desk = Desk::new();
    // 64 kbit/s, 600 ms there and back, and 2 % of the pieces are lost.
    let line = Line::new(8_000, Duration::from_millis(300), 50);
    let (place, sizes) = counted(&desk, &line);
    for n in 0..60 {
        place.write(&format!("{n:02}.md"), note(n));
    }
    let (events, took) = sync_timed(&place, || {});
    assert_eq!(events.last().unwrap()["pushed"], 60);
    // Nothing timed out, and nothing was sent twice: that would be more operations.
    let sizes = sizes.lock().unwrap();
    assert_eq!(sizes.iter().sum::<usize>(), 60, "{sizes:?}");
    assert!(sizes[..4].iter().all(|size| *size <= 10), "{sizes:?}");
    assert!(sizes[4..sizes.len() - 1].iter().all(|size| *size == 5), "{sizes:?}");
    // Progress comes each 400 ms; the rest is for a machine that is busy.
    let told = events.iter().filter(|event| event["event"] == "progress").count();
    assert!(told as u64 * 2 >= took.as_secs(), "{told} times in {took:?}");
}

#[test]
fn when_the_line_becomes_faster_batches_grow() {
    let desk = Desk::new();
    let line = Line::new(20_000, Duration::from_millis(50), 50);
    let (place, sizes) = counted(&desk, &line);
    for n in 0..400 {
        place.write(&format!("{n:03}.md"), format!("note {n}: {}\n", &note(n)[..300]));
    }
    let faster = Arc::clone(&line);
    let (events, _) = sync_timed(&place, move || *faster.bytes_per_s.lock().unwrap() *= 100);
    assert_eq!(events.last().unwrap()["pushed"], 400);
    let sizes = sizes.lock().unwrap();
    assert_eq!(sizes.iter().sum::<usize>(), 400, "{sizes:?}");
    assert!(sizes.iter().any(|size| *size > 20), "{sizes:?}");
}

#[test]
fn a_size_that_was_asked_for_stays() {
    let desk = Desk::new();
    let line = Line::new(10_000_000, Duration::ZERO, 0);
    let (place, sizes) = counted(&desk, &line);
    for n in 0..60 {
        place.write(&format!("{n:02}.md"), format!("{n}\n"));
    }
    place.run(&["sync", "--batch-size", "15"]).expect(0);
    assert_eq!(*sizes.lock().unwrap(), [15; 4]);
}
