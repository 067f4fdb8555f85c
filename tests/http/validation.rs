//! Malformed requests and malformed operations (protocol §1.2).

use serde_json::{Value, json};

use crate::harness::operation::{Operation, base64};
use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, YjsEditor, create, delete, on_both_databases, update};

const BATCH: &str = "/api/v1/documents/batch";

on_both_databases!(
    a_malformed_request_is_refused,
    a_malformed_operation_costs_itself_only,
    yjs_that_is_none_is_refused,
    a_name_that_stands_twice_is_refused_the_second_time,
    unknown_fields_are_ignored,
    null_counts_as_absent,
    one_answer_names_every_mistake,
);

fn a_malformed_request_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let workspace = &ada.workspace_id;
    for (body, pointer) in [
        (json!({ "operations": [] }), "/workspace_id"),
        (json!({ "workspace_id": "mine", "operations": [] }), "/workspace_id"),
        (json!({ "workspace_id": 7, "operations": [] }), "/workspace_id"),
        (json!({ "workspace_id": workspace }), "/operations"),
        (json!({ "workspace_id": workspace, "operations": {} }), "/operations"),
        (json!({ "workspace_id": workspace, "operations": "all" }), "/operations"),
        (json!({ "workspace_id": workspace, "operations": [], "atomic": "yes" }), "/atomic"),
        (json!({ "workspace_id": workspace, "operations": [], "dry_run": 1 }), "/dry_run"),
        (json!({ "workspace_id": workspace, "operations": [], "device_id": 7 }), "/device_id"),
        (json!({ "workspace_id": workspace, "operations": [], "device_id": "" }), "/device_id"),
        (json!({ "workspace_id": workspace, "operations": [], "device_id": "x".repeat(129) }), "/device_id"),
    ] {
        ada.post(BATCH, &body).expect_problem(400, "bad_request").expect_pointer(pointer);
    }
    for body in ["", "{", "[]", "null", "\"batch\"", "{\"workspace_id\":", "\u{feff}{}", "{} {}"] {
        let request = ada.request("POST", BATCH).header("content-type", "application/json").bytes(body);
        request.send().expect_problem(400, "bad_request");
    }
    let not_utf8 = ada.request("POST", BATCH).header("content-type", "application/json").bytes(b"{\"a\":\"\xff\"}");
    not_utf8.send().expect_problem(400, "bad_request");
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let deep = ada.request("POST", BATCH).header("content-type", "application/json").bytes(deep);
    deep.send().expect_problem(400, "bad_request");
    assert_eq!(ada.list("").items().len(), 0);
}

/// Operations that are wrong in one place each, the code, and the place below the operation.
fn mistakes(id: &str) -> Vec<(Operation, &'static str, &'static str)> {
    let raw = |value: Value| Operation(value);
    vec![
        (raw(json!(7)), "invalid", ""),
        (raw(json!(["create"])), "invalid", ""),
        (raw(json!(null)), "invalid", ""),
        (create("m").field("operation", "upsert"), "invalid", "/operation"),
        (create("m").without("operation"), "invalid", "/operation"),
        (create("m").without("client_id"), "invalid", "/client_id"),
        (create(""), "invalid", "/client_id"),
        (create("m").field("client_id", 7), "invalid", "/client_id"),
        (create(&"m".repeat(129)), "invalid", "/client_id"),
        (create("m").without("data"), "invalid", "/data"),
        (create("m").field("data", "text"), "invalid", "/data"),
        (create("m").field("data", json!({})), "invalid", "/data/title"),
        (create("m").data("title", 7), "invalid", "/data/title"),
        (create("m").title("a\u{0}b"), "invalid", "/data/title"),
        (create("m").title(&"é".repeat(501)), "too_large", "/data/title"),
        (create("m").data("content", 7), "invalid", "/data/content"),
        (create("m").content("a\u{0}b"), "invalid", "/data/content"),
        (create("m").id("no uuid"), "invalid", "/document_id"),
        (create("m").field("document_id", 7), "invalid", "/document_id"),
        (create("m").data("yjs_state_b64", 7), "invalid", "/data/yjs_state_b64"),
        (create("m").data("yjs_state_b64", "AAA"), "base64_invalid", "/data/yjs_state_b64"),
        (create("m").data("yjs_state_b64", "AA=="), "yjs_invalid", "/data/yjs_state_b64"),
        (create("m").data("yjs_updates_b64", "AAA="), "invalid", "/data/yjs_updates_b64"),
        (create("m").data("yjs_updates_b64", json!(["AAA=", "?"])), "base64_invalid", "/data/yjs_updates_b64/1"),
        (update("m", id).without("document_id"), "invalid", "/document_id"),
        (update("m", id).base(1).field("data", json!({})), "invalid", "/data"),
        (update("m", id).base(1).state_vector(&[0]), "invalid", "/data"),
        (update("m", id).field("base_version", "1").title("x"), "invalid", "/base_version"),
        (update("m", id).field("base_version", 0).title("x"), "invalid", "/base_version"),
        (update("m", id).field("base_version", 1.5).title("x"), "invalid", "/base_version"),
        (update("m", id).field("force", "yes").title("x"), "invalid", "/force"),
        (update("m", id).field("restore", 1).title("x"), "invalid", "/restore"),
        (update("m", id).field("document_ref", 7).without("document_id").title("x"), "invalid", "/document_ref"),
        (update("m", id).base(1).title("x").data("state_vector_b64", "*"), "base64_invalid", "/data/state_vector_b64"),
        (update("m", id).base(1).title("x").state_vector(&[9]), "yjs_invalid", "/data/state_vector_b64"),
        (delete("m", id).without("document_id"), "invalid", "/document_id"),
        (delete("m", id).field("base_version", -1), "invalid", "/base_version"),
    ]
}

