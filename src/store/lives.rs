//! The lives of a database: recognising one that was put back to an earlier state or copied, and beginning a new life.
//!
//! What a SQLite database remembers of the file that it was last opened in is compared with the file that it is found
//! in: a copy is another file. Content that was copied into the same file is older than the marker beside it, whose name
//! carries a number that goes up with the database (`mark`). On Postgres a database made anew from a dump is another
//! one. What is not noticed (a dump loaded into the same database, a disk snapshot rolled back) is for
//! [`Store::begin_new_life`], by hand.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use diesel::connection::SimpleConnection;
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::connection::AnyConnection;
use super::schema::{documents, lives, workspaces};
use super::{End, Store, StoreError, uploads};
use crate::domain::ids::Version;
use crate::domain::life::version_floor;
use crate::domain::timestamp::Timestamp;

/// How long the beginning of a life may take: it looks at every document.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long closing waits for the last mark.
const LAST_MARK: Duration = Duration::from_secs(2);

/// A life of a database.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = lives)]
pub struct Life {
    /// Which one, from 1.
    #[diesel(column_name = life)]
    pub number: i64,
    /// In every cursor that is given out in it.
    pub generation: i64,
    /// No version that is made in it is below this one.
    pub version_floor: Version,
    /// The file or database that it was last found in.
    place: Option<String>,
    /// SQLite: goes up with each start and stop, and now and then.
    mark: i64,
}

impl Store {
    /// The life that the database is in.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn find_life(&self) -> Result<Life, StoreError> {
        self.read(current_life)
    }

    /// Begins a new life, after the database was put back to an earlier state: every cursor expires, and no version that
    /// may have been given out is given out again. Servers may be at work meanwhile.
    ///
    /// Asks every shard: after a restore.
    ///
    /// # Errors
    /// Whatever the database said.
    pub fn begin_new_life(&self, now: Timestamp) -> Result<Life, StoreError> {
        self.write_until(Instant::now() + PATIENCE, move |connection| {
            let before = lock_lives(connection)?;
            Ok((begin_life(connection, now, &before)?, End::Commit))
        })
    }

    /// Begins a new life if the database is not where it was when it was last opened, or is older than it was.
    ///
    /// # Errors
    /// Whatever the database or the file system said.
    pub(super) fn recognise(&self, now: Timestamp) -> Result<(), StoreError> {
        let (place, marker) = match self.file() {
            Some(path) => {
                let place =
                    std::fs::metadata(path).map(|metadata| place_of(&metadata)).map_err(|e| unseen(path, &e))?;
                (place, newest_marker(path).map_err(|error| unseen(path, &error))?)
            }
            None => (self.read(place_on_postgres)?, None),
        };
        self.write_until(Instant::now() + PATIENCE, move |connection| {
            let life = lock_lives(connection)?;
            let why = match (&life.place, marker) {
                (Some(before), _) if *before != place => Some("it is a copy, or was made anew from a dump"),
                (_, Some(marker)) if marker > life.mark => Some("it is older than when it was last open"),
                _ => None,
            };
            let (before, is_known) = (life.place.clone(), life.place.as_ref() == Some(&place));
            // The markers that are there may be ahead, after a restore; the next mark is beyond them.
            let known = Life { place: Some(place.clone()), mark: life.mark.max(marker.unwrap_or(0)), ..life };
            if let Some(why) = why {
                let begun = begin_life(connection, now, &known)?;
                tracing::warn!(
                    life = begun.number,
                    version_floor = begun.version_floor,
                    before,
                    place,
                    "the database begins a new life, since {why}: clients compare everything anew"
                );
            } else if !is_known {
                diesel::update(lives::table.find(known.number)).set(lives::place.eq(&place)).execute(connection)?;
            }
            Ok(((), End::Commit))
        })?;
        self.advance_mark()
    }

    /// Moves the mark of a SQLite database on, so that a backup from before now is known by it. Nothing on Postgres.
    ///
    /// # Errors
    /// Whatever the database or the file system said.
    pub fn advance_mark(&self) -> Result<(), StoreError> {
        self.advance_mark_within(self.write_timeout)
    }

    /// The mark of a server that stops. Where the database is gone there is nothing to mark.
    pub(super) fn leave_last_mark(&self) {
        if let Err(error) = self.advance_mark_within(LAST_MARK) {
            tracing::debug!(%error, "the database's mark could not be moved on");
        }
    }

    fn advance_mark_within(&self, time: Duration) -> Result<(), StoreError> {
        let Some(path) = self.file() else { return Ok(()) };
        let mark = self.write_until(Instant::now() + time, |connection| {
            let life = current_life(connection)?;
            let mark = life.mark.saturating_add(1);
            diesel::update(lives::table.find(life.number)).set(lives::mark.eq(mark)).execute(connection)?;
            Ok((mark, End::Commit))
        })?;
        // After the commit: a marker must never be ahead of its own database.
        leave_marker(path, mark).map_err(|error| unseen(path, &error))
    }

    fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(super::database_file::DatabaseFile::path)
    }
}

