//! `.landfall/bin`: files that a sync or a choice took away, kept for a while so that they can be got back.
//!
//! A kept file's name begins with a UUIDv7, which tells when it was put there; its own time stays what it was.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use crate::client::model::{MAX_PART_BYTES, shortened};

/// How long a file is kept.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A new place in the bin for the file at `path`. What its number leaves no room for is cut from the name.
pub fn place_for(bin: &Path, path: &str) -> PathBuf {
    let name = path.rsplit('/').next().unwrap_or(path);
    let id = Uuid::now_v7().simple().to_string();
    let room = MAX_PART_BYTES.saturating_sub(id.len() + 1);
    bin.join(format!("{id}-{}", shortened(name, room)))
}

/// Removes what has been kept long enough; how many files that were. What cannot be removed now waits for the next time.
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
    fn the_longest_name_fits_behind_its_number() {
        let bin = tempfile::tempdir().unwrap();
        for name in [format!("{}.md", "x".repeat(252)), format!("{}a.txt", "語".repeat(83)), "x".repeat(255)] {
            fs::write(bin.path().join(&name), "text").unwrap();
            let kept = place_for(bin.path(), &format!("folder/{name}"));
            fs::rename(bin.path().join(&name), &kept).unwrap();
            let kept = kept.file_name().unwrap().to_str().unwrap().to_owned();
            let (_, short) = kept.split_once('-').unwrap();
            let ending = |name: &str| name.rsplit_once('.').map(|(_, ending)| ending.to_owned());
            assert_eq!(ending(short), ending(&name));
            assert!(kept.len() > 250 && kept_since(&kept).is_some(), "{kept}");
        }
    }

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
