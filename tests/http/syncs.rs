//! Opening, cancelling and listing sync runs, and whose they are (protocol §4).

use serde_json::{Value, json};

use crate::harness::sync_run::{DEVICE, creates, progress_of};
use crate::harness::user::new_id;
use crate::harness::{Database, Run, TestServer, on_both_databases, update};

on_both_databases!(
    a_cancelled_run_takes_no_batch,
    opening_is_idempotent_and_corrects_the_total,
    a_run_that_nobody_opened_is_opened_by_its_batch,
    a_completed_run_goes_on_when_more_comes,
    the_history_is_paged_newest_first,
    runs_are_their_owners_alone,
    a_viewer_has_runs_too,
    bad_requests_are_refused,
);

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
