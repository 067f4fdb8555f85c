//! `landfall admin repair`: each kind of damage made by hand, said first, repaired while the server runs, and verified.

use std::fs;

use super::lives::try_admin;
use super::uploads::{commit, named, stage};
use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, User, YjsEditor, create, delete, on_both_databases, update};

on_both_databases!(
    damage_is_repaired_from_what_else_is_stored,
    what_editors_have_comes_back,
    a_lost_text_goes_on_with_an_older_one_if_that_is_allowed,
    receipts_are_repaired,
    damaged_uploads_are_exported_and_ended,
);

/// A server of which parts are damaged by hand.
struct Damaged {
    server: TestServer,
    ada: User,
    database: Database,
}

impl Damaged {
    fn start(database: Database) -> Self {
        let server = TestServer::start(database);
        let ada = server.register("ada");
        Self { server, ada, database }
    }

    /// Bytes as SQL has them.
    fn bytes(&self, hex: &str) -> String {
        match self.database {
            Database::Sqlite => format!("x'{hex}'"),
            Database::Postgres => format!(r"'\x{hex}'::bytea"),
        }
    }

    /// Sets a column of the rows of a table that a condition names.
    fn damage(&self, table: &str, column: &str, value: &str, of: &str) {
        self.server.execute_sql(&format!("UPDATE {table} SET {column} = {value} WHERE {of}"));
    }

    /// Gives a document a row of bodies.
    fn keep(&self, title: &str, column: &str, bytes: &str) {
        self.server.execute_sql(&format!(
            "INSERT INTO document_bodies (workspace_id, document_id, yjs_version, content_version, {column}) \
             SELECT workspace_id, document_id, version, version, {bytes} FROM documents WHERE title = '{title}'"
        ));
    }

    fn verify(&self) -> (bool, String) {
        let (is_sound, said, _) = try_admin(&self.server, &["verify"]);
        (is_sound, said)
    }

    /// Says what would be done, which changes nothing, and does it.
    fn repair(&self, more: &[&str]) -> (bool, String) {
        let (_, before) = self.verify();
        let (_, planned, complaint) = try_admin(&self.server, &[&["repair"], more].concat());
        assert!(planned.contains("can be repaired"), "{planned}{complaint}");
        assert_eq!(self.verify().1, before, "only looked");
        let folder = self.exported();
        let apply = ["repair", "--apply", "--export", folder.to_str().unwrap()];
        let (is_whole, said, complaint) = try_admin(&self.server, &[&apply, more].concat());
        assert!(said.contains(" receipts repaired"), "{said}{complaint}");
        let steps =
            |said: &str| said.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(steps(&said), steps(&planned), "what was said is what was done");
        (is_whole, said)
    }

    fn exported(&self) -> std::path::PathBuf {
        self.server.data_directory().join("damage")
    }
}

