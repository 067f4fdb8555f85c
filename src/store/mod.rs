//! Storage: the only place that names Diesel.
//!
//! No rule of the protocol lives here: a store loads what a decision needs and carries out a write set, on SQLite
//! (`sqlite`) or on Postgres (`postgres`), chosen at run time by URL.

pub mod access_tokens;
pub mod accounts;
mod assembly;
pub mod audit;
pub mod backup;
pub mod change_notices;
mod checkpoint;
pub mod config;
mod connection;
mod database_file;
pub mod distribution;
pub mod documents;
mod encoding;
pub mod erasure;
pub mod error;
pub mod feed;
pub mod feed_pages;
pub mod gauges;
pub mod health;
pub mod history;
mod hosts;
mod invitations;
mod leases;
pub mod lives;
pub mod lookup;
mod members;
pub mod migrations;
pub mod notifications;
#[cfg(test)]
mod one_shard;
pub mod past;
pub mod people;
mod poolers;
mod postgres;
#[cfg(test)]
mod query_plans;
pub mod repair;
pub mod retention;
mod rows;
mod schema;
pub mod search;
mod session;
pub mod sessions;
mod sql_uuid;
mod sqlite;
mod statement;
pub mod statistics;
pub mod sync_runs;
pub mod tombstones;
pub mod upkeep;
pub mod uploads;
pub mod url;
pub mod usage;
mod watch;
mod workspaces;
mod writer;

use std::fmt;
use std::time::{Duration, Instant};

use self::checkpoint::Checkpoints;
pub use self::config::StoreConfig;
use self::connection::{AnyConnection, Connector, Pool, Purpose};
use self::database_file::DatabaseFile;
pub use self::error::StoreError;
use self::session::BatchSession;
pub use self::session::{BatchTransaction, Snapshot};
pub use self::url::DatabaseUrl;
use self::writer::Writer;
use crate::clock::SystemClock;
use crate::domain::ids::{SyncId, UserId, WorkspaceId};
use crate::domain::sync_run::RunKey;
use crate::domain::timestamp::{Clock, Timestamp};

/// Whose batch it is: the part of every key that the batch does not choose itself.
#[derive(Clone, Debug)]
pub struct BatchScope {
    /// The workspace; the caller's right to write there has been checked.
    pub workspace_id: WorkspaceId,
    /// The author.
    pub user_id: UserId,
    /// The device; `None` = no receipts.
    pub device_id: Option<String>,
    /// The sync run that it belongs to.
    pub sync_id: Option<SyncId>,
    /// The time of the batch.
    pub now: Timestamp,
    /// When the batch must have been committed; afterwards it is rolled back (`StoreError::Timeout`).
    pub deadline: Instant,
}

impl BatchScope {
    /// The key of the user's run of this id.
    fn run_key(&self, sync_id: SyncId) -> RunKey {
        RunKey { workspace_id: self.workspace_id, user_id: self.user_id, sync_id }
    }
}

/// What the body of a batch wants done with its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Keep what was written.
    Commit,
    /// Undo what was written (dry run, atomic failure, nothing to store).
    Rollback,
}

/// The database, open. Share it in an `Arc`; every method blocks, so call it off the event loop.
pub struct Store {
    readers: Pool,
    writes: Writes,
    write_timeout: Duration,
    /// SQLite: where it lies.
    file: Option<DatabaseFile>,
    /// Opens connections for messages between servers; SQLite has none.
    messages: Option<Connector>,
    /// Opens the connection of health checks.
    probing: Connector,
}

/// How a write reaches its database.
enum Writes {
    /// SQLite has one writer: a thread.
    Thread(Writer),
    /// Opened to be looked at.
    Nowhere,
    /// Postgres orders writers itself: any connection of the pool.
    Pool {
        /// How often a transaction that loses races is tried.
        attempts: u32,
    },
}

impl Writes {
    /// How often a write that loses races is tried; on SQLite none does.
    const fn attempts(&self) -> u32 {
        match self {
            Self::Thread(_) | Self::Nowhere => 1,
            Self::Pool { attempts } => *attempts,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("readers", &self.readers).finish_non_exhaustive()
    }
}

impl Store {
    /// Brings the schema up to date and opens the connections.
    ///
    /// # Errors
    /// `Open`, if the database cannot be reached, made or migrated.
    pub fn open(url: &DatabaseUrl, config: &StoreConfig) -> Result<Self, StoreError> {
        if let DatabaseUrl::Postgres(_) = url {
            poolers::examine(url, config)?;
        }
        migrations::migrate(url)?;
        let file = match url {
            DatabaseUrl::Sqlite(path) => Some(DatabaseFile::at(path)?),
            DatabaseUrl::Postgres(_) => None,
        };
        let writes = match &file {
            Some(file) => {
                let connector = Connector::new(url, Purpose::Write, config).within(file);
                let checkpoints = Checkpoints::start(file.path(), &connector, config)?;
                Writes::Thread(Writer::start(connector, checkpoints, file.clone(), config)?)
            }
            None => Writes::Pool { attempts: config.write_attempts.max(1) },
        };
        let purpose = if file.is_some() { Purpose::Read } else { Purpose::Write };
        let mut connector = Connector::new(url, purpose, config);
        if let Some(file) = &file {
            connector = connector.within(file);
        }
        let messages = messages_of(url, config)?;
        let readers = Pool::open("database", connector.clone(), config)?;
        let store = Self { readers, writes, write_timeout: config.write_timeout(), file, messages, probing: connector };
        store.recognise(SystemClock.now())?;
        Ok(store)
    }

