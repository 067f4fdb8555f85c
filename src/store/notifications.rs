//! Short messages from server to server over Postgres (`NOTIFY`, `LISTEN`). What they say is not known here.
//!
//! They travel on connections of their own, never in a write transaction: at its commit, `NOTIFY` takes a lock that is
//! the whole database's (`docs/adr/0014-events-across-servers.md`).

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use super::connection::{AnyConnection, Connector};
use super::{Store, StoreError};

const SEND: &str = "SELECT pg_notify('landfall', message) FROM unnest($1) AS message";
const LISTEN: &str = "LISTEN landfall";
/// A message is as good as lost with the server that it was sent from: nothing is to be made durable for it.
const NOT_DURABLE: &str = "SET synchronous_commit = off";

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
        diesel::sql_query(SEND).bind::<Array<Text>, _>(messages).execute(&mut self.connection)?;
        Ok(())
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
        let mut connection = self.open_for_messages()?;
        connection.batch_execute(NOT_DURABLE)?;
        Ok(Notifier { connection })
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
        match self.messages.as_ref().map(Connector::open).transpose()? {
            Some(AnyConnection::Postgres(connection)) => Ok(connection),
            Some(AnyConnection::Sqlite(_)) | None => Err(StoreError::Open("SQLite carries no messages".into())),
        }
    }
}
