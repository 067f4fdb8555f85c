//! Editors on npm yjs and the server, over HTTP: what one makes, the other has.

use std::ffi::OsStr;
use std::path::Path;

use crate::harness::{Database, TestServer, on_both_databases};
use crate::yjs_support::{generated, node_with, recorded};

fn run(database: Database, script: &str, arguments: &[&OsStr]) -> String {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let settings = [
        ("LANDFALL_URL", server.client().base_url()),
        ("LANDFALL_TOKEN", ada.access_token.clone()),
        ("LANDFALL_WORKSPACE", ada.workspace_id.clone()),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let said = String::from_utf8(node_with(script, arguments, &settings, b"")).unwrap();
    let metrics = server.client().get("/metrics").text();
    assert!(!metrics.contains("landfall_compactions_total{outcome=\"refused\"}"), "a snapshot did not pass its checks");
    if script.ends_with("traces.mjs") {
        assert!(metrics.contains("landfall_compactions_total{outcome=\"swapped\"}"), "no log was compacted");
    }
    said
}

fn replay(database: Database, history: &Path) {
    let said = run(database, "http/traces.mjs", &[history.as_os_str()]);
    assert!(said.starts_with("ok "), "{said}");
}

fn replay_recorded(database: Database, name: &str) {
    if let Some(file) = recorded(name) {
        replay(database, &file);
    }
}

/// Text with emoji and formats, maps, arrays, XML, concurrent edits, deletions, unrelated histories, gaps, diffs.
fn yjs_documents_survive_both_ways(database: Database) {
    let said = run(database, "http/both-ways.mjs", &[]);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 7, "{said}");
}

fn prose_is_replayed(database: Database) {
    replay(database, &generated("prose"));
}

fn code_is_replayed(database: Database) {
    replay(database, &generated("code"));
}

/// Two editors that push to the server in turn.
fn two_editors_are_replayed(database: Database) {
    replay(database, &generated("two-at-once"));
}

/// Three editors that are offline for long.
fn offline_branches_are_replayed(database: Database) {
    replay(database, &generated("offline-branches"));
}

fn sveltecomponent_is_replayed(database: Database) {
    replay_recorded(database, "sveltecomponent");
}

fn automerge_paper_is_replayed(database: Database) {
    replay_recorded(database, "automerge-paper");
}

fn friendsforever_is_replayed_by_two_editors(database: Database) {
    replay_recorded(database, "friendsforever");
}

on_both_databases!(
    yjs_documents_survive_both_ways,
    prose_is_replayed,
    code_is_replayed,
    two_editors_are_replayed,
    offline_branches_are_replayed,
    sveltecomponent_is_replayed,
    automerge_paper_is_replayed,
    friendsforever_is_replayed_by_two_editors,
);
