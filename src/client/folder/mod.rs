//! The folder on disk: reading files whole, writing them so that nobody ever sees half of one, and never outside.

mod bin;
pub mod scan;
mod write;

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::client::error::ClientError;
use crate::client::model::{check_path, folded};
pub use crate::client::state::files::Look;
use crate::domain::line_ends::{FileForm, inside};

/// Where the client keeps its own things, inside the folder.
pub const STATE_DIRECTORY: &str = ".landfall";

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

    /// Whether nothing may be written.
    #[must_use]
    pub const fn is_rehearsal(&self) -> bool {
        self.is_rehearsal
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
    pub fn make_own_directory(&self) -> Result<(), ClientError> {
        let path = self.root.join(STATE_DIRECTORY);
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|cause| ClientError::io(path, cause))
    }

    /// What a path of the folder holds now.
    #[must_use]
    pub fn read(&self, path: &str) -> Held {
        self.read_with_form(path).0
    }

    /// The same, and the line ends and byte order mark of a text that has line ends.
    #[must_use]
    pub fn read_with_form(&self, path: &str) -> (Held, Option<FileForm>) {
        let place = match self.place(path) {
            Ok(place) => place,
            Err(reason) => return (Held::Other(reason), None),
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
            Ok((None, _)) => (Held::NoText("it is not a regular file".to_owned()), None),
            Err(missing) if missing.kind() == ErrorKind::NotFound => (Held::Nothing, None),
            Err(failure) => (Held::Other(format!("it cannot be read: {failure}")), None),
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
        form_of(&self.raw(path)?)
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

fn text_of(bytes: Vec<u8>, look: Look) -> (Held, Option<FileForm>) {
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => {
            (Held::NoText("it holds a NUL character, so it is no text".to_owned()), None)
        }
        Ok(text) => {
            let form = form_of(&text);
            (Held::Text(inside(&text).into_owned(), look), form)
        }
        Err(_not_text) => (Held::NoText("it is not UTF-8 text".to_owned()), None),
    }
}

fn form_of(raw: &str) -> Option<FileForm> {
    raw.contains('\n').then(|| FileForm::of(raw))
}
