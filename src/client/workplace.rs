//! A folder that is at work: found, locked against a second sync, its state opened.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::client::error::ClientError;
use crate::client::folder::{Folder, STATE_DIRECTORY};
use crate::client::plain::quoted;
use crate::client::report::complain;
use crate::client::state::settings::Setting;
use crate::client::state::{State, StateError};
use crate::client::sync::Identity;

pub(in crate::client) const DATABASE: &str = "state.db";
const LOCK: &str = "lock";
pub(in crate::client) const GENERATION: &str = "generation";

/// What a command does to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Change it.
    Change,
    /// Only read it, be it while another command changes it.
    Read,
    /// Work on a copy that is thrown away.
    Rehearse,
}

/// A folder with its state. While it lives, no other command can change the folder, unless it was opened to read.
pub struct Workplace {
    /// The folder.
    pub folder: Folder,
    /// Its state.
    pub state: State,
    /// The server's address.
    pub server: String,
    /// Who logged in last.
    pub username: Option<String>,
    /// Who the folder is to the server.
    pub identity: Identity,
    /// Held until this is dropped, if it was opened to change something.
    _lock: Option<File>,
    /// Removed when this is dropped.
    _copy: Option<Copy>,
}

/// A copy of the state.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        // What stays behind is in the system's place for temporary files.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// How a new folder is set up.
pub struct Setup<'a> {
    /// The server's address.
    pub server: &'a str,
    /// The workspace's id.
    pub workspace: &'a str,
    /// Who logged in.
    pub username: Option<&'a str>,
}

impl Workplace {
    /// Opens the folder that `start` is, or is in.
    ///
    /// # Errors
    /// `Usage` if it is no synced folder; `Busy` if another command is at work in it; `State`.
    pub fn open(start: &Path, access: Access) -> Result<Self, ClientError> {
        let folder = Folder::new(find_root(start)?);
        match access {
            Access::Change => {
                let lock = lock(&folder)?;
                let mut state = State::open(&folder.own(DATABASE))?;
                check_generation(&folder, &mut state)?;
                Self::of(folder, state, Some(lock), None)
            }
            Access::Read => match State::open_to_read(&folder.own(DATABASE)) {
                Ok(Some(state)) => Self::of(folder.rehearsal(), state, None, None),
                // A state of an earlier release, or on a medium that cannot be written.
                Ok(None) | Err(_) => Self::on_copy(&folder, |_| Ok(())),
            },
            Access::Rehearse => Self::on_copy(&folder, |state| {
                if read_generation(&folder, state)?.is_doubtful { begin_doubt(state) } else { Ok(()) }
            }),
        }
    }

    fn on_copy(
        folder: &Folder,
        prepare: impl FnOnce(&mut State) -> Result<(), ClientError>,
    ) -> Result<Self, ClientError> {
        let lock = lock(folder)?;
        let copy = copy_state(folder)?;
        let mut state = State::open(&copy.0.join(DATABASE))?;
        prepare(&mut state)?;
        Self::of(folder.rehearsal(), state, Some(lock), Some(copy))
    }

    fn of(folder: Folder, mut state: State, lock: Option<File>, copy: Option<Copy>) -> Result<Self, ClientError> {
        let (server, workspace, device, username) = state.read(|change| {
            Ok((
                change.find_setting(Setting::Server)?,
                change.find_setting(Setting::Workspace)?,
                change.find_setting(Setting::Device)?,
                change.find_setting(Setting::Username)?,
            ))
        })?;
        let (Some(server), Some(workspace), Some(device)) = (server, workspace, device) else {
            return Err(StateError::Damaged("it does not say which server it belongs to".to_owned()).into());
        };
        let identity = Identity { workspace, device };
        Ok(Self { folder, state, server, username, identity, _lock: lock, _copy: copy })
    }

    /// Sets up a folder, made when absent.
    ///
    /// # Errors
    /// `Usage` if it is set up already; `Io`, `State`.
    pub fn set_up(root: &Path, setup: &Setup<'_>) -> Result<Self, ClientError> {
        check_is_new(root)?;
        fs::create_dir_all(root).map_err(|cause| ClientError::io(root, cause))?;
        let root = root.canonicalize().map_err(|cause| ClientError::io(root, cause))?;
        let folder = Folder::new(root);
        folder.make_own_directory()?;
        let outcome = Self::begin(folder.clone(), setup);
        if outcome.is_err() {
            Self::abandon(&folder);
        }
        outcome
    }

    fn begin(folder: Folder, setup: &Setup<'_>) -> Result<Self, ClientError> {
        // Whoever keeps the folder under version control does not want this in it.
        write_small(&folder.own(".gitignore"), "*\n")?;
        write_small(&folder.own(LOCK), "")?;
        let lock = lock(&folder)?;
        let mut state = State::open(&folder.own(DATABASE))?;
        state.change(|change| {
            change.put_setting(Setting::Server, setup.server)?;
            change.put_setting(Setting::Workspace, setup.workspace)?;
            change.put_setting(Setting::Device, &new_device())?;
            setup.username.map_or(Ok(()), |username| change.put_setting(Setting::Username, username))
        })?;
        Self::of(folder, state, Some(lock), None)
    }

