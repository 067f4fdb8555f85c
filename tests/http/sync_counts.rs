//! What batches add to their sync run (protocol §4).

use std::thread;

use serde_json::json;

use crate::harness::sync_run::{DEVICE, creates, progress_of};
use crate::harness::user::new_id;
use crate::harness::{Database, Run, TestServer, create, delete, on_both_databases, update};

on_both_databases!(
    a_run_of_five_batches_is_watched_to_its_end,
    a_failure_is_taken_back_when_its_operation_comes_again,
    a_batch_that_is_sent_again_counts_once,
    what_was_applied_before_the_run_counts_once,
    an_atomic_batch_that_fails_is_counted_all_the_same,
    a_dry_run_does_not_count,
    batches_that_come_at_once_are_counted_exactly,
    a_kill_between_batches_loses_no_count,
    the_newest_hundred_failures_are_shown_and_all_are_taken_back,
);

fn a_run_of_five_batches_is_watched_to_its_end(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::open(&ada, 500);
    let opened = run.read().expect(200);
    assert_eq!(progress_of(&opened.body), "idle 0=0+0+0 of 500");
    assert_eq!((&opened.body["percentage"], &opened.body["errors"]), (&json!(0.0), &json!([])));
    for batch in 1..=5_usize {
        run.push(creates(batch * 100, 100)).expect(200);
        let read = run.read().expect(200);
        let expected = if batch == 5 { "completed" } else { "processing" };
        assert_eq!(progress_of(&read.body), format!("{expected} {0}={0}+0+0 of 500", batch * 100));
        assert_eq!(read.body["percentage"], json!(20.0 * batch as f64));
        assert_eq!(read.body["current_operation"], format!("create 100 of 100 in batch {batch}"));
        assert_eq!(read.body["estimated_completion"].is_string(), batch < 5, "{read}");
        assert_eq!(read.body["finished_at"].is_string(), batch == 5, "{read}");
        if let Some(estimate) = read.body["estimated_completion"].as_str() {
            assert!(estimate > read.body["updated_at"].as_str().unwrap(), "{read}");
        }
    }
    assert_eq!(ada.list("&page_size=500").items().len(), 500);
}

fn a_failure_is_taken_back_when_its_operation_comes_again(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(update("edit", &id).base(1).content("two\n"));
    let run = Run::open(&ada, 4);
    let clash = |base| update("clash", &id).base(base).content("three\n");
    run.push([create("new"), clash(1), delete("gone", &new_id()), update("unknown", &new_id()).base(1).title("x")])
        .expect(200);
    assert_eq!(run.progress(), "completed 4=2+2+0 of 4");
    assert_eq!(run.errors(), ["unknown not_found x0", "clash version_mismatch x0"]);
    run.push([clash(1)]).expect_outcomes(["clash conflict version_mismatch v2"]);
    assert_eq!(run.progress(), "completed 4=2+2+0 of 4");
    assert_eq!(run.errors(), ["clash version_mismatch x1", "unknown not_found x0"], "the newest first");
    let error = run.read().body["errors"][0].clone();
    assert_eq!(error["document_id"], id, "{error}");
    assert!(!error.to_string().contains("three"), "no text of a document: {error}");
    run.push([clash(2)]).expect_outcomes(["clash success v3"]);
    assert_eq!(run.progress(), "completed 4=3+1+0 of 4");
    assert_eq!(run.errors(), ["unknown not_found x0"]);
    run.push([clash(2), create("new")]).expect_outcomes(["clash success v3 replayed", "new success v1 replayed"]);
    assert_eq!(run.progress(), "completed 4=3+1+0 of 4");
}

fn a_batch_that_is_sent_again_counts_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::open(&ada, 30);
    let unknown = new_id();
    let operations =
        || creates(0, 10).chain([update("bad", &unknown).base(1).title("x"), update("child", "").made_by("op_99")]);
    run.push(operations()).expect(200);
    let first = run.progress();
    let errors = run.errors();
    // The answer was lost, twice; then half of it comes again in another order, with something new.
    for _ in 0..2 {
        run.push(operations()).expect(200);
        assert_eq!(run.progress(), first);
    }
    let mut mixed: Vec<_> = operations().skip(5).chain(creates(10, 3)).collect();
    mixed.reverse();
    run.push(mixed).expect(200);
    assert_eq!(first, "processing 12=10+2+0 of 30");
    assert_eq!(run.progress(), "processing 15=13+2+0 of 30");
    let retries: Vec<_> = errors.iter().map(|error| error.replace("x0", "x3")).collect();
    let mut last = run.errors();
    last.sort();
    let mut retries = retries;
    retries.sort();
    assert_eq!(last, retries);
}

fn what_was_applied_before_the_run_counts_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.batch().device(DEVICE).with_all(creates(0, 10)).send().expect(200);
    let run = Run::open(&ada, 20);
    run.push(creates(0, 10)).expect(200);
    assert_eq!(run.progress(), "processing 10=10+0+0 of 20");
    run.push(creates(0, 15)).expect(200);
    assert_eq!(run.progress(), "processing 15=15+0+0 of 20");
    run.push(creates(5, 15)).expect(200);
    assert_eq!(run.progress(), "completed 20=20+0+0 of 20");
    assert!(run.errors().is_empty());
}

