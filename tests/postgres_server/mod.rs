//! A Postgres for tests: one private server for each test process, one database for each test.
//!
//! The server lives in a temporary directory and listens on a socket there; it ends, and the directory goes, when the
//! test process does, however that ends. `LANDFALL_TEST_POSTGRES_URL` names a running server to use instead, or the
//! servers of a cluster, the coordinator first: each database is made on all of them, as a copy of the one that
//! `LANDFALL_TEST_POSTGRES_TEMPLATE` names. Without any Postgres a test fails: what was not tested must not look as if it
//! had been.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use uuid::Uuid;

/// Names a running server, with the right to create databases; or several, with spaces between them.
const SERVER_VARIABLE: &str = "LANDFALL_TEST_POSTGRES_URL";
/// Names the database that each is a copy of; nobody may be connected to it.
const TEMPLATE_VARIABLE: &str = "LANDFALL_TEST_POSTGRES_TEMPLATE";

/// Starts the server, says so, waits until the tests' end of the pipe is closed, and cleans up.
const KEEPER: &str = r#"
trap '' INT TERM
directory=$1 bin=$2
if "$bin/initdb" -D "$directory/data" -U postgres -A trust -E UTF8 --locale=C >"$directory/log" 2>&1 </dev/null &&
   "$bin/pg_ctl" -D "$directory/data" -l "$directory/log" -w -t 300 \
       -o "-k $directory -c listen_addresses= -c max_connections=800" start >/dev/null 2>&1 </dev/null
then echo ready
else tail -n 3 "$directory/log" | tr '\n' ' '; echo
fi
read -r _
"$bin/pg_ctl" -D "$directory/data" -m immediate -w stop >/dev/null 2>&1
rm -rf "$directory"
"#;

/// A database of its own on the test server, dropped with this value.
pub struct PostgresDatabase {
    name: String,
    url: String,
}

impl PostgresDatabase {
    /// Makes a database without rows; one that is empty, unless there is a template.
    pub fn create() -> Self {
        let name = format!("landfall_test_{}", Uuid::new_v4().simple());
        make(&name, std::env::var(TEMPLATE_VARIABLE).ok().as_deref());
        Self { url: with_database(first_server(), &name), name }
    }

    /// Makes a copy of a database that nobody uses any more. Connections that are still being closed are cut.
    #[allow(dead_code, reason = "not every suite copies databases")]
    pub fn copy_of(other: &Self) -> Self {
        let name = format!("landfall_test_{}", Uuid::new_v4().simple());
        on_servers(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", other.name));
        make(&name, Some(&other.name));
        Self { url: with_database(first_server(), &name), name }
    }

    /// Dumps it into a file, as the documentation says.
    #[allow(dead_code, reason = "not every suite backs databases up")]
    pub fn dump_to(&self, file: &Path) {
        run("pg_dump", &["--format=custom", "--file"], file, &[&self.url]);
    }

    /// Makes it anew from a dump.
    #[allow(dead_code, reason = "not every suite backs databases up")]
    pub fn replace_by(&self, file: &Path) {
        on_servers(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        make(&self.name, None);
        run("pg_restore", &["--exit-on-error", "--dbname", &self.url], file, &[]);
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        on_servers(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn make(name: &str, template: Option<&str>) {
    let template = template.map(|template| format!(" TEMPLATE {template}")).unwrap_or_default();
    on_servers(&format!("CREATE DATABASE {name}{template}"));
}

/// Runs one of Postgres' own programs.
fn run(program: &str, options: &[&str], file: &Path, rest: &[&str]) {
    let program = find_binaries().unwrap_or_default().join(program);
    let done = Command::new(&program).args(options).arg(file).args(rest).output();
    let done = done.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(done.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&done.stderr));
}

fn on_servers(statement: &str) {
    for url in server_urls().split_whitespace() {
        let mut connection = PgConnection::establish(url).unwrap_or_else(|error| {
            panic!("the test server does not answer ({SERVER_VARIABLE}, if set, names it): {error}")
        });
        connection.batch_execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

fn first_server() -> &'static str {
    server_urls().split_whitespace().next().unwrap_or_default()
}

/// The URL with another database in its path.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let host = rest.split_once('/').map_or(rest, |(host, _)| host);
    format!("{scheme}://{host}/{name}?{parameters}")
}

fn server_urls() -> &'static str {
    static SERVER: OnceLock<(String, Option<Child>)> = OnceLock::new();
    let (url, _keeper) = SERVER.get_or_init(|| match std::env::var(SERVER_VARIABLE) {
        Ok(url) => (url, None),
        Err(_) => start(),
    });
    url
}

fn start() -> (String, Option<Child>) {
    let bin = find_binaries().unwrap_or_else(|| {
        panic!(
            "these tests need Postgres: install it (initdb and pg_ctl, in the PATH or where pg_config says), \
             or name a running server in {SERVER_VARIABLE}"
        )
    });
    let directory = tempfile::Builder::new().prefix("landfall-pg-").tempdir();
    let directory = directory.unwrap_or_else(|error| panic!("no temporary directory for Postgres: {error}")).keep();
    let mut keeper = unprivileged(&directory)
        .args(["-c", KEEPER, "sh"])
        .args([directory.as_path(), &bin])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("the shell that keeps Postgres could not be started: {error}"));
    let mut said = String::new();
    if let Some(output) = keeper.stdout.take() {
        BufReader::new(output).read_line(&mut said).unwrap_or_else(|error| panic!("Postgres says nothing: {error}"));
    }
    assert!(said.trim() == "ready", "Postgres could not be started from {}: {said}", bin.display());
    (format!("postgres:///postgres?host={}&user=postgres", directory.display()), Some(keeper))
}

/// A shell that is not root's: Postgres refuses to run as root, so there the directory and the shell become another's.
pub fn unprivileged(directory: &Path) -> Command {
    let own_id = output_of(Command::new("id").arg("-u")).unwrap_or_default();
    if own_id != "0" {
        return Command::new("sh");
    }
    let known = |user: &&str| output_of(Command::new("id").args(["-u", user])).is_some();
    let user = ["postgres", "nobody"].into_iter().find(known).unwrap_or("nobody");
    let group = output_of(Command::new("id").args(["-g", user])).unwrap_or_default();
    let owned = Command::new("chown").arg(format!("{user}:{group}")).arg(directory).status();
    assert!(owned.is_ok_and(|status| status.success()), "the directory for Postgres could not be given to {user}");
    let mut shell = Command::new("setpriv");
    shell.args(["--reuid", user, "--regid", &group, "--clear-groups", "sh"]);
    shell.current_dir(directory);
    shell
}

/// Where Postgres' programs are.
pub fn find_binaries() -> Option<PathBuf> {
    let told = output_of(Command::new("pg_config").arg("--bindir")).map(PathBuf::from);
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    installed.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    told.into_iter()
        .chain(installed.into_iter().rev())
        .chain(std::env::split_paths(&path))
        .find(|bin| bin.join("initdb").is_file() && bin.join("pg_ctl").is_file())
}

fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
