//! `landfall admin user|workspace|token`, on the database of a running server and on that of a stopped one.

use serde_json::json;

use super::access::{administer, script_token};
use crate::harness::server::run_program;
use crate::harness::user::PASSWORD;
use crate::harness::{Database, TestServer, User, create, delete, on_both_databases};

on_both_databases!(
    a_server_without_users_says_how_to_make_one,
    accounts_are_made_and_locked_out,
    passwords_are_never_taken_from_the_command_line,
    a_person_is_deleted_and_that_is_proved,
    a_workspace_is_looked_after,
    tokens_are_shown_once_and_revoked,
);

const CLOSED: [(&str, &str); 2] = [("LANDFALL_REGISTRATION", "closed"), ("LANDFALL_RATE_LIMIT", "off")];

/// Runs a command that must fail; what it says.
fn refused(server: &TestServer, arguments: &[&str]) -> String {
    let directory = server.data_directory().to_str().unwrap().to_owned();
    let mut settings = vec![("LANDFALL_DATA_DIR", directory.as_str())];
    settings.extend(server.postgres_url().map(|url| ("LANDFALL_DATABASE_URL", url)));
    let (status, stdout, stderr) = run_program(arguments, &settings);
    assert!(!status.success(), "{arguments:?}: {stdout}");
    stderr
}

/// Asks again and again, for as long as a busy machine may take.
fn comes_true(is_so: impl Fn() -> bool) -> bool {
    (0..1_200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        is_so()
    })
}

