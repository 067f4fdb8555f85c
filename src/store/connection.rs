//! One connection to either database, and the pools of them. Knows no table.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, CacheSize, SimpleConnection, TransactionManager};
use diesel::r2d2::{self, ManageConnection, R2D2Connection};
use diesel::{Connection, MultiConnection, PgConnection, SqliteConnection};

use super::config::StoreConfig;
use super::database_file::DatabaseFile;
use super::error::StoreError;
use super::hosts::Hosts;
use super::url::{DatabaseUrl, with_limits};
use super::watch::Watch;

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

/// Opens connections of one kind: the pools' way in, and the writer's.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    url: DatabaseUrl,
    /// Postgres: the servers that the URL names.
    hosts: Arc<Hosts>,
    /// Postgres: whether statements are prepared once for each connection.
    prepare: bool,
    purpose: Purpose,
    busy_timeout_ms: u32,
    /// SQLite: the file that is meant, once it has been opened.
    file: Option<DatabaseFile>,
}

impl Connector {
    pub(super) fn new(url: &DatabaseUrl, purpose: Purpose, config: &StoreConfig) -> Self {
        let hosts = match url {
            DatabaseUrl::Sqlite(_) => Hosts::of(""),
            DatabaseUrl::Postgres(url) => Hosts::of(&with_limits(url)),
        };
        Self {
            url: url.clone(),
            hosts: Arc::new(hosts),
            prepare: config.prepare,
            purpose,
            busy_timeout_ms: config.busy_timeout_ms,
            file: None,
        }
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
        Ok(self.open_watched()?.0)
    }

    fn open_watched(&self) -> Result<(AnyConnection, Option<Arc<Watch>>), StoreError> {
        if let Some(file) = &self.file {
            file.check()?;
        }
        match &self.url {
            DatabaseUrl::Sqlite(path) => Ok((AnyConnection::Sqlite(self.open_sqlite(path)?), None)),
            DatabaseUrl::Postgres(_) => {
                let (connection, watch) = self.open_postgres()?;
                Ok((AnyConnection::Postgres(connection), Some(watch)))
            }
        }
    }

    /// A connection to the first of the hosts that accepts one.
    ///
    /// # Errors
    /// `Open`, naming why each host did not.
    pub(super) fn open_postgres(&self) -> Result<(PgConnection, Arc<Watch>), StoreError> {
        let mut refusals = Vec::new();
        for host in self.hosts.in_order(Instant::now()) {
            match Watch::open(&host) {
                Ok((mut connection, watch)) => {
                    self.hosts.prefer(&host);
                    if !self.prepare {
                        connection.set_prepared_statement_cache_size(CacheSize::Disabled);
                    }
                    return Ok((connection, watch));
                }
                // libpq quotes a URL that it cannot read, password and all.
                Err(error) => refusals.push(error.trim().replace(&host.url, &self.url.to_string())),
            }
        }
        Err(self.unopened(&refusals.join("; ")))
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
/// What the answer to the question whether a connection still works may take.
const PING: Duration = Duration::from_secs(2);

/// A pooled connection, and what is known of its health.
pub(super) struct Session {
    pub(super) connection: AnyConnection,
    /// Postgres: its deadline on this side.
    watch: Option<Arc<Watch>>,
    last_used: Instant,
    cut_off: bool,
}

impl Session {
    /// What each statement may take from now on before the connection is given up, and when all of them must be through.
    pub(super) fn allow(&self, statement: Duration, until: Option<Instant>) {
        if let Some(watch) = &self.watch {
            watch.allow(statement, until);
        }
    }

    /// Takes note of how a use ended: a connection that failed its user is not handed out again.
    pub(super) fn note<T>(&mut self, outcome: &Result<T, StoreError>) {
        self.cut_off |= matches!(outcome, Err(StoreError::Unavailable(_)));
    }
}

impl ManageConnection for Connector {
    type Connection = Session;
    type Error = StoreError;

    fn connect(&self) -> Result<Session, StoreError> {
        let (connection, watch) = self.open_watched()?;
        Ok(Session { connection, watch, last_used: Instant::now(), cut_off: false })
    }

    fn is_valid(&self, session: &mut Session) -> Result<(), StoreError> {
        session.allow(PING, None);
        match &mut session.connection {
            // A file does not go away; a server may have been restarted meanwhile.
            AnyConnection::Sqlite(_) => Ok(()),
            AnyConnection::Postgres(_) if session.last_used.elapsed() < TRUSTED_FOR => Ok(()),
            // In one message, so that a pooler sees one transaction.
            AnyConnection::Postgres(connection) => Ok(connection.batch_execute("SELECT 1")?),
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

/// What a statement of a reader may take.
pub(super) const READ_TIME: Duration = Duration::from_secs(30);
/// The same for Postgres to enforce. Nothing is set on a session: poolers hand it to others.
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

/// Lookups by key, row by row, are right for every statement of a write and of a snapshot, whatever the tables' sizes: a
/// plan made while a table was small, or before it was first analysed, is kept after it has grown.
pub(super) const PLANNER: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_hashjoin = off; \
                       SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off";

/// What a transaction does on every shard, it does on one after the other. Only then may it also change a table that
/// every server has a copy of. A Postgres without Citus takes this for a setting of nobody's.
pub(super) const SEQUENTIAL: &str = "SET LOCAL citus.multi_shard_modify_mode = 'sequential'";

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
