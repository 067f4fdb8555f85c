//! Who the client is to the server: a token or a password from the environment, else the login that was kept: in the
//! system's keyring, or where there is none in a file for its owner's eyes only.
//!
//! The file `credentials` says in either case where the login is, so that nothing is guessed.

mod keyring;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use self::keyring::KeyringError;
use crate::client::error::ClientError;
use crate::client::report::complain;

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
    /// The name of its item, if it is in the keyring.
    device: Option<String>,
    file: PathBuf,
    /// Held until this is dropped.
    _lock: File,
}

/// Where a login is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeper {
    /// In the system's keyring.
    Keyring,
    /// In the folder's own file.
    File,
}

/// Where a login is kept now, and why not elsewhere.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Where.
    pub keeper: Keeper,
    /// Why not in the keyring, if that was tried.
    pub reason: Option<KeyringError>,
}

#[derive(Serialize, Deserialize)]
struct FileBody {
    username: String,
    #[serde(flatten)]
    secret: Secret,
}

/// The token, or where it is.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Secret {
    RefreshToken(String),
    /// The name of its item.
    Keyring(String),
}

/// Whose login, and for which folder.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The user.
    pub username: &'a str,
    /// The folder's device: the name of its item in the keyring.
    pub device: &'a str,
}

/// What the environment says, else what the folder keeps (`own` is the client's own directory in it).
///
/// # Errors
/// `Usage` if only one of name and password is set, or others may read the file.
pub fn find(own: Option<&Path>) -> Result<Credentials, ClientError> {
    if let Some(token) = variable("LANDFALL_TOKEN") {
        return Ok(Credentials::Token(token.into()));
    }
    match (find_login()?, own) {
        ((Some(username), Some(password)), _) => Ok(Credentials::Password { username, password }),
        (_, Some(own)) => load(&own.join(FILE_NAME)),
        (_, None) => Ok(Credentials::None),
    }
}

/// The name and the password that the environment says, for one who logs in; a password never comes without a name.
///
/// # Errors
/// `Usage` if only the password is set.
pub fn find_login() -> Result<(Option<String>, Option<SecretString>), ClientError> {
    match (variable("LANDFALL_USERNAME"), variable("LANDFALL_PASSWORD")) {
        (None, Some(_)) => {
            Err(ClientError::Usage("LANDFALL_PASSWORD is set without LANDFALL_USERNAME; set both".to_owned()))
        }
        (username, password) => Ok((username, password.map(SecretString::from))),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
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

/// Keeps a login for a folder, whose own directory is `own`: in the keyring if there is one, unless `LANDFALL_CREDENTIALS`
/// says otherwise.
///
/// # Errors
/// `Io`; `Login` if it must be the keyring, and that does not take it; `Usage` if the variable says neither.
pub fn store(own: &Path, owner: Owner<'_>, refresh_token: &SecretString) -> Result<Kept, ClientError> {
    let file = own.join(FILE_NAME);
    let _lock = lock(&file.with_extension("lock"))?;
    keep(&file, owner, refresh_token, wanted_keeper()?)
}

/// Where the folder's login is kept, if one is.
#[must_use]
pub fn keeper(own: &Path) -> Option<Keeper> {
    let text = fs::read_to_string(own.join(FILE_NAME)).ok()?;
    let body: FileBody = serde_json::from_str(&text).ok()?;
    Some(match body.secret {
        Secret::RefreshToken(_) => Keeper::File,
        Secret::Keyring(_) => Keeper::Keyring,
    })
}

/// What `LANDFALL_CREDENTIALS` says; `None`: the keyring if there is one.
fn wanted_keeper() -> Result<Option<Keeper>, ClientError> {
    match std::env::var("LANDFALL_CREDENTIALS").unwrap_or_default().as_str() {
        "" | "auto" => Ok(None),
        "keyring" => Ok(Some(Keeper::Keyring)),
        "file" => Ok(Some(Keeper::File)),
        other => Err(ClientError::Usage(format!("LANDFALL_CREDENTIALS must be auto, keyring or file, not {other:?}"))),
    }
}

fn keep(file: &Path, owner: Owner<'_>, token: &SecretString, wanted: Option<Keeper>) -> Result<Kept, ClientError> {
    let Owner { username, device } = owner;
    let body = |secret| FileBody { username: username.to_owned(), secret };
    let mut reason = None;
    if wanted != Some(Keeper::File) {
        let label = format!("Landfall: the login of {username}");
        match keyring::store(device, &label, token) {
            Ok(()) => {
                write(file, &body(Secret::Keyring(device.to_owned())))?;
                return Ok(Kept { keeper: Keeper::Keyring, reason: None });
            }
            Err(failure) if wanted.is_some() => {
                return Err(ClientError::Login(format!(
                    "the login cannot be kept in the system's keyring: {failure}; unlock it and run `landfall login`, or \
                     set LANDFALL_CREDENTIALS=file"
                )));
            }
            Err(failure) => reason = Some(failure),
        }
    }
    let was_in_keyring = file.parent().and_then(keeper) == Some(Keeper::Keyring);
    write(file, &body(Secret::RefreshToken(token.expose_secret().to_owned())))?;
    if was_in_keyring {
        keyring::forget(device);
    }
    Ok(Kept { keeper: Keeper::File, reason })
}

impl StoredLogin {
    /// Takes the login for renewing, as it is kept now: another command may have renewed it since.
    ///
    /// # Errors
    /// `Io`; `Login` if it is not there any more, or the keyring is locked; `Usage` if others may read it.
    pub fn begin_renewal(&self) -> Result<Renewal, ClientError> {
        let lock = lock(&self.file.with_extension("lock"))?;
        let body = read(&self.file)?.ok_or_else(|| ClientError::Login("run `landfall login`".to_owned()))?;
        let (refresh_token, device) = match body.secret {
            Secret::RefreshToken(token) => (token.into(), None),
            Secret::Keyring(device) => (find_in_keyring(&device)?, Some(device)),
        };
        let (username, file) = (body.username, self.file.clone());
        Ok(Renewal { refresh_token, username, device, file, _lock: lock })
    }
}

fn find_in_keyring(device: &str) -> Result<SecretString, ClientError> {
    let found = keyring::find(device).map_err(|failure| {
        ClientError::Login(format!(
            "the login is in the system's keyring, which cannot be read: {failure}; unlock it, or run `landfall login`"
        ))
    })?;
    let gone = "the system's keyring does not hold the login any more; run `landfall login`";
    found.ok_or_else(|| ClientError::Login(gone.to_owned()))
}

impl Renewal {
    /// Keeps the token that takes the place of the one before, where that one was. A keyring that was locked meanwhile
    /// does not cost the login: then it is kept in the file, and that is told.
    ///
    /// # Errors
    /// `Io`; `Login` if it must be the keyring.
    pub fn finish(self, refresh_token: &SecretString) -> Result<(), ClientError> {
        let wanted = wanted_keeper()?;
        let Some(device) = self.device else {
            let secret = Secret::RefreshToken(refresh_token.expose_secret().to_owned());
            return write(&self.file, &FileBody { username: self.username, secret });
        };
        let owner = Owner { username: &self.username, device: &device };
        let kept = keep(&self.file, owner, refresh_token, wanted)?;
        if let Some(reason) = kept.reason {
            complain(&format!("the system's keyring does not take the login ({reason}); it is kept in a file now"));
        }
        Ok(())
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
