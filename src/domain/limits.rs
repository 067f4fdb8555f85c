//! The limits, as data: enforced from the same struct that `GET /api/v1/limits` publishes (protocol §1.1).

use serde::Serialize;

use crate::domain::quota::Quotas;
use crate::domain::upload::UploadLimits;

/// What one request, one operation and one Yjs update may be. Every figure is inclusive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Operations in a batch.
    pub max_operations: usize,
    /// Bytes of a request's body, after decompression.
    pub max_body_bytes: usize,
    /// Bytes that the bodies of all requests may have together, each counted twice: as it came, and parsed. Beyond it the
    /// answer is 503 `busy`. A user has a quarter at most.
    pub max_in_flight_bytes: usize,
    /// Milliseconds until a batch is rolled back and answered 503 `timeout`.
    pub timeout_ms: u64,
    /// Unicode scalar values of a title.
    pub max_title_chars: usize,
    /// UTF-8 bytes of a document's text.
    pub max_content_bytes: usize,
    /// Decoded bytes of one operation's Yjs updates together.
    pub max_yjs_bytes: usize,
    /// The shape of one Yjs update.
    #[serde(flatten)]
    pub yjs: YjsCaps,
    /// What a workspace and a user may hold.
    #[serde(flatten)]
    pub quotas: Quotas,
    /// Seconds that a receipt is kept; never less than a tombstone.
    pub receipt_retention_s: i64,
    /// Seconds that a deleted document is remembered.
    pub tombstone_retention_s: i64,
    /// Seconds that old versions are kept.
    pub history_retention_s: i64,
    /// What an upload may be.
    pub upload: UploadLimits,
}

/// Caps on the shape of one Yjs update (docs/adr/0004): wide enough for every recorded history, also as
/// one-character updates joined together; narrow enough that reading it takes bounded time and memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct YjsCaps {
    /// Structs (items and garbage-collected runs) of an update.
    pub max_yjs_structs: usize,
    /// Clients named by an update or a state vector.
    pub max_yjs_clients: usize,
    /// Ranges of an update's delete set.
    pub max_yjs_delete_ranges: usize,
    /// Depth of nested `Any` values and of nested shared types.
    pub max_yjs_nesting: usize,
    /// Steps that putting a document's items in order may take, besides 64 for each item: where many are put at one
    /// place, each is compared with those that are there.
    pub max_yjs_steps: usize,
}

const DAY_S: i64 = 86_400;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_operations: 100,
            max_body_bytes: 10 * 1024 * 1024,
            max_in_flight_bytes: 256 * 1024 * 1024,
            timeout_ms: 30_000,
            max_title_chars: 500,
            max_content_bytes: 8 * 1024 * 1024,
            max_yjs_bytes: 7 * 1024 * 1024,
            yjs: YjsCaps::default(),
            quotas: Quotas::default(),
            receipt_retention_s: 90 * DAY_S,
            tombstone_retention_s: 90 * DAY_S,
            history_retention_s: 90 * DAY_S,
            upload: UploadLimits::default(),
        }
    }
}

impl Default for YjsCaps {
    fn default() -> Self {
        Self {
            max_yjs_structs: 1_000_000,
            max_yjs_clients: 8_192,
            max_yjs_delete_ranges: 500_000,
            max_yjs_nesting: 64,
            max_yjs_steps: 250_000,
        }
    }
}
