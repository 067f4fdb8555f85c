//! What the HTTP side has to do now and then. Ends with the server's event loop.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{rt, web};

use crate::auth::provider::MAX_KEY_AGE;
use crate::domain::timestamp::Timestamp;
use crate::http::state::AppState;
use crate::store::{Store, StoreError};
use crate::sync::SyncService;

const METRICS_INTERVAL: Duration = Duration::from_secs(5);
const RATE_LIMITS_INTERVAL: Duration = Duration::from_secs(60);
const KEYS_INTERVAL: Duration = Duration::from_secs(30);
const GAUGES_INTERVAL: Duration = Duration::from_secs(15);
const ERASURE_INTERVAL: Duration = Duration::from_secs(60);
const ERASURE_PAUSE: Duration = Duration::from_millis(5);
const SYNC_RUNS_INTERVAL: Duration = Duration::from_secs(60);

/// Starts it, on the event loop of the caller.
pub fn start(state: &web::Data<AppState>, store: &Arc<Store>) {
    let metrics = state.metrics.clone();
    every(METRICS_INTERVAL, move || metrics.run_upkeep());
    if let Some(limits) = state.rate_limits.clone() {
        every(RATE_LIMITS_INTERVAL, move || limits.forget_rested());
    }
    let (sync, clock) = (Arc::clone(&state.sync), Arc::clone(&state.clock));
    every(SYNC_RUNS_INTERVAL, move || close_silent_runs(&sync, clock.now()));
    let observed = Arc::clone(store);
    every(GAUGES_INTERVAL, move || observe(&observed));
    let store = Arc::clone(store);
    every(ERASURE_INTERVAL, move || erase_deleted(&store));
    if let Some(provider) = state.authenticator.provider().cloned() {
        every(KEYS_INTERVAL, move || {
            if let Err(failure) = provider.fetch_if_older(MAX_KEY_AGE) {
                tracing::warn!(cause = %failure, "the identity provider's keys cannot be renewed; the old ones stay");
            }
        });
    }
}

/// Looks at the database, for `/metrics`.
fn observe(store: &Store) {
    let seen = match store.observe() {
        Ok(seen) => seen,
        Err(error) => {
            tracing::debug!(%error, "the database could not be looked at for the metrics");
            return;
        }
    };
    let figure = |count: i64| i32::try_from(count).map_or(f64::from(i32::MAX), f64::from);
    // Bytes have more digits: in steps of 1024 they fit, up to two terabytes.
    let bytes = |count: i64| figure(count / 1_024) * 1_024.0;
    metrics::gauge!("landfall_database_bytes").set(bytes(seen.database_bytes));
    if let Some(wal) = seen.wal_bytes {
        metrics::gauge!("landfall_wal_bytes").set(bytes(i64::try_from(wal).unwrap_or(i64::MAX)));
    }
    metrics::gauge!("landfall_damaged_documents").set(figure(seen.damaged_documents));
    metrics::gauge!("landfall_compaction_backlog").set(figure(seen.to_compact));
    metrics::gauge!("landfall_erasure_backlog").set(figure(seen.to_erase));
}

/// What is left of deleted workspaces goes. Several servers may do it at once: each slice is a transaction.
fn erase_deleted(store: &Store) {
    let erase = || -> Result<usize, StoreError> {
        let deleted = store.list_deleted_workspaces()?;
        for workspace_id in &deleted {
            while store.erase_slice(*workspace_id)?.more {
                // Batches get through in between.
                std::thread::sleep(ERASURE_PAUSE);
            }
        }
        Ok(deleted.len())
    };
    match erase() {
        Ok(0) => {}
        Ok(erased) => tracing::info!(erased, "removed what was in deleted workspaces"),
        Err(error) => tracing::warn!(%error, "deleted workspaces could not be removed; tried again in a minute"),
    }
}

fn close_silent_runs(sync: &SyncService, now: Timestamp) {
    match sync.close_silent_runs(now) {
        Ok(0) => {}
        Ok(closed) => tracing::info!(closed, "closed sync runs that had fallen silent"),
        Err(error) => tracing::warn!(%error, "silent sync runs could not be closed; tried again in a minute"),
    }
}

fn every(interval: Duration, work: impl Fn() + Send + Sync + 'static) {
    let work = Arc::new(work);
    rt::spawn(async move {
        let mut ticks = rt::time::interval(interval);
        loop {
            ticks.tick().await;
            let work = Arc::clone(&work);
            if let Err(lost) = rt::task::spawn_blocking(move || work()).await {
                tracing::error!(cause = %lost, "upkeep failed");
            }
        }
    });
}
