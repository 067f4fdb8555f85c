//! Atomic batches over several requests (protocol §1.11).

use serde_json::{Value, json};

use crate::harness::operation::Operation;
use crate::harness::user::new_id;
use crate::harness::{Answer, Database, TestServer, User, check, create, delete, on_both_databases, update};

on_both_databases!(
    an_upload_is_applied_as_one_batch_in_the_order_of_its_parts,
    what_is_staged_twice_is_staged_once,
    what_is_staged_again_takes_its_place,
    a_malformed_part_is_refused_whole,
    a_conflict_applies_nothing_and_keeps_what_is_staged,
    a_commit_is_answered_again,
    a_replay_shows_what_was_merged_and_pulls,
    an_upload_is_undone_at_once,
    an_upload_counts_towards_its_sync_run_when_it_is_committed,
    a_dry_run_goes_with_the_commit,
    what_does_not_belong_together_is_refused,
    two_commits_at_once_apply_an_upload_once,
);

pub const BATCH: &str = "/api/v1/documents/batch";

/// Sends a request about an upload.
pub fn send(user: &User, fields: Value, operations: impl IntoIterator<Item = Operation>) -> Answer {
    user.post(BATCH, &body(user, fields, operations))
}

pub fn body(user: &User, mut fields: Value, operations: impl IntoIterator<Item = Operation>) -> Value {
    fields["workspace_id"] = json!(user.workspace_id);
    fields["operations"] = operations.into_iter().map(|operation| operation.0).collect();
    fields
}

pub fn stage(user: &User, upload: &str, operations: impl IntoIterator<Item = Operation>) -> Answer {
    send(user, json!({ "upload_id": upload, "commit": false }), operations)
}

pub fn commit(user: &User, upload: &str) -> Answer {
    send(user, json!({ "upload_id": upload, "commit": true, "device_id": "laptop" }), [])
}

