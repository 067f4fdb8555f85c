//! Push and pull in one request: the `changes` of a batch (protocol §1.8).

use serde_json::{Value, json};

use super::feed::pull_all;
use crate::harness::user::new_id;
use crate::harness::{Answer, Database, TestServer, User, YjsEditor, create, delete, on_both_databases, update};

on_both_databases!(
    a_batch_pulls_what_others_wrote_less_its_own,
    a_batch_pulls_from_the_start_with_null,
    own_changes_come_later_when_there_was_more_to_read,
    what_is_not_stored_hides_nothing,
    an_atomic_failure_carries_changes,
    what_an_own_update_hides_comes_as_its_server_side,
    replayed_operations_are_no_echo,
    a_refused_cursor_refuses_the_batch,
    an_expired_cursor_refuses_the_batch,
);

/// Two users of one workspace, and the cursor of the first, who has seen everything.
fn two_users(server: &TestServer) -> (User, User, String) {
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    (ada, grace, String::new())
}

/// The cursor behind everything that is there.
fn cursor_of(user: &User) -> String {
    pull_all(user, 500, "").1
}

#[track_caller]
fn changed(answer: &Answer) -> Vec<String> {
    let items = answer.body["changes"]["items"].as_array().unwrap_or_else(|| panic!("{answer}\n\nhas no changes"));
    items.iter().map(|item| format!("{} v{}", item["title"].as_str().unwrap(), item["version"])).collect()
}

/// Titles and versions of what is pulled after a batch's changes.
fn after(user: &User, answer: &Answer) -> Vec<String> {
    let (items, _) = pull_all(user, 500, &answer.string("/changes/next_cursor"));
    items.iter().map(|item| format!("{} v{}", item["title"].as_str().unwrap(), item["version"])).collect()
}

fn a_batch_pulls_what_others_wrote_less_its_own(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace, _) = two_users(&server);
    let mine = ada.new_document("Mine", "one\n");
    let cursor = cursor_of(&ada);
    let hers = grace.new_document("Hers", "one\n");
    let batch = ada
        .batch()
        .field("cursor", cursor.clone())
        .with(create("new").title("New"))
        .with(update("edit", &mine).base(1).content("two\n"))
        .with(delete("gone", &hers).base(2));
    let answer = batch.send().expect(200);
    assert_eq!(answer.outcomes()[2], "gone error invalid_base_version v1");
    assert_eq!(changed(&answer), ["Hers v1"], "{answer}");
    assert_eq!(answer.body["changes"]["has_more"], false);
    assert_eq!(answer.body["changes"]["items"][0], ada.read(&hers).body, "whole");
    assert_eq!(after(&ada, &answer), [""; 0], "own changes are not told: {answer}");
    assert_eq!(pull_all(&ada, 100, &cursor).0.len(), 3, "to others they are");
    // Nothing to push is fine.
    let pull = grace.batch().field("cursor", cursor).send().expect(200);
    assert_eq!(changed(&pull), ["Hers v1", "New v1", "Mine v2"]);
    assert_eq!(pull.string("/changes/next_cursor"), answer.string("/changes/next_cursor"));
    assert!(ada.send(create("plain")).body["changes"].is_null(), "only where it was asked for");
}

fn a_batch_pulls_from_the_start_with_null(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace, _) = two_users(&server);
    grace.new_document("One", "");
    let answer = ada.batch().field("cursor", Value::Null).with(create("new").title("New")).send().expect(200);
    assert_eq!(changed(&answer), ["One v1"]);
    assert_eq!(after(&ada, &answer), [""; 0]);
}

fn own_changes_come_later_when_there_was_more_to_read(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace, _) = two_users(&server);
    for half in 0..2 {
        let creates = (0..75).map(|n| create(&format!("op_{n}")).title(&format!("{half}-{n:02}")));
        grace.batch().with_all(creates).send().expect(200);
    }
    let answer = ada.batch().field("cursor", Value::Null).with(create("new").title("New")).send().expect(200);
    assert_eq!((changed(&answer).len(), &answer.body["changes"]["has_more"]), (100, &json!(true)));
    let rest = after(&ada, &answer);
    assert_eq!((rest.len(), rest.last().unwrap().as_str()), (51, "New v1"), "nothing is lost behind it");
}

fn what_is_not_stored_hides_nothing(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace, _) = two_users(&server);
    let id = ada.new_document("Notes", "one\ntwo\nthree\n");
    let cursor = cursor_of(&ada);
    grace.send(update("hers", &id).base(1).content("ONE\ntwo\nthree\n")).expect_outcomes(["hers success v2"]);
    let batch = ada
        .batch()
        .dry_run()
        .field("cursor", cursor.clone())
        .with(update("merge", &id).base(1).content("one\ntwo\nTHREE\n"))
        .with(create("new").title("New"));
    let answer = batch.send().expect_outcomes(["merge success v3 merged", "new success v1"]);
    assert_eq!(answer.result("merge")["server"]["content"], "ONE\ntwo\nTHREE\n");
    assert_eq!(changed(&answer), ["Notes v2"], "as it stays");
    assert_eq!(after(&ada, &answer), [""; 0]);
    assert_eq!(answer.string("/changes/next_cursor"), pull_all(&ada, 100, &cursor).1, "the head as it was");
    ada.new_document("Later", "");
    assert_eq!(after(&ada, &answer), ["Later v1"]);
}

