//! `landfall admin user …`.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use console::Term;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::open::{open, user_named};
use crate::auth::accounts::FIRST_WORKSPACE_NAME;
use crate::auth::audit::{Event, line};
use crate::auth::credentials::{MAX_PASSWORD_CHARS, Password, Username};
use crate::auth::passwords::hash_now;
use crate::clock::SystemClock;
use crate::config::people_options::{DeletionOptions, PasswordOptions, UserCommand, UserOptions};
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::timestamp::Clock;
use crate::store::Store;
use crate::store::accounts::{NewUser, Registration};
use crate::store::people::{RowCount, UserDeletion};

/// Users that are listed at a time.
const PAGE: u32 = 500;
/// What stays of a person, and why.
const STAYS: [(&str, &str); 2] = [
    ("documents", "in workspaces with other members: what they wrote there last, without their name"),
    ("document_log", "in workspaces with other members: old versions, until LANDFALL_HISTORY_RETENTION_S"),
];

/// Carries out a command; what it has to say goes to `out`.
///
/// # Errors
/// What went wrong, in a line.
pub(super) fn run(command: UserCommand, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    match command {
        UserCommand::Add(options) => add(options, out),
        UserCommand::List(options) => list(&open(options)?, out),
        UserCommand::Passwd(options) => set_password(options, out),
        UserCommand::Disable(options) => set_disabled(options, true, out),
        UserCommand::Enable(options) => set_disabled(options, false, out),
        UserCommand::Delete(options) => delete(options, out),
    }
}

fn add(options: PasswordOptions, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let username = Username::parse_new(&options.username)?;
    let store = open(options.database)?;
    if store.find_user_by_name(username.as_str())?.is_some() {
        return Err(format!("there is a user {username} already").into());
    }
    let password = read_password(options.password_file.as_deref(), username.as_str())?;
    let new = NewUser {
        user_id: UserId(Uuid::now_v7()),
        username: username.as_str().to_owned(),
        password_hash: hash_now(password.expose())?,
        workspace_id: WorkspaceId(Uuid::now_v7()),
        workspace_name: FIRST_WORKSPACE_NAME.to_owned(),
        now: SystemClock.now(),
    };
    let (user_id, workspace_id) = (new.user_id, new.workspace_id);
    match store.create_user(new)? {
        Registration::Created => {}
        Registration::UsernameTaken => return Err(format!("there is a user {username} already").into()),
    }
    line(Event::AccountMade, None).to(user_id).write();
    writeln!(out, "made {username} ({user_id}) with the workspace \"{FIRST_WORKSPACE_NAME}\" ({workspace_id})")?;
    Ok(())
}

fn list(store: &Store, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let mut after = None;
    loop {
        let page = store.list_users(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.user_id);
        for user in &page {
            let state = match (user.disabled_at, user.is_external) {
                (Some(since), _) => format!("disabled since {since}"),
                (None, true) => "by the identity provider".to_owned(),
                (None, false) => "active".to_owned(),
            };
            writeln!(out, "{}  {}  made {}  {state}", user.user_id, user.username, user.created_at)?;
        }
    }
}

fn set_password(options: PasswordOptions, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let store = open(options.database)?;
    let user = user_named(&store, &options.username)?;
    let password = read_password(options.password_file.as_deref(), &user.username)?;
    store.set_password(user.user_id, hash_now(password.expose())?, None)?;
    line(Event::PasswordChanged, None).to(user.user_id).write();
    writeln!(out, "{} has a new password; all sessions of theirs are over", user.username)?;
    Ok(())
}

fn set_disabled(options: UserOptions, disabled: bool, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let store = open(options.database)?;
    let user = user_named(&store, &options.username)?;
    store.set_disabled(user.user_id, disabled.then(|| SystemClock.now()))?;
    line(if disabled { Event::AccountDisabled } else { Event::AccountEnabled }, None).to(user.user_id).write();
    match disabled {
        true => writeln!(out, "{} is disabled; running servers refuse them within 5 seconds", user.username)?,
        false => writeln!(out, "{} may log in again", user.username)?,
    }
    Ok(())
}

