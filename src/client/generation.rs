//! What counts the commands of a folder, in its state and in a file beside it: so a state that was put back from a backup is
//! noticed.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::client::error::ClientError;
use crate::client::folder::Folder;
use crate::client::report::complain;
use crate::client::state::{Setting, State};

/// The file.
pub(super) const GENERATION: &str = "generation";

/// What counts the syncs of a folder.
pub(super) struct Generation {
    /// As the state and the file beside it have it, whichever is more.
    number: u64,
    /// Whether the two are not of one time.
    pub(super) is_doubtful: bool,
}

/// A state that counts fewer syncs than the file beside it was put back from a backup. So were both if the file is not the
/// one that was written last: the system's time of its last change, and its number, come with no copy. What such a
/// state says of the files is of another time, and following it would undo what others did since.
pub(super) fn read_generation(folder: &Folder, state: &mut State) -> Result<Generation, ClientError> {
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

pub(super) fn begin_doubt(state: &mut State) -> Result<(), ClientError> {
    complain("the folder's sync state may be older than the folder (from a backup, or copied?); reading all anew");
    Ok(state.change(|change| change.begin_doubt())?)
}

/// Begins to doubt a state that was put back from a backup, and counts this command.
pub(super) fn check_generation(folder: &Folder, state: &mut State) -> Result<(), ClientError> {
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
    // A copy that keeps times may get the very number that the file had, so those two prove nothing any more.
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

pub(super) fn write_small(path: &Path, text: &str) -> Result<(), ClientError> {
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
        let mut state = State::open(&folder.own("state.db")).unwrap();
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
