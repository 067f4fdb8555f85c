//! How a store is sized. Where the figures come from is not known here.

use std::time::Duration;

use super::url::DatabaseUrl;

/// Sizes and times of a store. The default suits one server on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// SQLite: read-only connections. Postgres: connections in all.
    pub reader_connections: u32,
    /// SQLite: batches that may wait for the writer; one more is answered `Busy`.
    pub writer_queue: usize,
    /// SQLite: batches that one commit takes at most.
    pub group_limit: usize,
    /// SQLite: milliseconds after which a group takes in no more batches, so that long batches do not hold up short ones.
    pub group_time_ms: u64,
    /// SQLite: milliseconds to wait for a lock that another process holds.
    pub busy_timeout_ms: u32,
    /// SQLite: bytes of write-ahead log above which it is begun anew between two groups. Its file has twice as many at most,
    /// and what one group writes.
    pub wal_limit_bytes: u64,
    /// Milliseconds to wait for a pooled connection.
    pub connection_timeout_ms: u64,
    /// Milliseconds that a write without a deadline of its own (accounts, compaction) may take.
    pub write_timeout_ms: u64,
    /// Postgres: how often a transaction is tried when it loses races.
    pub write_attempts: u32,
    /// Postgres: whether each connection prepares a statement once and keeps it.
    pub prepare: bool,
    /// Postgres: whether servers send each other messages.
    pub notify: bool,
    /// Postgres: a connection past a pooler, for these messages.
    pub notify_url: Option<DatabaseUrl>,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            reader_connections: 8,
            writer_queue: 512,
            group_limit: 64,
            group_time_ms: 25,
            busy_timeout_ms: 5_000,
            wal_limit_bytes: 64 * 1024 * 1024,
            connection_timeout_ms: 5_000,
            write_timeout_ms: 30_000,
            write_attempts: 5,
            prepare: true,
            notify: true,
            notify_url: None,
        }
    }
}

impl StoreConfig {
    pub(super) fn write_timeout(&self) -> Duration {
        Duration::from_millis(self.write_timeout_ms)
    }
}
