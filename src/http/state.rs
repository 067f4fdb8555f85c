//! What handlers share. Made once, in `server`.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

use crate::auth::accounts::Accounts;
use crate::auth::authenticator::Authenticator;
use crate::domain::limits::Limits;
use crate::domain::timestamp::Clock;
use crate::http::admission::Admission;
use crate::http::rate_limits::RateLimits;
use crate::sync::SyncService;
use crate::sync::live::Live;

/// The application's parts, as handlers see them.
pub struct AppState {
    /// The use cases.
    pub sync: Arc<SyncService>,
    /// The documents that are edited live.
    pub live: Arc<Live>,
    /// Pages of these origins may connect, besides the server's own.
    pub origins: Vec<String>,
    /// What is enforced and published.
    pub limits: Arc<Limits>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Built-in accounts.
    pub accounts: Arc<Accounts>,
    /// From token to user.
    pub authenticator: Arc<Authenticator>,
    /// Limits for each user; `None` = off.
    pub rate_limits: Option<Arc<RateLimits>>,
    /// What requests may hold at a time.
    pub admission: Admission,
    /// Whether `/metrics` is served on an address of its own.
    pub metrics_apart: bool,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Whether owners add members at once, instead of inviting them.
    pub members_at_once: bool,
    /// Whether `X-Forwarded-For` may be believed.
    pub trust_proxy: bool,
    /// Becomes true when the server is stopping: answers without end should end.
    pub stopping: watch::Receiver<bool>,
}
