//! What the writer syncs, and when.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::checkpoint::Checkpoints;
use super::connection::{AnyConnection, Connector, Purpose};
use super::database_file::DatabaseFile;
use super::scope::Durability;
use super::writer::Writer;
use super::{DatabaseUrl, End, StoreConfig, StoreError};

#[derive(QueryableByName)]
struct Level {
    #[diesel(sql_type = Integer)]
    synchronous: i32,
}

/// What SQLite waits for when the transaction commits that this runs in.
fn level(connection: &mut AnyConnection) -> Result<(i32, End), StoreError> {
    let level: Level = diesel::sql_query("PRAGMA synchronous").get_result(connection.sqlite()?)?;
    Ok((level.synchronous, End::Commit))
}

/// A writer on a new database, whose file may be taken for another.
fn writer(directory: &Path, as_seen: impl FnOnce(DatabaseFile) -> DatabaseFile) -> Writer {
    let path = directory.join("test.db");
    let (url, config) = (DatabaseUrl::Sqlite(path.clone()), StoreConfig::default());
    let mut first = Connector::new(&url, Purpose::Write, &config).open().unwrap();
    first.batch_execute("CREATE TABLE notes (note INTEGER)").unwrap();
    let file = DatabaseFile::at(&path).unwrap();
    let connector = Connector::new(&url, Purpose::Write, &config).within(&file);
    let checkpoints = Checkpoints::start(&path, &connector, &config).unwrap();
    Writer::start(connector, checkpoints, as_seen(file), &config).unwrap()
}

#[test]
fn nothing_is_written_after_what_could_not_be_synced() {
    let directory = tempfile::tempdir().unwrap();
    let writer = writer(directory.path(), |file| file.without_a_disk());
    let insert = |durability| {
        writer.submit(Instant::now() + Duration::from_secs(60), 1, durability, |connection| {
            connection.batch_execute("INSERT INTO notes VALUES (1)")?;
            Ok(((), End::Commit))
        })
    };
    insert(Durability::Synced).unwrap();
    insert(Durability::Soon).unwrap();
    for durability in [Durability::Synced, Durability::Soon] {
        let refused = insert(durability);
        let said = |why: &str| why.contains("failed to sync the write-ahead log");
        assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if said(why)), "{refused:?}");
    }
    writer.close();
}

#[test]
fn what_must_be_synced_before_its_answer_is_so_whatever_is_written_beside_it() {
    const NORMAL: i32 = 1;
    const FULL: i32 = 2;
    let directory = tempfile::tempdir().unwrap();
    let writer = writer(directory.path(), |file| file);
    let submit = |durability| writer.submit(Instant::now() + Duration::from_secs(60), 1, durability, level).unwrap();
    assert_eq!([Durability::Synced, Durability::Soon, Durability::Synced].map(submit), [FULL, NORMAL, FULL]);
    let (soon, synced) = std::thread::scope(|scope| {
        let many = |durability| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(move || (0..50).map(|_| submit(durability)).collect::<Vec<_>>())).collect();
            move || threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        };
        let (soon, synced) = (many(Durability::Soon), many(Durability::Synced));
        (soon(), synced())
    });
    assert!(synced.iter().all(|level| *level == FULL), "{synced:?}");
    assert!(soon.iter().all(|level| [NORMAL, FULL].contains(level)), "{soon:?}");
    writer.close();
}
