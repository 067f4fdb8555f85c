//! Stored parts that cannot be read: they concern their own document, and `landfall admin verify` names them.

use serde_json::json;

use super::feed::next_cursor;
use super::lives::try_admin;
use crate::harness::{Database, TestServer, YjsEditor, create, delete, on_both_databases, update};
use crate::yjs_support::hand::{self, between, in_root, text};

on_both_databases!(
    a_head_that_cannot_be_read_holds_up_nothing_else,
    a_text_that_cannot_be_read_holds_up_nothing_else,
    a_letter_that_goes_on_does_not_read_its_document,
    what_has_no_place_is_named,
    what_is_sound_is_verified,
    a_receipt_that_cannot_be_read_fails_its_own_operation,
    a_history_that_cannot_be_had_is_no_answer_without_text,
);

fn a_head_that_cannot_be_read_holds_up_nothing_else(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let broken = ada.new_yjs_document("Broken", &laptop);
    let sound = ada.new_document("Sound", "one\n");
    let is_broken = match database {
        Database::Sqlite => "state_vector = x'ff'",
        Database::Postgres => r"state_vector = '\xff'::bytea",
    };
    server.execute_sql(&format!("UPDATE documents SET {is_broken} WHERE title = 'Broken'"));
    let edit = laptop.insert(3, " two");
    let batch = |atomic: bool| {
        let batch = ada.batch().field("cursor", serde_json::Value::Null);
        let batch = if atomic { batch.atomic() } else { batch };
        batch
            .with(update("broken", &broken).base(1).yjs(&edit))
            .with(update("sound", &sound).force().content("two\n"))
            .with(create("new").title("New").content("new\n"))
            .with(delete("gone", &broken).base(1))
            .send()
    };
    let answer = batch(false).expect(200);
    let outcomes = answer.outcomes();
    assert_eq!(outcomes[0], "broken error internal", "{answer}");
    assert_eq!(answer.result("broken")["damaged"], true, "{answer}");
    assert_eq!(answer.result("broken")["error"]["retryable"], false);
    assert_eq!((outcomes[1].as_str(), outcomes[2].as_str()), ("sound success v2", "new success v1"));
    assert!(outcomes[3].starts_with("gone "), "{answer}");
    assert!(answer.result("sound")["damaged"].is_null());
    assert_eq!(answer.body["changes"]["items"].as_array().unwrap().len(), 0, "what others wrote, less the damaged one");
    let atomic = batch(true);
    assert_eq!((atomic.status, &atomic.result("broken")["damaged"]), (422, &json!(true)), "{atomic}");
    // However small the pages are.
    let (one_by_one, _) = super::feed::pull_all(&ada, 1, "");
    assert_eq!(one_by_one.len(), 2);
    // The feed and the list go on behind it, and the document alone says that it cannot be read.
    let page = ada.pull("").expect(200);
    assert_eq!(page.column("title"), ["New", "Sound"]);
    assert_eq!(ada.pull(&format!("&cursor={}", next_cursor(&page))).items().len(), 0);
    assert_eq!(ada.list("").expect(200).items().len(), 2);
    let documents = [&broken, &sound].map(|id| json!({ "document_id": id }));
    let asked = json!({ "workspace_id": ada.workspace_id, "documents": documents });
    let diff = ada.post("/api/v1/documents/diff", &asked).expect(200);
    assert_eq!(
        (&diff.items()[0]["error"]["code"], &diff.items()[1]["version"]),
        (&json!("internal"), &json!(2)),
        "{diff}"
    );
    ada.read(&broken).expect_problem(500, "internal");
    ada.read(&sound).expect(200);
    let (is_sound, said, complaint) = try_admin(&server, &["verify"]);
    assert!(!is_sound && complaint.contains("1 part is not as it should be"), "{said}{complaint}");
    assert!(said.contains(&format!("document {broken} head: ")), "{said}");
}

