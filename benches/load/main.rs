//! A load driver for the whole server: the real program, on SQLite and on Postgres, under one to 32 clients, beside
//! yardsticks measured in the same run.
//!
//! `cargo bench --profile dist --bench load -- --help` tells the options. Client and server share the machine, so ratios count more
//! than rates. A refused operation ends the run: what was not stored must not look fast.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod arguments;
mod client;
mod corpus;
mod counting;
mod delay_proxy;
mod diff;
mod edit;
mod events;
mod folder;
mod folder_report;
mod group_commit;
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "test data, its makers shared"
)]
#[path = "../../tests/yjs_support/hand.rs"]
mod hand;
#[path = "../../tests/histories/mod.rs"]
mod histories;
mod large_document;
mod large_workspace;
mod line;
mod live;
mod measure;
mod neighbours;
mod parse_only;
mod parsing;
mod people;
#[path = "../../tests/postgres_server/mod.rs"]
mod postgres_server;
mod pull;
mod push_load;
mod raw_inserts;
mod raw_scan;
mod report;
mod restore;
mod round_trips;
mod search;
mod server;
mod suite;
mod troubles;
mod versus;
mod workload;

use std::process::ExitCode;

/// Whatever ends a run early.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == parse_only::COMMAND) {
        return parse_only::serve();
    }
    // `cargo test --benches` runs benchmarks too, without saying `--bench`: there is nothing to test here.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let Some(options) = arguments::parse(&arguments)? else {
        println!("{}", arguments::HELP);
        return Ok(());
    };
    let report = suite::run(&options)?;
    let markdown = report.to_markdown();
    println!("{markdown}");
    if let Some(path) = &options.write {
        let markdown = format!("{markdown}{}", page_figures(path));
        std::fs::write(path, markdown).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

/// What the file tells of the page: measured by `just page-figures`, written behind everything else, and kept.
fn page_figures(path: &std::path::Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.find("\n## The editor in a browser\n").map(|start| text.split_at(start).1.to_owned()).unwrap_or_default()
}
