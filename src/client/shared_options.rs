//! Options that several commands have.

use std::path::PathBuf;

use clap::Args;

/// Which folder.
#[derive(Clone, Debug, Args)]
pub struct FolderOption {
    /// The synced folder, or any folder in it
    #[arg(default_value = ".", value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// What the client prints.
#[derive(Clone, Copy, Debug, Args)]
pub struct OutputOptions {
    /// Print one JSON event a line on standard output
    #[arg(long, conflicts_with = "quiet")]
    pub json: bool,
    /// Print failures only, on standard error
    #[arg(long)]
    pub quiet: bool,
    /// Answer every question with yes; does not confirm deletions
    #[arg(long)]
    pub yes: bool,
}

/// How often and how long the client waits for the server.
#[derive(Clone, Copy, Debug, Args)]
pub struct PatienceOptions {
    /// Retries after a temporary failure
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retries: u32,
    /// Timeout of one request
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}
