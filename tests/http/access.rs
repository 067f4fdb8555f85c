//! Who may do what, on every endpoint (protocol §5).

use serde_json::{Value, json};

use crate::harness::contract::CONTRACT;
use crate::harness::server::run_program;
use crate::harness::user::{PASSWORD, new_id};
use crate::harness::{Answer, Client, Database, TestServer, User, create, on_both_databases, update};

on_both_databases!(
    every_endpoint_is_as_the_table_says,
    what_is_not_yours_looks_as_what_is_not_there,
    a_script_may_no_more_than_its_user,
    documents_of_other_workspaces_stay_hidden,
    roles_take_effect_at_once,
);

const PAGE: &str = include_str!("../../docs/access.md");
const RUN: &str = "0199f3a0-7e57-7000-8000-000000000001";
/// The columns of the table behind the request.
const CALLERS: [&str; 6] = ["nobody", "stranger", "viewer", "editor", "owner", "script"];

/// A row of the table.
struct Row {
    method: &'static str,
    template: &'static str,
    /// What each caller gets: `yes` or a status.
    cells: Vec<&'static str>,
}

impl Row {
    /// Whether it must be carried out where nothing else needs what it takes away.
    fn takes_away(&self) -> bool {
        let path = self.template;
        self.method == "DELETE"
            || path.ends_with("/accept")
            || path.ends_with("/password")
            || path.ends_with("-account")
    }
}

fn rows() -> Vec<Row> {
    let table = PAGE.lines().filter(|line| line.starts_with("| `"));
    let rows = table.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (method, template) = cells[0].trim_matches('`').split_once(' ').expect("a method and a path");
        assert_eq!(cells.len(), 1 + CALLERS.len(), "{line}");
        Row { method, template, cells: cells[1..].to_vec() }
    });
    rows.collect()
}

/// A workspace with one document, its members, and somebody who may be removed.
struct Place {
    owner: User,
    document: String,
    /// The batch that made it.
    batch: String,
    /// Everybody who is somebody, by column.
    people: Vec<(&'static str, User)>,
    script: Client,
    guest: User,
}

impl Place {
    /// A fresh one, with people of its own where `people` are not given.
    fn new(server: &TestServer, number: usize) -> Self {
        let person = |role: &str| server.register(&format!("{role}{number}"));
        // Another owner, so that this one may leave.
        let owner = person("owner").new_workspace("Team");
        let second = owner.invite(&person("second"), "owner");
        let document = owner.new_document("Notes", "one\n");
        let batch = owner.versions(&document, "").items()[0]["batch_id"].as_str().expect("a batch").to_owned();
        let mut people = vec![("stranger", person("stranger"))];
        for role in ["viewer", "editor"] {
            people.push((role, owner.invite(&person(role), role)));
        }
        people.push(("owner", owner.clone()));
        let script = server.client().with_token(&script_token(server, &second, "owner"));
        Self { owner, document, batch, people, script, guest: person("guest") }
    }

    fn user(&self, caller: &str) -> Option<&User> {
        self.people.iter().find(|(name, _)| *name == caller).map(|(_, user)| user)
    }

    fn send(&self, row: &Row, client: &Client, caller: &str) -> Answer {
        let workspace = &self.owner.workspace_id;
        let session = self.user(caller).map_or_else(new_id, |user| {
            let login = User::login(&user.client, &user.username);
            let sessions = login.get("/api/v1/auth/sessions").expect(200);
            let current = sessions.items().iter().find(|session| session["current"] == true).expect("a session");
            current["session_id"].as_str().expect("an id").to_owned()
        });
        let mut path = row
            .template
            .replace("{workspace_id}", workspace)
            .replace("{document_id}", &self.document)
            .replace("{sync_id}", RUN)
            .replace("{upload_id}", RUN)
            .replace("{version}", "1")
            .replace("{batch_id}", &self.batch)
            .replace("{session_id}", &session)
            .replace("{username}", &self.guest.username);
        let has_query =
            row.method != "PUT" && ["/documents", "/syncs", "/uploads"].iter().any(|part| path.contains(part));
        let takes_body = ["/batch", "/diff", "/restore"].iter().any(|end| path.ends_with(end));
        if has_query && !takes_body {
            path += &format!("?workspace_id={workspace}");
        }
        if row.template.ends_with("/search") {
            path += "&q=notes";
        }
        if row.method == "DELETE" && row.template.ends_with("/workspaces/{workspace_id}") {
            path += "?name=Team";
        }
        let request = client.request(row.method, &path);
        match self.body(row) {
            Value::Null => request.send(),
            body => request.json(&body).send(),
        }
    }

