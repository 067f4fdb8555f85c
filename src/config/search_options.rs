//! Options of `landfall admin search-index`.

use clap::Args;

use crate::config::data_options::DatabaseOptions;

/// What is to be done with the search index.
#[derive(Clone, Debug, Args)]
pub struct SearchIndexOptions {
    /// Empty the index first; until the command ends, searches find less
    #[arg(long)]
    pub rebuild: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}
