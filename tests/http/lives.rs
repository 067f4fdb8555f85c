//! A database that is put back to an earlier state, as its editors see it, and one that is taken away.

use std::path::Path;

use serde_json::{Value, json};

use super::feed::next_cursor;
use crate::harness::operation::Operation;
use crate::harness::server::{raw_get, run_program};
use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, User, create, delete, on_both_databases, update};

on_both_databases!(what_was_given_out_before_a_restore_is_not_given_out_again, a_new_generation_is_begun_while_serving);

/// Runs an operator's command on the server's database; what it says.
fn admin(server: &TestServer, arguments: &[&str]) -> String {
    let (status, said, complaint) = try_admin(server, arguments);
    assert!(status, "{complaint}");
    said
}

pub fn try_admin(server: &TestServer, arguments: &[&str]) -> (bool, String, String) {
    let directory = server.data_directory().to_str().unwrap();
    let mut settings = vec![("LANDFALL_DATA_DIR", directory), ("RUST_LOG", "warn")];
    if let Some(url) = server.postgres_url() {
        settings.push(("LANDFALL_DATABASE_URL", url));
    }
    let (status, said, complaint) = run_program(&[&["admin"], arguments].concat(), &settings);
    (status.success(), said, complaint)
}

/// Backs up while the server runs.
fn back_up(server: &TestServer, file: &Path) {
    match server.postgres() {
        Some(postgres) => postgres.dump_to(file),
        None => assert!(admin(server, &["backup", file.to_str().unwrap()]).starts_with("wrote ")),
    }
}

/// Stops the server, puts the backup back and starts the server again.
fn put_back(server: &mut TestServer, file: &Path) {
    assert!(server.stop().success());
    match server.postgres() {
        Some(postgres) => postgres.replace_by(file),
        None => {
            let said = admin(server, &["restore", file.to_str().unwrap()]);
            assert!(said.contains("the database that was there is now ") && said.contains(" begins"), "{said}");
        }
    }
    server.restart();
    // The command has begun the new life; a dump that was loaded is noticed.
    let noticed = server.log().contains("the database begins a new life");
    assert_eq!(noticed, server.postgres().is_some(), "{}", server.log());
}

fn on(ada: &User, device: &str, operation: Operation) -> crate::harness::Answer {
    ada.batch().device(device).with(operation).send()
}

fn what_was_given_out_before_a_restore_is_not_given_out_again(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let (edited, quiet, lost) = (ada.new_document("Edited", "1\n"), ada.new_document("Quiet", "1\n"), new_id());
    let backups = tempfile::tempdir().unwrap();
    let backup = backups.path().join("backup");
    back_up(&server, &backup);
    let to_two = || update("to 2", &edited).base(1).content("2\n");
    on(&ada, "laptop", to_two()).expect_outcomes(["to 2 success v2"]);
    on(&ada, "phone", update("to 3", &edited).base(2).content("3\n")).expect_outcomes(["to 3 success v3"]);
    let make = |text: &str| create("make").id(&lost).title("Lost").content(text);
    on(&ada, "phone", make("phone\n")).expect_outcomes(["make success v1"]);
    let cursor = next_cursor(&ada.pull(""));
    let event = ada.events().last_event_id.expect("an id");

    let mut floors = vec![3];
    // The second restore of the same backup does not know of the first.
    for _ in 0..2 {
        put_back(&mut server, &backup);
        ada.pull(&format!("&cursor={cursor}")).expect_problem(410, "cursor_expired");
        ada.batch().field("cursor", cursor.as_str()).send().expect_problem(410, "cursor_expired");
        let mut stream = ada.events_since(&event);
        assert_eq!(stream.expect_event("pull"), json!({ "reason": "far_behind" }));
        assert_eq!(ada.read(&edited).body["version"], 1);
        // Nobody has written yet: what was given out is beyond all there is.
        let stale = |base: i64| update("stale", &edited).base(base).content("stale\n");
        ada.send(stale(3)).expect_outcomes(["stale error invalid_base_version v1"]);
        // The backup has no receipt: the operation is applied, not replayed.
        let again = on(&ada, "laptop", to_two());
        let floor = again.result("to 2")["version"].as_i64().unwrap();
        assert!(floor > 1_000_000 && floor < 1 << 53 && again.result("to 2")["replayed"].is_null(), "{again}");
        assert!(floors.iter().all(|other| *other != floor), "{floor} was given out before: {floors:?}");
        assert_eq!(stream.change()["version"], floor);
        // Every version that an editor may still have from before is stale now, and not taken for one that is known.
        for known in &floors {
            let refused = ada.send(stale(*known));
            assert_eq!(refused.outcomes(), [format!("stale conflict version_mismatch v{floor}")]);
            assert_eq!(refused.result("stale")["base"], Value::Null, "{refused}");
            let gone = ada.send(delete("gone", &edited).base(*known));
            assert_eq!(gone.outcomes(), [format!("gone conflict version_mismatch v{floor}")]);
        }
        let next = ada.send(update("next", &edited).base(floor).content("next\n"));
        assert_eq!(next.outcomes(), [format!("next success v{}", floor + 1)]);
        floors.extend([floor, floor + 1]);
        // What the backup has is the same as before, up to the next change.
        let first = ada.send(update("first", &quiet).base(1).content("2\n"));
        assert!(first.result("first")["version"].as_i64().unwrap() >= floor, "{first}");
        // A document that was lost is made anew, and its old version 1 is not its new one.
        let made = on(&ada, "laptop", make("laptop\n")).result("make")["version"].as_i64().unwrap();
        assert!(made >= floor, "{made}");
        let behind = ada.send(update("behind", &lost).base(1).content("phone, edited\n"));
        assert_eq!(behind.outcomes(), [format!("behind conflict version_mismatch v{made}")]);
    }
}

