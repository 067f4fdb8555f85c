//! Text edits on any document (protocol §1.10): by scripts that know no Yjs, while people type.

use serde_json::{Value, json};

use super::live::run as run_live;
use super::torture::setting;
use super::yjs_documents::bytes;
use crate::harness::operation::Operation;
use crate::harness::{Database, TestServer, User, YjsEditor, on_both_databases, update};
use crate::yjs_support::hand::{self, in_item, in_root, text};

on_both_databases!(
    a_script_edits_what_people_type_into,
    a_text_is_merged_with_what_was_typed_since,
    edits_are_made_once_and_in_order,
    edits_beyond_a_quota_change_nothing,
    edits_that_cannot_be_made_change_nothing,
    forced_texts_take_the_place_of_what_cannot_be_shown,
    live_editors_lose_nothing_beside_a_script,
    offline_editors_lose_nothing_beside_a_script,
    plain_documents_are_edited_alike,
    rich_text_is_left_as_it_is,
    the_server_has_one_client_in_a_document,
    what_is_wrong_with_edits_is_named,
);

pub(super) fn replacing(find: &str, replace: &str) -> Value {
    json!({ "find": find, "replace": replace })
}

pub(super) fn edit(name: &str, id: &str, edits: &[Value]) -> Operation {
    update(name, id).data("edits", edits.to_vec())
}

/// What the editor has after it took in the server's state.
fn caught_up(ada: &User, id: &str, editor: &YjsEditor) -> String {
    editor.apply(&bytes(&ada.read(id).body["yjs_state_b64"]));
    editor.text()
}

fn a_script_edits_what_people_type_into(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "# Plan\nversion 1.3\nto do: 😀 nothing\n");
    let id = ada.new_yjs_document("Plan", &laptop);
    // Typed before the script, and sent after it.
    let typed = laptop.insert(7, "The ");
    let answer = ada.send(edit("bump", &id, &[replacing("1.3", "1.4"), replacing("nothing", "something")]));
    assert_eq!(answer.outcomes(), ["bump success v2"], "{answer}");
    let server_side = &answer.result("bump")["server"];
    assert_eq!(server_side["content"], "# Plan\nversion 1.4\nto do: 😀 something\n", "{answer}");
    ada.send(update("typed", &id).yjs(&typed)).expect_outcomes(["typed success v3 merged"]);
    let merged = "# Plan\nThe version 1.4\nto do: 😀 something\n";
    assert_eq!(ada.read(&id).string("/content"), merged);
    assert_eq!(caught_up(&ada, &id, &laptop), merged);
    let version = ada.version(&id, 2);
    assert_eq!(version.string("/content"), "# Plan\nversion 1.4\nto do: 😀 something\n");
    // A dry run says what would be, and leaves all as it is.
    let trial = ada.batch().dry_run().with(edit("trial", &id, &[replacing("The ", "")])).send().expect(200);
    assert_eq!(trial.result("trial")["server"]["content"], "# Plan\nversion 1.4\nto do: 😀 something\n", "{trial}");
    assert_eq!(ada.read(&id).string("/content"), merged);
}