    /// Opens a database that is there, to look at it: nothing is made, brought up to date or written.
    ///
    /// # Errors
    /// `Open`, if the database is not there, cannot be reached, or has another schema.
    pub fn open_to_look(url: &DatabaseUrl, config: &StoreConfig) -> Result<Self, StoreError> {
        let file = match url {
            DatabaseUrl::Sqlite(path) => Some(DatabaseFile::at(path)?),
            DatabaseUrl::Postgres(_) => None,
        };
        migrations::check(url)?;
        let connector = Connector::new(url, Purpose::Read, config);
        let readers = Pool::open("database", connector.clone(), config)?;
        let write_timeout = config.write_timeout();
        Ok(Self { readers, writes: Writes::Nowhere, write_timeout, file, messages: None, probing: connector })
    }

    /// Runs `body` on one state of the database, as the scope's batch may see it. Locks nothing; called again if the
    /// connection turns out to be cut.
    ///
    /// # Errors
    /// What `body` answered; `Busy` or `Timeout` if no connection is free in time; `Unavailable` if the database failed.
    pub fn look<T>(
        &self,
        scope: &BatchScope,
        mut body: impl FnMut(&mut dyn Snapshot) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut cut = 0;
        loop {
            let mut pooled = self.readers.get(scope.deadline)?;
            pooled.allow(connection::READ_TIME, Some(scope.deadline));
            let looked = connection::in_snapshot(&mut pooled.connection, |connection| {
                body(&mut BatchSession::new(connection, scope))
            });
            pooled.note(&looked);
            match looked {
                Err(StoreError::Unavailable(_)) if cut < self.readers.size() => cut += 1,
                looked => return looked,
            }
        }
    }

    /// Runs `body` in a transaction that has locked the scope's workspace, and answers its value once what it wrote is
    /// durable (or, with [`End::Rollback`], undone). On Postgres `body` is called again after a lost race, a few times.
    ///
    /// # Errors
    /// What `body` answered; `NoSuchWorkspace`; `Busy` when too much is waiting; `Timeout` after the scope's deadline;
    /// `LostRace` when every try lost; `Refused` if `body` panicked; `Unavailable` if the database failed.
    pub fn run_batch<T, F>(&self, scope: BatchScope, mut body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn BatchTransaction) -> Result<(T, End), StoreError> + Send + 'static,
    {
        self.write_until(scope.deadline, move |connection| {
            let mut session = BatchSession::new(connection, &scope);
            session.lock()?;
            body(&mut session)
        })
    }

    /// As [`run_batch`](Self::run_batch) for a `body` that only carries out what was decided before: the workspace is
    /// locked by its first write, and a lost race is not tried again.
    ///
    /// # Errors
    /// As those of [`run_batch`](Self::run_batch).
    pub fn write_batch<T, F>(&self, scope: BatchScope, mut body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn BatchTransaction) -> Result<(T, End), StoreError> + Send + 'static,
    {
        self.write_tried(scope.deadline, 1, move |connection| body(&mut BatchSession::new(connection, &scope)))
    }

    /// Finishes what was accepted, carries the write-ahead log over and ends the threads. Later writes are
    /// `Unavailable`. Closing twice is fine; dropping the store closes it.
    pub fn close(&self) {
        if let Writes::Thread(writer) = &self.writes {
            self.leave_last_mark();
            writer.close();
        }
    }

    /// Whether SQLite's files are still those that were opened; always so on Postgres. Cheap: it asks the file system
    /// alone.
    ///
    /// # Errors
    /// `Unavailable`, naming what was removed or replaced: nothing is acknowledged any more.
    pub fn check_files(&self) -> Result<(), StoreError> {
        self.file.as_ref().map_or(Ok(()), DatabaseFile::check)
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// `Unavailable` or `Busy` if there is none.
    pub fn ping(&self) -> Result<(), StoreError> {
        self.check_files()?;
        self.read(|connection| Ok(diesel::r2d2::R2D2Connection::ping(connection)?))
    }

    /// A write without a deadline of its own.
    fn write<T, F>(&self, mut body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<T, StoreError> + Send + 'static,
    {
        let deadline = Instant::now() + self.write_timeout;
        self.write_until(deadline, move |connection| Ok((body(connection)?, End::Commit)))
    }

    fn write_until<T, F>(&self, deadline: Instant, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<(T, End), StoreError> + Send + 'static,
    {
        self.write_tried(deadline, self.writes.attempts(), body)
    }

    fn write_tried<T, F>(&self, deadline: Instant, attempts: u32, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<(T, End), StoreError> + Send + 'static,
    {
        match &self.writes {
            Writes::Thread(writer) => writer.submit(deadline, body),
            Writes::Nowhere => Err(StoreError::Refused("the database was opened to be looked at".into())),
            Writes::Pool { .. } => postgres::transaction::run(&self.readers, attempts, deadline, body),
        }
    }

    /// Statements that need not agree with one another.
    fn read<T>(&self, body: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.on_reader(|connection| connection::in_time(connection, body))
    }

    /// Statements that see one state of the database.
    fn read_snapshot<T>(
        &self,
        body: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.on_reader(|connection| connection::in_snapshot(connection, body))
    }

    fn on_reader<T>(&self, work: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut session = self.readers.get(self.readers.patience())?;
        session.allow(connection::READ_TIME, None);
        let outcome = work(&mut session.connection);
        session.note(&outcome);
        outcome
    }
}

/// What messages between servers travel on, if they are wanted and there can be any.
fn messages_of(url: &DatabaseUrl, config: &StoreConfig) -> Result<Option<Connector>, StoreError> {
    if !config.notify || matches!(url, DatabaseUrl::Sqlite(_)) {
        return Ok(None);
    }
    let direct = config.notify_url.as_ref().unwrap_or(url);
    let config = StoreConfig { prepare: false, ..config.clone() };
    Ok(Some(Connector::new(direct, Purpose::Write, &config)))
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}
