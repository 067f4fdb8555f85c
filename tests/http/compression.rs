//! Compressed requests and answers: every coding of the contract, and bodies that swell up when they are unpacked.

use std::io::repeat;

use serde_json::json;

use crate::harness::{Answer, Coding, Database, TestServer, User, on_both_databases};

const BATCH: &str = "/api/v1/documents/batch";

on_both_databases!(
    requests_are_taken_in_every_coding,
    answers_are_given_in_every_coding,
    a_copy_that_is_current_is_not_sent_again,
    small_bodies_that_swell_up_are_refused,
    nobody_without_a_login_makes_the_server_inflate_anything,
    a_body_is_compressed_once_and_by_a_known_name,
    a_body_that_breaks_off_is_refused,
);

fn post(user: &User, coding: Coding, body: Vec<u8>) -> Answer {
    let request = user.request("POST", BATCH).header("content-type", "application/json");
    request.header("content-encoding", coding.name()).bytes(body).send()
}

fn batch(user: &User, client_id: &str) -> Vec<u8> {
    let create = json!({
        "operation": "create", "client_id": client_id,
        "data": { "title": client_id, "content": "the same words again ".repeat(5_000) },
    });
    json!({ "workspace_id": user.workspace_id, "operations": [create] }).to_string().into_bytes()
}

fn requests_are_taken_in_every_coding(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for coding in Coding::ALL {
        let plain = batch(&ada, coding.name());
        let packed = coding.encode(&plain);
        assert!(packed.len() * 10 < plain.len(), "{coding:?} made {} bytes", packed.len());
        post(&ada, coding, packed).expect(200).expect_outcomes([&format!("{} success v1", coding.name())]);
    }
}

fn answers_are_given_in_every_coding(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let content = "the same words again ".repeat(5_000);
    let path = format!("/api/v1/documents/{}?workspace_id={}", ada.new_document("Large", &content), ada.workspace_id);
    for coding in Coding::ALL {
        let answer = ada.request("GET", &path).header("accept-encoding", coding.name()).send().expect(200);
        assert_eq!(answer.header("content-encoding"), coding.name());
        assert!(answer.header("vary").to_lowercase().contains("accept-encoding"), "{answer}");
        assert_eq!(answer.string("/content"), content);
    }
    let plain = ada.request("GET", &path).header("accept-encoding", "identity").send().expect(200);
    assert_eq!(plain.find_header("content-encoding"), None);
}

fn a_copy_that_is_current_is_not_sent_again(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one");
    let path = format!("/api/v1/documents/{id}?workspace_id={}", ada.workspace_id);
    let with = |known: &str| ada.request("GET", &path).header("if-none-match", known).send();
    let tag = ada.get(&path).expect(200).header("etag").to_owned();
    for known in [tag.as_str(), "*", &format!("\"7\", {tag}"), &format!("W/{tag}")] {
        let answer = with(known).expect(304);
        assert_eq!((answer.header("etag"), answer.text().len()), (tag.as_str(), 0), "{known}");
    }
    for stale in ["\"7\"", "nonsense"] {
        with(stale).expect(200);
    }
    ada.send(crate::harness::update("edit", &id).base(1).content("two")).expect_outcomes(["edit success v2"]);
    assert_eq!(with(&tag).expect(200).string("/content"), "two");
    let nobodys = path.replace(&id, "0199f3a0-0000-7000-8000-000000000000");
    ada.request("GET", &nobodys).header("if-none-match", "*").send().expect_problem(404, "not_found");
}

/// What inflating a body of the largest size may add to a server's memory: the body itself and the coding's window.
const ROOM_BYTES: u64 = 40 << 20;

/// A quarter of a gigabyte that comes as a few kilobytes: refused as soon as the limit is passed, without being inflated
/// further.
fn small_bodies_that_swell_up_are_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.new_document("A first", "request of each kind, so that threads and caches are there");
    let before = server.peak_bytes();
    for coding in Coding::ALL {
        let bomb = coding.encode_from(repeat(b' '), 1 << 28);
        assert!(bomb.len() < 2 << 20, "{coding:?} made {} bytes", bomb.len());
        for _ in 0..3 {
            post(&ada, coding, bomb.clone()).expect_problem(413, "payload_too_large");
        }
    }
    let grown = server.peak_bytes() - before;
    assert!(grown < ROOM_BYTES, "the server grew by {grown} bytes");
    assert_eq!(ada.list("").items().len(), 1);
}

fn nobody_without_a_login_makes_the_server_inflate_anything(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.new_document("A first", "request of each kind, so that threads and caches are there");
    let bomb = Coding::Brotli.encode_from(repeat(b' '), 1 << 28);
    assert!(bomb.len() < 4_096, "{} bytes", bomb.len());
    let before = server.peak_bytes();
    let post = |path: &str, coding: &str, body: &[u8]| {
        let request = server.client().request("POST", path).header("content-type", "application/json");
        request.header("content-encoding", coding).bytes(body).send()
    };
    for path in ["register", "login", "refresh", "logout"].map(|name| format!("/api/v1/auth/{name}")) {
        for coding in ["br", "gzip", "zstd", "deflate", "br, br"] {
            post(&path, coding, &bomb).expect_problem(415, "unsupported_media_type");
        }
        post(&path, "br", &Coding::Brotli.encode(b"{}")).expect_problem(415, "unsupported_media_type");
    }
    post(BATCH, "br", &bomb).expect_problem(401, "unauthorized");
    let grown = server.peak_bytes() - before;
    assert!(grown < 16 << 20, "the server grew by {grown} bytes");
}

fn a_body_is_compressed_once_and_by_a_known_name(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let send = |coding: &str, body: Vec<u8>| {
        let request = ada.request("POST", BATCH).header("content-type", "application/json");
        request.header("content-encoding", coding).bytes(body).send()
    };
    let packed = Coding::Gzip.encode(&batch(&ada, "op_1"));
    send("x-gzip", packed.clone()).expect(200).expect_outcomes(["op_1 success v1"]);
    send("identity", batch(&ada, "op_2")).expect(200).expect_outcomes(["op_2 success v1"]);
    let twice = Coding::Gzip.encode(&packed);
    let nested = send("gzip, gzip", twice.clone()).expect_problem(415, "unsupported_media_type");
    assert!(nested.string("/detail").contains("compressed once"), "{nested}");
    send("gzip", twice).expect_problem(400, "bad_request");
    send("gzip", [packed, b"more".to_vec()].concat()).expect_problem(400, "bad_request");
    send("compress", Vec::from(*b"{}")).expect_problem(415, "unsupported_media_type");
}

fn a_body_that_breaks_off_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for coding in Coding::ALL {
        let mut packed = coding.encode(&batch(&ada, "op"));
        packed.truncate(packed.len() / 2);
        post(&ada, coding, packed).expect_problem(400, "bad_request");
        post(&ada, coding, b"{\"workspace_id\":".to_vec()).expect_problem(400, "bad_request");
    }
    assert_eq!(ada.list("").items().len(), 0);
}
