//! The steps of a sync: look at the folder, take in what others did, queue what was done here, push.
//!
//! The order is pull, push, pull: what others did is taken in first, so that files which stand for documents already are matched
//! and not made twice, and so that most clashes are united here. Every step may be cut off at any point; the next sync
//! goes on from what is on disk.

use crate::client::apply::Local;
use crate::client::error::ClientError;
use crate::client::model::{Direction, FileLimits, SyncSettings};
use crate::client::pull::Pull;
use crate::client::push::Push;
use crate::client::state::Setting;
use crate::client::transport::{Server, wire::ServerLimits};

/// Syncs. What was done before a failure stays.
pub(super) fn sync(
    local: &mut Local<'_>,
    server: &Server<'_>,
    settings: &SyncSettings,
    limits: &ServerLimits,
    run_id: &str,
) -> Result<(), ClientError> {
    local.report.begin("looking at the folder");
    if let Err(failure) = local.folder.empty_bin_of_old() {
        local.problem(".landfall/bin", &format!("what is old in it cannot be removed: {failure}"));
    }
    local.finish_pending_writes()?;
    let SyncSettings { force_full, allow_mass_delete, direction, .. } = *settings;
    let mut pull =
        Pull { local, server, reads_all: force_full, allows_mass_delete: allow_mass_delete, is_in_doubt: false };
    pull.begin_doubt()?;
    let files = FileLimits { bytes: limits.file_bytes(), chars: limits.max_title_chars };
    pull.local.look_at_folder(files, force_full)?;
    if !pull.is_in_doubt {
        pull.local.record_moves()?;
    }
    let is_first = pull.local.state.change(|change| change.find_setting(Setting::Cursor))?.is_none();
    if direction != Direction::Push || is_first || pull.is_in_doubt {
        pull.local.report.begin("pulling");
        pull.pull()?;
        pull.end_doubt()?;
    }
    if direction != Direction::Pull {
        pull.local.report.begin("looking for changes");
        pull.local.record_local_changes(allow_mass_delete)?;
        pull.local.settle_paths()?;
        pull.local.report.begin("pushing");
        Push::new(&mut pull, settings, limits).run(run_id)?;
        pull.local.settle_paths()?;
    }
    local.report_losses()?;
    local.tally.queued = local.state.change(|change| change.list_outbox())?.len();
    Ok(())
}
