//! What an operator watches of a database: its size, and work that is left to do. Read now and then, from indexes that are
//! empty while all is well.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use super::connection::AnyConnection;
use super::database_file::wal_path;
use super::schema::{documents, workspaces};
use super::upkeep::TO_COMPACT;
use super::{Store, StoreError};

/// One look at a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Bytes of the database.
    pub database_bytes: i64,
    /// SQLite: bytes of the write-ahead log.
    pub wal_bytes: Option<u64>,
    /// Documents whose Yjs state cannot be shown.
    pub damaged_documents: i64,
    /// Documents whose log outweighs their snapshot.
    pub to_compact: i64,
    /// Deleted workspaces that are not gone yet.
    pub to_erase: i64,
}

impl Store {
    /// Looks.
    ///
    /// Asks every shard: four times a minute.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn observe(&self) -> Result<Gauges, StoreError> {
        let wal = self.file.as_ref().map(|file| wal_path(file.path()));
        let wal_bytes = wal.map(|path| std::fs::metadata(path).map_or(0, |metadata| metadata.len()));
        self.read(|connection| {
            let damaged = documents::table.filter(sql::<Bool>("damaged")).count().get_result(connection)?;
            let to_compact = documents::table.filter(sql::<Bool>(TO_COMPACT)).count().get_result(connection)?;
            let to_erase =
                workspaces::table.filter(workspaces::deleted_at.is_not_null()).count().get_result(connection)?;
            let database_bytes = database_bytes(connection)?;
            Ok(Gauges { database_bytes, wal_bytes, damaged_documents: damaged, to_compact, to_erase })
        })
    }
}

fn database_bytes(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    Ok(match connection {
        AnyConnection::Sqlite(connection) => diesel::select(sql::<BigInt>(
            "(SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size())",
        ))
        .get_result(connection)?,
        AnyConnection::Postgres(connection) => {
            diesel::select(sql::<BigInt>("pg_database_size(current_database())")).get_result(connection)?
        }
    })
}
