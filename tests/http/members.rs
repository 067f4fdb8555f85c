//! Workspaces and their members (protocol §5).

use serde_json::json;

use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, User, on_both_databases};

on_both_databases!(
    workspaces_are_made_and_listed,
    a_workspace_id_belongs_to_one_workspace,
    bad_workspaces_are_refused,
    members_come_change_and_go,
    the_last_owner_stays,
    unknown_roles_are_refused,
    members_are_added_at_once_by_a_setting,
    an_invitation_tells_nobody_who_has_an_account,
    an_invitation_is_accepted_or_not,
    members_are_listed_in_pages,
    everybody_may_leave,
    workspaces_are_renamed,
    a_deleted_workspace_is_gone,
);

fn members(user: &User) -> Vec<String> {
    let list = user.get(&format!("/api/v1/workspaces/{}/members", user.workspace_id)).expect(200);
    let mut members: Vec<String> = list
        .items()
        .iter()
        .map(|member| format!("{} {}", member["username"].as_str().unwrap(), member["role"].as_str().unwrap()))
        .collect();
    members.sort();
    members
}

fn member_path(user: &User, username: &str) -> String {
    format!("/api/v1/workspaces/{}/members/{username}", user.workspace_id)
}

fn workspaces_are_made_and_listed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = new_id();
    let own = ada.post("/api/v1/workspaces", &json!({ "name": "Own id", "workspace_id": id })).expect(201);
    assert_eq!((own.string("/workspace_id"), own.string("/role")), (id.clone(), "owner".into()));
    let minted = ada.post("/api/v1/workspaces", &json!({ "name": "Minted — 文字" })).expect(201);
    let list = ada.get("/api/v1/workspaces").expect(200);
    for workspace in [own, minted] {
        assert!(list.items().contains(&workspace.body), "{workspace}\n{list}");
    }
    assert_eq!(list.items().len(), 3, "with the one that came with the account");
}

fn a_workspace_id_belongs_to_one_workspace(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace) = (server.register("ada"), server.register("grace"));
    let body = json!({ "name": "Mine", "workspace_id": ada.workspace_id });
    ada.post("/api/v1/workspaces", &body).expect_problem(409, "workspace_exists");
    grace.post("/api/v1/workspaces", &body).expect_problem(409, "workspace_exists");
    grace.list("").expect(200);
    grace.in_workspace(&ada.workspace_id).list("").expect_problem(404, "not_found");
}

fn bad_workspaces_are_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for body in [json!({}), json!({ "name": 7 }), json!([]), json!({ "name": "x", "workspace_id": "mine" })] {
        ada.post("/api/v1/workspaces", &body).expect_problem(400, "bad_request");
    }
    for name in [String::new(), "a\u{0}b".to_owned(), "x".repeat(10_000)] {
        ada.post("/api/v1/workspaces", &json!({ "name": name })).expect_problem(422, "invalid").expect_pointer("/name");
    }
}

fn members_come_change_and_go(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "viewer");
    assert_eq!(members(&ada), ["ada owner", "grace viewer"]);
    ada.invite(&grace, "owner");
    assert_eq!(members(&grace), ["ada owner", "grace owner"]);
    // Upper case means the same account.
    grace.put(&member_path(&grace, "ADA"), &json!({ "role": "editor" })).expect(200);
    assert_eq!(members(&grace), ["ada editor", "grace owner"]);
    grace.delete(&member_path(&grace, "ada")).expect(204);
    assert_eq!(members(&grace), ["grace owner"]);
    grace.delete(&member_path(&grace, "ada")).expect_problem(404, "not_found");
}

fn the_last_owner_stays(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.invite(&server.register("grace"), "editor");
    ada.put(&member_path(&ada, "ada"), &json!({ "role": "viewer" })).expect_problem(409, "last_owner");
    ada.delete(&member_path(&ada, "ada")).expect_problem(409, "last_owner");
    ada.put(&member_path(&ada, "ada"), &json!({ "role": "owner" })).expect(200);
    assert_eq!(members(&ada), ["ada owner", "grace editor"]);
}

fn unknown_roles_are_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    server.register("grace");
    for body in [json!({ "role": "king" }), json!({ "role": 7 }), json!({})] {
        let answer = ada.put(&member_path(&ada, "grace"), &body);
        assert!(matches!(answer.status, 400 | 422), "{answer}");
    }
    assert_eq!(members(&ada), ["ada owner"]);
}

fn members_are_added_at_once_by_a_setting(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_MEMBERS", "at-once"), ("LANDFALL_RATE_LIMIT", "off")]);
    let ada = server.register("ada");
    let grace = server.register("grace");
    ada.put(&member_path(&ada, "nobody"), &json!({ "role": "editor" })).expect_problem(404, "not_found");
    ada.put(&member_path(&ada, "grace"), &json!({ "role": "editor" })).expect(200);
    grace.in_workspace(&ada.workspace_id).list("").expect(200);
    assert!(grace.get("/api/v1/invitations").expect(200).items().is_empty());
}

fn an_invitation_tells_nobody_who_has_an_account(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    server.register("grace");
    let shape = |name: &str| {
        let answer = ada.put(&member_path(&ada, name), &json!({ "role": "editor" })).expect(202);
        let mut body = answer.body.clone();
        body["username"] = json!("somebody");
        body["created_at"] = json!("some time");
        let names: Vec<String> = answer.headers.iter().map(|(name, _)| name.clone()).collect();
        (body, names)
    };
    assert_eq!(shape("grace"), shape("nobody"));
    assert_eq!(members(&ada), ["ada owner"]);
    // Whoever takes the name later finds it, too.
    let late = server.register("nobody");
    assert_eq!(late.get("/api/v1/invitations").expect(200).column("invited_by"), [json!("ada")]);
    assert_eq!(server.client().with_token(&late.access_token).get("/api/v1/workspaces").expect(200).items().len(), 1);
}

