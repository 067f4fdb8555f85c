//! Exactly once: receipts (protocol §1.6).

use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, create, delete, on_both_databases, update};

on_both_databases!(
    a_batch_sent_again_is_replayed,
    an_operation_sent_again_alone_or_elsewhere_is_replayed,
    a_rebased_resend_is_replayed,
    another_content_under_the_same_name_is_refused,
    names_belong_to_a_device_and_a_user,
    without_a_device_nothing_is_replayed,
    failures_leave_no_receipt,
    an_unchanged_success_leaves_a_receipt,
    a_replay_answers_the_first_version,
    a_replay_tells_the_news,
    a_resend_with_other_modes_is_replayed,
    a_minted_id_is_answered_again,
    receipts_survive_a_restart,
);

fn a_batch_sent_again_is_replayed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let batch = ada
        .batch()
        .device("laptop")
        .with(create("new").title("New"))
        .with(update("edit", &id).base(1).content("two\n"))
        .with(delete("gone", &id).base(1));
    let first = batch.clone().send().expect_outcomes(["new success v1", "edit success v2", "gone success v3"]);
    let again = batch.send().expect(200).expect_outcomes([
        "new success v1 replayed",
        "edit success v2 replayed",
        "gone success v3 replayed",
    ]);
    assert_eq!(again.document_id("new"), first.document_id("new"));
    assert_eq!(ada.list("").items().len(), 1, "nothing was doubled");
    assert_eq!(ada.versions(&id, "").items().len(), 3);
}

fn an_operation_sent_again_alone_or_elsewhere_is_replayed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = || ada.batch().device("laptop");
    let (one, two) = (create("one").title("One"), create("two").title("Two"));
    let first = laptop().with(one.clone()).with(two.clone()).send();
    laptop().with(two.clone()).send().expect_outcomes(["two success v1 replayed"]);
    let mixed = laptop().with(two).with(create("three").title("Three")).with(one).send();
    assert_eq!(mixed.outcomes(), ["two success v1 replayed", "three success v1", "one success v1 replayed"]);
    assert_eq!(mixed.document_id("one"), first.document_id("one"));
    assert_eq!(ada.list("").items().len(), 3);
}

fn a_rebased_resend_is_replayed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let edit = update("edit", &id).base(1).content("two\n");
    ada.batch().device("laptop").with(edit.clone()).send().expect_outcomes(["edit success v2"]);
    ada.batch().device("laptop").with(edit.clone().base(2)).send().expect_outcomes(["edit success v2 replayed"]);
    ada.batch().device("laptop").with(edit.force()).send().expect_outcomes(["edit success v2 replayed"]);
}

fn another_content_under_the_same_name_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let laptop = || ada.batch().device("laptop");
    laptop().with(update("edit", &id).base(1).content("two\n")).send().expect_outcomes(["edit success v2"]);
    for operation in [
        update("edit", &id).base(1).content("three\n"),
        update("edit", &id).base(1).content("two\n").title("too"),
        delete("edit", &id).base(2),
        create("edit").title("two\n"),
    ] {
        let answer = laptop().with(operation).send();
        assert!(answer.outcomes()[0].starts_with("edit error client_id_reused"), "{answer}");
    }
    assert_eq!(ada.read(&id).body["version"], 2);
}

fn names_belong_to_a_device_and_a_user(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    let elsewhere = ada.new_workspace("Elsewhere");
    let operation = || create("op_1").title("Mine");
    for user in [&ada, &grace, &elsewhere] {
        for device in ["laptop", "phone"] {
            user.batch().device(device).with(operation()).send().expect_outcomes(["op_1 success v1"]);
        }
    }
    assert_eq!(ada.list("").items().len(), 4);
    assert_eq!(elsewhere.list("").items().len(), 2);
}

fn without_a_device_nothing_is_replayed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for _ in 0..2 {
        ada.send(create("op_1").title("Twice")).expect_outcomes(["op_1 success v1"]);
    }
    assert_eq!(ada.list("").items().len(), 2);
}

