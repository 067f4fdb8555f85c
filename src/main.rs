//! Landfall.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(landfall::yjs::worker::WORKER_COMMAND) {
        return landfall::yjs::worker::run();
    }
    ExitCode::SUCCESS
}
