//! Short messages from server to server over Postgres (`NOTIFY`, `LISTEN`). What they say is not known here.
//!
//! They travel on connections of their own, never in a write transaction: at its commit, `NOTIFY` takes a lock that is
//! the whole database's (`docs/adr/0014-events-across-servers.md`).

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use super::{Store, StoreError};

const SEND: &str = "SELECT pg_notify('landfall', message) FROM unnest($1) AS message";
const LISTEN: &str = "LISTEN landfall";
/// A message is as good as lost with the server that it was sent from: nothing is to be made durable for it. That holds
/// for this transaction alone: a pooler hands the session on to others, whose commits must be durable.
const NOT_DURABLE: &str = "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL statement_timeout = 5000; \
                           SET LOCAL lock_timeout = 5000";
/// What sending and listening may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends messages to every server that listens, this one included.
pub struct Notifier {
    connection: PgConnection,
}

/// Receives what was sent since it was opened.
pub struct Listener {
    connection: PgConnection,
}

impl Notifier {
    /// Sends the messages, each of less than 8,000 bytes. One round trip, whatever their number.
    ///
    /// # Errors
    /// `Unavailable` if the connection was lost: open another one.
    pub fn send(&mut self, messages: &[String]) -> Result<(), StoreError> {
        AnsiTransactionManager::begin_transaction_sql(&mut self.connection, NOT_DURABLE)?;
        // After a failure the connection is not used again.
        diesel::sql_query(SEND).bind::<Array<Text>, _>(messages).execute(&mut self.connection)?;
        Ok(AnsiTransactionManager::commit_transaction(&mut self.connection)?)
    }
}

impl Listener {
    /// The messages that have arrived; does not wait for any.
    ///
    /// # Errors
    /// `Unavailable` if the connection was lost: open another one.
    pub fn receive(&mut self) -> Result<Vec<String>, StoreError> {
        let arrived = self.connection.notifications_iter();
        Ok(arrived.map(|message| Ok(message?.payload)).collect::<Result<_, diesel::result::Error>>()?)
    }
}

impl Store {
    /// Whether servers on this database can send each other messages.
    #[must_use]
    pub fn can_notify(&self) -> bool {
        self.messages.is_some()
    }

    /// Opens a connection to send messages on.
    ///
    /// # Errors
    /// `Open` if there is no connection to be had, or the database has no such thing.
    pub fn open_notifier(&self) -> Result<Notifier, StoreError> {
        Ok(Notifier { connection: self.open_for_messages()? })
    }

    /// Opens a connection to receive messages on.
    ///
    /// # Errors
    /// `Open` if there is no connection to be had, or the database has no such thing.
    pub fn open_listener(&self) -> Result<Listener, StoreError> {
        let mut connection = self.open_for_messages()?;
        connection.batch_execute(LISTEN)?;
        Ok(Listener { connection })
    }

    fn open_for_messages(&self) -> Result<PgConnection, StoreError> {
        let Some(connector) = &self.messages else {
            return Err(StoreError::Open("no messages are sent between servers on this database".into()));
        };
        let (connection, watch) = connector.open_postgres()?;
        watch.allow(PATIENCE, None);
        Ok(connection)
    }
}
