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
    unknown_users_and_roles_are_refused,
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

fn unknown_users_and_roles_are_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    server.register("grace");
    ada.put(&member_path(&ada, "nobody"), &json!({ "role": "editor" })).expect_problem(404, "not_found");
    for body in [json!({ "role": "king" }), json!({ "role": 7 }), json!({})] {
        let answer = ada.put(&member_path(&ada, "grace"), &body);
        assert!(matches!(answer.status, 400 | 422), "{answer}");
    }
    assert_eq!(members(&ada), ["ada owner"]);
}
