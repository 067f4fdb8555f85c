//! Pulling: a whole workspace, an unchanged one, and what a login fetches while it pushes.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Outcome;
use crate::arguments::Options;
use crate::client::Connection;
use crate::corpus::Sample;
use crate::large_workspace;
use crate::measure::{Watch, percentile};
use crate::raw_scan;
use crate::report::{Section, milliseconds, none, ratio};
use crate::server::Database;
use crate::suite::{progress, start};
use crate::workload::{Content, Device, Kind};

/// Documents of a page.
const PAGE: usize = 500;
/// Operations and changes of a login.
const LOGIN: usize = 100;

/// A page, as a client reads it.
#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<IgnoredAny>,
    next_cursor: String,
    has_more: bool,
}

/// The end of a page.
#[derive(Debug, Deserialize)]
struct PageEnd {
    next_cursor: String,
    has_more: bool,
}

impl PageEnd {
    /// Of a page or a batch's answer as the server writes it, items first: what is measured is not how fast a client parses them.
    fn of(page: &[u8]) -> Outcome<Self> {
        const MARK: &[u8] = br#""next_cursor":"#;
        let place = page.windows(MARK.len()).rposition(|window| window == MARK).ok_or("a page without a cursor")?;
        let end = page.get(place..).unwrap_or_default();
        let end = end.iter().position(|byte| *byte == b'}').and_then(|length| end.get(..=length)).unwrap_or_default();
        Ok(serde_json::from_slice(&[b"{", end].concat())?)
    }
}

/// One client's view of a workspace.
struct Reader<'a> {
    connection: &'a Connection,
    workspace_id: String,
}

impl Reader<'_> {
    fn pull(&self, limit: usize, cursor: &str) -> Outcome<Vec<u8>> {
        let workspace_id = &self.workspace_id;
        let path = format!("/api/v1/documents/changes?workspace_id={workspace_id}&limit={limit}&cursor={cursor}");
        self.connection.get(&path)
    }

    /// Pulls everything from the start; the bytes, and the cursor behind it.
    fn pull_all(&self, latencies: &mut Vec<Duration>) -> Outcome<(usize, String)> {
        let (mut bytes, mut cursor) = (0, String::new());
        loop {
            let started = Instant::now();
            let page = self.pull(PAGE, &cursor)?;
            latencies.push(started.elapsed());
            bytes += page.len();
            let end = PageEnd::of(&page)?;
            cursor = end.next_cursor;
            if !end.has_more {
                return Ok((bytes, cursor));
            }
        }
    }

    /// Counts the documents, as a client would that reads them.
    fn count(&self) -> Outcome<u32> {
        let (mut documents, mut cursor) = (0, String::new());
        loop {
            let page: Page = serde_json::from_slice(&self.pull(PAGE, &cursor)?)?;
            documents += u32::try_from(page.items.len())?;
            cursor = page.next_cursor;
            if !page.has_more {
                return Ok(documents);
            }
        }
    }
}

/// Whole workspaces, beside a scan of the same rows.
pub fn whole_workspaces(options: &Options, corpus: &[Sample]) -> Outcome<Section> {
    let documents = if options.quick { 2_000 } else { 10_000 };
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        for (name, content) in [("texts", Content::Text), ("texts with Yjs state", Content::TextAndYjs)] {
            progress(&format!("{}: pull {documents} {name}", database.name()));
            rows.extend(whole_workspace(options, corpus, database, documents, name, content)?);
        }
    }
    let columns = vec![
        "scenario",
        "documents/s",
        "MB/s",
        "page p50 ms",
        "page p99 ms",
        "CPU µs/document",
        "peak MiB",
        "× raw scan",
    ];
    let about = format!(
        "One client pulls a workspace of {documents} documents over and over, in pages of {PAGE}. `× raw scan`: documents a \
         second against one statement over the same rows, written as JSON in pages of as many, in one thread without a \
         server."
    );
    Ok(Section { title: "Pull", about, columns, rows })
}

fn whole_workspace(
    options: &Options,
    corpus: &[Sample],
    database: Database,
    documents: usize,
    name: &str,
    content: Content,
) -> Outcome<Vec<Vec<String>>> {
    let (server, owner) = start(database)?;
    let workspace_id = owner.create_workspace("pull")?;
    Device::new(corpus, workspace_id.clone()).with(content).prepare(&owner, documents)?;
    let reader = Reader { connection: &owner, workspace_id: workspace_id.clone() };
    let count = reader.count()?;
    if usize::try_from(count)? != documents {
        return Err(format!("{count} of {documents} documents were pulled").into());
    }
    let (mut operations, mut bytes, mut latencies) = (0, 0, Vec::new());
    let watch = Watch::start(server.process_id())?;
    let started = Instant::now();
    while started.elapsed() < options.time {
        bytes += reader.pull_all(&mut latencies)?.0;
        operations += count;
    }
    let pulled = watch.finish(operations, latencies)?;
    let raw = match database {
        Database::Sqlite => Some(raw_scan::run(&server.database_url(), workspace_id.parse()?, PAGE, options.time)?),
        Database::Postgres => None,
    };
    let megabytes = f64::from(u32::try_from(bytes / 1_000)?) / 1e3 / pulled.elapsed.as_secs_f64();
    let mut rows = vec![vec![
        format!("{}: {name}", database.name()),
        format!("{:.0}", pulled.rate()),
        format!("{megabytes:.0}"),
        milliseconds(pulled.latency(50)),
        milliseconds(pulled.latency(99)),
        pulled.cpu_us().map_or_else(none, |cpu| format!("{cpu:.1}")),
        pulled.peak_kib.map_or_else(none, |kib| format!("{:.0}", f64::from(kib) / 1024.0)),
        raw.as_ref().map_or_else(none, |raw| ratio(pulled.rate(), raw.rate())),
    ]];
    if let Some(raw) = raw {
        let mut row = vec![format!("{}: {name}, raw scan", database.name()), format!("{:.0}", raw.rate())];
        row.extend(std::iter::repeat_with(none).take(6));
        rows.push(row);
    }
    Ok(rows)
}

