//! What every answer has: ids, problems, rate limits; and the pages beside the API (protocol §1.7, §5, §6).

use serde_json::json;

use crate::harness::server::run_program;
use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, create, on_both_databases};

on_both_databases!(
    every_answer_names_its_request,
    what_is_not_there_is_a_problem,
    a_body_must_be_declared_as_json,
    operations_are_counted_and_limited,
    bytes_are_counted_too,
    health_tells_of_the_database,
    answers_are_compressed_on_request,
    whatever_takes_get_takes_head,
    connections_stay_open_and_say_for_how_long,
    an_integer_may_be_written_as_a_float,
);

fn every_answer_names_its_request(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let given = ada.request("GET", "/api/v1/workspaces").header("x-request-id", "trace-me.42").send().expect(200);
    assert_eq!(given.header("x-request-id"), "trace-me.42");
    let minted = ada.get("/api/v1/workspaces");
    assert_ne!(minted.header("x-request-id"), ada.get("/api/v1/workspaces").header("x-request-id"));
    let refused = ada.request("GET", "/api/v1/documents").header("x-request-id", "refused-7").send().expect(400);
    assert_eq!(refused.string("/request_id"), "refused-7");
    let path = "/api/v1/workspaces";
    for unusable in ["x".repeat(10_000), "a b\tc".to_owned(), String::new()] {
        let answer = ada.request("GET", path).header("x-request-id", &unusable).send();
        assert_ne!(answer.header("x-request-id"), unusable, "replaced, not echoed");
    }
}

fn what_is_not_there_is_a_problem(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for path in ["/api/v1/nothing", "/api/v2/documents", "/api", "/..%2f..%2fetc/passwd", "/api/v1/documents/batch/x"] {
        ada.request("GET", path).undocumented().send().expect_problem(404, "not_found");
    }
    for (method, path) in [
        ("GET", "/api/v1/documents/batch"),
        ("DELETE", "/api/v1/documents"),
        ("PATCH", "/api/v1/workspaces"),
        ("POST", "/api/health"),
        ("BREW", "/api/v1/limits"),
    ] {
        let answer = ada.request(method, path).undocumented().send();
        let is_refusal = (answer.status, answer.body["code"].as_str());
        let expected = [(405, Some("method_not_allowed")), (404, Some("not_found"))];
        assert!(expected.contains(&is_refusal), "{answer}");
    }
}

fn a_body_must_be_declared_as_json(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let body = ada.batch().with(create("op")).body().to_string();
    let post = |content_type: &str| {
        let request = ada.request("POST", "/api/v1/documents/batch").bytes(body.clone());
        if content_type.is_empty() { request.send() } else { request.header("content-type", content_type).send() }
    };
    for wrong in ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        post(wrong).expect_problem(415, "unsupported_media_type");
    }
    for right in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        post(right).expect(200);
    }
}