    fn body(&self, row: &Row) -> Value {
        let workspace = &self.owner.workspace_id;
        match (row.method, row.template) {
            ("POST", "/api/v1/documents/batch") => json!({ "workspace_id": workspace, "operations": [create("op").0] }),
            ("POST", "/api/v1/documents/diff") => {
                json!({ "workspace_id": workspace, "documents": [{ "document_id": self.document }] })
            }
            ("POST", "/api/v1/batches/{batch_id}/undo") => json!({ "workspace_id": workspace, "dry_run": true }),
            ("POST", "/api/v1/documents/restore") => {
                json!({ "workspace_id": workspace, "as_of": "2999-01-01T00:00:00Z" })
            }
            ("PUT", "/api/v1/syncs/{sync_id}") => json!({ "workspace_id": workspace, "total": 1 }),
            ("PUT", path) if path.ends_with("/members/{username}") => json!({ "role": "viewer" }),
            ("POST", "/api/v1/workspaces") => json!({ "name": "One more" }),
            ("PATCH", _) => json!({ "name": "Team" }),
            ("POST", "/api/v1/auth/password") => json!({ "old_password": PASSWORD, "new_password": PASSWORD }),
            ("POST", "/api/v1/auth/delete-account") => json!({ "password": PASSWORD }),
            _ => Value::Null,
        }
    }

    /// Puts there what the request is about: the guest as a member, an invitation for the caller, an upload of theirs.
    fn prepare(&self, row: &Row, caller: &str) {
        if row.template.contains("{upload_id}") && ["editor", "owner", "script"].contains(&caller) {
            let client = self.user(caller).map_or(&self.script, |user| &user.client);
            let staged = json!({
                "workspace_id": self.owner.workspace_id, "upload_id": RUN, "commit": false, "atomic": true,
                "operations": [create("op").0],
            });
            client.request("POST", "/api/v1/documents/batch").json(&staged).send().expect(200);
        }
        if row.method == "DELETE" && row.template.ends_with("/members/{username}") {
            self.owner.invite(&self.guest, "viewer");
        }
        let is_answer = row.template.contains("/invitations/{workspace_id}");
        if let Some(user) = self.user(caller).filter(|user| is_answer && user.username != self.owner.username) {
            let member = format!("/api/v1/workspaces/{}/members/{}", self.owner.workspace_id, user.username);
            let put = self.owner.delete(&member);
            assert!(matches!(put.status, 204 | 404), "{put}");
            self.owner.put(&member, &json!({ "role": "viewer" })).expect(202);
        }
    }
}

/// A token for scripts that acts for this user, as the operator makes it beside the running server.
pub fn script_token(server: &TestServer, user: &User, role: &str) -> String {
    let name =
        ["admin", "token", "add", &user.workspace_id, "--user", &user.username, "--role", role, "--name", "test"];
    let made = administer(server, &name);
    made.lines().next().expect("a token").to_owned()
}

/// Runs a command of the operator on the server's database; what it says.
pub fn administer(server: &TestServer, arguments: &[&str]) -> String {
    let directory = server.data_directory().to_str().expect("UTF-8").to_owned();
    let mut settings = vec![("LANDFALL_DATA_DIR", directory.as_str())];
    settings.extend(server.postgres_url().map(|url| ("LANDFALL_DATABASE_URL", url)));
    let (status, stdout, stderr) = run_program(arguments, &settings);
    assert!(status.success(), "{arguments:?}: {stderr}");
    stdout
}

fn assert_answer(row: &Row, caller: &str, expected: &str, answer: &Answer) {
    let what = format!("{} {} as {caller}", row.method, row.template);
    match expected {
        "yes" => assert!(answer.status < 300, "{what} is refused\n{answer}"),
        refused => assert_eq!(answer.status.to_string(), refused, "{what}\n{answer}"),
    }
}

/// The table of `docs/access.md` is what happens, and no endpoint is missing from it.
fn every_endpoint_is_as_the_table_says(database: Database) {
    let rows = rows();
    for (method, template) in CONTRACT.operations() {
        let operation = &CONTRACT.document()["paths"][&template][method.to_lowercase()];
        let listed = rows.iter().any(|row| row.method == method && row.template == template);
        let is_open = operation["security"] == json!([]);
        assert!(listed != is_open, "{method} {template}: needs a token, or is in the table, but not both");
    }
    // Within its five seconds a login that was ended elsewhere may still serve: what takes away is done here, at once.
    let server = TestServer::start(database);
    let mut number = 0;
    let place = Place::new(&server, number);
    let dead = dead_tokens(&server);
    for row in &rows {
        for token in [None].into_iter().chain(dead.iter().map(Some)) {
            let client = token.map_or_else(|| server.client().clone(), |token| server.client().with_token(token));
            let answer = place.send(row, &client, "nobody").expect_problem(401, "unauthorized");
            assert_answer(row, "nobody", row.cells[0], &answer);
        }
    }
    for row in &rows {
        let fresh = row.takes_away().then(|| {
            number += 1;
            Place::new(&server, number)
        });
        let place = fresh.as_ref().unwrap_or(&place);
        // The owner last: what they take away is gone for the token, too.
        let mut callers: Vec<_> = CALLERS.into_iter().zip(&row.cells).skip(1).collect();
        callers.sort_by_key(|(caller, _)| *caller == "owner");
        for (caller, expected) in callers {
            // The owner of a place is invited nowhere: a place of the stranger's is as good.
            if caller == "owner" && row.template.contains("/invitations/{workspace_id}") {
                continue;
            }
            place.prepare(row, caller);
            let client = place.user(caller).map_or(&place.script, |user| &user.client);
            assert_answer(row, caller, expected, &place.send(row, client, caller));
        }
    }
}

/// Tokens that were good once: expired, of a login that was ended, for scripts and revoked, of a disabled account.
fn dead_tokens(server: &TestServer) -> Vec<String> {
    let gone = server.register("gone");
    gone.post("/api/v1/auth/logout", &json!({ "refresh_token": gone.refresh_token })).expect(204);
    let locked = server.register("locked");
    let revoked = script_token(server, &locked, "owner");
    let listed = administer(server, &["admin", "token", "list", &locked.workspace_id]);
    administer(server, &["admin", "token", "revoke", listed.split_whitespace().next().expect("an id")]);
    let of_locked = script_token(server, &locked, "owner");
    administer(server, &["admin", "user", "disable", "locked"]);
    let ada = server.register("late");
    vec![gone.access_token, revoked, of_locked, locked.access_token, super::accounts::expired(&ada)]
}

fn what_is_not_yours_looks_as_what_is_not_there(database: Database) {
    let server = TestServer::start(database);
    let place = Place::new(&server, 0);
    let nowhere = Place {
        owner: place.owner.in_workspace(&new_id()),
        document: place.document.clone(),
        batch: place.batch.clone(),
        people: place.people.clone(),
        script: place.script.clone(),
        guest: place.guest.clone(),
    };
    let stranger = place.user("stranger").expect("a stranger");
    for row in rows().iter().filter(|row| row.cells[1] == "404") {
        let not_yours = place.send(row, stranger, "x").expect(404);
        let not_there = nowhere.send(row, stranger, "x").expect(404);
        assert_eq!(not_yours.without_request_id(), not_there.without_request_id());
        let names = |answer: &Answer| answer.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&not_yours), names(&not_there));
        nowhere.send(row, &place.script, "x").expect(404);
    }
}