fn a_text_is_merged_with_what_was_typed_since(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one\ntwo three four five\nsix\n");
    let id = ada.new_yjs_document("Lines", &laptop);
    ada.send(update("whole", &id).base(1).content("ONE\ntwo three four five\nsix\n"))
        .expect_outcomes(["whole success v2"]);
    // Onto version 1, of which the server has the state alone: the other line, then another word of the same line.
    let stale = ada.send(update("stale", &id).base(1).content("one\ntwo three four five\nSIX\n"));
    stale.expect_outcomes(["stale success v3 merged"]);
    ada.send(update("typed", &id).yjs(&laptop.insert(8, "and "))).expect_outcomes(["typed success v4 merged"]);
    assert_eq!(ada.read(&id).string("/content"), "ONE\ntwo and three four five\nSIX\n");
    let words = ada.send(update("words", &id).base(3).content("ONE\ntwo three four fife\nSIX\n"));
    words.expect_outcomes(["words success v5 merged"]);
    let now = "ONE\ntwo and three four fife\nSIX\n";
    assert_eq!(ada.read(&id).string("/content"), now);
    assert_eq!(caught_up(&ada, &id, &laptop), now);
    // The same words: nothing is written.
    let clash = ada.send(update("clash", &id).base(1).content("Eins\ntwo three four five\nsix\n"));
    let clash = clash.expect_outcomes(["clash conflict version_mismatch v5"]);
    assert_eq!(clash.result("clash")["server"]["content"], now);
    assert_eq!(clash.result("clash")["base"]["content"], "one\ntwo three four five\nsix\n");
    assert!(clash.result("clash")["merge"]["content"].as_str().unwrap().contains("<<<<<<<"), "{clash}");
    ada.send(update("forced", &id).force().content("Eins\n")).expect_outcomes(["forced success v6"]);
    assert_eq!(caught_up(&ada, &id, &laptop), "Eins\n");
    ada.send(update("no_base", &id).content("Zwei\n")).expect_outcomes(["no_base error base_version_required v6"]);
    ada.send(update("title", &id).base(6).title("A title may")).expect_outcomes(["title success v7"]);
    // A document that was deleted comes back with the text.
    ada.send(crate::harness::delete("gone", &id).base(7)).expect_outcomes(["gone success v8"]);
    ada.send(edit("late", &id, &[replacing("Eins", "Zwei")])).expect_outcomes(["late conflict deleted v8"]);
    let revived = ada.send(edit("revived", &id, &[replacing("Eins", "Zwei")]).restore());
    assert_eq!(revived.result("revived")["status"], "success", "{revived}");
    assert_eq!(caught_up(&ada, &id, &laptop), "Zwei\n");
}

fn edits_are_made_once_and_in_order(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "a b");
    let id = ada.new_yjs_document("Letters", &laptop);
    // Typing and several edits of one document in one batch, each of what the one before it left.
    let batch = || {
        let batch = ada
            .batch()
            .device("script")
            .with(update("typed", &id).yjs(&YjsEditor::from_state(9, &laptop.state()).insert(3, " c")));
        batch
            .with(edit("one", &id, &[replacing("a", "aa"), replacing("c", "cc")]))
            .with(edit("two", &id, &[replacing("aa b", "x")]))
            .with(update("title", &id).base(1).title("New"))
            .send()
            .expect(200)
    };
    let first = batch();
    let statuses: Vec<_> = first.results().iter().map(|result| result["status"].clone()).collect();
    assert_eq!(statuses, vec![json!("success"); 4], "{first}");
    assert_eq!(ada.read(&id).string("/content"), "x cc");
    let again = batch();
    assert_eq!(again.body["replayed"], 4, "{again}");
    assert_eq!(ada.read(&id).string("/content"), "x cc");
    let other = ada.batch().device("script").with(edit("one", &id, &[replacing("x", "y")])).send();
    assert_eq!(other.result("one")["error"]["code"], "client_id_reused", "{other}");
    // All or nothing.
    let plain = ada.new_document("Plain", "one\n");
    let atomic = ada
        .batch()
        .atomic()
        .with(edit("good", &id, &[replacing("x", "y")]))
        .with(edit("bad", &plain, &[replacing("x", "y")]))
        .send();
    assert_eq!(atomic.outcomes()[0].split(' ').nth(2), Some("rolled_back"), "{atomic}");
    assert_eq!(atomic.status, 409, "{atomic}");
    assert_eq!(ada.read(&id).string("/content"), "x cc");
    // What changes nothing is no version.
    let same = ada.send(edit("same", &id, &[replacing("x", "x")]));
    assert_eq!(same.result("same")["unchanged"], true, "{same}");
    // Made in the same batch.
    let editor = YjsEditor::new(3);
    editor.insert(0, "new");
    let made = ada
        .batch()
        .with(crate::harness::create("made").yjs(&editor.state()))
        .with(edit("of_it", "", &[replacing("e", "E")]).made_by("made"))
        .send();
    assert_eq!(made.outcomes(), ["made success v1", "of_it success v2"], "{made}");
    assert_eq!(ada.read(&made.document_id("made")).string("/content"), "nEw");
}