fn delete(options: DeletionOptions, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let store = open(options.database)?;
    let user = user_named(&store, &options.username)?;
    if !options.yes.eq_ignore_ascii_case(&user.username) {
        return Err(format!("--yes names {}, not {}; nothing was deleted", options.yes, user.username).into());
    }
    let user_id = user.user_id;
    let (removed, workspaces) = match store.delete_user(user_id, user.username.clone(), SystemClock.now())? {
        UserDeletion::Deleted { removed, workspaces } => (removed, workspaces),
        UserDeletion::LastOwner(held) => {
            let held: Vec<String> = held.iter().map(|(id, name)| format!("\"{name}\" ({id})")).collect();
            let hint =
                "make another member an owner there (admin workspace members ID --set NAME=owner), or delete them";
            return Err(format!("{} is the last owner of {}; {hint}", user.username, held.join(", ")).into());
        }
    };
    for workspace_id in &workspaces {
        super::workspaces::erase(&store, *workspace_id)?;
        line(Event::WorkspaceDeleted, None).at(*workspace_id).to(user_id).write();
    }
    line(Event::AccountDeleted, None).to(user_id).write();
    writeln!(out, "deleted {} ({user_id})\n\nremoved:", user.username)?;
    print_counts(out, &removed)?;
    for workspace_id in &workspaces {
        writeln!(out, "  all that was in the workspace {workspace_id}")?;
    }
    prove(&store, user_id, out)
}

/// Reads every table that can name a user, and says what is left.
fn prove(store: &Store, user_id: UserId, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "\nrows that still name {user_id}:")?;
    let traces = store.count_traces(user_id)?;
    print_counts(out, &traces)?;
    writeln!(out, "\nwhat stays, and why:")?;
    for (table, reason) in STAYS {
        writeln!(out, "  {table}: {reason}")?;
    }
    writeln!(
        out,
        "  receipts, sync_runs, sync_notes: of workspaces that they had left before, until their retention ends"
    )?;
    writeln!(
        out,
        "  backups: whatever was backed up before; the server's log: the id, the name at registration never"
    )?;
    let expected = ["documents", "document_log", "receipts", "sync_runs", "sync_notes"];
    match traces.iter().find(|(table, rows)| *rows > 0 && !expected.contains(table)) {
        Some((table, rows)) => Err(format!("{rows} rows of {table} still name the user").into()),
        None => Ok(()),
    }
}

fn print_counts(out: &mut dyn Write, counts: &[RowCount]) -> std::io::Result<()> {
    counts.iter().try_for_each(|(table, rows)| writeln!(out, "  {rows:>8}  {table}"))
}

/// From a file, or asked for twice.
fn read_password(file: Option<&Path>, username: &str) -> Result<Password, Box<dyn Error>> {
    let raw = match file {
        Some(path) if path == Path::new("-") => first_line(std::io::stdin().lock())?,
        Some(path) => first_line(std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?)?,
        None => ask_twice(username)?,
    };
    Ok(Password::parse(raw.expose_secret())?)
}

fn first_line(source: impl Read) -> Result<SecretString, Box<dyn Error>> {
    // A character has four bytes at most; what is longer is refused as a password.
    let most = u64::try_from(MAX_PASSWORD_CHARS.saturating_mul(4).saturating_add(2))?;
    let mut line = String::new();
    BufReader::new(source.take(most)).read_line(&mut line)?;
    Ok(SecretString::from(line.trim_end_matches(['\r', '\n'])))
}

fn ask_twice(username: &str) -> Result<SecretString, Box<dyn Error>> {
    let term = Term::stderr();
    if !term.is_term() {
        return Err("there is no terminal to ask on; use --password-file".into());
    }
    let ask = |question: String| -> Result<SecretString, Box<dyn Error>> {
        term.write_str(&question)?;
        Ok(SecretString::from(term.read_secure_line()?))
    };
    let first = ask(format!("New password of {username}: "))?;
    let second = ask("Once more: ".to_owned())?;
    if first.expose_secret() == second.expose_secret() { Ok(first) } else { Err("the two are not the same".into()) }
}
