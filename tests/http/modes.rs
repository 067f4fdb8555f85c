//! Per operation, all or nothing, dry run (protocol §1.5), and the order of execution (§1.3).

use serde_json::json;

use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, User, create, delete, on_both_databases, update};

on_both_databases!(
    one_failure_leaves_its_neighbours_alone,
    atomic_applies_all,
    atomic_with_a_conflict_applies_nothing,
    atomic_with_an_error_applies_nothing,
    atomic_names_every_culprit,
    what_builds_on_a_failure_is_skipped,
    a_dry_run_answers_and_stores_nothing,
    an_atomic_dry_run_fails_as_the_real_run_would,
    creates_run_before_updates_before_deletes,
    operations_on_one_document_keep_their_order,
    a_reference_means_the_document_of_a_create,
    an_empty_batch_is_a_batch,
);

fn titles(user: &User) -> Vec<String> {
    let page = user.list("").expect(200);
    let mut titles: Vec<_> = page.column("title").iter().map(|title| title.as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

fn one_failure_leaves_its_neighbours_alone(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Old", "one\n");
    ada.batch()
        .with(create("good").title("Good"))
        .with(update("lost", &new_id()).base(1).content("x"))
        .with(create("bad").without("data"))
        .with(update("edit", &id).base(1).title("Renamed"))
        .send()
        .expect(200)
        .expect_outcomes(["good success v1", "lost error not_found", "bad error invalid", "edit success v2"]);
    assert_eq!(titles(&ada), ["Good", "Renamed"]);
}

fn atomic_applies_all(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Old", "one\n");
    ada.batch()
        .atomic()
        .with(create("one").title("One"))
        .with(update("two", &id).base(1).title("Two"))
        .send()
        .expect(200)
        .expect_outcomes(["one success v1", "two success v2"]);
    assert_eq!(titles(&ada), ["One", "Two"]);
}

fn atomic_with_a_conflict_applies_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let clashing = ada.new_document("Clashing", "one\n");
    ada.send(update("hers", &clashing).base(1).content("two\n")).expect_outcomes(["hers success v2"]);
    let other = ada.new_document("Other", "one\n");
    let answer = ada
        .batch()
        .device("laptop")
        .atomic()
        .with(create("new").title("New"))
        .with(update("fine", &other).base(1).title("Renamed"))
        .with(update("clash", &clashing).base(1).content("2\n"))
        .send()
        .expect_problem(409, "rolled_back");
    assert_eq!(
        answer.outcomes(),
        ["new skipped rolled_back", "fine skipped rolled_back v1", "clash conflict version_mismatch v2"]
    );
    assert!(answer.result("new")["document_id"].is_null(), "a create that was undone has no document\n{answer}");
    assert_eq!(answer.result("clash")["server"]["content"], "two\n");
    assert_eq!(titles(&ada), ["Clashing", "Other"]);
    // No receipt was kept: without the culprit the rest goes through, for the first time.
    ada.batch()
        .device("laptop")
        .atomic()
        .with(create("new").title("New"))
        .with(update("fine", &other).base(1).title("Renamed"))
        .send()
        .expect(200)
        .expect_outcomes(["new success v1", "fine success v2"]);
}

fn atomic_with_an_error_applies_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let answer = ada
        .batch()
        .atomic()
        .with(create("good").title("Good"))
        .with(create("bad").title(&"x".repeat(501)))
        .send()
        .expect_problem(422, "rolled_back");
    assert_eq!(answer.outcomes(), ["good skipped rolled_back", "bad error too_large"]);
    assert_eq!(titles(&ada), [""; 0]);
}

fn atomic_names_every_culprit(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(update("hers", &id).base(1).content("two\n")).expect_outcomes(["hers success v2"]);
    let answer = ada
        .batch()
        .atomic()
        .with(update("lost", &new_id()).base(1).content("x"))
        .with(create("fine").title("Fine"))
        .with(update("clash", &id).base(1).content("2\n"))
        .with(create("bad").title("\u{0}"))
        .send()
        .expect_problem(422, "rolled_back");
    assert_eq!(
        answer.outcomes(),
        ["lost error not_found", "fine skipped rolled_back", "clash conflict version_mismatch v2", "bad error invalid"]
    );
}

