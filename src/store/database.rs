//! A database, open: its connections, and the ways to read and to write. Knows no table.

use std::fmt;
use std::time::{Duration, Instant};

use super::checkpoint::Checkpoints;
use super::config::StoreConfig;
use super::connection::{self, AnyConnection, Connector, Pool, Purpose};
use super::database_file::DatabaseFile;
use super::error::StoreError;
use super::scope::{Durability, End};
use super::url::DatabaseUrl;
use super::writer::Writer;
use super::{distribution, migrations, pool_transaction, poolers};
use crate::clock::SystemClock;
use crate::domain::timestamp::Clock;

/// The database, open. Share it in an `Arc`; every method blocks, so call it off the event loop.
pub struct Store {
    pub(super) readers: Pool,
    pub(super) writes: Writes,
    pub(super) write_timeout: Duration,
    /// SQLite: where it lies.
    pub(super) file: Option<DatabaseFile>,
    /// Postgres: whether its tables lie on several servers.
    pub(super) is_sharded: bool,
    /// Opens connections for messages between servers; SQLite has none.
    pub(super) messages: Option<Connector>,
    /// Opens the connection of health checks.
    pub(super) probing: Connector,
}

/// How a write reaches its database.
pub(super) enum Writes {
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
        let is_sharded = distribution::is_sharded(url)?;
        let write_timeout = config.write_timeout();
        let store = Self { readers, writes, write_timeout, file, is_sharded, messages, probing: connector };
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
        let (writes, is_sharded) = (Writes::Nowhere, false);
        Ok(Self { readers, writes, write_timeout, file, is_sharded, messages: None, probing: connector })
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
    pub(super) fn write<T, F>(&self, mut body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<T, StoreError> + Send + 'static,
    {
        let deadline = Instant::now() + self.write_timeout;
        self.write_until(deadline, move |connection| Ok((body(connection)?, End::Commit)))
    }

    /// A write that is answered when it is committed, and synced right afterwards: what nobody misses whose power was cut.
    pub(super) fn write_soon<T, F>(&self, mut body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<T, StoreError> + Send + 'static,
    {
        let deadline = Instant::now() + self.write_timeout;
        let body = move |connection: &mut AnyConnection| Ok((body(connection)?, End::Commit));
        self.write_with(deadline, self.writes.attempts(), Durability::Soon, body)
    }

    pub(super) fn write_until<T, F>(&self, deadline: Instant, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<(T, End), StoreError> + Send + 'static,
    {
        self.write_tried(deadline, self.writes.attempts(), body)
    }

    pub(super) fn write_tried<T, F>(&self, deadline: Instant, attempts: u32, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<(T, End), StoreError> + Send + 'static,
    {
        self.write_with(deadline, attempts, Durability::Synced, body)
    }

    fn write_with<T, F>(
        &self,
        deadline: Instant,
        attempts: u32,
        durability: Durability,
        body: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<(T, End), StoreError> + Send + 'static,
    {
        match &self.writes {
            Writes::Thread(writer) => writer.submit(deadline, attempts, durability, body),
            Writes::Nowhere => Err(StoreError::Refused("the database was opened to be looked at".into())),
            Writes::Pool { .. } => pool_transaction::run(&self.readers, attempts, deadline, durability, body),
        }
    }

    /// Statements that need not agree with one another.
    pub(super) fn read<T>(
        &self,
        body: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.on_reader(|connection| connection::in_time(connection, body))
    }

    /// Statements that see one state of the database.
    pub(super) fn read_snapshot<T>(
        &self,
        body: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.on_reader(|connection| connection::in_snapshot(connection, body))
    }

    pub(super) fn on_reader<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
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
