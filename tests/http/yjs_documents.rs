//! Documents with Yjs state: merging, refusing, answering with what lacks (protocol §1.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::harness::operation::base64;
use crate::harness::{Database, TestServer, YjsEditor, create, on_both_databases, update};

on_both_databases!(
    edits_of_two_devices_are_merged,
    a_merge_needs_no_base_version,
    an_update_that_is_contained_already_changes_nothing,
    the_answer_carries_only_what_the_editor_lacks,
    updates_come_as_a_list,
    an_update_that_leans_on_the_unknown_is_refused,
    an_unrelated_history_conflicts,
    yjs_state_is_added_at_the_current_version,
    an_equal_state_created_again_changes_nothing,
    an_incoming_title_wins_and_says_so,
    deletions_are_merged,
    a_deleted_document_is_revived_with_its_text,
    emoji_and_astral_characters_survive,
    content_is_derived_from_the_state,
    a_forced_update_is_no_merge,
);

fn edits_of_two_devices_are_merged(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "Hello\n");
    let id = ada.new_yjs_document("Greeting", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());

    let from_laptop = laptop.insert(6, "from the laptop\n");
    let from_phone = phone.insert(0, "From the phone\n");
    ada.send(update("laptop", &id).base(1).yjs(&from_laptop).content(&laptop.text()))
        .expect_outcomes(["laptop success v2"]);
    let answer = ada
        .send(update("phone", &id).base(1).yjs(&from_phone).content(&phone.text()))
        .expect_outcomes(["phone success v3 merged"]);

    let merged = "From the phone\nHello\nfrom the laptop\n";
    let server_side = &answer.result("phone")["server"];
    assert_eq!(server_side["content"], merged, "after a merge content is the merged text\n{answer}");
    phone.apply(&bytes(&server_side["yjs_state_b64"]));
    assert_eq!(phone.text(), merged);
    assert_eq!(ada.read(&id).string("/content"), merged);
}

fn a_merge_needs_no_base_version(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    editor.insert(0, "one");
    let id = ada.new_yjs_document("Notes", &editor);
    let answer = ada.send(update("edit", &id).yjs(&editor.insert(3, " two")));
    assert_eq!((answer.results()[0]["status"].as_str(), &answer.results()[0]["version"]), (Some("success"), &2.into()));
    assert_eq!(ada.read(&id).string("/content"), "one two");
}

fn an_update_that_is_contained_already_changes_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    editor.insert(0, "one");
    let id = ada.new_yjs_document("Notes", &editor);
    let edit = editor.insert(3, " two");
    ada.send(update("edit", &id).base(1).yjs(&edit)).expect_outcomes(["edit success v2"]);
    ada.send(update("again", &id).base(1).yjs(&edit)).expect_outcomes(["again success v2 unchanged"]);
    ada.send(update("whole", &id).base(1).yjs(&editor.state())).expect_outcomes(["whole success v2 unchanged"]);
}

fn the_answer_carries_only_what_the_editor_lacks(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, &"A long line of text that nobody changes.\n".repeat(500));
    let id = ada.new_yjs_document("Long", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());
    ada.send(update("laptop", &id).base(1).yjs(&laptop.insert(0, "Laptop. "))).expect_outcomes(["laptop success v2"]);
    let from_phone = phone.insert(0, "Phone. ");
    let answer = ada
        .send(update("phone", &id).base(1).yjs(&from_phone).state_vector(&phone.state_vector()))
        .expect_outcomes(["phone success v3 merged"]);
    let lacking = bytes(&answer.result("phone")["server"]["yjs_state_b64"]);
    assert!(lacking.len() < 200, "{} bytes for one word", lacking.len());
    phone.apply(&lacking);
    assert_eq!(phone.text(), ada.read(&id).string("/content"));
}

