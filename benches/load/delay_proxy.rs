//! A far-away server on one machine: a TCP proxy that holds every byte back for a while, in both directions.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;

const CHUNK_BYTES: usize = 64 * 1024;

/// Listens on a free port and passes connections on to `upstream` (`host:port`), each byte `delay` later. The address
/// to connect to. Runs until the program ends.
pub fn start(upstream: &str, delay: Duration) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let upstream = upstream.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if let Err(error) = join(client, &upstream, delay) {
                eprintln!("load: the proxy: {error}");
            }
        }
    });
    Ok(format!("http://{address}"))
}

fn join(client: TcpStream, upstream: &str, delay: Duration) -> std::io::Result<()> {
    let server = TcpStream::connect(upstream)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    pass_on(client.try_clone()?, server.try_clone()?, delay);
    pass_on(server, client, delay);
    Ok(())
}

/// One direction: bytes are read as they come, so that what is sent together stays together, and written when due.
fn pass_on(mut from: TcpStream, to: TcpStream, delay: Duration) {
    let (sender, receiver) = channel();
    thread::spawn(move || write_when_due(&receiver, to));
    thread::spawn(move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(length) = from.read(&mut chunk) {
            let bytes = chunk.get(..length).unwrap_or_default().to_vec();
            if length == 0 || sender.send((Instant::now() + delay, bytes)).is_err() {
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
