//! The command line: subcommands, flags, the environment variables of the same names, and their defaults.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use secrecy::SecretString;

use crate::client::options::ClientCommand;
use crate::config::admin_options::AdminCommand;
use crate::config::data_options::DatabaseOptions;
use crate::config::limit_options::LimitOptions;
use crate::config::settings_file;
use crate::config::values::{RateLimit, address, positive, rate_limit};

const EXAMPLES: &str = "\
Examples:
  landfall                                              serve on 127.0.0.1:7001, data in ./landfall-data
  landfall serve --listen 127.0.0.1:0                   any free port; the first line printed names it
  LANDFALL_DATABASE_URL=postgres://app@db/notes landfall serve --listen 0.0.0.0:7001
  landfall migrate                                      upgrade the database schema, then exit
  landfall init ~/notes --server http://127.0.0.1:7001  make a folder an offline editor, then:
  landfall sync ~/notes

Every flag of `serve` has an environment variable of the same name, and a line in a settings file: --data-dir is
LANDFALL_DATA_DIR, and data_dir in the file that --config names. A flag is stronger than both, a variable than the file.
`landfall serve --help` lists them all. RUST_LOG sets what is logged (default: info).";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  landfall completions bash > ~/.local/share/bash-completion/completions/landfall
  landfall completions zsh > ~/.zfunc/_landfall            (with ~/.zfunc in fpath, before compinit)
  landfall completions fish > ~/.config/fish/completions/landfall.fish
  landfall completions powershell >> $PROFILE
  landfall completions elvish > ~/.config/elvish/lib/landfall.elv   (then: use landfall)";

