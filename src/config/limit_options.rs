//! The published limits, as they stand on the command line.

use clap::Args;

use crate::config::values::{Quota, positive, quota};

/// The limits that `GET /api/v1/limits` publishes, under the same names.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitOptions {
    /// Most operations in a batch
    #[arg(
        long, env = "LANDFALL_MAX_OPERATIONS", value_name = "N", default_value = "100",
        value_parser = positive
    )]
    pub max_operations: usize,
    /// Largest request body, in bytes, decompressed
    #[arg(
        long, env = "LANDFALL_MAX_BODY_BYTES", value_name = "BYTES", default_value = "10485760",
        value_parser = positive
    )]
    pub max_body_bytes: usize,
    /// Most memory for the bodies of all requests, in bytes (each counts twice), and as much for responses
    #[arg(
        long, env = "LANDFALL_MAX_IN_FLIGHT_BYTES", value_name = "BYTES", default_value = "268435456",
        value_parser = positive
    )]
    pub max_in_flight_bytes: usize,
    /// Time limit of a batch, in milliseconds; a slower one is rolled back
    #[arg(
        long, env = "LANDFALL_TIMEOUT_MS", value_name = "MS", default_value_t = 30_000,
        value_parser = clap::value_parser!(u64).range(1..=3_600_000)
    )]
    pub timeout_ms: u64,
    /// Longest title, in characters
    #[arg(
        long, env = "LANDFALL_MAX_TITLE_CHARS", value_name = "N", default_value = "500",
        value_parser = positive
    )]
    pub max_title_chars: usize,
    /// Largest text of a document, in bytes
    #[arg(
        long, env = "LANDFALL_MAX_CONTENT_BYTES", value_name = "BYTES", default_value = "8388608",
        value_parser = positive
    )]
    pub max_content_bytes: usize,
    /// Most bytes of Yjs updates in one operation, decoded
    #[arg(
        long, env = "LANDFALL_MAX_YJS_BYTES", value_name = "BYTES", default_value = "7340032",
        value_parser = positive
    )]
    pub max_yjs_bytes: usize,
    /// Most structs in a Yjs update
    #[arg(
        long, env = "LANDFALL_MAX_YJS_STRUCTS", value_name = "N", default_value = "1000000",
        value_parser = positive
    )]
    pub max_yjs_structs: usize,
    /// Most clients in a Yjs update or state vector
    #[arg(
        long, env = "LANDFALL_MAX_YJS_CLIENTS", value_name = "N", default_value = "8192",
        value_parser = positive
    )]
    pub max_yjs_clients: usize,
    /// Most ranges in the delete set of a Yjs update
    #[arg(
        long, env = "LANDFALL_MAX_YJS_DELETE_RANGES", value_name = "N", default_value = "500000",
        value_parser = positive
    )]
    pub max_yjs_delete_ranges: usize,
    /// Deepest nesting of Yjs values and types
    #[arg(
        long, env = "LANDFALL_MAX_YJS_NESTING", value_name = "N", default_value = "64",
        value_parser = positive
    )]
    pub max_yjs_nesting: usize,
    /// Most steps to put the Yjs items of a document in order, besides 64 for each item
    #[arg(
        long, env = "LANDFALL_MAX_YJS_STEPS", value_name = "N", default_value = "250000",
        value_parser = positive
    )]
    pub max_yjs_steps: usize,
    /// Documents that a workspace may hold, or `off`
    #[arg(long, env = "LANDFALL_MAX_WORKSPACE_DOCUMENTS", value_name = "N", default_value = "off", value_parser = quota)]
    pub max_workspace_documents: Quota,
    /// Bytes that a workspace may hold, old versions included, or `off`
    #[arg(long, env = "LANDFALL_MAX_WORKSPACE_BYTES", value_name = "BYTES", default_value = "off", value_parser = quota)]
    pub max_workspace_bytes: Quota,
    /// Documents of all workspaces that one user answers for, or `off`
    #[arg(long, env = "LANDFALL_MAX_USER_DOCUMENTS", value_name = "N", default_value = "off", value_parser = quota)]
    pub max_user_documents: Quota,
    /// Bytes of all workspaces that one user answers for, or `off`
    #[arg(long, env = "LANDFALL_MAX_USER_BYTES", value_name = "BYTES", default_value = "off", value_parser = quota)]
    pub max_user_bytes: Quota,
    /// Most operations of an upload, which is an atomic batch over several requests
    #[arg(
        long, env = "LANDFALL_MAX_UPLOAD_OPERATIONS", value_name = "N", default_value = "10000",
        value_parser = positive
    )]
    pub max_upload_operations: usize,
    /// Most bytes of the operations of an upload
    #[arg(
        long, env = "LANDFALL_MAX_UPLOAD_BYTES", value_name = "BYTES", default_value = "268435456",
        value_parser = positive
    )]
    pub max_upload_bytes: usize,
    /// Most uploads that one user may have open in a workspace
    #[arg(long, env = "LANDFALL_MAX_OPEN_UPLOADS", value_name = "N", default_value = "8", value_parser = positive)]
    pub max_open_uploads: usize,
    /// Most bytes of all open uploads of a workspace
    #[arg(
        long, env = "LANDFALL_MAX_WORKSPACE_UPLOAD_BYTES", value_name = "BYTES", default_value = "1073741824",
        value_parser = positive
    )]
    pub max_workspace_upload_bytes: usize,
    /// How long an upload may be open, and its answer is kept, in seconds
    #[arg(
        long, env = "LANDFALL_UPLOAD_RETENTION_S", value_name = "SECONDS", default_value_t = 86_400,
        value_parser = clap::value_parser!(i64).range(1..=3_153_600)
    )]
    pub upload_retention_s: i64,
    /// How long receipts are kept, in seconds; at least as long as tombstones
    #[arg(
        long, env = "LANDFALL_RECEIPT_RETENTION_S", value_name = "SECONDS", default_value_t = 90 * 86_400,
        value_parser = clap::value_parser!(i64).range(0..=3_153_600_000)
    )]
    pub receipt_retention_s: i64,
    /// How long deleted documents are kept as tombstones, in seconds
    #[arg(
        long, env = "LANDFALL_TOMBSTONE_RETENTION_S", value_name = "SECONDS", default_value_t = 90 * 86_400,
        value_parser = clap::value_parser!(i64).range(0..=3_153_600_000)
    )]
    pub tombstone_retention_s: i64,
    /// How long old versions are kept, in seconds
    #[arg(
        long, env = "LANDFALL_HISTORY_RETENTION_S", value_name = "SECONDS", default_value_t = 90 * 86_400,
        value_parser = clap::value_parser!(i64).range(0..=3_153_600_000)
    )]
    pub history_retention_s: i64,
}
