//! What the folder holds now. A file that cannot be synced is a problem of that file, told and left alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, Walk, WalkBuilder};

use crate::client::clock::now_ns;
use crate::client::folder::{DRAFT_PREFIX, Folder, Held, Look, look_of};
pub use crate::client::model::{FileLimits, LocalFile, Problem};
use crate::client::model::{Skipped, check_path, folded, is_synced_name};
use crate::client::state::{DocId, TrackedFile};
use crate::domain::operation::digest_of;

/// The folder's list of what is not synced, in the syntax of gitignore.
pub const IGNORE_FILE: &str = ".landfallignore";

/// The folder as it is now.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Files that can be synced, by path.
    pub files: BTreeMap<String, LocalFile>,
    /// Files that cannot, and why.
    pub problems: BTreeMap<String, Problem>,
    /// Files whose names say that they are no text.
    pub skipped: Skipped,
    /// Drafts of files that were to be written.
    pub drafts: Vec<String>,
    /// When it was begun, in nanoseconds since 1970.
    pub begun_ns: i64,
    /// Documents whose files were read again and found unchanged, and how they look now.
    pub seen: Vec<(DocId, Look)>,
    /// Folders in which new files are left alone, since it is not known which of them are to be ignored.
    withheld: Vec<String>,
    /// Paths of the files by what [`folded`] makes of them.
    by_folded: BTreeMap<String, String>,
    root: PathBuf,
    /// Lists of what is not synced, by folder.
    ignores: BTreeMap<PathBuf, Gitignore>,
}

