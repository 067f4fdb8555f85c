//! The secret that signs access tokens, made once and kept in the data directory, for its owner's eyes only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

const FILE_NAME: &str = "jwt-secret";
const SECRET_BYTES: usize = 32;
const OWNER_ONLY: u32 = 0o600;

/// Makes the directory, for its owner only, if it is not there.
///
/// # Errors
/// What the file system says.
pub fn make_data_dir(directory: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// The stored secret; made when absent. Two servers that start at once end up with the same one.
///
/// # Errors
/// What the file system says; `PermissionDenied` if others may read the file; `InvalidData` if it is damaged.
pub fn load_or_make(directory: &Path) -> Result<SecretString, Error> {
    make_data_dir(directory)?;
    let path = directory.join(FILE_NAME);
    match File::open(&path) {
        Ok(file) => read(file),
        Err(missing) if missing.kind() == ErrorKind::NotFound => {
            make(directory, &path)?;
            read(File::open(&path)?)
        }
        Err(failure) => Err(failure),
    }
    .map_err(|failure| Error::new(failure.kind(), format!("{}: {failure}", path.display())))
}

/// The secret in a file that the operator names, without the line end after it.
///
/// # Errors
/// What the file system says; `InvalidData` if the file is empty.
pub fn read_given(path: &Path) -> Result<SecretString, Error> {
    let failed = |kind, reason: String| Error::new(kind, format!("{} {reason}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|failure| failed(failure.kind(), format!("cannot be read: {failure}")))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(failed(ErrorKind::InvalidData, "is empty".to_owned())),
        secret => Ok(SecretString::from(secret)),
    }
}

fn read(mut file: File) -> Result<SecretString, Error> {
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let reason =
            format!("others may read the token secret (mode {mode:03o}); run chmod 600, or delete it to get a new one");
        return Err(Error::new(ErrorKind::PermissionDenied, reason));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    match STANDARD.decode(text.trim()) {
        Ok(bytes) if bytes.len() >= SECRET_BYTES => Ok(SecretString::from(text.trim())),
        Ok(_) | Err(_) => Err(Error::new(
            ErrorKind::InvalidData,
            "this is not a token secret; delete the file to get a new one (everyone has to log in again)",
        )),
    }
}

/// Written whole under another name, then linked: so nobody ever reads half of it, and the first of two wins.
fn make(directory: &Path, path: &Path) -> Result<(), Error> {
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(Error::other)?;
    let draft = directory.join(format!(".{FILE_NAME}-{}", uuid::Uuid::new_v4()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&draft)?;
    let written = file.write_all(STANDARD.encode(bytes).as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(lost) if lost.kind() == ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    });
    std::fs::remove_file(&draft)?;
    linked
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_made_once_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("new/data");
        let first = load_or_make(&data).unwrap();
        assert!(first.expose_secret().len() >= 43);
        assert_eq!(load_or_make(&data).unwrap().expose_secret(), first.expose_secret());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data.join(FILE_NAME)), 0o600);
        assert_eq!(mode(&data), 0o700);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        load_or_make(directory.path()).unwrap();
        let path = directory.path().join(FILE_NAME);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = load_or_make(directory.path()).unwrap_err();
        assert!(refused.to_string().contains("mode 644"), "{refused}");
    }

    #[test]
    fn a_damaged_secret_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        load_or_make(directory.path()).unwrap();
        for damaged in ["", "c2hvcnQ=", "not base64 but long enough to be one"] {
            std::fs::write(directory.path().join(FILE_NAME), damaged).unwrap();
            assert_eq!(load_or_make(directory.path()).unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }

    #[test]
    fn servers_that_start_at_once_agree() {
        let directory = tempfile::tempdir().unwrap();
        let secrets: Vec<SecretString> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| load_or_make(directory.path()).unwrap())).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(secrets.iter().all(|secret| secret.expose_secret() == secrets[0].expose_secret()));
    }
}