    /// Takes back a set-up that could not be completed, so that it can be tried again.
    pub fn abandon(folder: &Folder) {
        for name in [DATABASE.to_owned(), format!("{DATABASE}-wal"), format!("{DATABASE}-shm"), LOCK.to_owned()] {
            // What cannot be removed was not made.
            drop(fs::remove_file(folder.own(&name)));
        }
    }
}

/// A name for a folder, as a device of its user's.
pub(in crate::client) fn new_device() -> String {
    format!("cli-{}", uuid::Uuid::now_v7().simple())
}

/// # Errors
/// `Usage` if the folder, or one around it, is set up already.
pub fn check_is_new(root: &Path) -> Result<(), ClientError> {
    if root.join(STATE_DIRECTORY).join(DATABASE).exists() {
        return Err(ClientError::Usage(format!(
            "{} is set up already; `landfall status {}` shows with which server",
            root.display(),
            quoted(&root.to_string_lossy())
        )));
    }
    if root.exists() && !root.is_dir() {
        return Err(ClientError::Usage(format!("{} is not a folder", root.display())));
    }
    let absolute = std::path::absolute(root).map_err(|cause| ClientError::io(root, cause))?;
    // The folder may be made only later: then it is the first one above that counts.
    let real = absolute.ancestors().find_map(|folder| folder.canonicalize().ok());
    let around = real.as_deref().and_then(|real| find_root(real).ok());
    around.map_or(Ok(()), |around| {
        Err(ClientError::Usage(format!(
            "{} is inside {}, which is synced already, so that its files would be synced twice; choose a folder outside, or \
             delete {}/.landfall first",
            root.display(),
            around.display(),
            around.display()
        )))
    })
}

pub(in crate::client) fn find_root(start: &Path) -> Result<PathBuf, ClientError> {
    let absolute = start.canonicalize().map_err(|cause| ClientError::Usage(format!("{}: {cause}", start.display())))?;
    if absolute.is_file() {
        return Err(ClientError::Usage(format!(
            "{} is a file, and FOLDER is a folder: {}",
            start.display(),
            quoted(
                &start
                    .parent()
                    .filter(|parent| !parent.as_os_str().is_empty())
                    .unwrap_or(Path::new("."))
                    .to_string_lossy()
            )
        )));
    }
    let found = absolute.ancestors().find(|folder| folder.join(STATE_DIRECTORY).join(DATABASE).is_file());
    found.map(Path::to_owned).ok_or_else(|| {
        ClientError::Usage(format!(
            "{} is not a synced folder; `landfall init` connects it to a server",
            start.display()
        ))
    })
}

pub(in crate::client) fn lock(folder: &Folder) -> Result<File, ClientError> {
    let path = folder.own(LOCK);
    let file = File::open(&path).map_err(|cause| ClientError::io(&path, cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ClientError::Busy(folder.root().to_owned())),
        Err(TryLockError::Error(cause)) => Err(ClientError::io(path, cause)),
    }
}

fn copy_state(folder: &Folder) -> Result<Copy, ClientError> {
    let copy = Copy(std::env::temp_dir().join(format!("landfall-rehearsal-{}", uuid::Uuid::new_v4())));
    std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700)
        .create(&copy.0)
        .map_err(|cause| ClientError::io(&copy.0, cause))?;
    for name in [DATABASE.to_owned(), format!("{DATABASE}-wal")] {
        let source = folder.own(&name);
        if source.exists() {
            fs::copy(&source, copy.0.join(&name)).map_err(|cause| ClientError::io(source, cause))?;
        }
    }
    Ok(copy)
}

/// What counts the syncs of a folder.
struct Generation {
    /// As the state and the file beside it have it, whichever is more.
    number: u64,
    /// Whether the two are not of one time.
    is_doubtful: bool,
}

/// A state that counts fewer syncs than the file beside it was put back from a backup. So were both if the file is not the
/// one that was written last: the system's time of its last change, and its number, come with no copy. What such a
/// state says of the files is of another time, and following it would undo what others did since.
fn read_generation(folder: &Folder, state: &mut State) -> Result<Generation, ClientError> {
    let path = folder.own(GENERATION);
    let beside: u64 = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let (stored, mark, next_mark) = state.read(|change| {
        Ok((
            change.find_setting(Setting::Generation)?,
            change.find_setting(Setting::Mark)?,
            change.find_setting(Setting::NextMark)?,
        ))
    })?;
    let within: u64 = stored.and_then(|text| text.parse().ok()).unwrap_or(0);
    // The second is what a command left that was killed in the middle of what follows.
    let is_the_last =
        mark.is_none() || mark_of(&path) == mark || (next_mark.is_some() && draft_mark_of(&path) == next_mark);
    Ok(Generation { number: within.max(beside), is_doubtful: beside > within || !is_the_last })
}

