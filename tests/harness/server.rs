//! The real program, started by a test on a free port with a database of its own, and stopped when the test is done.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use super::client::Client;
use super::user::User;
use crate::postgres_server::PostgresDatabase;

/// How long a server may take to say where it listens, or to stop.
const PATIENCE: Duration = Duration::from_secs(120);

/// Signs the tokens of every server of the tests, so that tests can forge some.
pub const JWT_SECRET: &str = "a secret for tests alone, long enough for HMAC-SHA-256";

/// What a server keeps its data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file in the data directory.
    Sqlite,
    /// A database of its own on the test run's Postgres.
    Postgres,
}

/// A server under test. Dropping it stops it and removes its data; a server that does not stop cleanly, or that
/// panicked anywhere, fails the test.
pub struct TestServer {
    /// Words that the program's command line begins with.
    launcher: Vec<String>,
    settings: Vec<(String, String)>,
    process: Option<Process>,
    base_url: Arc<RwLock<String>>,
    client: Client,
    log: Arc<Mutex<String>>,
    data: Arc<Data>,
}

/// What outlives a restart, shared by servers that run side by side.
struct Data {
    directory: TempDir,
    postgres: Option<PostgresDatabase>,
}

/// A running program; `output_ended` tells when it is gone.
struct Process {
    child: Child,
    output_ended: Receiver<()>,
}

impl TestServer {
    /// A server with default settings, and without a rate limit.
    pub fn start(database: Database) -> Self {
        Self::start_with(database, &[("LANDFALL_RATE_LIMIT", "off")])
    }

    /// A server with these settings (environment variables; an empty value takes one away).
    pub fn start_with(database: Database, settings: &[(&str, &str)]) -> Self {
        let data = Data {
            directory: TempDir::new().expect("a temporary directory"),
            postgres: (database == Database::Postgres).then(PostgresDatabase::create),
        };
        Self::on(Arc::new(data), owned(settings), Vec::new())
    }

    /// A server on SQLite that is started through another program: `launcher` is that one's command line.
    #[allow(dead_code, reason = "not every suite starts servers so")]
    pub fn start_through(launcher: Vec<String>, settings: &[(&str, &str)]) -> Self {
        let data = Data { directory: TempDir::new().expect("a temporary directory"), postgres: None };
        Self::on(Arc::new(data), owned(settings), launcher)
    }

    /// Another server on the same data, running beside this one.
    pub fn start_beside(&self) -> Self {
        Self::on(Arc::clone(&self.data), self.settings.clone(), self.launcher.clone())
    }

    fn on(data: Arc<Data>, settings: Vec<(String, String)>, launcher: Vec<String>) -> Self {
        let base_url = Arc::new(RwLock::new(String::new()));
        let client = Client::new(Arc::clone(&base_url));
        let mut server = Self { launcher, settings, process: None, base_url, client, log: Arc::default(), data };
        server.restart();
        server
    }

