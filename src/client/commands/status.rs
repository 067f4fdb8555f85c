//! `landfall status`: what is tracked, changed and waiting. Asks no server unless told to, and changes nothing.

use serde::Serialize;

use super::figures::{self, Figures};
use crate::client::credentials::{self, Keeper};
use crate::client::error::{ClientError, exit};
use crate::client::options::StatusOptions;
use crate::client::report::{write_json, write_line};
use crate::client::state::open_questions::IGNORED;
use crate::client::state::runs::{Run, RunTotals};
use crate::client::survey::{Survey, survey};
use crate::client::workplace::{Access, Workplace};
use crate::domain::timestamp::Timestamp;

/// Operations of a batch, unless asked otherwise.
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
    problems: Vec<Problem>,
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
    if options.json {
        write_json(&status);
    } else {
        show(&status);
    }
    let is_settled = status.changed.is_empty()
        && status.pending + status.conflicts.len() + status.dead_letters + status.problems.len() == 0;
    Ok(if is_settled { exit::IN_SYNC } else { exit::INCOMPLETE })
}

fn read(workplace: &mut Workplace) -> Result<Status, ClientError> {
    let Survey { tracked, changed, pending, conflicts, problems } = survey(workplace)?;
    let (letters, left_out, runs, totals) = workplace.state.read(|change| {
        Ok((change.load_dead_letters()?, change.load_left_out()?, change.load_runs(1)?, change.sum_runs()?))
    })?;
    let problems = problems.into_iter().map(|(path, reason)| Problem { path, reason });
    let left_out = left_out.into_iter().filter(|one| one.reason != IGNORED);
    let left_out = left_out.map(|one| Problem { path: one.title, reason: one.reason });
    Ok(Status {
        folder: workplace.folder.root().display().to_string(),
        server: workplace.server.clone(),
        workspace_id: workplace.identity.workspace.clone(),
        device_id: workplace.identity.device.clone(),
        username: workplace.username.clone(),
        login: credentials::keeper(&workplace.folder.own("")),
        tracked,
        estimated_batches: changed.len().saturating_add(pending).div_ceil(USUAL_BATCH),
        changed,
        pending,
        conflicts,
        dead_letters: letters.len(),
        problems: problems.chain(left_out).collect(),
        last_sync: runs.into_iter().next().map(LastSync::from),
        totals: totals.into(),
        server_figures: None,
    })
}

fn show(status: &Status) {
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
    write_line(&format!(
        "{} files tracked, {} changed, {} operations pending ({} batches), {} in conflict, {} refused",
        status.tracked,
        status.changed.len(),
        status.pending,
        status.estimated_batches,
        status.conflicts.len(),
        status.dead_letters
    ));
    for change in &status.changed {
        write_line(&format!("  {change}"));
    }
    for path in &status.conflicts {
        write_line(&format!("  conflict {path}"));
    }
    for problem in &status.problems {
        write_line(&format!("  problem {}: {}", problem.path, problem.reason));
    }
}
