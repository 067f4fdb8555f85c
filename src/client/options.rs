//! The client's commands and their options, as they stand on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::client::model::Direction;
pub use crate::client::shared_options::{FolderOption, OutputOptions, PatienceOptions};

/// What the client can do.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Connect a folder to a workspace on a server
    #[command(after_help = "Example:\n  landfall init ~/notes --server http://127.0.0.1:7001 --username ada\n  \
                          landfall init ~/notes --server http://127.0.0.1:7001 --register   # a new account")]
    Init(InitOptions),
    /// Log in for a folder, when its login has expired or its server has moved
    #[command(after_help = "Example:\n  landfall login ~/notes --username ada")]
    Login(LoginOptions),
    /// Pull what others changed, and push what changed here
    #[command(after_help = "Examples:\n  landfall sync ~/notes\n  landfall sync ~/notes ~/work\n  \
                            landfall sync ~/notes --dry-run\n  landfall sync ~/notes --json > events.jsonl")]
    Sync(SyncOptions),
    /// Push what changed here, without pulling
    #[command(after_help = "Example:\n  landfall push ~/notes --atomic")]
    Push(OneWayOptions),
    /// Pull what others changed, without pushing
    #[command(after_help = "Example:\n  landfall pull ~/notes --force-full")]
    Pull(OneWayOptions),
    /// Sync whenever something changes, here or on the server
    #[command(after_help = "Examples:\n  landfall watch ~/notes\n  landfall watch ~/notes --json --interval 300\n  \
                            landfall watch ~/notes --poll 5       on a network drive")]
    Watch(WatchOptions),
    /// Show what is tracked, changed, queued and in conflict
    #[command(after_help = "Examples:\n  landfall status ~/notes\n  landfall status ~/notes --skipped")]
    Status(StatusOptions),
    /// Undo the deletions that wait for confirmation
    #[command(after_help = "Example:\n  landfall keep ~/notes && landfall sync ~/notes")]
    Keep(WordOptions),
    /// Confirm the deletions that wait for confirmation
    #[command(after_help = "Example:\n  landfall accept ~/notes && landfall sync ~/notes")]
    Accept(WordOptions),
    /// List the files in conflict, show both sides, or choose one
    #[command(
        after_help = "Examples:\n  landfall conflicts ~/notes\n  landfall conflicts ~/notes --settle mine todo.md\n  \
                            landfall conflicts ~/notes --settle both todo.md plans/2027.md\n\n\
                            To make one text of both sides:\n  \
                            landfall conflicts ~/notes --show todo.md > merged.md   # both, with markers where they differ\n  \
                            $EDITOR merged.md                                       # until it is as it should be\n  \
                            landfall conflicts ~/notes --settle merged --with merged.md todo.md"
    )]
    Conflicts(ConflictsOptions),
    /// Queue refused operations again, or list them
    #[command(after_help = "Examples:\n  landfall retry ~/notes --list\n  landfall retry ~/notes")]
    Retry(RetryOptions),
    /// Compare every file with its document, and list the differences
    #[command(after_help = "Example:\n  landfall verify ~/notes")]
    Verify(VerifyOptions),
    /// List past syncs, newest first
    #[command(after_help = "Example:\n  landfall history ~/notes --limit 5")]
    History(HistoryOptions),
    /// Forget the sync state; files stay, and the next sync matches them by path and content
    #[command(after_help = "Example:\n  landfall reset ~/notes --yes")]
    Reset(ResetOptions),
}

/// Options of `init`.
#[derive(Clone, Debug, Args)]
pub struct InitOptions {
    /// The folder; created if it does not exist
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// The server's address, as in `https://notes.example.org`
    #[arg(long, value_name = "URL")]
    pub server: String,
    /// The workspace's id or name [default: the only one you have]
    #[arg(long, value_name = "ID_OR_NAME")]
    pub workspace: Option<String>,
    /// The user name [default: LANDFALL_USERNAME, else you are asked]
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Create the account first, if the server allows it
    #[arg(long)]
    pub register: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub patience: PatienceOptions,
}

/// Options of `login`.
#[derive(Clone, Debug, Args)]
pub struct LoginOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    /// The server's address, if it has moved
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The user name [default: LANDFALL_USERNAME, else that of the last login]
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub patience: PatienceOptions,
}

