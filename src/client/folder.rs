//! The folder on disk: reading files whole, writing them so that nobody ever sees half of one, and never outside.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::client::bin;
use crate::client::error::ClientError;
use crate::client::names::{check_path, folded};
use crate::domain::line_ends::{FileForm, inside, outside};

/// Where the client keeps its own things, inside the folder.
pub const STATE_DIRECTORY: &str = ".landfall";

/// Where in there files lie that were taken away.
const BIN: &str = "bin";

/// Why a path is not followed.
const LINK: &str = "a symbolic link is in its way; links are not followed";

/// Begins the names of drafts, which stand beside the files that they will replace.
pub const DRAFT_PREFIX: &str = ".landfall-draft-";

/// A folder that is synced.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    /// Whether nothing may be written.
    is_rehearsal: bool,
}

/// How a file looks without being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Bytes.
    pub size: i64,
    /// When its text was last changed, as it says itself, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// When anything of it was last changed, likewise. Only the system sets it, so no copy brings it along.
    pub changed_ns: i64,
    /// Tells one file from another that took its name.
    pub inode: i64,
}

/// What a path holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    Nothing,
    /// A text, as documents have it: with LF, and without a byte order mark.
    Text(String, Look),
    /// A file that is no text, or no file: why it cannot be synced as it is.
    NoText(String),
    /// Something that cannot be read now: why it is left alone.
    Other(String),
}

impl Folder {
    /// The folder at `root`.
    #[must_use]
    pub const fn new(root: PathBuf) -> Self {
        Self { root, is_rehearsal: false }
    }

    /// The same folder; nothing in it will be changed.
    #[must_use]
    pub fn rehearsal(&self) -> Self {
        Self { root: self.root.clone(), is_rehearsal: true }
    }

    /// Its place.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file of the client's own.
    #[must_use]
    pub fn own(&self, name: &str) -> PathBuf {
        self.root.join(STATE_DIRECTORY).join(name)
    }

