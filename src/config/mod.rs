//! Configuration: flags and `LANDFALL_*` environment, checked before anything starts.
//!
//! [`options`] says what can be set; this module says what it means. Secrets never appear in `Debug`. Nothing here
//! opens a database, a socket or a file, besides [`secret_file`] and `settings_file`.

pub mod admin_options;
pub mod data_options;
mod limit_options;
pub mod options;
pub mod people_options;
pub mod secret_file;
mod settings_file;
mod values;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use self::data_options::DatabaseOptions;
use self::options::{LogFormat, MembersOption, RegistrationOption, ServeOptions};
use self::values::RateLimit;
use crate::auth::accounts::RegistrationPolicy;
use crate::auth::provider::{JwksSource, ProviderConfig};
use crate::domain::limits::{Limits, YjsCaps};
use crate::domain::quota::Quotas;
use crate::domain::upload::UploadLimits;
use crate::store::{DatabaseUrl, StoreConfig};
use crate::sync::events::EventsConfig;
use crate::sync::live::LiveConfig;

/// RFC 7518 §3.2: a key for HS256 has at least the size of its hash.
const MIN_SECRET_BYTES: usize = 32;

/// A setting that cannot be used. One line that names the setting and says what would be right.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{setting}: {reason}")]
pub struct ConfigError {
    /// The environment variable.
    pub setting: &'static str,
    /// What is wrong with its value, and what would be right.
    pub reason: String,
}

impl ConfigError {
    fn new(setting: &'static str, reason: impl Into<String>) -> Self {
        Self { setting, reason: reason.into() }
    }
}

/// Where the data is.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// The database. Shown without its password.
    pub url: DatabaseUrl,
    /// The directory for what the server itself stores.
    pub data_dir: PathBuf,
}

/// What one user may do in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserRate {
    /// Operations.
    pub operations_per_minute: NonZeroU32,
    /// Bytes of batches.
    pub bytes_per_minute: u64,
}

/// How the processes that derive text from Yjs states are kept in bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YjsWorkers {
    /// Processes at most.
    pub count: usize,
    /// Address space of each, in bytes.
    pub max_memory_bytes: u64,
    /// Time for one document.
    pub time_budget: Duration,
}

/// Everything that `landfall serve` needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 = any free one.
    pub listen: SocketAddr,
    /// The data.
    pub database: DatabaseConfig,
    /// Sizes of the store.
    pub store: StoreConfig,
    /// What requests may be.
    pub limits: Limits,
    /// Signs access tokens; `None` = the one stored in the data directory, made when absent.
    pub jwt_secret: Option<SecretString>,
    /// How long an access token lasts.
    pub access_token_lifetime: Duration,
    /// How long a refresh token that is not used lasts.
    pub refresh_token_lifetime: Duration,
    /// The outside identity provider, if there is one.
    pub provider: Option<ProviderConfig>,
    /// Whether people can sign up.
    pub registration: RegistrationPolicy,
    /// Accounts that may be made from one address in an hour; `None` = any number.
    pub registrations_per_hour: Option<u32>,
    /// Where `/metrics` is served, if not beside the API.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether owners add members at once, instead of inviting them.
    pub members_at_once: bool,
    /// `None` = no limits.
    pub user_rate: Option<UserRate>,
    /// Web origins that may call the API from a browser.
    pub cors_origins: Vec<String>,
    /// Whether `X-Forwarded-For` may be believed.
    pub trust_proxy: bool,
    /// Threads that serve requests.
    pub http_workers: usize,
    /// Time between two looks for what has been kept long enough; zero = none.
    pub purge_interval: Duration,
    /// Processes that derive text.
    pub yjs_workers: YjsWorkers,
    /// How many event streams there may be, and how they are kept up.
    pub events: EventsConfig,
    /// How many documents are edited live.
    pub live: LiveConfig,
    /// Log format.
    pub log_format: LogFormat,
}

impl TryFrom<DatabaseOptions> for DatabaseConfig {
    type Error = ConfigError;

    fn try_from(options: DatabaseOptions) -> Result<Self, ConfigError> {
        let url = secret(
            ("LANDFALL_DATABASE_URL", options.database_url),
            ("LANDFALL_DATABASE_URL_FILE", options.database_url_file),
        )?;
        let url = match &url {
            None => DatabaseUrl::Sqlite(options.data_dir.join("landfall.db")),
            Some(url) => DatabaseUrl::parse(url.expose_secret())
                .map_err(|refused| ConfigError::new("LANDFALL_DATABASE_URL", refused.to_string()))?,
        };
        Ok(Self { url, data_dir: options.data_dir })
    }
}

