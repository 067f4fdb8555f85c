//! Event streams (protocol §2): what is told, in what order, from where on, and until when.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::accounts::briefly;
use crate::harness::events::{EventReader, Frame};
use crate::harness::{Database, TestServer, User, create, delete, on_both_databases, update};

on_both_databases!(
    changes_are_told_as_they_are_committed,
    what_was_not_committed_is_not_told,
    a_batch_is_told_in_the_order_of_the_feed,
    a_workspace_hears_of_its_own_changes_only,
    a_lost_stream_resumes_without_a_gap,
    a_stream_that_had_heard_nothing_resumes_too,
    a_stream_is_caught_up_while_others_write,
    who_has_missed_too_much_is_told_to_pull,
    a_cursor_that_leads_nowhere_is_refused,
    a_stream_ends_with_its_token,
    a_stream_ends_with_the_membership,
    an_idle_stream_gives_signs_of_life,
    streams_are_bounded,
    a_reader_that_does_not_read_is_dropped_alone,
    streams_end_when_the_server_stops,
);

const NO_LIMIT: (&str, &str) = ("LANDFALL_RATE_LIMIT", "off");
const EACH_SECOND: (&str, &str) = ("LANDFALL_HEARTBEAT_S", "1");

/// Creates so many documents in one batch; their ids.
fn create_many(user: &User, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|number| format!("op_{number}")).collect();
    let answer = user.batch().with_all(names.iter().map(|name| create(name))).send().expect(200);
    names.iter().map(|name| answer.document_id(name)).collect()
}

fn ids_of(stream: &mut EventReader, count: usize) -> Vec<String> {
    (0..count).map(|_| stream.change()["document_id"].as_str().expect("an id").to_owned()).collect()
}

fn told(change: &Value) -> (Value, Value, Value) {
    (change["document_id"].clone(), change["version"].clone(), change["deleted"].clone())
}

fn changes_are_told_as_they_are_committed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let mut stream = ada.events();
    let id = ada.new_document("Notes", "one\n");
    assert_eq!(told(&stream.change()), (json!(id), json!(1), json!(false)));
    ada.send(update("op", &id).base(1).content("two\n")).expect_outcomes(["op success v2"]);
    assert_eq!(told(&stream.change()), (json!(id), json!(2), json!(false)));
    ada.send(delete("op", &id).base(2)).expect_outcomes(["op success v3"]);
    assert_eq!(told(&stream.change()), (json!(id), json!(3), json!(true)));
}

fn what_was_not_committed_is_not_told(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let mut stream = ada.events();
    ada.batch().dry_run().with(create("dry")).send().expect_outcomes(["dry success v1"]);
    ada.batch().atomic().with(create("new")).with(delete("old", &id)).send().expect(422);
    ada.send(create("same").id(&id).title("Other")).expect_outcomes(["same conflict already_exists v1"]);
    stream.expect_silence(Duration::from_millis(500));
}

fn a_batch_is_told_in_the_order_of_the_feed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let mut streams = [ada.events(), ada.events()];
    let mut made = Vec::new();
    for count in [1, 60, 7] {
        made.extend(create_many(&ada, count));
    }
    for stream in &mut streams {
        assert_eq!(ids_of(stream, made.len()), made);
    }
}

fn a_workspace_hears_of_its_own_changes_only(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    let mut stream = grace.events();
    ada.new_document("Hers", "one\n");
    let id = grace.new_document("Mine", "one\n");
    assert_eq!(ids_of(&mut stream, 1), [id]);
    let guest = ada.invite(&grace, "viewer");
    let mut stream = guest.events();
    let id = ada.new_document("Ours", "one\n");
    assert_eq!(ids_of(&mut stream, 1), [id], "a viewer hears too");
}

fn a_lost_stream_resumes_without_a_gap(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let mut stream = ada.events();
    let heard = create_many(&ada, 3);
    assert_eq!(ids_of(&mut stream, 2), heard[..2]);
    let last_heard = stream.last_event_id.clone().expect("an id");
    drop(stream);

    let mut missed = vec![heard[2].clone()];
    for _ in 0..3 {
        missed.extend(create_many(&ada, 90));
    }
    let mut stream = ada.events_since(&last_heard);
    assert_eq!(ids_of(&mut stream, missed.len()), missed, "each once, in order");
    let new = create_many(&ada, 2);
    assert_eq!(ids_of(&mut stream, 2), new, "and then what is new");
    stream.expect_silence(Duration::from_millis(300));
}

