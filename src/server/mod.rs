//! The server: the only place where configuration, store, use cases and HTTP are put together, and taken down in an
//! order that loses nothing that was accepted.

mod banner;
mod connections;
pub mod logging;
mod upkeep;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::auth::AuthError;
use crate::auth::accounts::{Accounts, AccountsConfig};
use crate::auth::authenticator::Authenticator;
use crate::auth::passwords::Passwords;
use crate::auth::provider::{JwksSource, Provider, ProviderConfig};
use crate::auth::tokens::AccessTokens;
use crate::clock::SystemClock;
use crate::config::{Config, UserRate, secret_file};
use crate::domain::sync_run::RunKey;
use crate::domain::timestamp::Clock;
use crate::http;
use crate::http::admission::{Admission, AdmissionConfig};
use crate::http::rate_limits::{RateLimitConfig, RateLimits};
use crate::http::request_layer::KEEP_ALIVE_S;
use crate::http::state::AppState;
use crate::http::syncs::body::ProgressBody;
use crate::store::{DatabaseUrl, Store, StoreError};
use crate::sync::SyncService;
use crate::sync::events::{Events, RunLoader};
use crate::sync::live::Live;
use crate::sync::retention::{Purger, Retention, RetentionConfig};
use crate::sync::runs::SyncRunView;
use crate::yjs::render::{RenderConfig, Renderer};

