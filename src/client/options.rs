//! The client's commands and their options, as they stand on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::client::sync::Direction;

/// What the client can do.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Connect a folder with a workspace of a server
    #[command(after_help = "Example:\n  landfall init ~/notes --server http://127.0.0.1:7001 --username ada\n  \
                          landfall init ~/notes --server http://127.0.0.1:7001 --register   # a new account")]
    Init(InitOptions),
    /// Log in (again) for a folder
    #[command(after_help = "Example:\n  landfall login ~/notes --username ada")]
    Login(LoginOptions),
    /// Take in what others did, and push what was done here
    #[command(after_help = "Examples:\n  landfall sync ~/notes\n  landfall sync ~/notes --dry-run\n  \
                            landfall sync ~/notes --json --batch-size 100 > events.jsonl")]
    Sync(SyncOptions),
    /// Push what was done here, without taking anything in
    #[command(after_help = "Example:\n  landfall push ~/notes --atomic")]
    Push(OneWayOptions),
    /// Take in what others did, without pushing anything
    #[command(after_help = "Example:\n  landfall pull ~/notes --force-full")]
    Pull(OneWayOptions),
    /// Sync whenever something changes, here or on the server
    #[command(after_help = "Examples:\n  landfall watch ~/notes\n  landfall watch ~/notes --json --interval 300\n  \
                            landfall watch ~/notes --poll 5       on a drive that tells of no changes")]
    Watch(WatchOptions),
    /// Say what is tracked, changed, waiting and in conflict
    #[command(after_help = "Example:\n  landfall status ~/notes --json")]
    Status(StatusOptions),
    /// Keep the documents and files whose deletion waits for a word
    #[command(after_help = "Example:\n  landfall keep ~/notes && landfall sync ~/notes")]
    Keep(WordOptions),
    /// Agree to the deletions that wait for a word
    #[command(after_help = "Example:\n  landfall accept ~/notes && landfall sync ~/notes")]
    Accept(WordOptions),
    /// List documents that wait for a choice, or choose
    #[command(
        after_help = "Examples:\n  landfall conflicts ~/notes\n  landfall conflicts ~/notes --settle mine todo.md\n  \
                            landfall conflicts ~/notes --settle both todo.md plans/2027.md\n\n\
                            To make one text of both sides:\n  \
                            landfall conflicts ~/notes --show todo.md > merged.md   # both, with markers where they differ\n  \
                            $EDITOR merged.md                                       # until it is as it should be\n  \
                            landfall conflicts ~/notes --settle merged --with merged.md todo.md"
    )]
    Conflicts(ConflictsOptions),
    /// List operations that the server refused, or queue them again
    #[command(after_help = "Examples:\n  landfall retry ~/notes --list\n  landfall retry ~/notes")]
    Retry(RetryOptions),
    /// Compare every file and document, and list what differs
    #[command(after_help = "Example:\n  landfall verify ~/notes")]
    Verify(VerifyOptions),
    /// List past syncs, newest first
    #[command(after_help = "Example:\n  landfall history ~/notes --limit 5")]
    History(HistoryOptions),
    /// Forget the sync state; files stay, and the next sync matches them by content
    #[command(after_help = "Example:\n  landfall reset ~/notes --yes")]
    Reset(ResetOptions),
}

/// Which folder.
#[derive(Clone, Debug, Args)]
pub struct FolderOption {
    /// The folder, or one inside it
    #[arg(default_value = ".", value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// How the client speaks, and how long it waits.
#[derive(Clone, Copy, Debug, Args)]
pub struct OutputOptions {
    /// One JSON event a line on standard output
    #[arg(long, conflicts_with = "quiet")]
    pub json: bool,
    /// Only failures, on standard error
    #[arg(long)]
    pub quiet: bool,
    /// Answer every question with yes; lifts no guard
    #[arg(long)]
    pub yes: bool,
}

/// How the server is asked.
#[derive(Clone, Copy, Debug, Args)]
pub struct PatienceOptions {
    /// Further tries after a failure that may pass
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retries: u32,
    /// Seconds that one request may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// Options of `init`.
#[derive(Clone, Debug, Args)]
pub struct InitOptions {
    /// The folder; made when absent
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// The server's address, with http:// or https:// in front
    #[arg(long, value_name = "URL")]
    pub server: String,
    /// The workspace's id or name [default: the only one that you have]
    #[arg(long, value_name = "ID_OR_NAME")]
    pub workspace: Option<String>,
    /// Who logs in [default: LANDFALL_USERNAME, else asked for]
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Make the account first, where the server lets people do that
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
    /// Who logs in [default: LANDFALL_USERNAME, else who did before]
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
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    /// Operations of a batch
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub batch_size: u16,
    /// Batches under way at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub concurrency: u16,
    /// Stop after so many batches
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub batches: Option<u32>,
    /// Push all or nothing, in one batch
    #[arg(long)]
    pub atomic: bool,
    /// Say what would happen; change nothing on either side
    #[arg(long)]
    pub dry_run: bool,
    /// Read every file and every document anew
    #[arg(long)]
    pub force_full: bool,
    /// Delete even if it is more than 20 documents and more than a quarter of all
    #[arg(long)]
    pub allow_mass_delete: bool,
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
    /// Seconds after which to sync even if nothing told of a change
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub interval: u64,
    /// Look for changed files every so many seconds instead of being told by the system
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub poll: Option<u64>,
    /// Operations of a batch
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub batch_size: u16,
    /// Batches under way at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub concurrency: u16,
    /// Delete even if it is more than 20 documents and more than a quarter of all
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
    /// One JSON object
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
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    /// Which side stays
    #[arg(long, value_enum, value_name = "SIDE", requires = "paths", group = "what")]
    pub settle: Option<Side>,
    /// The merged text, for `--settle merged` [default: the file itself, as you have changed it]
    #[arg(long, value_name = "FILE", requires = "settle")]
    pub with: Option<PathBuf>,
    /// Print both sides as one text, with markers where they differ; nothing is changed
    #[arg(long, requires = "paths", conflicts_with = "json", group = "what")]
    pub show: bool,
    /// Of which files (paths inside the folder)
    #[arg(value_name = "PATH", requires = "what")]
    pub paths: Vec<String>,
    /// One JSON object a line, with both texts
    #[arg(long)]
    pub json: bool,
}

/// Which side of a conflict stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Side {
    /// The file here.
    Mine,
    /// The server's document.
    Theirs,
    /// One text that was made of both.
    Merged,
    /// Both: the server's in its place, the file here under a new name.
    Both,
}

/// Options of `retry`.
#[derive(Clone, Debug, Args)]
pub struct RetryOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    /// Only list them
    #[arg(long)]
    pub list: bool,
    /// One JSON object a line
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
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Options of `history`.
#[derive(Clone, Debug, Args)]
pub struct HistoryOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub folder: FolderOption,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// One JSON object a line
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
