//! A far-away server on one machine: a TCP proxy that holds every byte back for a while, in both directions, and passes on no more
//! of them a second than a line does.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;

const CHUNK_BYTES: usize = 64 * 1024;
/// What a narrow line sends at once.
const PIECE_BYTES: usize = 1024;

/// A line to a server.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// How long a byte takes, each way.
    pub delay: Duration,
    /// Bytes a second that all connections share, each way, if there is a limit.
    pub bytes_per_s: Option<u32>,
}

/// One direction of a line, shared by all connections.
struct Lane {
    line: Line,
    /// When it has sent all that it was given.
    free_at: Mutex<Instant>,
}

impl Lane {
    fn new(line: Line) -> Arc<Self> {
        Arc::new(Self { line, free_at: Mutex::new(Instant::now()) })
    }

    /// When so many bytes arrive that are sent now.
    fn arrival(&self, bytes: usize) -> Instant {
        let Some(bytes_per_s) = self.line.bytes_per_s else { return Instant::now() + self.line.delay };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        *free_at = (*free_at).max(Instant::now()) + Duration::from_secs(1) * bytes / bytes_per_s.max(1);
        *free_at + self.line.delay
    }

    fn piece(&self) -> usize {
        if self.line.bytes_per_s.is_some() { PIECE_BYTES } else { CHUNK_BYTES }
    }
}

/// Listens on a free port and passes connections on to `upstream` (`host:port`), over a line. The address to connect to. Runs until
/// the program ends.
pub fn start(upstream: &str, line: Line) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let upstream = upstream.to_owned();
    let (up, down) = (Lane::new(line), Lane::new(line));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if let Err(error) = join(client, &upstream, &up, &down) {
                eprintln!("load: the proxy: {error}");
            }
        }
    });
    Ok(format!("http://{address}"))
}

fn join(client: TcpStream, upstream: &str, up: &Arc<Lane>, down: &Arc<Lane>) -> std::io::Result<()> {
    let server = TcpStream::connect(upstream)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    pass_on(client.try_clone()?, server.try_clone()?, Arc::clone(up));
    pass_on(server, client, Arc::clone(down));
    Ok(())
}

/// One direction: bytes are read as they come, so that what is sent together stays together, and written when due.
fn pass_on(mut from: TcpStream, to: TcpStream, lane: Arc<Lane>) {
    let (sender, receiver) = channel();
    thread::spawn(move || write_when_due(&receiver, to));
    thread::spawn(move || {
        let mut chunk = vec![0; lane.piece()];
        while let Ok(length) = from.read(&mut chunk) {
            let bytes = chunk.get(..length).unwrap_or_default().to_vec();
            if length == 0 || sender.send((lane.arrival(length), bytes)).is_err() {
                break;
            }
        }
    });
}

fn write_when_due(receiver: &Receiver<(Instant, Vec<u8>)>, mut to: TcpStream) {
    while let Ok((due, bytes)) = receiver.recv() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    // The other side may have gone first; then there is nothing to close.
    let _ = to.shutdown(Shutdown::Write);
}
