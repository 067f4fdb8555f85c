//! `landfall history`: past syncs of the folder, newest first. Asks no server.

use serde::Serialize;

use crate::client::error::{ClientError, exit};
use crate::client::options::HistoryOptions;
use crate::client::report::{write_json, write_line};
use crate::client::state::Run;
use crate::client::workplace::{Access, Workplace};
use crate::domain::timestamp::Timestamp;

/// A past sync, for scripts.
#[derive(Serialize)]
struct RunBody<'a> {
    run_id: &'a str,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    direction: &'a str,
    outcome: &'a str,
    pushed: i64,
    pulled: i64,
    failed: i64,
    conflicts: i64,
}

pub(super) fn run(options: &HistoryOptions) -> Result<u8, ClientError> {
    let mut workplace = Workplace::open(&options.folder.folder, Access::Read)?;
    let runs = workplace.state.read(|change| change.load_runs(i64::from(options.limit)))?;
    for run in &runs {
        if options.json {
            write_json(&body_of(run));
        } else {
            let Run { direction, pushed, pulled, failed, conflicts, outcome, .. } = run;
            write_line(&format!(
                "{}  {direction:<4}  {pushed} pushed, {pulled} pulled, {failed} failed, {conflicts} in conflict: {outcome}",
                Timestamp(run.started_at)
            ));
        }
    }
    Ok(exit::IN_SYNC)
}

fn body_of(run: &Run) -> RunBody<'_> {
    RunBody {
        run_id: &run.run_id,
        started_at: Timestamp(run.started_at),
        finished_at: run.finished_at.map(Timestamp),
        direction: &run.direction,
        outcome: &run.outcome,
        pushed: run.pushed,
        pulled: run.pulled,
        failed: run.failed,
        conflicts: run.conflicts,
    }
}
