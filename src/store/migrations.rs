//! The schema's steps, embedded, and the one place that takes them.

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{AnyConnection, Connector, Purpose, SEQUENTIAL};
use super::steps::PostgresSteps;
use super::{DatabaseUrl, StoreConfig, StoreError};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Names the advisory lock under which Postgres is migrated ("landfall" in ASCII).
const ADVISORY_LOCK: i64 = 0x6c61_6e64_6661_6c6c;

/// What was done to a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Names of the steps taken, in order.
    pub steps: Vec<String>,
}

/// Brings the schema up to date; nothing to do is fine. Two servers may do this at once.
///
/// # Errors
/// `Open`, naming the step that failed.
pub fn migrate(url: &DatabaseUrl) -> Result<Migrated, StoreError> {
    with_connection(url, |connection| match connection {
        AnyConnection::Sqlite(connection) => run_pending_sqlite(connection),
        AnyConnection::Postgres(connection) => locked(connection, |connection| run_pending(connection, PostgresSteps)),
    })
}

/// Checks that the schema has every step that this program knows, and no other. Changes nothing.
///
/// # Errors
/// `Open`, saying what to do.
pub fn check(url: &DatabaseUrl) -> Result<(), StoreError> {
    let checked = with_connection(url, |connection| match connection {
        AnyConnection::Sqlite(connection) => find_pending(connection, SQLITE),
        // A transaction, so that a pooler does not change the connection between two messages.
        AnyConnection::Postgres(connection) => {
            connection.transaction(|connection| find_pending(connection, PostgresSteps))
        }
    })?;
    match checked.steps.first() {
        None => Ok(()),
        Some(step) => Err(StoreError::Open(format!("its schema lacks the step {step}; run landfall migrate first"))),
    }
}

/// Takes every step back, newest first: all data is lost. For tests and for starting over.
///
/// # Errors
/// `Open`, naming the step that failed.
pub fn revert_all(url: &DatabaseUrl) -> Result<Migrated, StoreError> {
    with_connection(url, |connection| match connection {
        AnyConnection::Sqlite(connection) => named(connection.revert_all_migrations(SQLITE)),
        AnyConnection::Postgres(connection) => {
            locked(connection, |connection| named(connection.revert_all_migrations(PostgresSteps)))
        }
    })
}

fn with_connection(
    url: &DatabaseUrl,
    work: impl FnOnce(&mut AnyConnection) -> Result<Migrated, StoreError>,
) -> Result<Migrated, StoreError> {
    // Each statement is used once: nothing is left prepared on a connection that a pooler hands on.
    let config = StoreConfig { prepare: false, ..StoreConfig::default() };
    work(&mut Connector::new(url, Purpose::Write, &config).open()?)
}

/// SQLite has no advisory locks: one transaction around all steps holds the write lock.
fn run_pending_sqlite(connection: &mut SqliteConnection) -> Result<Migrated, StoreError> {
    connection.immediate_transaction(|connection| run_pending(connection, SQLITE))
}

fn run_pending<C, DB, S>(connection: &mut C, source: S) -> Result<Migrated, StoreError>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    S: MigrationSource<DB>,
{
    refuse_newer(connection, &source)?;
    named(connection.run_pending_migrations(source))
}

/// The steps that are still to be taken; none is.
fn find_pending<C, DB, S>(connection: &mut C, source: S) -> Result<Migrated, StoreError>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    S: MigrationSource<DB>,
{
    refuse_newer(connection, &source)?;
    let pending = connection.pending_migrations(source);
    let pending = pending.map_err(|error| StoreError::Open(format!("the schema's steps cannot be read: {error}")))?;
    Ok(Migrated { steps: pending.iter().map(|step| step.name().version().to_string()).collect() })
}

fn refuse_newer<C, DB, S>(connection: &mut C, source: &S) -> Result<(), StoreError>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    S: MigrationSource<DB>,
{
    let steps = source.migrations().and_then(|steps| {
        let known: Vec<_> = steps.iter().map(|step| step.name().version().to_string()).collect();
        let applied = connection.applied_migrations()?;
        Ok(applied.iter().map(ToString::to_string).find(|step| !known.contains(step)))
    });
    let later = steps.map_err(|error| StoreError::Open(format!("the schema's steps cannot be read: {error}")))?;
    if let Some(step) = later {
        // Writing by old rules into new tables could lose what those rules do not know.
        return Err(StoreError::Open(format!(
            "its schema was made by a newer landfall (step {step}) than this one, version {}; start the newer program",
            env!("CARGO_PKG_VERSION")
        )));
    }
    Ok(())
}

fn named(
    taken: diesel::migration::Result<Vec<diesel::migration::MigrationVersion<'_>>>,
) -> Result<Migrated, StoreError> {
    let steps = taken.map_err(|error| StoreError::Open(format!("a migration failed: {error}")))?;
    Ok(Migrated { steps: steps.iter().map(ToString::to_string).collect() })
}

/// Under a lock, in one transaction: the lock ends with it whatever becomes of the session, which a pooler may hand on.
/// Either all steps are taken or none.
fn locked(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<Migrated, StoreError>,
) -> Result<Migrated, StoreError> {
    connection.transaction(|connection| {
        connection.batch_execute(&format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK}); {SEQUENTIAL}"))?;
        work(connection)
    })
}
