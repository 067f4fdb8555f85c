//! Why a command of the client ends without having done everything, and the exit code for it.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use thiserror::Error;

use crate::client::state::StateError;

/// What ends a command.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The command line, the environment or the folder is not as it must be.
    #[error("{0}")]
    Usage(String),
    /// Another command holds the folder.
    #[error("another landfall command is at work in {}; wait until it has ended", .0.display())]
    Busy(PathBuf),
    /// The server cannot be reached, or cannot serve now.
    #[error("cannot reach {server}: {reason}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        reason: String,
    },
    /// Nobody is logged in, or not any more.
    #[error("not logged in: {0}")]
    Login(String),
    /// The server refused a whole request.
    #[error("the server refuses: {detail}{}", code_and_advice(.code, .detail))]
    Refused {
        /// The problem's code.
        code: String,
        /// The problem, for people.
        detail: String,
    },
    /// The user asked to stop.
    #[error("stopped; what was done stays, the rest is kept for the next sync")]
    Interrupted,
    /// The local state.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file, or the terminal.
    #[error("{path}: {cause}{}", advice(cause))]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// A document cannot be read or edited.
    #[error("the document cannot be read: {0}")]
    Document(String),
}

/// Exit codes, published in `docs/cli.md`.
pub mod exit {
    /// Everything is in sync.
    pub const IN_SYNC: u8 = 0;
    /// Something failed, or waits for a choice.
    pub const INCOMPLETE: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 2;
    /// The server cannot be reached, or nobody is logged in.
    pub const UNREACHABLE: u8 = 3;
    /// A guard stopped it.
    pub const GUARD: u8 = 4;
    /// Ctrl-C.
    pub const INTERRUPTED: u8 = 130;
}

impl ClientError {
    /// The exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Busy(_) => exit::USAGE,
            Self::Unreachable { .. } | Self::Login(_) => exit::UNREACHABLE,
            Self::Interrupted => exit::INTERRUPTED,
            Self::Refused { .. } | Self::State(_) | Self::Io { .. } | Self::Document(_) => exit::INCOMPLETE,
        }
    }

    /// Whether the disk has no room, which no file alone is to blame for.
    #[must_use]
    pub fn is_out_of_room(cause: &io::Error) -> bool {
        matches!(cause.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
    }

    /// What is wrong, if it concerns one file or its document alone, so that the rest can be synced.
    #[must_use]
    pub fn of_one_file(&self) -> Option<String> {
        match self {
            Self::Io { path, cause } if !Self::is_out_of_room(cause) => Some(format!("{}: {cause}", path.display())),
            Self::Document(_) => Some(self.to_string()),
            _ => None,
        }
    }

    /// A failure of the file system.
    pub fn io(path: impl Into<PathBuf>, cause: io::Error) -> Self {
        Self::Io { path: path.into(), cause }
    }
}

/// The code, and what to do about the refusal.
fn code_and_advice(code: &str, detail: &str) -> String {
    let advice = match code {
        "forbidden" if detail.contains("role") => {
            "; to read, use `landfall pull`; to write, ask an owner of the workspace for another role"
        }
        "not_found" => "; ask an owner of the workspace to add you, or run `landfall login` as somebody who is in it",
        _ => "",
    };
    if code.is_empty() { advice.to_owned() } else { format!(" ({code}){advice}") }
}

/// What to do about it.
fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "; make room and run the command again: nothing is lost"
        }
        _ => "",
    }
}
