//! Which scenarios there are, and how their figures stand beside each other.

use std::thread::available_parallelism;
use std::time::Duration;

use landfall::store::StoreConfig;
use tempfile::TempDir;

use crate::Outcome;
use crate::arguments::{Options, Part};
use crate::client::Connection;
use crate::corpus::{self, Sample};
use crate::events::Places;
use crate::measure::{Measurement, percentile};
use crate::push_load::PushLoad;
use crate::raw_inserts::Manner;
use crate::report::{FIGURES, Report, Section, figures, milliseconds, none, ratio};
use crate::server::{Database, Server};
use crate::workload::Kind;
use crate::{
    counting, diff, edit, events, folder_report, group_commit, large_document, large_workspace, line, live, neighbours,
    parse_only, parsing, people, pull, raw_inserts, restore, round_trips, search, versus,
};

const CLIENTS: [usize; 3] = [1, 8, 32];
const BATCH_SIZES: [usize; 2] = [10, 100];
/// What the first scenario of a server is prepared for.
const FIRST_GUESS_OF_RATE: f64 = 4_000.0;
/// Servers get faster as they warm up.
const HEADROOM: f64 = 1.3;

/// Runs what was asked for.
pub fn run(options: &Options) -> Outcome<Report> {
    let corpus = corpus::load()?;
    let mut report = Report { setting: setting(options), sections: Vec::new() };
    if options.wants(Part::Parsing) {
        progress("parsing");
        report.sections.push(parsing::run(&corpus, options.time)?);
    }
    if options.wants(Part::Push) {
        report.sections.push(push(options, &corpus)?);
    }
    if options.wants(Part::Push) && options.databases.contains(&Database::Sqlite) {
        report.sections.push(compare_group_commit(options, &corpus)?);
    }
    if options.wants(Part::RoundTrips) {
        report.sections.push(save_round_trips(options, &corpus)?);
    }
    if options.wants(Part::LargeDocuments) {
        report.sections.push(type_into_large_documents(options)?);
    }
    if options.wants(Part::LargeWorkspaces) {
        report.sections.push(push_into_large_workspaces(options, &corpus)?);
    }
    if options.wants(Part::Diff) {
        report.sections.push(diff_large_document(options)?);
    }
    if options.wants(Part::Pull) {
        report.sections.push(pull::whole_workspaces(options, &corpus)?);
        report.sections.push(pull::unchanged_workspaces(options)?);
    }
    if options.wants(Part::Login) {
        report.sections.push(pull::logins(options, &corpus)?);
    }
    if options.wants(Part::Events) {
        report.sections.push(tell_events(options, &corpus)?);
        report.sections.push(hold_streams(options)?);
    }
    if options.wants(Part::Search) {
        report.sections.push(search::run(options)?);
    }
    if options.wants(Part::Edit) {
        report.sections.push(edit::run(options)?);
    }
    if options.wants(Part::Restore) {
        report.sections.push(take_back(options)?);
    }
    if options.wants(Part::Neighbours) {
        report.sections.push(neighbours::run(options)?);
    }
    if options.wants(Part::People) {
        report.sections.push(people::run(options)?);
    }
    if options.wants(Part::Counting) {
        report.sections.push(counting::run(options, &corpus)?);
    }
    if options.wants(Part::Live) {
        report.sections.push(live::run(options)?);
    }
    if let Some(other) = &options.versus {
        report.sections.push(versus::run(options, other, &corpus)?);
    }
    if options.wants(Part::Folder) {
        report.sections.push(folder_report::run(options, &corpus)?);
    }
    if options.wants(Part::Line) {
        report.sections.push(line::run(options, &corpus)?);
    }
    Ok(report)
}

fn setting(options: &Options) -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let processor = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| Some(text.lines().find(|line| line.starts_with("model name"))?.split_once(": ")?.1.to_owned()))
        .unwrap_or_else(|| "an unknown processor".to_owned());
    format!(
        "Measured by `cargo bench --profile dist --bench load` on {cores} cores ({processor}), {} s for each scenario. Clients, server \
         and database share the machine, so read the ratios. Documents are about 1.7 KB of Markdown with 2 KB of Yjs \
         state; updates carry the new text and a Yjs update of about 190 bytes. Every batch has a `device_id`, so every \
         operation leaves a receipt. Both databases commit durably.",
        options.time.as_secs()
    )
}