/// A token may no more than its role and its user's, also after that one's was changed.
fn a_script_may_no_more_than_its_user(database: Database) {
    let server = TestServer::start(database);
    let owner = server.register("ada");
    let editor = owner.invite(&server.register("grace"), "editor");
    let id = owner.new_document("Notes", "one\n");
    let as_script = |token: &str| User { client: server.client().with_token(token), ..editor.clone() };
    let reader = as_script(&script_token(&server, &editor, "viewer"));
    reader.read(&id).expect(200);
    reader.send(create("no")).expect_problem(403, "forbidden");
    let writer = as_script(&script_token(&server, &editor, "owner"));
    writer.send(update("edit", &id).base(1).content("two\n")).expect_outcomes(["edit success v2"]);
    assert_eq!(owner.read(&id).string("/updated_by"), "grace");
    writer.get(&format!("/api/v1/workspaces/{}/members", owner.workspace_id)).expect_problem(403, "forbidden");
    let listed = writer.get("/api/v1/workspaces").expect(200);
    assert_eq!((listed.column("role"), listed.items().len()), (vec![json!("editor")], 1));
    // Her own workspace is there for her, and not for the token.
    let own = server.register("eve").workspace_id;
    writer.in_workspace(&own).list("").expect_problem(404, "not_found");
    owner.invite(&editor, "viewer");
    writer.send(create("no")).expect_problem(403, "forbidden");
    owner.delete(&format!("/api/v1/workspaces/{}/members/grace", owner.workspace_id)).expect(204);
    reader.read(&id).expect_problem(401, "unauthorized");
    assert!(!server.log().contains("lft_"), "a token is in the log");
}

fn documents_of_other_workspaces_stay_hidden(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = server.register("grace");
    let hers = ada.new_document("Hers", "one\n");
    grace.read(&hers).expect_problem(404, "not_found");
    grace.versions(&hers, "").expect_problem(404, "not_found");
    grace.version(&hers, 1).expect_problem(404, "not_found");
    assert_eq!(grace.list("").items().len(), 0);
    grace.send(update("edit", &hers).base(1).content("x")).expect_outcomes(["edit error not_found"]);
    grace.send(create("same").id(&hers).title("Grace's")).expect_outcomes(["same success v1"]);
    assert_eq!(ada.read(&hers).string("/title"), "Hers");
}

fn roles_take_effect_at_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "viewer");
    let id = ada.new_document("Notes", "one\n");
    assert_eq!(grace.read(&id).string("/content"), "one\n");
    grace.send(create("no")).expect_problem(403, "forbidden");
    ada.invite(&grace, "editor");
    grace.send(update("edit", &id).base(1).content("two\n")).expect_outcomes(["edit success v2"]);
    assert_eq!(ada.read(&id).string("/updated_by"), "grace");
    ada.delete(&format!("/api/v1/workspaces/{}/members/grace", ada.workspace_id)).expect(204);
    grace.read(&id).expect_problem(404, "not_found");
    grace.send(create("no")).expect_problem(404, "not_found");
}
