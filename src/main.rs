//! The `landfall` program: reads the command line and dispatches.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::ErrorKind;
use clap_complete::Shell;
use landfall::admin;
use landfall::client::commands;
use landfall::config::admin_options::AdminCommand;
use landfall::config::data_options::DatabaseOptions;
use landfall::config::options::{Cli, Command, LogFormat, ServeOptions};
use landfall::config::{Config, ConfigError, DatabaseConfig, secret_file};
use landfall::server;
use landfall::store::{DatabaseUrl, migrations};
use landfall::yjs::worker;

/// Batches are many small allocations made by one thread and freed by another, where glibc's allocator spends and keeps
/// half as much again (`docs/adr/0009-allocator.md`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The command line or the environment is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::from_arguments(std::env::args_os()) {
        Ok(cli) => cli,
        Err(answer) => return print_answer(&answer),
    };
    let outcome = match cli.command {
        Command::Serve(options) => serve(*options),
        Command::Migrate(options) => migrate(options),
        Command::Admin(command) => administer(command),
        Command::Client(command) => return ExitCode::from(commands::run(command)),
        Command::Completions { shell } => write_completions(shell),
        Command::YjsWorker { .. } => return worker::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.to_string());
            if failure.is::<ConfigError>() { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn serve(options: ServeOptions) -> Result<(), Box<dyn Error>> {
    let config = Config::try_from(options)?;
    start_logging(config.log_format)?;
    Ok(server::run(&config)?)
}

fn migrate(options: DatabaseOptions) -> Result<(), Box<dyn Error>> {
    let config = DatabaseConfig::try_from(options)?;
    start_logging(LogFormat::Text)?;
    if matches!(config.url, DatabaseUrl::Sqlite(_)) {
        secret_file::make_data_dir(&config.data_dir)?;
    }
    let migrated = migrations::migrate(&config.url)?;
    let mut out = io::stdout().lock();
    for step in &migrated.steps {
        writeln!(out, "ran {step}")?;
    }
    writeln!(out, "{} is up to date", config.url)?;
    Ok(())
}

fn administer(command: AdminCommand) -> Result<(), Box<dyn Error>> {
    start_logging(LogFormat::Text)?;
    admin::run(command, &mut io::stdout().lock())
}

/// The worker is left out: nobody starts it by hand.
fn write_completions(shell: Shell) -> Result<(), Box<dyn Error>> {
    let whole = Cli::command();
    let visible = whole.get_subcommands().filter(|one| !one.is_hide_set()).cloned();
    let about = whole.get_about().cloned().unwrap_or_default();
    let mut command = clap::Command::new("landfall").about(about).disable_help_subcommand(true).subcommands(visible);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "landfall", &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}

fn start_logging(format: LogFormat) -> Result<(), ConfigError> {
    server::logging::start(format).map_err(|refused| ConfigError { setting: "RUST_LOG", reason: refused.to_string() })
}

/// Help and version are answers; mistakes come with what the parser suggests.
fn print_answer(answer: &clap::Error) -> ExitCode {
    // Standard output may be closed; then there is nobody to print to.
    let _printed = answer.print();
    let is_answer = matches!(answer.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_answer { ExitCode::SUCCESS } else { ExitCode::from(USAGE) }
}

/// Standard error may be closed; there is nowhere else to say so.
fn complain(line: &str) {
    let _written = writeln!(io::stderr(), "landfall: {line}");
}