fn edits_that_cannot_be_made_change_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "aXa aaa");
    let drawn = ada.new_yjs_document("Drawn", &laptop);
    let plain = ada.new_document("Plain", "aXa aaa");
    for id in [&drawn, &plain] {
        let none = ada.send(edit("none", id, &[replacing("X", "Y"), replacing("X", "Z")]));
        let none = none.expect_outcomes(["none conflict edit_not_found v1"]);
        assert_eq!(none.result("none")["error"]["pointer"], "/operations/0/data/edits/1");
        assert_eq!(none.result("none")["server"]["content"], "aXa aaa");
        let many =
            ada.send(edit("many", id, &[replacing("a", "b")])).expect_outcomes(["many conflict edit_ambiguous v1"]);
        assert!(many.result("many")["error"]["message"].as_str().unwrap().contains("at 5 places"), "{many}");
        ada.send(edit("future", id, &[replacing("X", "Y")]).base(9))
            .expect_outcomes(["future error invalid_base_version v1"]);
        assert_eq!(ada.read(id).string("/content"), "aXa aaa");
        let all = edit("all", id, &[json!({ "find": "a", "replace": "b", "all": true })]);
        ada.send(all).expect_outcomes(["all success v2"]);
        assert_eq!(ada.read(id).string("/content"), "bXb bbb");
    }
    let large = json!({ "find": "b", "replace": "b".repeat(4_000_000), "all": true });
    ada.send(edit("large", &drawn, &[large])).expect_outcomes(["large error too_large v2"]);
}

fn edits_beyond_a_quota_change_nothing(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_MAX_WORKSPACE_BYTES", "2000")]);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one\ntwo\n");
    for id in [ada.new_yjs_document("Drawn", &laptop), ada.new_document("Plain", "one\ntwo\n")] {
        let much = "x".repeat(3_000);
        ada.send(edit("edits", &id, &[replacing("two", &much)])).expect_outcomes(["edits error quota_exceeded v1"]);
        let whole = update("whole", &id).base(1).content(&format!("one\n{much}\n"));
        ada.send(whole).expect_outcomes(["whole error quota_exceeded v1"]);
        assert_eq!(ada.read(&id).string("/content"), "one\ntwo\n");
        ada.send(edit("small", &id, &[replacing("two", "2")])).expect_outcomes(["small success v2"]);
    }
}

/// Nobody can read what is there: `yjs_required` must not stand in the way of a text that is to take its place.
fn forced_texts_take_the_place_of_what_cannot_be_shown(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "lost");
    let [marked, cut] = ["Marked", "Cut"].map(|title| ada.new_yjs_document(title, &laptop));
    let (damaged, bytes) = match database {
        Database::Sqlite => ("1", "x'0101'"),
        Database::Postgres => ("true", r"'\x0101'::bytea"),
    };
    server.execute_sql(&format!("UPDATE documents SET damaged = {damaged} WHERE title = 'Marked'"));
    server.execute_sql(&format!("UPDATE document_log SET yjs_update = {bytes}, content = NULL WHERE title = 'Cut'"));
    server.execute_sql("UPDATE documents SET content_digest = NULL WHERE title = 'Cut'");
    for (id, name) in [(&marked, "Marked"), (&cut, "Cut")] {
        let refused = ada.send(update("text", id).base(1).content("found"));
        let code = refused.result("text")["error"]["code"].as_str().unwrap().to_owned();
        assert!(["yjs_required", "internal"].contains(&code.as_str()), "{name}: {refused}");
        let forced = ada.send(update("forced", id).force().content("found"));
        assert_eq!(forced.result("forced")["status"], "success", "{name}: {forced}");
        assert_eq!(ada.read(id).string("/content"), "found", "{name}");
    }
}

/// People on npm yjs, of whom `how` says how they type, while a script edits: no character is lost or doubled, and everybody ends with
/// the stored text. `TYPISTS_SEED` and `TYPISTS_ROUNDS` choose others than those of each run.
fn type_beside_a_script(database: Database, how: &str, actions: &str) {
    let seed = setting("TYPISTS_SEED", 1);
    let server = TestServer::start(database);
    for seed in seed..seed + setting("TYPISTS_ROUNDS", 1) {
        let ada = server.register(&format!("ada{seed}"));
        let said = run_live(&server, &ada, "", "scripted.mjs", &[&seed.to_string(), actions, how]);
        let made = said.first().unwrap_or_else(|| panic!("seed {seed}"));
        assert!(made["made"]["success"].as_u64() > Some(0) && made["servers"] == 1, "seed {seed}: {made}");
    }
}

/// One after the other, so that a seed repeats everything.
fn offline_editors_lose_nothing_beside_a_script(database: Database) {
    type_beside_a_script(database, "turns", "150");
}

fn live_editors_lose_nothing_beside_a_script(database: Database) {
    type_beside_a_script(database, "live", "40");
}