/// What is added to a batch's time limit for its answer to be sent before the server gives up on it when stopping.
const STOP_GRACE_S: u64 = 5;
/// Seconds; from a cached read to the longest batch that is allowed.
const DURATION_BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Why the server did not start, or did not end well.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The data directory or the token secret.
    #[error("cannot use the data directory: {0}")]
    DataDirectory(#[source] io::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Accounts.
    #[error("cannot set up accounts: {0}")]
    Accounts(#[from] AuthError),
    /// Metrics.
    #[error("cannot set up metrics: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// The address.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
    /// Anything else that the system refuses.
    #[error("the server failed: {0}")]
    Io(#[from] io::Error),
}

/// What is alive while the server runs.
struct Parts {
    state: web::Data<AppState>,
    store: Arc<Store>,
    stop: watch::Sender<bool>,
    retention: Arc<Retention>,
}

/// Serves until SIGTERM or SIGINT, then finishes what was accepted.
///
/// # Errors
/// See [`ServerError`].
pub fn run(config: &Config) -> Result<(), ServerError> {
    let parts = build(config)?;
    let (state, retention) = (parts.state.clone(), Arc::clone(&parts.retention));
    let store = Arc::clone(&parts.store);
    let outcome = actix_web::rt::System::new().block_on(serve(config, parts));
    // Answers are out; what remains is background work and the write-ahead log.
    retention.close();
    state.sync.close();
    store.close();
    tracing::info!("stopped");
    outcome
}

fn build(config: &Config) -> Result<Parts, ServerError> {
    // Before anything that measures begins: what is measured without a recorder is lost.
    let metrics = install_metrics()?;
    let secret = prepare_data_dir(config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let limits = Arc::new(config.limits.clone());
    let store = Arc::new(Store::open(&config.database.url, &config.store)?);
    let renderer = Arc::new(Renderer::new(RenderConfig {
        program: std::env::current_exe()?,
        workers: config.yjs_workers.count,
        max_memory_bytes: config.yjs_workers.max_memory_bytes,
        time_budget: config.yjs_workers.time_budget,
    }));
    let retention = RetentionConfig::new(config.purge_interval, &limits);
    let purger = Purger::new(Arc::clone(&store), Arc::clone(&renderer), Arc::clone(&clock), retention);
    report_messages(config);
    report_peers(config.trust_proxy);
    let events = Arc::new(Events::start(Arc::clone(&store), config.events));
    events.load_runs_with(progress_from(Arc::clone(&store)));
    let sync = SyncService::new(Arc::clone(&store), renderer, Arc::clone(&limits), Arc::clone(&clock), events);
    let sync = Arc::new(sync);
    let tokens = Arc::new(AccessTokens::new(secret.expose_secret().as_bytes(), config.access_token_lifetime));
    let provider = config.provider.clone().map(load_provider).transpose()?;
    let accounts = Accounts::new(AccountsConfig {
        store: Arc::clone(&store),
        passwords: Passwords::new(available_parallelism().map_or(1, NonZeroUsize::get))?,
        access_tokens: Arc::clone(&tokens),
        refresh_lifetime: config.refresh_token_lifetime,
        registration: config.registration,
        registrations_per_hour: config.registrations_per_hour,
        clock: Arc::clone(&clock),
    });
    let authenticator = Authenticator::new(Arc::clone(&store), tokens, provider, Arc::clone(&clock));
    let (stop, stopping) = watch::channel(false);
    let state = web::Data::new(AppState {
        live: Live::start(Arc::clone(&sync), config.live),
        origins: config.cors_origins.clone(),
        sync,
        limits,
        clock,
        accounts: Arc::new(accounts),
        authenticator: Arc::new(authenticator),
        rate_limits: config.user_rate.map(|rate| Arc::new(RateLimits::new(rate_limits_of(rate)))),
        admission: Admission::new(admission_of(config)),
        metrics,
        members_at_once: config.members_at_once,
        metrics_apart: config.metrics_listen.is_some(),
        trust_proxy: config.trust_proxy,
        stopping,
    });
    Ok(Parts { state, store, stop, retention: Arc::new(Retention::start(purger)) })
}

/// How changes of other servers are found, in the log.
fn report_messages(config: &Config) {
    match (&config.database.url, &config.store.notify_url) {
        (DatabaseUrl::Sqlite(_), _) => {}
        (DatabaseUrl::Postgres(_), _) if !config.events.notify => {
            tracing::info!("changes of other servers are found by polling alone (LANDFALL_NOTIFY)");
        }
        (DatabaseUrl::Postgres(_), Some(url)) => tracing::info!(%url, "servers send each other messages there"),
        (DatabaseUrl::Postgres(_), None) => tracing::info!("servers send each other messages over the database"),
    }
}

/// Whom failed logins are counted for, in the log.
fn report_peers(trust_proxy: bool) {
    if trust_proxy {
        tracing::info!("failed logins are counted for the last address in X-Forwarded-For (LANDFALL_TRUST_PROXY)");
    } else {
        tracing::info!(
            "failed logins are counted for the address that connects; behind a proxy, set LANDFALL_TRUST_PROXY"
        );
    }
}

/// What event streams report about a run: the same as a read of it.
fn progress_from(store: Arc<Store>) -> Box<RunLoader> {
    Box::new(move |workspace_id, user_id, sync_id| {
        let encode =
            |view: &SyncRunView| serde_json::to_string(&ProgressBody::from(view)).map_err(|error| error.to_string());
        let found = store.find_sync_run(RunKey { workspace_id, user_id, sync_id }).map_err(|error| error.to_string());
        let encoded =
            found.and_then(|found| found.map(|(run, failures)| encode(&SyncRunView { run, failures })).transpose());
        encoded.unwrap_or_else(|error| {
            tracing::warn!(%sync_id, error, "the progress of a sync run could not be reported");
            None
        })
    })
}

/// The secret to sign with. The directory is made only where something is kept in it.
fn prepare_data_dir(config: &Config) -> Result<SecretString, ServerError> {
    if matches!(config.database.url, DatabaseUrl::Sqlite(_)) {
        secret_file::make_data_dir(&config.database.data_dir).map_err(ServerError::DataDirectory)?;
    }
    match &config.jwt_secret {
        Some(secret) => Ok(secret.clone()),
        None => secret_file::load_or_make(&config.database.data_dir).map_err(ServerError::DataDirectory),
    }
}

/// A key file must be readable now; a URL may be away for a while without keeping the server down.
fn load_provider(config: ProviderConfig) -> Result<Arc<Provider>, AuthError> {
    let provider = Arc::new(Provider::new(config));
    match (provider.fetch(), &provider.config().source) {
        (Ok(keys), _) => tracing::info!(keys, "loaded the identity provider's keys"),
        (Err(failure), JwksSource::Url(_)) => {
            tracing::warn!(cause = %failure, "the identity provider's keys cannot be loaded yet");
        }
        (Err(failure), JwksSource::File(_)) => return Err(failure),
    }
    Ok(provider)
}

/// On Postgres a batch holds a connection, and a quarter of them is left to readers. On SQLite batches wait for one writer,
/// which takes so many into one commit.
fn admission_of(config: &Config) -> AdmissionConfig {
    let concurrent_batches = match config.database.url {
        DatabaseUrl::Sqlite(_) => config.store.group_limit,
        DatabaseUrl::Postgres(_) => {
            let connections = usize::try_from(config.store.reader_connections).unwrap_or(usize::MAX);
            connections.saturating_sub(connections.div_ceil(4)).max(1)
        }
    };
    AdmissionConfig {
        in_flight_bytes: config.limits.max_in_flight_bytes,
        waiting_batches: config.store.writer_queue,
        concurrent_batches,
        concurrent_reads: std::thread::available_parallelism().map_or(1, usize::from),
        upload_bytes: config.limits.upload.max_bytes,
    }
}

fn rate_limits_of(rate: UserRate) -> RateLimitConfig {
    let UserRate { operations_per_minute, bytes_per_minute } = rate;
    RateLimitConfig { operations_per_minute, bytes_per_minute }
}

fn install_metrics() -> Result<PrometheusHandle, ServerError> {
    let durations = Matcher::Suffix("_seconds".to_owned());
    Ok(PrometheusBuilder::new().set_buckets_for_metric(durations, &DURATION_BUCKETS)?.install_recorder()?)
}

async fn serve(config: &Config, parts: Parts) -> Result<(), ServerError> {
    let Parts { state, store, stop, retention: _ } = parts;
    connections::make_room_for(config.events.max_streams);
    let stopped = stop_signal(stop)?;
    let for_workers = (state.clone(), config.cors_origins.clone());
    let server = HttpServer::new(move || http::app(for_workers.0.clone(), &for_workers.1))
        .workers(config.http_workers)
        .on_connect(|connection, _extensions| connections::set_options(connection))
        .shutdown_signal(stopped)
        .shutdown_timeout(config.limits.timeout_ms.div_ceil(1_000).saturating_add(STOP_GRACE_S))
        .keep_alive(Duration::from_secs(KEEP_ALIVE_S))
        .client_request_timeout(Duration::from_secs(10))
        .bind(config.listen)
        .map_err(|cause| ServerError::Listen { address: config.listen, cause })?;
    let address = server.addrs().first().copied().unwrap_or(config.listen);
    banner::print(config, address, !store.list_users(None, 1)?.is_empty())?;
    upkeep::start(&state, &store);
    let metrics = config.metrics_listen.map(|address| serve_metrics(address, &state)).transpose()?;
    let ended = server.run().await;
    if let Some(metrics) = metrics {
        metrics.stop(false).await;
    }
    Ok(ended?)
}

/// Serves `/metrics` on an address of its own, until it is stopped.
fn serve_metrics(address: SocketAddr, state: &web::Data<AppState>) -> Result<ServerHandle, ServerError> {
    let state = state.clone();
    let server =
        HttpServer::new(move || App::new().app_data(state.clone()).configure(http::server_routes::metrics_routes))
            .workers(1)
            .disable_signals()
            .bind(address)
            .map_err(|cause| ServerError::Listen { address, cause })?;
    tracing::info!(address = %server.addrs().first().copied().unwrap_or(address), "serving /metrics");
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

/// Completes on SIGTERM or SIGINT, and ends the responses that have no end of their own.
fn stop_signal(stop: watch::Sender<bool>) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing what was accepted");
        stop.send_replace(true);
    })
}