fn damage_is_repaired_from_what_else_is_stored(database: Database) {
    let at = Damaged::start(database);
    let ada = &at.ada;
    let start = ada.pull("").expect(200).string("/next_cursor");
    let drawn = |title: &str, client: u64| {
        let laptop = YjsEditor::new(client);
        laptop.insert(0, "one");
        let id = ada.new_yjs_document(title, &laptop);
        let edit = laptop.insert(3, " two");
        ada.send(update("edit", &id).base(1).yjs(&edit)).expect_outcomes(["edit success v2"]);
        id
    };
    let written = |title: &str| {
        let id = ada.new_document(title, "one\n");
        ada.send(update("edit", &id).base(1).content("two\n")).expect_outcomes(["edit success v2"]);
        id
    };
    let [vector, snapshot, marked] = [("Vector", 1), ("Snapshot", 2), ("Marked", 3)].map(|(title, n)| drawn(title, n));
    let [old, behind, digest, kept, kind] = ["Old", "Behind", "Digest", "Kept", "Kind"].map(written);
    let lacking = written("Lacking");
    ada.send(update("retitle", &lacking).base(2).title("Lacking a row")).expect_outcomes(["retitle success v3"]);
    let gone = written("Gone");
    ada.send(delete("gone", &gone).base(2)).expect_outcomes(["gone success v3"]);
    assert!(at.verify().0);
    let (bad, one) = (at.bytes("ff"), at.bytes("01"));
    at.damage("documents", "state_vector", &bad, "title = 'Vector'");
    at.keep("Snapshot", "yjs_snapshot", &bad);
    at.damage("documents", "damaged", "true", "title = 'Marked'");
    at.damage("document_log", "content", &at.bytes("0941"), "title = 'Old' AND version = 1");
    at.damage("documents", "version", "1", "title = 'Behind'");
    at.damage("documents", "content_digest", &at.bytes(&"07".repeat(16)), "title = 'Digest'");
    at.keep("Kept", "content", &at.bytes("09"));
    at.damage("document_log", "kind", "9", "title = 'Kind' AND version = 2");
    at.server.execute_sql("DELETE FROM document_log WHERE title = 'Lacking a row'");
    at.damage("documents", "content_digest", &one, "title = 'Gone'");
    let (is_sound, said) = at.verify();
    assert!(!is_sound);
    for id in [&vector, &snapshot, &marked, &old, &behind, &digest, &kept, &kind, &lacking, &gone] {
        assert!(said.contains(&format!("document {id} ")), "{said}");
    }
    let (is_whole, said) = at.repair(&[]);
    assert!(is_whole && said.contains("\n10 documents and 0 receipts repaired\n"), "{said}");
    let (is_sound, verified) = at.verify();
    assert!(is_sound, "{verified}");
    // Nothing that could be read is lost.
    for id in [&vector, &snapshot, &marked] {
        let read = ada.read(id).expect(200);
        assert_eq!((read.string("/content"), &read.body["version"]), ("one two".into(), &2.into()));
    }
    for id in [&old, &behind, &digest, &kept, &kind] {
        let read = ada.read(id).expect(200);
        assert_eq!((read.string("/content"), &read.body["version"]), ("two\n".into(), &2.into()));
    }
    let read = ada.read(&lacking).expect(200);
    assert_eq!((read.string("/content"), read.string("/title")), ("two\n".into(), "Lacking a row".into()));
    assert_eq!(ada.version(&lacking, 3).expect(200).string("/content"), "two\n");
    assert_eq!(ada.version(&old, 2).expect(200).string("/content"), "two\n");
    assert_eq!(ada.version(&kind, 2).expect(200).string("/operation"), "update");
    // Readers who passed it by are given it.
    let news = ada.pull(&format!("&cursor={start}")).expect(200);
    assert_eq!(news.items().len(), 10);
    // What could not be read is in the folder, and an edit goes on from there.
    let parts = fs::read_to_string(at.exported().join("parts.tsv")).unwrap();
    assert!(parts.contains("\tversion-1.text\t2\t") && parts.contains("\tsnapshot-at-2\t1\t"), "{parts}");
    let file = at.exported().join(&ada.workspace_id).join(&old).join("version-1.text");
    assert_eq!(fs::read(file).unwrap(), [9, 0x41]);
    ada.send(update("on", &behind).base(2).content("three\n")).expect_outcomes(["on success v3"]);
    ada.send(update("on", &gone).base(3).restore().content("three\n")).expect_outcomes(["on success v4"]);
    let (is_sound, verified) = at.verify();
    assert!(is_sound, "{verified}");
}

fn what_editors_have_comes_back(database: Database) {
    let at = Damaged::start(database);
    let ada = &at.ada;
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let lost = ada.new_yjs_document("Lost", &laptop);
    let edit = laptop.insert(3, " two");
    ada.send(update("edit", &lost).base(1).yjs(&edit)).expect_outcomes(["edit success v2"]);
    let desk = YjsEditor::new(2);
    desk.insert(0, "one\n");
    let known = ada.new_yjs_document("Known", &desk);
    ada.send(update("text", &known).base(1).content("one\ntwo\n")).expect_outcomes(["text success v2"]);
    let bad = at.bytes("ff");
    at.damage("document_log", "yjs_update", &bad, "title = 'Lost' AND version = 2");
    at.damage("document_log", "yjs_update", &bad, "title = 'Known' AND version = 1");
    let (is_whole, said) = at.repair(&[]);
    assert!(is_whole, "{said}");
    let (is_sound, verified) = at.verify();
    assert!(is_sound, "{verified}");
    // The text was stored beside the state, which leaned on what is lost.
    let read = ada.read(&known).expect(200);
    assert_eq!((read.string("/content"), &read.body["version"]), ("one\ntwo\n".into(), &3.into()));
    assert!(read.body["yjs_state_b64"].is_null());
    // Nobody but the editor has the second word: it is told what lacks with its next change.
    assert_eq!(ada.read(&lost).expect(200).string("/content"), "one");
    let next = laptop.insert(7, " three");
    let answer = ada.send(update("next", &lost).base(2).yjs(&next));
    assert_eq!(answer.result("next")["error"]["code"], "yjs_missing_dependencies", "{answer}");
    let all = update("all", &lost).base(2).yjs(&laptop.state());
    assert!(ada.send(all).outcomes()[0].starts_with("all success v4"));
    assert_eq!(ada.read(&lost).expect(200).string("/content"), "one two three");
    assert!(at.verify().0);
}

fn a_lost_text_goes_on_with_an_older_one_if_that_is_allowed(database: Database) {
    let at = Damaged::start(database);
    let ada = &at.ada;
    let id = ada.new_document("Text", "one\n");
    ada.send(update("edit", &id).base(1).content("two\n")).expect_outcomes(["edit success v2"]);
    let other = ada.new_document("Other", "only\n");
    at.damage("document_log", "content", &at.bytes("09"), "version = 2 OR title = 'Other'");
    let (is_whole, said) = at.repair(&[]);
    assert!(!is_whole && said.contains("--older-texts goes on with version 1"), "{said}");
    assert!(said.contains("no version has one that can be read"), "{said}");
    // Whoever has the text makes it whole.
    ada.send(update("mend", &other).base(1).content("only, mended\n")).expect_outcomes(["mend success v2"]);
    let (is_whole, said) = at.repair(&["--older-texts"]);
    assert!(is_whole, "{said}");
    let read = ada.read(&id).expect(200);
    assert_eq!((read.string("/content"), &read.body["version"]), ("one\n".into(), &3.into()));
    assert!(at.verify().0);
}

