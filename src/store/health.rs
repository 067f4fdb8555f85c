//! Whether the database answers, and takes a write: asked on a connection that nothing else uses. Decides nothing.

use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use super::connection::{AnyConnection, Connector};
use super::database::Writes;
use super::sql_uuid::{DbUuid, SqlUuid};
use super::statement::Statement;
use super::{End, Store, StoreError};
use crate::domain::timestamp::Timestamp;

/// What a statement of a check may take.
const LIMIT: Duration = Duration::from_secs(2);

/// A row of its own, so that it disturbs nobody; leases that nobody renews are purged.
const MARK: &str = "INSERT INTO leases (name, holder, expires_at) VALUES ('health', ?, ?) \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at";

/// Asks one database.
pub struct Probe {
    connector: Connector,
    connection: Option<AnyConnection>,
}

impl Store {
    /// A probe of this database, still without its connection.
    #[must_use]
    pub fn probe(&self) -> Probe {
        Probe { connector: self.probing.clone(), connection: None }
    }

    /// Bytes that are free where the database is; `None` where that is another machine, or cannot be told.
    #[must_use]
    pub fn free_bytes(&self) -> Option<u64> {
        let folder = self.file.as_ref()?.path().parent()?;
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

impl Probe {
    /// Reads something.
    ///
    /// # Errors
    /// `Open` or `Unavailable` if the database does not answer.
    pub fn read(&mut self, store: &Store) -> Result<(), StoreError> {
        store.check_files()?;
        self.with_connection(|connection| {
            begin(connection)?;
            connection.ping()?;
            Ok(AnyConnection::commit_transaction(connection)?)
        })
    }

    /// Writes something, the way that batches take: on SQLite that is the writer's thread.
    ///
    /// # Errors
    /// `Busy` or `Timeout` if too much waits to be written; `Unavailable` if the database takes no write.
    pub fn write(&mut self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let mark = move |connection: &mut AnyConnection| mark(connection, now);
        match store.writes {
            Writes::Pool { .. } => self.with_connection(|connection| {
                begin(connection)?;
                mark(connection)?;
                Ok(AnyConnection::commit_transaction(connection)?)
            }),
            Writes::Thread(_) | Writes::Nowhere => {
                store.write_until(Instant::now() + LIMIT, move |connection| Ok((mark(connection)?, End::Commit)))
            }
        }
    }

    /// A connection that failed is not used again.
    fn with_connection(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connector.open()?,
        };
        work(&mut connection)?;
        self.connection = Some(connection);
        Ok(())
    }
}

fn begin(connection: &mut AnyConnection) -> Result<(), StoreError> {
    match connection {
        AnyConnection::Sqlite(connection) => AnsiTransactionManager::begin_transaction(connection)?,
        AnyConnection::Postgres(connection) => {
            let limit = LIMIT.as_millis();
            let begin = format!("BEGIN; SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}");
            AnsiTransactionManager::begin_transaction_sql(connection, &begin)?;
        }
    }
    Ok(())
}

fn mark(connection: &mut AnyConnection, now: Timestamp) -> Result<(), StoreError> {
    let (holder, at) = (DbUuid(Uuid::nil()), now.0);
    match connection {
        AnyConnection::Sqlite(connection) => {
            Statement::<Sqlite>::new(MARK).bind::<SqlUuid, _>(holder).bind::<BigInt, _>(at).execute(connection)?
        }
        AnyConnection::Postgres(connection) => {
            Statement::<Pg>::new(MARK).bind::<SqlUuid, _>(holder).bind::<BigInt, _>(at).execute(connection)?
        }
    };
    Ok(())
}
