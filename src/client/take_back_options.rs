//! The options of `undo` and `revert`, as they stand on the command line.

use std::path::PathBuf;

use clap::Args;

use crate::client::common_options::PatienceOptions;

/// What both have in common.
#[derive(Clone, Debug, Args)]
pub struct TakeBackOptions {
    /// Show what would change, with differences, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not stop where more than 20 documents and more than a quarter of all would change
    #[arg(long)]
    pub allow_mass_change: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub patience: PatienceOptions,
}

/// Options of `undo`.
#[derive(Clone, Debug, Args)]
pub struct UndoOptions {
    /// The synced folder, or any folder in it
    #[arg(default_value = ".", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// This batch, instead of the last sync that pushed something from here
    #[arg(long, value_name = "BATCH_ID")]
    pub batch: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub how: TakeBackOptions,
}

/// Options of `revert`.
#[derive(Clone, Debug, Args)]
pub struct RevertOptions {
    /// Files of the folder, also deleted ones; or folders in it
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// To when: a time, as in 2026-01-31T12:00:00Z, or how long ago, as in 30m, 2h or 3d
    #[arg(long, value_name = "TIME")]
    pub as_of: String,
    /// The synced folder, or any folder in it
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub folder: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub how: TakeBackOptions,
}