fn an_atomic_batch_that_fails_is_counted_all_the_same(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let run = Run::open(&ada, 3);
    let batch = |base| run.batch(creates(0, 2).chain([update("edit", &id).base(base).content("two\n")])).atomic();
    batch(9).send().expect(422);
    assert_eq!(run.progress(), "completed 3=0+1+2 of 3");
    assert_eq!(run.errors(), ["edit invalid_base_version x0", "op_1 rolled_back x0", "op_0 rolled_back x0"]);
    assert_eq!(ada.list("").items().len(), 1, "nothing was applied");
    batch(8).send().expect(422);
    assert_eq!(run.errors()[0], "edit invalid_base_version x1");
    batch(1).send().expect(200);
    assert_eq!(run.progress(), "completed 3=3+0+0 of 3");
    assert!(run.errors().is_empty());
}

fn a_dry_run_does_not_count(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::open(&ada, 2);
    run.batch(creates(0, 2)).dry_run().send().expect(200);
    assert_eq!(run.progress(), "idle 0=0+0+0 of 2");
    let unopened = Run::new(&ada);
    unopened.batch(creates(0, 2)).dry_run().send().expect(200);
    unopened.read().expect_problem(404, "not_found");
}

fn batches_that_come_at_once_are_counted_exactly(database: Database) {
    const SENDERS: usize = 4;
    const BATCHES: usize = 5;
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::open(&ada, 200);
    let unknown = new_id();
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (run, unknown) = (&run, &unknown);
            scope.spawn(move || {
                for batch in 0..BATCHES {
                    // Every batch is sent by two of the senders, with a failure of its own.
                    let from = (sender % 2 * BATCHES + batch) * 20;
                    let bad = update(&format!("bad_{from}"), unknown).base(1).title("x");
                    run.push(creates(from, 19).chain([bad])).expect(200);
                }
            });
        }
    });
    assert_eq!(run.progress(), "completed 200=190+10+0 of 200");
    let errors = run.errors();
    assert!(errors.len() == 10 && errors.iter().all(|error| error.ends_with("not_found x1")), "{errors:?}");
}

fn a_kill_between_batches_loses_no_count(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::open(&ada, 40);
    run.push(creates(0, 9).chain([update("bad", &new_id()).base(1).title("x")])).expect(200);
    let before = run.read().expect(200);
    server.kill();
    server.restart();
    assert_eq!(run.read().expect(200).body, before.body);
    run.push(creates(0, 9)).expect(200);
    run.push(creates(9, 10)).expect(200);
    server.kill();
    server.restart();
    assert_eq!(run.progress(), "processing 20=19+1+0 of 40");
    run.push(creates(19, 20)).expect(200);
    assert_eq!(run.progress(), "completed 40=39+1+0 of 40");
}

fn the_newest_hundred_failures_are_shown_and_all_are_taken_back(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::open(&ada, 150);
    let bad = |from: usize| (from..from + 75).map(|n| create(&format!("op_{n}")).without("data"));
    run.push(bad(0)).expect(200);
    run.push(bad(75)).expect(200);
    assert_eq!(run.progress(), "completed 150=0+150+0 of 150");
    let errors = run.errors();
    assert_eq!((errors.len(), errors[0].as_str(), errors[99].as_str()), (100, "op_149 invalid x0", "op_50 invalid x0"));
    run.push(creates(0, 75)).expect(200);
    run.push(creates(75, 75)).expect(200);
    assert_eq!(run.progress(), "completed 150=150+0+0 of 150");
    assert!(run.errors().is_empty());
}

#[test]
fn two_servers_count_one_run_exactly() {
    let one = TestServer::start(Database::Postgres);
    let two = one.start_beside();
    let ada_on_one = one.register("ada");
    let ada_on_two = two.welcome(&ada_on_one);
    let on_one = Run::open(&ada_on_one, 100);
    let on_two = Run { user: &ada_on_two, sync_id: on_one.sync_id.clone() };
    thread::scope(|scope| {
        for (run, from) in [(&on_one, 0), (&on_two, 50), (&on_one, 50), (&on_two, 0)] {
            scope.spawn(move || {
                for batch in 0..5 {
                    run.push(creates(from + batch * 10, 10)).expect(200);
                }
            });
        }
    });
    assert_eq!(on_one.progress(), "completed 100=100+0+0 of 100");
    assert_eq!(on_two.read().expect(200).body, on_one.read().expect(200).body);
    on_two.cancel().expect(200);
    let other = Run::open(&ada_on_one, 5);
    Run { user: &ada_on_two, sync_id: other.sync_id.clone() }.cancel().expect(200);
    other.push(creates(200, 1)).expect_problem(409, "sync_cancelled");
}
