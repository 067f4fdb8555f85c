//! One sync from the opened folder to its line in the history: what `sync`, `push`, `pull` and `watch` all do.

use std::path::Path;

use serde::Serialize;

use super::steps::sync;
use crate::client::apply::{Local, Tally};
use crate::client::clock::now_us;
use crate::client::error::{ClientError, exit};
use crate::client::interrupt::Interrupt;
use crate::client::model::{Skipped, SyncSettings};
use crate::client::report::{Progress, Report};
use crate::client::state::{IGNORED, Run, Setting, State};
use crate::client::transport::{Remote, Server};
use crate::client::workplace::Workplace;

/// What a sync works with, besides the folder.
pub struct SyncRun<'a> {
    /// The server.
    pub remote: &'a Remote,
    /// Says what happens.
    pub report: &'a mut Report,
    /// Whether to stop.
    pub interrupt: Interrupt,
    /// How to sync.
    pub settings: SyncSettings,
    /// Which runs the history keeps.
    pub history: History,
}

/// Which runs the history keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// All.
    All,
    /// Of those in a row that moved nothing and ended alike, the last.
    LastOfIdle,
}

/// How a sync ended.
#[derive(Debug)]
pub struct SyncEnd {
    /// Whether it came to its end.
    pub outcome: Result<(), ClientError>,
    /// What came of it.
    pub tally: Tally,
    /// What waits for a person.
    pub open: Open,
    /// Files that are not synced because of their names.
    pub skipped: Skipped,
    /// The folder, as it was opened.
    folder: String,
    is_rehearsal: bool,
    is_strict: bool,
}

/// What waits for a person.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open {
    conflicts: usize,
    dead_letters: usize,
    /// Documents that could not be taken in.
    left_out: usize,
    /// Documents that no file can stand for as long as they have their titles.
    refused: usize,
}

/// How it ended, for scripts.
#[derive(Serialize)]
pub struct EndBody<'a> {
    event: &'static str,
    folder: &'a str,
    exit_code: u8,
    error: Option<String>,
    dry_run: bool,
    pushed: usize,
    pulled: usize,
    failed: usize,
    queued: usize,
    guarded: usize,
    conflicts: usize,
    dead_letters: usize,
    left_out: usize,
    refused: usize,
    skipped: usize,
    progress: &'a Progress,
}

impl SyncEnd {
    /// The end of a sync that could not begin, or whose end is not known.
    #[must_use]
    pub fn without_sync(failure: ClientError, folder: &Path, settings: &SyncSettings) -> Self {
        Self {
            outcome: Err(failure),
            tally: Tally::default(),
            open: Open::default(),
            skipped: Skipped::default(),
            folder: folder.display().to_string(),
            is_rehearsal: settings.dry_run,
            is_strict: settings.strict,
        }
    }

    /// Files and documents that cannot be synced as they are.
    const fn refused(&self) -> usize {
        self.tally.refused + self.open.refused
    }

    /// The exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let Self { tally, open, .. } = self;
        match &self.outcome {
            Err(failure) => failure.exit_code(),
            Ok(()) if tally.guarded > 0 => exit::GUARD,
            Ok(()) if self.is_strict && self.refused() > 0 => exit::INCOMPLETE,
            Ok(()) if self.is_rehearsal && tally.failed + open.conflicts == 0 => exit::IN_SYNC,
            Ok(()) if tally.failed + tally.queued + open.conflicts + open.dead_letters + open.left_out > 0 => {
                exit::INCOMPLETE
            }
            Ok(()) => exit::IN_SYNC,
        }
    }

    /// Whether anything went over the wire, either way.
    #[must_use]
    pub const fn has_moved(&self) -> bool {
        self.tally.pushed > 0 || self.tally.pulled > 0
    }

    /// For scripts, under this name.
    #[must_use]
    pub fn body<'a>(&'a self, event: &'static str, progress: &'a Progress) -> EndBody<'a> {
        EndBody {
            event,
            folder: &self.folder,
            exit_code: self.exit_code(),
            error: self.outcome.as_ref().err().map(ToString::to_string),
            dry_run: self.is_rehearsal,
            pushed: self.tally.pushed,
            pulled: self.tally.pulled,
            failed: self.tally.failed,
            queued: self.tally.queued,
            guarded: self.tally.guarded,
            conflicts: self.open.conflicts,
            dead_letters: self.open.dead_letters,
            left_out: self.open.left_out,
            refused: self.refused(),
            skipped: self.skipped.total(),
            progress,
        }
    }

    /// For people, what was left out because of its name; `list` is the command that lists it.
    #[must_use]
    pub fn skipped_line(&self, list: &str) -> Option<String> {
        (self.skipped.total() > 0).then(|| format!("{}: `{list}`", self.skipped))
    }

    /// For people.
    #[must_use]
    pub fn summary(&self) -> String {
        self.summary_of(self.tally)
    }

    /// What the summary of a sync would be that ends alike and moves nothing.
    #[must_use]
    pub fn idle_summary(&self) -> String {
        self.summary_of(Tally { pushed: 0, pulled: 0, ..self.tally })
    }

    fn summary_of(&self, tally: Tally) -> String {
        let open = self.open;
        let would = if self.is_rehearsal { "would be " } else { "" };
        let mut parts = vec![format!("{} {would}pushed, {} {would}pulled", tally.pushed, tally.pulled)];
        let mut add = |number: usize, what: &str| {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        };
        add(tally.failed, "failed");
        add(tally.queued, "still queued");
        add(tally.guarded, "deletions waiting (landfall accept, or landfall keep)");
        add(open.conflicts, "in conflict (landfall conflicts)");
        add(open.dead_letters, "refused (landfall retry --list)");
        add(open.left_out, "left out");
        add(self.refused(), "that cannot be synced (landfall status)");
        let end = if self.exit_code() == exit::IN_SYNC && !self.is_rehearsal { "; in sync" } else { "" };
        format!("{}{end}", parts.join(", "))
    }
}