impl TryFrom<ServeOptions> for Config {
    type Error = ConfigError;

    fn try_from(options: ServeOptions) -> Result<Self, ConfigError> {
        let limits = limits_of(&options)?;
        let provider = provider_of(&options)?;
        let jwt_secret =
            secret(("LANDFALL_JWT_SECRET", options.jwt_secret), ("LANDFALL_JWT_SECRET_FILE", options.jwt_secret_file))?;
        if jwt_secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < MIN_SECRET_BYTES) {
            let reason = format!("must have at least {MIN_SECRET_BYTES} bytes; try `openssl rand -base64 32`");
            return Err(ConfigError::new("LANDFALL_JWT_SECRET", reason));
        }
        for origin in &options.cors_origins {
            check_origin(origin)?;
        }
        let registration = match options.registration {
            Some(RegistrationOption::Open) => RegistrationPolicy::Open,
            Some(RegistrationOption::Closed) => RegistrationPolicy::Closed,
            None if options.listen.ip().is_loopback() => RegistrationPolicy::Open,
            None => RegistrationPolicy::Closed,
        };
        let user_rate = match options.rate_limit {
            RateLimit::Off => None,
            RateLimit::PerMinute(operations_per_minute) => {
                Some(UserRate { operations_per_minute, bytes_per_minute: options.rate_limit_bytes })
            }
        };
        Ok(Self {
            listen: options.listen,
            store: StoreConfig {
                reader_connections: options.pool_size,
                writer_queue: options.writer_queue,
                prepare: options.prepare,
                notify: options.notify,
                notify_url: options.notify_url.as_ref().map(notify_url_of).transpose()?,
                ..StoreConfig::default()
            },
            limits,
            access_token_lifetime: Duration::from_secs(options.access_token_s),
            refresh_token_lifetime: Duration::from_secs(options.refresh_token_s),
            provider,
            registration,
            registrations_per_hour: match options.registration_limit {
                RateLimit::Off => None,
                RateLimit::PerMinute(accounts) => Some(accounts.get()),
            },
            metrics_listen: options.metrics_listen,
            members_at_once: options.members == MembersOption::AtOnce,
            user_rate,
            cors_origins: options.cors_origins,
            trust_proxy: options.trust_proxy,
            http_workers: options.http_workers.unwrap_or_else(cores),
            purge_interval: Duration::from_secs(options.purge_interval_s),
            yjs_workers: YjsWorkers {
                count: options.yjs_workers.unwrap_or_else(|| cores().max(2)),
                max_memory_bytes: options.yjs_memory_bytes,
                time_budget: Duration::from_millis(options.yjs_time_ms),
            },
            live: LiveConfig {
                max_sockets: options.max_streams,
                max_user_sockets: options.max_user_streams,
                ..LiveConfig::default()
            },
            events: EventsConfig {
                max_streams: options.max_streams,
                max_user_streams: options.max_user_streams,
                heartbeat: Duration::from_secs(options.heartbeat_s),
                notify: options.notify,
            },
            log_format: options.log_format,
            jwt_secret,
            database: options.database.try_into()?,
        })
    }
}

/// Messages travel over Postgres alone.
fn notify_url_of(url: &SecretString) -> Result<DatabaseUrl, ConfigError> {
    match DatabaseUrl::parse(url.expose_secret()) {
        Ok(url @ DatabaseUrl::Postgres(_)) => Ok(url),
        Ok(DatabaseUrl::Sqlite(_)) => Err(ConfigError::new("LANDFALL_NOTIFY_URL", "must be a postgres:// URL")),
        Err(refused) => Err(ConfigError::new("LANDFALL_NOTIFY_URL", refused.to_string())),
    }
}

