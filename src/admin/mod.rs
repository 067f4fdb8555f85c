//! The operator's commands: backing up, restoring, beginning a new generation, verifying, repairing, distributing;
//! accounts, workspaces, tokens. What they say is their output; the work is the store's.

mod finding;
mod open;
mod repair;
mod search_index;
mod staged;
mod users;
mod verify;
mod workspaces;

use std::error::Error;
use std::io::Write;

use crate::auth::audit::{Event, line};
use crate::clock::SystemClock;
use crate::config::admin_options::AdminCommand;
use crate::config::data_options::DatabaseOptions;
use crate::config::{DatabaseConfig, secret_file};
use crate::domain::timestamp::Clock;
use crate::store::lives::Life;
use crate::store::{DatabaseUrl, Store, StoreConfig, backup, distribution};

/// Carries out a command; what it has to say goes to `out`.
///
/// # Errors
/// What went wrong, in a line.
pub fn run(command: AdminCommand, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    match command {
        AdminCommand::Backup(options) => {
            let config = DatabaseConfig::try_from(options.database)?;
            backup::back_up(&config.url, &options.file)?;
            line(Event::BackupMade, None).to(options.file.display()).write();
            let bytes = std::fs::metadata(&options.file)?.len();
            writeln!(out, "wrote {} ({bytes} bytes)", options.file.display())?;
        }
        AdminCommand::Restore(options) => {
            let config = DatabaseConfig::try_from(options.database)?;
            if matches!(config.url, DatabaseUrl::Sqlite(_)) {
                secret_file::make_data_dir(&config.data_dir)?;
            }
            let restored = backup::restore(&config.url, &options.file, SystemClock.now())?;
            line(Event::BackupRestored, None).to(options.file.display()).write();
            if let Some(aside) = &restored.set_aside {
                writeln!(out, "the database that was there is now {}", aside.display())?;
            }
            writeln!(out, "restored {} from {}", config.url, options.file.display())?;
            report(&restored.life, out)?;
        }
        AdminCommand::NewGeneration(options) => new_generation(options, out)?,
        AdminCommand::Verify(options) => verify_all(options, out)?,
        AdminCommand::Repair(options) if options.search => search_index::run(options.database, out)?,
        AdminCommand::Repair(options) => repair::run(options, out)?,
        AdminCommand::Distribute(options) => {
            let config = DatabaseConfig::try_from(options.database)?;
            let planned = distribution::plan(&config.url)?;
            if options.apply {
                distribution::apply(&config.url, &planned)?;
                line(Event::Distributed, None).write();
            }
            for statement in &planned.statements {
                writeln!(out, "{statement};")?;
            }
            writeln!(out, "-- left on the coordinator: {}", planned.local.join(", "))?;
        }
        AdminCommand::User(command) => users::run(command, out)?,
        AdminCommand::Workspace(command) => workspaces::run(command, out)?,
        AdminCommand::Token(command) => workspaces::run_token(command, out)?,
    }
    Ok(())
}

fn new_generation(options: DatabaseOptions, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let config = DatabaseConfig::try_from(options)?;
    if let DatabaseUrl::Sqlite(path) = &config.url
        && !path.exists()
    {
        return Err(format!("there is no database {}", path.display()).into());
    }
    let store = Store::open(&config.url, &StoreConfig::default())?;
    let life = store.begin_new_life(SystemClock.now())?;
    store.close();
    line(Event::GenerationBegun, None).write();
    report(&life, out)?;
    Ok(())
}

/// Damage is printed as it is found, and makes the command fail.
fn verify_all(options: DatabaseOptions, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let config = DatabaseConfig::try_from(options)?;
    let store = Store::open_to_look(&config.url, &StoreConfig::default())?;
    let verify::Verified { workspaces, documents, versions, receipts, staged, findings } =
        verify::verify(&store, |finding| -> Result<(), Box<dyn Error>> { Ok(writeln!(out, "{finding}")?) })?;
    writeln!(
        out,
        "read {documents} documents in {versions} versions and {receipts} receipts of {workspaces} workspaces"
    )?;
    if staged > 0 {
        writeln!(out, "read {staged} staged operations")?;
    }
    match findings {
        0 => Ok(()),
        1 => Err("1 part is not as it should be".into()),
        some => Err(format!("{some} parts are not as they should be").into()),
    }
}

fn report(life: &Life, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "generation {} begins: every cursor expires, and new versions start at {}",
        life.number, life.version_floor
    )
}
