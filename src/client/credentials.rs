//! Who the client is to the server: a token or a password from the environment, else the login that is kept in the
//! folder, for its owner's eyes only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::client::error::ClientError;

const FILE_NAME: &str = "credentials";

/// What the client can prove itself with.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// `LANDFALL_TOKEN`: a ready access token, used as it is.
    Token(SecretString),
    /// `LANDFALL_USERNAME` and `LANDFALL_PASSWORD`.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// A login that was made before.
    Stored(StoredLogin),
    /// Nothing.
    None,
}

/// A login that is kept.
#[derive(Clone, Debug)]
pub struct StoredLogin {
    /// Where it is kept.
    file: PathBuf,
}

/// A login that is being renewed. No other command can renew it meanwhile: each token renews once, and the server takes
/// a second time for theft.
pub struct Renewal {
    /// Renews the login, once.
    pub refresh_token: SecretString,
    username: String,
    file: PathBuf,
    /// Held until this is dropped.
    _lock: File,
}

#[derive(Serialize, Deserialize)]
struct FileBody {
    username: String,
    refresh_token: String,
}

/// What the environment says, else what the folder keeps (`own` is the client's own directory in it).
///
/// # Errors
/// `Usage` if only one of name and password is set, or others may read the file.
pub fn find(own: Option<&Path>) -> Result<Credentials, ClientError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(token) = variable("LANDFALL_TOKEN") {
        return Ok(Credentials::Token(token.into()));
    }
    match (variable("LANDFALL_USERNAME"), variable("LANDFALL_PASSWORD")) {
        (Some(username), Some(password)) => return Ok(Credentials::Password { username, password: password.into() }),
        (None, Some(_)) => {
            return Err(ClientError::Usage("LANDFALL_PASSWORD is set without LANDFALL_USERNAME; set both".to_owned()));
        }
        (_, None) => {}
    }
    match own {
        Some(own) => load(&own.join(FILE_NAME)),
        None => Ok(Credentials::None),
    }
}

fn load(file: &Path) -> Result<Credentials, ClientError> {
    let found = read(file)?.map(|_| Credentials::Stored(StoredLogin { file: file.to_owned() }));
    Ok(found.unwrap_or(Credentials::None))
}

/// What the file says; `None` if it is not there, or damaged.
fn read(file: &Path) -> Result<Option<FileBody>, ClientError> {
    let metadata = match fs::metadata(file) {
        Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(None),
        outcome => outcome.map_err(|cause| ClientError::io(file, cause))?,
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let rule = "others may read the stored login";
        return Err(ClientError::Usage(format!("{}: {rule} (mode {mode:03o}); run chmod 600", file.display())));
    }
    let text = fs::read_to_string(file).map_err(|cause| ClientError::io(file, cause))?;
    Ok(serde_json::from_str(&text).ok())
}

/// Keeps a login in the client's own directory.
///
/// # Errors
/// `Io`.
pub fn store(own: &Path, username: &str, refresh_token: &SecretString) -> Result<(), ClientError> {
    let body = FileBody { username: username.to_owned(), refresh_token: refresh_token.expose_secret().to_owned() };
    write(&own.join(FILE_NAME), &body)
}

impl StoredLogin {
    /// Takes the login for renewing, as it is kept now: another command may have renewed it since.
    ///
    /// # Errors
    /// `Io`; `Login` if it is not there any more; `Usage` if others may read it.
    pub fn begin_renewal(&self) -> Result<Renewal, ClientError> {
        let lock = lock(&self.file.with_extension("lock"))?;
        let body = read(&self.file)?.ok_or_else(|| ClientError::Login("run `landfall login`".to_owned()))?;
        let FileBody { username, refresh_token } = body;
        Ok(Renewal { refresh_token: refresh_token.into(), username, file: self.file.clone(), _lock: lock })
    }
}

impl Renewal {
    /// Keeps the token that takes the place of the one before.
    ///
    /// # Errors
    /// `Io`.
    pub fn finish(self, refresh_token: &SecretString) -> Result<(), ClientError> {
        write(
            &self.file,
            &FileBody { username: self.username, refresh_token: refresh_token.expose_secret().to_owned() },
        )
    }
}

fn lock(path: &Path) -> Result<File, ClientError> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let locked = opened.and_then(|file| file.lock().map(|()| file));
    locked.map_err(|cause| ClientError::io(path, cause))
}

/// Written whole under another name, then renamed, so that a cut never costs the login. The server takes a token once, so
/// a new one must not be lost either: where there is no room for another file, it goes over the old one.
fn write(file: &Path, body: &FileBody) -> Result<(), ClientError> {
    let draft = file.with_extension("new");
    let written = fs::remove_file(&draft)
        .or_else(|missing| if missing.kind() == ErrorKind::NotFound { Ok(()) } else { Err(missing) })
        .and_then(|()| OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft))
        .and_then(|out| write_to(out, body))
        .and_then(|()| fs::rename(&draft, file))
        .and_then(|()| file.parent().map_or(Ok(()), |own| File::open(own)?.sync_all()));
    let written = written.or_else(|_no_room| write_to(OpenOptions::new().write(true).open(file)?, body));
    written.map_err(|cause| ClientError::io(file, cause))
}

fn write_to(mut out: File, body: &FileBody) -> io::Result<()> {
    let text = serde_json::to_string(body)? + "\n";
    out.write_all(text.as_bytes())?;
    out.set_len(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
    out.sync_all()
}
