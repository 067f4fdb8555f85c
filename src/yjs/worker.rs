//! The worker process's side: reads jobs from standard input, answers on standard output.

use std::process::ExitCode;

/// Serves jobs until standard input ends.
#[must_use]
pub fn run() -> ExitCode {
    ExitCode::FAILURE
}
