//! `landfall status`: what is tracked, changed and waiting. Asks no server unless told to, and changes nothing.

use std::path::Path;

use serde::Serialize;

use super::figures::{self, Figures};
use crate::client::error::{ClientError, exit};
use crate::client::folder::scan::list_skipped;
use crate::client::login::{self, Keeper};
use crate::client::model::Skipped;
use crate::client::options::StatusOptions;
use crate::client::report::{command, write_json, write_line};
use crate::client::state::{DeadLetter, IGNORED, Run, RunTotals};
use crate::client::survey::{Survey, survey};
use crate::client::workplace::{Access, Workplace};
use crate::domain::timestamp::Timestamp;

/// Lines that are shown of each list.
const SHOWN: usize = 20;
/// Operations of a batch, about.
const USUAL_BATCH: usize = 50;

#[derive(Serialize)]
struct Status {
    folder: String,
    server: String,
    workspace_id: String,
    device_id: String,
    username: Option<String>,
    /// Where the login is kept, if one is.
    login: Option<Keeper>,
    tracked: usize,
    changed: Vec<String>,
    pending: usize,
    estimated_batches: usize,
    conflicts: Vec<String>,
    dead_letters: usize,
    /// Deletions that wait for confirmation.
    guarded: usize,
    /// Files and documents that could not be synced.
    problems: Vec<Problem>,
    /// Those that cannot be synced as they are.
    refused: Vec<Problem>,
    /// Files that are not synced because of their names.
    skipped: Skipped,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped_files: Option<Vec<String>>,
    #[serde(skip)]
    letters: Vec<DeadLetter>,
    last_sync: Option<LastSync>,
    totals: Totals,
    /// What the server says, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_figures: Option<Figures>,
}

/// Over all syncs of the folder.
#[derive(Serialize)]
struct Totals {
    syncs: i64,
    pushed: i64,
    pulled: i64,
    failed: i64,
}

impl From<RunTotals> for Totals {
    fn from(RunTotals { syncs, pushed, pulled, failed }: RunTotals) -> Self {
        Self { syncs, pushed, pulled, failed }
    }
}

#[derive(Serialize)]
struct LastSync {
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    outcome: String,
    pushed: i64,
    pulled: i64,
    failed: i64,
}

impl From<Run> for LastSync {
    fn from(run: Run) -> Self {
        let Run { started_at, finished_at, outcome, pushed, pulled, failed, .. } = run;
        let (started_at, finished_at) = (Timestamp(started_at), finished_at.map(Timestamp));
        Self { started_at, finished_at, outcome, pushed, pulled, failed }
    }
}

#[derive(Serialize)]
struct Problem {
    path: String,
    reason: String,
}

pub(super) fn run(options: &StatusOptions) -> Result<u8, ClientError> {
    let mut workplace = Workplace::open(&options.folder.folder, Access::Read)?;
    let mut status = read(&mut workplace)?;
    if options.server {
        status.server_figures = Some(figures::ask(&workplace, options.patience)?);
    }
    status.skipped_files = options.skipped.then(|| list_skipped(&workplace.folder));
    if options.json {
        write_json(&status);
    } else {
        show(&status, &options.folder.folder);
    }
    let is_settled = status.changed.is_empty()
        && status.pending + status.conflicts.len() + status.dead_letters + status.guarded + status.problems.len() == 0;
    Ok(if is_settled { exit::IN_SYNC } else { exit::INCOMPLETE })
}

