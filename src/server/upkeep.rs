//! What the HTTP side has to do now and then. Ends with the server's event loop.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{rt, web};

use crate::auth::provider::MAX_KEY_AGE;
use crate::domain::timestamp::Timestamp;
use crate::http::state::AppState;
use crate::sync::SyncService;

const METRICS_INTERVAL: Duration = Duration::from_secs(5);
const RATE_LIMITS_INTERVAL: Duration = Duration::from_secs(60);
const KEYS_INTERVAL: Duration = Duration::from_secs(30);
const SYNC_RUNS_INTERVAL: Duration = Duration::from_secs(60);

/// Starts it, on the event loop of the caller.
pub fn start(state: &web::Data<AppState>) {
    let metrics = state.metrics.clone();
    every(METRICS_INTERVAL, move || metrics.run_upkeep());
    if let Some(limits) = state.rate_limits.clone() {
        every(RATE_LIMITS_INTERVAL, move || limits.forget_rested());
    }
    let (sync, clock) = (Arc::clone(&state.sync), Arc::clone(&state.clock));
    every(SYNC_RUNS_INTERVAL, move || close_silent_runs(&sync, clock.now()));
    if let Some(provider) = state.authenticator.provider().cloned() {
        every(KEYS_INTERVAL, move || {
            if let Err(failure) = provider.fetch_if_older(MAX_KEY_AGE) {
                tracing::warn!(cause = %failure, "the identity provider's keys cannot be renewed; the old ones stay");
            }
        });
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