/// A server with a user.
pub fn start(database: Database) -> Outcome<(Server, Connection)> {
    let server = Server::start(database)?;
    let owner = Connection::register(server.url(), "bench")?;
    Ok((server, owner))
}

/// Tells what is being measured.
pub fn progress(what: &str) {
    eprintln!("load: {what}");
}

fn push(options: &Options, corpus: &[Sample]) -> Outcome<Section> {
    let mut rows = parse_only_rows(options, corpus)?;
    let mut bare_p50 = Vec::new();
    for database in options.databases.iter().copied() {
        let mut raws = Vec::new();
        for size in BATCH_SIZES {
            let name = format!("{}: raw Diesel inserts, {size} a transaction", database.name());
            progress(&name);
            let (server, _owner) = start(database)?;
            let raw = raw_inserts::run(&server.database_url(), corpus, options.time, Manner::Sets, size)?;
            rows.push(row(name, 1, &raw, none(), none()));
            raws.push((size, raw));
        }
        let [(_, of_ten), (_, raw)] = &raws[..] else { return Err("one yardstick for each size".into()) };
        if database == Database::Postgres {
            progress("Postgres: a savepoint for each document");
            let (server, _owner) = start(database)?;
            let each = raw_inserts::run(&server.database_url(), corpus, options.time, Manner::SavepointEach, 100)?;
            let to_raw = ratio(each.rate(), raw.rate());
            rows.push(row("Postgres: a savepoint for each, 100 a transaction".to_owned(), 1, &each, to_raw, none()));
        }
        let single = push_rows(options, database, corpus, Kind::Create, 1, raw, &[], &mut rows)?;
        for size in BATCH_SIZES {
            for kind in [Kind::Create, Kind::Update, Kind::Mix] {
                let measured = push_rows(options, database, corpus, kind, size, raw, &single, &mut rows)?;
                if let (Kind::Create, 10, Some(one_client)) = (kind, size, measured.first()) {
                    let times = ratio(one_client.latency(50).as_secs_f64(), of_ten.latency(50).as_secs_f64());
                    bare_p50.push(format!("{} {times}", database.name()));
                }
            }
        }
    }
    let mut columns = vec!["scenario", "clients"];
    columns.extend(FIGURES);
    columns.extend(["× raw inserts", "× one a request"]);
    let bare = bare_p50.join("; ");
    let about = format!(
        "`× raw inserts`: operations a second against the rows of creates alone, inserted by Diesel into the same tables, 100 a \
         transaction, by a program that checks nothing. `× one a request`: against creates sent one by one by as many clients to \
         the same server. Parsing alone: an actix handler that parses the body to plain structs. The p50 of one client's batch of \
         ten creates against that of a bare transaction of the same ten: {bare}."
    );
    Ok(Section { title: "Push", about, columns, rows })
}

fn row(name: String, clients: usize, measured: &Measurement, raw: String, single: String) -> Vec<String> {
    let mut cells = vec![name, clients.to_string()];
    cells.extend(figures(measured));
    cells.extend([raw, single]);
    cells
}

fn parse_only_rows(options: &Options, corpus: &[Sample]) -> Outcome<Vec<Vec<String>>> {
    let directory = TempDir::new()?;
    let server = parse_only::start(directory.path())?;
    let mut rows = Vec::new();
    for batch_size in BATCH_SIZES {
        for clients in CLIENTS {
            progress(&format!("parsing alone: {batch_size} a batch, {clients} clients"));
            let load = PushLoad { kind: Kind::Create, batch_size, clients, time: options.time, expected_rate: 0.0 };
            let measured = load.run_unchecked(server.id(), &server.url, corpus)?;
            rows.push(row(format!("parsing alone, {batch_size} a batch"), clients, &measured, none(), none()));
        }
    }
    Ok(rows)
}

