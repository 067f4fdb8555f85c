//! Editors that are connected live, by the providers that people install: to Landfall, and in the same run to the two servers
//! that those providers come from. `benches/live` has the editors; it needs Node.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use tempfile::TempDir;

use crate::Outcome;
use crate::arguments::Options;
use crate::report::{Section, none};
use crate::server::{Database, Process};
use crate::suite::{progress, start};

const PROVIDERS: [&str; 2] = ["y-websocket", "hocuspocus"];
/// How long Hocuspocus waits before it stores a document, in milliseconds: never, and what it does if nobody says.
const HOCUSPOCUS_WAITS: [(&str, &str); 2] = [("0", "each update stored"), ("2000", "stored after 2 s, its default")];

/// What `drive.mjs` measured.
#[derive(Debug, Deserialize)]
struct Figures {
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
    updates_per_second: f64,
    cpu_us: f64,
    join_ms: f64,
    join_mib: f64,
    socket_kib: f64,
    cores: f64,
    dropped: i64,
}

/// A server that editors connect to.
struct Target<'a> {
    provider: &'a str,
    url: String,
    token: &'a str,
    /// What document names begin with.
    prefix: String,
    process_id: u32,
}

/// The table of all servers.
pub fn run(options: &Options) -> Outcome<Section> {
    install()?;
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        for provider in PROVIDERS {
            let name = format!("Landfall on {}, {provider}", database.name());
            progress(&format!("live: {name}"));
            rows.push(row(name, &landfall(options, database, provider)?));
        }
    }
    progress("live: the server of y-websocket");
    rows.push(row("y-websocket's server, LevelDB".to_owned(), &y_websocket(options)?));
    for (wait, named) in HOCUSPOCUS_WAITS {
        progress(&format!("live: Hocuspocus, {named}"));
        rows.push(row(format!("Hocuspocus, SQLite, {named}"), &hocuspocus(options, wait)?));
    }
    let columns = vec![
        "server, provider",
        "key p50 ms",
        "p95 ms",
        "p99 ms",
        "max ms",
        "updates/s",
        "CPU µs/update",
        "150 join ms",
        "MiB for them",
        "KiB a socket",
        "cores of 1,000 sockets",
        "dropped",
    ];
    let about = "All editors are in one Node process, each with a socket of its own. Key: from a key in one editor to the update in the \
                 other, one pair, 20 ms between keys; Landfall has committed it durably before, the others have not. Updates: sixteen \
                 pairs, each types the next key when the other editor has the last. Join: 150 editors open a document of 400 KB at \
                 once. 1,000 sockets: ten on each of 100 documents, in each of which one editor types a key a second.";
    Ok(Section { title: "Live", about: about.to_owned(), columns, rows })
}

/// Where the editors are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/live")
}

/// Sees to it that their packages are there.
pub fn install() -> Outcome<()> {
    if folder().join("node_modules").exists() {
        return Ok(());
    }
    // SQLite for Node is compiled where no ready one can be had; the headers of Node itself are at hand then.
    let status = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder()).status()?;
    if status.success() { Ok(()) } else { Err("npm ci in benches/live failed: see above".into()) }
}

fn landfall(options: &Options, database: Database, provider: &str) -> Outcome<Figures> {
    let (server, owner) = start(database)?;
    let workspace_id = owner.create_workspace("live")?;
    let endpoint = if provider == "hocuspocus" { "hocuspocus" } else { "y" };
    let token = owner.authorization().trim_start_matches("Bearer ");
    drive(
        options,
        &Target {
            provider,
            url: format!("{}/api/v1/live/{endpoint}", socket_url(server.url())),
            token,
            prefix: format!("{workspace_id}/"),
            process_id: server.process_id(),
        },
    )
}

fn y_websocket(options: &Options) -> Outcome<Figures> {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut command = Command::new("node");
    command.arg("y-websocket.mjs").current_dir(folder()).env("YPERSISTENCE", directory.path().join("leveldb"));
    other(options, "y-websocket", command, directory.path())
}

fn hocuspocus(options: &Options, wait: &str) -> Outcome<Figures> {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut command = Command::new("node");
    command.arg("hocuspocus.mjs").arg(directory.path().join("documents.db")).arg(wait).current_dir(folder());
    other(options, "hocuspocus", command, directory.path())
}

fn other(options: &Options, provider: &str, mut command: Command, directory: &Path) -> Outcome<Figures> {
    let process = Process::start(&mut command, &directory.join("server.log"))?;
    drive(
        options,
        &Target {
            provider,
            url: socket_url(&process.url),
            token: "none",
            prefix: String::new(),
            process_id: process.id(),
        },
    )
}

/// The same address, for sockets.
pub fn socket_url(url: &str) -> String {
    url.replacen("http", "ws", 1)
}

fn drive(options: &Options, target: &Target<'_>) -> Outcome<Figures> {
    let output = Command::new("node")
        .arg("drive.mjs")
        .arg(options.time.as_secs().to_string())
        .current_dir(folder())
        .env("LIVE_PROVIDER", target.provider)
        .env("LIVE_URL", &target.url)
        .env("LIVE_TOKEN", target.token)
        .env("LIVE_PREFIX", &target.prefix)
        .env("LIVE_PID", target.process_id.to_string())
        .output()?;
    if !output.status.success() {
        return Err(format!("the live editors failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn row(name: String, figures: &Figures) -> Vec<String> {
    let dropped = if figures.dropped == 0 { none() } else { figures.dropped.to_string() };
    vec![
        name,
        format!("{:.1}", figures.p50),
        format!("{:.1}", figures.p95),
        format!("{:.1}", figures.p99),
        format!("{:.1}", figures.max),
        format!("{:.0}", figures.updates_per_second),
        format!("{:.0}", figures.cpu_us),
        format!("{:.0}", figures.join_ms),
        format!("{:.0}", figures.join_mib),
        format!("{:.1}", figures.socket_kib),
        format!("{:.2}", figures.cores),
        dropped,
    ]
}