fn updates_come_as_a_list(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    let keystrokes: Vec<_> = "typed".chars().zip(0..).map(|(c, at)| editor.insert(at, &c.to_string())).collect();
    let answer = ada.send(create("list").title("Typed").yjs_list(&keystrokes)).expect_outcomes(["list success v1"]);
    let id = answer.document_id("list");
    assert_eq!(ada.read(&id).string("/content"), "typed");
    let more: Vec<_> = ["!", "?"].iter().zip(5..).map(|(c, at)| editor.insert(at, c)).collect();
    ada.send(update("more", &id).base(1).yjs_list(&more)).expect_outcomes(["more success v2"]);
    assert_eq!(ada.read(&id).string("/content"), "typed!?");
}

fn an_update_that_leans_on_the_unknown_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    editor.insert(0, "one");
    let id = ada.new_yjs_document("Notes", &editor);
    let lost = editor.insert(3, " two");
    let late = editor.insert(7, " three");
    let answer =
        ada.send(update("gap", &id).base(1).yjs(&late)).expect_outcomes(["gap error yjs_missing_dependencies v1"]);
    let result = answer.result("gap");
    assert_eq!(result["error"]["retryable"], true);
    let known = YjsEditor::from_state(9, &bytes(&ada.read(&id).body["yjs_state_b64"]));
    assert_eq!(bytes(&result["server"]["state_vector_b64"]), known.state_vector(), "{answer}");
    assert_eq!(ada.read(&id).string("/content"), "one", "nothing is kept pending");
    ada.send(update("larger", &id).base(1).yjs_list(&[lost, late])).expect_outcomes(["larger success v2"]);
    assert_eq!(ada.read(&id).string("/content"), "one two three");

    ada.send(create("part").title("A part").yjs(&editor.insert(0, "x")))
        .expect_outcomes(["part error yjs_missing_dependencies"]);
}

fn an_unrelated_history_conflicts(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "The same text");
    let id = ada.new_yjs_document("Seeded twice", &laptop);
    let phone = YjsEditor::new(2);
    phone.insert(0, "The same text");
    let answer = ada
        .send(update("seeded", &id).base(1).yjs(&phone.state()))
        .expect_outcomes(["seeded conflict divergent_history v1"]);
    assert_eq!(answer.result("seeded")["server"]["content"], "The same text");
    ada.send(create("seeded").id(&id).title("Seeded twice").yjs(&phone.state()))
        .expect_outcomes(["seeded conflict divergent_history v1"]);
    assert_eq!(ada.read(&id).string("/content"), "The same text", "not doubled");
    let answer = ada.send(update("forced", &id).base(1).force().yjs(&phone.state()));
    assert_eq!((answer.results()[0]["status"].as_str(), &answer.results()[0]["version"]), (Some("success"), &2.into()));
    assert_eq!(ada.read(&id).string("/content"), "The same textThe same text", "as forced");
}

fn yjs_state_is_added_at_the_current_version(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Plain", "one");
    ada.send(update("edit", &id).base(1).content("two")).expect_outcomes(["edit success v2"]);
    let editor = YjsEditor::new(1);
    editor.insert(0, "two and more");
    ada.send(update("stale", &id).base(1).yjs(&editor.state())).expect_outcomes(["stale conflict version_mismatch v2"]);
    ada.send(update("added", &id).base(2).yjs(&editor.state())).expect_outcomes(["added success v3"]);
    let read = ada.read(&id);
    assert_eq!(read.string("/content"), "two and more");
    assert_eq!(YjsEditor::from_state(2, &bytes(&read.body["yjs_state_b64"])).text(), "two and more");
}

fn an_equal_state_created_again_changes_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    editor.insert(0, "one");
    let id = ada.new_yjs_document("Notes", &editor);
    ada.send(create("again").id(&id).title("Notes").content("one").yjs(&editor.state()))
        .expect_outcomes(["again success v1 unchanged"]);
    editor.insert(3, " more");
    ada.send(create("grown").id(&id).title("Notes").content("one more").yjs(&editor.state()))
        .expect_outcomes(["grown conflict already_exists v1"]);
}