fn a_malformed_operation_costs_itself_only(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    for (mistake, code, place) in mistakes(&id) {
        let answer = ada
            .batch()
            .with(create("before").title("Before"))
            .with(mistake.clone())
            .with(create("after").title("After"))
            .send()
            .expect(200);
        let result = &answer.results()[1];
        let error = &result["error"];
        assert_eq!(result["status"], "error", "{}\n{answer}", mistake.0);
        assert_eq!(error["code"], code, "{}\n{answer}", mistake.0);
        assert_eq!(error["pointer"], format!("/operations/1{place}"), "{}\n{answer}", mistake.0);
        assert_eq!(error["retryable"], false, "{}\n{answer}", mistake.0);
        let neighbours = [&answer.results()[0]["status"], &answer.results()[2]["status"]];
        assert_eq!(neighbours, ["success", "success"], "{}\n{answer}", mistake.0);
    }
    assert_eq!(ada.read(&id).body["version"], 1);
}

fn yjs_that_is_none_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    editor.insert(0, "text");
    let sound = editor.state();
    let with_trailing_byte = [sound.as_slice(), &[0]].concat();
    let cut_short = &sound[..sound.len() - 1];
    let second_version = [&[0; 13][..]].concat();
    for wrong in [with_trailing_byte.as_slice(), cut_short, &second_version, &[], b"plain text"] {
        let answer = ada.send(create("bad").title("Bad").yjs(wrong)).expect_outcomes(["bad error yjs_invalid"]);
        assert_eq!(answer.results()[0]["error"]["pointer"], "/operations/0/data/yjs_state_b64");
    }
    // Both forms of Yjs at once leave open which one is meant.
    let both = create("both").title("Both").yjs(&sound).yjs_list(std::slice::from_ref(&sound));
    ada.send(both).expect_outcomes(["both error invalid"]);
    // URL-safe base64, or base64 without padding, is not what is asked for.
    let url_safe = create("b64").title("B").data("yjs_state_b64", "__-_");
    ada.send(url_safe).expect_outcomes(["b64 error base64_invalid"]);
    let unpadded = create("b64").title("B").data("yjs_state_b64", base64(&[0, 0, 0, 0]).trim_end_matches('='));
    ada.send(unpadded).expect_outcomes(["b64 error base64_invalid"]);
    assert_eq!(ada.list("").items().len(), 0);
}

fn a_name_that_stands_twice_is_refused_the_second_time(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let answer = ada
        .batch()
        .device("laptop")
        .with(create("op").title("First"))
        .with(create("op").title("Second"))
        .with(create("other").title("Other"))
        .send()
        .expect(200)
        .expect_outcomes(["op success v1", "op error duplicate_client_id", "other success v1"]);
    assert_eq!(answer.results()[1]["error"]["pointer"], "/operations/1/client_id");
    assert_eq!(ada.list("").items().len(), 2);
}

fn unknown_fields_are_ignored(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.batch()
        .field("future", json!({ "deep": [1, 2, 3] }))
        .with(create("op").title("T").field("priority", 9).data("icon", "🎈"))
        .send()
        .expect_outcomes(["op success v1"]);
}

fn null_counts_as_absent(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.batch()
        .field("device_id", Value::Null)
        .with(create("new").field("document_id", Value::Null).title("T").data("content", Value::Null))
        .with(update("edit", &id).base(1).content("two\n").data("title", Value::Null).field("force", Value::Null))
        .send()
        .expect_outcomes(["new success v1", "edit success v2"]);
    let answer = ada.send(update("edit", &id).field("base_version", Value::Null).title("x"));
    assert_eq!(answer.outcomes(), ["edit error base_version_required v2"]);
}

fn one_answer_names_every_mistake(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let answer = ada
        .batch()
        .with(create("a").data("yjs_state_b64", "???"))
        .with(create("b").title(&"x".repeat(501)))
        .with(Operation(json!("not an operation")))
        .with(update("d", &new_id()).field("data", json!({})))
        .with(create("e").title("Fine"))
        .send()
        .expect(200);
    assert_eq!(
        answer.outcomes(),
        ["a error base64_invalid", "b error too_large", "null error invalid", "d error invalid", "e success v1"]
    );
    assert_eq!(answer.body["failed"], 4);
}
