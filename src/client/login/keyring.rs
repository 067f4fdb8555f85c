//! The system's keyring, through `secret-tool`, the program that the Secret Service's own library brings.
//!
//! A program of its own can be given a deadline and be ended, whatever the service behind it waits for; and it costs the
//! build nothing (`docs/adr/0016-keyring.md`). Secrets go through pipes, never onto a command line.

use std::env;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};

const PROGRAM: &str = "secret-tool";
/// What the items of this program are found by, besides the folder's own name.
const ATTRIBUTES: [&str; 3] = ["application", "landfall", "folder"];
/// A keyring that is unlocked answers in milliseconds.
const DEADLINE: Duration = Duration::from_secs(5);
/// On a terminal somebody may be typing the keyring's password into its dialog.
const DEADLINE_WITH_PERSON: Duration = Duration::from_secs(60);
/// How often to look whether the program has ended.
const NAP: Duration = Duration::from_millis(5);

/// Why the keyring cannot be used now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyringError(String);

/// Keeps a secret under a folder's name, in the place of the one before.
pub fn store(folder: &str, label: &str, secret: &SecretString) -> Result<(), KeyringError> {
    let label = format!("--label={label}");
    let arguments = [&["store", &label], &ATTRIBUTES[..], &[folder]].concat();
    let deadline = if std::io::stdin().is_terminal() { DEADLINE_WITH_PERSON } else { DEADLINE };
    run(&arguments, Some(secret), deadline)?;
    // Read back: a login that cannot be found again would be lost.
    match find(folder)? {
        Some(kept) if kept.expose_secret() == secret.expose_secret() => Ok(()),
        _ => Err(KeyringError("the keyring does not give back what it was given".to_owned())),
    }
}

/// The secret of a folder, if the keyring has one. Nobody is asked to unlock anything.
pub fn find(folder: &str) -> Result<Option<SecretString>, KeyringError> {
    let found = run(&[&["search"], &ATTRIBUTES[..], &[folder]].concat(), None, DEADLINE)?;
    match found.lines().find_map(|line| line.strip_prefix("secret = ")) {
        Some(secret) => Ok(Some(secret.into())),
        None if found.trim().is_empty() => Ok(None),
        None => Err(KeyringError("it is locked".to_owned())),
    }
}

/// Removes the secret of a folder. One that stays is of no use: its token has been exchanged.
pub fn forget(folder: &str) {
    drop(run(&[&["clear"], &ATTRIBUTES[..], &[folder]].concat(), None, DEADLINE));
}

/// Runs the program to its end, or to the deadline; what it wrote.
fn run(arguments: &[&str], input: Option<&SecretString>, deadline: Duration) -> Result<String, KeyringError> {
    if !has_session_bus() {
        return Err(KeyringError("there is no desktop session (D-Bus)".to_owned()));
    }
    let mut command = Command::new(PROGRAM);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|cause| KeyringError(format!("{PROGRAM} cannot be started: {cause}")))?;
    if let (Some(mut stdin), Some(secret)) = (child.stdin.take(), input) {
        // If it has ended already, its exit code says why.
        drop(stdin.write_all(secret.expose_secret().as_bytes()));
    }
    let output = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        output.map(|mut output| output.read_to_string(&mut text)).transpose().map(|_| text)
    });
    if !ends_within(&mut child, deadline)? {
        return Err(KeyringError(format!("it does not answer within {} s", deadline.as_secs())));
    }
    let text = reader.join().ok().and_then(Result::ok);
    text.ok_or_else(|| KeyringError("its answer cannot be read".to_owned()))
}

/// Whether the program has ended well in time. It is ended if it has not.
fn ends_within(child: &mut Child, deadline: Duration) -> Result<bool, KeyringError> {
    let failed = |cause| KeyringError(format!("{PROGRAM}: {cause}"));
    let until = Instant::now() + deadline;
    while Instant::now() < until {
        match child.try_wait().map_err(failed)? {
            // `search` and `clear` end with 1 where nothing is found, `store` where it is locked or there is none.
            Some(status) if status.success() => return Ok(true),
            Some(_) => return Err(KeyringError("it is locked, or there is none".to_owned())),
            None => thread::sleep(NAP),
        }
    }
    child.kill().and_then(|()| child.wait()).map_err(failed)?;
    Ok(false)
}

/// Whether there is a session to ask. Without one the program would look for it at length.
fn has_session_bus() -> bool {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let in_runtime = env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).join("bus").exists());
    is_set("DBUS_SESSION_BUS_ADDRESS") || in_runtime
}
