//! The server as its clients see it: the real program on real databases, over HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stderr,
    reason = "a test that cannot go on must fail, loudly"
)]

mod harness;
mod postgres_server;
mod yjs_support;

mod http {
    mod access;
    mod accounts;
    mod administration;
    mod bounded_answers;
    mod checks;
    mod compression;
    mod concurrency;
    mod conflicts;
    mod damage;
    mod diff;
    mod durability;
    mod edit_turns;
    mod editor;
    mod events;
    mod events_across_servers;
    mod failover;
    mod fair_shares;
    mod feed;
    mod feed_in_batch;
    mod feed_readers;
    mod health;
    mod hostile;
    mod interop;
    mod limits;
    mod live;
    mod live_folder;
    mod live_sockets;
    mod live_together;
    mod lives;
    mod members;
    mod metrics;
    mod modes;
    mod openapi;
    mod poolers;
    mod protocol_page;
    mod push_folder;
    mod quotas;
    mod reading;
    mod readme;
    mod receipts;
    mod repair;
    mod request_fuzz;
    mod requests;
    #[path = "../client_sync/reserved_port.rs"]
    mod reserved_port;
    mod retention;
    mod search;
    mod seed_request;
    mod settings_file;
    mod slow_documents;
    #[allow(dead_code, reason = "the folder client's suite uses all of it")]
    #[path = "../client_sync/small_disk.rs"]
    mod small_disk;
    mod sync_counts;
    mod sync_events;
    mod syncs;
    mod take_back;
    mod text_edits;
    mod the_past;
    mod torture;
    mod upload_crashes;
    mod upload_limits;
    mod uploads;
    mod validation;
    mod yjs_documents;
    mod yjs_fit;
}
