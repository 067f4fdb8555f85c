//! A primary that hangs: two real Postgres with streaming replication, one of which is stopped while clients write.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection};
use tempfile::TempDir;

use super::reserved_port::ReservedPort;
use crate::harness::{Database, TestServer, User, create};
use crate::postgres_server::{find_binaries, unprivileged};

const CLIENTS: usize = 24;

/// Two Postgres; the second follows the first, which waits for it at each commit.
struct Pair {
    directory: TempDir,
    bin: PathBuf,
    ports: [ReservedPort; 2],
}

impl Pair {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let ports = [ReservedPort::take(), ReservedPort::take()];
        let pair = Self { directory, bin: find_binaries().expect("Postgres is installed"), ports };
        let [one, two] = pair.port_numbers();
        pair.run(&format!(
            "initdb -D one -U postgres -A trust -E UTF8 --locale=C && \
             echo 'host replication all 127.0.0.1/32 trust' >> one/pg_hba.conf && \
             pg_ctl -D one -l one.log -w -o '-c wal_level=replica -p {one} {COMMON}' start && \
             pg_basebackup -D two -h 127.0.0.1 -p {one} -U postgres -R -X stream -c fast && \
             pg_ctl -D two -l two.log -w -o '-p {two} {COMMON}' start && \
             psql -h 127.0.0.1 -p {one} -U postgres -c \"ALTER SYSTEM SET synchronous_standby_names = '*'\" \
                  -c 'SELECT pg_reload_conf()'"
        ));
        pair
    }

    fn port_numbers(&self) -> [u16; 2] {
        self.ports.each_ref().map(|port| port.address().port())
    }

    fn run(&self, commands: &str) {
        let commands = format!(
            "cd {} && PATH={}:$PATH PGCTLTIMEOUT=300; export PGCTLTIMEOUT; {commands}",
            self.directory.path().display(),
            self.bin.display()
        );
        let done = unprivileged(self.directory.path()).args(["-c", &format!("({commands}) > out 2>&1")]).status();
        let said = std::fs::read_to_string(self.directory.path().join("out")).unwrap_or_default();
        assert!(done.is_ok_and(|status| status.success()), "{commands}: {said}");
    }

    /// Sends a signal to every process of the first server.
    fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.directory.path().join("one/postmaster.pid")).unwrap_or_default();
        let Some(pid) = pid.lines().next() else { return };
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", pid]).output().unwrap();
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        let all = [pid].into_iter().chain(children.split_whitespace());
        assert!(Command::new("kill").arg(format!("-{signal}")).args(all).status().is_ok());
    }
}

const COMMON: &str = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=100 -c fsync=off";

impl Drop for Pair {
    fn drop(&mut self) {
        self.signal("CONT");
        for name in ["one", "two"] {
            let data = self.directory.path().join(name);
            let stop = format!("{}/pg_ctl -D {} -m immediate -w stop", self.bin.display(), data.display());
            let _ = unprivileged(self.directory.path()).args(["-c", &format!("{stop} > /dev/null 2>&1")]).status();
        }
    }
}

/// Sends one create after another until told to stop, each again until it is acknowledged.
fn write_until(stop: &AtomicBool, user: &User, client: usize, acknowledged: &Mutex<BTreeMap<String, Instant>>) {
    for number in 0.. {
        let name = format!("c{client}_{number}");
        let batch = user.batch().device(&format!("device_{client}")).with(create(&name));
        loop {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let answer = batch.clone().send();
            if answer.status == 200 {
                acknowledged.lock().unwrap().insert(answer.document_id(&name), Instant::now());
                break;
            }
            assert!([429, 503].contains(&answer.status), "{}", answer.text());
            thread::sleep(Duration::from_millis(100));
        }
    }
}

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = Text)]
    document_id: String,
    #[diesel(sql_type = BigInt)]
    creations: i64,
}

#[test]
fn a_primary_that_hangs_is_left_for_the_promoted_standby() {
    let pair = Pair::start();
    let [one, two] = pair.port_numbers();
    let url = format!("postgres://postgres@127.0.0.1:{one},127.0.0.1:{two}/postgres?target_session_attrs=read-write");
    let settings = [("LANDFALL_RATE_LIMIT", "off"), ("LANDFALL_DATABASE_URL", url.as_str())];
    let server = TestServer::start_with(Database::Sqlite, &settings);
    let users: Vec<User> = (0..4).map(|number| server.register(&format!("user{number}"))).collect();
    let (stop, acknowledged) = (AtomicBool::new(false), Mutex::new(BTreeMap::new()));
    let mut promoted = Instant::now();
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (user, stop, acknowledged) = (&users[client % users.len()], &stop, &acknowledged);
            scope.spawn(move || write_until(stop, user, client, acknowledged));
        }
        thread::sleep(Duration::from_secs(2));
        pair.signal("STOP");
        pair.run("pg_ctl -D two -w promote");
        promoted = Instant::now();
        // Until somebody is acknowledged again, or not.
        while promoted.elapsed() < Duration::from_secs(120)
            && acknowledged.lock().unwrap().values().all(|at| *at < promoted)
        {
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_secs(2));
        // The old primary comes back, and still takes itself for one.
        pair.signal("CONT");
        thread::sleep(Duration::from_secs(4));
        stop.store(true, Ordering::Relaxed);
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    let first = acknowledged.values().filter(|at| **at >= promoted).min().expect("nothing was acknowledged again");
    let paused = first.duration_since(promoted);
    let mut connection =
        PgConnection::establish(&format!("postgres://postgres@127.0.0.1:{two}/postgres")).expect("the new primary");
    let stored: Vec<Stored> = diesel::sql_query(
        "SELECT min(document_id::text) AS document_id, count(*) AS creations FROM document_log \
         WHERE version = 1 GROUP BY workspace_id, client_id",
    )
    .load(&mut connection)
    .unwrap();
    let lost = acknowledged.keys().filter(|id| !stored.iter().any(|stored| stored.document_id == **id)).count();
    let doubled = stored.iter().filter(|stored| stored.creations != 1).count();
    println!("{} acknowledged, {lost} lost, {doubled} doubled; again after {paused:?}", acknowledged.len());
    assert_eq!((lost, doubled), (0, 0));
    // A second or two on a machine that does nothing else; for ever, if nobody gave up on the connections.
    assert!(paused < Duration::from_secs(60), "{paused:?}\n{}", server.log());
}

#[test]
fn a_login_waits_for_no_standby_and_a_batch_does() {
    let pair = Pair::start();
    let [one, two] = pair.port_numbers();
    let url = format!("postgres://postgres@127.0.0.1:{one}/postgres");
    let server = TestServer::start_with(Database::Sqlite, &[("LANDFALL_DATABASE_URL", url.as_str())]);
    let ada = server.register("ada");
    ada.send(create("first")).expect_outcomes(["first success v1"]);
    pair.run("pg_ctl -D two -m immediate -w stop");
    let (stop, acknowledged) = (AtomicBool::new(false), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        scope.spawn(|| write_until(&stop, &ada, 0, &acknowledged));
        for _ in 0..10 {
            // The session is there for others at once.
            User::login(server.client(), "ada").get("/api/v1/workspaces").expect(200);
        }
        let early = acknowledged.lock().unwrap().len();
        stop.store(true, Ordering::Relaxed);
        pair.run(&format!("pg_ctl -D two -l two.log -w -o '-p {two} {COMMON}' start"));
        assert_eq!(early, 0, "a batch was acknowledged that no standby has");
    });
    ada.send(create("second")).expect_outcomes(["second success v1"]);
}
