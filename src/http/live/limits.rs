//! The bounds of live editing, as `GET /api/v1/limits` publishes them.

use serde::Serialize;

use super::said::TIMES_A_SECOND;
use crate::http::state::AppState;
use crate::sync::live::MAX_STATE_BYTES;

/// The bounds of live editing.
#[derive(Debug, Serialize)]
pub struct LiveLimits {
    max_user_sockets: usize,
    max_socket_documents: usize,
    max_awareness_bytes: usize,
    max_awareness_per_s: u64,
    ping_s: u64,
}

impl LiveLimits {
    /// Those that are enforced.
    #[must_use]
    pub fn of(state: &AppState) -> Self {
        let config = state.live.config();
        Self {
            max_user_sockets: config.max_user_sockets,
            max_socket_documents: config.max_documents,
            max_awareness_bytes: MAX_STATE_BYTES,
            max_awareness_per_s: TIMES_A_SECOND,
            ping_s: state.sync.events().heartbeat().as_secs(),
        }
    }
}