fn what_builds_on_a_failure_is_skipped(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(update("hers", &id).base(1).content("two\n")).expect_outcomes(["hers success v2"]);
    for atomic in [false, true] {
        let batch = ada
            .batch()
            .with(create("bad").without("data"))
            .with(update("by_ref", &id).made_by("bad").base(1).content("x"))
            .with(update("clash", &id).base(1).content("2\n"))
            .with(update("same_document", &id).base(1).title("x"));
        let answer = if atomic { batch.atomic().send().expect(422) } else { batch.send().expect(200) };
        assert_eq!(
            answer.outcomes(),
            [
                "bad error invalid",
                "by_ref skipped dependency_failed",
                "clash conflict version_mismatch v2",
                "same_document skipped dependency_failed v2"
            ]
        );
        assert_eq!(answer.result("by_ref")["error"]["retryable"], true);
    }
    assert_eq!(titles(&ada), ["Notes"]);
}

fn a_dry_run_answers_and_stores_nothing(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let new = new_id();
    let batch = ada
        .batch()
        .device("laptop")
        .with(create("new").id(&new).title("New"))
        .with(update("edit", &id).base(1).content("two\n"))
        .with(update("lost", &new_id()).base(1).content("x"))
        .with(delete("gone", &id).base(1));
    let expected = ["new success v1", "edit success v2", "lost error not_found", "gone success v3"];
    batch.clone().dry_run().send().expect(200).expect_outcomes(expected);
    assert_eq!(titles(&ada), ["Notes"]);
    ada.read(&new).expect(404);
    assert_eq!(ada.read(&id).body["version"], 1);
    assert_eq!(ada.versions(&id, "").items().len(), 1);
    batch.send().expect(200).expect_outcomes(expected); // no receipt: nothing is replayed
}

fn an_atomic_dry_run_fails_as_the_real_run_would(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let batch =
        ada.batch().atomic().with(create("good").title("Good")).with(update("lost", &new_id()).base(1).content("x"));
    let dry = batch.clone().dry_run().send();
    let real = batch.send();
    assert_eq!((dry.status, dry.outcomes()), (real.status, real.outcomes()));
    assert_eq!((dry.body["committed"].as_bool(), dry.body["dry_run"].as_bool()), (Some(false), Some(true)));
}

fn creates_run_before_updates_before_deletes(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let one = ada.new_document("One", "one\n");
    ada.batch()
        .with(delete("delete", &one).base(1))
        .with(update("update", &new_id()).made_by("create").base(1).content("two\n"))
        .with(create("create").title("Two").content("one\n"))
        .send()
        .expect_outcomes(["delete success v2", "update success v2", "create success v1"]);
    assert_eq!(titles(&ada), ["Two"]);
}

fn operations_on_one_document_keep_their_order(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    // By kind alone the create would run first and conflict.
    ada.batch()
        .with(delete("gone", &id).base(1))
        .with(create("anew").id(&id).title("Anew").content("two\n"))
        .with(update("edit", &id).base(1).content("three\n"))
        .send()
        .expect_outcomes(["gone success v2", "anew success v3", "edit success v4"]);
    assert_eq!(ada.read(&id).string("/content"), "three\n");
    let answer = ada
        .batch()
        .with(update("late", &new_id()).base(1).content("x"))
        .with(update("edit", &id).base(4).content("four\n"))
        .with(delete("gone", &id).base(4))
        .with(update("after", &id).base(4).content("five\n"))
        .send();
    assert_eq!(
        answer.outcomes(),
        ["late error not_found", "edit success v5", "gone success v6", "after conflict deleted v6"]
    );
}

fn a_reference_means_the_document_of_a_create(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let first = ada
        .batch()
        .device("laptop")
        .with(create("new").title("New").content("one\n"))
        .with(update("edit", "").made_by("new").base(1).content("two\n"))
        .send()
        .expect_outcomes(["new success v1", "edit success v2"]);
    assert_eq!(first.document_id("edit"), first.document_id("new"));
    // Later, by the receipt of the earlier batch.
    let later = ada
        .batch()
        .device("laptop")
        .with(update("more", "").made_by("new").base(2).content("three\n"))
        .send()
        .expect_outcomes(["more success v3"]);
    assert_eq!(later.document_id("more"), first.document_id("new"));
    // Another device has no such create.
    let answer = ada.batch().device("phone").with(update("more", "").made_by("new").base(3).content("x")).send();
    assert_eq!(answer.results()[0]["status"], "error", "{answer}");
    assert_eq!(answer.results()[0]["error"]["pointer"], "/operations/0/document_ref", "{answer}");
    assert_eq!(ada.read(&first.document_id("new")).string("/content"), "three\n");
}

fn an_empty_batch_is_a_batch(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let answer = ada.batch().send().expect(200);
    assert_eq!((&answer.body["total"], &answer.body["results"]), (&json!(0), &json!([])));
    ada.batch().atomic().device("laptop").send().expect(200);
}
