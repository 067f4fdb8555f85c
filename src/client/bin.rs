//! `.landfall/bin`: files that a sync or a choice took away, kept for a while so that they can be got back.
//!
//! A kept file's name begins with a UUIDv7, which tells when it was put there; its own time stays what it was.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

/// How long a file is kept.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A new place in the bin for the file at `path`.
pub fn place_for(bin: &Path, path: &str) -> PathBuf {
    bin.join(format!("{}-{}", Uuid::now_v7().simple(), path.rsplit('/').next().unwrap_or(path)))
}

/// Removes what has been kept long enough; how many files that were. What cannot be removed now waits for the next time.
///
/// # Errors
/// If the bin cannot be listed.
pub fn empty_of_old(bin: &Path, now: Duration) -> io::Result<usize> {
    let entries = match fs::read_dir(bin) {
        Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(0),
        outcome => outcome?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let since = entry.file_name().to_str().and_then(kept_since);
        if since.is_some_and(|since| now.saturating_sub(since) > KEPT_FOR) {
            removed += usize::from(fs::remove_file(entry.path()).is_ok());
        }
    }
    Ok(removed)
}

/// When the file of this name was put into the bin, after 1970; `None` for one that the client did not put there.
fn kept_since(name: &str) -> Option<Duration> {
    let (id, _) = name.split_once('-')?;
    let timestamp = Uuid::try_parse(id).ok().filter(|id| id.get_version_num() == 7)?.get_timestamp()?;
    let (seconds, nanoseconds) = timestamp.to_unix();
    Some(Duration::new(seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn files_are_kept_for_thirty_days() {
        let bin = tempfile::tempdir().unwrap();
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        for path in ["a.md", "folder/b.md"] {
            fs::write(place_for(bin.path(), path), "text").unwrap();
        }
        fs::write(bin.path().join("put here by hand.md"), "text").unwrap();
        fs::write(bin.path().join(format!("{}-no time.md", Uuid::new_v4().simple())), "text").unwrap();
        let left = || fs::read_dir(bin.path()).unwrap().count();
        assert_eq!((empty_of_old(bin.path(), now + 29 * DAY).unwrap(), left()), (0, 4));
        assert_eq!((empty_of_old(bin.path(), now + 31 * DAY).unwrap(), left()), (2, 2));
        assert_eq!(empty_of_old(&bin.path().join("nowhere"), now).unwrap(), 0);
    }
}