pub fn titles(user: &User) -> Vec<String> {
    let page = user.list("&page_size=500").expect(200);
    let mut titles: Vec<_> = page.column("title").iter().map(|title| title.as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

/// An answer without what differs from one time to the next.
fn lasting(answer: &Answer) -> Value {
    let mut body = answer.without_request_id();
    body.as_object_mut().unwrap().remove("processing_time_ms");
    body
}

pub fn named(names: impl IntoIterator<Item = usize>) -> impl Iterator<Item = Operation> {
    names.into_iter().map(|name| create(&format!("op_{name}")).title(&format!("Title {name}")).content("text\n"))
}

fn an_upload_is_applied_as_one_batch_in_the_order_of_its_parts(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let (upload, kept) = (new_id(), ada.new_document("Kept", "one\n"));
    let part = |part: i64, operations: Vec<Operation>| {
        send(&ada, json!({ "upload_id": upload, "commit": false, "part": part }), operations).expect(200)
    };
    // The last part comes first, and refers to what another part makes.
    let last = part(2, vec![update("f", "").made_by("b").base(1).content("B2\n"), delete("g", &kept).base(2)]);
    assert_eq!(last.outcomes(), ["f success", "g success"]);
    assert_eq!(last.body["upload"]["operations"], 2, "{last}");
    assert_eq!((&last.body["committed"], &last.body["upload"]["status"]), (&json!(false), &json!("open")), "{last}");
    part(0, vec![create("a").title("A"), create("b").title("B").content("B1\n")]);
    part(1, vec![update("c", &kept).base(1).content("two\n"), create("d").title("D")]);
    assert_eq!(titles(&ada), ["Kept"], "nothing is applied before the commit");
    let stats = ada.get(&format!("/api/v1/workspaces/{}/stats", ada.workspace_id)).expect(200);
    assert_eq!(stats.body["documents"], 1, "{stats}");

    let own = [create("h").title("H")];
    let answer = send(&ada, json!({ "upload_id": upload, "commit": true, "device_id": "laptop" }), own).expect(200);
    let expected = [
        "a success v1",
        "b success v1",
        "c success v2",
        "d success v1",
        "f success v2",
        "g success v3",
        "h success v1",
    ];
    assert_eq!(answer.outcomes(), expected, "{answer}");
    let ended = &answer.body["upload"];
    assert_eq!((&ended["status"], &ended["operations"], ended.get("bytes")), (&json!("committed"), &json!(7), None));
    assert_eq!((&answer.body["committed"], &answer.body["total"]), (&json!(true), &json!(7)));
    assert_eq!(titles(&ada), ["A", "B", "D", "H"]);
    assert_eq!(ada.read(&answer.document_id("b")).body["content"], "B2\n");
    for (name, version) in [("a", 1), ("f", 2), ("g", 3), ("h", 1)] {
        let made = ada.version(&answer.document_id(name), version).expect(200);
        assert_eq!(made.body["batch_id"], answer.body["batch_id"], "{made}");
    }
    // Its receipts are those of any batch.
    ada.batch().device("laptop").with(create("a").title("A")).send().expect_outcomes(["a success v1 replayed"]);
    stage(&ada, &upload, [create("late")]).expect_problem(409, "upload_committed");
}

fn what_is_staged_twice_is_staged_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let upload = new_id();
    let first = stage(&ada, &upload, named(0..3)).expect(200);
    let again = stage(&ada, &upload, named(0..3)).expect(200);
    assert_eq!(lasting(&again), lasting(&first));
    // Split in another way, and with something new.
    let more = stage(&ada, &upload, named(2..5)).expect(200);
    assert_eq!(more.body["upload"]["operations"], 5, "{more}");
    // An empty request only asks.
    let asked = stage(&ada, &upload, []).expect(200);
    assert_eq!(asked.body["upload"], more.body["upload"], "{asked}");
    let answer = commit(&ada, &upload).expect(200);
    assert_eq!(answer.body["successful"], 5, "{answer}");
    assert_eq!(titles(&ada).len(), 5);
}

fn what_is_staged_again_takes_its_place(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let upload = new_id();
    let id = ada.new_document("Plan", "0\n");
    let edit = |name: &str, text: &str| update(name, &id).base(1).content(text);
    stage(&ada, &upload, [edit("a", "1\n"), edit("b", "2\n"), edit("c", "3\n")]).expect(200);
    let replaced = stage(&ada, &upload, [edit("c", "a longer text\n"), edit("a", "4\n")]).expect(200);
    assert_eq!(replaced.body["upload"]["operations"], 3, "{replaced}");
    let answer = send(&ada, json!({ "upload_id": upload, "commit": true }), [edit("c", "last\n")]).expect(200);
    assert_eq!(answer.outcomes(), ["a success v2", "b success v3", "c success v4"]);
    assert_eq!(ada.version(&id, 2).body["content"], "4\n");
    assert_eq!(ada.version(&id, 4).body["content"], "last\n");
}

fn a_malformed_part_is_refused_whole(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let upload = new_id();
    let operations = [create("good").id(&new_id()), create("bad").without("data"), create("good")];
    let refused = stage(&ada, &upload, operations).expect_problem(422, "rolled_back");
    assert_eq!(
        refused.outcomes(),
        ["good skipped rolled_back", "bad error invalid", "good error duplicate_client_id"],
        "{refused}"
    );
    assert_eq!(refused.result("bad")["error"]["pointer"], "/operations/1/data");
    commit(&ada, &upload).expect_problem(404, "upload_not_found");
    // So is a malformed operation of the commit, and what is staged stays.
    stage(&ada, &upload, named(0..2)).expect(200);
    let own = [create("bad").without("data")];
    let refused = send(&ada, json!({ "upload_id": upload, "commit": true }), own).expect_problem(422, "rolled_back");
    assert_eq!(refused.outcomes(), ["op_0 skipped rolled_back", "op_1 skipped rolled_back", "bad error invalid"]);
    assert_eq!((&refused.body["upload"]["status"], titles(&ada).len()), (&json!("open"), 0));
    assert_eq!(commit(&ada, &upload).expect(200).body["successful"], 2);
}

fn a_conflict_applies_nothing_and_keeps_what_is_staged(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let (upload, id) = (new_id(), ada.new_document("Plan", "one\n"));
    let read = ada.new_document("Read", "");
    stage(&ada, &upload, named(0..3)).expect(200);
    stage(&ada, &upload, [update("edit", &id).base(1).content("mine\n"), check("still", &read, 2)]).expect(200);
    ada.send(update("other", &id).base(1).content("theirs\n")).expect(200);
    let failed = commit(&ada, &upload).expect_problem(409, "rolled_back");
    assert_eq!(
        failed.outcomes(),
        [
            "op_0 skipped rolled_back",
            "op_1 skipped rolled_back",
            "op_2 skipped rolled_back",
            "edit conflict version_mismatch v2",
            "still conflict version_mismatch v1",
        ]
    );
    let clash = failed.result("edit");
    assert_eq!((&clash["server"]["content"], &clash["base"]["content"]), (&json!("theirs\n"), &json!("one\n")));
    assert!(clash["merge"]["content"].as_str().is_some_and(|text| text.contains("<<<<<<<")), "{failed}");
    assert_eq!((&failed.body["committed"], &failed.body["upload"]["operations"]), (&json!(false), &json!(5)));
    assert_eq!(titles(&ada), ["Plan", "Read"]);
    // Settled: what clashed is staged anew under its name, and nothing else is sent again.
    stage(&ada, &upload, [update("edit", &id).base(2).content("both\n"), check("still", &read, 1)]).expect(200);
    let answer = commit(&ada, &upload).expect(200);
    assert_eq!(answer.result("edit")["version"], 3, "{answer}");
    assert_eq!((titles(&ada).len(), &ada.read(&id).body["content"]), (5, &json!("both\n")));
}

fn a_commit_is_answered_again(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    // With a device and without: the answer itself is kept.
    for device in [json!("laptop"), Value::Null] {
        let upload = new_id();
        let fields = json!({ "upload_id": upload, "commit": true, "device_id": device });
        let id = ada.new_document("Plan", "one\n");
        let first = [create("a"), update("b", &id).base(1).content("two\n"), check("c", &id, 1)];
        stage(&ada, &upload, first).expect(200);
        let own = || [delete("d", &id).base(1), create("e")];
        let answer = send(&ada, fields.clone(), own()).expect(200);
        assert_eq!(answer.outcomes(), ["a success v1", "b success v2", "c success v1", "d success v3", "e success v1"]);
        let before = titles(&ada);
        for operations in [own().to_vec(), Vec::new()] {
            let again = send(&ada, fields.clone(), operations).expect(200);
            let expected = [
                "a success v1 replayed",
                "b success v2 replayed",
                "c success v1",
                "d success v3 replayed",
                "e success v1 replayed",
            ];
            assert_eq!(again.outcomes(), expected, "{again}");
            for name in ["a", "b", "e"] {
                assert_eq!(again.document_id(name), answer.document_id(name));
            }
            let kept = ["batch_id", "committed", "upload"];
            assert_eq!(kept.map(|field| &again.body[field]), kept.map(|field| &answer.body[field]), "{again}");
        }
        assert_eq!(titles(&ada), before);
        // With others, and with other contents under a name that is known: nothing is dropped without a word.
        send(&ada, fields.clone(), [create("f")]).expect_problem(409, "upload_committed");
        send(&ada, fields.clone(), [create("e").title("Changed")]).expect_problem(409, "upload_committed");
        send(&ada, fields, [create("a").title("Changed")]).expect_problem(409, "upload_committed");
        assert_eq!(titles(&ada), before);
    }
}

fn a_replay_shows_what_was_merged_and_pulls(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let (upload, id) = (new_id(), ada.new_document("Plan", "one\n\ntwo\n"));
    ada.send(update("other", &id).base(1).content("one\n\ntwo and more\n")).expect(200);
    stage(&ada, &upload, [update("edit", &id).base(1).content("ONE\n\ntwo\n")]).expect(200);
    let fields = json!({ "upload_id": upload, "commit": true, "cursor": null });
    let answer = send(&ada, fields.clone(), []).expect(200);
    assert_eq!(answer.outcomes(), ["edit success v3 merged"]);
    assert_eq!(answer.result("edit")["server"]["content"], "ONE\n\ntwo and more\n");
    let again = send(&ada, fields, []).expect(200);
    assert_eq!(again.outcomes(), ["edit success v3 replayed"]);
    assert_eq!(again.result("edit")["server"]["content"], "ONE\n\ntwo and more\n");
    assert_eq!(again.body["changes"]["items"][0]["version"], 3, "{again}");
}

fn an_upload_is_undone_at_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let (upload, id) = (new_id(), ada.new_document("Plan", "one\n"));
    for part in 0..3 {
        stage(&ada, &upload, named(part * 100..(part + 1) * 100)).expect(200);
    }
    stage(&ada, &upload, [update("edit", &id).base(1).content("two\n")]).expect(200);
    let answer = commit(&ada, &upload).expect(200);
    assert_eq!((answer.results().len(), titles(&ada).len()), (301, 301));
    let undo = format!("/api/v1/batches/{}/undo", answer.string("/batch_id"));
    let undone = ada.post(&undo, &json!({ "workspace_id": ada.workspace_id })).expect(200);
    assert_eq!(undone.body["successful"], 301, "{undone}");
    assert_eq!((titles(&ada), &ada.read(&id).body["content"]), (vec!["Plan".to_owned()], &json!("one\n")));
}