/// One row for each number of clients, on a server of its own; what was measured.
#[expect(clippy::too_many_arguments, reason = "a scenario is all of these")]
fn push_rows(
    options: &Options,
    database: Database,
    corpus: &[Sample],
    kind: Kind,
    batch_size: usize,
    raw: &Measurement,
    single: &[Measurement],
    rows: &mut Vec<Vec<String>>,
) -> Outcome<Vec<Measurement>> {
    let (server, owner) = start(database)?;
    let mut all: Vec<Measurement> = Vec::new();
    for (place, clients) in CLIENTS.into_iter().enumerate() {
        let name = format!("{}: {}, {batch_size} a batch", database.name(), kind.name());
        progress(&format!("{name}, {clients} clients"));
        let expected_rate = all.last().map_or(FIRST_GUESS_OF_RATE, |last| last.rate() * HEADROOM);
        let load = PushLoad { kind, batch_size, clients, time: options.time, expected_rate };
        let measured = load.run(&server, &owner, corpus)?;
        let to_raw = ratio(measured.rate(), raw.rate());
        let to_single = single.get(place).map_or_else(none, |single| ratio(measured.rate(), single.rate()));
        rows.push(row(name, clients, &measured, to_raw, to_single));
        all.push(measured);
    }
    Ok(all)
}

fn compare_group_commit(options: &Options, corpus: &[Sample]) -> Outcome<Section> {
    progress("SQLite: group commit");
    let each = group_commit::run(corpus, options.time, 1)?;
    let grouped = group_commit::run(corpus, options.time, StoreConfig::default().group_limit)?;
    let row = |name: &str, measured: &Measurement| {
        vec![
            name.to_owned(),
            format!("{:.0}", measured.rate()),
            milliseconds(measured.latency(50)),
            milliseconds(measured.latency(99)),
            ratio(measured.rate(), each.rate()),
        ]
    };
    Ok(Section {
        title: "Group commit",
        about: "32 threads push batches of ten creates to the SQLite store, parsing included, without HTTP.".to_owned(),
        columns: vec!["scenario", "operations/s", "p50 ms", "p99 ms", "× one commit each"],
        rows: vec![row("one commit for each batch", &each), row("one commit for what waits", &grouped)],
    })
}

fn save_round_trips(options: &Options, corpus: &[Sample]) -> Outcome<Section> {
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        progress(&format!("{}: round trips", database.name()));
        let (server, owner) = start(database)?;
        for measured in round_trips::run(server.url(), &owner, corpus, options.quick)? {
            rows.push(vec![
                format!("{}: {} creates, {}", database.name(), measured.documents, measured.distance),
                milliseconds(measured.batched),
                milliseconds(measured.single),
                ratio(measured.single.as_secs_f64(), measured.batched.as_secs_f64()),
            ]);
        }
    }
    let about = "One client, one request after the other, on a kept connection. Ten creates go in one batch, more in \
                 batches of a hundred. The distance is a proxy on the same machine that holds every byte back for 10 ms in each direction.";
    Ok(Section {
        title: "Batches against single requests",
        about: about.to_owned(),
        columns: vec!["scenario", "batched ms", "one by one ms", "ratio"],
        rows,
    })
}

fn type_into_large_documents(options: &Options) -> Outcome<Section> {
    let (sizes, keystrokes) = if options.quick { ([1_000, 10_000], 50) } else { ([1_000, 100_000], 300) };
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        progress(&format!("{}: large documents", database.name()));
        let (server, owner) = start(database)?;
        for document in large_document::run(&server, &owner, &sizes, keystrokes)? {
            let mut cells = vec![
                format!("{}: a document of {} edits", database.name(), document.edits),
                format!("{:.0}", kibibytes(document.state_bytes)),
            ];
            cells.extend(figures(&document.measurement));
            rows.push(cells);
        }
    }
    let mut columns = vec!["scenario", "Yjs state KiB"];
    columns.extend(FIGURES);
    let about = "One client types single letters, each an update in a request of its own, into a paper written by so many \
                 edits.";
    Ok(Section { title: "Large documents", about: about.to_owned(), columns, rows })
}

fn kibibytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1024.0
}

fn push_into_large_workspaces(options: &Options, corpus: &[Sample]) -> Outcome<Section> {
    let sizes = if options.quick { [1_000, 50_000] } else { [1_000, 1_000_000] };
    let time = options.time.max(Duration::from_secs(1));
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        progress(&format!("{}: large workspaces", database.name()));
        let (server, owner) = start(database)?;
        for workspace in large_workspace::run(&server, &owner, corpus, &sizes, time)? {
            let mut cells = vec![format!("{}: a workspace of {} documents", database.name(), workspace.documents)];
            cells.extend(figures(&workspace.measurement));
            rows.push(cells);
        }
    }
    let mut columns = vec!["scenario"];
    columns.extend(FIGURES);
    let about = "One client pushes mixed batches of ten into a workspace that was filled beforehand.";
    Ok(Section { title: "Large workspaces", about: about.to_owned(), columns, rows })
}

