//! What one user holds, waits for or does not read costs that user alone.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection};

use crate::harness::{Answer, Database, TestServer, User, create, on_both_databases};

on_both_databases!(bodies_beyond_the_bound_are_refused_to_their_sender, readers_that_do_not_read_cost_their_own_share);

/// The quickest of some rounds takes no longer; a machine that does other things delays any of them.
const PROMPT: Duration = Duration::from_secs(1);
/// Whatever must come comes within.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends the beginning of a request over a connection of its own, and reads nothing.
fn begin(server: &TestServer, head: &str, body: &[u8]) -> TcpStream {
    let address = server.client().base_url();
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(format!("{head}\r\nhost: landfall\r\n\r\n").as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream
}

fn begin_batch(server: &TestServer, user: &User, announced: usize, sent: usize) -> TcpStream {
    let head = format!(
        "POST /api/v1/documents/batch HTTP/1.1\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {announced}",
        user.access_token
    );
    begin(server, &head, &vec![b' '; sent])
}

/// A gauge of the server.
fn figure(server: &TestServer, name: &str) -> u64 {
    let metrics = server.client().get("/metrics").expect(200).text();
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |figure| figure.parse().unwrap())
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "still not: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Each of so many rounds is answered, and the quickest of them in time.
#[track_caller]
fn expect_prompt(rounds: usize, round: impl Fn(usize)) {
    let time = |n| {
        let started = Instant::now();
        round(n);
        started.elapsed()
    };
    let quickest = (0..rounds).map(time).min().unwrap();
    assert!(quickest < PROMPT, "{quickest:?}");
}

/// Tries again for a while, as a client does that is told to.
fn until_admitted(send: impl Fn() -> Answer) -> Answer {
    let started = Instant::now();
    loop {
        let answer = send();
        if answer.status == 200 {
            return answer;
        }
        let busy = answer.expect_problem(503, "busy");
        assert!(started.elapsed() < PATIENCE, "{busy}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn bodies_beyond_the_bound_are_refused_to_their_sender(database: Database) {
    let settings = [
        ("LANDFALL_MAX_BODY_BYTES", "1000000"),
        ("LANDFALL_MAX_IN_FLIGHT_BYTES", "8000000"),
        ("LANDFALL_RATE_LIMIT", "off"),
    ];
    let server = TestServer::start_with(database, &settings);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    assert_eq!(server.client().get("/api/v1/limits").expect(200).body["max_in_flight_bytes"], 8_000_000);
    let first = begin_batch(&server, &ada, 900_000, 800_000);
    // A quarter is two million, and each byte counts twice.
    let large = |user: &User| user.send(create("large").content(&"x".repeat(400_000)));
    let counted = r#"landfall_admitted{kind="body_bytes"}"#;
    wait_until("what was sent is counted", || figure(&server, counted) >= 1_600_000);
    large(&ada).expect_problem(503, "busy").header("retry-after");
    large(&grace).expect(200);
    ada.send(create("small")).expect(200);
    drop(first);
    until_admitted(|| large(&ada));
}

fn readers_that_do_not_read_cost_their_own_share(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    // What compresses badly, so that nothing on the way makes it small.
    let text: String = (0..60_000_u64).map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    for n in 0..8 {
        ada.new_document(&format!("Large {n}"), &text);
    }
    grace.new_document("Small", "one");
    ada.pull("").expect(200);
    let before = server.peak_bytes();
    let head = format!(
        "GET /api/v1/documents/changes?workspace_id={} HTTP/1.1\r\nauthorization: Bearer {}",
        ada.workspace_id, ada.access_token
    );
    let mut readers: Vec<TcpStream> = (0..100).map(|_| begin(&server, &head, b"")).collect();
    expect_prompt(20, |n| {
        assert_eq!(grace.pull("").expect(200).items().len(), n + 1);
        let made = grace.send(create(&format!("op_{n}"))).expect(200).document_id(&format!("op_{n}"));
        grace.read(&made).expect(200);
    });
    // Those 100 answers are 800 MB together.
    let grown = server.peak_bytes() - before;
    assert!(grown < 250 << 20, "the server grew by {grown} bytes");
    // Who reads at last gets a whole answer.
    let mut first = Vec::new();
    let mut piece = vec![0; 1 << 16];
    while !String::from_utf8_lossy(&first[first.len().saturating_sub(200)..]).contains("has_more") {
        let read = match readers[0].read(&mut piece) {
            // A read that has a time limit is not begun again by itself when the process was stopped meanwhile.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.unwrap(),
        };
        assert!(read > 0, "the answer breaks off after {} bytes", first.len());
        first.extend_from_slice(&piece[..read]);
    }
    assert!(first.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&first[..200]));
}

/// Twelve clients of a workspace that is locked elsewhere wait; everybody else writes as ever.
#[test]
fn a_locked_workspace_holds_up_nobody_else() {
    // Who waits does so for longer than the others may take.
    let settings = [("LANDFALL_TIMEOUT_MS", "80000"), ("LANDFALL_RATE_LIMIT", "off")];
    let server = TestServer::start_with(Database::Postgres, &settings);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    let mut elsewhere = server.connect_postgres();
    let lock = format!("BEGIN; SELECT 1 FROM workspaces WHERE workspace_id = '{}' FOR UPDATE", ada.workspace_id);
    elsewhere.batch_execute(&lock).unwrap();
    thread::scope(|scope| {
        for client in 0..12 {
            let ada = &ada;
            scope.spawn(move || ada.send(create(&format!("op_{client}"))).expect(200));
        }
        wait_until("somebody waits for the lock", || {
            let waiting =
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
            diesel::sql_query(waiting).execute(&mut server.connect_postgres()).unwrap() > 0
        });
        expect_prompt(20, |n| {
            grace.send(create(&format!("op_{n}"))).expect(200);
            server.client().get("/api/health").expect(200);
        });
        elsewhere.batch_execute("COMMIT").unwrap();
    });
    assert_eq!(ada.list("").items().len(), 12, "who waited got through");
}

/// On SQLite there is one writer. Hundreds of batches that wait for it hold no thread that a reader needs.
#[test]
fn batches_that_wait_leave_threads_to_readers() {
    let server = TestServer::start(Database::Sqlite);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    let path = server.data_directory().join("landfall.db");
    let mut elsewhere = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    elsewhere.batch_execute("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE").unwrap();
    let accepted = thread::scope(|scope| {
        let send = |client| {
            let answer = ada.send(create(&format!("op_{client}")));
            // Beyond a quarter of the queue, which is one workspace's part, or when the lock was waited for in vain.
            assert!([200, 503].contains(&answer.status), "{answer}");
            answer.status == 200
        };
        let clients: Vec<_> = (0..300).map(|client| scope.spawn(move || send(client))).collect();
        wait_until("somebody waits", || figure(&server, "landfall_write_queue_jobs") > 0);
        expect_prompt(10, |_| drop(grace.list("").expect(200)));
        elsewhere.batch_execute("COMMIT").unwrap();
        clients.into_iter().map(|client| client.join().unwrap()).filter(|accepted| *accepted).count()
    });
    assert_eq!(ada.list("&page_size=500").items().len(), accepted, "who waited got through");
    assert!(accepted > 0);
}

/// A Postgres that hangs: nobody waits longer than the limit says, and what came too late is not applied.
#[test]
fn a_database_that_hangs_holds_nobody() {
    let settings = [("LANDFALL_TIMEOUT_MS", "2000"), ("LANDFALL_RATE_LIMIT", "off")];
    let server = TestServer::start_with(Database::Postgres, &settings);
    let ada = server.register("ada");
    // Two seconds may be too short on a busy machine, too; then nothing is applied.
    let until_applied = |name: &str| {
        wait_until("a batch is applied", || {
            let answer = ada.send(create(name));
            assert!([200, 503].contains(&answer.status), "{answer}");
            answer.status == 200
        });
    };
    until_applied("before");
    let stopped = server.stop_database();
    let started = Instant::now();
    let late = ada.send(create("late"));
    assert!(late.status == 503, "{late}");
    // A new connection may serve already, since Postgres as a whole goes on.
    assert!([200, 503].contains(&ada.list("").status));
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    drop(stopped);
    until_applied("after");
    // A request that its client abandoned may still be running.
    thread::sleep(Duration::from_secs(3));
    let count = ada.list("").items().len();
    assert_eq!(count, 2, "what was answered with 503 is not there");
}
