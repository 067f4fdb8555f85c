//! Leases: work that one server at a time does. Who holds one and dies loses it by time. Knows no work.

use diesel::RunQueryDsl;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use super::connection::AnyConnection;
use super::schema::leases;
use super::sql_uuid::{DbUuid, SqlUuid};
use super::statement::Statement;
use super::{Store, StoreError};
use crate::domain::timestamp::Timestamp;

/// Longer than any lease is taken for: one that lasts longer was taken by a clock that was ahead.
const LONGEST_S: i64 = 32 * 86_400;

/// Takes a lease that is free, run out, or the holder's own; another's is left alone.
const TAKE: &str = "INSERT INTO leases (name, holder, expires_at) VALUES (?, ?, ?) \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
     WHERE leases.holder = excluded.holder OR leases.expires_at <= ? OR leases.expires_at > ?";

impl Store {
    /// Takes the lease `name` for `seconds` from `now`, or renews it: whether `holder` has it now. Servers' clocks may
    /// differ by less than that.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn take_lease(
        &self,
        name: &'static str,
        holder: Uuid,
        now: Timestamp,
        seconds: i64,
    ) -> Result<bool, StoreError> {
        let (holder, expires_at) = (DbUuid(holder), now.plus_seconds(seconds).0);
        self.write(move |connection| {
            let taken = match connection {
                AnyConnection::Sqlite(connection) => Statement::<Sqlite>::new(TAKE)
                    .bind::<Text, _>(name)
                    .bind::<SqlUuid, _>(holder)
                    .bind::<BigInt, _>(expires_at)
                    .bind::<BigInt, _>(now.0)
                    .bind::<BigInt, _>(now.plus_seconds(LONGEST_S).0)
                    .execute(connection)?,
                AnyConnection::Postgres(connection) => Statement::<Pg>::new(TAKE)
                    .bind::<Text, _>(name)
                    .bind::<SqlUuid, _>(holder)
                    .bind::<BigInt, _>(expires_at)
                    .bind::<BigInt, _>(now.0)
                    .bind::<BigInt, _>(now.plus_seconds(LONGEST_S).0)
                    .execute(connection)?,
            };
            Ok(taken == 1)
        })
    }

    /// Gives the lease `name` back, if `holder` has it.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn release_lease(&self, name: &'static str, holder: Uuid) -> Result<(), StoreError> {
        self.write(move |connection| {
            diesel::delete(leases::table)
                .filter(leases::name.eq(name))
                .filter(leases::holder.eq(DbUuid(holder)))
                .execute(connection)?;
            Ok(())
        })
    }

    /// Removes leases that ran out before `before`: of work that no server does any more.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn purge_leases(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.write(move |connection| {
            Ok(diesel::delete(leases::table).filter(leases::expires_at.lt(before.0)).execute(connection)?)
        })
    }
}
