//! Changing the folder: files are written so that nobody ever sees half of one, and what is taken away is kept for a while.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::OnceLock;
use std::time::SystemTime;

use super::{DRAFT_PREFIX, Folder, bin, look_of};
use crate::client::error::ClientError;
use crate::domain::line_ends::{FileForm, inside, outside};

/// Where in the client's own directory files lie that were taken away.
const BIN: &str = "bin";

impl Folder {
    /// Writes a draft beside the file that it will replace, down to the disk; the draft's path inside the folder. It has
    /// the line ends of that file, or of `form`.
    pub fn write_draft(&self, path: &str, text: &str, form: FileForm) -> Result<String, ClientError> {
        let (draft, file) = self.write_draft_unsynced(path, text, form)?;
        file.map_or(Ok(()), |file| self.sync_draft(&draft, &file))?;
        Ok(draft)
    }

    /// The same, not yet down to the disk; with the draft's file, unless this is a rehearsal.
    pub fn write_draft_unsynced(
        &self,
        path: &str,
        text: &str,
        form: FileForm,
    ) -> Result<(String, Option<File>), ClientError> {
        let name = format!("{DRAFT_PREFIX}{}", uuid::Uuid::now_v7().simple());
        let draft = match path.rsplit_once('/') {
            Some((parent, _)) => format!("{parent}/{name}"),
            None => name,
        };
        if self.is_rehearsal {
            return Ok((draft, None));
        }
        let target = self.place(path).map_err(|reason| self.refused(path, &reason))?;
        let text = outside(text, self.raw(path).as_deref(), form);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|cause| ClientError::io(parent, cause))?;
        }
        let mode = fs::metadata(&target).map_or(0o644, |metadata| metadata.permissions().mode() & 0o777);
        let place = self.root.join(&draft);
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            if target.exists() {
                file.set_permissions(fs::Permissions::from_mode(mode))?;
            } else {
                // As a new file of the user's would be: what the umask leaves.
                file.set_permissions(fs::Permissions::from_mode(mode & !umask()))?;
            }
            Ok(file)
        });
        match written {
            Ok(file) => Ok((draft, Some(file))),
            Err(cause) => {
                // Half a draft is of no use, and takes what little room there may be.
                self.discard(&draft);
                Err(ClientError::io(place, cause))
            }
        }
    }

    /// Brings a draft down to the disk; one that cannot be is removed.
    pub fn sync_draft(&self, draft: &str, file: &File) -> Result<(), ClientError> {
        file.sync_all().map_err(|cause| {
            self.discard(draft);
            ClientError::io(self.root.join(draft), cause)
        })
    }

    /// The text of a draft; `None` if it is not there or not whole.
    pub fn read_draft(&self, draft: &str) -> Result<Option<String>, ClientError> {
        let place = self.way_to(draft).map_err(|reason| self.refused(draft, &reason))?;
        match fs::read(&place) {
            Ok(bytes) => Ok(String::from_utf8(bytes).ok().map(|text| inside(&text).into_owned())),
            Err(missing) if missing.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(ClientError::io(place, cause)),
        }
    }

    /// Puts a draft in the place of its file, for good.
    pub fn put_in_place(&self, draft: &str, path: &str) -> Result<(), ClientError> {
        self.replace(draft, path)?;
        self.sync_folder_of(path)
    }

    /// Puts a draft in the place of its file. It is there for good once its folder is down to the disk.
    pub fn replace(&self, draft: &str, path: &str) -> Result<(), ClientError> {
        if self.is_rehearsal {
            return Ok(());
        }
        let target = self.place(path).map_err(|reason| self.refused(path, &reason))?;
        fs::rename(self.root.join(draft), &target).map_err(|cause| ClientError::io(target, cause))
    }

    /// Brings the names in a file's folder down to the disk.
    pub fn sync_folder_of(&self, path: &str) -> Result<(), ClientError> {
        if self.is_rehearsal {
            return Ok(());
        }
        let place = self.root.join(path);
        sync_parent(&place).map_err(|cause| ClientError::io(place, cause))
    }

    /// Removes a draft that is not needed any more.
    pub fn discard(&self, draft: &str) {
        if !self.is_rehearsal && draft.contains(DRAFT_PREFIX) {
            // One that cannot be removed is hidden, and in nobody's way.
            drop(fs::remove_file(self.root.join(draft)));
        }
    }

    /// Moves a file to a path where nothing is.
    ///
    /// # Errors
    /// `Io`, also if something is there.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), ClientError> {
        if self.is_rehearsal {
            return Ok(());
        }
        let source = self.place(from).map_err(|reason| self.refused(from, &reason))?;
        let target = self.place(to).map_err(|reason| self.refused(to, &reason))?;
        if self.holds_another(from, to) {
            return Err(ClientError::io(target, ErrorKind::AlreadyExists.into()));
        }
        let moved = target.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| move_file(&source, &target));
        moved.and_then(|()| sync_parent(&target)).map_err(|cause| ClientError::io(target, cause))?;
        self.remove_empty_parents(from);
        Ok(())
    }

    /// Takes a file out of the folder, into the client's own bin, where it can be got back.
    pub fn remove(&self, path: &str) -> Result<(), ClientError> {
        if self.is_rehearsal {
            return Ok(());
        }
        let bin = self.own(BIN);
        let kept = bin::place_for(&bin, path);
        let source = self.place(path).map_err(|reason| self.refused(path, &reason))?;
        let moved = fs::create_dir_all(&bin).and_then(|()| move_file(&source, &kept));
        match moved.and_then(|()| sync_parent(&kept)).and_then(|()| sync_parent(&source)) {
            Ok(()) => self.remove_empty_parents(path),
            Err(gone) if gone.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(ClientError::io(source, cause)),
        }
        Ok(())
    }

    /// Keeps a copy of a file, if there is one, in the client's own bin, before another text takes its place.
    pub fn keep_copy(&self, path: &str) -> Result<(), ClientError> {
        let source = self.place(path).map_err(|reason| self.refused(path, &reason))?;
        if self.is_rehearsal || !source.exists() {
            return Ok(());
        }
        let bin = self.own(BIN);
        let kept = bin::place_for(&bin, path);
        let copied = fs::create_dir_all(&bin).and_then(|()| fs::copy(&source, &kept));
        let copied = copied.and_then(|_bytes| File::open(&kept)?.sync_all()).and_then(|()| sync_parent(&kept));
        copied.map_err(|cause| ClientError::io(source, cause))
    }

    /// Removes what has lain in the client's own bin long enough.
    pub fn empty_bin_of_old(&self) -> Result<(), ClientError> {
        if self.is_rehearsal {
            return Ok(());
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        bin::empty_of_old(&self.own(BIN), now).map(drop).map_err(|cause| ClientError::io(self.own(BIN), cause))
    }

    /// Folders that were left empty; fails silently at the first that is not.
    fn remove_empty_parents(&self, path: &str) {
        let mut path = path;
        while let Some((parent, _)) = path.rsplit_once('/') {
            if fs::remove_dir(self.root.join(parent)).is_err() {
                return;
            }
            path = parent;
        }
    }
}

