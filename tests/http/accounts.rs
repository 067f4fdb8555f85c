//! Built-in accounts and tokens (protocol §5).

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::harness::server::JWT_SECRET;
use crate::harness::user::PASSWORD;
use crate::harness::{Database, TestServer, User, create, on_both_databases};

const REGISTER: &str = "/api/v1/auth/register";
const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";

on_both_databases!(
    registering_makes_a_workspace,
    a_taken_name_is_refused,
    bad_names_and_passwords_are_refused,
    wrong_names_and_wrong_passwords_are_answered_alike,
    a_refresh_token_serves_once,
    a_stolen_refresh_token_ends_the_session,
    a_lost_answer_costs_no_login,
    logging_out_ends_the_session,
    sessions_are_listed_and_ended,
    a_password_is_changed,
    an_account_is_deleted,
    registrations_are_limited_by_address,
    an_untrusted_proxy_is_told_of_once,
    logins_and_deletions_leave_audit_lines,
    a_missing_or_forged_token_is_refused,
    an_expired_token_is_refused,
    tokens_survive_a_restart,
    registration_can_be_closed,
    the_secret_of_the_tokens_is_made_and_kept,
    secrets_are_never_logged,
);

fn registering_makes_a_workspace(database: Database) {
    let server = TestServer::start(database);
    let answer = server.client().post(REGISTER, &json!({ "username": "ada", "password": PASSWORD })).expect(201);
    let workspace = answer.string("/workspace_id");
    let ada = User::login(server.client(), "ada");
    assert_eq!(ada.workspace_id, workspace);
    let workspaces = ada.get("/api/v1/workspaces").expect(200);
    assert_eq!(workspaces.column("workspace_id"), [json!(workspace)]);
    assert_eq!(workspaces.column("role"), ["owner"]);
    ada.send(create("first")).expect_outcomes(["first success v1"]);
}

fn a_taken_name_is_refused(database: Database) {
    let server = TestServer::start(database);
    server.register("ada");
    for name in ["ada", "Ada", "ADA"] {
        let credentials = json!({ "username": name, "password": "another password" });
        server.client().post(REGISTER, &credentials).expect_problem(409, "username_taken");
    }
    User::login(server.client(), "ada"); // with the first password
}

fn bad_names_and_passwords_are_refused(database: Database) {
    let server = TestServer::start(database);
    for (username, password, pointer) in [
        ("", PASSWORD, "/username"),
        ("a b", PASSWORD, "/username"),
        ("a/b", PASSWORD, "/username"),
        ("a\u{0}b", PASSWORD, "/username"),
        (&"a".repeat(65), PASSWORD, "/username"),
        ("ada", "short", "/password"),
        ("ada", &"x".repeat(1025), "/password"),
    ] {
        let credentials = json!({ "username": username, "password": password });
        server.client().post(REGISTER, &credentials).expect_problem(422, "invalid").expect_pointer(pointer);
    }
    for body in [json!({ "username": "ada" }), json!({ "username": 7, "password": PASSWORD }), json!([])] {
        server.client().post(REGISTER, &body).expect_problem(400, "bad_request");
    }
}

fn wrong_names_and_wrong_passwords_are_answered_alike(database: Database) {
    let server = TestServer::start(database);
    server.register("ada");
    let log_in = |username: &str, password: &str| {
        let credentials = json!({ "username": username, "password": password });
        server.client().post(LOGIN, &credentials).expect_problem(401, "unauthorized").without_request_id()
    };
    let wrong_password = log_in("ada", "not her password");
    assert_eq!(wrong_password, log_in("nobody", "not her password"));
    assert_eq!(wrong_password, log_in("ada", "short"));
    assert_eq!(wrong_password, log_in("a b", "not her password"));
}

fn a_refresh_token_serves_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let first = server.client().post(REFRESH, &json!({ "refresh_token": ada.refresh_token })).expect(200);
    assert_ne!(first.string("/refresh_token"), ada.refresh_token);
    let renewed = ada.client.with_token(&first.string("/access_token"));
    renewed.get("/api/v1/workspaces").expect(200);
    let next = json!({ "refresh_token": first.string("/refresh_token") });
    server.client().post(REFRESH, &next).expect(200);
}

