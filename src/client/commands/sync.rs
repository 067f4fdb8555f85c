//! `landfall sync`, `push` and `pull`, of one folder or of several.

use std::path::Path;

use super::{output_kind, remote_of};
use crate::client::error::{ClientError, exit};
use crate::client::interrupt::Interrupt;
use crate::client::model::{Direction, SyncSettings};
use crate::client::options::OneWayOptions;
use crate::client::report::{OutputKind, Report, command, complain, write_line};
use crate::client::sync::run::{History, SyncEnd, SyncRun, run_sync};
use crate::client::workplace::{Access, Workplace};

/// Syncs one folder after the other; one that fails does not stop the others. The exit code is that of the first that failed.
pub(super) fn run(options: &OneWayOptions, direction: Direction) -> Result<u8, ClientError> {
    let interrupt = Interrupt::listen();
    if let [only] = options.folders.as_slice() {
        return sync_one(options, only, direction, &interrupt);
    }
    let mut exit_code = exit::IN_SYNC;
    for folder in &options.folders {
        if output_kind(options.output) == OutputKind::People {
            write_line(&format!("{}:", folder.display()));
        }
        let outcome = sync_one(options, folder, direction, &interrupt);
        let code = outcome.unwrap_or_else(|failure| {
            complain(&format!("{}: {failure}", folder.display()));
            failure.exit_code()
        });
        if exit_code == exit::IN_SYNC {
            exit_code = code;
        }
        if interrupt.is_raised() {
            return Ok(exit::INTERRUPTED);
        }
    }
    Ok(exit_code)
}

fn sync_one(
    options: &OneWayOptions,
    folder: &Path,
    direction: Direction,
    interrupt: &Interrupt,
) -> Result<u8, ClientError> {
    let mut report = Report::new(output_kind(options.output));
    let settings = settings(options, direction);
    let end = match sync(options, folder, settings.clone(), interrupt, &mut report) {
        // Whoever reads events waits for the last one, whatever ended the command.
        Err(failure) if options.output.json => SyncEnd::without_sync(failure, folder, &settings),
        outcome => outcome?,
    };
    report.show_end();
    let skipped = end.skipped_line(&command("status", folder, "--skipped"));
    report.finish(&end.summary(), skipped.as_deref(), &end.body("finished", &report.progress()));
    let exit_code = end.exit_code();
    end.outcome.map(|()| exit_code)
}

fn sync(
    options: &OneWayOptions,
    folder: &Path,
    settings: SyncSettings,
    interrupt: &Interrupt,
    report: &mut Report,
) -> Result<SyncEnd, ClientError> {
    let access = if options.dry_run { Access::Rehearse } else { Access::Change };
    let workplace = Workplace::open(folder, access)?;
    let remote = remote_of(&workplace, options.patience, interrupt.clone())?;
    report.keep_showing();
    let with = SyncRun { remote: &remote, report, interrupt: interrupt.clone(), settings, history: History::All };
    run_sync(workplace, with)
}

fn settings(options: &OneWayOptions, direction: Direction) -> SyncSettings {
    SyncSettings {
        direction,
        batch_size: options.batch_size.map(usize::from),
        concurrency: usize::from(options.concurrency),
        batches: options.batches.and_then(|batches| usize::try_from(batches).ok()),
        atomic: options.atomic,
        dry_run: options.dry_run,
        force_full: options.force_full,
        allow_mass_delete: options.allow_mass_delete,
        strict: options.strict,
    }
}
