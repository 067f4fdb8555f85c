//! The command-line client as people use it: the real program, on real folders, with the real server.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stderr,
    reason = "a test that cannot go on must fail, loudly"
)]

#[allow(dead_code, unused_imports, unused_macros, reason = "shared with the suites over HTTP, which use all of it")]
mod harness;
#[allow(dead_code, reason = "part of the test bench")]
mod postgres_server;

mod client_sync {
    mod atomic;
    mod backups;
    mod bad_network;
    mod choices;
    mod commands;
    mod completions;
    mod corpus;
    mod crashes;
    mod files;
    mod first_sync;
    mod full_disk;
    mod guards;
    mod habits;
    mod hostile_folder;
    mod large_answers;
    mod left_out;
    mod line_ends;
    mod logins;
    mod many_files;
    mod messages;
    mod moved_files;
    mod notes;
    mod outages;
    mod paths;
    mod place;
    mod progress;
    mod proxy;
    mod renewals;
    mod reserved_port;
    mod restored;
    mod same_change;
    mod slow_line;
    mod small_disk;
    mod take_back;
    mod two_people;
    mod unreadable;
    mod watch;
}
