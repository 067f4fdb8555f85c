//! A folder of one person, synced by the real program.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::Value;
use tempfile::TempDir;

use super::reserved_port::ReservedPort;
use super::small_disk::SmallDisk;
use crate::harness::user::PASSWORD;
use crate::harness::{Database, TestServer, User};

/// A server with one user, to whose workspace folders are connected.
pub struct Desk {
    pub server: TestServer,
    pub ada: User,
    /// Of a server that keeps its port.
    _port: Option<ReservedPort>,
}

/// A folder.
pub struct Place {
    directory: TempDir,
    url: String,
    disk: Option<SmallDisk>,
}

/// What a command came to.
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Desk {
    /// A server on SQLite.
    pub fn new() -> Self {
        Self::on(Database::Sqlite)
    }

    pub fn on(database: Database) -> Self {
        Self::start(database, &[])
    }

    /// A server on either database with these settings.
    pub fn on_with(database: Database, settings: &[(&str, &str)]) -> Self {
        Self::start(database, settings)
    }

    /// A server on SQLite with these settings.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        Self::start(Database::Sqlite, settings)
    }

    fn start(database: Database, settings: &[(&str, &str)]) -> Self {
        Self::of(TestServer::start_with(database, &[&[("LANDFALL_RATE_LIMIT", "off")], settings].concat()))
    }

    /// A server that runs already.
    pub fn of(server: TestServer) -> Self {
        let ada = server.register("ada");
        Self { server, ada, _port: None }
    }

    /// A server on SQLite that keeps its port when it is restarted, since folders remember it.
    pub fn restartable() -> Self {
        Self::restartable_on(Database::Sqlite, &[])
    }

    /// The same, on either database, with these settings.
    pub fn restartable_on(database: Database, settings: &[(&str, &str)]) -> Self {
        let port = ReservedPort::take();
        let address = port.address().to_string();
        let desk = Self::start(database, &[&[("LANDFALL_LISTEN", address.as_str())], settings].concat());
        Self { _port: Some(port), ..desk }
    }

    /// A new folder, connected.
    pub fn place(&self) -> Place {
        let place = self.unconnected();
        place.run(&["init", ".", "--server", &place.url]).expect(0);
        place
    }

    /// A new folder, connected by way of the proxy at this address.
    pub fn place_through(&self, proxy: &str) -> Place {
        let place = self.unconnected();
        place.run(&["init", ".", "--server", proxy]).expect(0);
        place
    }

    /// A new folder.
    pub fn unconnected(&self) -> Place {
        Place { directory: TempDir::new().unwrap(), url: self.server.client().base_url(), disk: None }
    }

    /// The server's address.
    pub fn url(&self) -> String {
        self.server.client().base_url()
    }

    /// A new folder with a folder in it that has so much room.
    pub fn unconnected_with_small(&self, path: &str, kib: u32) -> Place {
        let place = self.unconnected();
        let small = place.path(path);
        fs::create_dir(&small).unwrap();
        Place { disk: Some(SmallDisk::on(&small, kib)), ..place }
    }

    /// How the sync runs stand that the server knows of, newest first.
    pub fn runs(&self) -> Vec<String> {
        let page = self.ada.get(&format!("/api/v1/syncs?workspace_id={}", self.ada.workspace_id)).expect(200);
        page.items().iter().map(|run| run["status"].as_str().unwrap().to_owned()).collect()
    }

    /// Titles and texts of the workspace's documents.
    pub fn documents(&self) -> BTreeMap<String, Vec<String>> {
        let mut documents: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let workspace = &self.ada.workspace_id;
            let path = format!("/api/v1/documents/changes?workspace_id={workspace}&limit=500{cursor}");
            let page = self.ada.get(&path).expect(200);
            for item in page.items() {
                if item["deleted"] == false {
                    let text = item["content"].as_str().unwrap().to_owned();
                    documents.entry(item["title"].as_str().unwrap().to_owned()).or_default().push(text);
                }
            }
            if page.body["has_more"] == false {
                return documents;
            }
            cursor = format!("&cursor={}", page.string("/next_cursor"));
        }
    }
}

impl Place {
    pub fn path(&self, path: &str) -> PathBuf {
        let path = self.directory.path().join(path);
        self.disk.as_ref().map_or(path.clone(), |disk| disk.seen(&path))
    }

    /// The disk of a folder with a small one in it.
    pub fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().unwrap()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    pub fn delete(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }

    /// Every file, the client's own left out, with its bytes.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files_under(&self.path(""), false)
    }

    /// Every file, the client's own too.
    pub fn all_files(&self) -> BTreeMap<String, Vec<u8>> {
        files_under(&self.path(""), true)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("LANDFALL_USERNAME", "ada")
            .env("LANDFALL_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.disk.as_ref().map(|disk| disk.wrap(&command)).unwrap_or(command)
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// As if everything that is queued had been tried often, and for long.
    pub fn age_outbox(&self) {
        let database = self.path(".landfall/state.db");
        let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
        connection.batch_execute("UPDATE outbox SET attempts = 8, first_sent_at = first_sent_at - 700000000").unwrap();
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Syncs; it must end well.
    #[track_caller]
    pub fn sync(&self) -> Ran {
        self.run(&["sync"]).expect(0)
    }

    /// Syncs and reads what it says.
    #[track_caller]
    pub fn sync_json(&self, status: i32, arguments: &[&str]) -> Vec<Value> {
        let ran = self.run(&[&["sync", "--json"], arguments].concat()).expect(status);
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        let Self { status: came, stdout, stderr } = &self;
        assert_eq!(*came, status, "stdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }

    /// Whether a line of either stream has all of these words.
    pub fn says(&self, words: &[&str]) -> bool {
        self.stdout.lines().chain(self.stderr.lines()).any(|line| words.iter().all(|word| line.contains(word)))
    }
}

fn files_under(root: &Path, own_too: bool) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                if own_too || entry.file_name() != ".landfall" {
                    folders.push(path);
                }
            } else if kind.is_file() {
                let relative = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                files.insert(relative, fs::read(&path).unwrap());
            }
        }
    }
    files
}
