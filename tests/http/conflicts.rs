//! Versions and conflicts of documents without Yjs state, row by row (protocol §1.4).

use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, create, delete, on_both_databases, update};

on_both_databases!(
    create_of_an_absent_document_makes_version_one,
    create_of_an_equal_live_document_changes_nothing,
    create_of_another_live_document_conflicts,
    create_of_a_deleted_document_conflicts,
    create_after_a_delete_in_the_same_batch_makes_it_anew,
    update_of_an_absent_document_is_an_error,
    delete_of_an_absent_document_changes_nothing,
    update_and_delete_at_the_current_version_succeed,
    update_that_is_contained_already_changes_nothing,
    texts_changed_in_different_places_are_merged,
    texts_changed_in_the_same_place_conflict,
    delete_of_a_newer_document_conflicts,
    update_of_a_deleted_document_conflicts_unless_it_restores,
    delete_of_a_deleted_document_changes_nothing,
    base_version_from_the_future_is_an_error,
    base_version_is_required_without_force,
    force_skips_the_version_and_never_the_existence,
    a_batch_does_not_conflict_with_itself,
    an_editor_that_was_offline_says_the_version_of_its_create,
    titles_changed_on_both_sides,
    versions_never_go_back,
    document_ids_are_unique_in_their_workspace_only,
);

fn create_of_an_absent_document_makes_version_one(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = new_id();
    let answer = ada
        .batch()
        .with(create("mine").id(&id).title("Own id").content("one"))
        .with(create("minted").title("Minted").content("two"))
        .send()
        .expect(200)
        .expect_outcomes(["mine success v1", "minted success v1"]);
    assert_eq!(answer.document_id("mine"), id);
    assert_ne!(answer.document_id("minted"), id);
    let read = ada.read(&answer.document_id("minted")).expect(200);
    assert_eq!((read.string("/title"), read.string("/content")), ("Minted".into(), "two".into()));
    assert_eq!(read.string("/updated_by"), "ada");
}

fn create_of_an_equal_live_document_changes_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(create("again").id(&id).title("Notes").content("one\n")).expect_outcomes(["again success v1 unchanged"]);
}

fn create_of_another_live_document_conflicts(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let answer = ada
        .batch()
        .with(create("other_text").id(&id).title("Notes").content("two\n"))
        .with(create("other_title").id(&id).title("Other").content("one\n"))
        .send()
        .expect(200);
    let first = answer.result("other_text");
    assert_eq!(answer.outcomes()[0], "other_text conflict already_exists v1");
    assert_eq!(first["server"]["content"], "one\n", "the server's document, whole\n{answer}");
    assert_eq!(first["error"]["pointer"], "/operations/0/document_id");
    assert_eq!(first["error"]["retryable"], false);
    ada.send(create("other_title").id(&id).title("Other").content("one\n"))
        .expect_outcomes(["other_title conflict already_exists v1"]);
    assert_eq!(ada.read(&id).string("/content"), "one\n");
}

fn create_of_a_deleted_document_conflicts(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(delete("gone", &id).base(1)).expect_outcomes(["gone success v2"]);
    ada.send(create("back").id(&id).title("Notes").content("one\n")).expect_outcomes(["back conflict deleted v2"]);
}

fn create_after_a_delete_in_the_same_batch_makes_it_anew(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.batch()
        .with(delete("gone", &id).base(1))
        .with(create("anew").id(&id).title("Fresh").content("two\n"))
        .send()
        .expect_outcomes(["gone success v2", "anew success v3"]);
    let read = ada.read(&id).expect(200);
    assert_eq!((read.string("/title"), read.string("/content")), ("Fresh".into(), "two\n".into()));
    assert_eq!(read.body["version"], 3, "no stale base_version or ETag ever matches");
}

fn update_of_an_absent_document_is_an_error(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = new_id();
    let answer = ada.send(update("lost", &id).base(1).content("x")).expect_outcomes(["lost error not_found"]);
    assert_eq!(answer.document_id("lost"), id);
    ada.send(update("forced", &id).force().content("x")).expect_outcomes(["forced error not_found"]);
}

fn delete_of_an_absent_document_changes_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.send(delete("gone", &new_id()).base(1)).expect_outcomes(["gone success unchanged"]);
    ada.send(delete("gone", &new_id())).expect_outcomes(["gone success unchanged"]);
}

