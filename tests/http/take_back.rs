//! Undoing batches and restoring documents (protocol §1.11).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::yjs_documents::bytes;
use crate::harness::user::new_id;
use crate::harness::{Answer, Database, TestServer, User, YjsEditor, create, delete, on_both_databases, update};

on_both_databases!(
    a_batch_is_named_in_its_answer_and_in_its_versions,
    a_batch_is_undone_and_done_again,
    what_others_wrote_since_stays,
    a_clash_is_a_conflict_and_changes_nothing,
    what_is_typed_stays_when_a_script_is_undone,
    an_undo_is_done_once,
    documents_go_back_to_a_moment,
    what_one_device_did_is_taken_back,
    many_documents_are_restored_in_steps,
    a_restore_goes_on_after_the_server_was_killed,
    what_cannot_be_taken_back_is_refused,
);

fn undo(user: &User, batch: &str, fields: Value) -> Answer {
    user.post(&format!("/api/v1/batches/{batch}/undo"), &with_workspace(user, fields))
}

fn restore(user: &User, fields: Value) -> Answer {
    user.post("/api/v1/documents/restore", &with_workspace(user, fields))
}

fn with_workspace(user: &User, mut fields: Value) -> Value {
    fields["workspace_id"] = json!(user.workspace_id);
    fields
}

/// Each result as a line without its name: `update success v3`.
fn outcomes(answer: &Answer) -> Vec<String> {
    let operations = answer.results().iter().map(|result| result["operation"].as_str().unwrap_or("null"));
    let lines = answer.outcomes().into_iter().zip(operations);
    lines.map(|(line, operation)| format!("{operation} {}", line.split_once(' ').expect("a status").1)).collect()
}

/// Title and text, or that it is deleted.
fn state(user: &User, id: &str) -> String {
    let document = user.read(id).expect(200).body;
    match document["deleted"] == true {
        true => "deleted".to_owned(),
        false => format!("{}: {}", document["title"].as_str().unwrap(), document["content"].as_str().unwrap()),
    }
}

/// Now, by the clock that the server goes by.
fn now(user: &User) -> String {
    let id = user.new_document("A look at the clock", "");
    let now = user.read(&id).string("/updated_at");
    // Times are compared to the microsecond.
    std::thread::sleep(Duration::from_millis(2));
    now
}

fn a_batch_is_named_in_its_answer_and_in_its_versions(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let send = || ada.batch().device("laptop").with(create("a")).with(create("b")).send().expect(200);
    let first = send();
    let batch = first.string("/batch_id");
    assert_eq!(batch.as_bytes()[14], b'7', "{batch}");
    for name in ["a", "b"] {
        let versions = ada.versions(&first.document_id(name), "");
        assert_eq!(versions.items()[0]["batch_id"], batch, "{versions}");
    }
    let replayed = send();
    assert_eq!((replayed.body["replayed"].as_i64(), replayed.string("/batch_id")), (Some(2), batch.clone()));
    let id = first.document_id("a");
    let next = ada.send(update("edit", &id).base(1).content("x")).expect(200);
    assert_ne!(next.string("/batch_id"), batch);
    assert_eq!(ada.versions(&id, "").column("batch_id"), [json!(next.string("/batch_id")), json!(batch)]);
    // What makes no version is no batch to be undone.
    for nothing in [
        ada.batch().dry_run().with(create("dry")).send(),
        ada.send(update("late", &id).base(1).content("y")),
        ada.send(update("same", &id).base(2).content("x")),
    ] {
        assert_eq!(nothing.body.get("batch_id"), None, "{nothing}");
    }
}

/// A batch that creates, changes and deletes; the documents in that order.
fn mixed(ada: &User) -> (Answer, [String; 3]) {
    let (changed, deleted) = (ada.new_document("Plan", "one\ntwo\n"), ada.new_document("Old", "kept\n"));
    let batch = ada
        .batch()
        .with(create("made").title("New").content("new\n"))
        .with(update("changed", &changed).base(1).title("Plans").content("one\n2\n"))
        .with(delete("deleted", &deleted).base(1))
        .send()
        .expect(200);
    let made = batch.document_id("made");
    (batch, [made, changed, deleted])
}

