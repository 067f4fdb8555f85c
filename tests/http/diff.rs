//! What an editor lacks, by state vectors (protocol §2): bytes, not documents.

use serde_json::{Value, json};

use crate::harness::operation::base64;
use crate::harness::{Answer, Database, TestServer, User, YjsEditor, create, delete, on_both_databases, update};
use crate::http::yjs_documents::bytes;

on_both_databases!(
    an_editor_gets_what_it_lacks_and_no_more,
    deletions_are_part_of_what_lacks,
    a_named_version_spares_known_deletions,
    a_version_that_proves_nothing_falls_back_to_the_whole,
    each_document_is_answered_in_its_place,
    a_large_answer_ends_and_says_what_it_left_out,
    what_is_malformed_is_named,
    only_members_are_answered,
);

const DIFF: &str = "/api/v1/documents/diff";
const NOBODYS: &str = "0199f3a0-0000-7000-8000-000000000000";

fn known(id: &str, editor: &YjsEditor) -> Value {
    json!({ "document_id": id, "state_vector_b64": base64(&editor.state_vector()) })
}

fn at_version(version: i64, known: Value) -> Value {
    let mut known = known;
    known["version"] = version.into();
    known
}

fn ask(user: &User, documents: &[Value]) -> Answer {
    user.post(DIFF, &json!({ "workspace_id": user.workspace_id, "documents": documents }))
}

fn diff(user: &User, document: Value) -> Value {
    ask(user, &[document]).expect(200).body["items"][0].clone()
}

fn an_editor_gets_what_it_lacks_and_no_more(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, &"A long line of text that nobody changes.\n".repeat(2_000));
    let id = ada.new_yjs_document("Long", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());

    let same = diff(&ada, known(&id, &phone));
    assert_eq!((&same["version"], same.get("yjs_state_b64")), (&json!(1), None), "{same}");
    assert_eq!(bytes(&same["state_vector_b64"]), laptop.state_vector());

    for (place, letter) in "word".chars().enumerate() {
        let edit = laptop.insert(7 + u32::try_from(place).unwrap(), &letter.to_string());
        ada.send(update(&format!("edit_{place}"), &id).yjs(&edit)).expect(200);
    }
    let lacks = bytes(&diff(&ada, known(&id, &phone))["yjs_state_b64"]);
    assert!(lacks.len() < 40, "a word of four letters came as {} bytes", lacks.len());
    phone.apply(&lacks);
    assert_eq!(phone.text(), laptop.text());

    let from_nothing = diff(&ada, json!({ "document_id": id }));
    let fresh = YjsEditor::from_state(3, &bytes(&from_nothing["yjs_state_b64"]));
    assert_eq!(fresh.text(), laptop.text());
}

fn deletions_are_part_of_what_lacks(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one two three");
    let id = ada.new_yjs_document("Words", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());
    // No new clock: the state vectors stay equal.
    ada.send(update("cut", &id).yjs(&laptop.remove(3, 4))).expect(200);
    assert_eq!(phone.state_vector(), laptop.state_vector());
    phone.apply(&bytes(&diff(&ada, known(&id, &phone))["yjs_state_b64"]));
    assert_eq!(phone.text(), "one three");
    let again = bytes(&diff(&ada, known(&id, &phone))["yjs_state_b64"]);
    assert!(again.len() < 10, "without a version the deletions come again: {again:?}");
}

fn a_named_version_spares_known_deletions(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, &"x".repeat(1_000));
    for place in 0..400 {
        laptop.remove(place, 1);
    }
    let id = ada.new_yjs_document("Holes", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());
    let current = diff(&ada, at_version(1, known(&id, &phone)));
    assert_eq!(current.get("yjs_state_b64"), None, "nothing lacks, nothing is sent: {current}");

    ada.send(update("edit", &id).yjs(&laptop.insert(0, "new "))).expect(200);
    ada.send(update("cut", &id).yjs(&laptop.remove(10, 1))).expect(200);
    let all = bytes(&diff(&ada, known(&id, &phone))["yjs_state_b64"]);
    let since = diff(&ada, at_version(1, known(&id, &phone)));
    let lacks = bytes(&since["yjs_state_b64"]);
    assert!(lacks.len() < 40 && all.len() > 800, "{} bytes since, {} in all", lacks.len(), all.len());
    phone.apply(&lacks);
    assert_eq!((phone.text(), &since["version"]), (laptop.text(), &json!(3)));
}