fn a_new_generation_is_begun_while_serving(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let cursor = next_cursor(&ada.pull(""));
    assert!(admin(&server, &["new-generation"]).starts_with("generation 2 begins"));
    ada.pull(&format!("&cursor={cursor}")).expect_problem(410, "cursor_expired");
    let page = ada.pull("").expect(200);
    assert_eq!(page.items().len(), 1);
    ada.pull(&format!("&cursor={}", next_cursor(&page))).expect(200);
    // An editor that was offline knows its own document as version 1.
    let made = new_id();
    let queue = ada.batch().with(create("make").id(&made).title("Made").content("one\n"));
    let queue = queue.with(update("more", &made).base(1).content("two\n")).with(delete("gone", &made).base(1));
    let answer = queue.send().expect(200);
    assert!(answer.results().iter().all(|result| result["status"] == "success"), "{answer}");
    let edited = ada.send(update("edit", &id).base(1).content("two\n"));
    assert!(edited.result("edit")["version"].as_i64().unwrap() > 1_000_000, "{edited}");
}

#[test]
fn a_backup_is_not_written_over_nor_restored_under_a_server() {
    let mut server = TestServer::start(Database::Sqlite);
    let ada = server.register("ada");
    ada.new_document("Notes", "one\n");
    let backups = tempfile::tempdir().unwrap();
    let [backup, other] = ["a.db", "b.db"].map(|name| backups.path().join(name).to_str().unwrap().to_owned());
    admin(&server, &["backup", &backup]);
    let is_refused = |server: &TestServer, arguments: &[&str], reason: &str| {
        let (done, _, complaint) = try_admin(server, arguments);
        assert!(!done && complaint.contains(reason) && complaint.lines().count() == 1, "{complaint}");
    };
    is_refused(&server, &["backup", &backup], "exists; name a new file");
    is_refused(&server, &["backup", "/nowhere/at/all.db"], "cannot write");
    is_refused(&server, &["restore", &backup], "is in use; stop the server first");
    assert_eq!(ada.list("").items().len(), 1, "the server goes on");
    assert!(server.stop().success());
    std::fs::write(&other, "not a database").unwrap();
    is_refused(&server, &["restore", &other], "not a database");
    let mut torn = std::fs::read(&backup).unwrap();
    let half = torn.len() / 2;
    torn.truncate(half);
    std::fs::write(&other, torn).unwrap();
    is_refused(&server, &["restore", &other], "");
    let left: Vec<_> = std::fs::read_dir(backups.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    server.restart();
    assert_eq!(ada.list("").items().len(), 1, "and its database is as it was");
    assert!(!server.log().contains("begins a new life"));
}

#[test]
fn a_server_whose_database_file_is_gone_says_so() {
    let server = TestServer::start(Database::Sqlite);
    let ada = server.register("ada");
    ada.new_document("Notes", "one\n");
    let path = server.data_directory().join("landfall.db");
    let aside = server.data_directory().join("aside");
    std::fs::rename(&path, &aside).unwrap();
    let refused = ada.send(create("lost").title("Lost").content(""));
    assert_eq!(refused.status, 503, "{refused}");
    let is_healthy = || raw_get(&server, "/api/health", "", "").starts_with("HTTP/1.1 200");
    assert!(!is_healthy());
    std::fs::rename(&aside, &path).unwrap();
    ada.send(create("kept").title("Kept").content("")).expect_outcomes(["kept success v1"]);
    assert!(is_healthy());
}