fn a_batch_is_undone_and_done_again(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let (batch, ids) = mixed(&ada);
    let [made, changed, deleted] = &ids;
    let states = || ids.each_ref().map(|id| state(&ada, id));
    let after = ["New: new\n".to_owned(), "Plans: one\n2\n".to_owned(), "deleted".to_owned()];
    assert_eq!(states(), after);
    let preview = undo(&ada, &batch.string("/batch_id"), json!({ "dry_run": true })).expect(200);
    let change = |id: &str| {
        let result = preview.results().iter().find(|result| result["document_id"] == *id);
        result.unwrap_or_else(|| panic!("{preview}"))["change"].clone()
    };
    assert_eq!(change(made), json!({ "deleted": { "from": false, "to": true } }));
    let diff = "@@ -1,2 +1,2 @@\n one\n-2\n+two\n";
    assert_eq!(change(changed), json!({ "title": { "from": "Plans", "to": "Plan" }, "diff": diff }));
    assert_eq!(change(deleted), json!({ "deleted": { "from": true, "to": false } }));
    assert_eq!((&preview.body["committed"], preview.body.get("batch_id")), (&json!(false), None));
    assert_eq!(states(), after, "a preview changes nothing");
    let undone = undo(&ada, &batch.string("/batch_id"), json!({})).expect(200);
    assert_eq!((&undone.body["successful"], undone.results().len()), (&json!(3), 3), "{undone}");
    let before = ["deleted".to_owned(), "Plan: one\ntwo\n".to_owned(), "Old: kept\n".to_owned()];
    assert_eq!(states(), before);
    assert_eq!(ada.versions(changed, "").items()[0]["batch_id"], undone.body["batch_id"]);
    // Twice is once.
    let again = undo(&ada, &batch.string("/batch_id"), json!({})).expect(200);
    assert!(again.results().iter().all(|result| result["unchanged"] == true), "{again}");
    assert_eq!(states(), before);
    undo(&ada, &undone.string("/batch_id"), json!({})).expect(200);
    assert_eq!(states(), after);
}

fn what_others_wrote_since_stays(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    let id = ada.new_document("Plan", "one\n\ntwo\n\nthree\n");
    let batch = ada.send(update("edit", &id).base(1).content("ONE\n\ntwo\n\nthree\n")).expect(200);
    grace.send(update("later", &id).base(2).content("ONE\n\ntwo\n\nthree and more\n")).expect(200);
    let undone = undo(&grace, &batch.string("/batch_id"), json!({})).expect(200);
    assert_eq!(outcomes(&undone), ["update success v4 merged"]);
    assert_eq!(state(&ada, &id), "Plan: one\n\ntwo\n\nthree and more\n");
    // Two operations of one batch on one document are undone together.
    let twice = ada
        .batch()
        .with(update("a", &id).base(4).content("first\n"))
        .with(update("b", &id).base(4).title("Title").content("second\n"))
        .send()
        .expect(200);
    let undone = undo(&ada, &twice.string("/batch_id"), json!({})).expect(200);
    assert_eq!(outcomes(&undone), ["update success v7"]);
    assert_eq!(state(&ada, &id), "Plan: one\n\ntwo\n\nthree and more\n");
}

fn a_clash_is_a_conflict_and_changes_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let (batch, ids) = mixed(&ada);
    let [made, changed, deleted] = &ids;
    ada.send(update("a", made).base(1).content("somebody's\n")).expect(200);
    ada.send(update("b", changed).base(2).content("one\nzwei\n")).expect(200);
    ada.send(update("c", deleted).base(2).restore().title("Back")).expect(200);
    ada.send(delete("d", deleted).base(3)).expect(200);
    let undone = undo(&ada, &batch.string("/batch_id"), json!({})).expect(200);
    let mut lines = outcomes(&undone);
    lines.sort();
    let expected =
        ["delete conflict version_mismatch v2", "update conflict deleted v4", "update conflict version_mismatch v3"];
    assert_eq!(lines, expected, "{undone}");
    let clash = undone.results().iter().find(|result| result["document_id"] == **changed).unwrap();
    assert_eq!(clash["base"]["content"], "one\n2\n");
    assert_eq!(clash["server"]["content"], "one\nzwei\n");
    assert_eq!(clash["merge"]["content"], "one\n<<<<<<< incoming\ntwo\n=======\nzwei\n>>>>>>> server\n");
    assert_eq!(state(&ada, changed), "Plans: one\nzwei\n");
    // A third title is nobody's to overwrite, and the text goes with it.
    let id = ada.new_document("A", "text\n");
    let renamed = ada.send(update("e", &id).base(1).title("B").content("other\n")).expect(200);
    ada.send(update("f", &id).base(2).title("C")).expect(200);
    let undone = undo(&ada, &renamed.string("/batch_id"), json!({})).expect(200);
    assert_eq!(outcomes(&undone), ["update conflict version_mismatch v3"]);
    assert_eq!(state(&ada, &id), "C: other\n");
}

