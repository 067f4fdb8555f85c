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
mod database;
mod database_file;
pub mod distribution;
pub mod documents;
mod encoding;
pub mod erasure;
pub mod error;
pub mod feed;
mod feed_filling;
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
mod packed;
pub mod past;
pub mod people;
mod pool_transaction;
mod poolers;
mod postgres;
#[cfg(test)]
mod query_plans;
pub mod repair;
mod repeated;
pub mod retention;
mod rows;
mod schema;
mod scope;
pub mod search;
mod session;
pub mod sessions;
mod sql_uuid;
mod sqlite;
mod statement;
pub mod statistics;
mod steps;
pub mod sync_runs;
pub mod tombstones;
pub mod upkeep;
pub mod uploads;
pub mod url;
pub mod usage;
mod watch;
mod workspaces;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use self::config::StoreConfig;
pub use self::database::Store;
pub use self::error::StoreError;
pub use self::packed::PackedTexts;
pub use self::scope::{BatchScope, End};
pub use self::session::{BatchTransaction, Snapshot};
pub use self::url::DatabaseUrl;
