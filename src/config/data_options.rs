//! Where the data is, as it stands on the command line.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

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