fn failures_leave_no_receipt(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = new_id();
    let laptop = || ada.batch().device("laptop");
    let edit = update("edit", &id).base(1).content("two\n");
    laptop().with(edit.clone()).send().expect_outcomes(["edit error not_found"]);
    ada.send(create("there").id(&id).title("There now").content("one\n")).expect_outcomes(["there success v1"]);
    laptop().with(edit).send().expect_outcomes(["edit success v2"]);

    let clash = update("clash", &id).base(1).content("2\n");
    laptop().with(clash.clone()).send().expect_outcomes(["clash conflict version_mismatch v2"]);
    laptop().with(clash.clone()).send().expect_outcomes(["clash conflict version_mismatch v2"]);
    laptop().with(clash.base(2)).send().expect_outcomes(["clash success v3"]);
}

fn an_unchanged_success_leaves_a_receipt(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = new_id();
    let gone = delete("gone", &id).base(1);
    ada.batch().device("laptop").with(gone.clone()).send().expect_outcomes(["gone success unchanged"]);
    ada.send(create("later").id(&id).title("Later")).expect_outcomes(["later success v1"]);
    let again = ada.batch().device("laptop").with(gone).send();
    assert!(again.outcomes()[0].contains("success") && again.results()[0]["replayed"] == true, "{again}");
    assert_eq!(ada.read(&id).body["deleted"], false, "the old delete does not reach the new document");
}

fn a_replay_answers_the_first_version(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let edit = update("edit", &id).base(1).content("two\n");
    ada.batch().device("laptop").with(edit.clone()).send().expect_outcomes(["edit success v2"]);
    ada.send(update("later", &id).base(2).content("three\n")).expect_outcomes(["later success v3"]);
    ada.batch().device("laptop").with(edit).send().expect_outcomes(["edit success v2 replayed"]);
    assert_eq!(ada.read(&id).string("/content"), "three\n", "not applied again");
}

fn a_replay_tells_the_news(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\ntwo\nthree\n");
    ada.send(update("others", &id).base(1).content("one\ntwo\nTHREE\n")).expect_outcomes(["others success v2"]);
    let edit = || ada.batch().device("laptop").with(update("edit", &id).base(1).content("ONE\ntwo\nthree\n")).send();
    edit().expect_outcomes(["edit success v3 merged"]);
    // Its answer was cut: the editor must not take version 3 for its own text.
    let again = edit().expect_outcomes(["edit success v3 replayed"]);
    assert_eq!(again.result("edit")["server"]["content"], "ONE\ntwo\nTHREE\n");
    let plain = || ada.batch().device("laptop").with(update("plain", &id).base(3).content("1\n")).send();
    plain().expect_outcomes(["plain success v4"]);
    assert!(plain().expect_outcomes(["plain success v4 replayed"]).result("plain").get("server").is_none());
    ada.send(delete("gone", &id).base(4)).expect_outcomes(["gone success v5"]);
    let server = plain().expect_outcomes(["plain success v4 replayed"]).result("plain")["server"].clone();
    assert_eq!((&server["version"], &server["deleted"]), (&5.into(), &true.into()));
}

fn a_resend_with_other_modes_is_replayed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let batch = ada.batch().device("laptop").with(create("new").title("New"));
    batch.clone().send().expect_outcomes(["new success v1"]);
    batch.clone().atomic().send().expect(200).expect_outcomes(["new success v1 replayed"]);
    batch.clone().dry_run().send().expect(200).expect_outcomes(["new success v1 replayed"]);
    // What was applied before stays applied, whatever befalls its neighbours now.
    let answer = batch.atomic().with(update("lost", &new_id()).base(1).content("x")).send().expect(422);
    assert_eq!(answer.outcomes()[1], "lost error not_found");
    assert_eq!(ada.list("").items().len(), 1);
}

fn a_minted_id_is_answered_again(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = || ada.batch().device("laptop");
    let id = laptop().with(create("new").title("New").content("one\n")).send().document_id("new");
    // The editor never saw the answer, and sends the create again with what it typed since.
    let again = laptop()
        .with(create("new").title("New").content("one\n"))
        .with(update("edit", "").made_by("new").base(1).content("two\n"))
        .send()
        .expect_outcomes(["new success v1 replayed", "edit success v2"]);
    assert_eq!((again.document_id("new"), again.document_id("edit")), (id.clone(), id));
}

fn receipts_survive_a_restart(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let batch = ada.batch().device("laptop").with(create("new").title("New"));
    batch.clone().send().expect_outcomes(["new success v1"]);
    assert!(server.stop().success());
    server.restart();
    batch.send().expect_outcomes(["new success v1 replayed"]);
}
