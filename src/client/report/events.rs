//! What happens during a sync, as it is said to people and to scripts.

use serde::Serialize;

/// Something that happened, or in a rehearsal would happen.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// An operation was applied by the server.
    Pushed {
        /// The file.
        path: &'a str,
        /// `create`, `update` or `delete`.
        operation: &'a str,
        /// Whether it was united with others' changes.
        merged: bool,
    },
    /// A file was written with what others did.
    Written {
        /// The file.
        path: &'a str,
    },
    /// A file that was here already was found to be the server's document.
    Matched {
        /// The file.
        path: &'a str,
    },
    /// A file was moved.
    Moved {
        /// From.
        from: &'a str,
        /// To.
        to: &'a str,
    },
    /// A file was taken away, to `.landfall/bin`.
    Removed {
        /// The file.
        path: &'a str,
    },
    /// A file or document cannot be synced.
    Problem {
        /// Which.
        path: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// Both sides have something, and a person must choose.
    Conflict {
        /// The file.
        path: &'a str,
        /// What clashes.
        reason: &'a str,
    },
    /// An operation was refused for good.
    DeadLetter {
        /// The file.
        path: &'a str,
        /// The operation's name.
        client_id: &'a str,
        /// The refusal's code.
        code: &'a str,
        /// The refusal, for people.
        message: &'a str,
    },
    /// Something that a person may want to know.
    Note {
        /// The file.
        path: &'a str,
        /// What.
        text: &'a str,
    },
    /// A request waits before it is tried again.
    Waiting {
        /// Seconds.
        seconds: u64,
        /// Why.
        reason: &'a str,
    },
}

impl Event<'_> {
    /// Whether a person should look at it: these are said last.
    #[must_use]
    pub const fn wants_a_look(&self) -> bool {
        matches!(self, Self::Problem { .. } | Self::Conflict { .. } | Self::DeadLetter { .. } | Self::Note { .. })
    }

    /// Whether something has failed, or waits for a choice.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Problem { .. } | Self::Conflict { .. } | Self::DeadLetter { .. })
    }

    /// In words.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Event::Pushed { path, operation, merged } => {
                let done = match *operation {
                    "create" => "created",
                    "delete" => "deleted",
                    _ => "updated",
                };
                format!("{done:<10} {path}{}", if *merged { " (merged)" } else { "" })
            }
            Event::Written { path } => format!("{:<10} {path}", "written"),
            Event::Matched { path } => format!("{:<10} {path}", "matched"),
            Event::Moved { from, to } => format!("{:<10} {from} -> {to}", "moved"),
            Event::Removed { path } => format!("{:<10} {path}", "removed"),
            Event::Problem { path, reason } => format!("{:<10} {path}: {reason}", "problem"),
            Event::Conflict { path, reason } => format!("{:<10} {path}: {reason}", "conflict"),
            Event::DeadLetter { path, code, message, .. } => format!("{:<10} {path}: {message} ({code})", "failed"),
            Event::Note { path, text } => format!("{:<10} {path}: {text}", "note"),
            Event::Waiting { seconds, reason } => format!("{:<10} {seconds} s: {reason}", "waiting"),
        }
    }
}
