//! Behind PgBouncer in transaction mode, where the machine has one (`LANDFALL_PGBOUNCER` names another than that in the
//! `PATH`). Elsewhere the tests say that they did not run.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection};
use tempfile::TempDir;

use super::reserved_port::ReservedPort;
use crate::harness::server::run_program;
use crate::harness::{Database, TestServer, create};
use crate::postgres_server::{PostgresDatabase, unprivileged};

/// A PgBouncer before a database of the test server.
struct PgBouncer {
    process: Child,
    url: String,
    version: (u32, u32),
    database: PostgresDatabase,
    _directory: TempDir,
    _port: ReservedPort,
}

impl PgBouncer {
    /// `None` where there is none.
    fn start() -> Option<Self> {
        let program = std::env::var("LANDFALL_PGBOUNCER").unwrap_or_else(|_| "pgbouncer".to_owned());
        let said = Command::new(&program).arg("--version").output().ok();
        let Some(said) = said.filter(|said| said.status.success()) else {
            eprintln!("NOT RUN: this machine has no PgBouncer (Debian: apt-get install pgbouncer)");
            return None;
        };
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let mut numbers = said.split_whitespace().nth(1).unwrap_or_default().split('.').map(|number| number.parse());
        let mut next = || numbers.next().and_then(Result::ok).unwrap_or(0);
        let version = (next(), next());
        let database = PostgresDatabase::create();
        let (address, parameters) = database.url().split_once('?').unwrap();
        let name = address.rsplit('/').next().unwrap();
        let host = parameters.split('&').find_map(|one| one.strip_prefix("host=")).unwrap_or("127.0.0.1");
        let directory = TempDir::new().unwrap();
        let reserved = ReservedPort::take();
        let port = reserved.address().port();
        let statements = if version >= (1, 21) { "max_prepared_statements = 200" } else { "" };
        let settings = format!(
            "[databases]\n{name} = host={host} dbname={name} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = 4\nmax_client_conn = 200\n{statements}\n"
        );
        std::fs::write(directory.path().join("pgbouncer.ini"), settings).unwrap();
        let start = format!("exec {program} {}", directory.path().join("pgbouncer.ini").display());
        let mut command = unprivileged(directory.path());
        let process = command.args(["-c", &start]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let url = format!("postgres://postgres@127.0.0.1:{port}/{name}");
        let is_up = (0..600).any(|_| {
            thread::sleep(Duration::from_millis(100));
            PgConnection::establish(&url).is_ok()
        });
        assert!(is_up, "PgBouncer {said} does not answer");
        Some(Self { process, url, version, database, _directory: directory, _port: reserved })
    }

    /// Settings that fit this version.
    fn settings(&self) -> Vec<(&str, &str)> {
        let prepare = if self.version >= (1, 21) { "true" } else { "false" };
        vec![("LANDFALL_RATE_LIMIT", "off"), ("LANDFALL_DATABASE_URL", &self.url), ("LANDFALL_PREPARE", prepare)]
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn four_servers_that_start_at_once_on_an_empty_database_write_behind_a_pooler() {
    let Some(pooler) = PgBouncer::start() else { return };
    let settings = [pooler.settings(), vec![("LANDFALL_NOTIFY_URL", pooler.database.url())]].concat();
    let servers: Vec<TestServer> = thread::scope(|scope| {
        let start = || TestServer::start_with(Database::Sqlite, &settings);
        let starting: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        starting.into_iter().map(|starting| starting.join().unwrap()).collect()
    });
    let ada = servers[0].register("ada");
    let mut stream = servers[3].welcome(&ada).events();
    thread::scope(|scope| {
        for (number, server) in servers.iter().enumerate() {
            let user = server.welcome(&ada);
            scope.spawn(move || {
                for round in 0..20 {
                    let name = format!("op_{number}_{round}");
                    let batch = user.batch().device(&format!("device_{number}")).with(create(&name));
                    batch.clone().send().expect(200).document_id(&name);
                    assert_eq!(batch.send().expect(200).body["replayed"], 1);
                }
            });
        }
    });
    stream.change();
    assert_eq!(ada.list("&limit=100").items().len(), 80);
    // What was set on a session would be met by whoever gets it next.
    let mut connection = PgConnection::establish(&pooler.url).unwrap();
    for (setting, expected) in [("synchronous_commit", "on"), ("statement_timeout", "0"), ("enable_seqscan", "on")] {
        for _ in 0..8 {
            connection.batch_execute("SELECT pg_sleep(0.01)").unwrap();
            let query = format!("current_setting('{setting}')");
            let value: String = diesel::select(diesel::dsl::sql::<Text>(&query)).get_result(&mut connection).unwrap();
            assert_eq!(value, expected, "{setting}");
        }
    }
}

#[test]
fn settings_that_do_not_fit_a_pooler_are_refused_in_one_line() {
    let Some(pooler) = PgBouncer::start() else { return };
    let data = TempDir::new().unwrap();
    let refusal = |more: &[(&str, &str)]| {
        let mut settings = pooler.settings();
        settings.extend([("LANDFALL_DATA_DIR", data.path().to_str().unwrap()), ("LANDFALL_LISTEN", "127.0.0.1:0")]);
        settings.extend(more);
        let (status, _, complaint) = run_program(&["serve"], &settings);
        assert!(!status.success());
        assert_eq!(complaint.trim().lines().count(), 1, "{complaint}");
        complaint
    };
    assert!(refusal(&[]).contains("LANDFALL_NOTIFY:"));
    assert!(refusal(&[("LANDFALL_NOTIFY_URL", &pooler.url)]).contains("LANDFALL_NOTIFY_URL:"));
    if pooler.version < (1, 21) {
        assert!(refusal(&[("LANDFALL_PREPARE", "true")]).contains("LANDFALL_PREPARE:"));
    }
}
