//! Sync runs: progress, history, cancellation (protocol §4).

use std::thread;

use serde_json::{Value, json};

use crate::harness::operation::Operation;
use crate::harness::user::new_id;
use crate::harness::{Answer, Database, TestServer, User, create, delete, on_both_databases, update};

on_both_databases!(
    a_run_of_five_batches_is_watched_to_its_end,
    a_failure_is_taken_back_when_its_operation_comes_again,
    a_batch_that_is_sent_again_counts_once,
    what_was_applied_before_the_run_counts_once,
    an_atomic_batch_that_fails_is_counted_all_the_same,
    a_dry_run_does_not_count,
    a_cancelled_run_takes_no_batch,
    opening_is_idempotent_and_corrects_the_total,
    a_run_that_nobody_opened_is_opened_by_its_batch,
    a_completed_run_goes_on_when_more_comes,
    the_history_is_paged_newest_first,
    runs_are_their_owners_alone,
    a_viewer_has_runs_too,
    bad_requests_are_refused,
    batches_that_come_at_once_are_counted_exactly,
    a_kill_between_batches_loses_no_count,
    the_newest_hundred_failures_are_shown_and_all_are_taken_back,
);

const DEVICE: &str = "laptop";

/// A user's run.
struct Run<'a> {
    user: &'a User,
    sync_id: String,
}

impl<'a> Run<'a> {
    fn new(user: &'a User) -> Self {
        Self { user, sync_id: new_id() }
    }

    fn open(user: &'a User, total: i64) -> Self {
        let run = Self::new(user);
        run.put(&json!({ "total": total, "device_id": DEVICE })).expect(201);
        run
    }

    fn path(&self, end: &str) -> String {
        format!("/api/v1/syncs/{}{end}", self.sync_id)
    }

    fn put(&self, body: &Value) -> Answer {
        let mut body = body.clone();
        body["workspace_id"] = json!(self.user.workspace_id);
        self.user.put(&self.path(""), &body)
    }

    fn read(&self) -> Answer {
        self.user.get(&self.path(&format!("?workspace_id={}", self.user.workspace_id)))
    }

    fn cancel(&self) -> Answer {
        let path = self.path(&format!("/cancel?workspace_id={}", self.user.workspace_id));
        self.user.request("POST", &path).send()
    }

    fn batch(&self, operations: impl IntoIterator<Item = Operation>) -> crate::harness::batch::Batch {
        self.user.batch().device(DEVICE).field("sync_id", self.sync_id.clone()).with_all(operations)
    }

    fn push(&self, operations: impl IntoIterator<Item = Operation>) -> Answer {
        self.batch(operations).send()
    }

    /// Status, and processed = succeeded + failed + skipped of total.
    #[track_caller]
    fn progress(&self) -> String {
        progress_of(&self.read().expect(200).body)
    }

    /// Each failure as name, code and retries, newest first.
    fn errors(&self) -> Vec<String> {
        let answer = self.read().expect(200);
        let errors = answer.body["errors"].as_array().expect("errors");
        errors
            .iter()
            .map(|error| {
                let name = error["client_id"].as_str().unwrap_or("null");
                format!("{name} {} x{}", error["code"].as_str().unwrap(), error["retry_count"])
            })
            .collect()
    }
}

#[track_caller]
fn progress_of(run: &Value) -> String {
    let count = |name: &str| run[name].as_i64().unwrap_or_else(|| panic!("no {name} in {run}"));
    assert_eq!(count("processed"), count("succeeded") + count("failed") + count("skipped"), "{run}");
    assert_eq!(count("error_count"), count("failed") + count("skipped"), "{run}");
    assert!(count("processed") <= count("total"), "{run}");
    let status = run["status"].as_str().unwrap();
    let (processed, total) = (count("processed"), count("total"));
    format!("{status} {processed}={}+{}+{} of {total}", count("succeeded"), count("failed"), count("skipped"))
}

fn creates(from: usize, count: usize) -> impl Iterator<Item = Operation> {
    (from..from + count).map(|n| create(&format!("op_{n}")).title(&format!("{n}")))
}

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

