//! The folder's events: told by the system, or found by looking again and again where it tells nothing.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind, RemoveKind};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest, Sha256};

use super::signal::{FolderNews, Signal};
use crate::client::folder::scan::{IGNORE_FILE, walk};
use crate::client::folder::{Folder, look_of};
use crate::client::model::is_synced_name;

/// How often to look where the system does not tell.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// The system's errors for "no more watched folders" and "no more watchers".
const LIMIT_ERRORS: [i32; 2] = [28, 24];

/// How changes are found.
pub enum FolderWatch {
    /// The system tells of them.
    System {
        /// Ends when dropped.
        watcher: RecommendedWatcher,
        /// Folders that it watches.
        watched: BTreeSet<PathBuf>,
    },
    /// By looking.
    Polled {
        /// How often.
        interval: Duration,
        /// What the folder looked like.
        fingerprint: Vec<u8>,
        /// When to look next.
        next: Instant,
    },
}

impl FolderWatch {
    /// Asks the system to tell.
    pub fn by_system(folder: &Folder, tell: Sender<Signal>) -> Result<Self, String> {
        let hear = move |heard: notify::Result<Event>| {
            if let Some(news) = news_of(heard) {
                // Nobody listens at the very end.
                drop(tell.send(Signal::Folder(news)));
            }
        };
        let watcher = notify::recommended_watcher(hear).map_err(|error| reason_of(&error))?;
        let mut watch = Self::System { watcher, watched: BTreeSet::new() };
        watch.follow(folder)?;
        Ok(watch)
    }

    /// Looks every so often.
    #[must_use]
    pub fn polled(folder: &Folder, interval: Option<Duration>, now: Instant) -> Self {
        let interval = interval.unwrap_or(POLL_INTERVAL);
        Self::Polled { interval, fingerprint: fingerprint(folder), next: now + interval }
    }

    /// Has the system watch folders that are new. Hidden and ignored ones are not watched.
    pub fn follow(&mut self, folder: &Folder) -> Result<(), String> {
        let Self::System { watcher, watched } = self else { return Ok(()) };
        for entry in walk(folder).filter_map(Result::ok) {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            if !is_folder || watched.contains(entry.path()) {
                continue;
            }
            match watcher.watch(entry.path(), RecursiveMode::NonRecursive) {
                Ok(()) => {
                    watched.insert(entry.into_path());
                }
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(reason_of(&error)),
            }
        }
        Ok(())
    }

    /// Forgets folders that went, so that others of their names are watched anew.
    pub fn forget(&mut self, gone: &[PathBuf]) {
        let Self::System { watcher, watched } = self else { return };
        let is_in = |path: &PathBuf| gone.iter().any(|gone| path.starts_with(gone));
        for path in watched.extract_if(.., |path| is_in(path)) {
            // The system has mostly forgotten it already.
            drop(watcher.unwatch(&path));
        }
    }

    /// When to look next, if it is by looking.
    #[must_use]
    pub const fn next_look(&self) -> Option<Instant> {
        match self {
            Self::System { .. } => None,
            Self::Polled { next, .. } => Some(*next),
        }
    }

    /// Looks, if it is time; whether anything changed since.
    pub fn look(&mut self, folder: &Folder, now: Instant) -> bool {
        let Self::Polled { interval, fingerprint: before, next } = self else { return false };
        if now < *next {
            return false;
        }
        *next = now + *interval;
        let after = fingerprint(folder);
        let has_changed = *before != after;
        *before = after;
        has_changed
    }
}

/// Names, sizes and times of all files.
fn fingerprint(folder: &Folder) -> Vec<u8> {
    let mut files: Vec<String> = walk(folder)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| Some(format!("{} {:?}\n", entry.path().display(), look_of(&entry.metadata().ok()?))))
        .collect();
    files.sort_unstable();
    files.iter().fold(Sha256::new(), |hash, file| hash.chain_update(file)).finalize().to_vec()
}

fn news_of(heard: notify::Result<Event>) -> Option<FolderNews> {
    let event = match heard {
        Ok(event) => event,
        Err(error) => return Some(FolderNews::Deaf(reason_of(&error))),
    };
    if event.need_rescan() {
        return Some(FolderNews::Tree(Vec::new()));
    }
    let names_changed = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Modify(ModifyKind::Data(_)) => false,
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => return None,
        EventKind::Remove(RemoveKind::File) => false,
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
        EventKind::Any | EventKind::Modify(_) | EventKind::Other => false,
    };
    let mut news = None;
    for path in &event.paths {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        if name == IGNORE_FILE || (names_changed && is_visible_tree(path, &name)) {
            return Some(FolderNews::Tree(event.paths.clone()));
        }
        if !name.starts_with('.') && is_synced_name(&name) {
            news = Some(FolderNews::File);
        }
    }
    news
}

/// Whether a path is a folder, or may have been one. Those named as synced files are, are not.
fn is_visible_tree(path: &Path, name: &str) -> bool {
    !name.starts_with('.') && (path.is_dir() || (!path.exists() && !is_synced_name(name)))
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(cause) => cause.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

fn reason_of(error: &notify::Error) -> String {
    let is_limit = match &error.kind {
        ErrorKind::MaxFilesWatch => true,
        ErrorKind::Io(cause) => cause.raw_os_error().is_some_and(|code| LIMIT_ERRORS.contains(&code)),
        _ => false,
    };
    if is_limit {
        "the system's limit of watched folders is reached (see the sysctls fs.inotify.max_user_watches and \
         max_user_instances)"
            .to_owned()
    } else {
        format!("the system does not report changed files: {error}")
    }
}