/// Reads the folder. `tracked` files that look as they did are not read again, unless `all` of them are to be.
#[must_use]
pub fn scan(folder: &Folder, tracked: &[TrackedFile], limits: FileLimits, all: bool) -> Scan {
    let known: BTreeMap<&str, &TrackedFile> = tracked.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut scan = Scan { begun_ns: now_ns(), root: folder.root().to_owned(), ..Scan::default() };
    for entry in walk(folder) {
        match entry {
            Ok(entry) => scan.take(folder, &entry, &known, limits, all),
            Err(failure) => scan.take_failure(folder.root(), &failure),
        }
    }
    scan.find_what_links_hide(folder, tracked);
    scan.by_folded = scan.files.keys().map(|path| (folded(path), path.clone())).collect();
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

impl Scan {
    fn take(
        &mut self,
        folder: &Folder,
        entry: &DirEntry,
        known: &BTreeMap<&str, &TrackedFile>,
        limits: FileLimits,
        all: bool,
    ) {
        let Some(kind) = entry.file_type() else { return };
        let relative = entry.path().strip_prefix(folder.root()).unwrap_or(entry.path());
        if kind.is_dir() {
            match read_ignore_file(entry.path()) {
                Ok(Some(ignored)) => drop(self.ignores.insert(entry.path().to_owned(), ignored)),
                Ok(None) => {}
                Err(reason) => self.take_ignore_failure(&relative.to_string_lossy(), &reason),
            }
            return;
        }
        let Some(path) = relative.to_str() else {
            let shown = relative.to_string_lossy().into_owned();
            if is_synced_name(&shown) {
                self.problems.insert(shown, Problem::refusal("its name is not UTF-8"));
            }
            return;
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with(DRAFT_PREFIX) {
            self.drafts.push(path.to_owned());
        }
        if !is_synced_name(name) {
            if kind.is_file() && !name.starts_with(DRAFT_PREFIX) {
                self.skipped.count(name);
            }
            return;
        }
        let looked = look_at(entry, path, limits);
        match looked.and_then(|look| self.read(folder, path, look, known.get(path).copied(), all)) {
            Ok(file) => drop(self.files.insert(path.to_owned(), file)),
            Err(problem) => drop(self.problems.insert(path.to_owned(), problem)),
        }
    }

    /// The file, without being read if nothing of its look has changed.
    fn read(
        &mut self,
        folder: &Folder,
        path: &str,
        look: Look,
        known: Option<&TrackedFile>,
        anew: bool,
    ) -> Result<LocalFile, Problem> {
        if let Some(file) = known.filter(|file| !anew && file.is_known_as(&look)) {
            return Ok(LocalFile { digest: file.digest.clone(), look });
        }
        match folder.read(path) {
            Held::Text(text, look) => {
                let digest = digest_of(&text).to_vec();
                if let Some(file) = known.filter(|file| file.digest == digest && !file.is_known_as(&look)) {
                    let is_to_be_noted = file.clone().seen(&look, self.begun_ns).is_known_as(&look);
                    self.seen.extend(is_to_be_noted.then_some((file.document_id, look)));
                }
                Ok(LocalFile { digest, look })
            }
            Held::Nothing => Err(Problem::failure("it vanished while it was read")),
            Held::NoText(reason) => Err(Problem::refusal(reason)),
            Held::Other(reason) => Err(Problem::failure(reason)),
        }
    }

    fn take_ignore_failure(&mut self, folder: &str, reason: &str) {
        let path = if folder.is_empty() { IGNORE_FILE.to_owned() } else { format!("{folder}/{IGNORE_FILE}") };
        let reason = format!("{reason}; until it is mended, no new file in its folder is pushed");
        self.problems.insert(path, Problem::failure(reason));
        self.withheld.push(folder.to_owned());
    }

    /// Tracked files that can be reached only through a symbolic link are a problem of the link.
    fn find_what_links_hide(&mut self, folder: &Folder, tracked: &[TrackedFile]) {
        let mut hidden: BTreeMap<String, usize> = BTreeMap::new();
        for file in tracked.iter().filter(|file| !self.files.contains_key(&file.path)) {
            if let Some(link) = folder.link_on_way_to(&file.path) {
                *hidden.entry(link).or_default() += 1;
            }
        }
        for (link, count) in hidden {
            let files = if count == 1 { "1 synced file".to_owned() } else { format!("{count} synced files") };
            let reason = format!(
                "it is a symbolic link in the place of a folder with {files}; links are not followed: put the folder \
                 back, or remove the link to delete what was in it"
            );
            self.problems.insert(link, Problem::failure(reason));
        }
    }

    /// Whether a new file must wait until it is known what is to be ignored.
    #[must_use]
    pub fn is_withheld(&self, path: &str) -> bool {
        let is_below =
            |folder: &str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        self.withheld.iter().any(|folder| is_below(folder))
    }

    fn take_failure(&mut self, root: &Path, failure: &ignore::Error) {
        let place = path_of(failure).and_then(|path| path.strip_prefix(root).ok());
        let place = place.map_or_else(|| ".".to_owned(), |path| path.to_string_lossy().into_owned());
        self.problems.insert(place, Problem::failure(format!("it cannot be read: {failure}")));
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

    /// The file whose path is written in another way and the same all the same.
    #[must_use]
    pub fn other_case_of(&self, path: &str) -> Option<&str> {
        self.by_folded.get(&folded(path)).map(String::as_str).filter(|other| *other != path)
    }

    /// Whether nothing stands any more at the path of a tracked file: not if it is ignored now, could not be looked at, or is
    /// kept by a cloud drive.
    #[must_use]
    pub fn is_gone(&self, folder: &Folder, path: &str) -> bool {
        !self.is_unknown(path) && !self.is_ignored(path) && !folder.holds_something(path) && !folder.is_away(path)
    }

    /// Whether a path is ignored in the folder.
    #[must_use]
    pub fn is_ignored(&self, path: &str) -> bool {
        let path = Path::new(path);
        self.ignores
            .iter()
            .rev()
            .find_map(|(folder, ignored)| {
                let relative = folder.strip_prefix(&self.root).ok()?;
                let within = path.strip_prefix(relative).ok()?;
                match ignored.matched_path_or_any_parents(within, false) {
                    Match::Ignore(_) => Some(true),
                    Match::Whitelist(_) => Some(false),
                    Match::None => None,
                }
            })
            .unwrap_or(false)
    }

    /// Whether a path could not be looked at, or lies in a folder that could not.
    #[must_use]
    pub fn is_unknown(&self, path: &str) -> bool {
        self.problems.contains_key(".")
            || self.problems.contains_key(path)
            || path.match_indices('/').any(|(at, _)| path.get(..at).is_some_and(|dir| self.problems.contains_key(dir)))
    }
}

/// How a file looks, if it is one that can be synced.
fn look_at(entry: &DirEntry, path: &str, limits: FileLimits) -> Result<Look, Problem> {
    check_path(path).map_err(Problem::refusal)?;
    if path.chars().count() > limits.chars {
        return Err(Problem::refusal(format!("its path is longer than {} characters", limits.chars)));
    }
    let metadata =
        entry.metadata().map_err(|failure| Problem::failure(format!("it cannot be looked at: {failure}")))?;
    if !metadata.is_file() {
        let reason = "it is a symbolic link or not a regular file; links are not followed";
        return Err(Problem::refusal(reason));
    }
    if metadata.len() > limits.bytes {
        let reason = format!("{} bytes are more than the {} that the server takes", metadata.len(), limits.bytes);
        return Err(Problem::refusal(reason));
    }
    Ok(look_of(&metadata))
}

/// The files in the folder whose names say that they are no text, in order.
#[must_use]
pub fn list_skipped(folder: &Folder) -> Vec<String> {
    let files = walk(folder).flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let paths = files.filter_map(|entry| Some(entry.path().strip_prefix(folder.root()).ok()?.to_str()?.to_owned()));
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut skipped: Vec<String> =
        paths.filter(|path| !is_synced_name(path) && !name(path).starts_with(DRAFT_PREFIX)).collect();
    skipped.sort();
    skipped
}

/// Hidden, and no draft of the client's own.
fn is_hidden(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    name.starts_with('.') && !name.starts_with(DRAFT_PREFIX)
}

/// Whether the folder's list of what is not synced, if it has one, can be read and understood. The walk is silent about
/// one that cannot.
fn read_ignore_file(folder: &Path) -> Result<Option<Gitignore>, String> {
    let path = folder.join(IGNORE_FILE);
    if fs::symlink_metadata(&path).is_err_and(|failure| failure.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(|failure| format!("it cannot be read: {failure}"))?;
    let mut patterns = GitignoreBuilder::new(folder);
    for (line, number) in text.lines().zip(1..) {
        patterns.add_line(None, line).map_err(|failure| format!("line {number} is no pattern: {failure}"))?;
    }
    patterns.build().map(Some).map_err(|failure| format!("it cannot be understood: {failure}"))
}

fn path_of(failure: &ignore::Error) -> Option<&Path> {
    match failure {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// A time after which every file of a test counts as unchanged for long.
    const MUCH_LATER: i64 = i64::MAX;

    fn folder_with(texts: &[(&str, &str)]) -> (tempfile::TempDir, Folder) {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| -> PathBuf { directory.path().join(path) };
        texts.iter().for_each(|(path, text)| fs::write(at(path), text).unwrap());
        let folder = Folder::new(directory.path().to_owned());
        (directory, folder)
    }

    /// A tracked file as it looks now, with a digest that no text has: so it shows whether the file was read.
    fn tracked(folder: &Folder, path: &str, seen_ns: i64) -> TrackedFile {
        let unseen = TrackedFile {
            document_id: DocId::mint(),
            path: path.to_owned(),
            folded: folded(path),
            title: path.to_owned(),
            version: 1,
            digest: b"not read".to_vec(),
            size: -1,
            modified_ns: -1,
            seen_ns: -1,
            changed_ns: -1,
            inode: -1,
        };
        unseen.seen(&folder.look(path).unwrap(), seen_ns)
    }

    fn was_read(folder: &Folder, file: &TrackedFile) -> bool {
        let found = scan(folder, std::slice::from_ref(file), FileLimits::UNKNOWN, false);
        found.files.get(&file.path).unwrap().digest != file.digest
    }

    #[test]
    fn a_file_is_read_again_only_if_its_look_may_have_changed() {
        let (_directory, folder) = folder_with(&[("a.md", "one\n"), ("b.md", "two\n")]);
        let file = tracked(&folder, "a.md", MUCH_LATER);
        assert!(!was_read(&folder, &file));
        let just_changed = TrackedFile { seen_ns: file.changed_ns + 1, ..file.clone() };
        assert!(was_read(&folder, &just_changed), "a later change may look the same");
        for other in [
            TrackedFile { size: file.size + 1, ..file.clone() },
            TrackedFile { modified_ns: file.modified_ns - 1, ..file.clone() },
            TrackedFile { changed_ns: file.changed_ns - 1, ..file.clone() },
            TrackedFile { inode: -1, ..file.clone() },
        ] {
            assert!(was_read(&folder, &other), "{other:?}");
        }
        let found = scan(&folder, std::slice::from_ref(&file), FileLimits::UNKNOWN, true);
        assert_ne!(found.files.get("a.md").unwrap().digest, file.digest, "all are to be read");
    }

    #[test]
    fn what_was_read_for_nothing_is_not_read_again() {
        let (_directory, folder) = folder_with(&[("a.md", "one\n"), ("b.md", "two\n")]);
        let digest = digest_of("one\n").to_vec();
        let pulled = TrackedFile { digest: digest.clone(), ..tracked(&folder, "a.md", 0) };
        let look = folder.look("a.md").unwrap();
        let mut later = Scan { begun_ns: MUCH_LATER, ..Scan::default() };
        later.read(&folder, "a.md", look, Some(&pulled), false).unwrap();
        assert_eq!(later.seen, [(pulled.document_id, look)]);
        let noted = pulled.clone().seen(&look, MUCH_LATER);
        let mut after = Scan { begun_ns: MUCH_LATER, ..Scan::default() };
        after.read(&folder, "a.md", look, Some(&noted), false).unwrap();
        assert!(after.seen.is_empty());
        // Too early to rely on it, or another text: there is nothing to note.
        let mut at_once = Scan { begun_ns: look.changed_ns + 1, ..Scan::default() };
        at_once.read(&folder, "a.md", look, Some(&pulled), false).unwrap();
        let edited = TrackedFile { digest: b"another".to_vec(), ..pulled };
        let mut of_edited = Scan { begun_ns: MUCH_LATER, ..Scan::default() };
        of_edited.read(&folder, "a.md", look, Some(&edited), false).unwrap();
        assert!(at_once.seen.is_empty() && of_edited.seen.is_empty());
    }
}
