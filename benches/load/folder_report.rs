//! How the figures of a synced folder stand beside each other.

use std::time::Duration;

use crate::Outcome;
use crate::arguments::Options;
use crate::corpus::Sample;
use crate::folder::{self, CONNECTIONS, Ran, Synced};
use crate::report::{Section, none, ratio};
use crate::suite::{progress, start};

/// Syncs folders of some sizes on each database.
pub fn run(options: &Options, corpus: &[Sample]) -> Outcome<Section> {
    let sizes: &[usize] = if options.quick { &[1_000] } else { &[1_000, 10_000] };
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        let (server, owner) = start(database)?;
        for &files in sizes {
            let name = format!("{}: {files} files", database.name());
            progress(&format!("a folder, {name}"));
            rows.extend(rows_of(&name, files, &folder::run(&server, &owner, corpus, files)?));
        }
    }
    let about = format!(
        "`landfall sync` with its default options ({CONNECTIONS} batches of 50 under way), login included, on files of 2 to 20 KB of \
         Markdown. `× one a file`: the first sync against a client that reads each file and creates its document in a \
         request of its own, over {CONNECTIONS} kept connections to the same server. That client sends the text alone, without Yjs \
         state, and keeps nothing on disk; `landfall` makes a Yjs document of each file, stores it with its outbox before it \
         sends anything, and merges what others did. The memory is that of the program and its worker together."
    );
    let columns = vec!["scenario", "s", "documents/s", "× one a file", "peak MiB"];
    Ok(Section { title: "A folder", about, columns, rows })
}

fn rows_of(name: &str, files: usize, synced: &Synced) -> Vec<Vec<String>> {
    let one_by_one = rate(files, synced.one_by_one);
    let row = |what: &str, elapsed: Duration, rate: Option<f64>, ran: Option<Ran>| {
        vec![
            format!("{name}, {what}"),
            format!("{:.2}", elapsed.as_secs_f64()),
            rate.map_or_else(none, |rate| format!("{rate:.0}")),
            rate.filter(|_| what != SECOND_FOLDER).map_or_else(none, |rate| ratio(rate, one_by_one)),
            ran.map_or_else(none, |ran| format!("{:.0}", f64::from(ran.peak_kib) / 1024.0)),
        ]
    };
    let first = rate(files, synced.first.elapsed);
    let second = rate(files, synced.second_folder.elapsed);
    vec![
        row("one request a file", synced.one_by_one, Some(one_by_one), None),
        row("first sync", synced.first.elapsed, Some(first), Some(synced.first)),
        row("nothing to do", synced.nothing.elapsed, None, Some(synced.nothing)),
        row("one changed file", synced.one_changed.elapsed, None, Some(synced.one_changed)),
        row(SECOND_FOLDER, synced.second_folder.elapsed, Some(second), Some(synced.second_folder)),
    ]
}

const SECOND_FOLDER: &str = "second, empty folder";

/// Documents a second.
fn rate(files: usize, elapsed: Duration) -> f64 {
    f64::from(u32::try_from(files).unwrap_or(u32::MAX)) / elapsed.as_secs_f64().max(f64::EPSILON)
}