fn a_stream_that_had_heard_nothing_resumes_too(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.new_document("Before", "one\n");
    let stream = ada.events();
    let opened_at = stream.last_event_id.clone().expect("an id");
    drop(stream);
    let id = ada.new_document("Missed", "one\n");
    let mut stream = ada.events_since(&opened_at);
    assert_eq!(ids_of(&mut stream, 1), [id]);
    let mut from_now = ada.events_since("");
    from_now.expect_silence(Duration::from_millis(300));
}

fn a_stream_is_caught_up_while_others_write(database: Database) {
    const BATCHES: usize = 40;
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let start = ada.events().last_event_id.expect("an id");
    let (written, heard) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..BATCHES).flat_map(|_| create_many(&ada, 20)).collect::<Vec<_>>());
        // A stream that is cut again and again, in the midst of everything.
        let (mut heard, mut last_id) = (Vec::new(), start);
        while heard.len() < BATCHES * 20 {
            let mut stream = ada.events_since(&last_id);
            heard.extend(ids_of(&mut stream, 137.min(BATCHES * 20 - heard.len())));
            last_id = stream.last_event_id.expect("an id");
        }
        (writer.join().expect("a writer"), heard)
    });
    assert_eq!(heard, written);
}

fn who_has_missed_too_much_is_told_to_pull(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let first = ada.events().last_event_id.expect("an id");
    let mut made = Vec::new();
    for _ in 0..11 {
        made.extend(create_many(&ada, 91));
    }
    let mut stream = ada.events_since(&first);
    assert_eq!(stream.last_event_id.as_ref(), Some(&first), "who is cut off here is told again");
    assert_eq!(stream.expect_event("pull"), json!({ "reason": "far_behind" }));
    let after = stream.last_event_id.clone().expect("an id");
    let id = ada.new_document("New", "one\n");
    assert_eq!(ids_of(&mut stream, 1), std::slice::from_ref(&id), "it goes on with what is new");
    assert_eq!(ids_of(&mut ada.events_since(&after), 1), [id], "and so does the next one");

    // Many versions of few documents are few changes.
    let busy = server.register("grace");
    let start = busy.events().last_event_id.expect("an id");
    let id = busy.new_document("Busy", "0\n");
    for batch in 0..11 {
        let edit = |number: usize| {
            update(&format!("op_{number}"), &id).force().content(&format!("{}\n", batch * 100 + number + 1))
        };
        busy.batch().with_all((0..99).map(edit)).send().expect(200);
    }
    let mut stream = busy.events_since(&start);
    assert_eq!(told(&stream.change()), (json!(id), json!(1 + 11 * 99), json!(false)));
}

fn a_cursor_that_leads_nowhere_is_refused(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    let elsewhere = grace.events().last_event_id.expect("an id");
    for foreign in ["made up", "AAAA", &elsewhere, "\u{e4}"] {
        ada.try_events(Some(foreign)).expect_problem(400, "bad_request");
    }
    grace.in_workspace(&ada.workspace_id).try_events(None).expect_problem(404, "not_found");
    ada.get("/api/v1/documents/events").expect_problem(400, "bad_request");

    let start = ada.events().last_event_id.expect("an id");
    let mut stream = ada.events();
    create_many(&ada, 3);
    ids_of(&mut stream, 3);
    let last = stream.last_event_id.clone().expect("an id");
    // As a purge of tombstones does.
    server.execute_sql("UPDATE workspaces SET purged_sequence = 2 WHERE head_sequence = 3");
    ada.try_events(Some(&start)).expect_problem(410, "cursor_expired");
    assert_eq!(ada.try_events(Some(&last)).status, 200);
    // As a database that was restored from a backup.
    server.execute_sql("UPDATE workspaces SET head_sequence = 2 WHERE head_sequence = 3");
    ada.try_events(Some(&last)).expect_problem(410, "cursor_expired");
}

