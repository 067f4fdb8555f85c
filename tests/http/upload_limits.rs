//! What bounds an upload: limits, quotas, its time, and who may touch it (protocol §1.11).

use std::time::{Duration, Instant};

use serde_json::json;

use super::uploads::{commit, named, send, stage, titles};
use crate::harness::operation::Operation;
use crate::harness::user::new_id;
use crate::harness::{Answer, Database, TestServer, User, create, on_both_databases, update};

on_both_databases!(
    an_upload_has_limits,
    uploads_of_a_user_and_a_workspace_are_bounded,
    an_upload_is_dropped_when_its_time_is_over,
    an_upload_is_dropped_when_asked,
    an_upload_is_its_users_alone,
    whoever_may_not_write_any_more_commits_nothing,
    a_quota_holds_for_all_of_an_upload,
    a_large_answer_is_bounded,
);

fn drop_upload(user: &User, upload: &str) -> Answer {
    user.delete(&format!("/api/v1/uploads/{upload}?workspace_id={}", user.workspace_id))
}

fn an_upload_has_limits(database: Database) {
    let settings = [
        ("LANDFALL_RATE_LIMIT", "off"),
        ("LANDFALL_MAX_UPLOAD_OPERATIONS", "5"),
        ("LANDFALL_MAX_UPLOAD_BYTES", "2000"),
    ];
    let server = TestServer::start_with(database, &settings);
    let ada = server.register("ada");
    let limits = ada.get("/api/v1/limits").expect(200).body;
    assert_eq!((&limits["upload"]["max_operations"], &limits["upload"]["max_bytes"]), (&json!(5), &json!(2000)));
    let upload = new_id();
    stage(&ada, &upload, named(0..4)).expect(200);
    let refused = stage(&ada, &upload, named(4..6)).expect_problem(413, "upload_too_large");
    assert!(refused.string("/detail").contains("at most 5 operations and 2000 bytes"), "{refused}");
    let refused = send(&ada, json!({ "upload_id": upload, "commit": true }), named(4..6));
    refused.expect_problem(413, "upload_too_large");
    let large = || [create("large").title("Large").content(&"x".repeat(2_000))];
    stage(&ada, &upload, large()).expect_problem(413, "upload_too_large");
    send(&ada, json!({ "upload_id": upload, "commit": true }), large()).expect_problem(413, "upload_too_large");
    // Nothing of what was refused is there.
    let answer = send(&ada, json!({ "upload_id": upload, "commit": true }), named(4..5)).expect(200);
    assert_eq!((answer.results().len(), titles(&ada).len()), (5, 5));
}

fn uploads_of_a_user_and_a_workspace_are_bounded(database: Database) {
    let settings = [
        ("LANDFALL_RATE_LIMIT", "off"),
        ("LANDFALL_MAX_OPEN_UPLOADS", "2"),
        ("LANDFALL_MAX_WORKSPACE_UPLOAD_BYTES", "3500"),
    ];
    let server = TestServer::start_with(database, &settings);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    let uploads = [new_id(), new_id(), new_id(), new_id()];
    let large = |name: &str| [create(name).content(&"x".repeat(900))];
    for upload in &uploads[..2] {
        stage(&ada, upload, large("a")).expect(200);
    }
    stage(&ada, &uploads[2], named(0..1)).expect_problem(409, "too_many_uploads");
    stage(&ada, &uploads[0], named(0..1)).expect(200);
    // Others have uploads of their own, and the same room.
    stage(&grace, &uploads[2], named(0..1)).expect(200);
    stage(&grace, &uploads[3], large("a")).expect(200);
    stage(&grace, &uploads[3], large("b")).expect_problem(409, "too_many_uploads");
    commit(&ada, &uploads[0]).expect(200);
    stage(&grace, &uploads[3], large("b")).expect(200);
    stage(&ada, &new_id(), named(0..1)).expect(200);
    // Another workspace has nothing to do with it.
    stage(&ada.new_workspace("Elsewhere"), &new_id(), large("a")).expect(200);
}

