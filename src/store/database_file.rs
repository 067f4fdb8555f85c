//! The file that a SQLite database is in, and whether it is still there. Knows no table.
//!
//! SQLite writes on into a file that was unlinked or replaced, and says that all is well. Looking at the path costs
//! microseconds.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::StoreError;

/// Device and inode: what makes a file this file while it is open.
type FileId = (u64, u64);

/// An open database's file and its write-ahead log.
#[derive(Clone, Debug)]
pub(super) struct DatabaseFile {
    path: Arc<Path>,
    wal: Arc<Path>,
    id: FileId,
    /// Open once it has been seen: it is made with the first write, and stays as long as anybody has the database open. It is
    /// kept open, so that syncing it fails by the disk alone and not for want of open files. SQLite holds no locks on that
    /// file, which closing it here would free.
    log: Arc<OnceLock<Log>>,
}

#[derive(Debug)]
struct Log {
    id: FileId,
    file: File,
}

impl DatabaseFile {
    /// The file that is at `path` now. Call it with a connection open, so that its inode is not given to another file.
    ///
    /// # Errors
    /// `Open` if there is none.
    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let found = std::fs::metadata(path)
            .map_err(|error| StoreError::Open(format!("the database file {}: {error}", path.display())))?;
        let wal: PathBuf = wal_path(path);
        Ok(Self { path: path.into(), wal: wal.into(), id: id_of(&found), log: Arc::default() })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Has the disk take what was committed into the write-ahead log.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) fn sync_log(&self) -> Result<(), StoreError> {
        let Some(log) = self.log()? else { return Err(StoreError::Unavailable(gone(&self.wal))) };
        log.file.sync_data().map_err(|error| self.unreadable_log(&error))
    }

    /// Whether the path still leads to the file, and to its write-ahead log.
    ///
    /// # Errors
    /// `Unavailable`, saying which is gone.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if seen(&self.path)? != Some(self.id) {
            return Err(StoreError::Unavailable(gone(&self.path)));
        }
        match self.log()? {
            Some(log) if seen(&self.wal)? != Some(log.id) => Err(StoreError::Unavailable(gone(&self.wal))),
            _ => Ok(()),
        }
    }

    /// The write-ahead log, once there is one.
    fn log(&self) -> Result<Option<&Log>, StoreError> {
        if self.log.get().is_none() {
            let file = match File::open(&self.wal) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(self.unreadable_log(&error)),
            };
            let id = id_of(&file.metadata().map_err(|error| self.unreadable_log(&error))?);
            // Two threads that see it first see the same.
            let _known = self.log.set(Log { id, file });
        }
        Ok(self.log.get())
    }

    fn unreadable_log(&self, error: &io::Error) -> StoreError {
        StoreError::Unavailable(format!("{}: {error}", self.wal.display()))
    }

    /// One whose log no disk can sync.
    #[cfg(test)]
    pub(super) fn without_a_disk(&self) -> Self {
        let (pipe, _writer) = io::pipe().unwrap();
        let id = id_of(&std::fs::metadata(&self.wal).unwrap());
        let log = Log { id, file: File::from(std::os::fd::OwnedFd::from(pipe)) };
        Self { log: Arc::new(OnceLock::from(log)), ..self.clone() }
    }
}

fn seen(path: &Path) -> Result<Option<FileId>, StoreError> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(id_of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::Unavailable(format!("{}: {error}", path.display()))),
    }
}

fn id_of(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

fn gone(path: &Path) -> String {
    format!("{} was removed or replaced while it was in use; put it back, or restart the server", path.display())
}

/// The file that SQLite writes ahead into.
pub(super) fn wal_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_removed_or_replaced_is_missed_until_it_is_back() {
        let directory = tempfile::tempdir().unwrap();
        let [path, wal, aside] = ["a.db", "a.db-wal", "aside"].map(|name| directory.path().join(name));
        std::fs::write(&path, "the database").unwrap();
        let file = DatabaseFile::at(&path).unwrap();
        let is_gone = || matches!(file.check(), Err(StoreError::Unavailable(reason)) if reason.contains("was removed"));
        file.check().unwrap();
        std::fs::write(&wal, "its log").unwrap();
        file.check().unwrap();
        for taken in [&path, &wal] {
            std::fs::rename(taken, &aside).unwrap();
            assert!(is_gone());
            std::fs::write(taken, "another one").unwrap();
            assert!(is_gone());
            std::fs::rename(&aside, taken).unwrap();
            file.check().unwrap();
        }
        std::fs::remove_dir_all(directory.path()).unwrap();
        assert!(is_gone());
    }
}