fn unseen(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("the marker beside {}: {error}", path.display()))
}

/// The life that the database is in.
pub(super) fn current_life(connection: &mut AnyConnection) -> Result<Life, StoreError> {
    Ok(lives::table.order(lives::life.desc()).select(Life::as_select()).first(connection)?)
}

/// Makes a database be taken for a copy when it is next opened, as a backup is.
pub(super) fn forget_place(connection: &mut AnyConnection) -> Result<(), StoreError> {
    diesel::update(lives::table).set(lives::place.eq("a backup")).execute(connection)?;
    Ok(())
}

/// The current life, with others who would begin one kept out.
fn lock_lives(connection: &mut AnyConnection) -> Result<Life, StoreError> {
    if let AnyConnection::Postgres(connection) = connection {
        connection.batch_execute("LOCK TABLE lives IN SHARE ROW EXCLUSIVE MODE")?;
    }
    current_life(connection)
}

/// Asks every shard: after a restore.
fn begin_life(connection: &mut AnyConnection, now: Timestamp, before: &Life) -> Result<Life, StoreError> {
    let highest: Option<Version> = documents::table.select(max(documents::version)).get_result(connection)?;
    let life = Life {
        number: before.number.saturating_add(1),
        generation: random_generation()?,
        version_floor: version_floor(now, highest.unwrap_or(0).max(before.version_floor)),
        place: before.place.clone(),
        mark: before.mark,
    };
    diesel::insert_into(lives::table)
        .values((
            lives::life.eq(life.number),
            lives::generation.eq(life.generation),
            lives::version_floor.eq(life.version_floor),
            lives::began_at.eq(now.0),
            lives::place.eq(&life.place),
            lives::mark.eq(life.mark),
        ))
        .execute(connection)?;
    diesel::update(workspaces::table)
        .set((workspaces::generation.eq(life.generation), workspaces::version_floor.eq(life.version_floor)))
        .execute(connection)?;
    // What was staged after the backup is gone: a commit of the rest would apply half of an upload.
    uploads::drop_all(connection, now)?;
    Ok(life)
}

fn random_generation() -> Result<i64, StoreError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Unavailable(format!("no random bytes: {error}")))?;
    Ok(i64::from_be_bytes(bytes))
}

/// What a file is known by when it is not open. Inodes are given anew, so that the time of birth counts too; the number
/// of a device may be another after each start of the machine.
fn place_of(metadata: &Metadata) -> String {
    let born = metadata.created().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    format!("inode {} born {}", metadata.ino(), born.map_or(0, |born| born.as_nanos()))
}

/// The installation of the server, where it may be asked for, and the number of the database in it.
fn place_on_postgres(connection: &mut AnyConnection) -> Result<String, StoreError> {
    const DATABASE: &str = "(SELECT oid::text FROM pg_database WHERE datname = current_database())";
    let AnyConnection::Postgres(connection) = connection else { return Ok(String::new()) };
    let server = diesel::select(diesel::dsl::sql::<Text>("(SELECT system_identifier::text FROM pg_control_system())"))
        .get_result::<String>(connection);
    let database: String = diesel::select(diesel::dsl::sql::<Text>(DATABASE)).get_result(connection)?;
    Ok(format!("server {} database {database}", server.unwrap_or_default()))
}

/// What comes between a database's name and the mark in a marker's name.
const MARKER: &str = ".mark-";

/// The markers beside a database, each with its mark. There is one, or more after a copy or a crash.
fn markers(database: &Path) -> io::Result<Vec<(i64, PathBuf)>> {
    let mut found = Vec::new();
    let Some(name) = database.file_name().and_then(|name| name.to_str()) else { return Ok(found) };
    for entry in std::fs::read_dir(directory_of(database))? {
        let entry = entry?;
        let mark = entry.file_name().to_str().and_then(|other| {
            other.strip_prefix(name)?.strip_prefix(MARKER)?.parse::<i64>().ok().filter(|mark| *mark > 0)
        });
        found.extend(mark.map(|mark| (mark, entry.path())));
    }
    Ok(found)
}

fn newest_marker(database: &Path) -> io::Result<Option<i64>> {
    Ok(markers(database)?.into_iter().map(|(mark, _)| mark).max())
}

/// Makes the marker of this mark and removes those before it. One that another process left meanwhile stays.
fn leave_marker(database: &Path, mark: i64) -> io::Result<()> {
    let mut name = database.as_os_str().to_owned();
    name.push(format!("{MARKER}{mark}"));
    File::create(PathBuf::from(name))?;
    for (other, path) in markers(database)? {
        if other < mark {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Err(_) | Ok(()) => {}
            }
        }
    }
    File::open(directory_of(database))?.sync_all()
}

pub(super) fn directory_of(database: &Path) -> &Path {
    database.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
