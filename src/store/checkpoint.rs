//! Carries SQLite's write-ahead log into the database file, away from the writer's path. Knows no table.
//!
//! PASSIVE checkpoints run in the background on a connection of their own and disturb nobody. Under unbroken load they
//! never catch up with the end of the log, so it grows; above a limit the writer carries all of it over between two groups,
//! and begins it anew. Its file keeps its length, up to twice the limit: to write over what is there costs the file system
//! less than to cut the file off and make it long again.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;

use super::connection::{AnyConnection, Connector};
use super::database_file::wal_path;
use super::statement::Statement;
use super::{StoreConfig, StoreError};

/// Log bytes from which a background checkpoint is worth its two fsyncs.
const PASSIVE_FROM_BYTES: u64 = 1024 * 1024;

/// The background thread is woken this often at most: its fsyncs compete with the writer's.
const PASSIVE_PAUSE: Duration = Duration::from_millis(200);

/// How long the writer waits for readers when it begins the log anew.
const PATIENCE_MS: u32 = 100;

/// After a reader was in the way: how long the writer leaves the log alone.
const PAUSE: Duration = Duration::from_secs(2);

/// Carries the log over; the next group writes from its beginning on.
const RESTART: &str = "PRAGMA wal_checkpoint(RESTART)";

/// The same, and the file is empty.
const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// The writer's side of checkpointing.
pub(super) struct Checkpoints {
    wal: PathBuf,
    wal_limit_bytes: u64,
    /// What the file may have before the log is begun anew: it only grows where the log goes to its end.
    room: u64,
    busy_timeout_ms: u32,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    next_passive: Instant,
    next_restart: Instant,
}

impl Checkpoints {
    /// Starts the background thread.
    ///
    /// # Errors
    /// `Open` if the database or the thread cannot be opened.
    pub(super) fn start(
        database: &std::path::Path,
        connector: &Connector,
        config: &StoreConfig,
    ) -> Result<Self, StoreError> {
        let (wake, woken) = sync_channel(1);
        let connection = connector.open()?;
        let thread = std::thread::Builder::new()
            .name("sqlite-checkpoint".into())
            .spawn(move || checkpoint_when_woken(connection, &woken))
            .map_err(|error| StoreError::Open(format!("the checkpoint thread: {error}")))?;
        Ok(Self {
            wal: wal_path(database),
            wal_limit_bytes: config.wal_limit_bytes,
            room: config.wal_limit_bytes,
            busy_timeout_ms: config.busy_timeout_ms,
            wake: Some(wake),
            thread: Some(thread),
            next_passive: Instant::now(),
            next_restart: Instant::now(),
        })
    }

    /// Called by the writer between two groups, with its connection.
    pub(super) fn after_group(&mut self, connection: &mut AnyConnection) {
        let bytes = self.wal_bytes();
        let now = Instant::now();
        if bytes >= PASSIVE_FROM_BYTES
            && now >= self.next_passive
            && let Some(wake) = &self.wake
        {
            // Full means that it has been woken already.
            let _already_awake = wake.try_send(());
            self.next_passive = now + PASSIVE_PAUSE;
        }
        if bytes > self.room && now >= self.next_restart {
            self.restart(connection, bytes);
        }
    }

    /// Begins the log anew, whose file has so many bytes.
    fn restart(&mut self, connection: &mut AnyConnection, bytes: u64) {
        let is_long = bytes > self.wal_limit_bytes.saturating_mul(2);
        match self.carry_over(connection, if is_long { TRUNCATE } else { RESTART }) {
            Ok(true) => {
                self.room = if is_long { self.wal_limit_bytes } else { bytes };
                return;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, bytes, "the write-ahead log could not be begun anew"),
        }
        self.next_restart = Instant::now() + PAUSE;
    }

    /// Ends the background thread and carries over what is left.
    pub(super) fn close(&mut self, connection: &mut AnyConnection) {
        drop(self.wake.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the checkpoint thread ended in a panic");
        }
        if let Err(error) = self.carry_over(connection, TRUNCATE) {
            tracing::warn!(%error, "the last checkpoint failed; the next start makes up for it");
        }
    }

    /// Whether all of the log was carried over. Nobody else's lock is waited for longer than a moment: the writer's queue
    /// stands still meanwhile.
    fn carry_over(&self, connection: &mut AnyConnection, checkpoint: &'static str) -> Result<bool, StoreError> {
        let connection = connection.sqlite()?;
        connection.batch_execute(&format!("PRAGMA busy_timeout = {PATIENCE_MS}"))?;
        let done =
            Statement::<Sqlite, (BigInt, BigInt, BigInt)>::new(checkpoint).get_result::<(i64, i64, i64)>(connection);
        connection.batch_execute(&format!("PRAGMA busy_timeout = {}", self.busy_timeout_ms))?;
        let (is_busy, _frames, _carried) = done?;
        Ok(is_busy == 0)
    }

    fn wal_bytes(&self) -> u64 {
        // No file, no log: it is made with the first write.
        std::fs::metadata(&self.wal).map_or(0, |metadata| metadata.len())
    }
}

fn checkpoint_when_woken(mut connection: AnyConnection, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        if let Err(error) = connection.batch_execute("PRAGMA wal_checkpoint(PASSIVE);") {
            tracing::warn!(%error, "a background checkpoint failed");
        }
    }
}
