//! Backing a SQLite database up while it is served, and putting it back. Postgres has tools of its own.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;

use super::connection::{Connector, Purpose};
use super::database_file::wal_path;
use super::lives::Life;
use super::statement::Statement;
use super::{DatabaseUrl, Store, StoreConfig, StoreError, lives, migrations};
use crate::domain::timestamp::Timestamp;

/// A backup holds password hashes and everybody's documents.
const OWNER_ONLY: u32 = 0o600;

/// What became of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The life that the database is in now.
    pub life: Life,
    /// Where the database that was there before is now, if there was one.
    pub set_aside: Option<PathBuf>,
}

/// Writes the database, as it is at one moment, into a new file. Servers may read and write meanwhile.
///
/// # Errors
/// `Open` if the database is not SQLite or not there, or if the file exists or cannot be written; `Corrupt` if the copy
/// is not sound. No file is left behind then.
pub fn back_up(url: &DatabaseUrl, file: &Path) -> Result<(), StoreError> {
    let source = sqlite_path(url)?;
    if !source.exists() {
        return Err(StoreError::Open(format!("there is no database {}", source.display())));
    }
    if file.exists() {
        return Err(StoreError::Open(format!("{} exists; name a new file", file.display())));
    }
    let partial = beside(file, ".partial");
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(&partial)
        .map_err(|error| cannot("write", &partial, &error))
        .and_then(|_empty| vacuum_into(url, &partial))
        .and_then(|()| check_soundness(&partial))
        // Fails where somebody else has made the file meanwhile.
        .and_then(|()| std::fs::hard_link(&partial, file).map_err(|error| cannot("write", file, &error)))
        .and_then(|()| sync(file));
    remove_if_there(&partial).map_err(|error| cannot("remove", &partial, &error))?;
    written
}

/// Puts the backup `file` in the place of the database, which no server may have open, and begins a new life. The database
/// that was there is set aside, not deleted. The backup stays as it is.
///
/// # Errors
/// `Open` if the database is not SQLite, or in use, or the backup is none of this program's; `Corrupt` if it is not sound.
/// The database is as it was then.
pub fn restore(url: &DatabaseUrl, file: &Path, now: Timestamp) -> Result<Restored, StoreError> {
    let target = sqlite_path(url)?;
    let coming = beside(target, ".restoring");
    let discard = || remove_with_log(&coming).map_err(|error| cannot("remove", &coming, &error));
    discard()?;
    let prepared = prepare(file, &coming).and_then(|()| take_out_of_use(url, target));
    if let Err(refused) = prepared {
        discard()?;
        return Err(refused);
    }
    let set_aside = set_aside(target, now).map_err(|error| cannot("set aside", target, &error))?;
    std::fs::rename(&coming, target).map_err(|error| cannot("put in place", target, &error))?;
    sync(target)?;
    let store = Store::open(url, &StoreConfig::default())?;
    let life = store.find_life()?;
    store.close();
    Ok(Restored { life, set_aside })
}

fn sqlite_path(url: &DatabaseUrl) -> Result<&Path, StoreError> {
    match url {
        DatabaseUrl::Sqlite(path) => Ok(path),
        DatabaseUrl::Postgres(_) => Err(StoreError::Open(
            "Postgres is backed up and restored with its own tools (pg_dump, pg_restore); docs/backup.md says how"
                .into(),
        )),
    }
}

/// A read transaction as long as the copy takes; writers are not held up.
fn vacuum_into(url: &DatabaseUrl, partial: &Path) -> Result<(), StoreError> {
    let name = partial.to_str().ok_or_else(|| StoreError::Open("the file's path is not UTF-8".into()))?;
    let mut connection = Connector::new(url, Purpose::Write, &StoreConfig::default()).open()?;
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(name).execute(connection.sqlite()?)?;
    Ok(())
}

