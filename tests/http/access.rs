//! Who may do what, on every endpoint (protocol §5).

use serde_json::{Value, json};

use crate::harness::contract::CONTRACT;
use crate::harness::user::new_id;
use crate::harness::{Answer, Client, Database, TestServer, User, create, on_both_databases, update};

on_both_databases!(
    every_endpoint_knows_its_roles,
    what_is_not_yours_looks_as_what_is_not_there,
    documents_of_other_workspaces_stay_hidden,
    roles_take_effect_at_once,
);

/// The paths of a workspace with one document in it.
struct Place {
    workspace: String,
    document: String,
}

/// One request to an endpoint that needs a token.
struct Endpoint {
    method: &'static str,
    template: &'static str,
    /// The least role that may; `None` where a token alone is enough.
    role: Option<&'static str>,
    body: fn(&Place) -> Value,
    query: bool,
}

const RUN: &str = "0199f3a0-7e57-7000-8000-000000000001";
const ROLES: [&str; 3] = ["viewer", "editor", "owner"];

/// A run belongs to the user who opened it, so each opens it before they read it.
const ENDPOINTS: [Endpoint; 17] = [
    Endpoint { method: "POST", template: "/api/v1/documents/batch", role: Some("editor"), body: push, query: false },
    Endpoint { method: "GET", template: "/api/v1/documents", role: Some("viewer"), body: none, query: true },
    Endpoint { method: "GET", template: "/api/v1/documents/changes", role: Some("viewer"), body: none, query: true },
    Endpoint { method: "POST", template: "/api/v1/documents/diff", role: Some("viewer"), body: known, query: false },
    Endpoint { method: "PUT", template: "/api/v1/syncs/{sync_id}", role: Some("viewer"), body: run, query: false },
    Endpoint { method: "GET", template: "/api/v1/syncs/{sync_id}", role: Some("viewer"), body: none, query: true },
    Endpoint {
        method: "POST",
        template: "/api/v1/syncs/{sync_id}/cancel",
        role: Some("viewer"),
        body: none,
        query: true,
    },
    Endpoint { method: "GET", template: "/api/v1/syncs", role: Some("viewer"), body: none, query: true },
    Endpoint { method: "GET", template: "/api/v1/documents/events", role: Some("viewer"), body: none, query: true },
    Endpoint {
        method: "GET",
        template: "/api/v1/documents/{document_id}",
        role: Some("viewer"),
        body: none,
        query: true,
    },
    Endpoint {
        method: "GET",
        template: "/api/v1/documents/{document_id}/versions",
        role: Some("viewer"),
        body: none,
        query: true,
    },
    Endpoint {
        method: "GET",
        template: "/api/v1/documents/{document_id}/versions/{version}",
        role: Some("viewer"),
        body: none,
        query: true,
    },
    Endpoint {
        method: "GET",
        template: "/api/v1/workspaces/{workspace_id}/members",
        role: Some("owner"),
        body: none,
        query: false,
    },
    Endpoint {
        method: "PUT",
        template: "/api/v1/workspaces/{workspace_id}/members/{username}",
        role: Some("owner"),
        body: viewer,
        query: false,
    },
    Endpoint {
        method: "DELETE",
        template: "/api/v1/workspaces/{workspace_id}/members/{username}",
        role: Some("owner"),
        body: none,
        query: false,
    },
    Endpoint { method: "GET", template: "/api/v1/workspaces", role: None, body: none, query: false },
    Endpoint { method: "POST", template: "/api/v1/workspaces", role: None, body: named, query: false },
];

fn none(_place: &Place) -> Value {
    Value::Null
}

fn push(place: &Place) -> Value {
    json!({ "workspace_id": place.workspace, "operations": [create("op").0] })
}

fn known(place: &Place) -> Value {
    json!({ "workspace_id": place.workspace, "documents": [{ "document_id": place.document }] })
}

fn run(place: &Place) -> Value {
    json!({ "workspace_id": place.workspace, "total": 1 })
}

fn viewer(_place: &Place) -> Value {
    json!({ "role": "viewer" })
}

fn named(_place: &Place) -> Value {
    json!({ "name": "One more" })
}

impl Endpoint {
    fn send(&self, client: &Client, place: &Place) -> Answer {
        let mut path = self
            .template
            .replace("{workspace_id}", &place.workspace)
            .replace("{document_id}", &place.document)
            .replace("{sync_id}", RUN)
            .replace("{version}", "1")
            .replace("{username}", "guest");
        if self.query {
            path += &format!("?workspace_id={}", place.workspace);
        }
        let request = client.request(self.method, &path);
        match (self.body)(place) {
            Value::Null => request.send(),
            body => request.json(&body).send(),
        }
    }
}

fn every_endpoint_knows_its_roles(database: Database) {
    for (method, template) in CONTRACT.operations() {
        let operation = &CONTRACT.document()["paths"][&template][method.to_lowercase()];
        let listed = ENDPOINTS.iter().any(|endpoint| endpoint.method == method && endpoint.template == template);
        assert!(listed || operation["security"] == json!([]), "{method} {template} needs a token; list it here");
    }
    let server = TestServer::start(database);
    let owner = server.register("owner");
    server.register("guest");
    let document = owner.new_document("Notes", "one\n");
    let place = Place { workspace: owner.workspace_id.clone(), document };
    let stranger = server.register("stranger");
    let mut members: Vec<(&str, User)> = vec![("owner", owner.clone())];
    for role in ["editor", "viewer"] {
        members.push((role, owner.invite(&server.register(role), role)));
    }
    let power = |role: &str| ROLES.iter().position(|other| *other == role);
    for endpoint in &ENDPOINTS {
        let what = format!("{} {}", endpoint.method, endpoint.template);
        endpoint.send(server.client(), &place).expect_problem(401, "unauthorized");
        if let Some(least) = endpoint.role {
            endpoint.send(&stranger, &place).expect_problem(404, "not_found");
            for (role, member) in &members {
                if endpoint.method == "DELETE" {
                    owner.invite(&User::login(server.client(), "guest"), "viewer");
                }
                let answer = endpoint.send(member, &place);
                let allowed = power(role) >= power(least);
                assert_eq!(answer.status < 300, allowed, "{what} as {role}\n{answer}");
                if !allowed {
                    answer.expect_problem(403, "forbidden");
                }
            }
        } else {
            assert!(endpoint.send(&stranger, &place).status < 300, "{what}");
        }
    }
}

fn what_is_not_yours_looks_as_what_is_not_there(database: Database) {
    let server = TestServer::start(database);
    let owner = server.register("owner");
    server.register("guest");
    let stranger = server.register("stranger");
    let theirs = Place { workspace: owner.workspace_id.clone(), document: owner.new_document("Notes", "one\n") };
    let nowhere = Place { workspace: new_id(), document: theirs.document.clone() };
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.role.is_some()) {
        let not_yours = endpoint.send(&stranger, &theirs).expect(404);
        let not_there = endpoint.send(&stranger, &nowhere).expect(404);
        assert_eq!(not_yours.without_request_id(), not_there.without_request_id());
        let names = |answer: &Answer| answer.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&not_yours), names(&not_there));
    }
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
