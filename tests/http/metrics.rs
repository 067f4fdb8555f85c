//! Each metric that operators are told of exists, and moves when what it counts happens.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::live::run;
use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, YjsEditor, create, delete, on_both_databases, update};

on_both_databases!(every_metric_of_the_table_is_there);

const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// Seen as they are: they need not be above 0.
const GAUGES: [&str; 17] = [
    "landfall_admitted",
    "landfall_compaction_backlog",
    "landfall_damaged_documents",
    "landfall_database_bytes",
    "landfall_erasure_backlog",
    "landfall_event_streams",
    "landfall_live_documents",
    "landfall_live_sockets",
    "landfall_pool_connections",
    "landfall_pool_in_use",
    "landfall_purge_waiting",
    "landfall_retention_backlog",
    "landfall_search_backlog",
    "landfall_wal_bytes",
    "landfall_write_queue_bytes",
    "landfall_write_queue_jobs",
    "landfall_yjs_workers_busy",
];
/// Of SQLite alone.
const SQLITE: [&str; 2] = ["landfall_wal_bytes", "landfall_write_queue_jobs"];
/// Counted when something goes wrong, or meets, that this test does not bring about.
const FAILURES: [&str; 7] = [
    "landfall_database_connections_given_up_total",
    "landfall_edit_wait_seconds",
    "landfall_lost_races",
    "landfall_maintenance_dropped_total",
    "landfall_not_admitted_total",
    "landfall_purge_failures_total",
    "landfall_yjs_worker_failures_total",
];

/// The metrics of the table.
fn documented() -> BTreeSet<String> {
    let rows = OPERATIONS.lines().filter(|line| line.starts_with("| `landfall_"));
    let names = rows.filter_map(|row| row.split('|').nth(1)).flat_map(|names| names.split('`'));
    names.filter(|name| name.starts_with("landfall_")).map(str::to_owned).collect()
}

/// The sum of a metric's series, of a histogram the number of its values; `None` if there is none.
fn figure(text: &str, name: &str) -> Option<f64> {
    let series = |name: &str| -> Vec<f64> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(name));
        let own = lines.filter(|rest| rest.starts_with('{') || rest.starts_with(' '));
        own.filter_map(|rest| rest.rsplit(' ').next()?.parse().ok()).collect()
    };
    let counts = series(&format!("{name}_count"));
    let figures = if counts.is_empty() { series(name) } else { counts };
    (!figures.is_empty()).then(|| figures.iter().sum())
}

fn every_metric_of_the_table_is_there(database: Database) {
    let settings = [
        ("LANDFALL_RATE_LIMIT", "off"),
        ("LANDFALL_PURGE_INTERVAL_S", "1"),
        ("LANDFALL_TOMBSTONE_RETENTION_S", "0"),
        ("LANDFALL_RECEIPT_RETENTION_S", "0"),
        ("LANDFALL_HISTORY_RETENTION_S", "0"),
    ];
    let server = TestServer::start_with(database, &settings);
    let scrape = || server.client().request("GET", "/metrics").send().expect(200).text();
    let before = scrape();
    let ada = server.register("ada");
    let mut stream = ada.events();
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let drawn = ada.new_yjs_document("Drawn", &laptop);
    // More than the snapshot, and enough to be compacted.
    let edit = laptop.insert(3, &"words ".repeat(4_000));
    ada.send(update("edit", &drawn).base(1).yjs(&edit)).expect_outcomes(["edit success v2"]);
    stream.change();
    drop(stream);
    let phone = YjsEditor::from_state(2, &laptop.state());
    ada.send(update("merged", &drawn).base(1).yjs(&phone.insert(0, "zero ")))
        .expect_outcomes(["merged success v3 merged"]);
    let plain = ada.new_document("Plain", "one\n");
    ada.batch().device("laptop").with(delete("gone", &plain).base(1)).send().expect_outcomes(["gone success v2"]);
    // What was looked at and is not written is looked at again, under the lock.
    let mixed = ada.batch().with(delete("stale", &drawn).base(1)).with(create("new")).send().expect(200);
    assert_eq!(mixed.outcomes(), ["stale conflict version_mismatch v3", "new success v1"]);
    ada.pull("").expect(200);
    ada.read(&drawn).expect(200);
    let document = new_id();
    run(&server, &ada, &document, "refused.mjs", &["talkative", "", &document]);
    let is_sqlite = database == Database::Sqlite;
    let until = Instant::now() + Duration::from_secs(120);
    let documented = documented();
    assert!(documented.len() > 40, "{documented:?}");
    loop {
        let after = scrape();
        let is_missing = |name: &&String| {
            let name = name.as_str();
            let (was, is) = (figure(&before, name).unwrap_or_default(), figure(&after, name));
            match is {
                _ if FAILURES.contains(&name) || (SQLITE.contains(&name) && !is_sqlite) => false,
                Some(_) if GAUGES.contains(&name) => false,
                is => is.is_none_or(|is| is <= was),
            }
        };
        let missing: Vec<&String> = documented.iter().filter(is_missing).collect();
        if missing.is_empty() {
            break;
        }
        assert!(Instant::now() < until, "these do not move: {missing:?}\n{after}");
        thread::sleep(Duration::from_millis(250));
    }
    for name in GAUGES.iter().chain(&FAILURES) {
        assert!(documented.contains(*name), "{name} is in the table");
    }
}

/// The answer to a GET at an address that is not the server's own.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn metrics_have_an_address_of_their_own_by_a_setting() {
    let settings = [("LANDFALL_METRICS_LISTEN", "127.0.0.1:0"), ("LANDFALL_RATE_LIMIT", "off")];
    let server = TestServer::start_with(Database::Sqlite, &settings);
    server.register("ada").send(create("new")).expect(200);
    let until = Instant::now() + Duration::from_secs(120);
    let address = loop {
        let log = server.log();
        let line = log.lines().find(|line| line.contains("serving /metrics"));
        if let Some((_, address)) = line.and_then(|line| line.split_once("address=")) {
            break address.split_whitespace().next().unwrap().to_owned();
        }
        assert!(Instant::now() < until, "{log}");
        thread::sleep(Duration::from_millis(20));
    };
    let metrics = get(&address, "/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("landfall_batches_total"), "{metrics}");
    assert!(get(&address, "/api/health").starts_with("HTTP/1.1 404"), "nothing else is served there");
    let own = server.client().base_url();
    let beside = get(own.strip_prefix("http://").unwrap(), "/metrics");
    assert!(beside.starts_with("HTTP/1.1 404"), "{beside}");
}

#[test]
fn the_line_of_a_request_has_its_peer_its_user_and_its_workspace() {
    let mut server = TestServer::start(Database::Sqlite);
    let ada = server.register("ada");
    ada.send(create("new")).expect(200);
    ada.pull("").expect(200);
    assert!(server.stop().success());
    let log = server.log();
    for route in ["/api/v1/documents/batch", "/api/v1/documents/changes"] {
        let line = log
            .lines()
            .find(|line| line.contains("answered") && line.contains(route))
            .unwrap_or_else(|| panic!("{route}:\n{log}"));
        let workspace = format!("workspace_id=\"{}\"", ada.workspace_id);
        let has = |field: &str| line.replace('"', "").contains(&field.replace('"', ""));
        assert!(has(&workspace) && has("peer=127.0.0.1") && has("user_id="), "{line}");
    }
}