fn update_and_delete_at_the_current_version_succeed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(update("text", &id).base(1).content("two\n")).expect_outcomes(["text success v2"]);
    ada.send(update("title", &id).base(2).title("New name")).expect_outcomes(["title success v3"]);
    let read = ada.read(&id);
    assert_eq!((read.string("/title"), read.string("/content")), ("New name".into(), "two\n".into()));
    ada.send(delete("gone", &id).base(3)).expect_outcomes(["gone success v4"]);
    let tombstone = ada.read(&id).expect(200);
    assert_eq!(tombstone.body["deleted"], true);
    assert_eq!(tombstone.string("/title"), "New name", "a tombstone keeps its last title");
}

fn update_that_is_contained_already_changes_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(update("first", &id).base(1).content("two\n").title("Both")).expect_outcomes(["first success v2"]);
    ada.send(update("same", &id).base(1).content("two\n").title("Both")).expect_outcomes(["same success v2 unchanged"]);
    ada.send(update("same", &id).base(2).content("two\n")).expect_outcomes(["same success v2 unchanged"]);
}

fn texts_changed_in_different_places_are_merged(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\ntwo\nthree\nfour\nfive\n");
    ada.send(update("top", &id).base(1).content("ONE\ntwo\nthree\nfour\nfive\n")).expect_outcomes(["top success v2"]);
    let answer = ada
        .send(update("bottom", &id).base(1).content("one\ntwo\nthree\nfour\nFIVE\n"))
        .expect_outcomes(["bottom success v3 merged"]);
    let merged = "ONE\ntwo\nthree\nfour\nFIVE\n";
    assert_eq!(answer.result("bottom")["server"]["content"], merged);
    assert_eq!(answer.result("bottom")["server"]["version"], 3);
    assert_eq!(ada.read(&id).string("/content"), merged);
}

fn texts_changed_in_the_same_place_conflict(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\ntwo\nthree\n");
    ada.send(update("hers", &id).base(1).content("one\nTWO\nthree\n")).expect_outcomes(["hers success v2"]);
    let answer = ada
        .send(update("mine", &id).base(1).content("one\n2\nthree\n"))
        .expect_outcomes(["mine conflict version_mismatch v2"]);
    let result = answer.result("mine");
    assert_eq!(result["server"]["content"], "one\nTWO\nthree\n", "the server's side\n{answer}");
    assert_eq!(result["base"]["version"], 1);
    assert_eq!(result["base"]["content"], "one\ntwo\nthree\n", "the base\n{answer}");
    let marked = result["merge"]["content"].as_str().expect("text with markers");
    for part in ["<<<<<<<", "=======", ">>>>>>>", "TWO", "\n2\n", "one\n", "three\n"] {
        assert!(marked.contains(part), "{part:?} in\n{marked}");
    }
    assert_eq!(result["error"]["pointer"], "/operations/0/base_version");
    assert_eq!(ada.read(&id).string("/content"), "one\nTWO\nthree\n");
}

fn delete_of_a_newer_document_conflicts(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(update("edit", &id).base(1).content("two\n")).expect_outcomes(["edit success v2"]);
    let answer = ada.send(delete("gone", &id).base(1)).expect_outcomes(["gone conflict version_mismatch v2"]);
    assert_eq!(answer.result("gone")["server"]["content"], "two\n");
    assert_eq!(ada.read(&id).body["deleted"], false);
}

fn update_of_a_deleted_document_conflicts_unless_it_restores(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(delete("gone", &id).base(1)).expect_outcomes(["gone success v2"]);
    for operation in [update("late", &id).base(1), update("late", &id).base(2), update("late", &id).force()] {
        let answer = ada.send(operation.content("two\n")).expect_outcomes(["late conflict deleted v2"]);
        assert_eq!(answer.result("late")["server"]["deleted"], true, "{answer}");
    }
    ada.send(update("revive", &id).base(1).restore().content("two\n")).expect_outcomes(["revive success v3"]);
    let read = ada.read(&id).expect(200);
    assert_eq!((read.body["deleted"].as_bool(), read.string("/content")), (Some(false), "two\n".into()));
}

fn delete_of_a_deleted_document_changes_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(delete("gone", &id).base(1)).expect_outcomes(["gone success v2"]);
    for operation in [delete("gone", &id).base(1), delete("gone", &id).base(2), delete("gone", &id).force()] {
        ada.send(operation).expect_outcomes(["gone success v2 unchanged"]);
    }
}

fn base_version_from_the_future_is_an_error(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.batch()
        .with(update("edit", &id).base(2).content("two\n"))
        .send()
        .expect_outcomes(["edit error invalid_base_version v1"]);
    ada.send(delete("gone", &id).base(9)).expect_outcomes(["gone error invalid_base_version v1"]);
}

