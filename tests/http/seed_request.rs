//! The request of protocol §1, as it stands there.

use serde_json::json;

use crate::harness::operation::base64;
use crate::harness::{Database, TestServer, YjsEditor, on_both_databases};

on_both_databases!(the_request_of_the_protocol_is_carried_out, the_shortened_state_of_the_protocol_is_no_base64);

const WORKSPACE: &str = "550e8400-e29b-41d4-a716-446655440000";
const UPDATED: &str = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
const DELETED: &str = "c9a646d3-9c61-4cb7-bfcd-ee2522c8f633";

fn the_request_of_the_protocol_is_carried_out(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.post("/api/v1/workspaces", &json!({ "name": "Seed", "workspace_id": WORKSPACE })).expect(201);
    let ada = ada.in_workspace(WORKSPACE);

    // The past that the request speaks of: one document at version 3, one at version 4.
    let editor = YjsEditor::new(7);
    editor.insert(0, "# Notes\n");
    let past = |id: &str, versions: i64| {
        let operations = (1..=versions).map(|version| match version {
            1 => crate::harness::create("v1").id(id).content("# Notes\n").yjs(&editor.state()),
            _ => crate::harness::update(&format!("v{version}"), id).base(version - 1).title(&format!("T{version}")),
        });
        operations.for_each(|operation| assert_eq!(ada.send(operation).body["successful"], 1));
    };
    past(UPDATED, 3);
    past(DELETED, 4);

    let hello = YjsEditor::new(8);
    hello.insert(0, "# Hello");
    let edited = editor.insert(8, "More.\n");
    let body = json!({
        "workspace_id": WORKSPACE,
        "device_id": "laptop-7f3a",
        "atomic": false,
        "dry_run": false,
        "operations": [
            { "operation": "create", "client_id": "op_1",
              "document_id": "8a6e0804-2bd0-4672-b79d-d97027f9071a",
              "data": { "title": "New Document", "content": "# Hello", "yjs_state_b64": base64(&hello.state()) } },
            { "operation": "update", "client_id": "op_2", "document_id": UPDATED, "base_version": 3,
              "data": { "content": editor.text(), "yjs_state_b64": base64(&edited),
                        "state_vector_b64": base64(&editor.state_vector()) } },
            { "operation": "delete", "client_id": "op_3", "document_id": DELETED, "base_version": 4 },
        ],
    });
    let answer = ada.post("/api/v1/documents/batch", &body).expect(200);
    assert_eq!(answer.outcomes(), ["op_1 success v1", "op_2 success v4", "op_3 success v5"]);
    assert_eq!(
        (&answer.body["total"], &answer.body["successful"], &answer.body["failed"]),
        (&3.into(), &3.into(), &0.into())
    );
    assert_eq!(answer.body["committed"], true);
    assert_eq!(ada.read("8a6e0804-2bd0-4672-b79d-d97027f9071a").string("/content"), "# Hello");
    assert_eq!(ada.read(UPDATED).string("/content"), "# Notes\nMore.\n");
    assert_eq!(ada.read(DELETED).body["deleted"], true);

    let again = ada.post("/api/v1/documents/batch", &body).expect(200);
    assert_eq!(again.body["replayed"], 3, "{again}");
}

fn the_shortened_state_of_the_protocol_is_no_base64(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let operation = crate::harness::create("op_1").title("New Document").content("# Hello");
    let answer = ada.send(operation.data("yjs_state_b64", "AQOojaKCBAAH…")).expect(200);
    assert_eq!(answer.outcomes(), ["op_1 error base64_invalid"]);
    assert_eq!(answer.results()[0]["error"]["pointer"], "/operations/0/data/yjs_state_b64");
}