fn take_back(options: &Options) -> Outcome<Section> {
    let documents = if options.quick { 200 } else { 1_000 };
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        progress(&format!("{}: undo and restore", database.name()));
        let (_server, owner) = start(database)?;
        for (what, took) in restore::run(&owner, documents)? {
            rows.push(vec![format!("{}: {what}", database.name()), milliseconds(took)]);
        }
    }
    let about = "Documents of 2 KB, all of them changed since the moment that they are put back to. An undo is the median of ten.";
    Ok(Section { title: "Undo and restore", about: about.to_owned(), columns: vec!["what", "ms"], rows })
}

fn diff_large_document(options: &Options) -> Outcome<Section> {
    let edits = if options.quick { 20_000 } else { 250_000 };
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        progress(&format!("{}: diffs", database.name()));
        let (_server, owner) = start(database)?;
        let measured = diff::run(&owner, edits)?;
        for diff in &measured.diffs {
            rows.push(vec![
                format!("{}: {}", database.name(), diff.name),
                diff.update_bytes.to_string(),
                diff.answer_bytes.to_string(),
                diff.compressed_bytes.to_string(),
                format!("{:.0}", kibibytes(measured.document_bytes)),
                milliseconds(diff.latency),
            ]);
        }
    }
    let about = "What an editor is sent who lacks one change of a paper written by 250,000 edits (`--quick`: \
                 20,000). A state vector does not tell deletions, so all of the paper's come along, unless the editor names the version \
                 that it has.";
    Ok(Section {
        title: "Diffs",
        about: about.to_owned(),
        columns: vec!["what lacks", "Yjs bytes", "answer bytes", "with zstd", "whole document KiB", "p50 ms"],
        rows,
    })
}

fn tell_events(options: &Options, corpus: &[Sample]) -> Outcome<Section> {
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        let (server, owner) = start(database)?;
        let beside = (database == Database::Postgres).then(|| server.start_beside()).transpose()?;
        let places = [(Places::Apart, "a workspace each"), (Places::Together, "one workspace")];
        for (heard_at, servers) in [(Some(&server), "one server"), (beside.as_ref(), "two servers")] {
            let Some(heard_at) = heard_at else { continue };
            for (places, named) in places {
                let name = format!("{}: {servers}, {named}", database.name());
                progress(&format!("events: {name}"));
                let told = events::tell(&server, heard_at, &owner, corpus, options.time, places)?;
                let mut cells = vec![name, told.since_sent.len().to_string()];
                for times in [&told.since_sent, &told.since_answered] {
                    cells.extend([50, 99, 100].map(|percent| milliseconds(percentile(times, percent))));
                }
                rows.push(cells);
            }
        }
    }
    let about = "Eight clients push batches of ten creates as fast as they are answered, with as many event streams open. From \
                 the sending of a batch, and from its answer, to the event of its last document; 0 where the event came first. On two \
                 servers one is written to and the other one listened to.";
    Ok(Section {
        title: "Events",
        about: about.to_owned(),
        columns: vec![
            "scenario",
            "batches",
            "sent p50 ms",
            "sent p99 ms",
            "sent max ms",
            "answered p50 ms",
            "answered p99 ms",
            "answered max ms",
        ],
        rows,
    })
}

fn hold_streams(options: &Options) -> Outcome<Section> {
    let streams = if options.quick { 200 } else { 1_000 };
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        for (workspaces, named) in [(1, "one workspace"), (streams, "a workspace each")] {
            let name = format!("{}: {streams} streams, {named}", database.name());
            progress(&format!("events: {name}"));
            let (server, owner) = start(database)?;
            let held = events::hold(&server, &owner, streams, workspaces)?;
            let count = u32::try_from(held.streams.max(1)).unwrap_or(u32::MAX);
            let kib = f64::from(held.kib);
            rows.push(vec![name, format!("{:.1}", kib / 1024.0), format!("{:.1}", kib / f64::from(count))]);
        }
    }
    let about = "How much the server grew by when so many idle streams were opened.";
    Ok(Section {
        title: "Open streams",
        about: about.to_owned(),
        columns: vec!["scenario", "MiB", "KiB a stream"],
        rows,
    })
}