fn a_text_that_cannot_be_read_holds_up_nothing_else(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let [broken, sound] = ["Broken", "Sound"].map(|title| ada.new_document(title, "one\n"));
    let cut = match database {
        Database::Sqlite => "content = x'09'",
        Database::Postgres => r"content = '\x09'::bytea",
    };
    server.execute_sql(&format!("UPDATE document_log SET {cut} WHERE title = 'Broken'"));
    // The answer to a conflict would carry the document.
    let delete_both = ada.batch().with(delete("broken", &broken)).with(delete("sound", &sound).base(1));
    let answer = delete_both.send().expect(200);
    assert_eq!(answer.outcomes(), ["broken error base_version_required v1", "sound success v2"]);
    let stale = ada.send(update("retitle", &broken).base(1).title("Broken still"));
    assert_eq!(stale.outcomes(), ["retitle success v2"]);
    let answer = ada
        .batch()
        .with(delete("stale", &broken).base(1))
        .with(create("new").title("New").content("new\n"))
        .send()
        .expect(200);
    assert_eq!(answer.outcomes()[0], "stale conflict version_mismatch v2", "{answer}");
    assert_eq!((&answer.result("stale")["server"], answer.outcomes()[1].as_str()), (&json!(null), "new success v1"));
    let (is_sound, said, _) = try_admin(&server, &["verify"]);
    assert!(!is_sound && said.contains(&format!("document {broken} text of version 1: ")), "{said}");
    // Whoever has the text changes it, and the document is whole.
    ada.send(update("mend", &broken).base(2).content("one, mended\n")).expect_outcomes(["mend success v3"]);
    assert_eq!(ada.read(&broken).string("/content"), "one, mended\n");
}

/// Accepted before there was a rule against it: an item whose neighbours were never side by side.
/// Seen by what happens when there is nothing to read.
fn a_letter_that_goes_on_does_not_read_its_document(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one\ntwo\n");
    let id = ada.new_yjs_document("Notes", &laptop);
    let tablet = YjsEditor::from_state(2, &laptop.state());
    let store = |version: i64, edit: &[u8]| ada.send(update(&format!("to {version}"), &id).base(version - 1).yjs(edit));
    assert_eq!(store(2, &tablet.insert(3, "a")).outcomes(), ["to 2 success v2"]);
    assert_eq!(store(3, &tablet.insert(4, "b")).outcomes(), ["to 3 success v3"]);
    let is_broken = match database {
        Database::Sqlite => "yjs_update = x'ff'",
        Database::Postgres => r"yjs_update = '\xff'::bytea",
    };
    server.execute_sql(&format!("UPDATE document_log SET {is_broken} WHERE version = 1"));
    assert_eq!(store(4, &tablet.insert(5, "c")).outcomes(), ["to 4 success v4"]);
    let elsewhere = store(5, &tablet.insert(0, "x")).expect(200);
    assert_eq!(elsewhere.result("to 5")["damaged"], true, "{elsewhere}");
}

fn what_has_no_place_is_named(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let base = hand::update(&[(1, 0, vec![in_root("content", &text("abcd"))])], &[]);
    let id = ada.send(create("made").yjs(&base)).document_id("made");
    let at = |left, right| hand::update(&[(2, 0, vec![between((1, left), (1, right), &text("x"))])], &[]);
    ada.send(update("later", &id).base(1).yjs(&at(0, 1))).expect_outcomes(["later success v2"]);
    assert!(try_admin(&server, &["verify"]).0);
    let hex: String = at(3, 1).iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes = match database {
        Database::Sqlite => format!("x'{hex}'"),
        Database::Postgres => format!(r"'\x{hex}'::bytea"),
    };
    server.execute_sql(&format!("UPDATE document_log SET yjs_update = {bytes} WHERE version = 2"));
    let (is_sound, said, complaint) = try_admin(&server, &["verify"]);
    assert!(!is_sound && complaint.contains("1 part is not as it should be"), "{said}{complaint}");
    let named = "Yjs changes 0 to 0 of client 2: left out of the text: an item's neighbours were never side by side";
    assert!(said.contains(&format!("document {id} {named}")), "{said}");
    assert_eq!(ada.read(&id).string("/content"), "abcd");
}