fn a_cancelled_run_takes_no_batch(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::open(&ada, 20);
    run.push(creates(0, 10)).expect(200);
    let cancelled = run.cancel().expect(200);
    assert_eq!(progress_of(&cancelled.body), "cancelled 10=10+0+0 of 20");
    assert!(cancelled.body["finished_at"].is_string(), "{cancelled}");
    for batch in
        [run.batch(creates(10, 10)), run.batch(creates(0, 10)), run.batch([]), run.batch(creates(10, 1)).dry_run()]
    {
        batch.send().expect_problem(409, "sync_cancelled");
    }
    assert_eq!(ada.list("").items().len(), 10, "what was committed stays, nothing is added");
    assert_eq!(run.cancel().expect(200).body, cancelled.body);
    assert_eq!(run.put(&json!({ "total": 99 })).expect(200).body, cancelled.body);
    // Without the run's id, the queue goes on.
    ada.batch().device(DEVICE).with_all(creates(10, 10)).send().expect(200);
    let done = Run::open(&ada, 1);
    done.push(creates(50, 1)).expect(200);
    assert_eq!(progress_of(&done.cancel().expect(200).body), "completed 1=1+0+0 of 1");
    Run::new(&ada).cancel().expect_problem(404, "not_found");
}

fn opening_is_idempotent_and_corrects_the_total(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::new(&ada);
    let body = json!({ "total": 100, "direction": "both", "device_id": "phone" });
    let opened = run.put(&body).expect(201);
    assert_eq!(run.put(&body).expect(200).body, opened.body);
    assert_eq!((&opened.body["direction"], &opened.body["device_id"]), (&json!("both"), &json!("phone")));
    run.push(creates(0, 10)).expect(200);
    assert_eq!(progress_of(&run.put(&json!({ "total": 50 })).expect(200).body), "processing 10=10+0+0 of 50");
    let corrected = run.put(&json!({ "total": 3 })).expect(200);
    assert_eq!(progress_of(&corrected.body), "completed 10=10+0+0 of 10");
    assert_eq!(corrected.body["direction"], "both");
    assert_eq!(run.put(&json!({ "total": 500 })).expect(200).body, corrected.body, "it has ended");
    let empty = Run::open(&ada, 0);
    assert_eq!(empty.read().body["percentage"], json!(0.0));
    empty.push([]).expect(200);
    assert_eq!(empty.progress(), "completed 0=0+0+0 of 0");
    assert_eq!(empty.read().body["percentage"], json!(100.0));
}

fn a_run_that_nobody_opened_is_opened_by_its_batch(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::new(&ada);
    run.read().expect_problem(404, "not_found");
    run.push(creates(0, 3).chain([update("bad", &new_id()).base(1).title("x")])).expect(200);
    let read = run.read().expect(200);
    assert_eq!(progress_of(&read.body), "completed 4=3+1+0 of 4");
    assert_eq!((&read.body["direction"], &read.body["device_id"]), (&json!("push"), &json!(DEVICE)));
    run.push(creates(0, 3)).expect(200);
    run.push(creates(3, 2)).expect(200);
    assert_eq!(run.progress(), "completed 6=5+1+0 of 6");
}

fn a_completed_run_goes_on_when_more_comes(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::open(&ada, 5);
    run.push(creates(0, 5)).expect(200);
    let completed = run.read().expect(200);
    run.push(creates(0, 5)).expect(200);
    assert_eq!(run.read().body, completed.body, "a resend changes nothing");
    run.push(creates(3, 5)).expect(200);
    assert_eq!(run.progress(), "completed 8=8+0+0 of 8");
    assert_eq!(run.read().body["current_operation"], "create 5 of 5 in batch 2");
}

