//! Where log lines go (standard error) and how they look.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::config::options::LogFormat;

const DEFAULT_FILTER: &str = "info,actix_server=warn";

/// Starts logging as `RUST_LOG` says. To be called once; later calls change nothing.
///
/// # Errors
/// If `RUST_LOG` cannot be understood.
pub fn start(format: LogFormat) -> Result<(), ParseError> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => EnvFilter::builder().parse(directives)?,
        Ok(_) | Err(_) => EnvFilter::new(DEFAULT_FILTER),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only where logging has been started before, as several servers in one process do.
    let _started = match format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
    };
    Ok(())
}