/// A file with a password in it.
fn password_file(server: &TestServer, password: &str) -> String {
    let path = server.data_directory().join("password");
    std::fs::write(&path, format!("{password}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn add(server: &TestServer, username: &str) {
    let file = password_file(server, PASSWORD);
    administer(server, &["admin", "user", "add", username, "--password-file", &file]);
}

fn log_in(server: &TestServer, username: &str, password: &str) -> u16 {
    server.client().post("/api/v1/auth/login", &json!({ "username": username, "password": password })).status
}

fn a_server_without_users_says_how_to_make_one(database: Database) {
    let mut server = TestServer::start_with(database, &CLOSED);
    // What it prints behind its first line comes a moment later.
    let says = |server: &TestServer, what: &str| comes_true(|| server.log().contains(what));
    assert!(says(&server, "There is no user yet"), "{}", server.log());
    assert!(says(&server, "landfall admin user add NAME"), "{}", server.log());
    add(&server, "ada");
    assert!(server.stop().success());
    server.restart();
    assert!(says(&server, "makes accounts"), "{}", server.log());
    assert_eq!(server.log().matches("There is no user yet").count(), 1);
    User::login(server.client(), "ada").send(create("first")).expect_outcomes(["first success v1"]);
}

fn accounts_are_made_and_locked_out(database: Database) {
    let server = TestServer::start_with(database, &CLOSED);
    add(&server, "Ada");
    assert!(refused(&server, &["admin", "user", "add", "ada", "--password-file", "-"]).contains("already"));
    assert!(refused(&server, &["admin", "user", "add", "a b", "--password-file", "-"]).contains("username"));
    let ada = User::login(server.client(), "ada");
    assert!(administer(&server, &["admin", "user", "list"]).contains("  ada  "));

    administer(&server, &["admin", "user", "disable", "ada"]);
    assert!(administer(&server, &["admin", "user", "list"]).contains("disabled since"));
    assert_eq!(log_in(&server, "ada", PASSWORD), 403);
    assert_eq!(log_in(&server, "ada", "a wrong password"), 401, "who does not know the password learns nothing");
    let token = json!({ "refresh_token": ada.refresh_token });
    server.client().post("/api/v1/auth/refresh", &token).expect_problem(401, "unauthorized");
    assert!(comes_true(|| ada.get("/api/v1/workspaces").status == 401), "within five seconds, it says");

    administer(&server, &["admin", "user", "enable", "ada"]);
    assert_eq!(log_in(&server, "ada", PASSWORD), 200);
    let file = password_file(&server, "another horse another staple");
    administer(&server, &["admin", "user", "passwd", "ada", "--password-file", &file]);
    assert_eq!(log_in(&server, "ada", PASSWORD), 401);
    assert_eq!(log_in(&server, "ada", "another horse another staple"), 200);
}

fn passwords_are_never_taken_from_the_command_line(database: Database) {
    let server = TestServer::start_with(database, &CLOSED);
    let says = refused(&server, &["admin", "user", "add", "ada", "--password", PASSWORD]);
    assert!(says.contains("unexpected argument"), "{says}");
    let says = refused(&server, &["admin", "user", "add", "ada"]);
    assert!(says.contains("--password-file"), "{says}");
    let short = password_file(&server, "short");
    let says = refused(&server, &["admin", "user", "add", "ada", "--password-file", &short]);
    assert!(says.contains("at least 8 characters"), "{says}");
}

fn a_person_is_deleted_and_that_is_proved(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    let shared = grace.new_document("Shared", "one\n");
    let own = User::login(server.client(), "grace");
    own.new_document("Own", "two\n");
    assert!(refused(&server, &["admin", "user", "delete", "ada", "--yes", "ada"]).contains("the last owner"));
    assert!(refused(&server, &["admin", "user", "delete", "grace", "--yes", "grac"]).contains("nothing was deleted"));
    assert!(server.stop().success()); // without a running server
    let says = administer(&server, &["admin", "user", "delete", "grace", "--yes", "grace"]);
    for line in [
        "       1  users",
        "       1  documents",
        "       1  document_log",
        "       0  sessions",
        "what stays, and why",
    ] {
        assert!(says.contains(line), "{line}:\n{says}");
    }
    server.restart();
    assert_eq!(log_in(&server, "grace", PASSWORD), 401);
    assert_eq!(ada.read(&shared).expect(200).string("/updated_by"), "");
    assert!(!administer(&server, &["admin", "workspace", "list"]).contains(&own.workspace_id));
}

fn a_workspace_is_looked_after(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    server.register("grace");
    let id = ada.new_document("Notes", "one\n");
    ada.send(delete("gone", &ada.new_document("Gone", "x")).base(1)).expect(200);
    let workspace = ada.workspace_id.as_str();
    let listed = administer(&server, &["admin", "workspace", "list"]);
    let line = listed.lines().find(|line| line.starts_with(workspace)).unwrap();
    assert!(line.contains("\"Notes\"  owner ada  1 documents  7 bytes"), "{line}");

    for name in ["", "  ", "a\nb", "\u{1b}[31m", &"x".repeat(201)] {
        let why = refused(&server, &["admin", "workspace", "rename", workspace, name]);
        assert!(why.contains("the name must have 1 to 200 characters"), "{name:?}: {why}");
    }
    administer(&server, &["admin", "workspace", "rename", workspace, "Field notes"]);
    let members = administer(&server, &["admin", "workspace", "members", workspace, "--set", "grace=owner"]);
    assert!(members.contains("ada  owner") && members.contains("grace  owner"), "{members}");
    administer(&server, &["admin", "workspace", "members", workspace, "--remove", "ada"]);
    ada.read(&id).expect_problem(404, "not_found");
    assert!(
        refused(&server, &["admin", "workspace", "members", workspace, "--remove", "grace"]).contains("last owner")
    );

    let file = server.data_directory().join("export.jsonl");
    let path = file.to_str().unwrap();
    administer(&server, &["admin", "workspace", "export", workspace, path]);
    let exported = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<serde_json::Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{exported}");
    assert_eq!((&lines[0]["document_id"], &lines[0]["content"]), (&json!(id), &json!("one\n")));
    assert!(refused(&server, &["admin", "workspace", "export", workspace, path]).contains("exists"));

    assert!(
        refused(&server, &["admin", "workspace", "delete", workspace, "--yes", "Notes"])
            .contains("nothing was deleted")
    );
    administer(&server, &["admin", "workspace", "delete", workspace, "--yes", "Field notes"]);
    assert!(!administer(&server, &["admin", "workspace", "list"]).contains(workspace));
    assert!(refused(&server, &["admin", "workspace", "rename", workspace, "Again"]).contains("no such workspace"));
}

fn tokens_are_shown_once_and_revoked(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let token = script_token(&server, &ada, "viewer");
    assert!(token.starts_with("lft_"), "{token}");
    let script = User { client: server.client().with_token(&token), ..ada.clone() };
    script.list("").expect(200);
    let listed = administer(&server, &["admin", "token", "list", &ada.workspace_id]);
    assert!(listed.contains("\"test\"  viewer for ada") && !listed.contains(&token), "{listed}");
    server.register("eve");
    let arguments = ["admin", "token", "add", &ada.workspace_id, "--user", "eve", "--role", "viewer", "--name", "x"];
    assert!(refused(&server, &arguments).contains("not a member"));
    administer(&server, &["admin", "token", "revoke", listed.split_whitespace().next().unwrap()]);
    script.list("").expect_problem(401, "unauthorized");
}
