//! What the folder holds now. A file that cannot be synced is a problem of that file, told and left alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use ignore::{DirEntry, Walk, WalkBuilder};

use crate::client::folder::{DRAFT_PREFIX, Folder, Held, Look, look_of};
use crate::client::names::{check_path, folded, is_synced_name};
use crate::client::state::files::TrackedFile;
use crate::domain::operation::digest_of;

/// The folder's list of what is not synced, in the syntax of gitignore.
pub const IGNORE_FILE: &str = ".landfallignore";

/// A file is believed to be unchanged only if it was last modified this long before it was last seen: clocks of file
/// systems are coarse, and an edit may keep size and time.
const TRUST_AFTER_NS: i64 = 2_000_000_000;

/// A file as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// Digest of its text.
    pub digest: Vec<u8>,
    /// How it looks.
    pub look: Look,
}

/// The folder as it is now.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Files that can be synced, by path.
    pub files: BTreeMap<String, LocalFile>,
    /// Files that cannot, and why.
    pub problems: BTreeMap<String, String>,
    /// Drafts of files that were to be written.
    pub drafts: Vec<String>,
    /// Paths of the files by what [`folded`] makes of them.
    by_folded: BTreeMap<String, String>,
}

/// Reads the folder. `tracked` files that look as they did are not read again, unless `all` of them are to be.
#[must_use]
pub fn scan(folder: &Folder, tracked: &[TrackedFile], max_bytes: u64, all: bool) -> Scan {
    let known: BTreeMap<&str, &TrackedFile> = tracked.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut scan = Scan::default();
    for entry in walk(folder) {
        match entry {
            Ok(entry) => scan.take(folder, &entry, &known, max_bytes, all),
            Err(failure) => scan.take_failure(folder.root(), &failure),
        }
    }
    scan.separate_clashes(&known);
    scan
}

/// Everything in the folder that is neither hidden nor ignored, folders included.
pub fn walk(folder: &Folder) -> Walk {
    WalkBuilder::new(folder.root())
        .standard_filters(false)
        .follow_links(false)
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry))
        .add_custom_ignore_filename(IGNORE_FILE)
        .build()
}

/// Nanoseconds since 1970.
#[must_use]
pub fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

impl Scan {
    fn take(
        &mut self,
        folder: &Folder,
        entry: &DirEntry,
        known: &BTreeMap<&str, &TrackedFile>,
        max_bytes: u64,
        all: bool,
    ) {
        let Some(kind) = entry.file_type() else { return };
        if kind.is_dir() {
            return;
        }
        let relative = entry.path().strip_prefix(folder.root()).unwrap_or(entry.path());
        let Some(path) = relative.to_str() else {
            let shown = relative.to_string_lossy().into_owned();
            if is_synced_name(&shown) {
                self.problems.insert(shown, "its name is not UTF-8".to_owned());
            }
            return;
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with(DRAFT_PREFIX) {
            self.drafts.push(path.to_owned());
        }
        if !is_synced_name(name) {
            return;
        }
        let outcome = check_path(path).and_then(|()| {
            let metadata = entry.metadata().map_err(|failure| format!("it cannot be looked at: {failure}"))?;
            if !kind.is_file() {
                return Err("it is a symbolic link or no regular file; links are not followed".to_owned());
            }
            if metadata.len() > max_bytes {
                return Err(format!("{} bytes are more than the {max_bytes} that the server takes", metadata.len()));
            }
            read(folder, path, look_of(&metadata), known.get(path).copied().filter(|_| !all))
        });
        match outcome {
            Ok(file) => {
                self.files.insert(path.to_owned(), file);
            }
            Err(reason) => {
                self.problems.insert(path.to_owned(), reason);
            }
        }
    }

    fn take_failure(&mut self, root: &Path, failure: &ignore::Error) {
        let place = path_of(failure).and_then(|path| path.strip_prefix(root).ok());
        let place = place.map_or_else(|| ".".to_owned(), |path| path.to_string_lossy().into_owned());
        self.problems.insert(place, format!("it cannot be read: {failure}"));
    }

    /// Of files whose names differ in case alone, the tracked one stays, else the first.
    fn separate_clashes(&mut self, known: &BTreeMap<&str, &TrackedFile>) {
        let mut holders: BTreeMap<String, String> = BTreeMap::new();
        let (tracked, new): (Vec<String>, Vec<String>) =
            self.files.keys().cloned().partition(|path| known.contains_key(path.as_str()));
        for path in tracked.into_iter().chain(new) {
            let parts: Vec<&str> = path.split('/').collect();
            let clash = (1..=parts.len()).find_map(|length| {
                let part = parts.get(..length).unwrap_or_default().join("/");
                let holder = holders.entry(folded(&part)).or_insert_with(|| part.clone());
                (*holder != part).then(|| holder.clone())
            });
            if let Some(holder) = clash {
                self.files.remove(&path);
                let reason =
                    format!("its name differs from {holder} in upper and lower case alone; rename one of them");
                self.problems.insert(path, reason);
            }
        }
        self.by_folded = self.files.keys().map(|path| (folded(path), path.clone())).collect();
    }

    /// Notes what a path holds now.
    pub fn put(&mut self, path: &str, file: LocalFile) {
        self.by_folded.insert(folded(path), path.to_owned());
        self.files.insert(path.to_owned(), file);
    }

    /// Notes that a path holds nothing any more.
    pub fn remove(&mut self, path: &str) -> Option<LocalFile> {
        self.by_folded.remove(&folded(path));
        self.files.remove(path)
    }

    /// The file whose path differs from `path` in upper and lower case alone.
    #[must_use]
    pub fn other_case_of(&self, path: &str) -> Option<&str> {
        self.by_folded.get(&folded(path)).map(String::as_str).filter(|other| *other != path)
    }

    /// Whether a path could not be looked at, or lies in a folder that could not.
    #[must_use]
    pub fn is_unknown(&self, path: &str) -> bool {
        self.problems.contains_key(".")
            || self.problems.contains_key(path)
            || path.match_indices('/').any(|(at, _)| path.get(..at).is_some_and(|dir| self.problems.contains_key(dir)))
    }
}

/// Hidden, and no draft of the client's own.
fn is_hidden(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    name.starts_with('.') && !name.starts_with(DRAFT_PREFIX)
}

fn read(folder: &Folder, path: &str, look: Look, known: Option<&TrackedFile>) -> Result<LocalFile, String> {
    let as_before = known.filter(|file| {
        file.size == look.size
            && file.modified_ns == look.modified_ns
            && look.modified_ns.saturating_add(TRUST_AFTER_NS) < file.seen_ns
    });
    if let Some(file) = as_before {
        return Ok(LocalFile { digest: file.digest.clone(), look });
    }
    match folder.read(path) {
        Held::Text(text, look) => Ok(LocalFile { digest: digest_of(&text).to_vec(), look }),
        Held::Nothing => Err("it vanished while it was read".to_owned()),
        Held::Other(reason) => Err(reason),
    }
}

fn path_of(failure: &ignore::Error) -> Option<&Path> {
    match failure {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}