/// Options of `sync`.
#[derive(Clone, Debug, Args)]
pub struct SyncOptions {
    /// Which way
    #[arg(long, value_enum, default_value_t = Direction::Both)]
    pub direction: Direction,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub how: OneWayOptions,
}

/// Options of `sync`, `push` and `pull`.
#[derive(Clone, Debug, Args)]
pub struct OneWayOptions {
    /// The synced folders, or any folders in them
    #[arg(default_value = ".", value_name = "FOLDER")]
    pub folders: Vec<PathBuf>,
    /// Operations in a batch [default: as many as take about a second]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub batch_size: Option<u16>,
    /// Batches sent at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub concurrency: u16,
    /// Stop after this many batches
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub batches: Option<u32>,
    /// Push all or nothing, in one batch
    #[arg(long)]
    pub atomic: bool,
    /// Show what would happen, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Read every file and every document again
    #[arg(long)]
    pub force_full: bool,
    /// Do not ask before deleting more than 20 documents and more than a quarter of all
    #[arg(long)]
    pub allow_mass_delete: bool,
    /// Exit with 1 if there are files that cannot be synced
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub patience: PatienceOptions,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub output: OutputOptions,
}

/// Options of `watch`.
#[derive(Clone, Debug, Args)]
pub struct WatchOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    /// Which way
    #[arg(long, value_enum, default_value_t = Direction::Both)]
    pub direction: Direction,
    /// Milliseconds without a further change before a sync begins
    #[arg(
        long, value_name = "MILLISECONDS", default_value_t = 400, value_parser = clap::value_parser!(u64).range(10..=60_000)
    )]
    pub settle: u64,
    /// Sync after this many seconds in any case
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub interval: u64,
    /// Look for changed files every so many seconds, instead of being notified by the system
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub poll: Option<u64>,
    /// Operations in a batch [default: as many as take about a second]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub batch_size: Option<u16>,
    /// Batches sent at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub concurrency: u16,
    /// Do not ask before deleting more than 20 documents and more than a quarter of all
    #[arg(long)]
    pub allow_mass_delete: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub patience: PatienceOptions,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub output: OutputOptions,
}

/// Options of `status`.
#[derive(Clone, Debug, Args)]
pub struct StatusOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    /// Ask the server, too: what the workspace holds, what is left, what its sync runs did
    #[arg(long)]
    pub server: bool,
    /// List the files that are not synced because of their names
    #[arg(long)]
    pub skipped: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub patience: PatienceOptions,
}

/// Options of `keep` and `accept`.
#[derive(Clone, Debug, Args)]
pub struct WordOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
}

/// Options of `conflicts`.
#[derive(Clone, Debug, Args)]
pub struct ConflictsOptions {
    /// The synced folder [default: the current one], and the files to show or settle
    #[arg(value_name = "FOLDER_OR_FILE")]
    pub targets: Vec<PathBuf>,
    /// Settle the conflicts of these files
    #[arg(long, value_enum, value_name = "SIDE", requires = "targets", conflicts_with = "show")]
    pub settle: Option<Side>,
    /// The merged text, for `--settle merged` [default: the file itself, as you have edited it]
    #[arg(long, value_name = "TEXT", requires = "settle")]
    pub with: Option<PathBuf>,
    /// Print both sides as one text, with markers where they differ; changes nothing
    #[arg(long, requires = "targets", conflicts_with = "json")]
    pub show: bool,
    /// Print one JSON object a line, with both texts
    #[arg(long)]
    pub json: bool,
}

/// Which side of a conflict stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Side {
    /// Your file.
    Mine,
    /// The server's document.
    Theirs,
    /// One text, made of both.
    Merged,
    /// Both: the server's document in its place, your file beside it.
    Both,
}

/// Options of `retry`.
#[derive(Clone, Debug, Args)]
pub struct RetryOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    /// List them only
    #[arg(long)]
    pub list: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Options of `verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub patience: PatienceOptions,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Options of `history`.
#[derive(Clone, Debug, Args)]
pub struct HistoryOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    /// How many syncs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Options of `reset`.
#[derive(Clone, Debug, Args)]
pub struct ResetOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    /// Answer every question with yes
    #[arg(long)]
    pub yes: bool,
}
