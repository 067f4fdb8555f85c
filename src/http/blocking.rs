//! What blocks, run off the event loop, for somebody who waits no longer than a request may take.

use std::time::{Duration, Instant};

use actix_web::web;

use crate::http::error::ApiError;

/// The store keeps the deadline by itself, unless its database hangs: so much later nobody waits for it any more.
const GRACE: Duration = Duration::from_secs(1);

/// Runs `work` and answers what it answers.
///
/// # Errors
/// What `work` answered; `Timeout` a moment after the deadline. Then `work` goes on: its transaction ends by the
/// database's own limits, or with its connection.
pub async fn run_by<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::time::timeout_at((deadline + GRACE).into(), web::block(work)).await {
        Ok(done) => done?,
        Err(_elapsed) => {
            metrics::counter!("landfall_abandoned_total").increment(1);
            Err(ApiError::Timeout)
        }
    }
}