/// A secret that is given itself, or in a file.
fn secret(
    (setting, given): (&'static str, Option<SecretString>),
    (file_setting, file): (&'static str, Option<PathBuf>),
) -> Result<Option<SecretString>, ConfigError> {
    match (given, file) {
        (Some(_), Some(_)) => {
            Err(ConfigError::new(setting, format!("is set, and {file_setting} too; keep one of them")))
        }
        (given, None) => Ok(given),
        (None, Some(path)) => {
            let read = secret_file::read_given(&path);
            read.map(Some).map_err(|failure| ConfigError::new(file_setting, failure.to_string()))
        }
    }
}

/// Processors that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

fn limits_of(options: &ServeOptions) -> Result<Limits, ConfigError> {
    let given = &options.limits;
    if given.receipt_retention_s < given.tombstone_retention_s {
        let reason = format!(
            "{} is less than LANDFALL_TOMBSTONE_RETENTION_S ({}): a delete that is sent again must still be known",
            given.receipt_retention_s, given.tombstone_retention_s
        );
        return Err(ConfigError::new("LANDFALL_RECEIPT_RETENTION_S", reason));
    }
    // A user may have a quarter, and a body counts twice.
    let least = given.max_body_bytes.saturating_mul(8);
    if given.max_in_flight_bytes < least {
        let reason = format!(
            "{} is less than eight times LANDFALL_MAX_BODY_BYTES ({least}): one user could not send the largest body",
            given.max_in_flight_bytes
        );
        return Err(ConfigError::new("LANDFALL_MAX_IN_FLIGHT_BYTES", reason));
    }
    Ok(Limits {
        max_operations: given.max_operations,
        max_body_bytes: given.max_body_bytes,
        max_in_flight_bytes: given.max_in_flight_bytes,
        timeout_ms: given.timeout_ms,
        max_title_chars: given.max_title_chars,
        max_content_bytes: given.max_content_bytes,
        max_yjs_bytes: given.max_yjs_bytes,
        yjs: YjsCaps {
            max_yjs_structs: given.max_yjs_structs,
            max_yjs_clients: given.max_yjs_clients,
            max_yjs_delete_ranges: given.max_yjs_delete_ranges,
            max_yjs_nesting: given.max_yjs_nesting,
            max_yjs_steps: given.max_yjs_steps,
        },
        quotas: Quotas {
            max_workspace_documents: given.max_workspace_documents.0,
            max_workspace_bytes: given.max_workspace_bytes.0,
            max_user_documents: given.max_user_documents.0,
            max_user_bytes: given.max_user_bytes.0,
        },
        receipt_retention_s: given.receipt_retention_s,
        tombstone_retention_s: given.tombstone_retention_s,
        history_retention_s: given.history_retention_s,
        upload: UploadLimits {
            max_operations: given.max_upload_operations,
            max_bytes: given.max_upload_bytes,
            max_open: given.max_open_uploads,
            max_workspace_bytes: given.max_workspace_upload_bytes,
            retention_s: given.upload_retention_s,
        },
    })
}

fn provider_of(options: &ServeOptions) -> Result<Option<ProviderConfig>, ConfigError> {
    let Some(jwks) = &options.jwks else {
        return match (&options.issuer, &options.audience) {
            (None, None) => Ok(None),
            _ => Err(ConfigError::new("LANDFALL_JWKS", "is missing, but an issuer or an audience is set")),
        };
    };
    let missing = |setting| ConfigError::new(setting, "is needed with LANDFALL_JWKS: tokens must be meant for here");
    Ok(Some(ProviderConfig {
        source: jwks_source(jwks)?,
        issuer: options.issuer.clone().ok_or_else(|| missing("LANDFALL_ISSUER"))?,
        audience: options.audience.clone().ok_or_else(|| missing("LANDFALL_AUDIENCE"))?,
    }))
}

/// Keys that come over the network in the clear could be anyone's.
fn jwks_source(raw: &str) -> Result<JwksSource, ConfigError> {
    match raw.split_once("://") {
        None => Ok(JwksSource::File(PathBuf::from(raw))),
        Some(("https", _)) => Ok(JwksSource::Url(raw.to_owned())),
        Some(("http", rest)) if is_this_machine(rest) => Ok(JwksSource::Url(raw.to_owned())),
        Some(("http", _)) => Err(ConfigError::new("LANDFALL_JWKS", "must be https unless it is on this machine")),
        Some((scheme, _)) => {
            Err(ConfigError::new("LANDFALL_JWKS", format!("must be a file or an https URL, not {scheme}://")))
        }
    }
}

fn is_this_machine(after_scheme: &str) -> bool {
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    if authority == "localhost" || authority.starts_with("localhost:") {
        return true;
    }
    let ip: Option<IpAddr> = match authority.parse::<SocketAddr>() {
        Ok(address) => Some(address.ip()),
        Err(_no_port) => authority.trim_matches(['[', ']']).parse().ok(),
    };
    ip.is_some_and(|ip| ip.is_loopback())
}

fn check_origin(origin: &str) -> Result<(), ConfigError> {
    let is_sound = origin.split_once("://").is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' '])
    });
    if is_sound {
        return Ok(());
    }
    let reason =
        format!("{origin:?} is not an origin; write each as https://host or https://host:port, without a path");
    Err(ConfigError::new("LANDFALL_CORS_ORIGINS", reason))
}

#[cfg(test)]
mod tests;
