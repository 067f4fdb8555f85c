//! `landfall sync`, `push` and `pull`.

use serde::Serialize;

use super::{remote_of, renderer};
use crate::client::error::{ClientError, exit};
use crate::client::interrupt::Interrupt;
use crate::client::options::OneWayOptions;
use crate::client::remote::Remote;
use crate::client::report::{Progress, Report, Voice};
use crate::client::state::State;
use crate::client::state::runs::Run;
use crate::client::sync::{Direction, Engine, Parts, SyncSettings, Tally, now_us};
use crate::client::wire::ServerLimits;
use crate::client::workplace::{Access, Workplace};

/// How it ended, for scripts.
#[derive(Serialize)]
struct Finished<'a> {
    event: &'static str,
    exit_code: u8,
    error: Option<String>,
    dry_run: bool,
    pushed: usize,
    pulled: usize,
    failed: usize,
    queued: usize,
    conflicts: usize,
    dead_letters: usize,
    left_out: usize,
    progress: &'a Progress,
}

/// What waits for a person.
#[derive(Clone, Copy, Default)]
struct Open {
    conflicts: usize,
    dead_letters: usize,
    left_out: usize,
}

pub(super) fn run(options: &OneWayOptions, direction: Direction) -> Result<u8, ClientError> {
    let interrupt = Interrupt::listen();
    let access = if options.dry_run { Access::Rehearse } else { Access::Change };
    let workplace = Workplace::open(&options.folder.folder, access)?;
    let remote = remote_of(&workplace, options.patience, interrupt.clone())?;
    let voice = match (options.output.json, options.output.quiet) {
        (true, _) => Voice::Json,
        (false, true) => Voice::Quiet,
        (false, false) => Voice::People,
    };
    let mut report = Report::new(voice);
    report.keep_telling();
    let (outcome, tally, open) = sync(workplace, &remote, &mut report, interrupt, settings(options, direction))?;
    let exit_code = match &outcome {
        Err(failure) => failure.exit_code(),
        Ok(())
            if tally.failed + tally.queued + open.conflicts + open.dead_letters + open.left_out > 0
                && !(options.dry_run && tally.failed + open.conflicts == 0) =>
        {
            exit::INCOMPLETE
        }
        Ok(()) => exit::IN_SYNC,
    };
    report.tell_end();
    let progress = report.progress();
    let finished = Finished {
        event: "finished",
        exit_code,
        error: outcome.as_ref().err().map(ToString::to_string),
        dry_run: options.dry_run,
        pushed: tally.pushed,
        pulled: tally.pulled,
        failed: tally.failed,
        queued: tally.queued,
        conflicts: open.conflicts,
        dead_letters: open.dead_letters,
        left_out: open.left_out,
        progress: &progress,
    };
    report.finish(&summary(tally, open, options.dry_run, exit_code), &finished);
    outcome.map(|()| exit_code)
}

fn settings(options: &OneWayOptions, direction: Direction) -> SyncSettings {
    SyncSettings {
        direction,
        batch_size: usize::from(options.batch_size),
        concurrency: usize::from(options.concurrency),
        batches: options.batches.and_then(|batches| usize::try_from(batches).ok()),
        atomic: options.atomic,
        dry_run: options.dry_run,
        force_full: options.force_full,
        allow_mass_delete: options.allow_mass_delete,
    }
}

type Outcome = (Result<(), ClientError>, Tally, Open);

fn sync(
    workplace: Workplace,
    remote: &Remote,
    report: &mut Report,
    interrupt: Interrupt,
    settings: SyncSettings,
) -> Result<Outcome, ClientError> {
    let limits: ServerLimits = remote.get("/api/v1/limits")?;
    let renderer = renderer()?;
    let direction = settings.direction;
    let mut engine = Engine::new(Parts {
        folder: workplace.folder,
        state: workplace.state,
        renderer: &renderer,
        remote,
        report,
        interrupt,
        identity: workplace.identity,
        settings,
        limits,
    })?;
    let mut run = Run {
        run_id: engine.run_id.clone(),
        started_at: now_us(),
        finished_at: None,
        direction: direction.as_str().to_owned(),
        outcome: "cut off".to_owned(),
        pushed: 0,
        pulled: 0,
        failed: 0,
        conflicts: 0,
    };
    engine.state.change(|change| change.put_run(&run))?;
    let outcome = engine.run();
    let tally = engine.tally();
    let open = count_open(&mut engine.state)?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    run.finished_at = Some(now_us());
    run.outcome = outcome.as_ref().err().map_or_else(|| "finished".to_owned(), ToString::to_string);
    (run.pushed, run.pulled) = (count(tally.pushed), count(tally.pulled));
    (run.failed, run.conflicts) = (count(tally.failed), count(open.conflicts));
    engine.state.change(|change| change.put_run(&run))?;
    Ok((outcome, tally, open))
}

fn count_open(state: &mut State) -> Result<Open, ClientError> {
    Ok(state.change(|change| {
        Ok(Open {
            conflicts: change.load_conflicts()?.len(),
            dead_letters: change.load_dead_letters()?.len(),
            left_out: change.load_left_out()?.len(),
        })
    })?)
}

fn summary(tally: Tally, open: Open, dry_run: bool, exit_code: u8) -> String {
    let would = if dry_run { "would be " } else { "" };
    let mut parts = vec![format!("{} {would}pushed, {} {would}pulled", tally.pushed, tally.pulled)];
    let mut add = |number: usize, what: &str| {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    };
    add(tally.failed, "failed");
    add(tally.queued, "still queued");
    add(open.conflicts, "in conflict (landfall conflicts)");
    add(open.dead_letters, "refused (landfall retry --list)");
    add(open.left_out, "left out");
    let end = if exit_code == exit::IN_SYNC && !dry_run { "; in sync" } else { "" };
    format!("{}{end}", parts.join(", "))
}
