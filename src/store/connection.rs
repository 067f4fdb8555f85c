//! One connection to either database, and the pools of them. Knows no table.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{self, ManageConnection, R2D2Connection};
use diesel::{Connection, MultiConnection, PgConnection, SqliteConnection};

use super::config::StoreConfig;
use super::database_file::DatabaseFile;
use super::error::StoreError;
use super::postgres::transaction::PLANNER;
use super::url::{DatabaseUrl, with_limits};

/// A connection to one of the two databases. Always made by [`Connector`]: the derived `establish` tries one database
/// after the other, and would answer a Postgres that is down with a SQLite file.
#[derive(MultiConnection)]
pub enum AnyConnection {
    /// Postgres.
    Postgres(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

impl AnyConnection {
    /// The SQLite connection within.
    ///
    /// # Errors
    /// `Refused` if it is not one: a fault of this module's callers.
    pub(super) fn sqlite(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        match self {
            Self::Sqlite(connection) => Ok(connection),
            Self::Postgres(_) => Err(StoreError::Refused("a Postgres connection where SQLite is written".into())),
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// SQLite refuses to write on it.
    Read,
    /// It may write.
    Write,
}

/// Errors that have no kind of their own are known by their text (see `error`). A role that may not choose the language
/// keeps the server's: what is not understood then counts as transient.
const MESSAGES_IN_ENGLISH: &str = "DO $$ BEGIN PERFORM set_config('lc_messages', 'C', false); \
     EXCEPTION WHEN insufficient_privilege THEN NULL; END $$";

/// Opens connections of one kind: the pools' way in, and the writer's.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    url: DatabaseUrl,
    purpose: Purpose,
    busy_timeout_ms: u32,
    /// SQLite: the file that is meant, once it has been opened.
    file: Option<DatabaseFile>,
}

impl Connector {
    pub(super) fn new(url: &DatabaseUrl, purpose: Purpose, config: &StoreConfig) -> Self {
        Self { url: url.clone(), purpose, busy_timeout_ms: config.busy_timeout_ms, file: None }
    }

    /// As this one, for this very file: SQLite would make an empty one where it is gone.
    pub(super) fn within(self, file: &DatabaseFile) -> Self {
        Self { file: Some(file.clone()), ..self }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// `Open`, with the URL less its password; `Unavailable` if the file is gone.
    pub(super) fn open(&self) -> Result<AnyConnection, StoreError> {
        if let Some(file) = &self.file {
            file.check()?;
        }
        match &self.url {
            DatabaseUrl::Sqlite(path) => self.open_sqlite(path).map(AnyConnection::Sqlite),
            DatabaseUrl::Postgres(url) => {
                let mut connection = PgConnection::establish(&with_limits(url)).map_err(|error| {
                    // libpq quotes a URL that it cannot read, password and all.
                    self.unopened(&error.to_string().replace(url, &self.url.to_string()))
                })?;
                connection.batch_execute(MESSAGES_IN_ENGLISH)?;
                Ok(AnyConnection::Postgres(connection))
            }
        }
    }

    fn open_sqlite(&self, path: &Path) -> Result<SqliteConnection, StoreError> {
        let name = path.to_str().ok_or_else(|| self.unopened(&"the path is not UTF-8"))?;
        let mut connection = SqliteConnection::establish(name).map_err(|error| self.unopened(&error))?;
        // busy_timeout first: the pragmas after it may themselves meet a lock.
        let mut pragmas = format!(
            "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA temp_store = MEMORY;",
            self.busy_timeout_ms
        );
        // Cache sizes are KiB when negative: batches touch pages at random, so the writer has most use for them.
        pragmas.push_str(match self.purpose {
            Purpose::Read => "PRAGMA query_only = ON; PRAGMA cache_size = -2048;",
            Purpose::Write => "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16384;",
        });
        connection.batch_execute(&pragmas).map_err(|error| self.unopened(&error))?;
        Ok(connection)
    }

    fn unopened(&self, error: &dyn std::fmt::Display) -> StoreError {
        StoreError::Open(format!("{}: {error}", self.url))
    }
}

/// A connection that was used this recently is handed out unasked: asking costs a round trip each time.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// A pooled connection, and what is known of its health.
pub(super) struct Session {
    pub(super) connection: AnyConnection,
    last_used: Instant,
    cut_off: bool,
}

impl Session {
    /// Takes note of how a use ended: a connection that failed its user is not handed out again.
    pub(super) fn note<T>(&mut self, outcome: &Result<T, StoreError>) {
        self.cut_off |= matches!(outcome, Err(StoreError::Unavailable(_)));
    }
}

impl ManageConnection for Connector {
    type Connection = Session;
    type Error = StoreError;

    fn connect(&self) -> Result<Session, StoreError> {
        Ok(Session { connection: self.open()?, last_used: Instant::now(), cut_off: false })
    }

    fn is_valid(&self, session: &mut Session) -> Result<(), StoreError> {
        match &mut session.connection {
            // A file does not go away; a server may have been restarted meanwhile.
            AnyConnection::Sqlite(_) => Ok(()),
            AnyConnection::Postgres(_) if session.last_used.elapsed() < TRUSTED_FOR => Ok(()),
            AnyConnection::Postgres(connection) => Ok(connection.ping()?),
        }
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.last_used = Instant::now();
        session.cut_off || std::thread::panicking() || session.connection.is_broken()
    }
}

/// A pool of connections of one kind.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    connections: r2d2::Pool<Connector>,
    name: &'static str,
}

/// A connection out of a [`Pool`].
pub(super) type Pooled = r2d2::PooledConnection<Connector>;

impl Pool {
    /// Opens the pool with one connection, so that a database that cannot be reached shows at once.
    ///
    /// # Errors
    /// `Open`.
    pub(super) fn open(name: &'static str, connector: Connector, config: &StoreConfig) -> Result<Self, StoreError> {
        drop(connector.open()?);
        let connections = r2d2::Pool::builder()
            .max_size(config.reader_connections.max(1))
            .min_idle(Some(1))
            .test_on_check_out(true)
            .connection_timeout(Duration::from_millis(config.connection_timeout_ms))
            .error_handler(Box::new(Faults))
            .build_unchecked(connector);
        Ok(Self { connections, name })
    }

    /// A connection, no later than `deadline` and no later than the configured time.
    ///
    /// # Errors
    /// `Busy` if all are in use, `Unavailable` if none can be made.
    pub(super) fn get(&self, deadline: Instant) -> Result<Pooled, StoreError> {
        let wait = deadline.saturating_duration_since(Instant::now()).min(self.connections.connection_timeout());
        if wait.is_zero() {
            return Err(StoreError::Timeout);
        }
        let taken = self.connections.get_timeout(wait);
        let state = self.connections.state();
        metrics::gauge!("landfall_pool_connections", "pool" => self.name).set(f64::from(state.connections));
        metrics::gauge!("landfall_pool_in_use", "pool" => self.name)
            .set(f64::from(state.connections.saturating_sub(state.idle_connections)));
        taken.map_err(|error| {
            if state.connections >= self.connections.max_size() && state.idle_connections == 0 {
                StoreError::Busy
            } else {
                StoreError::Unavailable(error.to_string())
            }
        })
    }

    /// How many connections there are at most.
    pub(super) fn size(&self) -> u32 {
        self.connections.max_size()
    }

    /// When a reader that has no deadline of its own gives up waiting for a connection.
    pub(super) fn patience(&self) -> Instant {
        Instant::now() + self.connections.connection_timeout()
    }
}

/// Tells the log of connections that could not be made.
#[derive(Debug)]
struct Faults;

impl r2d2::HandleError<StoreError> for Faults {
    fn handle_error(&self, error: StoreError) {
        tracing::warn!(%error, "a database connection could not be made");
    }
}

/// What a statement of a reader may take on Postgres, where the server enforces it. Nothing is set on a session: poolers
/// hand it to others.
const READ_LIMIT: &str = "SET LOCAL statement_timeout = 30000; SET LOCAL lock_timeout = 30000";

/// Runs statements that need not agree with one another. On Postgres they have a limit, which needs a transaction.
///
/// # Errors
/// What `body` answered, or the database.
pub(super) fn in_time<T>(
    connection: &mut AnyConnection,
    body: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match connection {
        AnyConnection::Sqlite(_) => return body(connection),
        AnyConnection::Postgres(connection) => AnsiTransactionManager::begin_transaction_sql(
            connection,
            &format!("BEGIN ISOLATION LEVEL READ COMMITTED; {READ_LIMIT}"),
        )?,
    }
    end(connection, body)
}

/// Runs `body` in a read-only transaction whose statements all see the same state.
///
/// # Errors
/// What `body` answered, or the database.
pub(super) fn in_snapshot<T>(
    connection: &mut AnyConnection,
    body: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match connection {
        // A reader's BEGIN is deferred: the first statement takes the snapshot, and nothing is locked.
        AnyConnection::Sqlite(connection) => AnsiTransactionManager::begin_transaction(connection)?,
        AnyConnection::Postgres(connection) => AnsiTransactionManager::begin_transaction_sql(
            connection,
            &format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {READ_LIMIT}; {PLANNER}"),
        )?,
    }
    end(connection, body)
}

/// Runs `body` in the transaction that has been begun, and ends it.
fn end<T>(
    connection: &mut AnyConnection,
    body: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match body(connection) {
        Ok(value) => {
            AnyConnection::commit_transaction(connection)?;
            Ok(value)
        }
        Err(error) => {
            AnyConnection::rollback_transaction(connection)?;
            Err(error)
        }
    }
}

/// The file that SQLite writes ahead into.
pub(super) fn wal_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}
