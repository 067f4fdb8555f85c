//! A folder of Markdown synced by the real program, beside a client that sends each file in a request of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use tempfile::TempDir;
use uuid::Uuid;

use crate::Outcome;
use crate::client::{Connection, PASSWORD};
use crate::corpus::Sample;
use crate::measure::peak_memory_kib;
use crate::server::Server;

/// Batches that the program has under way by default, and requests of the client beside it.
pub const CONNECTIONS: usize = 4;
const MIN_FILE_BYTES: usize = 2 * 1024;
const MAX_FILE_BYTES: usize = 20 * 1024;
/// Files of one directory.
const DIRECTORY_FILES: usize = 100;
/// How often the memory of the program is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// What one run of the program took.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// How long.
    pub elapsed: Duration,
    /// The most memory of the program and its worker, in KiB.
    pub peak_kib: u32,
}

/// What was measured with so many files.
#[derive(Debug)]
pub struct Synced {
    /// The first sync of the folder.
    pub first: Ran,
    /// The same files, a request each, over as many kept connections.
    pub one_by_one: Duration,
    /// A sync when nothing has changed.
    pub nothing: Ran,
    /// A sync when one file has.
    pub one_changed: Ran,
    /// The first sync of a second, empty folder.
    pub second_folder: Ran,
}

/// Syncs so many files, in a workspace of their own.
pub fn run(server: &Server, owner: &Connection, corpus: &[Sample], files: usize) -> Outcome<Synced> {
    // Beside the build: on a real disk, where `/tmp` may be memory.
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (here, there) = (directory.path().join("here"), directory.path().join("there"));
    let workspace = owner.create_workspace(&format!("folder of {files}"))?;
    let beside = owner.create_workspace(&format!("one by one {files}"))?;
    write_files(&here, corpus, files)?;
    for folder in [&here, &there] {
        let folder = folder.to_str().ok_or("a path that is not UTF-8")?;
        landfall(&["init", folder, "--server", server.url(), "--workspace", &workspace])?;
    }
    let one_by_one = send_one_by_one(server, owner, &here, files, &beside)?;
    let first = sync(&here)?;
    let nothing = sync(&here)?;
    let changed = here.join(name(files / 2));
    fs::write(&changed, fs::read_to_string(&changed)? + "\nOne line more.\n")?;
    let one_changed = sync(&here)?;
    let second_folder = sync(&there)?;
    for number in [0, files / 2, files.saturating_sub(1)] {
        if fs::read(here.join(name(number)))? != fs::read(there.join(name(number)))? {
            return Err("the folders differ".into());
        }
    }
    Ok(Synced { first, one_by_one, nothing, one_changed, second_folder })
}

fn name(number: usize) -> String {
    format!("{:03}/{number:05}.md", number / DIRECTORY_FILES)
}

/// Texts of the corpus, one behind the other, up to a size that differs from file to file.
fn write_files(folder: &Path, corpus: &[Sample], files: usize) -> Outcome<()> {
    let mut samples = corpus.iter().cycle();
    for number in 0..files {
        // A step that is coprime to the span reaches every size.
        let size = MIN_FILE_BYTES + number * 7_919 % (MAX_FILE_BYTES - MIN_FILE_BYTES);
        let mut text = format!("# File {number}\n\n");
        while text.len() < size {
            text.push_str(&samples.next().ok_or("the corpus is empty")?.content);
            text.push('\n');
        }
        text.truncate(text.floor_char_boundary(size));
        let path = folder.join(name(number));
        fs::create_dir_all(path.parent().ok_or("a file has a parent")?)?;
        fs::write(path, text)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Batch<'a> {
    workspace_id: &'a str,
    operations: [Create<'a>; 1],
}

#[derive(Serialize)]
struct Create<'a> {
    operation: &'static str,
    client_id: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    title: &'a str,
    content: &'a str,
}

/// Reads each file and sends its text alone, in a request of its own; nothing is kept on disk.
fn send_one_by_one(
    server: &Server,
    owner: &Connection,
    folder: &Path,
    files: usize,
    workspace_id: &str,
) -> Outcome<Duration> {
    let started = Instant::now();
    thread::scope(|scope| -> Outcome<()> {
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|first| {
                let connection = owner.another(server.url());
                scope.spawn(move || -> Outcome<()> {
                    for number in (first..files).step_by(CONNECTIONS) {
                        let title = name(number);
                        let content = fs::read_to_string(folder.join(&title))?;
                        let data = Data { title: &title, content: &content };
                        let client_id = Uuid::now_v7().to_string();
                        let operations = [Create { operation: "create", client_id, data }];
                        connection.push(&serde_json::to_string(&Batch { workspace_id, operations })?)?;
                    }
                    Ok(())
                })
            })
            .collect();
        senders.into_iter().try_for_each(|sender| sender.join().map_err(|_panic| "a sender panicked")?)
    })?;
    Ok(started.elapsed())
}

fn sync(folder: &Path) -> Outcome<Ran> {
    landfall(&["sync", folder.to_str().ok_or("a path that is not UTF-8")?, "--json"])
}

/// Runs a command of the program, which must end well.
pub fn landfall(arguments: &[&str]) -> Outcome<Ran> {
    let started = Instant::now();
    let mut child = Command::new(crate::server::program())
        .args(arguments)
        .env_clear()
        .env("LANDFALL_USERNAME", "bench")
        .env("LANDFALL_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()?;
    let peak_kib = watch_memory(&mut child)?;
    let elapsed = started.elapsed();
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("landfall {arguments:?} ended with {status}").into());
    }
    Ok(Ran { elapsed, peak_kib })
}

/// The peak of a program and of its worker, once the program has ended.
fn watch_memory(child: &mut Child) -> Outcome<u32> {
    let (mut own, mut workers) = (0, 0);
    while child.try_wait()?.is_none() {
        // A process that has just ended tells nothing any more.
        own = peak_memory_kib(child.id()).unwrap_or(own);
        let list = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap_or_default();
        let sum: u32 = list.split_whitespace().filter_map(|id| peak_memory_kib(id.parse().ok()?).ok()).sum();
        workers = workers.max(sum);
        thread::sleep(LOOK);
    }
    Ok(own + workers)
}
