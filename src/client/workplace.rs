//! A folder that is at work: found, locked against a second sync, its state opened.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::client::error::ClientError;
use crate::client::folder::{Folder, STATE_DIRECTORY};
use crate::client::generation::{begin_doubt, check_generation, read_generation, write_small};
use crate::client::model::Identity;
use crate::client::report::quoted;
use crate::client::state::{Setting, State, StateError};

pub(super) const DATABASE: &str = "state.db";
const LOCK: &str = "lock";

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
pub(super) fn new_device() -> String {
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

pub(super) fn find_root(start: &Path) -> Result<PathBuf, ClientError> {
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

pub(super) fn lock(folder: &Folder) -> Result<File, ClientError> {
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
