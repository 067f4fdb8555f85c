//! Why a request has no answer of use, and what follows from that: to try again, to send less, or to end.

use std::time::Duration;

use chrono::{Local, TimeDelta};

use crate::client::error::ClientError;
use crate::client::report::line::shown_time;

/// Why a request has no answer of use.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No connection, or one that broke.
    #[error("{0}")]
    Offline(String),
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The login is missing, wrong or has run out, and cannot be renewed.
    #[error("{0}")]
    Unauthorized(String),
    /// The server refused the request.
    #[error("{detail} ({})", format!("{status} {code}").trim_end())]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The problem's code.
        code: String,
        /// For people.
        detail: String,
        /// When to ask again.
        retry_after: Option<Duration>,
    },
    /// Somebody else answered: a gateway, a login page. It says nothing about the request.
    #[error("what answered is not Landfall (HTTP status {status})")]
    Foreign {
        /// The HTTP status.
        status: u16,
        /// When to ask again.
        retry_after: Option<Duration>,
    },
    /// The answer is not what the protocol says.
    #[error("the answer cannot be understood: {0}")]
    Unintelligible(String),
    /// The user asked to stop, or the login could not be kept.
    #[error(transparent)]
    Local(ClientError),
}

impl RemoteError {
    /// Whether the request was too much at once: too large, too slow, or too hard for the server.
    #[must_use]
    pub fn asks_for_less(&self) -> bool {
        match self {
            Self::TimedOut(_) => true,
            Self::Refused { code, .. } => {
                matches!(code.as_str(), "payload_too_large" | "too_many_operations" | "timeout" | "internal")
            }
            Self::Offline(_)
            | Self::Unauthorized(_)
            | Self::Foreign { .. }
            | Self::Unintelligible(_)
            | Self::Local(_) => false,
        }
    }

    /// Whether the server, or a gateway before it, failed over the request, be it that it was too much.
    #[must_use]
    pub fn is_servers_fault(&self) -> bool {
        matches!(self, Self::TimedOut(_)) || matches!(self, Self::Refused { status, .. } if *status >= 500)
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Offline(_) | Self::Foreign { .. } | Self::Unintelligible(_) => true,
            Self::Refused { status: 429, .. } => true,
            Self::Refused { status: 503, code, .. } => code != "timeout",
            _ => false,
        }
    }

    /// When the server wants to be asked again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } | Self::Foreign { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The server's code for it.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } if !code.is_empty() => Some(code),
            _ => None,
        }
    }

    /// What the command says of it.
    #[must_use]
    pub fn into_client_error(self, server: &str) -> ClientError {
        match self {
            Self::Unauthorized(reason) => ClientError::Login(reason),
            Self::Local(error) => error,
            Self::Refused { status, code, detail, .. } if status < 500 && status != 429 => {
                ClientError::Refused { code, detail }
            }
            other => {
                let later = other.retry_after().map(come_back_in).unwrap_or_default();
                ClientError::Unreachable { server: server.to_owned(), reason: format!("{other}{later}") }
            }
        }
    }
}

fn come_back_in(wait: Duration) -> String {
    let at = TimeDelta::from_std(wait).ok().and_then(|wait| Local::now().checked_add_signed(wait));
    let at = at.map(|at| format!(", at {}", at.format("%Y-%m-%d %H:%M:%S"))).unwrap_or_default();
    format!("; it asks to come back in {}{at}", shown_time(wait))
}
