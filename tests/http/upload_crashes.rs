//! Servers that are killed while an upload is staged or committed (protocol §1.11).

use std::time::Duration;

use serde_json::json;

use super::uploads::{BATCH, body, commit, named, send, stage, titles};
use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, on_both_databases};

on_both_databases!(
    a_server_that_is_killed_keeps_what_was_staged,
    a_server_that_is_killed_at_the_commit_applies_all_or_nothing,
);

fn a_server_that_is_killed_keeps_what_was_staged(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let upload = new_id();
    let part = |part: usize| {
        let fields = json!({ "upload_id": upload, "commit": false, "part": part });
        send(&ada, fields, named(part * 50..(part + 1) * 50))
    };
    part(0).expect(200);
    part(1).expect(200);
    server.kill();
    server.restart();
    // Its answer was lost, for all that the editor knows.
    assert_eq!(part(1).expect(200).body["upload"]["operations"], 100);
    part(2).expect(200);
    assert_eq!(titles(&ada).len(), 0);
    let answer = commit(&ada, &upload).expect(200);
    let in_order = (0..150).map(|name| format!("op_{name} success v1"));
    assert!(answer.outcomes().into_iter().eq(in_order), "{answer}");
    server.kill();
    server.restart();
    let again = commit(&ada, &upload).expect(200);
    assert_eq!((&again.body["replayed"], &again.body["batch_id"]), (&json!(150), &answer.body["batch_id"]));
    assert_eq!(titles(&ada).len(), 150);
}

fn a_server_that_is_killed_at_the_commit_applies_all_or_nothing(database: Database) {
    const OPERATIONS: usize = 400;
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let upload = new_id();
    for first in (0..OPERATIONS).step_by(100) {
        stage(&ada, &upload, named(first..first + 100)).expect(200);
    }
    for pause in [3, 12, 40] {
        let request = body(&ada, json!({ "upload_id": upload, "commit": true, "device_id": "laptop" }), []);
        let answered = std::thread::scope(|scope| {
            let sent = scope.spawn(|| ada.request("POST", BATCH).json(&request).try_send().is_ok());
            std::thread::sleep(Duration::from_millis(pause));
            server.kill();
            sent.join().unwrap()
        });
        server.restart();
        let there = titles(&ada).len();
        assert!(there == OPERATIONS || (there == 0 && !answered), "{there} of {OPERATIONS} after {pause} ms");
    }
    let answer = commit(&ada, &upload).expect(200);
    assert_eq!((&answer.body["successful"], titles(&ada).len()), (&json!(OPERATIONS), OPERATIONS));
}