fn what_is_sound_is_verified(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let drawn = ada.new_yjs_document("Drawn", &laptop);
    let edit = laptop.insert(3, " two");
    ada.send(update("edit", &drawn).base(1).yjs(&edit)).expect_outcomes(["edit success v2"]);
    let plain = ada.new_document("Plain", "one\n");
    let on_laptop = |operation| ada.batch().device("laptop").with(operation).send();
    on_laptop(update("again", &plain).base(1).content("two\n")).expect_outcomes(["again success v2"]);
    on_laptop(delete("gone", &plain).base(2)).expect_outcomes(["gone success v3"]);
    on_laptop(delete("never", &crate::harness::user::new_id())).expect_outcomes(["never success unchanged"]);
    let (is_sound, said, complaint) = try_admin(&server, &["verify"]);
    assert!(is_sound, "{said}{complaint}");
    assert_eq!(said.trim(), "read 2 documents in 5 versions and 3 receipts of 1 workspaces");
    let digest = match database {
        Database::Sqlite => "payload_digest = x'01'",
        Database::Postgres => r"payload_digest = '\x01'::bytea",
    };
    server.execute_sql(&format!("UPDATE receipts SET {digest} WHERE client_id = 'gone'"));
    let (is_sound, said, _) = try_admin(&server, &["verify"]);
    assert!(!is_sound && said.contains("operation \"gone\": "), "{said}");
    assert!(server.stop().success());
    let (_, again, _) = try_admin(&server, &["verify"]);
    assert_eq!(again, said, "also while it is not served");
}

fn a_receipt_that_cannot_be_read_fails_its_own_operation(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let [torn, sound] = ["Torn", "Sound"].map(|title| ada.new_document(title, "one\n"));
    let (edit, other) =
        (update("edit", &torn).base(1).content("two\n"), update("other", &sound).base(1).content("two\n"));
    let laptop = || ada.batch().device("laptop");
    laptop().with(edit.clone()).with(other.clone()).send().expect_outcomes(["edit success v2", "other success v2"]);
    let digest = match database {
        Database::Sqlite => "payload_digest = x'01'",
        Database::Postgres => r"payload_digest = '\x01'::bytea",
    };
    server.execute_sql(&format!("UPDATE receipts SET {digest} WHERE client_id = 'edit'"));
    let batch = || laptop().with(edit.clone()).with(other.clone()).with(create("new").title("New"));
    let answer = batch().send().expect(200);
    let expected = ["edit error internal", "other success v2 replayed", "new success v1"];
    assert!(answer.outcomes().iter().zip(expected).all(|(line, begin)| line.starts_with(begin)), "{answer}");
    assert_eq!(
        (&answer.result("edit")["damaged"], &answer.result("edit")["error"]["retryable"]),
        (&json!(true), &json!(false))
    );
    assert!(answer.result("other")["damaged"].is_null() && answer.result("new")["damaged"].is_null(), "{answer}");
    assert_eq!(ada.versions(&torn, "").expect(200).items().len(), 2, "it is not applied twice");
}

fn a_history_that_cannot_be_had_is_no_answer_without_text(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let id = ada.new_yjs_document("Drawn", &laptop);
    let edit = laptop.insert(3, " two");
    ada.send(update("edit", &id).base(1).yjs(&edit)).expect_outcomes(["edit success v2"]);
    server.execute_sql("ALTER TABLE document_log RENAME TO away");
    ada.version(&id, 2).expect_problem(503, "unavailable");
    ada.versions(&id, "").expect_problem(503, "unavailable");
    server.execute_sql("ALTER TABLE away RENAME TO document_log");
    assert_eq!(ada.version(&id, 2).expect(200).string("/content"), "one two");
}
