//! The database of a command, opened beside a server that may be running on it.

use std::error::Error;

use crate::config::DatabaseConfig;
use crate::config::data_options::DatabaseOptions;
use crate::store::accounts::User;
use crate::store::{DatabaseUrl, Store, StoreConfig};

/// Opens a database that is there.
///
/// # Errors
/// What is wrong with it, in a line.
pub(super) fn open(options: DatabaseOptions) -> Result<Store, Box<dyn Error>> {
    let config = DatabaseConfig::try_from(options)?;
    if let DatabaseUrl::Sqlite(path) = &config.url
        && !path.exists()
    {
        return Err(
            format!("there is no database {}; start the server once, or run landfall migrate", path.display()).into()
        );
    }
    Ok(Store::open(&config.url, &StoreConfig::default())?)
}

/// The account of that name.
///
/// # Errors
/// There is none.
pub(super) fn user_named(store: &Store, username: &str) -> Result<User, Box<dyn Error>> {
    let user = store.find_user_by_name(&username.to_ascii_lowercase())?;
    user.ok_or_else(|| format!("there is no user {username}").into())
}