/// A version that the editor cannot have seen, or whose state its vector shows that it lacks, is not trusted.
fn a_version_that_proves_nothing_falls_back_to_the_whole(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let id = ada.new_yjs_document("Words", &laptop);
    ada.send(update("two", &id).yjs(&laptop.insert(3, " two"))).expect(200);
    ada.send(update("three", &id).yjs(&laptop.insert(7, " three"))).expect(200);
    for version in [2, 3, 99] {
        let empty = json!({ "document_id": id, "version": version });
        let fresh = YjsEditor::from_state(2, &bytes(&diff(&ada, empty)["yjs_state_b64"]));
        assert_eq!(fresh.text(), "one two three", "version {version}");
    }
}

fn each_document_is_answered_in_its_place(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "Hello");
    let yjs = ada.new_yjs_document("Greeting", &laptop);
    let plain = ada.new_document("Plain", "text");
    let gone = ada.new_document("Gone", "text");
    ada.send(delete("delete", &gone).base(1)).expect_outcomes(["delete success v2"]);
    let wanted: Vec<Value> =
        [NOBODYS, &gone, &plain, &yjs, &yjs].iter().map(|id| json!({ "document_id": id })).collect();
    let answer = ask(&ada, &wanted).expect(200);
    let items = answer.items();
    assert_eq!(items[0]["error"]["code"], "not_found");
    assert_eq!(items[1], json!({ "document_id": gone, "version": 2, "deleted": true }));
    assert_eq!(items[2], json!({ "document_id": plain, "version": 1 }));
    assert_eq!((items.len(), &items[3], bytes(&items[3]["yjs_state_b64"])), (5, &items[4], laptop.state()));
    assert_eq!(ask(&ada, &[]).expect(200).items().len(), 0);
}

fn a_large_answer_ends_and_says_what_it_left_out(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let large = YjsEditor::new(1);
    large.insert(0, &"0123456789".repeat(300_000));
    let state = large.state();
    let ids: Vec<String> = (0..4).map(|_| ada.new_yjs_document("Large", &large)).collect();
    let wanted: Vec<Value> = ids.iter().map(|id| json!({ "document_id": id })).collect();
    let answer = ask(&ada, &wanted).expect(200);
    let items = answer.items();
    assert!(items[..3].iter().all(|item| bytes(&item["yjs_state_b64"]) == state), "the first three fit");
    assert_eq!((&items[3]["error"]["code"], &items[3]["error"]["retryable"]), (&json!("transient"), &json!(true)));
    assert_eq!(bytes(&ask(&ada, &wanted[3..]).expect(200).items()[0]["yjs_state_b64"]), state);
}

fn what_is_malformed_is_named(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Plain", "text");
    let sound = json!({ "document_id": id });
    let with = |field: &str, value: Value| {
        let mut document = sound.clone();
        document[field] = value;
        ask(&ada, &[sound.clone(), document])
    };
    let refused = with("state_vector_b64", json!("not base64")).expect_problem(422, "invalid");
    assert_eq!(refused.body["pointer"], "/documents/1/state_vector_b64");
    with("state_vector_b64", json!("AQ==")).expect_problem(422, "invalid");
    with("state_vector_b64", json!(7)).expect_problem(400, "bad_request");
    let refused = with("document_id", json!("7")).expect_problem(400, "bad_request");
    assert_eq!(refused.body["pointer"], "/documents/1/document_id");
    ask(&ada, &vec![sound.clone(); 100]).expect(200);
    ask(&ada, &vec![sound; 101]).expect_problem(422, "invalid");
    ada.post(DIFF, &json!({ "documents": [] })).expect_problem(400, "bad_request");
}

fn only_members_are_answered(database: Database) {
    let server = TestServer::start(database);
    let (ada, eve) = (server.register("ada"), server.register("eve"));
    ada.send(create("one")).expect(200);
    let body = json!({ "workspace_id": ada.workspace_id, "documents": [] });
    eve.post(DIFF, &body).expect_problem(404, "not_found");
    server.client().post(DIFF, &body).expect_problem(401, "unauthorized");
    ada.invite(&eve, "viewer");
    eve.post(DIFF, &body).expect(200);
}