fn receipts_are_repaired(database: Database) {
    let at = Damaged::start(database);
    let ada = &at.ada;
    let id = ada.new_document("Notes", "one\n");
    let send = |operation| ada.batch().device("laptop").with(operation).send();
    let edit = update("edit", &id).base(1).content("two\n");
    send(edit.clone()).expect_outcomes(["edit success v2"]);
    let odd = create("odd").title("Odd");
    send(odd.clone()).expect_outcomes(["odd success v1"]);
    let never = delete("never", &new_id());
    send(never.clone()).expect_outcomes(["never success unchanged"]);
    let far = update("far", &id).base(2).content("three\n");
    at.damage("receipts", "payload_digest", &at.bytes("01"), "client_id IN ('edit', 'never')");
    at.damage("receipts", "kind", "9", "client_id = 'odd'");
    // Of an operation that was answered and is not here.
    at.server.execute_sql(
        "INSERT INTO receipts SELECT workspace_id, user_id, device_id, 'far', 1, payload_digest, document_id, 9, \
         created_at FROM receipts WHERE client_id = 'edit'",
    );
    assert!(!at.verify().0);
    let answer = send(edit.clone());
    assert_eq!(
        (answer.outcomes(), &answer.result("edit")["damaged"]),
        (vec!["edit error internal v2".into()], &true.into())
    );
    let (is_whole, said) = at.repair(&[]);
    assert!(is_whole && said.contains("\n0 documents and 4 receipts repaired\n"), "{said}");
    assert!(at.verify().0);
    send(edit).expect_outcomes(["edit success v2 replayed"]);
    send(odd).expect_outcomes(["odd success v1 replayed"]);
    send(never).expect_outcomes(["never success replayed"]);
    send(far).expect_outcomes(["far success v3"]);
}

/// The rest of an upload is never applied without what cannot be read, and nothing of it is thrown away.
fn damaged_uploads_are_exported_and_ended(database: Database) {
    let at = Damaged::start(database);
    let ada = &at.ada;
    let [damaged, sound, done] = [new_id(), new_id(), new_id()];
    stage(ada, &damaged, named(0..3)).expect(200);
    stage(ada, &sound, named(3..4)).expect(200);
    stage(ada, &done, named(4..6)).expect(200);
    let first = commit(ada, &done).expect(200);
    let (is_sound, said) = at.verify();
    assert!(is_sound && said.contains("\nread 4 staged operations\n"), "{said}");
    at.damage("staged_operations", "body", &at.bytes("0941"), "client_id = 'op_1'");
    at.damage("uploads", "answer", &at.bytes("07"), "answer IS NOT NULL");
    for upload in [&damaged, &done] {
        commit(ada, upload).expect_problem(500, "internal");
    }
    let (is_sound, said) = at.verify();
    assert!(
        !is_sound && said.contains(&format!("upload {damaged} of user ")) && said.contains(r#" operation "op_1": "#)
    );
    assert!(said.contains(&format!("upload {done} of user ")) && said.contains(" answer: "), "{said}");
    let (is_whole, said) = at.repair(&[]);
    assert!(is_whole && said.contains("\n2 uploads ended\n"), "{said}");
    let (is_sound, said) = at.verify();
    assert!(is_sound && said.contains("\nread 1 staged operations\n"), "{said}");
    // What was read and what was not is in the folder.
    let parts = fs::read_to_string(at.exported().join("parts.tsv")).unwrap();
    let files: Vec<&str> = parts.lines().map(|line| line.rsplit('\t').next().unwrap()).collect();
    let exported = |name: &str| fs::read(files.iter().find(|file| file.ends_with(name)).expect(&parts)).unwrap();
    assert_eq!((exported("/operation-0-1"), exported("/answer")), (vec![9, 0x41], vec![7]));
    let readable = String::from_utf8(exported("/operations.jsonl")).unwrap();
    let readable: Vec<serde_json::Value> =
        readable.lines().map(|operation| serde_json::from_str(operation).unwrap()).collect();
    let names: Vec<&str> = readable.iter().map(|operation| operation["client_id"].as_str().unwrap()).collect();
    assert_eq!(names, ["op_0", "op_2"]);
    // Its editor begins again; what was applied is known, and nobody is told to apply it again.
    commit(ada, &damaged).expect_problem(410, "upload_expired");
    commit(ada, &done).expect_problem(409, "upload_committed");
    assert_eq!(commit(ada, &sound).expect(200).body["successful"], 1);
    let again = new_id();
    stage(ada, &again, named(0..6)).expect(200);
    let answer = commit(ada, &again).expect(200);
    assert_eq!((&answer.body["successful"], &answer.body["replayed"]), (&6.into(), &3.into()), "{answer}");
    assert_eq!(answer.result("op_4")["document_id"], first.result("op_4")["document_id"], "{answer}");
}
