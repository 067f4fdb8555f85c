//! `/api/health` says what is wrong, in time, whatever else waits for the database.

use std::thread;
use std::time::{Duration, Instant};

use diesel::Connection;
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;

use super::small_disk::SmallDisk;
use crate::harness::{Answer, Database, TestServer, on_both_databases};

on_both_databases!(all_is_well);

/// A check waits two seconds for what hangs.
const IN_TIME: Duration = Duration::from_secs(5);

/// One of some answers comes in time; a machine that does other things delays any of them.
fn ask(server: &TestServer) -> Answer {
    for _ in 0..10 {
        let started = Instant::now();
        let answer = server.client().get("/api/health");
        if started.elapsed() < IN_TIME {
            return answer;
        }
    }
    panic!("ten answers took longer than {IN_TIME:?}");
}

/// Asks until the status is this one; a part that was well a moment ago is not tried at once.
fn wait_for(server: &TestServer, status: u16) -> Answer {
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let answer = ask(server);
        if answer.status == status || Instant::now() > until {
            return answer.expect(status);
        }
        thread::sleep(Duration::from_millis(500));
    }
}

fn all_is_well(database: Database) {
    let server = TestServer::start(database);
    let answer = ask(&server).expect(200);
    assert_eq!(answer.body["status"], "ok");
    let parts: Vec<&String> = answer.body["checks"].as_object().unwrap().keys().collect();
    let has_disk = parts.iter().any(|part| *part == "disk");
    assert_eq!((parts.len(), has_disk), if database == Database::Sqlite { (4, true) } else { (3, false) }, "{answer}");
}

#[test]
fn a_database_that_another_program_has_locked_takes_no_writes() {
    let server = TestServer::start(Database::Sqlite);
    let path = server.data_directory().join("landfall.db");
    let mut other = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let answer = wait_for(&server, 503);
    assert_eq!((&answer.body["status"], &answer.body["checks"]["readers"]), (&"unavailable".into(), &"ok".into()));
    assert_ne!(answer.body["checks"]["writer"], "ok");
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(wait_for(&server, 200).body["status"], "ok");
}

#[test]
fn a_postgres_that_stands_still_does_not_answer() {
    let server = TestServer::start(Database::Postgres);
    ask(&server).expect(200);
    let stopped = server.stop_database();
    let answer = ask(&server);
    drop(stopped);
    assert_eq!((answer.status, &answer.body["status"]), (503, &"unavailable".into()), "{answer}");
    assert_ne!(answer.body["checks"]["readers"], "ok");
    assert_eq!(wait_for(&server, 200).body["status"], "ok");
}

#[test]
fn a_disk_that_gets_full_is_told_before_and_after() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::on(directory.path(), 128 * 1_024);
    if !disk.is_mounted() {
        eprintln!("LEFT OUT: a_disk_that_gets_full_is_told_before_and_after needs a file system of its own");
        return;
    }
    let data = directory.path().to_str().unwrap();
    let server = TestServer::start_through(disk.around(directory.path()), &[("LANDFALL_DATA_DIR", data)]);
    let answer = ask(&server).expect(200);
    assert_eq!((&answer.body["status"], &answer.body["checks"]["disk"]), (&"ok".into(), &"ok".into()), "{answer}");
    disk.fill(32 * 1_024, None);
    let answer = ask(&server).expect(200);
    assert_eq!(answer.body["status"], "degraded", "{answer}");
    assert!(answer.body["checks"]["disk"].as_str().unwrap().contains("64 MiB"), "{answer}");
    disk.fill(0, None);
    let answer = wait_for(&server, 503);
    assert_eq!((&answer.body["status"], &answer.body["checks"]["readers"]), (&"unavailable".into(), &"ok".into()));
    assert_ne!(answer.body["checks"]["writer"], "ok", "{answer}");
    disk.make_room(None);
    assert_eq!(wait_for(&server, 200).body["status"], "ok");
}
