//! `landfall admin repair --search`: makes the search index anew.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use super::open::open;
use crate::auth::audit::{Event, line};
use crate::config::data_options::DatabaseOptions;
use crate::sync::indexing::{Rebuilt, index_everything};
use crate::yjs::render::{RenderConfig, Renderer};

/// Processes that derive texts.
const WORKERS: usize = 2;
/// The server's own defaults.
const WORKER_BYTES: u64 = 2 << 30;
const WORKER_TIME: Duration = Duration::from_secs(10);

/// Empties the index and puts everything into it. A server that is running does its part.
///
/// # Errors
/// What went wrong, in a line; what was done stays done, and the server goes on with the rest.
pub fn run(database: DatabaseOptions, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let store = open(database)?;
    let renderer = Renderer::new(RenderConfig {
        program: std::env::current_exe()?,
        workers: WORKERS,
        max_memory_bytes: WORKER_BYTES,
        time_budget: WORKER_TIME,
    });
    store.clear_search_index()?;
    let Rebuilt { workspaces } = index_everything(&store, &renderer)?;
    store.close();
    line(Event::SearchRebuilt, None).write();
    writeln!(out, "the search index is complete; {workspaces} workspaces were read")?;
    Ok(())
}
