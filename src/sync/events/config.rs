//! How many streams there may be.

use std::time::Duration;

/// How many streams there may be, and how they are kept up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsConfig {
    /// Streams of this server at a time.
    pub max_streams: usize,
    /// Streams of one user on this server at a time.
    pub max_user_streams: usize,
    /// How often an idle stream gives a sign of life, and its user's membership is checked.
    pub heartbeat: Duration,
    /// Postgres: tell other servers by `NOTIFY` and hear of them by `LISTEN`, rather than by polling alone.
    pub notify: bool,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self { max_streams: 10_000, max_user_streams: 100, heartbeat: Duration::from_secs(15), notify: true }
    }
}