fn read(workplace: &mut Workplace) -> Result<Status, ClientError> {
    let Survey { tracked, changed, pending, conflicts, problems, skipped, .. } = survey(workplace, &[])?;
    let (letters, left_out, runs, totals, guarded) = workplace.state.read(|change| {
        let accepted = change.load_accepted_deletions()?;
        let removals = change.load_pending_removals()?;
        let guarded = removals.iter().filter(|(id, _)| !accepted.contains(id)).count();
        Ok((change.load_dead_letters()?, change.load_left_out()?, change.load_runs(1)?, change.sum_runs()?, guarded))
    })?;
    let of_files = problems.into_iter().map(|(path, one)| (Problem { path, reason: one.reason }, one.is_refusal));
    let left_out = left_out.into_iter().filter(|one| one.reason != IGNORED);
    let of_documents = left_out.map(|one| (Problem { path: one.title, reason: one.reason }, one.is_refusal));
    let (refused, problems): (Vec<_>, Vec<_>) = of_files.chain(of_documents).partition(|(_, is_refusal)| *is_refusal);
    let problem = |(problem, _)| problem;
    Ok(Status {
        folder: workplace.folder.root().display().to_string(),
        server: workplace.server.clone(),
        workspace_id: workplace.identity.workspace.clone(),
        device_id: workplace.identity.device.clone(),
        username: workplace.username.clone(),
        login: login::keeper(&workplace.folder.own("")),
        tracked,
        estimated_batches: changed.len().saturating_add(pending).div_ceil(USUAL_BATCH),
        changed,
        pending,
        conflicts,
        dead_letters: letters.len(),
        guarded,
        problems: problems.into_iter().map(problem).collect(),
        refused: refused.into_iter().map(problem).collect(),
        skipped,
        skipped_files: None,
        letters,
        last_sync: runs.into_iter().next().map(LastSync::from),
        totals: totals.into(),
        server_figures: None,
    })
}

fn show(status: &Status, folder: &Path) {
    let username = status.username.as_deref().map(|name| format!(" as {name}")).unwrap_or_default();
    write_line(&format!("{} with {}{username}", status.folder, status.server));
    let login = match status.login {
        Some(Keeper::Keyring) => "kept in the system's keyring",
        Some(Keeper::File) => "kept in .landfall/credentials",
        None => "none is kept",
    };
    write_line(&format!("login      {login}"));
    match &status.last_sync {
        Some(run) => {
            let ended = run.finished_at.map_or_else(|| "was cut off".to_owned(), |at| at.to_string());
            let LastSync { pushed, pulled, failed, .. } = run;
            write_line(&format!(
                "last sync  {ended}: {}; {pushed} pushed, {pulled} pulled, {failed} failed",
                run.outcome
            ));
        }
        None => write_line("last sync  never"),
    }
    let Totals { syncs, pushed, pulled, failed } = &status.totals;
    write_line(&format!("all syncs  {syncs}: {pushed} pushed, {pulled} pulled, {failed} failed"));
    if let Some(figures) = &status.server_figures {
        figures::show(figures);
    }
    show_counts(status);
    show_list(status.changed.iter().cloned());
    show_list(status.conflicts.iter().map(|path| format!("conflict {path}")));
    show_list(status.letters.iter().map(|one| format!("refused {} {}: {}", one.kind, one.path, one.message)));
    show_list(status.problems.iter().map(|one| format!("problem {}: {}", one.path, one.reason)));
    show_list(status.refused.iter().map(|one| format!("cannot be synced {}: {}", one.path, one.reason)));
    if let Some(files) = &status.skipped_files {
        write_line(&status.skipped.to_string());
        files.iter().for_each(|path| write_line(&format!("  {path}")));
    } else if status.skipped.total() > 0 {
        write_line(&format!("{}: `{}`", status.skipped, command("status", folder, "--skipped")));
    }
}

/// One number for each list that follows.
fn show_counts(status: &Status) {
    let mut counts = vec![
        format!("{} files tracked", status.tracked),
        format!("{} changed", status.changed.len()),
        format!("{} operations pending", status.pending),
        format!("{} in conflict", status.conflicts.len()),
        format!("{} refused", status.dead_letters),
    ];
    let mut add = |count: usize, what: &str| counts.extend((count > 0).then(|| format!("{count} {what}")));
    add(status.guarded, "deletions waiting (landfall accept, or landfall keep)");
    add(status.problems.len(), if status.problems.len() == 1 { "problem" } else { "problems" });
    add(status.refused.len(), "that cannot be synced");
    write_line(&counts.join(", "));
}

/// The first lines of a list, and how many there are besides.
fn show_list(lines: impl ExactSizeIterator<Item = String>) {
    let rest = lines.len().saturating_sub(SHOWN);
    lines.take(SHOWN).for_each(|line| write_line(&format!("  {line}")));
    if rest > 0 {
        write_line(&format!("  and {rest} more (--json lists all)"));
    }
}
