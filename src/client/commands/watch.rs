//! `landfall watch`.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::{output_kind, remote_of};
use crate::client::error::ClientError;
use crate::client::interrupt::Interrupt;
use crate::client::model::SyncSettings;
use crate::client::options::WatchOptions;
use crate::client::watch::{Rhythm, Signal, Watch, WatchOutput, WatchParts};
use crate::client::workplace::{Access, Workplace};

pub(super) fn run(options: &WatchOptions) -> Result<u8, ClientError> {
    let (tell, hear) = channel();
    let stop = tell.clone();
    let interrupt = Interrupt::listen_and(move || drop(stop.send(Signal::Stop)));
    let workplace = Workplace::open(&options.folder.folder, Access::Read)?;
    let remote = Arc::new(remote_of(&workplace, options.patience, interrupt.clone())?);
    let folder = workplace.folder.clone();
    drop(workplace);
    let parts = WatchParts {
        folder,
        remote,
        settings: SyncSettings {
            direction: options.direction,
            batch_size: options.batch_size.map(usize::from),
            concurrency: usize::from(options.concurrency),
            batches: None,
            atomic: false,
            dry_run: false,
            force_full: false,
            allow_mass_delete: options.allow_mass_delete,
            strict: false,
        },
        rhythm: Rhythm {
            settle: Duration::from_millis(options.settle),
            interval: Duration::from_secs(options.interval),
        },
        poll: options.poll.map(Duration::from_secs),
        interrupt,
        output: WatchOutput::new(output_kind(options.output)),
        events: (tell, hear),
    };
    Watch::new(parts).run().map(|never| match never {})
}