/// Logins: a hundred operations to push and a hundred changes to fetch, in one request and in two.
pub fn logins(options: &Options, corpus: &[Sample]) -> Outcome<Section> {
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        progress(&format!("{}: logins", database.name()));
        let (_server, owner) = start(database)?;
        let together = login(options, corpus, &owner, true)?;
        let apart = login(options, corpus, &owner, false)?;
        for (name, latencies) in [("one request", &together), ("two requests", &apart)] {
            rows.push(vec![
                format!("{}: {name}", database.name()),
                milliseconds(percentile(latencies, 50)),
                milliseconds(percentile(latencies, 99)),
                ratio(percentile(latencies, 50).as_secs_f64(), percentile(&apart, 50).as_secs_f64()),
            ]);
        }
    }
    let about = format!(
        "Another device has created {LOGIN} documents; this one pushes {LOGIN} creates and fetches what it missed, by the \
         batch's `cursor`, or by a request of its own after the batch. Client and server are on the same machine: a network \
         in between costs the second request a round trip more."
    );
    let columns = vec!["scenario", "p50 ms", "p99 ms", "× two requests"];
    Ok(Section { title: "Push and pull at login", about, columns, rows })
}

fn login(options: &Options, corpus: &[Sample], owner: &Connection, together: bool) -> Outcome<Vec<Duration>> {
    let workspace_id = owner.create_workspace("login")?;
    let reader = Reader { connection: owner, workspace_id: workspace_id.clone() };
    let (mut one, mut other) = (Device::new(corpus, workspace_id.clone()), Device::new(corpus, workspace_id));
    let mut latencies = Vec::new();
    let mut cursor = PageEnd::of(&reader.pull(1, "")?)?.next_cursor;
    let mut elapsed = Duration::ZERO;
    while elapsed < options.time {
        let missed = other.next_batch(Kind::Create, LOGIN)?.ok_or("creates never run out")?;
        owner.push(&missed)?;
        let batch = one.next_batch(Kind::Create, LOGIN)?.ok_or("creates never run out")?;
        let batch = if together { batch.replacen('{', &format!(r#"{{"cursor":"{cursor}","#), 1) } else { batch };
        let started = Instant::now();
        let answer = owner.post("/api/v1/documents/batch", &batch)?;
        let page = if together { answer } else { reader.pull(LOGIN, &cursor)? };
        let latency = started.elapsed();
        elapsed += latency;
        latencies.push(latency);
        cursor = caught_up(&reader, &page)?;
    }
    latencies.sort_unstable();
    Ok(latencies)
}

/// The cursor behind a login's page and, where it was told of its own creates too, behind them.
fn caught_up(reader: &Reader<'_>, page: &[u8]) -> Outcome<String> {
    let mut end = PageEnd::of(page)?;
    while end.has_more {
        end = PageEnd::of(&reader.pull(PAGE, &end.next_cursor)?)?;
    }
    Ok(end.next_cursor)
}

/// Pulls from where nothing has changed, in a small and in a large workspace.
pub fn unchanged_workspaces(options: &Options) -> Outcome<Section> {
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        progress(&format!("{}: unchanged workspaces", database.name()));
        let (server, owner) = start(database)?;
        for documents in [1_000, 100_000] {
            let workspace_id = owner.create_workspace(&format!("{documents} documents"))?;
            large_workspace::fill(&server.database_url(), workspace_id.parse()?, documents)?;
            let reader = Reader { connection: &owner, workspace_id };
            let (_, cursor) = reader.pull_all(&mut Vec::new())?;
            let (started, mut latencies) = (Instant::now(), Vec::new());
            while started.elapsed() < options.time {
                let asked = Instant::now();
                let page = reader.pull(PAGE, &cursor)?;
                latencies.push(asked.elapsed());
                if PageEnd::of(&page)?.next_cursor != cursor {
                    return Err("an unchanged workspace has moved".into());
                }
            }
            latencies.sort_unstable();
            rows.push(vec![
                format!("{}: {documents} documents", database.name()),
                latencies.len().to_string(),
                milliseconds(percentile(&latencies, 50)),
                milliseconds(percentile(&latencies, 99)),
            ]);
        }
    }
    let about = "One client pulls, one request after the other, from the cursor behind the last change.".to_owned();
    Ok(Section {
        title: "Unchanged workspaces",
        about,
        columns: vec!["scenario", "requests", "p50 ms", "p99 ms"],
        rows,
    })
}
