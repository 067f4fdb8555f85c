//! What is left when deleted documents, receipts and old versions have been kept long enough.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Database, TestServer, User, YjsEditor, create, delete, on_both_databases, update};

on_both_databases!(
    a_purged_document_is_gone_and_stays_gone,
    a_purged_document_can_be_restored_whole,
    a_purged_yjs_document_can_be_restored_whole,
    old_versions_of_texts_are_folded,
    old_versions_of_yjs_documents_are_folded,
    what_is_purged_is_counted,
);

/// How long a run may keep a test waiting.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that keeps these things for some seconds, and looks each second.
fn start(database: Database, brief: &[(&str, &str)]) -> TestServer {
    let names: Vec<_> = brief.iter().map(|(what, _)| format!("LANDFALL_{what}_RETENTION_S")).collect();
    let mut settings = vec![("LANDFALL_RATE_LIMIT", "off"), ("LANDFALL_PURGE_INTERVAL_S", "1")];
    settings.extend(names.iter().zip(brief).map(|(name, (_, seconds))| (name.as_str(), *seconds)));
    TestServer::start_with(database, &settings)
}

/// Asks until the answer is right.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn wait_until_purged(user: &User, document_id: &str) {
    wait_until("a deleted document is gone", || user.read(document_id).status == 404);
}

fn wait_for_one_version(user: &User, document_id: &str) {
    wait_until("only one version is left", || user.versions(document_id, "").items().len() == 1);
}

fn a_purged_document_is_gone_and_stays_gone(database: Database) {
    let server = start(database, &[("RECEIPT", "1"), ("TOMBSTONE", "1"), ("HISTORY", "1")]);
    let ada = server.register("ada");
    let id = crate::harness::user::new_id();
    let laptop = |operation: crate::harness::operation::Operation| ada.batch().device("laptop").with(operation).send();
    let made = || create("make").id(&id).title("Secret").content("secret\n");
    let edited = || update("edit", &id).base(1).content("more\n");
    let gone = || delete("gone", &id).base(2);
    laptop(made()).expect_outcomes(["make success v1"]);
    laptop(edited()).expect_outcomes(["edit success v2"]);
    laptop(gone()).expect_outcomes(["gone success v3"]);
    wait_until_purged(&ada, &id);
    ada.read(&id).expect_problem(404, "not_found");
    ada.versions(&id, "").expect_problem(404, "not_found");
    ada.version(&id, 1).expect_problem(404, "not_found");
    assert_eq!(ada.list("&include_deleted=true").expect(200).items(), [Value::Null; 0]);
    let diff = json!({ "workspace_id": ada.workspace_id, "documents": [{ "document_id": id }] });
    let diff = ada.post("/api/v1/documents/diff", &diff).expect(200);
    assert_eq!(diff.items()[0]["error"]["code"], "not_found", "{diff}");
    // Receipts outlive tombstones. When they are gone too, a late resend cannot bring anything back.
    wait_until("the receipts are gone", || laptop(edited()).result("edit")["replayed"].is_null());
    let late = laptop(made()).expect(200).expect_outcomes(["make conflict deleted v3"]);
    let server_side = &late.result("make")["server"];
    assert_eq!(
        (&server_side["deleted"], &server_side["version"], &server_side["title"]),
        (&json!(true), &json!(3), &json!(""))
    );
    assert!(server_side["content"].is_null(), "{late}");
    let late = laptop(edited()).expect_outcomes(["edit conflict deleted v3"]);
    assert!(late.result("edit")["base"].is_null(), "{late}");
    laptop(gone()).expect_outcomes(["gone success v3 unchanged"]);
    // A stale editor that never had a device is refused alike.
    ada.send(create("stale").id(&id).title("Secret").content("")).expect_outcomes(["stale conflict deleted v3"]);
    ada.send(update("stale", &id).force().content("x\n")).expect_outcomes(["stale conflict deleted v3"]);
    ada.read(&id).expect_problem(404, "not_found");
    assert_eq!(ada.list("&include_deleted=true").expect(200).items(), [Value::Null; 0]);
}

fn a_purged_document_can_be_restored_whole(database: Database) {
    let server = start(database, &[("TOMBSTONE", "1")]);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(delete("gone", &id).base(1)).expect_outcomes(["gone success v2"]);
    wait_until_purged(&ada, &id);
    let restore = || update("restore", &id).restore();
    ada.send(restore().base(2).title("Notes")).expect_outcomes(["restore conflict deleted v2"]);
    ada.send(restore().content("one\n")).expect_outcomes(["restore error base_version_required v2"]);
    ada.send(restore().base(3).content("one\n")).expect_outcomes(["restore error invalid_base_version v2"]);
    ada.read(&id).expect_problem(404, "not_found");
    // Version 1 is what the editor had before it was deleted.
    ada.send(restore().base(1).content("one\n")).expect_outcomes(["restore success v3"]);
    let read = ada.read(&id).expect(200);
    assert_eq!((read.string("/content"), read.string("/title")), ("one\n".into(), String::new()));
    let versions = ada.versions(&id, "").expect(200);
    assert_eq!((versions.column("version"), versions.column("operation")), (vec![json!(3)], vec![json!("create")]));
    assert_eq!(ada.version(&id, 3).string("/content"), "one\n");
    // It is a document like any other: it can be edited, and deleted, and purged again.
    ada.send(update("edit", &id).base(3).title("Notes")).expect_outcomes(["edit success v4"]);
    ada.send(delete("again", &id).base(4)).expect_outcomes(["again success v5"]);
    wait_until_purged(&ada, &id);
    ada.send(restore().base(1).content("old\n")).expect_outcomes(["restore conflict version_mismatch v5"]);
    ada.send(restore().force().title("Forced").content("old\n")).expect_outcomes(["restore success v6"]);
    assert_eq!(ada.read(&id).string("/title"), "Forced");
}

