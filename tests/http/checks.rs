//! Preconditions: checks of a document's version (protocol §1.9).

use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, check, create, delete, on_both_databases, update};

on_both_databases!(
    a_check_succeeds_at_exactly_its_version,
    version_zero_means_no_live_document,
    checks_look_at_the_state_before_the_batch,
    a_failed_check_rolls_an_atomic_batch_back,
    what_stands_on_a_failed_check_is_skipped,
    checks_leave_no_receipt,
    a_check_needs_its_fields,
);

fn a_check_succeeds_at_exactly_its_version(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(update("edit", &id).base(1).content("two\n")).expect_outcomes(["edit success v2"]);
    let batch = ada.batch().with(check("older", &id, 1)).with(check("now", &id, 2)).with(check("newer", &id, 3));
    let answer = batch.send().expect(200).expect_outcomes([
        "older conflict version_mismatch v2",
        "now success v2",
        "newer conflict version_mismatch v2",
    ]);
    assert_eq!(answer.result("older")["server"]["content"], "two\n");
    assert_eq!(answer.result("older")["error"]["pointer"], "/operations/0/base_version");
    assert!(answer.result("now").get("server").is_none(), "{answer}");
    let bob = server.register("bob");
    bob.send(check("foreign", &id, 2)).expect_outcomes(["foreign conflict version_mismatch"]);
}

fn version_zero_means_no_live_document(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let (live, deleted, absent) = (ada.new_document("Live", "one\n"), ada.new_document("Gone", "one\n"), new_id());
    ada.send(delete("gone", &deleted).base(1)).expect_outcomes(["gone success v2"]);
    let batch = ada.batch().with(check("live", &live, 0)).with(check("deleted", &deleted, 0));
    let batch =
        batch.with(check("absent", &absent, 0)).with(check("at_2", &deleted, 2)).with(check("at_1", &absent, 1));
    let answer = batch.send().expect_outcomes([
        "live conflict version_mismatch v1",
        "deleted success v2",
        "absent success",
        "at_2 conflict version_mismatch v2",
        "at_1 conflict version_mismatch",
    ]);
    assert_eq!(answer.result("at_2")["server"]["deleted"], true);
    assert!(answer.result("at_1").get("server").is_none(), "there is nothing to show\n{answer}");
}

fn checks_look_at_the_state_before_the_batch(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let new = new_id();
    ada.batch()
        .atomic()
        .with(create("new").id(&new))
        .with(update("edit", &id).base(1).content("two\n"))
        .with(check("before_edit", &id, 1))
        .with(check("before_new", &new, 0))
        .send()
        .expect(200)
        .expect_outcomes(["new success v1", "edit success v2", "before_edit success v1", "before_new success"]);
}

fn a_failed_check_rolls_an_atomic_batch_back(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let (read, written) = (ada.new_document("Read", "1"), ada.new_document("Written", "1"));
    let copy = |base| {
        ada.batch().atomic().with(update("copy", &written).base(1).content("copied")).with(check("same", &read, base))
    };
    copy(2).send().expect(409).expect_outcomes(["copy skipped rolled_back v1", "same conflict version_mismatch v1"]);
    assert_eq!(ada.read(&written).string("/content"), "1");
    copy(1).dry_run().send().expect(200).expect_outcomes(["copy success v2", "same success v1"]);
    copy(1).send().expect(200).expect_outcomes(["copy success v2", "same success v1"]);
    assert_eq!(ada.read(&written).string("/content"), "copied");
}

fn what_stands_on_a_failed_check_is_skipped(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.batch()
        .with(update("edit", &id).base(1).content("two\n"))
        .with(check("wrong", &id, 7))
        .with(check("right", &id, 1))
        .with(create("other").title("Other"))
        .send()
        .expect_outcomes([
            "edit skipped dependency_failed v1",
            "wrong conflict version_mismatch v1",
            "right success v1",
            "other success v1",
        ]);
}

fn checks_leave_no_receipt(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let batch = ada.batch().device("laptop").with(check("same", &id, 1));
    batch.clone().send().expect_outcomes(["same success v1"]);
    ada.send(update("edit", &id).base(1).content("two\n")).expect_outcomes(["edit success v2"]);
    batch.send().expect_outcomes(["same conflict version_mismatch v2"]);
    ada.batch().device("laptop").with(create("same").title("Same")).send().expect_outcomes(["same success v1"]);
}

fn a_check_needs_its_fields(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let batch = ada.batch().with(check("bare", &id, 1).without("base_version"));
    let batch = batch.with(check("nowhere", &id, 1).without("document_id")).with(check("below", &new_id(), -1));
    let batch =
        batch.with(check("named", &id, 1).made_by("bare")).with(check("as_float", &id, 1).field("base_version", 1.0));
    batch.send().expect(200).expect_outcomes([
        "bare error base_version_required v1",
        "nowhere error invalid",
        "below error invalid",
        "named error invalid",
        "as_float success v1",
    ]);
}
