//! What one user can do to the others: the dearest requests that are taken, as many as can be sent.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::Outcome;
use crate::arguments::Options;
use crate::client::Connection;
use crate::hand;
use crate::server::{Database, Server};

/// One hand of a trouble: works until told to stop; the statuses that it was answered with.
pub type Hand = Box<dyn FnOnce(&AtomicBool) -> Vec<u16> + Send>;

const BATCH: &str = "/api/v1/documents/batch";
const MERGED_LINES: usize = 100_000;
const MERGES_AT_ONCE: usize = 8;
const USERS: usize = 20;

/// Something that somebody does.
pub struct Trouble {
    /// What, for the table.
    pub name: &'static str,
    prepare: fn(&Server, &Connection) -> Outcome<Vec<Hand>>,
    /// Seconds, if not those of the run.
    seconds: Option<u64>,
    postgres_only: bool,
}

/// All of them.
pub const TROUBLES: &[Trouble] = &[
    Trouble::new("merges of 100,000 lines, 8 a batch, 4 clients", merges),
    Trouble::new("bodies that inflate to 256 MiB, 16 clients", bombs),
    Trouble::new("32 bodies of 10 MB at once, again after a second where refused", large_bodies),
    Trouble { postgres_only: true, seconds: Some(30), ..Trouble::new("a locked workspace, 12 clients in it", lock) },
    Trouble::new("1000 pulls of 8 MB at once", pulls),
    Trouble::new("300 readers that do not read", readers_that_do_not_read),
    Trouble::new("the dearest Yjs updates, 20 users", dear_updates),
];

impl Trouble {
    const fn new(name: &'static str, prepare: fn(&Server, &Connection) -> Outcome<Vec<Hand>>) -> Self {
        Self { name, prepare, seconds: None, postgres_only: false }
    }

    /// Whether it can be done on that database.
    pub fn fits(&self, database: Database) -> bool {
        !self.postgres_only || database == Database::Postgres
    }

    /// For how long.
    pub fn time(&self, options: &Options) -> Duration {
        self.seconds.filter(|_| !options.quick).map_or(options.time, Duration::from_secs)
    }

    /// Makes what it needs; its hands.
    pub fn prepare(&self, server: &Server, owner: &Connection) -> Outcome<Vec<Hand>> {
        (self.prepare)(server, owner)
    }
}

/// Sends the same over and over, whatever is answered.
fn over_and_over(connection: Connection, body: Vec<u8>, coding: Option<&'static str>) -> Hand {
    again_and_again(connection, body, coding, Duration::ZERO)
}

/// Sends the same over and over; after a 503 it waits for so long.
fn again_and_again(connection: Connection, body: Vec<u8>, coding: Option<&'static str>, wait: Duration) -> Hand {
    const BUSY: u16 = 503;
    Box::new(move |stop| {
        let mut statuses = Vec::new();
        while !stop.load(Ordering::SeqCst) {
            let status = connection.post_any(BATCH, &body, coding).unwrap_or_default();
            statuses.push(status);
            if status == BUSY {
                thread::sleep(wait);
            }
        }
        statuses
    })
}