/// Makes a sound, up-to-date copy of a backup, which knows that it is one.
fn prepare(file: &Path, coming: &Path) -> Result<(), StoreError> {
    let copy = |from: &Path, to: &Path| std::fs::copy(from, to).map_err(|error| cannot("read", from, &error));
    copy(file, coming)?;
    // A backup that was made by copying files may have a write-ahead log.
    if wal_path(file).exists() {
        copy(&wal_path(file), &wal_path(coming))?;
    }
    check_soundness(coming)?;
    let url = DatabaseUrl::Sqlite(coming.to_owned());
    migrations::migrate(&url)?;
    let mut connection = Connector::new(&url, Purpose::Write, &StoreConfig::default()).open()?;
    lives::forget_place(&mut connection)?;
    // No log is left, so that the one file is all of it.
    end_log(&mut connection)?;
    drop(connection);
    sync(coming)
}

/// Whether SQLite finds nothing wrong with a file, and it is a database of this program.
fn check_soundness(file: &Path) -> Result<(), StoreError> {
    let url = DatabaseUrl::Sqlite(file.to_owned());
    let mut connection = Connector::new(&url, Purpose::Write, &StoreConfig::default()).open()?;
    let connection = connection.sqlite()?;
    let found: String = Statement::<Sqlite, Text>::new("PRAGMA integrity_check(1)").get_result(connection)?;
    if found != "ok" {
        return Err(StoreError::Corrupt(format!("{} is damaged: {found}", file.display())));
    }
    const OURS: &str = "SELECT count(*) FROM sqlite_schema \
         WHERE type = 'table' AND name IN ('workspaces', 'documents', 'document_log', '__diesel_schema_migrations')";
    let tables: i64 = Statement::<Sqlite, BigInt>::new(OURS).get_result(connection)?;
    match tables {
        4 => Ok(()),
        _ => Err(StoreError::Open(format!("{} is not a database of landfall", file.display()))),
    }
}

/// Closes the database's write-ahead log. That fails where anybody has it open.
fn take_out_of_use(url: &DatabaseUrl, target: &Path) -> Result<(), StoreError> {
    if !target.exists() {
        return Ok(());
    }
    let in_use = || StoreError::Open(format!("{} is in use; stop the server first", target.display()));
    let opened = Connector::new(url, Purpose::Write, &StoreConfig { busy_timeout_ms: 500, ..StoreConfig::default() });
    let ended = opened.open().and_then(|mut connection| end_log(&mut connection));
    match ended {
        // A damaged database is put aside as it is: it is what a restore is for.
        Ok(true) | Err(StoreError::Corrupt(_)) => Ok(()),
        Ok(false) => Err(in_use()),
        Err(StoreError::Unavailable(reason)) if reason.contains("locked") => Err(in_use()),
        Err(other) => Err(other),
    }
}

/// Carries the log over and removes it; whether nobody else had the database open.
fn end_log(connection: &mut super::connection::AnyConnection) -> Result<bool, StoreError> {
    let mode: String =
        Statement::<Sqlite, Text>::new("PRAGMA journal_mode = DELETE").get_result(connection.sqlite()?)?;
    Ok(mode == "delete")
}

/// Gives the database a second name; the first is taken over by the restored one in a single step, so that at no time
/// there is none. The log of one that could not be closed goes with it.
fn set_aside(target: &Path, now: Timestamp) -> io::Result<Option<PathBuf>> {
    if !target.exists() {
        return Ok(None);
    }
    let aside = beside(target, &format!(".before-restore-{}", now.0));
    std::fs::hard_link(target, &aside)?;
    if wal_path(target).exists() {
        std::fs::rename(wal_path(target), wal_path(&aside))?;
    }
    remove_if_there(&beside(target, "-shm"))?;
    Ok(Some(aside))
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn remove_with_log(file: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm"] {
        remove_if_there(&beside(file, ending))?;
    }
    Ok(())
}

fn remove_if_there(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) | Ok(()) => Ok(()),
    }
}

/// Makes a file and its name outlast a power cut.
fn sync(file: &Path) -> Result<(), StoreError> {
    let synced = File::open(file).and_then(|opened| opened.sync_all());
    synced
        .and_then(|()| File::open(lives::directory_of(file))?.sync_all())
        .map_err(|error| cannot("write", file, &error))
}

fn cannot(what: &str, file: &Path, error: &io::Error) -> StoreError {
    StoreError::Open(format!("cannot {what} {}: {error}", file.display()))
}