    /// Makes the client's own directory, for its owner only.
    ///
    /// # Errors
    /// `Io`.
    pub fn make_own_directory(&self) -> Result<(), ClientError> {
        let path = self.root.join(STATE_DIRECTORY);
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|cause| ClientError::io(path, cause))
    }

    /// What a path of the folder holds now.
    #[must_use]
    pub fn read(&self, path: &str) -> Held {
        let place = match self.place(path) {
            Ok(place) => place,
            Err(reason) => return Held::Other(reason),
        };
        let read = fs::symlink_metadata(&place).and_then(|metadata| {
            if metadata.is_file() {
                fs::read(&place).map(|bytes| (Some(bytes), metadata))
            } else {
                Ok((None, metadata))
            }
        });
        match read {
            Ok((Some(bytes), metadata)) => text_of(bytes, look_of(&metadata)),
            Ok((None, _)) => Held::NoText("it is no regular file".to_owned()),
            Err(missing) if missing.kind() == ErrorKind::NotFound => Held::Nothing,
            Err(failure) => Held::Other(format!("it cannot be read: {failure}")),
        }
    }

    /// The text that a path holds now, if it is one.
    #[must_use]
    pub fn read_text(&self, path: &str) -> Option<String> {
        if let Held::Text(text, _) = self.read(path) { Some(text) } else { None }
    }

    /// The line ends and byte order mark of the file at a path; `None` if it has no line ends, or is no text.
    #[must_use]
    pub fn form(&self, path: &str) -> Option<FileForm> {
        self.raw(path).filter(|raw| raw.contains('\n')).map(|raw| FileForm::of(&raw))
    }

    /// The text of a file as it stands there.
    fn raw(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.place(path).ok()?).ok()
    }

    /// How a file looks now, if it is one.
    #[must_use]
    pub fn look(&self, path: &str) -> Option<Look> {
        let metadata = fs::symlink_metadata(self.place(path).ok()?).ok()?;
        metadata.is_file().then(|| look_of(&metadata))
    }

    /// Whether anything stands at a path, or may: what cannot be looked at, or only through a symbolic link, is not
    /// known to be gone.
    #[must_use]
    pub fn holds_something(&self, path: &str) -> bool {
        let Ok(place) = self.way_to(path) else { return true };
        let is_nothing = |failure: io::Error| {
            matches!(failure.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename)
        };
        !fs::symlink_metadata(place).is_err_and(is_nothing)
    }

    /// Whether a cloud drive has taken a file away and left a placeholder in its place, as `.a.md.icloud` or `.a.md`.
    #[must_use]
    pub fn is_away(&self, path: &str) -> bool {
        let (parent, name) = path.rsplit_once('/').map_or(("", path), |(parent, name)| (parent, name));
        let place = |hidden: String| self.root.join(parent).join(hidden);
        [format!(".{name}.icloud"), format!(".{name}")]
            .into_iter()
            .any(|hidden| place(hidden).symlink_metadata().is_ok())
    }

    /// Whether something else than the file at `from` stands at `to`, or may. Where case does not count, a change of
    /// case alone finds the file itself.
    #[must_use]
    pub fn holds_another(&self, from: &str, to: &str) -> bool {
        let is_itself = folded(from) == folded(to) && is_one_file(&self.root.join(from), &self.root.join(to));
        self.holds_something(to) && !is_itself
    }

    /// The first folder on the way to a path that is a symbolic link.
    #[must_use]
    pub fn link_on_way_to(&self, path: &str) -> Option<String> {
        let mut parents = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
        parents.find(|parent| is_link(&self.root.join(parent))).map(str::to_owned)
    }

    /// Writes a draft beside the file that it will replace, down to the disk; the draft's path inside the folder. It has
    /// the line ends of that file, or of `form`.
    ///
    /// # Errors
    /// `Io`.
    pub fn write_draft(&self, path: &str, text: &str, form: FileForm) -> Result<String, ClientError> {
        let name = format!("{DRAFT_PREFIX}{}", uuid::Uuid::now_v7().simple());
        let draft = match path.rsplit_once('/') {
            Some((parent, _)) => format!("{parent}/{name}"),
            None => name,
        };
        if self.is_rehearsal {
            return Ok(draft);
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
            file.sync_all()
        });
        if let Err(cause) = written {
            // Half a draft is of no use, and takes what little room there may be.
            self.discard(&draft);
            return Err(ClientError::io(place, cause));
        }
        Ok(draft)
    }

    /// The text of a draft; `None` if it is not there or not whole.
    ///
    /// # Errors
    /// `Io`.
    pub fn read_draft(&self, draft: &str) -> Result<Option<String>, ClientError> {
        let place = self.way_to(draft).map_err(|reason| self.refused(draft, &reason))?;
        match fs::read(&place) {
            Ok(bytes) => Ok(String::from_utf8(bytes).ok().map(|text| inside(&text).into_owned())),
            Err(missing) if missing.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(ClientError::io(place, cause)),
        }
    }

    /// Puts a draft in the place of its file, for good.
    ///
    /// # Errors
    /// `Io`.
    pub fn put_in_place(&self, draft: &str, path: &str) -> Result<(), ClientError> {
        if self.is_rehearsal {
            return Ok(());
        }
        let target = self.place(path).map_err(|reason| self.refused(path, &reason))?;
        let moved = fs::rename(self.root.join(draft), &target).and_then(|()| sync_parent(&target));
        moved.map_err(|cause| ClientError::io(target, cause))
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
    ///
    /// # Errors
    /// `Io`.
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
    ///
    /// # Errors
    /// `Io`.
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
    ///
    /// # Errors
    /// `Io`.
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

    /// The path on disk, if it is one of the folder's and no symbolic link leads out of it.
    fn place(&self, path: &str) -> Result<PathBuf, String> {
        check_path(path)?;
        let place = self.way_to(path)?;
        if is_link(&place) { Err(LINK.to_owned()) } else { Ok(place) }
    }

    /// The path on disk, if no symbolic link stands before its last part.
    fn way_to(&self, path: &str) -> Result<PathBuf, String> {
        if self.link_on_way_to(path).is_some() { Err(LINK.to_owned()) } else { Ok(self.root.join(path)) }
    }

    fn refused(&self, path: &str, reason: &str) -> ClientError {
        ClientError::io(self.root.join(path), io::Error::new(ErrorKind::InvalidInput, reason.to_owned()))
    }
}

/// How a file looks, from what the system says of it.
#[must_use]
pub fn look_of(metadata: &fs::Metadata) -> Look {
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Look {
        size: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino().cast_signed(),
    }
}

fn is_link(place: &Path) -> bool {
    fs::symlink_metadata(place).is_ok_and(|metadata| metadata.is_symlink())
}

fn is_one_file(one: &Path, other: &Path) -> bool {
    let number = |path| fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    number(one).is_some_and(|found| number(other) == Some(found))
}

fn text_of(bytes: Vec<u8>, look: Look) -> Held {
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => Held::NoText("it holds a NUL character, so it is no text".to_owned()),
        Ok(text) => Held::Text(inside(&text).into_owned(), look),
        Err(_not_text) => Held::NoText("it is not UTF-8 text".to_owned()),
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

/// What new files are not given. Read from the system's table, since asking for it any other way changes it.
fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).unwrap_or(0o022)
}