fn batch(workspace_id: &str, operations: &[String]) -> String {
    format!(r#"{{"workspace_id":"{workspace_id}","operations":[{}]}}"#, operations.join(","))
}

/// Lines that are short and all alike in length; every second one of the chosen kind is changed.
fn lines(changed: Option<usize>) -> String {
    let mut text = String::with_capacity(MERGED_LINES * 7);
    for line in 0..MERGED_LINES {
        let mark = if changed == Some(line % 2) { "x" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{mark}\\n", line % 1_000);
    }
    text
}

/// Each side changes every second line: the most that there is to compare.
fn merges(server: &Server, owner: &Connection) -> Outcome<Vec<Hand>> {
    let mut hands = Vec::new();
    for client in 0..4 {
        let workspace_id = owner.create_workspace(&format!("merges {client}"))?;
        let ids: Vec<Uuid> = std::iter::repeat_with(Uuid::new_v4).take(MERGES_AT_ONCE).collect();
        let (base, theirs, ours) = (lines(None), lines(Some(0)), lines(Some(1)));
        let each = |operation: &str, version: &str, text: &str| -> Vec<String> {
            ids.iter()
                .map(|id| {
                    format!(
                        r#"{{"operation":"{operation}","client_id":"{}","document_id":"{id}"{version},"data":{{"title":"Long","content":"{text}"}}}}"#,
                        Uuid::new_v4()
                    )
                })
                .collect()
        };
        owner.push(&batch(&workspace_id, &each("create", "", &base)))?;
        owner.push(&batch(&workspace_id, &each("update", r#","base_version":1"#, &theirs)))?;
        let body = batch(&workspace_id, &each("update", r#","base_version":1"#, &ours));
        hands.push(over_and_over(owner.another(server.url()), body.into_bytes(), None));
    }
    Ok(hands)
}

fn bombs(server: &Server, owner: &Connection) -> Outcome<Vec<Hand>> {
    const PLAIN_BYTES: u64 = 256 << 20;
    let plain = || std::io::repeat(b' ').take(PLAIN_BYTES);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut plain(), &mut gzip)?;
    let gzip = gzip.finish()?;
    let mut zstd = Vec::new();
    zstd::stream::copy_encode(plain(), &mut zstd, 1)?;
    let mut brotli = Vec::new();
    {
        let mut writer = brotli::CompressorWriter::new(&mut brotli, 1 << 16, 1, 22);
        std::io::copy(&mut plain(), &mut writer)?;
        writer.flush()?;
    }
    let kinds = [("gzip", gzip), ("zstd", zstd), ("br", brotli)];
    let clients = kinds.iter().cycle().take(16);
    Ok(clients.map(|(name, body)| over_and_over(owner.another(server.url()), body.clone(), Some(name))).collect())
}

fn large_bodies(server: &Server, owner: &Connection) -> Outcome<Vec<Hand>> {
    let workspace_id = owner.create_workspace("large bodies")?;
    let text = "x".repeat(7 << 20);
    let operation = |name: &str, text: &str| {
        format!(r#"{{"operation":"create","client_id":"{name}","data":{{"title":"Large","content":"{text}"}}}}"#)
    };
    let body = batch(&workspace_id, &[operation("large", &text), operation("also", &"y".repeat(3_000_000))]);
    // As `Retry-After` asks: who sends ten megabytes again at once is busy with sending, on the same cores.
    let hand =
        |_| again_and_again(owner.another(server.url()), body.clone().into_bytes(), None, Duration::from_secs(1));
    Ok((0..32).map(hand).collect())
}

fn lock(server: &Server, owner: &Connection) -> Outcome<Vec<Hand>> {
    let workspace_id = owner.create_workspace("locked")?;
    let mut elsewhere = PgConnection::establish(&server.database_url())?;
    elsewhere
        .batch_execute(&format!("BEGIN; SELECT 1 FROM workspaces WHERE workspace_id = '{workspace_id}' FOR UPDATE"))?;
    let holder: Hand = Box::new(move |stop| {
        while !stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
        drop(elsewhere);
        Vec::new()
    });
    let operation = r#"{"operation":"create","client_id":"waits","data":{"title":"Waits"}}"#.to_owned();
    let body = batch(&workspace_id, &[operation]).into_bytes();
    let waiting = (0..12).map(|_| over_and_over(owner.another(server.url()), body.clone(), None));
    Ok(waiting.chain([holder]).collect())
}

/// A workspace whose first page is as large as pages are: texts that nothing on the way makes small.
fn large_workspace(owner: &Connection) -> Outcome<String> {
    let workspace_id = owner.create_workspace("large")?;
    for number in 0..10_u64 {
        let mut text = String::with_capacity(1 << 20);
        for piece in 0..60_000_u64 {
            let _ = write!(text, "{:x}", (piece + number * 60_000).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        let operation = format!(
            r#"{{"operation":"create","client_id":"op-{number}","data":{{"title":"Large {number}","content":"{text}"}}}}"#
        );
        owner.push(&batch(&workspace_id, &[operation]))?;
    }
    Ok(workspace_id)
}

/// Begins a pull over a connection of its own.
fn begin_pull(url: &str, path: &str, authorization: &str) -> Outcome<TcpStream> {
    let address = url.strip_prefix("http://").ok_or("not a plain address")?;
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {authorization}\r\nconnection: close\r\n\r\n"
    )?;
    Ok(stream)
}

/// Reads an answer to its end; its status.
fn read_through(mut stream: TcpStream) -> Outcome<u16> {
    let mut piece = vec![0; 1 << 14];
    let first = stream.read(&mut piece)?;
    let head = String::from_utf8_lossy(piece.get(..first).unwrap_or_default()).into_owned();
    while stream.read(&mut piece)? > 0 {}
    Ok(head.split(' ').nth(1).unwrap_or_default().parse()?)
}

fn pulls(server: &Server, owner: &Connection) -> Outcome<Vec<Hand>> {
    let path = format!("/api/v1/documents/changes?workspace_id={}", large_workspace(owner)?);
    let hand = |_| -> Hand {
        let (url, path, authorization) = (server.url().to_owned(), path.clone(), owner.authorization().to_owned());
        Box::new(move |_stop| {
            let answered = begin_pull(&url, &path, &authorization).and_then(read_through);
            vec![answered.unwrap_or_default()]
        })
    };
    Ok((0..1_000).map(hand).collect())
}

fn readers_that_do_not_read(server: &Server, owner: &Connection) -> Outcome<Vec<Hand>> {
    let path = format!("/api/v1/documents/changes?workspace_id={}", large_workspace(owner)?);
    let (url, authorization) = (server.url().to_owned(), owner.authorization().to_owned());
    let hand: Hand = Box::new(move |stop| {
        let begun: Vec<_> = (0..300).map(|_| begin_pull(&url, &path, &authorization)).collect();
        while !stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
        drop(begun);
        Vec::new()
    });
    Ok(vec![hand])
}

/// A Yjs state in which so many people typed one letter at the same place.
fn crowd(people: u64) -> String {
    let base = (1, 0, vec![hand::in_root("content", &hand::text("ab"))]);
    let letter = |client| (client, 0, vec![hand::between((1, 0), (1, 1), &hand::text("x"))]);
    let mut sections: Vec<_> = (2..people + 2).rev().map(letter).collect();
    sections.push(base);
    STANDARD.encode(hand::update(&sections, &[]))
}

fn create_of(workspace_id: &str, state: &str) -> (String, Uuid) {
    let id = Uuid::new_v4();
    let operation = format!(
        r#"{{"operation":"create","client_id":"{id}","document_id":"{id}","data":{{"title":"Crowd","yjs_state_b64":"{state}"}}}}"#
    );
    (batch(workspace_id, &[operation]), id)
}

/// Each user pushes the dearest state that is accepted and has its text derived.
fn dear_updates(server: &Server, owner: &Connection) -> Outcome<Vec<Hand>> {
    let trial = owner.create_workspace("how dear")?;
    let (mut accepted, mut refused) = (1_u64, 8_000_u64);
    while refused - accepted > 50 {
        let people = accepted.midpoint(refused);
        let is_accepted = owner.push(&create_of(&trial, &crowd(people)).0).is_ok();
        if is_accepted { accepted = people } else { refused = people }
    }
    crate::suite::progress(&format!("{accepted} people at one place are accepted"));
    let state = crowd(accepted);
    let mut hands: Vec<Hand> = Vec::new();
    for user in 0..USERS {
        let user = Connection::register(server.url(), &format!("dear{user}"))?;
        let workspace_id = user.create_workspace("dear")?;
        let state = state.clone();
        hands.push(Box::new(move |stop| {
            let mut statuses = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                let (body, id) = create_of(&workspace_id, &state);
                statuses.push(user.post_any(BATCH, body.as_bytes(), None).unwrap_or_default());
                let read = user.get(&format!("/api/v1/documents/{id}?workspace_id={workspace_id}"));
                statuses.push(if read.is_ok() { 200 } else { 0 });
            }
            statuses
        }));
    }
    Ok(hands)
}