fn a_stream_ends_with_its_token(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let started = Instant::now();
    let mut stream = briefly(&ada, 6).events();
    let id = ada.new_document("Notes", "one\n");
    // It has ended before the change on a machine that is very busy.
    if let Some(frame) = stream.next_event() {
        assert_eq!(frame.json()["document_id"], id);
        stream.expect_end();
    }
    assert!(started.elapsed() > Duration::from_secs(4), "not before its time");
    let mut stream = ada.events_since(&stream.last_event_id.expect("an id"));
    let id = ada.new_document("More", "one\n");
    while stream.change()["document_id"] != id {}
}

fn a_stream_ends_with_the_membership(database: Database) {
    let server = TestServer::start_with(database, &[NO_LIMIT, EACH_SECOND]);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "viewer");
    let (mut hers, mut own) = (ada.events(), grace.events());
    ada.delete(&format!("/api/v1/workspaces/{}/members/grace", ada.workspace_id)).expect(204);
    own.expect_end();
    let id = ada.new_document("Notes", "one\n");
    assert_eq!(ids_of(&mut hers, 1), [id], "the owner's goes on");
    grace.try_events(None).expect_problem(404, "not_found");
}

fn an_idle_stream_gives_signs_of_life(database: Database) {
    let server = TestServer::start_with(database, &[NO_LIMIT, EACH_SECOND]);
    let mut stream = server.register("ada").events();
    for _ in 0..2 {
        assert_eq!(stream.next(), Some(Frame::default()));
    }
}

fn streams_are_bounded(database: Database) {
    let settings = [NO_LIMIT, EACH_SECOND, ("LANDFALL_MAX_STREAMS", "3"), ("LANDFALL_MAX_USER_STREAMS", "2")];
    let server = TestServer::start_with(database, &settings);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    let mut streams = vec![ada.events(), ada.events()];
    let refused = ada.try_events(None).expect_problem(429, "rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    streams.push(grace.events());
    grace.try_events(None).expect_problem(503, "busy").header("retry-after");
    drop(streams);
    // A client that is gone is noticed at a sign of life.
    let deadline = Instant::now() + Duration::from_secs(60);
    while ada.try_events(None).status != 200 {
        assert!(Instant::now() < deadline, "streams that are gone still count");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn a_reader_that_does_not_read_is_dropped_alone(database: Database) {
    // The system cuts off who takes nothing for a minute. Where that many changes take so long, it is tried again.
    let is_dropped_in_time = (0..10).any(|_| is_dropped_alone(database));
    assert!(is_dropped_in_time, "4,300 changes take nearly a minute here");
}

/// `false` if the changes took too long.
fn is_dropped_alone(database: Database) -> bool {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let started = Instant::now();
    let (mut stuck, mut good) = (ada.events(), ada.events());
    let dropped = "landfall_event_streams_ended_total{reason=\"slow_reader\"} 1";
    let mut heard = 0;
    // First what the connection holds, then what a stream may fall behind: changes that are sent one by one.
    for size in std::iter::repeat_n(100, 40).chain(std::iter::repeat_n(1, 300)) {
        create_many(&ada, size);
        heard += ids_of(&mut good, size).len();
        if started.elapsed() > Duration::from_secs(45) {
            return false;
        }
    }
    assert!(!server.client().get("/metrics").text().contains(dropped), "it is dropped when it reads again");
    let mut changes = 0;
    let last = loop {
        let frame = stuck.next_event().expect("a last event before the end");
        match frame.event.as_deref() {
            Some("change") => changes += 1,
            _ => break frame,
        }
    };
    assert_eq!(last.json(), json!({ "reason": "slow_reader" }));
    assert!(changes < heard, "{changes} of {heard}");
    stuck.expect_end();
    assert!(server.client().get("/metrics").text().contains(dropped));
    let id = ada.new_document("Still there", "one\n");
    assert_eq!(ids_of(&mut good, 1), [id]);
    true
}

fn streams_end_when_the_server_stops(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let mut streams: Vec<_> = (0..10).map(|_| ada.events()).collect();
    let started = Instant::now();
    assert!(server.stop().success());
    assert!(started.elapsed() < Duration::from_secs(25), "it took {:?}", started.elapsed());
    streams.iter_mut().for_each(EventReader::expect_end);
}