fn what_is_typed_stays_when_a_script_is_undone(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one\ntwo three\nfour\n");
    let id = ada.new_yjs_document("Plan", &laptop);
    let script = ada.send(update("script", &id).base(1).content("one\n2 3\nfour\n")).expect(200);
    // Typed in another line, and in the middle of a word's line, by somebody who knows nothing of the script.
    ada.send(update("typed", &id).yjs(&laptop.insert(0, "zero "))).expect(200);
    let undone = undo(&ada, &script.string("/batch_id"), json!({})).expect(200);
    assert_eq!(outcomes(&undone), ["update success v4 merged"], "{undone}");
    let document = ada.read(&id).expect(200);
    assert_eq!(document.string("/content"), "zero one\ntwo three\nfour\n");
    laptop.apply(&bytes(&document.body["yjs_state_b64"]));
    assert_eq!(laptop.text(), "zero one\ntwo three\nfour\n");
    // What somebody typed can be undone too, though no text of it was ever stored.
    let typed = ada.send(update("more", &id).yjs(&laptop.insert(0, "never "))).expect(200);
    undo(&ada, &typed.string("/batch_id"), json!({})).expect(200);
    assert_eq!(ada.read(&id).string("/content"), "zero one\ntwo three\nfour\n");
    let gone = ada.send(delete("gone", &id).base(6)).expect(200);
    undo(&ada, &gone.string("/batch_id"), json!({})).expect(200);
    let document = ada.read(&id).expect(200);
    assert_eq!(
        (document.string("/content"), &document.body["deleted"]),
        ("zero one\ntwo three\nfour\n".to_owned(), &json!(false))
    );
}

fn an_undo_is_done_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Plan", "one\n");
    let batch = ada.send(update("edit", &id).base(1).content("two\n")).expect(200).string("/batch_id");
    let once = || undo(&ada, &batch, json!({ "device_id": "laptop", "client_id": "undo-1" })).expect(200);
    let first = once();
    assert_eq!(outcomes(&first), ["update success v3"]);
    ada.send(update("again", &id).base(3).content("two\n")).expect(200);
    let replayed = once();
    assert_eq!(outcomes(&replayed), ["update success v3 replayed"]);
    assert_eq!(replayed.body["batch_id"], first.body["batch_id"]);
    assert_eq!(state(&ada, &id), "Plan: two\n");
    let other = ada.send(update("more", &id).base(4).content("three\n")).expect(200).string("/batch_id");
    let reused = undo(&ada, &other, json!({ "device_id": "laptop", "client_id": "undo-1" })).expect(200);
    assert_eq!(outcomes(&reused), ["update error client_id_reused v5"]);
    // By another name it is another undo.
    undo(&ada, &other, json!({ "device_id": "laptop", "client_id": "undo-2" })).expect(200);
    assert_eq!(state(&ada, &id), "Plan: two\n");
}

