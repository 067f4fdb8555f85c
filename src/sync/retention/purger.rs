//! Who purges, and how long what is kept.

use std::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::domain::caution::LONGEST_WAIT_S;
use crate::domain::limits::Limits;
use crate::domain::timestamp::Clock;
use crate::domain::upload::UploadLimits;
use crate::store::Store;
use crate::yjs::render::Renderer;

/// How long things are kept, and how often is looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionConfig {
    /// Time between two runs; zero = none at all.
    pub interval: Duration,
    /// Seconds that a receipt is kept; not less than a tombstone.
    pub receipts_s: i64,
    /// Seconds that a tombstone is kept.
    pub tombstones_s: i64,
    /// Seconds that old versions, and the history of sync runs, are kept.
    pub history_s: i64,
    /// How long uploads are kept.
    pub upload: UploadLimits,
    /// Seconds that a purge that looks wrong waits, at most; it never waits longer than things of its kind are kept.
    pub caution_s: i64,
}

impl RetentionConfig {
    /// As the published limits say.
    #[must_use]
    pub const fn new(interval: Duration, limits: &Limits) -> Self {
        Self {
            interval,
            receipts_s: limits.receipt_retention_s,
            tombstones_s: limits.tombstone_retention_s,
            history_s: limits.history_retention_s,
            upload: limits.upload,
            caution_s: LONGEST_WAIT_S,
        }
    }
}

/// Who purges: one for each server.
pub struct Purger {
    pub(super) store: Arc<Store>,
    pub(super) renderer: Arc<Renderer>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: RetentionConfig,
    pub(super) holder: Uuid,
    /// When it last looked, by a clock that cannot jump.
    pub(super) looked: Mutex<Instant>,
    /// Microseconds between the last two looks.
    pub(super) passed: AtomicI64,
}

impl Purger {
    /// A purger over these parts.
    #[must_use]
    pub fn new(store: Arc<Store>, renderer: Arc<Renderer>, clock: Arc<dyn Clock>, config: RetentionConfig) -> Self {
        Self {
            store,
            renderer,
            clock,
            config,
            holder: Uuid::new_v4(),
            looked: Mutex::new(Instant::now()),
            passed: AtomicI64::new(0),
        }
    }
}

impl fmt::Debug for Purger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purger").field("config", &self.config).finish_non_exhaustive()
    }
}