/// Offline-first document sync: one request pushes an editor's whole queue.
#[derive(Debug, Parser)]
#[command(
    name = "landfall", version, override_usage = "landfall [COMMAND] [OPTIONS]", after_help = EXAMPLES
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API (the default)
    Serve(Box<ServeOptions>),
    /// Upgrade the database schema, then exit
    Migrate(DatabaseOptions),
    /// Back up, restore and check the database
    #[command(subcommand)]
    Admin(AdminCommand),
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    Client(ClientCommand),
    /// Print a completion script for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Derive text from Yjs states; started by the server itself
    #[command(hide = true)]
    YjsWorker {
        /// Read by the worker itself.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

impl Cli {
    /// Reads the command line; without a subcommand it is `serve`.
    ///
    /// # Errors
    /// As clap has it; help and version count as errors too.
    pub fn from_arguments(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut arguments: Vec<OsString> = arguments.into_iter().collect();
        let about_itself = ["-h", "--help", "-V", "--version"];
        let is_serve = match arguments.get(1).and_then(|first| first.to_str()) {
            None => arguments.len() < 2,
            Some(first) => first.starts_with('-') && !about_itself.contains(&first),
        };
        if is_serve {
            arguments.insert(arguments.len().min(1), "serve".into());
        }
        let mut matches = settings_file::matches(&Self::command(), &arguments)?;
        Self::from_arg_matches_mut(&mut matches).map_err(|refused| refused.format(&mut Self::command()))
    }
}

/// Settings of `serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    /// Address and port; port 0 takes any free one
    #[arg(
        long, env = "LANDFALL_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:7001",
        value_parser = address
    )]
    pub listen: SocketAddr,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,

    /// Secret that signs access tokens, at least 32 bytes [default: generated once, stored in the data directory]
    #[arg(long, env = "LANDFALL_JWT_SECRET", value_name = "SECRET", hide_env_values = true, help_heading = "Accounts")]
    pub jwt_secret: Option<SecretString>,
    /// A file that holds this secret
    #[arg(long, env = "LANDFALL_JWT_SECRET_FILE", value_name = "FILE", help_heading = "Accounts")]
    pub jwt_secret_file: Option<PathBuf>,
    /// Keys of an outside identity provider: a file or an https URL
    #[arg(long, env = "LANDFALL_JWKS", value_name = "FILE_OR_URL", help_heading = "Accounts")]
    pub jwks: Option<String>,
    /// The `iss` that the provider's tokens must carry
    #[arg(long, env = "LANDFALL_ISSUER", help_heading = "Accounts")]
    pub issuer: Option<String>,
    /// The `aud` that the provider's tokens must carry
    #[arg(long, env = "LANDFALL_AUDIENCE", help_heading = "Accounts")]
    pub audience: Option<String>,
    /// Whether people can sign up [default: open on loopback, else closed]
    #[arg(long, env = "LANDFALL_REGISTRATION", help_heading = "Accounts")]
    pub registration: Option<RegistrationOption>,
    /// Accounts that may be made from one address in an hour, or `off`; this machine may make any number
    #[arg(
        long, env = "LANDFALL_REGISTRATION_LIMIT", value_name = "N", default_value = "20",
        value_parser = rate_limit, help_heading = "Accounts"
    )]
    pub registration_limit: RateLimit,
    /// How owners add members: by invitations that are accepted, or at once
    #[arg(long, env = "LANDFALL_MEMBERS", default_value = "invite", help_heading = "Accounts")]
    pub members: MembersOption,
    /// Lifetime of an access token, in seconds
    #[arg(
        long, env = "LANDFALL_ACCESS_TOKEN_S", value_name = "SECONDS", default_value_t = 15 * 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400), help_heading = "Accounts"
    )]
    pub access_token_s: u64,
    /// Lifetime of an unused refresh token, in seconds
    #[arg(
        long, env = "LANDFALL_REFRESH_TOKEN_S", value_name = "SECONDS", default_value_t = 30 * 86_400,
        value_parser = clap::value_parser!(u64).range(1..=366 * 86_400), help_heading = "Accounts"
    )]
    pub refresh_token_s: u64,

    /// Operations per minute for each user, or `off`
    #[arg(
        long, env = "LANDFALL_RATE_LIMIT", value_name = "N", default_value = "60000",
        value_parser = rate_limit, help_heading = "Limits"
    )]
    pub rate_limit: RateLimit,
    /// Bytes of batches per minute for each user
    #[arg(
        long, env = "LANDFALL_RATE_LIMIT_BYTES", value_name = "BYTES", default_value_t = 1 << 30,
        value_parser = clap::value_parser!(u64).range(1024..), help_heading = "Limits"
    )]
    pub rate_limit_bytes: u64,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub limits: LimitOptions,

    /// Serve /metrics on this address alone, instead of beside the API
    #[arg(long, env = "LANDFALL_METRICS_LISTEN", value_name = "ADDRESS", value_parser = address, help_heading = "Server")]
    pub metrics_listen: Option<SocketAddr>,
    /// Web origins that may call the API from a browser, separated by commas [default: none]
    #[arg(long, env = "LANDFALL_CORS_ORIGINS", value_name = "ORIGINS", value_delimiter = ',', help_heading = "Server")]
    pub cors_origins: Vec<String>,
    /// Trust the last X-Forwarded-For entry; only behind a proxy that sets it
    #[arg(long, env = "LANDFALL_TRUST_PROXY", help_heading = "Server")]
    pub trust_proxy: bool,
    /// Threads that serve requests [default: one per processor]
    #[arg(
        long, env = "LANDFALL_HTTP_WORKERS", value_name = "N", value_parser = positive,
        help_heading = "Server"
    )]
    pub http_workers: Option<usize>,
    /// Database connections (SQLite: for readers; there is one writer)
    #[arg(
        long, env = "LANDFALL_POOL_SIZE", value_name = "N", default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Server"
    )]
    pub pool_size: u32,
    /// Most batches that wait to be written; one workspace may have a quarter of them
    #[arg(
        long, env = "LANDFALL_WRITER_QUEUE", value_name = "N", default_value = "512", value_parser = positive,
        help_heading = "Server"
    )]
    pub writer_queue: usize,
    /// Seconds between purges of expired data; 0 turns purging off
    #[arg(
        long, env = "LANDFALL_PURGE_INTERVAL_S", value_name = "SECONDS", default_value_t = 3_600,
        value_parser = clap::value_parser!(u64).range(0..=31 * 86_400), help_heading = "Server"
    )]
    pub purge_interval_s: u64,
    /// Most worker processes that render text from Yjs states [default: one per core, at least 2]
    #[arg(
        long, env = "LANDFALL_YJS_WORKERS", value_name = "N", value_parser = positive, help_heading = "Server"
    )]
    pub yjs_workers: Option<usize>,
    /// Memory limit of each worker (address space), in bytes
    #[arg(
        long, env = "LANDFALL_YJS_MEMORY_BYTES", value_name = "BYTES", default_value_t = 2 << 30,
        value_parser = clap::value_parser!(u64).range(512 << 20..), help_heading = "Server"
    )]
    pub yjs_memory_bytes: u64,
    /// Time limit of a worker for one document, in milliseconds
    #[arg(
        long, env = "LANDFALL_YJS_TIME_MS", value_name = "MS", default_value_t = 10_000,
        value_parser = clap::value_parser!(u64).range(1..), help_heading = "Server"
    )]
    pub yjs_time_ms: u64,
    /// Most open event streams
    #[arg(
        long, env = "LANDFALL_MAX_STREAMS", value_name = "N", default_value = "10000", value_parser = positive,
        help_heading = "Server"
    )]
    pub max_streams: usize,
    /// Most open event streams of each user
    #[arg(
        long, env = "LANDFALL_MAX_USER_STREAMS", value_name = "N", default_value = "100", value_parser = positive,
        help_heading = "Server"
    )]
    pub max_user_streams: usize,
    /// Seconds between heartbeats on an event stream, and between checks that its user is still a member
    #[arg(
        long, env = "LANDFALL_HEARTBEAT_S", value_name = "SECONDS", default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(1..=300), help_heading = "Server"
    )]
    pub heartbeat_s: u64,
    /// Postgres: tell other servers of changes by LISTEN and NOTIFY; false = they find out by polling alone
    #[arg(
        long, env = "LANDFALL_NOTIFY", value_name = "BOOL", default_value_t = true,
        action = clap::ArgAction::Set, help_heading = "Server"
    )]
    pub notify: bool,
    /// Postgres behind a pooler: a direct connection for LISTEN and NOTIFY [default: the database's URL]
    #[arg(long, env = "LANDFALL_NOTIFY_URL", value_name = "URL", hide_env_values = true, help_heading = "Server")]
    pub notify_url: Option<SecretString>,
    /// Postgres: prepare each statement once for each connection; false behind a pooler that loses them (PgBouncer before 1.21)
    #[arg(
        long, env = "LANDFALL_PREPARE", value_name = "BOOL", default_value_t = true,
        action = clap::ArgAction::Set, help_heading = "Server"
    )]
    pub prepare: bool,
    /// Log format
    #[arg(long, env = "LANDFALL_LOG_FORMAT", default_value = "text", help_heading = "Server")]
    pub log_format: LogFormat,
}

/// Whether people can sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RegistrationOption {
    /// Anyone can create an account.
    Open,
    /// Only existing accounts can log in.
    Closed,
}

/// How owners add members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MembersOption {
    /// Who is invited sees it when they log in, and accepts.
    Invite,
    /// Who has an account is a member at once.
    AtOnce,
}

/// Log format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people to read.
    Text,
    /// One JSON object a line.
    Json,
}
