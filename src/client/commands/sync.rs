//! `landfall sync`, `push` and `pull`.

use super::{remote_of, renderer, voice};
use crate::client::error::ClientError;
use crate::client::interrupt::Interrupt;
use crate::client::options::OneWayOptions;
use crate::client::report::Report;
use crate::client::sync::{Direction, SyncSettings};
use crate::client::sync_run::{History, SyncEnd, SyncRun, run_sync};
use crate::client::workplace::{Access, Workplace};

pub(super) fn run(options: &OneWayOptions, direction: Direction) -> Result<u8, ClientError> {
    let mut report = Report::new(voice(options.output));
    let end = match sync(options, direction, &mut report) {
        // Whoever reads events waits for the last one, whatever ended the command.
        Err(failure) if options.output.json => SyncEnd::without_sync(failure, options.dry_run),
        outcome => outcome?,
    };
    report.tell_end();
    report.finish(&end.summary(), &end.body("finished", &report.progress()));
    let exit_code = end.exit_code();
    end.outcome.map(|()| exit_code)
}

fn sync(options: &OneWayOptions, direction: Direction, report: &mut Report) -> Result<SyncEnd, ClientError> {
    let interrupt = Interrupt::listen();
    let access = if options.dry_run { Access::Rehearse } else { Access::Change };
    let workplace = Workplace::open(&options.folder.folder, access)?;
    let remote = remote_of(&workplace, options.patience, interrupt.clone())?;
    report.keep_telling();
    let with = SyncRun {
        remote: &remote,
        renderer: &renderer()?,
        report,
        interrupt,
        settings: settings(options, direction),
        history: History::All,
    };
    run_sync(workplace, with)
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
