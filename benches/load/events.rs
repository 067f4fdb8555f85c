//! Event streams: how soon a change is told, and what open streams cost.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::Connection;
use crate::corpus::Sample;
use crate::measure::resident_kib;
use crate::server::Server;
use crate::workload::{Device, Kind};

const WRITERS: usize = 8;
const BATCH_SIZE: usize = 10;
/// How long the last events may be on their way.
const GRACE: Duration = Duration::from_secs(2);
const DOCUMENT_ID: &str = "\"document_id\":\"";
const UUID_CHARS: usize = 36;

/// How long changes took to be told, sorted.
#[derive(Debug, Default)]
pub struct Told {
    /// From the moment at which a batch was sent to the event of its last document.
    pub since_sent: Vec<Duration>,
    /// From the moment at which its answer had come; nothing if the event came first.
    pub since_answered: Vec<Duration>,
}

/// What open streams take.
#[derive(Debug)]
pub struct Memory {
    /// How many.
    pub streams: usize,
    /// KiB that the server grew by.
    pub kib: u32,
}

/// Who writes where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// Each writer has a workspace, and each workspace a stream.
    Apart,
    /// All write to one workspace, which has a stream for each.
    Together,
}

struct Sent {
    document_id: String,
    at: Instant,
    answered_at: Instant,
}

/// Writes to one server and listens at another (or the same).
pub fn tell(
    written_at: &Server,
    heard_at: &Server,
    owner: &Connection,
    corpus: &[Sample],
    time: Duration,
    places: Places,
) -> Outcome<Told> {
    let shared = owner.create_workspace("shared")?;
    let mut workspaces = Vec::new();
    for number in 0..WRITERS {
        workspaces.push(match places {
            Places::Apart => owner.create_workspace(&format!("events {number}"))?,
            Places::Together => shared.clone(),
        });
    }
    let streams: Vec<_> =
        workspaces.iter().map(|workspace| open(heard_at.url(), owner, workspace)).collect::<Outcome<_>>()?;
    let (sent, heard) = thread::scope(|scope| -> Outcome<_> {
        let mut listeners = Vec::new();
        for stream in &streams {
            let stream = stream.get_ref().try_clone()?;
            listeners.push(scope.spawn(move || listen(BufReader::new(stream))));
        }
        let writers: Vec<_> = workspaces
            .iter()
            .map(|workspace| {
                let connection = owner.another(written_at.url());
                scope.spawn(move || write(&connection, Device::new(corpus, workspace.clone()), time))
            })
            .collect();
        let mut sent = Vec::new();
        for writer in writers {
            sent.push(writer.join().map_err(|_panic| "a writer panicked")??);
        }
        thread::sleep(GRACE);
        for stream in &streams {
            stream.get_ref().shutdown(Shutdown::Both)?;
        }
        let mut heard = Vec::new();
        for listener in listeners {
            heard.push(listener.join().map_err(|_panic| "a listener panicked")?);
        }
        Ok((sent, heard))
    })?;
    let mut told = Told::default();
    for (sent, heard) in sent.iter().zip(&heard) {
        for batch in sent {
            let heard_at = heard.get(&batch.document_id).ok_or("a change was not told")?;
            told.since_sent.push(heard_at.saturating_duration_since(batch.at));
            told.since_answered.push(heard_at.saturating_duration_since(batch.answered_at));
        }
    }
    told.since_sent.sort_unstable();
    told.since_answered.sort_unstable();
    Ok(told)
}

fn write(connection: &Connection, mut device: Device<'_>, time: Duration) -> Outcome<Vec<Sent>> {
    let deadline = Instant::now() + time;
    let mut sent = Vec::new();
    while Instant::now() < deadline {
        let batch = device.next_batch(Kind::Create, BATCH_SIZE)?.ok_or("creates never run out")?;
        let last = batch.rfind(DOCUMENT_ID).and_then(|at| batch.get(at + DOCUMENT_ID.len()..));
        let document_id = last.and_then(|id| id.get(..UUID_CHARS)).ok_or("a batch without documents")?.to_owned();
        let at = Instant::now();
        connection.push(&batch)?;
        sent.push(Sent { document_id, at, answered_at: Instant::now() });
    }
    Ok(sent)
}

/// When each document was first told of, until the stream is shut.
fn listen(stream: BufReader<TcpStream>) -> HashMap<String, Instant> {
    let mut heard = HashMap::new();
    for line in stream.lines().map_while(Result::ok) {
        let id = line.split_once(DOCUMENT_ID).and_then(|(_, rest)| rest.get(..UUID_CHARS));
        if let Some(id) = id {
            heard.entry(id.to_owned()).or_insert_with(Instant::now);
        }
    }
    heard
}

/// Opens a stream and reads up to its first frame.
fn open(base_url: &str, owner: &Connection, workspace_id: &str) -> Outcome<BufReader<TcpStream>> {
    let address = base_url.strip_prefix("http://").ok_or("not a plain address")?;
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /api/v1/documents/events?workspace_id={workspace_id} HTTP/1.1\r\nhost: {address}\r\nauthorization: {}\r\n\r\n",
        owner.authorization()
    );
    stream.write_all(request.as_bytes())?;
    let mut stream = BufReader::with_capacity(4 * 1024, stream);
    let mut line = String::new();
    while !line.starts_with("id: ") {
        line.clear();
        if stream.read_line(&mut line)? == 0 || line.starts_with("HTTP/1.1 4") || line.starts_with("HTTP/1.1 5") {
            return Err(format!("no event stream: {line}").into());
        }
    }
    Ok(stream)
}

/// Opens idle streams and looks at how the server has grown.
pub fn hold(server: &Server, owner: &Connection, streams: usize, workspaces: usize) -> Outcome<Memory> {
    // This process holds one end of each.
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut ids = Vec::with_capacity(workspaces);
    for number in 0..workspaces {
        ids.push(owner.create_workspace(&format!("idle {number}"))?);
    }
    thread::sleep(GRACE);
    let before = resident_kib(server.process_id())?;
    let mut open_streams = Vec::with_capacity(streams);
    for workspace in ids.iter().cycle().take(streams) {
        open_streams.push(open(server.url(), owner, workspace)?);
    }
    thread::sleep(GRACE);
    let kib = resident_kib(server.process_id())?.saturating_sub(before);
    Ok(Memory { streams: open_streams.len(), kib })
}
