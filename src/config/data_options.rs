//! Where the data is, and the operator's commands on it, as they stand on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::SecretString;

use crate::config::people_options::{TokenCommand, UserCommand, WorkspaceCommand};
use crate::config::search_options::SearchIndexOptions;

/// Where the data is.
#[derive(Clone, Debug, Args)]
pub struct DatabaseOptions {
    /// Settings file (TOML): data_dir for --data-dir, and so on; flags and environment variables are stronger
    #[arg(long, env = "LANDFALL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// sqlite://path or postgres://… [default: landfall.db in the data directory]
    #[arg(long, env = "LANDFALL_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,
    /// A file that holds this URL
    #[arg(long, env = "LANDFALL_DATABASE_URL_FILE", value_name = "FILE")]
    pub database_url_file: Option<PathBuf>,
    /// Directory for the SQLite database and the token secret; created if missing
    #[arg(long, env = "LANDFALL_DATA_DIR", value_name = "DIRECTORY", default_value = "./landfall-data")]
    pub data_dir: PathBuf,
}

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
    /// Print what spreads the tables over a Citus cluster, by workspace; --apply does it
    #[command(
        after_help = "Example:\n  LANDFALL_DATABASE_URL=postgres://app@coordinator/notes landfall admin distribute --apply"
    )]
    Distribute(DistributeOptions),
    /// Put into the search index what is not in it, or make it anew; the server may be running
    #[command(after_help = "Example:\n  landfall admin search-index --rebuild --data-dir /var/lib/landfall")]
    SearchIndex(SearchIndexOptions),
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