fn operations_are_counted_and_limited(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_RATE_LIMIT", "120")]);
    let ada = server.register("ada");
    let creates = |count: usize| (0..count).map(|n| create(&format!("op_{n}")));
    let answer = ada.batch().with_all(creates(100)).send().expect(200);
    assert!(answer.header("ratelimit-policy").contains("q=120"), "{answer}");
    let left: u32 = answer.header("ratelimit").split("r=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
    // 20, and two for each second since.
    assert!(left <= 60, "{answer}");
    let refused = ada.batch().with_all(creates(100)).send().expect_problem(429, "rate_limited");
    let wait: u32 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{refused}");
    assert_eq!(ada.list("&page_size=500").items().len(), 100, "what is refused is not applied");
    let grace = server.register("grace"); // each user has a quota of their own
    grace.batch().with_all(creates(100)).send().expect(200);
}

fn bytes_are_counted_too(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_RATE_LIMIT", "1000")]);
    let ada = server.register("ada");
    let policy = ada.batch().with(create("op")).send().expect(200).header("ratelimit-policy").to_owned();
    assert!(policy.contains("bytes"), "{policy}");
}

fn health_tells_of_the_database(database: Database) {
    let server = TestServer::start(database);
    let health = server.client().get("/api/health").expect(200);
    assert_eq!(health.body["status"], "ok");
    server.client().get("/api/v1/limits").expect(200);
    let metrics = server.client().get("/metrics").expect(200).text();
    assert!(metrics.contains("# TYPE"), "{metrics}");
}

fn answers_are_compressed_on_request(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Large", &"the same words again ".repeat(5_000));
    let path = format!("/api/v1/documents/{id}?workspace_id={}", ada.workspace_id);
    // The raw connection, since the test's client does not decompress.
    let head = crate::harness::server::raw_get(&server, &path, &ada.access_token, "accept-encoding: gzip\r\n");
    assert!(head.to_lowercase().contains("content-encoding: gzip"), "{head}");
    let plain = crate::harness::server::raw_get(&server, &path, &ada.access_token, "");
    assert!(!plain.to_lowercase().contains("content-encoding"), "{plain}");
}

fn whatever_takes_get_takes_head(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one");
    let workspace = &ada.workspace_id;
    for path in [
        "/".to_owned(),
        "/docs".to_owned(),
        "/openapi.yaml".to_owned(),
        "/metrics".to_owned(),
        "/api/health".to_owned(),
        "/api/v1/limits".to_owned(),
        "/api/v1/workspaces".to_owned(),
        format!("/api/v1/workspaces/{workspace}/members"),
        format!("/api/v1/syncs?workspace_id={workspace}"),
        format!("/api/v1/documents?workspace_id={workspace}"),
        format!("/api/v1/documents/changes?workspace_id={workspace}"),
        format!("/api/v1/documents/{id}?workspace_id={workspace}"),
        format!("/api/v1/documents/{id}/versions?workspace_id={workspace}"),
        format!("/api/v1/documents/{id}/versions/1?workspace_id={workspace}"),
        "/api/v1/documents".to_owned(),
        format!("/api/v1/documents/{id}/versions/7?workspace_id={workspace}"),
    ] {
        let (get, head) = (ada.get(&path), ada.request("HEAD", &path).send());
        assert_eq!((head.status, head.bytes.len()), (get.status, 0), "{path}");
        for name in ["content-type", "etag"] {
            assert_eq!(head.find_header(name), get.find_header(name), "{path} {name}");
        }
    }
    // An answer without an end has a head too.
    ada.request("HEAD", &format!("/api/v1/documents/events?workspace_id={workspace}")).send().expect(200);
    let refused = ada.request("HEAD", "/api/v1/documents/batch").undocumented().send();
    assert_eq!((refused.status, refused.header("allow")), (405, "POST"));
}

fn connections_stay_open_and_say_for_how_long(database: Database) {
    let mut server = TestServer::start(database);
    for path in ["/api/v1/limits", "/api/v1/nothing"] {
        let head = crate::harness::server::raw_get(&server, path, "none", "");
        assert!(head.to_lowercase().contains("keep-alive: timeout=75"), "{head}");
    }
    server.client().get("/api/v1/limits").expect(200);
    let started = std::time::Instant::now();
    assert!(server.stop().success());
    assert!(started.elapsed().as_secs() < 20, "a connection that is idle holds up nobody: {:?}", started.elapsed());
}

fn an_integer_may_be_written_as_a_float(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one");
    let edit = crate::harness::update("edit", &id).content("two");
    ada.send(edit.clone().field("base_version", 1.0)).expect_outcomes(["edit success v2"]);
    let refused = ada.send(edit.field("base_version", 1.5));
    assert_eq!(refused.result("edit")["error"]["pointer"], "/operations/0/base_version");
    let run = format!("/api/v1/syncs/{}", new_id());
    let opened = ada.put(&run, &json!({ "workspace_id": ada.workspace_id, "total": 3.0 })).expect(201);
    assert_eq!(opened.body["total"], 3);
    ada.put(&run, &json!({ "workspace_id": ada.workspace_id, "total": 3.5 })).expect_problem(400, "bad_request");
    let diff = |version: serde_json::Value| {
        let known = json!([{ "document_id": id, "version": version }]);
        ada.post("/api/v1/documents/diff", &json!({ "workspace_id": ada.workspace_id, "documents": known }))
    };
    diff(json!(2.0)).expect(200);
    for below in [json!(0), json!(-1), json!(0.0)] {
        let refused = diff(below).expect_problem(422, "invalid");
        assert_eq!(refused.string("/pointer"), "/documents/0/version");
    }
}

#[test]
fn pages_beside_the_api_are_served() {
    let server = TestServer::start(Database::Sqlite);
    let client = server.client();
    client.get("/docs").expect(200);
    assert_eq!(client.get("/openapi.yaml").expect(200).text(), include_str!("../../openapi.yaml"));
}

#[test]
fn a_wrong_configuration_is_refused_with_a_reason() {
    for (name, value, says) in [
        ("LANDFALL_DATABASE_URL", "postgers://localhost/landfall", "postgers"),
        ("LANDFALL_DATABASE_URL", "mysql://localhost/landfall", "mysql"),
        ("LANDFALL_LISTEN", "everywhere", "everywhere"),
        ("LANDFALL_RATE_LIMIT", "plenty", "plenty"),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().to_string_lossy();
        let settings = [("LANDFALL_LISTEN", "127.0.0.1:0"), ("LANDFALL_DATA_DIR", &data), (name, value)];
        let (status, stdout, stderr) = run_program(&["serve"], &settings);
        assert!(!status.success(), "{name}={value}: {stdout}");
        assert!(stderr.contains(says), "{name}={value}: {stderr}");
        let made: Vec<_> = std::fs::read_dir(directory.path()).expect("a directory").flatten().collect();
        assert!(!made.iter().any(|file| file.file_name().to_string_lossy().contains("postgers")), "{made:?}");
    }
}

#[test]
fn a_workspace_that_is_nobodys_is_not_found_by_anyone() {
    let server = TestServer::start(Database::Sqlite);
    let ada = server.register("ada");
    let body = json!({ "workspace_id": new_id(), "operations": [] });
    ada.post("/api/v1/documents/batch", &body).expect_problem(404, "not_found");
}