    /// Starts the server on the data that it had, once it has been stopped or killed. Its port changes; its clients
    /// follow.
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "stop or kill the server first");
        let mut child =
            self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        let (says_line, first_line) = channel();
        let (says_end, output_ended) = channel();
        let log = Arc::clone(&self.log);
        thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            if let Some(line) = lines.next() {
                let _ = says_line.send(line);
            }
            lines.for_each(|line| append(&log, &line));
            let _ = says_end.send(());
        });
        let log = Arc::clone(&self.log);
        thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| append(&log, &line))
        });
        self.process = Some(Process { child, output_ended });
        let line = first_line
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("the server does not say where it listens; its log:\n{}", self.log()));
        let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("an unexpected first line: {line}"));
        *self.base_url.write().unwrap() = url.trim().to_owned();
    }

    /// Starts the server on the data that it had, and kills it after a moment, ready or not.
    #[allow(dead_code, reason = "not every suite kills servers that start")]
    pub fn start_and_kill(&mut self, after: Duration) {
        assert!(self.process.is_none(), "stop or kill the server first");
        let mut child = self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        thread::sleep(after);
        child.kill().expect("a child");
        child.wait().expect("a child");
    }

    fn command(&self) -> Command {
        let program = [env!("CARGO_BIN_EXE_landfall").to_owned()];
        let mut words = self.launcher.iter().chain(&program);
        let mut command = Command::new(words.next().expect("the program at least"));
        command
            .args(words)
            .arg("serve")
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("LANDFALL_LISTEN", "127.0.0.1:0")
            .env("LANDFALL_DATA_DIR", self.data.directory.path())
            .env("LANDFALL_JWT_SECRET", JWT_SECRET)
            .env("RUST_LOG", "info")
            .stdin(Stdio::null());
        if let Some(postgres) = &self.data.postgres {
            command.env("LANDFALL_DATABASE_URL", postgres.url());
        }
        for (name, value) in &self.settings {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        command
    }

    /// As [`restart`](Self::restart), with other settings from now on.
    #[allow(dead_code, reason = "not every suite restarts servers with other settings")]
    pub fn restart_with(&mut self, settings: &[(&str, &str)]) {
        self.settings.extend(settings.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        self.restart();
    }

    /// A client without a token.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Makes an account, and logs in.
    pub fn register(&self, username: &str) -> User {
        User::register(&self.client, username)
    }

    /// The same user, talking to this server instead of another one on the same data.
    pub fn welcome(&self, user: &User) -> User {
        User { client: self.client.with_token(&user.access_token), ..user.clone() }
    }

    /// All that the server has written so far, after its first line.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The directory of its data.
    pub fn data_directory(&self) -> &std::path::Path {
        self.data.directory.path()
    }

    /// Its database, where that is on Postgres.
    pub fn postgres(&self) -> Option<&PostgresDatabase> {
        self.data.postgres.as_ref()
    }

    /// The URL of that database.
    pub fn postgres_url(&self) -> Option<&str> {
        self.postgres().map(PostgresDatabase::url)
    }

    /// The id of the process.
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().expect("a running server").child.id()
    }

    /// The most memory that the process ever had in use.
    pub fn peak_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process_id())).expect("a Linux process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory");
        1024 * line.trim().trim_end_matches(" kB").parse::<u64>().expect("kilobytes")
    }

    /// Asks the server to stop, without waiting for it.
    pub fn ask_to_stop(&self) {
        let kill = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.process_id())).status();
        assert!(kill.expect("a shell").success(), "the server is gone already");
    }

    /// Asks the server to stop, and waits until it has. How it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.wait()
    }

    /// Waits until the server, asked to stop, has stopped. How it ended.
    pub fn wait(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("a running server");
        if process.output_ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let _ = process.child.kill();
            panic!("the server does not stop when asked; its log:\n{}", self.log());
        }
        process.child.wait().expect("a child")
    }

    /// Runs statements on the server's database, past the server.
    pub fn execute_sql(&self, statements: &str) {
        let executed = match &self.data.postgres {
            Some(postgres) => PgConnection::establish(postgres.url()).expect("Postgres").batch_execute(statements),
            None => {
                let path = self.data.directory.path().join("landfall.db");
                let mut connection = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("the database");
                connection.batch_execute(&format!("PRAGMA busy_timeout = 60000; {statements}"))
            }
        };
        executed.expect("the statements run");
    }

    /// Ends every connection that the server has to its Postgres, as a failover does.
    pub fn cut_database_connections(&self) {
        let mut connection = self.connect_postgres();
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        connection.batch_execute(cut).expect("Postgres cuts its connections");
    }

    /// Another connection to the server's Postgres.
    pub fn connect_postgres(&self) -> PgConnection {
        PgConnection::establish(self.data.postgres.as_ref().expect("a server on Postgres").url())
            .expect("Postgres answers")
    }

    /// Stops every process of Postgres that serves this server's connections, until this value is dropped.
    pub fn stop_database(&self) -> StoppedDatabase {
        #[derive(diesel::QueryableByName)]
        struct Backend {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            pid: i32,
        }
        let mut connection = self.connect_postgres();
        let backends = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND backend_type = 'client backend'";
        let backends: Vec<Backend> =
            diesel::RunQueryDsl::load(diesel::sql_query(backends), &mut connection).expect("rows");
        let stopped = StoppedDatabase { backends: backends.into_iter().map(|backend| backend.pid).collect() };
        stopped.signal("STOP");
        stopped
    }

    /// Kills the server on the spot (SIGKILL), as a power cut would.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("a running server");
        process.child.kill().expect("a running process");
        process.child.wait().expect("a child");
    }
}

/// Processes of Postgres that stand still. They go on without its help, which may need a lock that one of them holds.
pub struct StoppedDatabase {
    backends: Vec<i32>,
}

impl StoppedDatabase {
    fn signal(&self, signal: &str) {
        for pid in &self.backends {
            // One that has ended meanwhile needs no signal.
            let sent = format!("kill -{signal} {pid} || ! kill -0 {pid}");
            let sent = Command::new("sh").arg("-c").arg(sent).status();
            assert!(sent.expect("a shell").success(), "the backend {pid} takes no signal");
        }
    }
}

impl Drop for StoppedDatabase {
    fn drop(&mut self) {
        self.signal("CONT");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- log of the server ---\n{}", self.log());
            if let Some(mut process) = self.process.take() {
                let _ = process.child.kill();
                let _ = process.child.wait();
            }
            return;
        }
        if self.process.is_some() {
            let status = self.stop();
            assert!(status.success(), "the server ends with {status}; its log:\n{}", self.log());
        }
        let log = self.log();
        assert!(!log.contains("panicked at"), "the server panicked:\n{log}");
    }
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn append(log: &Mutex<String>, line: &str) {
    let mut log = log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    log.push_str(line);
    log.push('\n');
}

/// Runs the program with these arguments and settings; its status, standard output and standard error.
pub fn run_program(arguments: &[&str], settings: &[(&str, &str)]) -> (ExitStatus, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let mut streams = [String::new(), String::new()];
    for (text, bytes) in streams.iter_mut().zip([output.stdout, output.stderr]) {
        bytes.as_slice().read_to_string(text).expect("UTF-8");
    }
    let [stdout, stderr] = streams;
    (output.status, stdout, stderr)
}

/// The head of the answer to a GET over a plain connection, for what the client of the tests hides.
pub fn raw_get(server: &TestServer, path: &str, token: &str, headers: &str) -> String {
    use std::io::Write;
    let address = server.client().base_url();
    let address = address.strip_prefix("http://").expect("a plain address");
    let mut stream = std::net::TcpStream::connect(address).expect("the server listens");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n{headers}connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers");
    let text = String::from_utf8_lossy(&answer);
    text.split("\r\n\r\n").next().unwrap_or_default().to_owned()
}