fn a_stolen_refresh_token_ends_the_session(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let elsewhere = User::login(server.client(), "ada");
    let refresh = |token: &str| server.client().post(REFRESH, &json!({ "refresh_token": token }));
    let next = refresh(&ada.refresh_token).expect(200).string("/refresh_token");
    let after = refresh(&next).expect(200);
    // Its successor has been used: one of the two who hold it is a thief.
    refresh(&ada.refresh_token).expect_problem(401, "unauthorized");
    refresh(&after.string("/refresh_token")).expect_problem(401, "unauthorized");
    let last = server.client().with_token(&after.string("/access_token"));
    last.get("/api/v1/workspaces").expect_problem(401, "unauthorized");
    refresh(&elsewhere.refresh_token).expect(200); // another login of hers goes on
}

fn a_lost_answer_costs_no_login(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let refresh = |token: &str| server.client().post(REFRESH, &json!({ "refresh_token": token }));
    let mut token = ada.refresh_token.clone();
    for _ in 0..3 {
        let lost = refresh(&token).expect(200).string("/refresh_token");
        let again = refresh(&token).expect(200).string("/refresh_token");
        assert_ne!(lost, again);
        token = refresh(&again).expect(200).string("/refresh_token");
    }
    // A successor that was not used is worthless once another took its place.
    let lost = refresh(&token).expect(200).string("/refresh_token");
    let next = refresh(&token).expect(200).string("/refresh_token");
    refresh(&lost).expect_problem(401, "unauthorized");
    refresh(&next).expect_problem(401, "unauthorized");
}

fn sessions_are_listed_and_ended(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let elsewhere = User::login(server.client(), "ada");
    let grace = server.register("grace");
    let sessions = ada.get("/api/v1/auth/sessions").expect(200);
    assert_eq!(sessions.items().len(), 2);
    let mut current = sessions.column("current");
    current.sort_by_key(Value::to_string);
    assert_eq!(current, [false, true]);
    let other = sessions.items().iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/api/v1/auth/sessions/{}", other["session_id"].as_str().unwrap());
    grace.delete(&path).expect_problem(404, "not_found");
    elsewhere.get("/api/v1/workspaces").expect(200);
    ada.delete(&path).expect(204);
    ada.delete(&path).expect_problem(404, "not_found");
    elsewhere.get("/api/v1/workspaces").expect_problem(401, "unauthorized");
    let token = json!({ "refresh_token": elsewhere.refresh_token });
    server.client().post(REFRESH, &token).expect_problem(401, "unauthorized");
    ada.get("/api/v1/workspaces").expect(200);
}

fn a_password_is_changed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let elsewhere = User::login(server.client(), "ada");
    let change =
        |old: &str, new: &str| ada.post("/api/v1/auth/password", &json!({ "old_password": old, "new_password": new }));
    let new = "another horse another staple";
    change("not her password", new).expect_problem(422, "invalid").expect_pointer("/old_password");
    change(PASSWORD, "short").expect_problem(422, "invalid").expect_pointer("/new_password");
    change(PASSWORD, new).expect(204);
    ada.get("/api/v1/workspaces").expect(200);
    elsewhere.get("/api/v1/workspaces").expect_problem(401, "unauthorized");
    let log_in = |password: &str| server.client().post(LOGIN, &json!({ "username": "ada", "password": password }));
    log_in(PASSWORD).expect_problem(401, "unauthorized");
    log_in(new).expect(200);
}

fn an_account_is_deleted(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let team = ada.new_workspace("Team");
    let grace = team.invite(&server.register("grace"), "editor");
    let hers = grace.new_document("Hers", "one\n");
    let path = "/api/v1/auth/delete-account";
    let with_password = json!({ "password": PASSWORD });
    ada.post(path, &json!({ "password": "not her password" }))
        .expect_problem(422, "invalid")
        .expect_pointer("/password");
    ada.post(path, &json!({})).expect_problem(422, "invalid");
    let refused = ada.post(path, &with_password).expect_problem(409, "last_owner");
    assert!(refused.string("/detail").contains("\"Team\""), "{refused}");
    grace.post(path, &with_password).expect(204);
    grace.get("/api/v1/workspaces").expect_problem(401, "unauthorized");
    server.client().post(LOGIN, &json!({ "username": "grace", "password": PASSWORD })).expect(401);
    // What she wrote for others stays, without her name.
    let left = team.read(&hers).expect(200);
    assert_eq!((left.string("/content"), left.string("/updated_by")), ("one\n".to_owned(), String::new()));
    ada.post(path, &with_password).expect(204);
    server.register("ada");
}