fn an_upload_counts_towards_its_sync_run_when_it_is_committed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let (upload, run) = (new_id(), new_id());
    let place = format!("/api/v1/syncs/{run}");
    let opened = json!({ "workspace_id": ada.workspace_id, "total": 150, "direction": "push", "device_id": "laptop" });
    ada.put(&place, &opened).expect(201);
    let fields = |commit: bool| json!({ "upload_id": upload, "commit": commit, "sync_id": run });
    send(&ada, fields(false), named(0..100)).expect(200);
    send(&ada, fields(false), named(100..150)).expect(200);
    let progress = || ada.get(&format!("{place}?workspace_id={}", ada.workspace_id)).expect(200).body;
    assert_eq!((&progress()["processed"], &progress()["status"]), (&json!(0), &json!("idle")));
    for _ in 0..2 {
        send(&ada, fields(true), []).expect(200);
        assert_eq!((&progress()["succeeded"], &progress()["status"]), (&json!(150), &json!("completed")));
    }
    // A run that was called off takes no upload either.
    let (upload, run) = (new_id(), new_id());
    ada.put(&format!("/api/v1/syncs/{run}"), &opened).expect(201);
    ada.post(&format!("/api/v1/syncs/{run}/cancel?workspace_id={}", ada.workspace_id), &json!({})).expect(200);
    stage(&ada, &upload, [create("never")]).expect(200);
    let refused = send(&ada, json!({ "upload_id": upload, "commit": true, "sync_id": run }), []);
    refused.expect_problem(409, "sync_cancelled");
    assert_eq!(titles(&ada).len(), 150);
}