fn plain_documents_are_edited_alike(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Plain", "one\ntwo\n");
    let answer = ada.send(edit("edit", &id, &[replacing("two", "2")])).expect_outcomes(["edit success v2"]);
    assert_eq!(answer.result("edit")["server"]["content"], "one\n2\n");
    ada.send(edit("based", &id, &[replacing("2", "zwei")]).base(1)).expect_outcomes(["based success v3 merged"]);
    assert_eq!(ada.read(&id).string("/content"), "one\nzwei\n");
    ada.send(crate::harness::delete("gone", &id).base(3)).expect_outcomes(["gone success v4"]);
    ada.send(edit("late", &id, &[replacing("one", "1")])).expect_outcomes(["late conflict deleted v4"]);
    let absent = ada.send(edit("absent", &crate::harness::user::new_id(), &[replacing("one", "1")]));
    assert_eq!(absent.result("absent")["error"]["code"], "not_found", "{absent}");
}

fn rich_text_is_left_as_it_is(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    // A paragraph with a text in it.
    let paragraph =
        vec![in_root("content", &hand::element("paragraph")), in_item((1, 0), &[7, 6]), in_item((1, 1), &text("rich"))];
    let id = ada.send(crate::harness::create("made").yjs(&hand::update(&[(1, 0, paragraph)], &[]))).document_id("made");
    assert_eq!(ada.read(&id).string("/content"), "rich");
    for (name, operation) in [
        ("content", update("content", &id).base(1).content("plain")),
        ("edits", edit("edits", &id, &[replacing("rich", "plain")])),
        ("forced", update("forced", &id).force().content("plain")),
    ] {
        let answer = ada.send(operation);
        assert_eq!(answer.outcomes(), [format!("{name} error rich_text v1")], "{answer}");
    }
    assert_eq!(ada.read(&id).string("/content"), "rich");
}

fn the_server_has_one_client_in_a_document(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "counter: 0\n");
    let id = ada.new_yjs_document("Counter", &laptop);
    for count in 0..20 {
        let next = edit("next", &id, &[replacing(&format!(": {count}\n"), &format!(": {}\n", count + 1))]);
        assert_eq!(ada.send(next).result("next")["status"], "success");
    }
    assert_eq!(caught_up(&ada, &id, &laptop), "counter: 20\n");
    let vector = bytes(&ada.read(&id).body["state_vector_b64"]);
    assert_eq!(vector[0], 2, "the laptop, and the server: {vector:?}");
    // An edit is small.
    let asked = json!({ "workspace_id": ada.workspace_id,
        "documents": [{ "document_id": id, "state_vector_b64": crate::harness::operation::base64(&vector), "version": 20 }] });
    let diff = ada.post("/api/v1/documents/diff", &asked).expect(200);
    let lacking = bytes(&diff.items()[0]["yjs_state_b64"]);
    assert!(lacking.len() < 60, "{} bytes", lacking.len());
}

fn what_is_wrong_with_edits_is_named(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Plain", "one\n");
    let many: Vec<Value> = (0..101).map(|_| replacing("a", "b")).collect();
    for (edits, pointer) in [
        (json!("x"), "/operations/0/data/edits"),
        (json!([]), "/operations/0/data/edits"),
        (json!(many), "/operations/0/data/edits"),
        (json!([1]), "/operations/0/data/edits/0"),
        (json!([{ "find": "a" }]), "/operations/0/data/edits/0/replace"),
        (json!([{ "replace": "a" }]), "/operations/0/data/edits/0/find"),
        (json!([replacing("a", "b"), replacing("", "b")]), "/operations/0/data/edits/1/find"),
        (json!([replacing("a", "\u{0}")]), "/operations/0/data/edits/0/replace"),
        (json!([{ "find": "a", "replace": "b", "all": 1 }]), "/operations/0/data/edits/0/all"),
    ] {
        let answer = ada.send(update("op", &id).data("edits", edits.clone()));
        assert_eq!(answer.outcomes(), ["op error invalid v1"], "{edits}: {answer}");
        assert_eq!(answer.result("op")["error"]["pointer"], pointer, "{answer}");
    }
    let both = ada.send(update("both", &id).base(1).content("x").data("edits", vec![replacing("a", "b")]));
    assert_eq!(both.result("both")["error"]["pointer"], "/operations/0/data/edits", "{both}");
    let create = ada.send(crate::harness::create("made").data("edits", vec![replacing("a", "b")]));
    assert_eq!(create.result("made")["error"]["pointer"], "/operations/0/data/edits", "{create}");
}
