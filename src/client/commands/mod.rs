//! The client's commands: each reads its options, does its work, and ends with an exit code.

mod conflicts;
mod figures;
mod guard;
mod history;
mod init;
mod login;
mod notes;
mod reset;
mod retry;
mod status;
mod sync;
mod take_back;
mod verify;
mod watch;

use std::io::IsTerminal;
use std::time::Duration;

use console::Term;
use secrecy::SecretString;

use crate::client::apply::guard::Word;
use crate::client::error::ClientError;
use crate::client::interrupt::Interrupt;
use crate::client::login::{self as login_store, Keeper, Owner};
use crate::client::model::Direction;
use crate::client::options::{ClientCommand, OutputOptions, PatienceOptions};
use crate::client::report::{OutputKind, complain, write_line};
use crate::client::transport::{Backoff, Patience, Remote};
use crate::client::workplace::Workplace;

/// Carries out a command; its exit code. What went wrong is told.
#[must_use]
pub fn run(command: ClientCommand) -> u8 {
    let outcome = match command {
        ClientCommand::Init(options) => init::run(&options),
        ClientCommand::Login(options) => login::run(&options),
        ClientCommand::Sync(options) => sync::run(&options.how, options.direction),
        ClientCommand::Push(options) => sync::run(&options, Direction::Push),
        ClientCommand::Pull(options) => sync::run(&options, Direction::Pull),
        ClientCommand::Watch(options) => watch::run(&options),
        ClientCommand::Status(options) => status::run(&options),
        ClientCommand::Keep(options) => guard::run(&options, Word::Keep),
        ClientCommand::Accept(options) => guard::run(&options, Word::Accept),
        ClientCommand::Conflicts(options) => conflicts::run(&options),
        ClientCommand::Retry(options) => retry::run(&options),
        ClientCommand::Verify(options) => verify::run(&options),
        ClientCommand::History(options) => history::run(&options),
        ClientCommand::Undo(options) => take_back::undo(&options),
        ClientCommand::Revert(options) => take_back::revert(&options),
        ClientCommand::Reset(options) => reset::run(&options),
        ClientCommand::Note(command) => notes::run(&command),
    };
    outcome.unwrap_or_else(|failure| {
        complain(&failure.to_string());
        failure.exit_code()
    })
}

const fn output_kind(options: OutputOptions) -> OutputKind {
    match (options.json, options.quiet) {
        (true, _) => OutputKind::Json,
        (false, true) => OutputKind::Quiet,
        (false, false) => OutputKind::People,
    }
}

fn patience(options: PatienceOptions) -> Patience {
    Patience { timeout: Duration::from_secs(options.timeout), backoff: Backoff { retries: options.retries } }
}

/// The folder's server, with whatever the client can prove itself with.
fn remote_of(workplace: &Workplace, options: PatienceOptions, interrupt: Interrupt) -> Result<Remote, ClientError> {
    let found = login_store::find(Some(&workplace.folder.own("")))?;
    Ok(Remote::new(&workplace.server, found, patience(options), interrupt))
}

/// Keeps a login for the folder, and says where.
fn keep_login(workplace: &Workplace, username: &str, refresh_token: &SecretString) -> Result<(), ClientError> {
    let owner = Owner { username, device: &workplace.identity.device };
    let kept = login_store::store(&workplace.folder.own(""), owner, refresh_token)?;
    let place = match kept.keeper {
        Keeper::Keyring => "the system's keyring",
        Keeper::File => ".landfall/credentials, which only you can read",
    };
    let reason = kept.reason.map(|reason| format!(" (no keyring: {reason})")).unwrap_or_default();
    write_line(&format!("the login is kept in {place}{reason}"));
    Ok(())
}

/// A name and a password: from the environment, else asked for, but for the name if it is `remembered`. `wanted` is the name
/// of the command line. Nothing waits for input without a terminal.
fn ask_for_login(wanted: Option<&str>, remembered: Option<&str>) -> Result<(String, SecretString), ClientError> {
    let (named, password) = login_store::find_login()?;
    let username = wanted.or(named.as_deref()).or(remembered);
    if let (Some(username), Some(password)) = (username, password)
        && named.as_deref() == Some(username)
    {
        return Ok((username.to_owned(), password));
    }
    if !std::io::stdin().is_terminal() {
        let hint = "there is no terminal to ask on; set LANDFALL_USERNAME and LANDFALL_PASSWORD, or LANDFALL_TOKEN";
        return Err(ClientError::Login(hint.to_owned()));
    }
    let term = Term::stderr();
    let ask = |question: &str| term.write_str(question).map_err(|cause| ClientError::io("the terminal", cause));
    let username = match username {
        Some(username) => username.to_owned(),
        None => {
            ask("Username: ")?;
            term.read_line().map_err(|cause| ClientError::io("the terminal", cause))?.trim().to_owned()
        }
    };
    ask(&format!("Password of {username}: "))?;
    let password = term.read_secure_line().map_err(|cause| ClientError::io("the terminal", cause))?;
    Ok((username, password.into()))
}