fn an_atomic_failure_carries_changes(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace, _) = two_users(&server);
    let id = ada.new_document("Notes", "one\n");
    let cursor = cursor_of(&ada);
    grace.send(update("hers", &id).base(1).content("two\n")).expect_outcomes(["hers success v2"]);
    let batch = || ada.batch().atomic().field("cursor", cursor.clone()).with(create("new").title("New"));
    let conflict = batch().with(update("late", &id).base(1).content("three\n")).send().expect(409);
    assert_eq!(changed(&conflict), ["Notes v2"]);
    let error = batch().with(update("lost", &new_id()).base(1).content("x")).send().expect(422);
    assert_eq!(changed(&error), ["Notes v2"]);
    assert_eq!(after(&ada, &error), [""; 0]);
    let success = batch().send().expect(200);
    assert_eq!((changed(&success), after(&ada, &success).len()), (vec!["Notes v2".to_owned()], 0));
}

fn what_an_own_update_hides_comes_as_its_server_side(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace, _) = two_users(&server);
    let editor = YjsEditor::new(1);
    editor.insert(0, "one");
    let text = ada.new_document("Text", "one\ntwo\nthree\n");
    let forced = ada.new_document("Forced", "one\n");
    let renamed = ada.new_document("Renamed", "one\n");
    let revived = ada.new_document("Revived", "one\n");
    let yjs = ada.new_yjs_document("Yjs", &editor);
    let cursor = cursor_of(&ada);
    let phone = YjsEditor::from_state(2, &editor.state());
    grace
        .batch()
        .with(update("text", &text).base(1).content("ONE\ntwo\nthree\n"))
        .with(update("forced", &forced).base(1).content("hers\n").title("Hers"))
        .with(update("renamed", &renamed).base(1).content("hers\n"))
        .with(update("revived", &revived).base(1).content("hers\n"))
        .with(update("yjs", &yjs).base(1).yjs(&phone.insert(0, "zero ")))
        .send()
        .expect(200);
    grace.send(delete("gone", &revived).base(2)).expect_outcomes(["gone success v3"]);
    let answer = ada
        .batch()
        .field("cursor", cursor)
        .with(update("text", &text).base(1).content("one\ntwo\nTHREE\n"))
        .with(update("forced", &forced).base(1).force().content("mine\n"))
        .with(update("renamed", &renamed).force().title("By me"))
        .with(update("revived", &revived).base(1).restore().title("Revived"))
        .with(update("yjs", &yjs).yjs(&editor.insert(3, " two")))
        .send()
        .expect(200);
    assert_eq!(answer.body["successful"], 5, "{answer}");
    assert_eq!(changed(&answer), [""; 0], "{answer}");
    assert_eq!(after(&ada, &answer), [""; 0]);
    for (name, id, title, content) in [
        ("text", &text, "Text", "ONE\ntwo\nTHREE\n"),
        ("forced", &forced, "Hers", "mine\n"),
        ("renamed", &renamed, "By me", "hers\n"),
        ("revived", &revived, "Revived", "hers\n"),
        ("yjs", &yjs, "Yjs", "zero one two"),
    ] {
        let shown = &answer.result(name)["server"];
        assert_eq!((&shown["title"], &shown["content"]), (&json!(title), &json!(content)), "{name}");
        assert_eq!(shown["version"], ada.read(id).body["version"], "{name}");
    }
}

fn replayed_operations_are_no_echo(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let batch = || ada.batch().device("laptop").field("cursor", Value::Null).with(create("new").title("New"));
    assert_eq!(changed(&batch().send().expect(200)), [""; 0]);
    // The first answer was lost on its way: the second tells of everything.
    let again = batch().send().expect_outcomes(["new success v1 replayed"]);
    assert_eq!(changed(&again), ["New v1"]);
    assert_eq!(after(&ada, &again), [""; 0]);
}

fn a_refused_cursor_refuses_the_batch(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let foreign = cursor_of(&ada.new_workspace("Other"));
    for cursor in ["made-up", "", &foreign] {
        let refused = ada.batch().field("cursor", cursor).with(create("new")).send();
        refused.expect_problem(400, "bad_request").expect_pointer("/cursor");
    }
    ada.batch().field("cursor", 7).with(create("new")).send().expect_problem(400, "bad_request");
    assert!(ada.list("").items().is_empty(), "nothing was applied");
}

fn an_expired_cursor_refuses_the_batch(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let old = cursor_of(&ada);
    ada.new_document("One", "");
    let new = cursor_of(&ada);
    server.execute_sql("UPDATE workspaces SET purged_sequence = 1");
    let batch = |cursor: &str| ada.batch().field("cursor", cursor).with(create("new"));
    for modes in [batch(&old), batch(&old).atomic(), batch(&old).dry_run()] {
        modes.send().expect_problem(410, "cursor_expired");
    }
    assert_eq!(ada.list("").items().len(), 1, "nothing was applied");
    batch(&new).send().expect_outcomes(["new success v1"]);
}