/// Moves a file, also to another file system, as there may be one below a folder.
fn move_file(source: &Path, target: &Path) -> io::Result<()> {
    let moved = fs::rename(source, target);
    if !moved.as_ref().is_err_and(|failure| failure.kind() == ErrorKind::CrossesDevices) {
        return moved;
    }
    let before = look_of(&fs::symlink_metadata(source)?);
    let draft = target.with_file_name(format!("{DRAFT_PREFIX}{}", uuid::Uuid::now_v7().simple()));
    let copied = fs::copy(source, &draft).and_then(|_bytes| File::open(&draft)?.sync_all()).and_then(|()| {
        let is_whole = look_of(&fs::symlink_metadata(source)?) == before;
        if is_whole { Ok(()) } else { Err(io::Error::other("it was changed while it was copied")) }
    });
    if let Err(failure) = copied.and_then(|()| fs::rename(&draft, target)).and_then(|()| sync_parent(target)) {
        // Half a copy is of no use; the file itself is where it was.
        drop(fs::remove_file(&draft));
        return Err(failure);
    }
    fs::remove_file(source)
}

/// Names are on disk when their directory is.
fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

/// What new files are not given. Read from the system's table, since asking for it any other way changes it; once, since nothing
/// here changes it.
fn umask() -> u32 {
    static UMASK: OnceLock<u32> = OnceLock::new();
    *UMASK.get_or_init(read_umask)
}

fn read_umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).unwrap_or(0o022)
}
