//! A state that cannot be used any more: set aside, and begun anew for the same workspace.

use std::fs;
use std::path::{Path, PathBuf};

use crate::client::error::ClientError;
use crate::client::folder::Folder;
use crate::client::generation::GENERATION;
use crate::client::state::{Setting, State};
use crate::client::workplace::{DATABASE, find_root, lock, new_device};

/// What SQLite keeps beside its file.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// What a state says of whom it belongs to.
struct Settings {
    server: String,
    workspace: String,
    device: Option<String>,
    username: Option<String>,
}

/// Sets the state of the folder aside that `start` is, or is in, and begins a new one; where the old one is now. Files
/// and the login stay.
///
/// # Errors
/// `Usage` if it does not even say whom it belongs to, or the folder is none; `Busy`, `Io`, `State`: nothing is changed.
pub fn set_aside(start: &Path) -> Result<PathBuf, ClientError> {
    let folder = Folder::new(find_root(start)?);
    let _lock = lock(&folder)?;
    let database = folder.own(DATABASE);
    let Some(settings) = salvage(&database) else {
        return Err(ClientError::Usage(format!(
            "the folder's state cannot be read, nor which server and workspace it belongs to; move {} away and run `landfall \
             init`: your files stay, and are matched by path and content",
            folder.own("").display()
        )));
    };
    let aside = folder.own(&format!("state-{}.unreadable", uuid::Uuid::now_v7().simple()));
    rename_all(&database, &aside)?;
    let begun = begin(&database, &settings);
    if begun.is_err() {
        rename_all(&aside, &database)?;
    }
    begun?;
    // It counts the syncs of the old state. One that is missing says as much as one that begins.
    drop(fs::remove_file(folder.own(GENERATION)));
    Ok(aside)
}

/// What can still be read.
fn salvage(database: &Path) -> Option<Settings> {
    let mut state = State::open_to_read(database).ok()??;
    let mut find = |setting| state.read(|change| change.find_setting(setting)).ok().flatten();
    Some(Settings {
        server: find(Setting::Server)?,
        workspace: find(Setting::Workspace)?,
        device: find(Setting::Device),
        username: find(Setting::Username),
    })
}

fn begin(database: &Path, settings: &Settings) -> Result<(), ClientError> {
    let Settings { server, workspace, device, username } = settings;
    let mut state = State::open(database)?;
    Ok(state.change(|change| {
        change.put_setting(Setting::Server, server)?;
        change.put_setting(Setting::Workspace, workspace)?;
        change.put_setting(Setting::Device, &device.clone().unwrap_or_else(new_device))?;
        username.as_ref().map_or(Ok(()), |username| change.put_setting(Setting::Username, username))
    })?)
}

fn rename_all(from: &Path, to: &Path) -> Result<(), ClientError> {
    for ending in BESIDE {
        let with_ending = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        let source = with_ending(from);
        if source.exists() {
            fs::rename(&source, with_ending(to)).map_err(|cause| ClientError::io(source, cause))?;
        }
    }
    Ok(())
}
