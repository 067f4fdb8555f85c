//! Batches that fit the line against batches of one size: a folder of small files synced over three lines.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::Outcome;
use crate::arguments::Options;
use crate::corpus::Sample;
use crate::delay_proxy::{self, Line};
use crate::folder::landfall;
use crate::report::{Section, none, ratio};
use crate::server::Database;
use crate::suite::{progress, start};

/// Sizes that are given with `--batch-size`, beside the one that the program finds.
const SIZES: [&str; 3] = ["10", "50", "100"];
const FILE_BYTES: usize = 2 * 1024;

/// The lines, by name.
const LINES: [(&str, Line); 3] = [
    ("64 kbit/s, 600 ms", Line { delay: Duration::from_millis(300), bytes_per_s: Some(8_000) }),
    ("2 Mbit/s, 60 ms", Line { delay: Duration::from_millis(30), bytes_per_s: Some(250_000) }),
    ("100 Mbit/s, 4 ms", Line { delay: Duration::from_millis(2), bytes_per_s: Some(12_500_000) }),
];

/// Syncs a folder over each line, with each size.
pub fn run(options: &Options, corpus: &[Sample]) -> Outcome<Section> {
    let files = if options.quick { 60 } else { 1_000 };
    let (server, owner) = start(Database::Sqlite)?;
    let upstream = server.url().strip_prefix("http://").ok_or("the server's address is not HTTP")?;
    let mut rows = Vec::new();
    for (name, line) in LINES {
        let url = delay_proxy::start(upstream, line)?;
        let mut of_line: Option<Duration> = None;
        for size in [None].into_iter().chain(SIZES.map(Some)) {
            let what = size.map_or_else(|| "as the line takes".to_owned(), |size| format!("{size} a batch"));
            progress(&format!("a folder over {name}, {what}"));
            let workspace = owner.create_workspace(&format!("{name}, {what}"))?;
            let took = sync(&url, &workspace, corpus, files, size)?;
            let own = *of_line.get_or_insert(took);
            rows.push(vec![
                format!("{name}: {what}"),
                format!("{:.2}", took.as_secs_f64()),
                size.map_or_else(none, |_| ratio(took.as_secs_f64(), own.as_secs_f64())),
            ]);
        }
    }
    let about = format!(
        "The first `landfall sync` of {files} files of 2 KB, login included, through a proxy on the same machine that passes on so many \
         bytes a second, each way and for all connections together, each of them half a round trip later. `× as the line \
         takes`: how many times as long it took as with the size that the program finds by itself."
    );
    let columns = vec!["scenario", "s", "× as the line takes"];
    Ok(Section { title: "A folder over slow and fast lines", about, columns, rows })
}

/// How long the first sync of so many files takes.
fn sync(server: &str, workspace: &str, corpus: &[Sample], files: usize, size: Option<&str>) -> Outcome<Duration> {
    // Beside the build: on a real disk, where `/tmp` may be memory.
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    write_files(directory.path(), corpus, files)?;
    let folder = directory.path().to_str().ok_or("a path that is not UTF-8")?;
    landfall(&["init", folder, "--server", server, "--workspace", workspace])?;
    let given = size.map(|size| ["--batch-size", size]);
    let arguments: Vec<&str> = ["sync", folder, "--json"].into_iter().chain(given.into_iter().flatten()).collect();
    Ok(landfall(&arguments)?.elapsed)
}

/// Parts of the corpus, each file another one.
fn write_files(folder: &Path, corpus: &[Sample], files: usize) -> Outcome<()> {
    let all: String = corpus.iter().map(|sample| sample.content.as_str()).collect();
    for number in 0..files {
        let start = all.floor_char_boundary(number * 769 % all.len().saturating_sub(FILE_BYTES).max(1));
        let text = all.get(start..).unwrap_or_default();
        let text = text.get(..text.floor_char_boundary(FILE_BYTES)).unwrap_or(text);
        fs::write(folder.join(format!("{number:04}.md")), format!("# File {number}\n\n{text}\n"))?;
    }
    Ok(())
}
