//! The progress of sync runs, told live (protocol §2, §4): what a read of the run would answer, to its user alone.

use std::time::Duration;

use serde_json::Value;

use crate::harness::events::EventReader;
use crate::harness::sync_run::{creates, progress_of};
use crate::harness::{Database, Run, TestServer, on_both_databases};

on_both_databases!(progress_is_told_step_by_step, progress_is_told_to_its_user_alone,);

/// The next progress; changes that are told beside it are passed over.
fn next_progress(stream: &mut EventReader) -> Value {
    loop {
        let frame = stream.next_event().expect("the stream goes on");
        if frame.event.as_deref() == Some("sync") {
            assert_eq!(frame.id, None, "progress is no place in the feed");
            return frame.json();
        }
    }
}

fn progress_is_told_step_by_step(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let mut stream = ada.events();
    let run = Run::open(&ada, 20);
    assert_eq!(progress_of(&next_progress(&mut stream)), "idle 0=0+0+0 of 20");
    run.push(creates(0, 10)).expect(200);
    let told = next_progress(&mut stream);
    assert_eq!(progress_of(&told), "processing 10=10+0+0 of 20");
    assert_eq!(told, run.read().expect(200).body, "as a read of the run answers");
    run.push(creates(10, 10)).expect(200);
    assert_eq!(progress_of(&next_progress(&mut stream)), "completed 20=20+0+0 of 20");
    let other = Run::open(&ada, 5);
    assert_eq!(next_progress(&mut stream)["status"], "idle");
    other.cancel().expect(200);
    assert_eq!(next_progress(&mut stream)["status"], "cancelled");
}

fn progress_is_told_to_its_user_alone(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    let guest = ada.invite(&grace, "editor");
    let mut hers = guest.events();
    Run::open(&ada, 20).push([]).expect(200);
    hers.expect_silence(Duration::from_millis(300));
    Run::open(&guest, 7);
    assert_eq!(next_progress(&mut hers)["total"], 7);
}

#[test]
fn progress_is_told_on_the_other_server() {
    let one = TestServer::start(Database::Postgres);
    let two = one.start_beside();
    let ada = one.register("ada");
    let mut stream = two.welcome(&ada).events();
    let run = Run::open(&ada, 10);
    assert_eq!(next_progress(&mut stream)["status"], "idle");
    run.push(creates(0, 10)).expect(200);
    assert_eq!(next_progress(&mut stream)["status"], "completed");
}