fn a_purged_yjs_document_can_be_restored_whole(database: Database) {
    let server = start(database, &[("TOMBSTONE", "1")]);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let id = ada.new_yjs_document("Notes", &laptop);
    ada.send(delete("gone", &id).base(1)).expect_outcomes(["gone success v2"]);
    wait_until_purged(&ada, &id);
    let edit = laptop.insert(3, " two");
    let restore = || update("restore", &id).base(2).restore();
    // The server has nothing that the edit could lean on; the whole state makes the document anew.
    ada.send(restore().yjs(&edit)).expect_outcomes(["restore error yjs_missing_dependencies v2"]);
    ada.send(restore().title("Notes").yjs(&laptop.state())).expect_outcomes(["restore success v3"]);
    assert_eq!(ada.read(&id).string("/content"), "one two");
}

fn old_versions_of_texts_are_folded(database: Database) {
    let server = start(database, &[("HISTORY", "3")]);
    let ada = server.register("ada");
    let id = ada.new_document("First", "one\ntwo\nthree\nfour\nfive\n");
    ada.send(update("edit", &id).base(1).content("ONE\ntwo\nthree\nfour\nfive\n")).expect_outcomes(["edit success v2"]);
    ada.send(update("rename", &id).base(2).title("Second")).expect_outcomes(["rename success v3"]);
    let before = ada.read(&id).expect(200).body;
    wait_for_one_version(&ada, &id);
    assert_eq!(ada.read(&id).expect(200).body, before);
    let left = ada.version(&id, 3).expect(200);
    assert_eq!(
        (left.string("/title"), left.string("/content")),
        ("Second".into(), before["content"].as_str().unwrap().into())
    );
    ada.version(&id, 1).expect_problem(404, "not_found");
    // The text that the editor began with is gone: there is nothing to merge with.
    let late = ada.send(update("late", &id).base(1).content("one\ntwo\nthree\nfour\nFIVE\n"));
    let late = late.expect_outcomes(["late conflict version_mismatch v3"]);
    assert!(late.result("late")["base"].is_null() && late.result("late")["merge"].is_null(), "{late}");
    // From what is left, all goes on: a merge with the version before, unless a busy machine took so long that it is folded.
    let is_merged = |attempt: i64| {
        let base = 2 + attempt;
        let text = |third: i64, last: &str| format!("ONE\ntwo\n{third}\nfour\n{last}\n");
        ada.send(update("next", &id).base(base).content(&text(attempt, "five"))).expect_outcomes([format!(
            "next success v{}",
            base + 1
        )
        .as_str()]);
        let before = if attempt == 1 { "ONE\ntwo\nthree\nfour\nFIVE\n".to_owned() } else { text(attempt - 1, "FIVE") };
        let merged = ada.send(update("merge", &id).base(base).content(&before)).outcomes()[0].clone();
        merged == format!("merge success v{} merged", base + 2) && {
            assert_eq!(ada.read(&id).string("/content"), text(attempt, "FIVE"));
            true
        }
    };
    assert!((1..50).any(is_merged));
}

fn old_versions_of_yjs_documents_are_folded(database: Database) {
    let server = start(database, &[("HISTORY", "3")]);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let id = ada.new_yjs_document("Notes", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());
    let edits: Vec<_> = (0..5).map(|at| laptop.insert(3 + at, "!")).collect();
    for (edit, base) in edits.iter().zip(1..) {
        ada.send(update("edit", &id).base(base).yjs(edit)).expect(200);
    }
    wait_for_one_version(&ada, &id);
    assert_eq!(ada.version(&id, 6).string("/content"), "one!!!!!");
    let read = ada.read(&id).expect(200);
    assert_eq!(read.string("/content"), "one!!!!!");
    // An editor that slept through it all merges as ever.
    let late = ada.send(update("late", &id).base(1).yjs(&phone.insert(0, "zero ")));
    late.expect_outcomes(["late success v7 merged"]);
    assert_eq!(ada.read(&id).string("/content"), "zero one!!!!!");
}

fn what_is_purged_is_counted(database: Database) {
    let server = start(database, &[("TOMBSTONE", "1")]);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(delete("gone", &id).base(1)).expect_outcomes(["gone success v2"]);
    wait_until_purged(&ada, &id);
    let counted = "landfall_purged_total{kind=\"tombstones\"} 1";
    wait_until("it is counted", || server.client().get("/metrics").text().contains(counted));
    assert!(server.log().contains("purged what had expired"), "{}", server.log());
}
