//! The folder that takes what cannot be read, before anything is replaced.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::plan::Part;
use crate::domain::ids::WorkspaceId;

/// Names that one part may take if it was exported before with other bytes.
const TRIES: u32 = 1_000;

/// A folder of exported parts. They are documents' contents: nobody else may read them.
pub(super) struct Export {
    root: PathBuf,
}

impl Export {
    /// Makes the folder, if it is not there.
    ///
    /// # Errors
    /// As the file system has it.
    pub(super) fn at(root: &Path) -> io::Result<Self> {
        make_folder(root)?;
        Ok(Self { root: root.to_owned() })
    }

    /// Stores a part durably, as `workspace/of/name`, and a line about it in `parts.tsv`.
    ///
    /// # Errors
    /// As the file system has it.
    pub(super) fn save(&self, workspace_id: WorkspaceId, of: &str, part: &Part) -> io::Result<()> {
        let folder = self.root.join(workspace_id.to_string()).join(of);
        make_folder(&folder)?;
        let path = save_new(&folder, part)?;
        File::open(&folder)?.sync_all()?;
        let list = self.root.join("parts.tsv");
        let mut list = OpenOptions::new().append(true).create(true).mode(0o600).open(list)?;
        let reason = part.reason.replace(['\t', '\n'], " ");
        writeln!(list, "{workspace_id}\t{of}\t{}\t{}\t{reason}\t{}", part.name, part.bytes.len(), path.display())?;
        list.sync_all()
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Never overwrites: bytes that were exported before under this name stay, and the same ones are not stored twice.
fn save_new(folder: &Path, part: &Part) -> io::Result<PathBuf> {
    for number in 1..=TRIES {
        let name = if number == 1 { part.name.clone() } else { format!("{}.{number}", part.name) };
        let path = folder.join(name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(&part.bytes)?;
                file.sync_all()?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read(&path)? == part.bytes {
                    return Ok(path);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("too many exports of {}", part.name)))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn nothing_exported_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let export = Export::at(&folder.path().join("damage")).unwrap();
        let workspace_id = WorkspaceId(Uuid::from_u128(7));
        let part = |bytes: &[u8]| Part { name: "version-1.text".into(), reason: "a\tb".into(), bytes: bytes.to_vec() };
        for bytes in [&b"one"[..], b"two", b"one"] {
            export.save(workspace_id, "document", &part(bytes)).unwrap();
        }
        let saved = folder.path().join("damage").join(workspace_id.to_string()).join("document");
        assert_eq!(fs::read(saved.join("version-1.text")).unwrap(), b"one");
        assert_eq!(fs::read(saved.join("version-1.text.2")).unwrap(), b"two");
        assert_eq!(fs::read_dir(saved).unwrap().count(), 2);
        assert_eq!(fs::read_to_string(folder.path().join("damage/parts.tsv")).unwrap().lines().count(), 3);
    }
}