fn base_version_is_required_without_force(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(update("text", &id).content("two\n")).expect_outcomes(["text error base_version_required v1"]);
    ada.send(update("title", &id).title("Other")).expect_outcomes(["title error base_version_required v1"]);
    let answer = ada.send(delete("gone", &id)).expect_outcomes(["gone error base_version_required v1"]);
    assert_eq!(answer.result("gone")["error"]["pointer"], "/operations/0/base_version");
}

fn force_skips_the_version_and_never_the_existence(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(update("hers", &id).base(1).content("two\n").title("Hers")).expect_outcomes(["hers success v2"]);
    let answer = ada.send(update("mine", &id).base(1).force().content("2\n").title("Mine"));
    assert!(answer.outcomes()[0].starts_with("mine success v3"), "{answer}");
    let read = ada.read(&id);
    assert_eq!((read.string("/title"), read.string("/content")), ("Mine".into(), "2\n".into()));
    ada.send(delete("gone", &id).force()).expect_outcomes(["gone success v4"]);
    ada.send(update("late", &id).force().content("3\n")).expect_outcomes(["late conflict deleted v4"]);
}

fn a_batch_does_not_conflict_with_itself(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.batch()
        .with(update("first", &id).base(1).content("two\n"))
        .with(update("second", &id).base(1).content("three\n"))
        .with(update("third", &id).base(1).title("Renamed"))
        .with(delete("last", &id).base(1))
        .send()
        .expect_outcomes(["first success v2", "second success v3", "third success v4", "last success v5"]);
    assert_eq!(ada.read(&id).body["deleted"], true);
}

fn an_editor_that_was_offline_says_the_version_of_its_create(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = new_id();
    ada.batch()
        .with(create("new").id(&id).title("New").content("one\n"))
        .with(update("typed", &id).base(1).content("two\n"))
        .with(update("typed_on", &id).base(1).content("three\n"))
        .with(update("named", &id).base(1).title("Named"))
        .send()
        .expect_outcomes(["new success v1", "typed success v2", "typed_on success v3", "named success v4"]);
    let read = ada.read(&id);
    assert_eq!((read.string("/title"), read.string("/content")), ("Named".into(), "three\n".into()));
}

fn titles_changed_on_both_sides(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\ntwo\nthree\n");
    ada.send(update("hers", &id).base(1).title("Hers").content("ONE\ntwo\nthree\n"))
        .expect_outcomes(["hers success v2"]);
    let answer = ada
        .send(update("title_alone", &id).base(1).title("Mine"))
        .expect_outcomes(["title_alone conflict version_mismatch v2"]);
    assert_eq!(answer.result("title_alone")["base"]["title"], "Notes");
    ada.send(update("with_text", &id).base(1).title("Mine").content("one\ntwo\nTHREE\n"))
        .expect_outcomes(["with_text success v3 merged title_overwritten"]);
    let read = ada.read(&id);
    assert_eq!((read.string("/title"), read.string("/content")), ("Mine".into(), "ONE\ntwo\nTHREE\n".into()));
    assert_eq!(ada.version(&id, 2).string("/title"), "Hers", "the old title stays in the history");
    // Changed on one side only, a title is no clash.
    ada.send(update("text", &id).base(3).content("ONE\n2\nTHREE\n")).expect_outcomes(["text success v4"]);
    ada.send(update("late_title", &id).base(3).title("Late")).expect_outcomes(["late_title success v5 merged"]);
}

fn versions_never_go_back(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let etag = ada.read(&id).header("etag").to_owned();
    ada.batch()
        .with(delete("gone", &id).base(1))
        .with(create("anew").id(&id).title("Notes").content("one\n"))
        .send()
        .expect_outcomes(["gone success v2", "anew success v3"]);
    assert_ne!(ada.read(&id).header("etag"), etag);
    // An editor that slept through it all must not take the new document for the old one.
    let answer = ada.send(update("asleep", &id).base(1).content("two\n"));
    assert_eq!(answer.results()[0]["status"], "conflict", "{answer}");
}

fn document_ids_are_unique_in_their_workspace_only(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let elsewhere = ada.new_workspace("Elsewhere");
    let id = ada.new_document("Here", "one\n");
    elsewhere.send(create("same_id").id(&id).title("There").content("two\n")).expect_outcomes(["same_id success v1"]);
    assert_eq!(ada.read(&id).string("/title"), "Here");
    assert_eq!(elsewhere.read(&id).string("/title"), "There");
}