fn registrations_are_limited_by_address(database: Database) {
    let settings = [("LANDFALL_TRUST_PROXY", "true"), ("LANDFALL_REGISTRATION_LIMIT", "2")];
    let server = TestServer::start_with(database, &settings);
    let register = |name: &str, address: Option<&str>| {
        let body = json!({ "username": name, "password": PASSWORD });
        let request = server.client().request("POST", REGISTER).json(&body);
        match address {
            Some(address) => request.header("x-forwarded-for", address).send(),
            None => request.send(),
        }
    };
    for name in ["a1", "a2"] {
        register(name, Some("192.0.2.1")).expect(201);
    }
    let refused = register("a3", Some("192.0.2.1")).expect_problem(429, "rate_limited");
    assert!((1..=3_600).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    register("a3", Some("192.0.2.2")).expect(201);
    for name in ["b1", "b2", "b3", "b4"] {
        register(name, None).expect(201); // from this machine
    }
}

fn an_untrusted_proxy_is_told_of_once(database: Database) {
    let server = TestServer::start(database);
    for _ in 0..3 {
        let wrong = json!({ "username": "ada", "password": "a wrong password" });
        let request = server.client().request("POST", LOGIN).json(&wrong);
        request.header("x-forwarded-for", "192.0.2.1").send().expect(401);
    }
    assert_eq!(server.log().matches("LANDFALL_TRUST_PROXY is not set").count(), 1, "{}", server.log());
}

fn logins_and_deletions_leave_audit_lines(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "viewer");
    ada.invite(&grace, "editor");
    User::login(server.client(), "ada");
    server.client().post(LOGIN, &json!({ "username": "ada", "password": "a wrong password" })).expect(401);
    server.client().post(LOGIN, &json!({ "username": "my secret", "password": "a wrong password" })).expect(401);
    let team = ada.new_workspace("Team");
    ada.delete(&format!("/api/v1/workspaces/{}?name=Team", team.workspace_id)).expect(204);
    grace.post("/api/v1/auth/delete-account", &json!({ "password": PASSWORD })).expect(204);
    assert!(server.stop().success());
    let log = server.log();
    let lines =
        |event: &str| log.lines().filter(|line| line.contains(&format!("event=\"{event}\""))).collect::<Vec<_>>();
    for (event, count) in [
        ("registered", 2),
        ("logged_in", 1),
        ("login_failed", 2),
        ("member_invited", 1),
        ("member_joined", 1),
        ("role_changed", 1),
        ("workspace_made", 1),
        ("workspace_deleted", 2), // hers alone, too
        ("account_deleted", 1),
    ] {
        let lines = lines(event);
        assert_eq!(lines.len(), count, "{event}:\n{log}");
        assert!(lines.iter().all(|line| line.contains("peer=127.0.0.1")), "{lines:?}");
    }
    assert!(!log.contains("my secret"), "what was typed as a name and is none is not logged");
}

fn logging_out_ends_the_session(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let token = json!({ "refresh_token": ada.refresh_token });
    ada.post(LOGOUT, &token).expect(204);
    ada.get("/api/v1/workspaces").expect_problem(401, "unauthorized");
    server.client().post(REFRESH, &token).expect_problem(401, "unauthorized");
    ada.post(LOGOUT, &token).expect(204);
    ada.post(LOGOUT, &json!({ "refresh_token": "no token of anyone" })).expect(204);
    User::login(server.client(), "ada");
}

fn a_missing_or_forged_token_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let path = "/api/v1/workspaces";
    let answer = server.client().get(path).expect_problem(401, "unauthorized");
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    let (head, rest) = ada.access_token.split_once('.').expect("a JWT");
    let (claims, signature) = rest.split_once('.').expect("a JWT");
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for forged in [
        String::new(),
        "nonsense".to_owned(),
        format!("{head}.{claims}."),
        format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>()),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        sign(&claims_of(&ada), "another secret, as long as the first one is"),
        ada.refresh_token.clone(),
        "x".repeat(10_000),
    ] {
        let client = server.client().with_token(&forged);
        client.get(path).expect_problem(401, "unauthorized");
    }
    for scheme in ["Basic YWRhOnB3", "bearer", "Bearer", &ada.access_token] {
        let request = server.client().request("GET", path).header("authorization", scheme);
        request.send().expect_problem(401, "unauthorized");
    }
    let lower_case = format!("bearer {}", ada.access_token);
    server.client().request("GET", path).header("authorization", &lower_case).send().expect(200);
}

