//! Editors on npm yjs and the server, over HTTP: what one makes, the other has.

use std::ffi::OsStr;

use crate::harness::{Database, TestServer, on_both_databases};
use crate::yjs_support::{node_with, shared_data};

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

fn replay(database: Database, trace: &str) {
    let said = run(database, "http/traces.mjs", &[shared_data(trace).as_os_str()]);
    assert!(said.starts_with("ok "), "{said}");
}

/// Text with emoji and formats, maps, arrays, XML, concurrent edits, deletions, unrelated histories, gaps, diffs.
fn yjs_documents_survive_both_ways(database: Database) {
    let said = run(database, "http/both-ways.mjs", &[]);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 7, "{said}");
}

fn sveltecomponent_is_replayed(database: Database) {
    replay(database, "traces/sveltecomponent.json.gz");
}

fn automerge_paper_is_replayed(database: Database) {
    replay(database, "traces/automerge-paper.json.gz");
}

/// Two editors that push to the server in turn, as they were recorded.
fn friendsforever_is_replayed_by_two_editors(database: Database) {
    replay(database, "traces/friendsforever.json.gz");
}

on_both_databases!(
    yjs_documents_survive_both_ways,
    sveltecomponent_is_replayed,
    automerge_paper_is_replayed,
    friendsforever_is_replayed_by_two_editors,
);
