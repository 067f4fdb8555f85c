//! What is found out about a Postgres before anything is done on it: whether a pooler stands before it that gives each
//! transaction another connection, and whether errors are reported in a language that can be understood.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use super::connection::{Connector, Purpose};
use super::statement::Statement;
use super::{DatabaseUrl, StoreConfig, StoreError};

/// The server's process behind a connection.
const BACKEND: &str = "SELECT pg_backend_pid()";
/// How often two connections are compared.
const ROUNDS: usize = 3;
/// What one of these statements may take.
const PATIENCE: Duration = Duration::from_secs(15);

const NOT_PREPARED: &str = "LANDFALL_PREPARE: the pooler before this database loses prepared statements, as PgBouncer \
     before 1.21 does, and later ones without max_prepared_statements. Set LANDFALL_PREPARE=false, or use a pooler that \
     keeps them";
const NOT_HEARD: &str = "LANDFALL_NOTIFY: the pooler before this database gives each transaction another connection, on \
     which nothing can be heard. Set LANDFALL_NOTIFY_URL to a direct connection, or LANDFALL_NOTIFY=false";
const NOTIFY_URL_POOLED: &str = "LANDFALL_NOTIFY_URL: a pooler that gives each transaction another connection stands \
     there too. Name Postgres itself, or set LANDFALL_NOTIFY=false";

/// Finds out whether the settings fit the database.
///
/// # Errors
/// `Open`, naming the setting that does not and what would.
pub(super) fn examine(url: &DatabaseUrl, config: &StoreConfig) -> Result<(), StoreError> {
    let connector = Connector::new(url, Purpose::Write, config);
    let (mut first, watch) = connector.open_postgres()?;
    watch.allow(PATIENCE, None);
    check_language(&mut first)?;
    // Where there is room for one connection only, there is nothing to compare.
    let Ok((mut second, watch)) = connector.open_postgres() else { return Ok(()) };
    watch.allow(PATIENCE, None);
    if !changes_connections(&mut first, &mut second).map_err(|error| refused(&error, config))? {
        return Ok(());
    }
    match &config.notify_url {
        _ if !config.notify => Ok(()),
        None => Err(StoreError::Open(NOT_HEARD.into())),
        Some(direct) => {
            let connector = Connector::new(direct, Purpose::Write, &StoreConfig { prepare: false, ..config.clone() });
            let ((mut first, _first), (mut second, _second)) = (connector.open_postgres()?, connector.open_postgres()?);
            match changes_connections(&mut first, &mut second)? {
                true => Err(StoreError::Open(NOTIFY_URL_POOLED.into())),
                false => Ok(()),
            }
        }
    }
}

/// The statement is prepared in one transaction and used in others: without support for that, a pooler does not know it.
fn refused(error: &StoreError, config: &StoreConfig) -> StoreError {
    match error.to_string() {
        text if config.prepare && text.contains("prepared statement") => StoreError::Open(NOT_PREPARED.into()),
        text => StoreError::Open(text),
    }
}

/// Whether one client's transactions run on more than one connection of the server, or two clients' on the same.
fn changes_connections(first: &mut PgConnection, second: &mut PgConnection) -> Result<bool, StoreError> {
    let mut changes = false;
    for _ in 0..ROUNDS {
        // Never two at once: a pooler may have one connection for all.
        let before = in_transaction(first, backend_of)?;
        let other = in_transaction(second, backend_of)?;
        let after = in_transaction(first, backend_of)?;
        changes |= before == other || before != after;
    }
    Ok(changes)
}

fn in_transaction<T>(
    connection: &mut PgConnection,
    body: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN; SET LOCAL statement_timeout = 15000")?;
    let value = body(connection)?;
    AnsiTransactionManager::commit_transaction(connection)?;
    Ok(value)
}

fn backend_of(connection: &mut PgConnection) -> Result<i32, StoreError> {
    Ok(Statement::<Pg, Integer>::new(BACKEND).get_result(connection)?)
}

/// Diesel reports a class of its own for a few errors; the others are told apart by their text (see `error`).
fn check_language(connection: &mut PgConnection) -> Result<(), StoreError> {
    let language: String = in_transaction(connection, |connection| {
        let setting = diesel::dsl::sql::<Text>("current_setting('lc_messages')");
        Ok(diesel::select(setting).get_result(connection)?)
    })?;
    if is_english(&language) {
        return Ok(());
    }
    Err(StoreError::Open(format!(
        "its messages are in another language (lc_messages = {language}), by which a deadlock cannot be distinguished from a \
         refusal. As a superuser: ALTER DATABASE … SET lc_messages = 'C'"
    )))
}

fn is_english(language: &str) -> bool {
    matches!(language, "" | "C" | "POSIX") || ["C.", "en_", "English"].iter().any(|prefix| language.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_has_several_names() {
        for language in ["C", "POSIX", "C.UTF-8", "en_US.UTF-8", "en_GB", "English_United States.1252", ""] {
            assert!(is_english(language), "{language}");
        }
        for language in ["de_DE.UTF-8", "fr_FR", "Cs", "zh_CN.UTF-8"] {
            assert!(!is_english(language), "{language}");
        }
    }
}
