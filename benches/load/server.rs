//! The program under load, started on a free port with a database of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;

use crate::Outcome;
use crate::postgres_server::PostgresDatabase;

/// What a server keeps its data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite,
    /// A database on a Postgres of this machine.
    Postgres,
}

impl Database {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
        }
    }
}

/// A child process that listens; stopped when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Kept open: a program whose output nobody takes may stop.
    _output: BufReader<ChildStdout>,
    /// `http://host:port`.
    pub url: String,
}

impl Process {
    /// Starts a program that says `listening on URL` in its first line.
    pub fn start(command: &mut Command, log: &Path) -> Outcome<Self> {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::from(File::create(log)?)).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("the output is not piped")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        match line.trim().strip_prefix("listening on ") {
            Some(url) => Ok(Self { url: url.to_owned(), child, _output: output }),
            None => {
                child.kill()?;
                child.wait()?;
                let log = std::fs::read_to_string(log)?;
                Err(format!("the server does not say where it listens: {line:?}; its log:\n{log}").into())
            }
        }
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let asked = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        let stopped = match asked {
            Ok(status) if status.success() => self.child.wait(),
            Ok(_) | Err(_) => self.child.kill().and_then(|()| self.child.wait()),
        };
        if let Err(error) = stopped {
            eprintln!("load: the server could not be stopped: {error}");
        }
    }
}

/// A Landfall server.
pub struct Server {
    /// Stopped before its data goes.
    process: Process,
    data: Arc<Data>,
}

/// The program that is measured, if not the one built here.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Measures another program from now on.
pub fn measure_program(program: PathBuf) {
    // The first one that was named counts.
    let _ = PROGRAM.set(program);
}

/// The program that is measured.
pub fn program() -> &'static Path {
    PROGRAM.get_or_init(|| PathBuf::from(env!("CARGO_BIN_EXE_landfall")))
}

/// What servers side by side share.
struct Data {
    program: PathBuf,
    postgres: Option<PostgresDatabase>,
    directory: TempDir,
}

impl Server {
    /// Starts one on a fresh database, without limits on what a user may do.
    pub fn start(database: Database) -> Outcome<Self> {
        Self::start_program(program(), database)
    }

    /// The same, of another program.
    pub fn start_program(program: &Path, database: Database) -> Outcome<Self> {
        // Beside the build: on a real disk, where `/tmp` may be memory.
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let postgres = (database == Database::Postgres).then(PostgresDatabase::create);
        let program = program.to_owned();
        Self::start_on(Arc::new(Data { program, postgres, directory }), "server.log")
    }

    /// Starts another one on the same database.
    pub fn start_beside(&self) -> Outcome<Self> {
        Self::start_on(Arc::clone(&self.data), "server-beside.log")
    }

    fn start_on(data: Arc<Data>, log: &str) -> Outcome<Self> {
        let mut command = Command::new(&data.program);
        command
            .arg("serve")
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("LANDFALL_LISTEN", "127.0.0.1:0")
            .env("LANDFALL_DATA_DIR", data.directory.path())
            .env("LANDFALL_DATABASE_URL", data.database_url())
            .env("LANDFALL_RATE_LIMIT", "off")
            .env("LANDFALL_MAX_USER_STREAMS", "10000")
            .env("RUST_LOG", "info");
        let process = Process::start(&mut command, &data.directory.path().join(log))?;
        Ok(Self { process, data })
    }

    /// `http://host:port`.
    pub fn url(&self) -> &str {
        &self.process.url
    }

    /// The id of its process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Where its data is, for whoever wants to go there directly.
    pub fn database_url(&self) -> String {
        self.data.database_url()
    }
}

impl Data {
    fn database_url(&self) -> String {
        match &self.postgres {
            Some(postgres) => postgres.url().to_owned(),
            None => format!("sqlite://{}", self.directory.path().join("landfall.db").display()),
        }
    }
}
