//! The operator's commands, as they stand on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::data_options::DatabaseOptions;
use crate::config::people_options::{TokenCommand, UserCommand, WorkspaceCommand};

/// What an operator can do with a database.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Copy the SQLite database to a new file; the server may be running
    #[command(after_help = "Example:\n  landfall admin backup /backups/landfall-2026-11-30.db")]
    Backup(FileOptions),
    /// Replace the SQLite database with a backup, and start a new generation
    #[command(
        after_help = "Example (the server is stopped):\n  landfall admin restore /backups/landfall-2026-11-30.db"
    )]
    Restore(FileOptions),
    /// Start a new generation, after the database was restored by other means
    #[command(after_help = "Example:\n  LANDFALL_DATABASE_URL=postgres://app@db/notes landfall admin new-generation")]
    NewGeneration(DatabaseOptions),
    /// Check everything that is stored and list what is damaged; writes nothing; the server may be running
    #[command(after_help = "Example:\n  landfall admin verify --data-dir /var/lib/landfall")]
    Verify(DatabaseOptions),
    /// Say what makes damaged parts whole again; --apply does it; the server may be running
    #[command(
        after_help = "Examples:\n  landfall admin repair                                  what would be done\n  landfall admin repair --apply --export /var/backups/damage\n  landfall admin repair --search                         the search index anew"
    )]
    Repair(RepairOptions),
    /// Print what spreads the tables over a Citus cluster, by workspace; --apply does it
    #[command(
        after_help = "Example:\n  LANDFALL_DATABASE_URL=postgres://app@coordinator/notes landfall admin distribute --apply"
    )]
    Distribute(DistributeOptions),
    /// Make accounts, list, lock and delete them
    #[command(subcommand)]
    User(UserCommand),
    /// List workspaces, rename, export and delete them, and change their members
    #[command(subcommand)]
    Workspace(WorkspaceCommand),
    /// Make tokens for scripts, list and revoke them
    #[command(subcommand)]
    Token(TokenCommand),
}

/// What a repair may do.
#[derive(Clone, Debug, Args)]
pub struct RepairOptions {
    /// Do it instead of saying what would be done
    #[arg(long, requires = "export")]
    pub apply: bool,
    /// A folder for what cannot be read; it is written there before anything is replaced
    #[arg(long, value_name = "FOLDER")]
    pub export: Option<PathBuf>,
    /// Where a document's text is lost, go on with the newest older one that can be read
    #[arg(long)]
    pub older_texts: bool,
    /// Make the search index anew, and nothing else; until the command ends, searches find less
    #[arg(long, conflicts_with_all = ["apply", "export", "older_texts"])]
    pub search: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// A Postgres with Citus.
#[derive(Clone, Debug, Args)]
pub struct DistributeOptions {
    /// Run the statements instead of printing them
    #[arg(long)]
    pub apply: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// A backup, and the database.
#[derive(Clone, Debug, Args)]
pub struct FileOptions {
    /// The backup
    pub file: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}