fn a_dry_run_goes_with_the_commit(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let upload = new_id();
    stage(&ada, &upload, named(0..3)).expect(200);
    let fields = json!({ "upload_id": upload, "commit": true, "dry_run": true });
    let answer = send(&ada, fields, named(3..4)).expect(200);
    assert_eq!((&answer.body["successful"], &answer.body["committed"]), (&json!(4), &json!(false)), "{answer}");
    assert_eq!((&answer.body["upload"]["status"], titles(&ada).len()), (&json!("open"), 0), "{answer}");
    assert_eq!(commit(&ada, &upload).expect(200).body["successful"], 3);
}

fn what_does_not_belong_together_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let upload = new_id();
    for (fields, place) in [
        (json!({ "upload_id": upload, "commit": false, "atomic": false }), "/atomic"),
        (json!({ "upload_id": upload, "commit": true, "atomic": false }), "/atomic"),
        (json!({ "upload_id": upload }), "/commit"),
        (json!({ "upload_id": upload, "commit": "yes" }), "/commit"),
        (json!({ "upload_id": "mine", "commit": true }), "/upload_id"),
        (json!({ "commit": false }), "/upload_id"),
        (json!({ "part": 1 }), "/upload_id"),
        (json!({ "upload_id": upload, "commit": false, "part": -1 }), "/part"),
        (json!({ "upload_id": upload, "commit": false, "part": 1_000_001 }), "/part"),
        (json!({ "upload_id": upload, "commit": false, "dry_run": true }), "/dry_run"),
        (json!({ "upload_id": upload, "commit": false, "cursor": null }), "/cursor"),
    ] {
        let request = body(&ada, fields, named(0..1));
        let refused = ada.request("POST", BATCH).json(&request).undocumented().send();
        refused.expect_problem(400, "bad_request").expect_pointer(place);
    }
    send(&ada, json!({ "upload_id": upload, "commit": false, "atomic": true }), named(0..1)).expect(200);
    stage(&ada, &upload, named(0..101)).expect_problem(422, "too_many_operations");
    assert_eq!(commit(&ada, &upload).expect(200).body["successful"], 1);
}

fn two_commits_at_once_apply_an_upload_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let upload = new_id();
    stage(&ada, &upload, named(0..100)).expect(200);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let commits: Vec<_> = (0..4).map(|_| scope.spawn(|| commit(&ada, &upload))).collect();
        commits.into_iter().map(|thread| thread.join().unwrap().expect(200)).collect()
    });
    let first = answers.iter().filter(|answer| answer.body["replayed"] == 0).count();
    assert_eq!(first, 1, "one of them applies it");
    assert!(answers.iter().all(|answer| answer.body["batch_id"] == answers[0].body["batch_id"]));
    assert_eq!(titles(&ada).len(), 100);
}