fn begin_doubt(state: &mut State) -> Result<(), ClientError> {
    complain("the folder's sync state may be older than the folder (from a backup, or copied?); reading all anew");
    Ok(state.change(|change| change.begin_doubt())?)
}

/// Begins to doubt a state that was put back from a backup, and counts this command.
fn check_generation(folder: &Folder, state: &mut State) -> Result<(), ClientError> {
    let path = folder.own(GENERATION);
    let Generation { number, is_doubtful } = read_generation(folder, state)?;
    if is_doubtful {
        begin_doubt(state)?;
    }
    let next = number.saturating_add(1).to_string();
    let draft = draft_small(&path, &next)?;
    let next_mark = draft_mark_of(&draft).unwrap_or_default();
    state.change(|change| {
        change.put_setting(Setting::Generation, &next)?;
        change.put_setting(Setting::NextMark, &next_mark)
    })?;
    fs::rename(&draft, &path).map_err(|cause| ClientError::io(&path, cause))?;
    let mark = mark_of(&path).unwrap_or_default();
    // A copy that keeps times may get the very number that the file had, so what is told by those two holds no longer.
    Ok(state.change(|change| {
        change.put_setting(Setting::Mark, &mark)?;
        change.remove_setting(Setting::NextMark)
    })?)
}

fn mark_of(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    Some(format!("{} {} {}", metadata.ino(), metadata.ctime(), metadata.ctime_nsec()))
}

/// What stays the same when a file gets its name.
fn draft_mark_of(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    Some(format!("{} {} {}", metadata.ino(), metadata.mtime(), metadata.mtime_nsec()))
}

fn write_small(path: &Path, text: &str) -> Result<(), ClientError> {
    let draft = draft_small(path, text)?;
    fs::rename(&draft, path).map_err(|cause| ClientError::io(path, cause))
}

/// Writes it beside its place, and says where.
fn draft_small(path: &Path, text: &str) -> Result<PathBuf, ClientError> {
    let draft = path.with_extension("new");
    let mut options = OpenOptions::new();
    let written = options.write(true).create(true).truncate(true).mode(0o600).open(&draft);
    let written = written.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map(|()| draft.clone()).map_err(|cause| ClientError::io(draft, cause))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    struct Bench {
        _directory: TempDir,
        folder: Folder,
        state: State,
    }

    fn bench() -> Bench {
        let directory = TempDir::new().unwrap();
        fs::create_dir(directory.path().join(".landfall")).unwrap();
        let folder = Folder::new(directory.path().to_owned());
        let mut state = State::open(&folder.own(DATABASE)).unwrap();
        check_generation(&folder, &mut state).unwrap();
        Bench { _directory: directory, folder, state }
    }

    impl Bench {
        fn find(&mut self, setting: Setting) -> Option<String> {
            self.state.change(|change| change.find_setting(setting)).unwrap()
        }

        fn is_in_doubt(&mut self) -> bool {
            check_generation(&self.folder, &mut self.state).unwrap();
            self.find(Setting::Doubt).is_some()
        }
    }

    #[test]
    fn a_command_after_another_has_no_doubt() {
        let mut bench = bench();
        assert!(!bench.is_in_doubt() && !bench.is_in_doubt());
    }

    #[test]
    fn a_kill_between_the_file_and_its_mark_is_no_backup() {
        let mut bench = bench();
        let mark = bench.find(Setting::Mark).unwrap();
        assert!(!bench.is_in_doubt());
        let next_mark = draft_mark_of(&bench.folder.own(GENERATION)).unwrap();
        // As before the last step: the new file is there, and the mark is still that of the one before.
        let undone = bench.state.change(|change| {
            change.put_setting(Setting::Mark, &mark)?;
            change.put_setting(Setting::NextMark, &next_mark)
        });
        undone.unwrap();
        assert!(!bench.is_in_doubt());
    }

    #[test]
    fn a_kill_before_the_file_has_its_name_is_no_backup() {
        let mut bench = bench();
        bench.state.change(|change| change.put_setting(Setting::NextMark, "1 2 3")).unwrap();
        assert!(!bench.is_in_doubt());
    }

    #[test]
    fn a_copy_of_the_file_is_a_backup() {
        let mut bench = bench();
        let path = bench.folder.own(GENERATION);
        let copy = path.with_extension("copy");
        fs::copy(&path, &copy).unwrap();
        fs::rename(&copy, &path).unwrap();
        assert!(bench.is_in_doubt());
    }

    #[test]
    fn a_copy_of_the_same_number_and_time_is_a_backup() {
        let mut bench = bench();
        let path = bench.folder.own(GENERATION);
        let before = (mark_of(&path), draft_mark_of(&path));
        // What `cp -a` leaves where the system gives it the number of the file that was removed.
        while mark_of(&path) == before.0 {
            fs::set_permissions(&path, fs::metadata(&path).unwrap().permissions()).unwrap();
        }
        assert_eq!(draft_mark_of(&path), before.1);
        assert!(bench.is_in_doubt());
    }
}