fn documents_go_back_to_a_moment(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let [kept, edited, gone] = ["Kept", "Edited", "Gone"].map(|title| ada.new_document(title, "one\n"));
    let then = now(&ada);
    let cursor = ada.pull("&limit=500").string("/next_cursor");
    ada.send(update("a", &edited).base(1).title("Other").content("two\n")).expect(200);
    ada.send(update("b", &edited).base(2).content("three\n")).expect(200);
    ada.send(delete("c", &gone).base(1)).expect(200);
    let new = ada.new_document("New", "new\n");
    let fleeting = ada.new_document("Fleeting", "x");
    ada.send(delete("d", &fleeting).base(1)).expect(200);
    for as_of in [&then, &cursor] {
        let preview = restore(&ada, json!({ "as_of": as_of, "dry_run": true })).expect(200);
        assert_eq!((&preview.body["documents"], preview.results().len()), (&json!(3), 3), "{preview}");
        assert!(preview.results().iter().all(|result| result["change"].is_object()), "{preview}");
        assert_eq!(state(&ada, &edited), "Other: three\n");
        let restored = restore(&ada, json!({ "as_of": as_of })).expect(200);
        assert_eq!(restored.body["successful"], 3, "{restored}");
        let states = [&kept, &edited, &gone, &new].map(|id| state(&ada, id));
        assert_eq!(states, ["Kept: one\n", "Edited: one\n", "Gone: one\n", "deleted"]);
        assert_eq!(ada.versions(&kept, "").items().len(), 1, "what did not change is left alone");
        let run = ada.get(&format!("/api/v1/syncs/{}?workspace_id={}", restored.string("/sync_id"), ada.workspace_id));
        assert_eq!((&run.body["status"], &run.body["succeeded"]), (&json!("completed"), &json!(3)), "{run}");
        // It can be undone itself; what was, is again.
        undo(&ada, &restored.string("/batch_id"), json!({})).expect(200);
        assert_eq!([&edited, &gone, &new].map(|id| state(&ada, id)), ["Other: three\n", "deleted", "New: new\n"]);
    }
    let some = |fields: Value| {
        let mut request = json!({ "as_of": then, "dry_run": true });
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let answer = restore(&ada, request).expect(200);
        let mut ids: Vec<String> =
            answer.results().iter().map(|result| result["document_id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(some(json!({ "document_ids": [gone, kept, new_id()] })), std::slice::from_ref(&gone));
    assert_eq!(some(json!({ "title_prefix": "Edi" })), std::slice::from_ref(&edited), "it was named so then");
    assert_eq!(some(json!({ "title_prefix": "Oth" })), [edited]);
    let nothing = restore(&ada, json!({ "as_of": now(&ada) })).expect(200);
    assert_eq!((&nothing.body["total"], &nothing.body["documents"]), (&json!(0), &json!(0)));
}

fn what_one_device_did_is_taken_back(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    let lines = |a: &str, b: &str, c: &str| format!("{a}\n\n{b}\n\n{c}\n");
    let setup = || {
        let id = ada.new_document("Plan", &lines("a", "b", "c"));
        let then = now(&ada);
        let run = new_id();
        let edit = |who: &User, device: &str, base: i64, content: String| {
            let batch = who.batch().device(device).field("sync_id", run.as_str());
            batch.with(update(&new_id(), &id).base(base).content(&content)).send().expect(200);
        };
        edit(&ada, "bad", 1, lines("A", "b", "c"));
        edit(&grace, "good", 2, lines("A", "B", "c"));
        edit(&ada, "bad", 3, lines("A", "B", "C"));
        (id, then, run)
    };
    for by in [json!({ "by_device": "bad" }), json!({ "by_user": "ada" })] {
        let (id, then, _run) = setup();
        let mut request = by.clone();
        request["as_of"] = json!(then);
        let restored = restore(&ada, request).expect(200);
        assert_eq!(outcomes(&restored), ["update success v5"], "{by}");
        assert_eq!(ada.read(&id).string("/content"), lines("a", "B", "c"), "{by}");
    }
    let (id, then, run) = setup();
    let other = restore(&ada, json!({ "as_of": then, "sync_id": new_id() })).expect(200);
    assert_eq!(other.body["documents"], 0);
    let all = restore(&ada, json!({ "as_of": then, "sync_id": run })).expect(200);
    assert_eq!(outcomes(&all), ["update success v5"]);
    assert_eq!(ada.read(&id).string("/content"), lines("a", "b", "c"));
    // What one device made and others wrote in is a conflict; what clashes with later work too.
    let (id, then, _run) = setup();
    grace.send(update("over", &id).base(4).content(&lines("A", "B", "Sea"))).expect(200);
    let clash = restore(&ada, json!({ "as_of": then, "by_device": "bad" })).expect(200);
    assert_eq!(outcomes(&clash), ["update conflict version_mismatch v5"]);
    assert_eq!(clash.results()[0]["merge"]["content"].as_str().unwrap().matches("<<<<<<<").count(), 1, "{clash}");
}

fn many_documents_are_restored_in_steps(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_RATE_LIMIT", "off")]);
    let ada = server.register("ada");
    let mut ids = Vec::new();
    for batch in 0..3 {
        let creates = (0..90).map(|n| create(&format!("{batch}-{n}")).title(&format!("{batch} {n}")).content("one\n"));
        let made = ada.batch().with_all(creates).send().expect(200);
        ids.extend(made.results().iter().map(|result| result["document_id"].as_str().unwrap().to_owned()));
    }
    let then = now(&ada);
    for ids in ids.chunks(90) {
        ada.batch().with_all(ids.iter().map(|id| update(id, id).base(1).content("spoiled\n"))).send().expect(200);
    }
    let preview = restore(&ada, json!({ "as_of": then, "dry_run": true })).expect(200);
    assert_eq!((&preview.body["documents"], preview.results().len()), (&json!(270), 270));
    assert!(preview.results().iter().all(|result| result["change"]["diff"] == "@@ -1,1 +1,1 @@\n-spoiled\n+one\n"));
    let request = json!({ "as_of": then, "device_id": "laptop", "client_id": "restore-1" });
    let begun = restore(&ada, request.clone()).expect(202);
    assert_eq!((&begun.body["documents"], &begun.body["total"]), (&json!(270), &json!(270)));
    let run = begun.string("/sync_id");
    let finished = |run: &str| {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let progress = ada.get(&format!("/api/v1/syncs/{run}?workspace_id={}", ada.workspace_id)).expect(200);
            if progress.body["status"] == "completed" {
                return progress;
            }
            assert!(Instant::now() < deadline, "{progress}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    assert_eq!(finished(&run).body["succeeded"], 270);
    assert!(ids.iter().all(|id| ada.read(id).string("/content") == "one\n"));
    // Sent again it is the same restore: what was written since stays.
    ada.send(update("later", &ids[0]).base(3).content("later\n")).expect(200);
    let again = restore(&ada, request.clone()).expect(202);
    assert_eq!(again.string("/sync_id"), run);
    assert_eq!(finished(&run).body["succeeded"], 270);
    assert_eq!(ada.read(&ids[0]).string("/content"), "later\n");
    // One that was called off goes no further.
    let open = json!({ "as_of": then, "device_id": "laptop", "client_id": "restore-2", "document_ids": ids[..3] });
    let small = restore(&ada, open.clone()).expect(200);
    let path = format!("/api/v1/syncs/{}", small.string("/sync_id"));
    ada.put(&path, &json!({ "workspace_id": ada.workspace_id, "total": 9 })).expect(200);
    let cancel = format!("{path}/cancel?workspace_id={}", ada.workspace_id);
    if ada.request("POST", &cancel).send().expect(200).body["status"] == "cancelled" {
        restore(&ada, open).expect_problem(409, "sync_cancelled");
    }
}

fn what_cannot_be_taken_back_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Plan", "one\n");
    let batch = ada.send(update("edit", &id).base(1).content("two\n")).expect(200).string("/batch_id");
    undo(&ada, &new_id(), json!({})).expect_problem(404, "not_found");
    undo(&ada, "0", json!({})).expect(400);
    let grace = server.register("grace");
    undo(&grace, &batch, json!({})).expect_problem(404, "not_found");
    for (field, value) in [("as_of", json!("2026-13-01")), ("device_id", json!("")), ("client_id", json!("a\0b"))] {
        let mut request = json!({ "as_of": "2026-01-01T00:00:00Z" });
        request[field] = value;
        restore(&ada, request).expect_problem(422, "invalid").expect_pointer(&format!("/{field}"));
    }
    restore(&ada, json!({ "as_of": "Agabc" })).expect_problem(400, "bad_request");
    let rich = json!({ "as_of": "2999-01-01T00:00:00Z", "document_ids": [id] });
    assert_eq!(restore(&ada, rich).expect(200).body["documents"], 0);
}

fn a_restore_goes_on_after_the_server_was_killed(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let mut ids = Vec::new();
    for batch in 0..3 {
        let creates = (0..80).map(|n| create(&format!("{batch}-{n}")).title(&format!("{batch} {n}")).content("one\n"));
        let made = ada.batch().with_all(creates).send().expect(200);
        ids.extend(made.results().iter().map(|result| result["document_id"].as_str().unwrap().to_owned()));
    }
    let then = now(&ada);
    for ids in ids.chunks(80) {
        ada.batch().with_all(ids.iter().map(|id| update(id, id).base(1).content("spoiled\n"))).send().expect(200);
    }
    let request = json!({ "as_of": then, "device_id": "laptop", "client_id": "restore" });
    let run = restore(&ada, request.clone()).expect(202).string("/sync_id");
    server.kill();
    server.restart();
    // By itself nothing goes on; the same request does, and restores nothing twice.
    let again = restore(&ada, request.clone());
    assert!([200, 202].contains(&again.status), "{again}");
    let deadline = Instant::now() + Duration::from_secs(60);
    while ids.iter().any(|id| ada.read(id).string("/content") != "one\n") {
        assert!(Instant::now() < deadline, "the restore does not go on");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(ids.iter().all(|id| ada.read(id).body["version"] == 3), "each is restored once");
    let progress = ada.get(&format!("/api/v1/syncs/{run}?workspace_id={}", ada.workspace_id)).expect(200);
    assert_eq!(progress.body["failed"], 0, "{progress}");
}
