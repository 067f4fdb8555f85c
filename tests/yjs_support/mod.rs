//! What the Yjs tests share: editing histories, documents made by npm yjs, and a renderer with real worker processes.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod hand;
#[path = "../histories/mod.rs"]
pub mod histories;
pub mod hostile;
#[path = "../client_sync/left_out.rs"]
mod left_out;
pub mod model;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use landfall::domain::limits::{Limits, YjsCaps};
use landfall::yjs::render::{RenderConfig, Renderer};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use histories::History;
use left_out::tell_left_out;

/// The caps as they are published by default.
pub fn caps() -> YjsCaps {
    Limits::default().yjs
}

/// A pool of real worker processes.
pub fn renderer(workers: usize, time_budget: Duration) -> Renderer {
    Renderer::new(RenderConfig {
        program: PathBuf::from(env!("CARGO_BIN_EXE_landfall")),
        workers,
        max_memory_bytes: 1 << 30,
        time_budget,
    })
}

/// Histories of people typing that others have recorded. They are not part of the project: `LANDFALL_SHARED_DIR` names
/// the directory of `data/traces`, where somebody has them.
const RECORDED: [&str; 3] = ["sveltecomponent", "automerge-paper", "friendsforever"];

/// The file of a recorded history. Without it a test has nothing to do, and this says so.
pub fn recorded(name: &str) -> Option<PathBuf> {
    assert!(RECORDED.contains(&name), "no recorded history is called {name}");
    let directory = std::env::var_os("LANDFALL_SHARED_DIR").filter(|directory| !directory.is_empty());
    let Some(directory) = directory else {
        tell_left_out(&format!("the recorded history {name}, since LANDFALL_SHARED_DIR does not name its directory"));
        return None;
    };
    let path = PathBuf::from(directory).join(format!("data/traces/{name}.json.gz"));
    assert!(path.is_file(), "{} is missing, but LANDFALL_SHARED_DIR is set", path.display());
    Some(path)
}

/// The file of a history that the project makes itself.
pub fn generated(name: &str) -> PathBuf {
    let json = History::named(name).to_json();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("history-{name}.json"));
    // Test binaries may run side by side, and read while another one writes.
    if fs::read(&path).ok().as_deref() != Some(json.as_bytes()) {
        let mut draft = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        draft.write_all(json.as_bytes()).unwrap();
        draft.persist(&path).unwrap();
    }
    path
}

/// Runs a script of `tests/interop` with Node, `input` on its standard input; answers its standard output.
pub fn node(script: &str, arguments: &[&OsStr], input: &[u8]) -> Vec<u8> {
    node_with(script, arguments, &[], input)
}

/// The same, with environment variables.
pub fn node_with(script: &str, arguments: &[&OsStr], settings: &[(&str, &str)], input: &[u8]) -> Vec<u8> {
    let directory = interop_directory();
    let mut child = Command::new("node")
        .arg(directory.join(script))
        .args(arguments)
        .envs(settings.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need Node 20 or newer on the PATH");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "node {script} failed, see its words above");
    output.stdout
}

/// The scripts' directory, with npm's packages in place.
pub fn interop_directory() -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
    // Test binaries may run side by side.
    let lock = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm.lock")).unwrap();
    lock.lock().unwrap();
    if !directory.join("node_modules/yjs/package.json").is_file() {
        let installed = Command::new("npm").args(["ci", "--silent"]).current_dir(&directory).status();
        assert!(installed.expect("these tests need npm on the PATH").success(), "npm ci failed in tests/interop");
    }
    directory
}

/// Bytes that come as base64 in JSON.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Bytes(pub Vec<u8>);

impl TryFrom<String> for Bytes {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        BASE64_STANDARD.decode(text).map(Self)
    }
}

/// Bytes as base64.
pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// A history, replayed by npm yjs.
#[derive(Clone, Debug, Deserialize)]
pub struct Trace {
    pub text: String,
    updates: Vec<Bytes>,
    merged: Bytes,
    state: Bytes,
}

impl Trace {
    /// One update for each edit.
    pub fn updates(&self) -> Vec<Vec<u8>> {
        self.updates.iter().map(|update| update.0.clone()).collect()
    }

    /// The edits joined by `Y.mergeUpdates`, each a struct of its own.
    pub fn merged(&self) -> Vec<u8> {
        self.merged.0.clone()
    }

    /// The whole state of a document.
    pub fn state(&self) -> Vec<u8> {
        self.state.0.clone()
    }
}

/// Replays a history, or takes what an earlier run left.
pub fn trace(file: &Path) -> Trace {
    let script = include_bytes!("../interop/make-traces.mjs");
    let digest = Sha256::new().chain_update(script).chain_update(fs::read(file).unwrap()).finalize();
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trace-{digest}.json"));
    if let Ok(json) = fs::read(&kept)
        && let Ok(trace) = serde_json::from_slice(&json)
    {
        return trace;
    }
    let json = node("make-traces.mjs", &[file.as_os_str()], b"");
    fs::write(&kept, &json).unwrap();
    parse(&json)
}

/// A document that npm yjs made.
#[derive(Clone, Debug, Deserialize)]
pub struct Document {
    pub name: String,
    pub roots: serde_json::Value,
    pub text: String,
    updates: Vec<Bytes>,
}

impl Document {
    pub fn updates(&self) -> Vec<Vec<u8>> {
        self.updates.iter().map(|update| update.0.clone()).collect()
    }
}

/// Documents of every kind that editors make.
pub fn documents() -> Vec<Document> {
    parse(&node("make-documents.mjs", &[], b""))
}

/// Documents made by chance by three editors at once; the same for the same seed.
pub fn random_documents(seed: u32, count: u32) -> Vec<Document> {
    let [seed, count] = [seed, count].map(|number| number.to_string());
    parse(&node("make-random-documents.mjs", &[seed.as_ref(), count.as_ref()], b""))
}

/// Parses what a script wrote.
pub fn parse<T: DeserializeOwned>(json: &[u8]) -> T {
    serde_json::from_slice(json).expect("a script wrote something unexpected")
}