fn an_upload_is_dropped_when_its_time_is_over(database: Database) {
    let settings =
        [("LANDFALL_RATE_LIMIT", "off"), ("LANDFALL_UPLOAD_RETENTION_S", "2"), ("LANDFALL_PURGE_INTERVAL_S", "1")];
    let server = TestServer::start_with(database, &settings);
    let ada = server.register("ada");
    let [open, done] = [new_id(), new_id()];
    stage(&ada, &done, named(0..2)).expect(200);
    commit(&ada, &done).expect(200);
    stage(&ada, &open, named(2..4)).expect(200);
    let deadline = Instant::now() + Duration::from_secs(60);
    // Purged: both uploads, and what was staged of the open one.
    while !server.client().get("/metrics").text().contains(r#"landfall_purged_total{kind="uploads"} 4"#) {
        assert!(Instant::now() < deadline, "uploads are not purged:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    commit(&ada, &open).expect_problem(410, "upload_expired");
    stage(&ada, &open, named(4..5)).expect_problem(410, "upload_expired");
    // What was committed stays so: whoever lost the answer is not told to begin again, with a device or without.
    commit(&ada, &done).expect_problem(409, "upload_committed");
    stage(&ada, &done, named(0..1)).expect_problem(409, "upload_committed");
    drop_upload(&ada, &done).expect_problem(409, "upload_committed");
    assert_eq!(titles(&ada).len(), 2);
    // Its receipts outlast it: the same operations in another upload are not applied again.
    let again = new_id();
    stage(&ada, &again, named(0..4)).expect(200);
    let answer = commit(&ada, &again).expect(200);
    assert_eq!((&answer.body["replayed"], titles(&ada).len()), (&json!(2), 4), "{answer}");
}

fn an_upload_is_dropped_when_asked(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let upload = new_id();
    drop_upload(&ada, &upload).expect_problem(404, "upload_not_found");
    drop_upload(&ada, "mine").expect_problem(404, "upload_not_found");
    stage(&ada, &upload, named(0..2)).expect(200);
    for _ in 0..2 {
        drop_upload(&ada, &upload).expect(204);
    }
    commit(&ada, &upload).expect_problem(410, "upload_expired");
    stage(&ada, &upload, named(0..2)).expect_problem(410, "upload_expired");
    let upload = new_id();
    stage(&ada, &upload, named(0..2)).expect(200);
    commit(&ada, &upload).expect(200);
    drop_upload(&ada, &upload).expect_problem(409, "upload_committed");
    assert_eq!(titles(&ada).len(), 2);
}

fn an_upload_is_its_users_alone(database: Database) {
    let server = TestServer::start(database);
    let (ada, eve) = (server.register("ada"), server.register("eve"));
    let grace = ada.invite(&server.register("grace"), "editor");
    let carol = ada.invite(&server.register("carol"), "viewer");
    let upload = new_id();
    stage(&ada, &upload, named(0..2)).expect(200);
    let unknown = commit(&grace, &new_id()).expect_problem(404, "upload_not_found");
    let foreign = commit(&grace, &upload).expect_problem(404, "upload_not_found");
    assert_eq!(foreign.without_request_id(), unknown.without_request_id());
    drop_upload(&grace, &upload).expect_problem(404, "upload_not_found");
    commit(&carol, &upload).expect_problem(403, "forbidden");
    stage(&carol, &upload, named(0..1)).expect_problem(403, "forbidden");
    drop_upload(&carol, &upload).expect_problem(403, "forbidden");
    let stranger = eve.in_workspace(&ada.workspace_id);
    for refused in [commit(&stranger, &upload), stage(&stranger, &upload, []), drop_upload(&stranger, &upload)] {
        refused.expect_problem(404, "not_found");
    }
    commit(&ada.new_workspace("Elsewhere"), &upload).expect_problem(404, "upload_not_found");
    // The same name is another upload to somebody else.
    stage(&grace, &upload, [create("hers").title("Hers")]).expect(200);
    commit(&grace, &upload).expect(200).expect_outcomes(["hers success v1"]);
    assert_eq!(titles(&ada), ["Hers"]);
    assert_eq!(commit(&ada, &upload).expect(200).body["successful"], 2);
}

fn whoever_may_not_write_any_more_commits_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    let member = format!("/api/v1/workspaces/{}/members/grace", ada.workspace_id);
    let upload = new_id();
    stage(&grace, &upload, named(0..2)).expect(200);
    ada.put(&member, &json!({ "role": "viewer" })).expect(200);
    commit(&grace, &upload).expect_problem(403, "forbidden");
    ada.delete(&member).expect(204);
    commit(&grace, &upload).expect_problem(404, "not_found");
    assert_eq!(titles(&ada).len(), 0);
    // An upload waits for its user to come back.
    let grace = ada.invite(&grace, "editor");
    assert_eq!(commit(&grace, &upload).expect(200).body["successful"], 2);
}

fn a_quota_holds_for_all_of_an_upload(database: Database) {
    let settings = [("LANDFALL_RATE_LIMIT", "off"), ("LANDFALL_MAX_WORKSPACE_DOCUMENTS", "3")];
    let server = TestServer::start_with(database, &settings);
    let ada = server.register("ada");
    let upload = new_id();
    for name in 0..5 {
        stage(&ada, &upload, named(name..=name)).expect(200);
    }
    let refused = commit(&ada, &upload).expect_problem(422, "rolled_back");
    let expected = [
        "op_0 skipped rolled_back",
        "op_1 skipped rolled_back",
        "op_2 skipped rolled_back",
        "op_3 error quota_exceeded",
        "op_4 error quota_exceeded",
    ];
    assert_eq!(refused.outcomes(), expected);
    assert_eq!(titles(&ada).len(), 0);
}

/// Conflicts with large documents do not fit one answer.
fn a_large_answer_is_bounded(database: Database) {
    const DOCUMENTS: usize = 60;
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let ids: Vec<String> = (0..DOCUMENTS).map(|_| new_id()).collect();
    let text = |word: &str| format!("{word}\n{}", "some words that take room\n".repeat(12_000));
    let all = |made: &dyn Fn(usize, &String) -> Operation| -> Vec<Operation> {
        ids.iter().enumerate().map(|(place, id)| made(place, id)).collect()
    };
    let upload = |operations: Vec<Operation>| {
        let upload = new_id();
        for part in operations.chunks(20) {
            stage(&ada, &upload, part.to_vec()).expect(200);
        }
        commit(&ada, &upload)
    };
    let made = all(&|place, id| create(&format!("make_{place}")).id(id).content(&text("one")));
    assert_eq!(upload(made).expect(200).body["successful"], DOCUMENTS);
    let theirs = all(&|place, id| update(&format!("theirs_{place}"), id).base(1).content(&text("two")));
    assert_eq!(upload(theirs).expect(200).body["successful"], DOCUMENTS);
    let mine = all(&|place, id| update(&format!("mine_{place}"), id).base(1).content(&text("three")));
    let failed = upload(mine).expect_problem(409, "rolled_back");
    assert_eq!(failed.body["conflicts"], DOCUMENTS);
    assert!(failed.bytes.len() < 10 * 1024 * 1024, "{} bytes", failed.bytes.len());
    let omitted = failed.results().iter().filter(|result| result["server"]["omitted"] == true).count();
    assert!((1..DOCUMENTS).contains(&omitted), "{omitted} of {DOCUMENTS} are left out");
}