fn an_invitation_is_accepted_or_not(database: Database) {
    let server = TestServer::start(database);
    let (ada, grace, eve) = (server.register("ada"), server.register("grace"), server.register("eve"));
    let sent = format!("/api/v1/workspaces/{}/invitations", ada.workspace_id);
    let accept = format!("/api/v1/invitations/{}/accept", ada.workspace_id);
    let decline = format!("/api/v1/invitations/{}", ada.workspace_id);
    let invite = |role: &str| ada.put(&member_path(&ada, "grace"), &json!({ "role": role })).expect(202);

    invite("viewer");
    invite("editor"); // in place of the first
    let mine = grace.get("/api/v1/invitations").expect(200);
    assert_eq!(mine.column("role"), [json!("editor")]);
    assert_eq!(mine.column("workspace_name"), [json!("Notes")]);
    assert_eq!(ada.get(&sent).expect(200).column("username"), [json!("grace")]);
    grace.in_workspace(&ada.workspace_id).list("").expect_problem(404, "not_found");
    eve.request("POST", &accept).send().expect_problem(404, "not_found");
    assert!(eve.get("/api/v1/invitations").expect(200).items().is_empty());

    grace.delete(&decline).expect(204);
    grace.delete(&decline).expect_problem(404, "not_found");
    grace.request("POST", &accept).send().expect_problem(404, "not_found");

    invite("viewer");
    ada.delete(&member_path(&ada, "grace")).expect(204); // taken back
    grace.request("POST", &accept).send().expect_problem(404, "not_found");
    ada.delete(&member_path(&ada, "grace")).expect_problem(404, "not_found");

    invite("viewer");
    let joined = grace.request("POST", &accept).send().expect(200);
    assert_eq!((joined.string("/role"), joined.string("/owner")), ("viewer".to_owned(), "ada".to_owned()));
    assert!(ada.get(&sent).expect(200).items().is_empty());
    grace.in_workspace(&ada.workspace_id).list("").expect(200);
    // A member's role changes at once.
    ada.put(&member_path(&ada, "grace"), &json!({ "role": "editor" })).expect(200);
}

fn members_are_listed_in_pages(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for name in ["z-last", "b", "B2", "c.c", "0first"] {
        ada.invite(&server.register(name), "viewer");
    }
    let path = format!("/api/v1/workspaces/{}/members", ada.workspace_id);
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let page = ada.get(&format!("{path}?page_size=2&page_token={token}")).expect(200);
        assert!(page.items().len() <= 2);
        names.extend(page.column("username"));
        match page.body["next_page_token"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["0first", "ada", "b", "b2", "c.c", "z-last"]);
    ada.get(&format!("{path}?page_token=forged")).expect_problem(400, "bad_request");
    ada.get(&format!("{path}?page_size=501")).expect(400);
}

fn everybody_may_leave(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "viewer");
    let me = member_path(&ada, "me");
    ada.delete(&me).expect_problem(409, "last_owner");
    grace.delete(&me).expect(204);
    grace.list("").expect_problem(404, "not_found");
    grace.delete(&me).expect_problem(404, "not_found");
    // The owner who stays answers for the workspace.
    ada.invite(&grace, "owner");
    ada.delete(&me).expect(204);
    let listed = grace.get("/api/v1/workspaces").expect(200);
    let shared = listed.items().iter().find(|item| item["workspace_id"] == ada.workspace_id.as_str()).unwrap();
    assert_eq!(shared["owner"], "grace");
}

fn workspaces_are_renamed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    let path = format!("/api/v1/workspaces/{}", ada.workspace_id);
    let rename = |user: &User, name: &str| user.request("PATCH", &path).json(&json!({ "name": name })).send();
    rename(&grace, "Hers").expect_problem(403, "forbidden");
    rename(&ada, " ").expect_problem(422, "invalid").expect_pointer("/name");
    assert_eq!(rename(&ada, "Field notes").expect(200).string("/name"), "Field notes");
    assert!(grace.get("/api/v1/workspaces").expect(200).column("name").contains(&json!("Field notes")));
}

fn a_deleted_workspace_is_gone(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let team = ada.new_workspace("Team / notes");
    let grace = team.invite(&server.register("grace"), "editor");
    let id = grace.new_document("Notes", "one\n");
    let path = format!("/api/v1/workspaces/{}", team.workspace_id);
    grace.delete(&format!("{path}?name=Team%20%2F%20notes")).expect_problem(403, "forbidden");
    ada.delete(&path).expect_problem(400, "bad_request");
    ada.delete(&format!("{path}?name=team")).expect_problem(400, "bad_request");
    team.read(&id).expect(200);
    ada.delete(&format!("{path}?name=Team%20%2F%20notes")).expect(204);
    for user in [&team, &grace] {
        user.read(&id).expect_problem(404, "not_found");
        user.send(crate::harness::create("late")).expect_problem(404, "not_found");
        assert_eq!(user.get("/api/v1/workspaces").expect(200).items().len(), 1);
    }
    // Its id stays taken until nothing of it is left, which a server sees to when it starts and every minute.
    assert!(server.stop().success());
    server.restart();
    let body = json!({ "name": "Again", "workspace_id": team.workspace_id });
    let free = (0..1_200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        ada.post("/api/v1/workspaces", &body).status == 201
    });
    assert!(free, "what was in the workspace has not been removed");
    assert!(team.list("").expect(200).items().is_empty());
}