fn an_incoming_title_wins_and_says_so(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let id = ada.new_yjs_document("Notes", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());
    ada.send(update("laptop", &id).base(1).title("Laptop's").yjs(&laptop.insert(3, "!")))
        .expect_outcomes(["laptop success v2"]);
    ada.send(update("phone", &id).base(1).title("Phone's").yjs(&phone.insert(0, "?")))
        .expect_outcomes(["phone success v3 merged title_overwritten"]);
    let read = ada.read(&id);
    assert_eq!((read.string("/title"), read.string("/content")), ("Phone's".into(), "?one!".into()));
    assert_eq!(ada.version(&id, 2).string("/title"), "Laptop's");
}

fn deletions_are_merged(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one two three");
    let id = ada.new_yjs_document("Notes", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());
    ada.send(update("laptop", &id).base(1).yjs(&laptop.remove(0, 4))).expect_outcomes(["laptop success v2"]);
    ada.send(update("phone", &id).base(1).yjs(&phone.remove(7, 6))).expect_outcomes(["phone success v3 merged"]);
    assert_eq!(ada.read(&id).string("/content"), "two");
    // A deletion of what is deleted already is no news.
    let tablet = YjsEditor::from_state(3, &YjsEditor::from_state(4, &laptop.state()).state());
    assert_eq!(tablet.text(), "two three");
    ada.send(update("tablet", &id).base(1).yjs(&laptop.state())).expect_outcomes(["tablet success v3 unchanged"]);
}

fn a_deleted_document_is_revived_with_its_text(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    editor.insert(0, "one");
    let id = ada.new_yjs_document("Notes", &editor);
    ada.send(crate::harness::delete("gone", &id).base(1)).expect_outcomes(["gone success v2"]);
    let edit = editor.insert(3, " two");
    ada.send(update("late", &id).base(1).yjs(&edit)).expect_outcomes(["late conflict deleted v2"]);
    let answer = ada.send(update("revive", &id).base(1).restore().yjs(&edit));
    assert_eq!((answer.results()[0]["status"].as_str(), &answer.results()[0]["version"]), (Some("success"), &3.into()));
    assert_eq!(ada.read(&id).string("/content"), "one two");
}

fn emoji_and_astral_characters_survive(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let text = "naïve 👩‍👩‍👧 – 漢字 𝄞\r\n\u{feff}end";
    let laptop = YjsEditor::new(1);
    laptop.insert(0, text);
    let id = ada.new_yjs_document("Zeichen — 文字 🎈", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());
    ada.send(update("laptop", &id).base(1).yjs(&laptop.insert(0, "𝄞"))).expect_outcomes(["laptop success v2"]);
    ada.send(update("phone", &id).base(1).yjs(&phone.insert(text.encode_utf16().count() as u32, "🎈")))
        .expect_outcomes(["phone success v3 merged"]);
    let read = ada.read(&id);
    assert_eq!(read.string("/content"), format!("𝄞{text}🎈"));
    assert_eq!(read.string("/title"), "Zeichen — 文字 🎈");
    assert_eq!(read.body["yjs_state_b64"], base64(&bytes(&read.body["yjs_state_b64"])));
}

fn content_is_derived_from_the_state(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    editor.insert(0, "only in the state");
    let answer = ada.send(create("bare").title("Bare").yjs(&editor.state())).expect_outcomes(["bare success v1"]);
    assert_eq!(ada.read(&answer.document_id("bare")).string("/content"), "only in the state");
}

pub fn bytes(field: &serde_json::Value) -> Vec<u8> {
    STANDARD.decode(field.as_str().expect("base64")).expect("base64")
}

fn a_forced_update_is_no_merge(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let id = ada.new_yjs_document("Notes", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());
    let edit = laptop.insert(3, " two");
    ada.send(update("edit", &id).base(1).yjs(&edit)).expect_outcomes(["edit success v2"]);
    let forced = ada.send(update("forced", &id).base(1).force().yjs(&phone.insert(0, "zero ")));
    assert_eq!(forced.outcomes(), ["forced success v3"], "without merged: {forced}");
    assert!(forced.result("forced")["merged"].is_null() || forced.result("forced")["merged"] == false, "{forced}");
    assert_eq!(forced.result("forced")["server"]["content"], "zero one two", "what came of it: {forced}");
}
