//! What a run is told on the command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::Outcome;
use crate::server::{Database, measure_program};

/// Shown for `--help`.
pub const HELP: &str = "\
cargo bench --profile dist --bench load -- [options]

  --quick          a second for each scenario, small large documents; for a look, not for figures
  --seconds N      seconds for each scenario (default 3)
  --only DATABASE  sqlite or postgres (default: both)
  --part PART      parsing, push, round-trips, large-documents, large-workspaces, pull, login, diff, events, folder,
                   neighbours, live, people, counting, line, search, edit
                   or restore (default: all; may stand twice)
  --versus PROGRAM another landfall: both push in turns, and what comes of it is set side by side
  --server PROGRAM another landfall to measure instead of the one built here
  --write PATH     write the report there too, as Markdown

The documents are made on the spot, the same in every run (tests/histories).
Postgres is started from the binaries on this machine, or named by LANDFALL_TEST_POSTGRES_URL.";

/// A part of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What a body costs before anything is stored.
    Parsing,
    /// Batches of creates, updates and a mix, and the yardsticks.
    Push,
    /// One batch against many requests, near and far.
    RoundTrips,
    /// Small updates to small and large documents.
    LargeDocuments,
    /// Batches in small and large workspaces.
    LargeWorkspaces,
    /// Bytes on the wire for a small change to a large document.
    Diff,
    /// Whole and unchanged workspaces.
    Pull,
    /// Push and pull, in one request and in two.
    Login,
    /// How soon changes are told, and what open streams cost.
    Events,
    /// A folder synced by the command-line client.
    Folder,
    /// Searches in a large workspace.
    Search,
    /// Texts edited by scripts while people type.
    Edit,
    /// Batches undone, and documents put back.
    Restore,
    /// The same over slow and fast lines, with batches of several sizes.
    Line,
    /// What one user feels of the worst that others can do.
    Neighbours,
    /// Editors that are connected live, beside the servers that they usually connect to.
    Live,
    /// Statistics, logins and long lists of members.
    People,
    /// Batches with and without what is counted of them.
    Counting,
}

/// The options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Less of everything.
    pub quick: bool,
    /// Time for each scenario.
    pub time: Duration,
    /// On what.
    pub databases: Vec<Database>,
    /// What.
    pub parts: Vec<Part>,
    /// Another program to compare with.
    pub versus: Option<PathBuf>,
    /// Where the report goes, besides the terminal.
    pub write: Option<PathBuf>,
}

impl Options {
    /// Whether this part was asked for.
    pub fn wants(&self, part: Part) -> bool {
        let all = self.parts.is_empty() && self.versus.is_none();
        all || self.parts.contains(&part)
    }
}

/// Reads the command line; `None` if help is wanted.
pub fn parse(arguments: &[String]) -> Outcome<Option<Options>> {
    let mut options = Options {
        quick: false,
        time: Duration::from_secs(3),
        databases: vec![Database::Sqlite, Database::Postgres],
        parts: Vec::new(),
        versus: None,
        write: None,
    };
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument {
            "--bench" => {}
            "--help" | "-h" => return Ok(None),
            "--quick" => {
                options.quick = true;
                options.time = Duration::from_secs(1);
            }
            "--seconds" => options.time = Duration::from_secs(value()?.parse()?),
            "--only" => options.databases = vec![database(value()?)?],
            "--part" => options.parts.push(part(value()?)?),
            "--versus" => options.versus = Some(PathBuf::from(value()?)),
            "--server" => measure_program(PathBuf::from(value()?)),
            "--write" => options.write = Some(PathBuf::from(value()?)),
            unknown => return Err(format!("unknown option {unknown}; --help tells the known ones").into()),
        }
    }
    Ok(Some(options))
}

fn database(name: &str) -> Outcome<Database> {
    match name {
        "sqlite" => Ok(Database::Sqlite),
        "postgres" => Ok(Database::Postgres),
        unknown => Err(format!("unknown database {unknown}: sqlite or postgres").into()),
    }
}

fn part(name: &str) -> Outcome<Part> {
    match name {
        "parsing" => Ok(Part::Parsing),
        "push" => Ok(Part::Push),
        "round-trips" => Ok(Part::RoundTrips),
        "large-documents" => Ok(Part::LargeDocuments),
        "large-workspaces" => Ok(Part::LargeWorkspaces),
        "diff" => Ok(Part::Diff),
        "pull" => Ok(Part::Pull),
        "login" => Ok(Part::Login),
        "events" => Ok(Part::Events),
        "folder" => Ok(Part::Folder),
        "search" => Ok(Part::Search),
        "edit" => Ok(Part::Edit),
        "restore" => Ok(Part::Restore),
        "line" => Ok(Part::Line),
        "neighbours" => Ok(Part::Neighbours),
        "live" => Ok(Part::Live),
        "people" => Ok(Part::People),
        "counting" => Ok(Part::Counting),
        unknown => Err(format!("unknown part {unknown}; --help tells the known ones").into()),
    }
}