fn the_history_is_paged_newest_first(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let mut opened: Vec<String> = (0..7).map(|total| Run::open(&ada, total).sync_id).collect();
    opened.reverse();
    let list = |query: &str| ada.get(&format!("/api/v1/syncs?workspace_id={}{query}", ada.workspace_id));
    let all = list("").expect(200);
    assert_eq!(all.column("sync_id"), opened.iter().map(|id| json!(id)).collect::<Vec<_>>());
    assert!(all.items().iter().all(|item| item.get("errors").is_none()));
    assert_eq!((&all.body["has_more"], &all.body["next_page_token"]), (&json!(false), &Value::Null));
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let page = list(&format!("&page_size=3&page_token={token}")).expect(200);
        assert!(page.items().len() <= 3);
        paged.extend(page.column("sync_id"));
        match page.body["next_page_token"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(paged, all.column("sync_id"));
    let elsewhere = ada.new_workspace("Elsewhere");
    let foreign = format!("/api/v1/syncs?workspace_id={}&page_token={token}", elsewhere.workspace_id);
    ada.get(&foreign).expect_problem(400, "bad_request");
}

fn runs_are_their_owners_alone(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    let run = Run::open(&ada, 5);
    let grace_there = ada.invite(&grace, "editor");
    let as_grace = |user| Run { user, sync_id: run.sync_id.clone() };
    as_grace(&grace_there).read().expect_problem(404, "not_found");
    as_grace(&grace_there).cancel().expect_problem(404, "not_found");
    as_grace(&grace).read().expect_problem(404, "not_found");
    // The same id is another run of hers.
    as_grace(&grace_there).push(creates(0, 2)).expect(200);
    assert_eq!(as_grace(&grace_there).progress(), "completed 2=2+0+0 of 2");
    assert_eq!(run.progress(), "idle 0=0+0+0 of 5");
    let stranger = server.register("mallory").in_workspace(&ada.workspace_id);
    let unknown = ada.in_workspace(&new_id());
    for user in [&stranger, &unknown] {
        as_grace(user).read().expect_problem(404, "not_found");
        as_grace(user).cancel().expect_problem(404, "not_found");
        as_grace(user).put(&json!({ "total": 1 })).expect_problem(404, "not_found");
        let history = format!("/api/v1/syncs?workspace_id={}", user.workspace_id);
        user.get(&history).expect_problem(404, "not_found");
    }
}

fn a_viewer_has_runs_too(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    let grace = ada.invite(&grace, "viewer");
    let run = Run::new(&grace);
    run.put(&json!({ "total": 10, "direction": "pull" })).expect(201);
    run.push(creates(0, 1)).expect_problem(403, "forbidden");
    assert_eq!(run.progress(), "idle 0=0+0+0 of 10");
    assert_eq!(run.cancel().expect(200).body["status"], "cancelled");
}

fn bad_requests_are_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let run = Run::new(&ada);
    for (body, pointer) in [
        (json!({ "total": -1 }), "/total"),
        (json!({ "total": 1, "direction": "sideways" }), "/direction"),
        (json!({ "total": 1, "device_id": "" }), "/device_id"),
        (json!({ "total": 1, "device_id": "x".repeat(129) }), "/device_id"),
    ] {
        run.put(&body).expect_problem(422, "invalid").expect_pointer(pointer);
    }
    for body in [json!({}), json!({ "total": "5" }), json!({ "total": 1.5 }), json!({ "total": 1, "direction": 7 })] {
        run.put(&body).expect_problem(400, "bad_request");
    }
    ada.put(&run.path(""), &json!({ "total": 1 })).expect_problem(400, "bad_request");
    run.read().expect_problem(404, "not_found");
    let query = format!("?workspace_id={}", ada.workspace_id);
    ada.get(&format!("/api/v1/syncs/seven{query}")).expect_problem(400, "bad_request");
    ada.get(&run.path("")).expect_problem(400, "bad_request");
    ada.get(&format!("/api/v1/syncs{query}&page_size=0")).expect_problem(400, "bad_request");
    ada.get(&format!("/api/v1/syncs{query}&page_token=x")).expect_problem(400, "bad_request");
    server.client().get(&run.path(&query)).expect_problem(401, "unauthorized");
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