/// Syncs. The folder is free again when this returns.
///
/// # Errors
/// `State`. Whatever else stops the sync is its outcome.
pub fn run_sync(workplace: Workplace, with: SyncRun<'_>) -> Result<SyncEnd, ClientError> {
    let remote = with.remote;
    remote.waits().listen_with(Some(with.report.listener()));
    let end = run_told_sync(workplace, with);
    remote.waits().listen_with(None);
    end
}

fn run_told_sync(workplace: Workplace, with: SyncRun<'_>) -> Result<SyncEnd, ClientError> {
    let SyncRun { remote, report, interrupt, settings, history } = with;
    let folder = workplace.folder.root().to_owned();
    report.begin("asking the server");
    let server = Server::new(remote, workplace.identity);
    let limits = match server.read_limits() {
        Ok(limits) => limits,
        Err(failure) => return Ok(SyncEnd::without_sync(failure, &folder, &settings)),
    };
    let device = &server.identity().device;
    let mut local = Local::new(workplace.folder, workplace.state, device, report, interrupt)?;
    let mut run = Run {
        run_id: uuid::Uuid::now_v7().to_string(),
        started_at: now_us(),
        finished_at: None,
        direction: settings.direction.as_str().to_owned(),
        outcome: "cut off".to_owned(),
        pushed: 0,
        pulled: 0,
        failed: 0,
        conflicts: 0,
    };
    let (bytes, chars) = (limits.file_bytes().to_string(), limits.max_title_chars.to_string());
    local.state.change(|change| {
        change.put_setting(Setting::FileBytes, &bytes)?;
        change.put_setting(Setting::TitleChars, &chars)?;
        change.put_run(&run)
    })?;
    let outcome = sync(&mut local, &server, &settings, &limits, &run.run_id);
    let tally = local.tally;
    let open = count_open(&mut local.state)?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    run.finished_at = Some(now_us());
    run.outcome = outcome.as_ref().err().map_or_else(|| "finished".to_owned(), ToString::to_string);
    (run.pushed, run.pulled) = (count(tally.pushed), count(tally.pulled));
    (run.failed, run.conflicts) = (count(tally.failed), count(open.conflicts));
    local.state.change(|change| {
        if history == History::LastOfIdle {
            change.remove_idle_run_before(&run)?;
        }
        change.put_run(&run)
    })?;
    Ok(SyncEnd {
        outcome,
        tally,
        open,
        skipped: local.scan.skipped,
        folder: folder.display().to_string(),
        is_rehearsal: settings.dry_run,
        is_strict: settings.strict,
    })
}

fn count_open(state: &mut State) -> Result<Open, ClientError> {
    Ok(state.change(|change| {
        let left_out = change.load_left_out()?;
        let refused = left_out.iter().filter(|one| one.is_refusal).count();
        let ignored = left_out.iter().filter(|one| one.reason == IGNORED).count();
        Ok(Open {
            conflicts: change.count_conflicts()?,
            dead_letters: change.count_dead_letters()?,
            left_out: left_out.len() - refused - ignored,
            refused,
        })
    })?)
}