fn an_expired_token_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let mut claims = claims_of(&ada);
    let resigned = server.client().with_token(&sign(&claims, JWT_SECRET));
    resigned.get("/api/v1/workspaces").expect(200); // so that what follows tests the time and nothing else
    claims["exp"] = json!(claims["exp"].as_i64().expect("a time") - 100_000);
    let expired = server.client().with_token(&sign(&claims, JWT_SECRET));
    expired.get("/api/v1/workspaces").expect_problem(401, "unauthorized");
    expired.post("/api/v1/documents/batch", ada.batch().body()).expect_problem(401, "unauthorized");
}

fn tokens_survive_a_restart(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    assert!(server.stop().success());
    server.restart();
    ada.get("/api/v1/workspaces").expect(200);
    server.client().post(REFRESH, &json!({ "refresh_token": ada.refresh_token })).expect(200);
}

fn registration_can_be_closed(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_REGISTRATION", "closed")]);
    let credentials = json!({ "username": "ada", "password": PASSWORD });
    server.client().post(REGISTER, &credentials).expect_problem(403, "forbidden");
}

fn the_secret_of_the_tokens_is_made_and_kept(database: Database) {
    use std::os::unix::fs::PermissionsExt;
    let mut server = TestServer::start_with(database, &[("LANDFALL_JWT_SECRET", "")]);
    let ada = server.register("ada");
    let files = std::fs::read_dir(server.data_directory()).expect("a directory").flatten();
    let private = files.filter(|file| file.metadata().expect("a file").permissions().mode() & 0o777 == 0o600);
    assert!(private.count() >= 1, "a secret that only its owner may read");
    assert!(server.stop().success());
    server.restart();
    ada.get("/api/v1/workspaces").expect(200);
}

fn secrets_are_never_logged(database: Database) {
    let settings = [("RUST_LOG", "debug"), ("LANDFALL_RATE_LIMIT", "off")];
    let mut server = TestServer::start_with(database, &settings);
    let ada = server.register("ada");
    let secret_text = "the text of a document is nobody's business";
    let id = ada.new_document("a title is none either", secret_text);
    ada.read(&id).expect(200);
    ada.get(&format!("/api/v1/documents/{id}?workspace_id={}&access_token={}", ada.workspace_id, ada.access_token));
    server.client().post(LOGIN, &json!({ "username": "ada", "password": "a wrong password" })).expect(401);
    assert!(server.stop().success());
    let log = server.log();
    for secret in [
        secret_text,
        "a title is none either",
        &ada.access_token,
        &ada.refresh_token,
        PASSWORD,
        "a wrong password",
        JWT_SECRET,
    ] {
        assert!(!log.contains(secret), "the log tells {secret:?}");
    }
    assert!(log.contains("/api/v1/documents"), "requests are logged:\n{log}");
}

/// A token of the user's login that expired a day ago.
pub fn expired(user: &User) -> String {
    let mut claims = claims_of(user);
    claims["exp"] = json!(claims["exp"].as_i64().expect("a time") - 100_000);
    sign(&claims, JWT_SECRET)
}

/// As the user, with a token of theirs that lasts so many seconds, and at most one less.
pub fn briefly(user: &User, seconds: u64) -> User {
    let mut claims = claims_of(user);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    claims["exp"] = json!(now + seconds);
    let access_token = sign(&claims, JWT_SECRET);
    User { client: user.client.with_token(&access_token), access_token, ..user.clone() }
}

/// The claims of the user's token.
fn claims_of(user: &User) -> Value {
    use base64::Engine;
    let claims = user.access_token.split('.').nth(1).expect("a JWT");
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).expect("base64");
    serde_json::from_slice(&claims).expect("claims")
}

fn sign(claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).expect("a token")
}
