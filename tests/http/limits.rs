//! Limits, at their edge: what is published is what is enforced (protocol §1.1).

use serde_json::{Value, json};

use crate::harness::{Client, Database, TestServer, User, create, on_both_databases};

const BATCH: &str = "/api/v1/documents/batch";

on_both_databases!(
    limits_are_published_as_enforced,
    a_body_of_exactly_the_limit_passes,
    a_hundred_operations_pass_and_one_more_does_not,
    a_compressed_body_counts_decompressed,
    a_title_of_exactly_the_limit_passes,
    content_and_yjs_have_limits_of_their_own,
    limits_are_configurable,
    out_of_time_means_rolled_back,
    a_full_queue_says_when_to_come_back,
);

fn limit(client: &Client, name: &str) -> usize {
    let limits = client.get("/api/v1/limits").expect(200);
    limits.body[name].as_u64().unwrap_or_else(|| panic!("no limit {name}: {limits}")) as usize
}

/// A batch of one create whose body has exactly so many bytes: a field that nobody knows fills it up.
fn body_of(user: &User, bytes: usize) -> Vec<u8> {
    let mut body = json!({
        "workspace_id": user.workspace_id,
        "operations": [{ "operation": "create", "client_id": "op", "data": { "title": "Filled" } }],
        "padding": "",
    });
    body["padding"] = Value::String("x".repeat(bytes - body.to_string().len()));
    let body = body.to_string().into_bytes();
    assert_eq!(body.len(), bytes);
    body
}

fn limits_are_published_as_enforced(database: Database) {
    let server = TestServer::start(database);
    let limits = server.client().get("/api/v1/limits").expect(200).body;
    assert_eq!(limits["max_operations"], 100);
    assert_eq!(limits["max_body_bytes"], 10_485_760);
    assert_eq!(limits["timeout_ms"], 30_000);
    assert_eq!(limits["max_title_chars"], 500);
    assert!(limits["receipt_retention_s"].as_i64() >= limits["tombstone_retention_s"].as_i64(), "{limits}");
}

fn a_body_of_exactly_the_limit_passes(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let max = limit(&ada, "max_body_bytes");
    let post = |body: Vec<u8>| ada.request("POST", BATCH).header("content-type", "application/json").bytes(body).send();
    post(body_of(&ada, max)).expect(200).expect_outcomes(["op success v1"]);
    post(body_of(&ada, max + 1)).expect_problem(413, "payload_too_large");
    assert_eq!(ada.list("").items().len(), 1, "what is refused is not applied");
}

fn a_hundred_operations_pass_and_one_more_does_not(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let max = limit(&ada, "max_operations");
    let creates = |count: usize| (0..count).map(|n| create(&format!("op_{n}")).title(&format!("Title {n}")));
    ada.batch().with_all(creates(max + 1)).send().expect_problem(422, "too_many_operations");
    assert_eq!(ada.list("").items().len(), 0, "what is refused is not applied");
    let answer = ada.batch().with_all(creates(max)).send().expect(200);
    assert_eq!(answer.body["successful"], max);
    assert_eq!(ada.list("&page_size=500").items().len(), max);
}

fn a_compressed_body_counts_decompressed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let max = limit(&ada, "max_body_bytes");
    let post = |body: Vec<u8>| {
        let request = ada.request("POST", BATCH).header("content-type", "application/json");
        request.header("content-encoding", "gzip").bytes(gzip(&body)).send()
    };
    post(body_of(&ada, max)).expect(200).expect_outcomes(["op success v1"]);
    post(body_of(&ada, max + 1)).expect_problem(413, "payload_too_large");
    let not_gzip = ada.request("POST", BATCH).header("content-type", "application/json");
    not_gzip.header("content-encoding", "gzip").bytes("{}").send().expect_problem(400, "bad_request");
    let unknown = ada.request("POST", BATCH).header("content-type", "application/json");
    unknown.header("content-encoding", "lzma").bytes("{}").send().expect_problem(415, "unsupported_media_type");
}

fn a_title_of_exactly_the_limit_passes(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let max = limit(&ada, "max_title_chars");
    for title in ["x".repeat(max), "é".repeat(max), "🎈".repeat(max), String::new()] {
        let id = ada.new_document(&title, "");
        assert_eq!(ada.read(&id).string("/title"), title);
    }
    ada.send(create("long").title(&"🎈".repeat(max + 1))).expect_outcomes(["long error too_large"]);
}

fn content_and_yjs_have_limits_of_their_own(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let max_content = limit(&ada, "max_content_bytes");
    let id = ada.new_document("Large", &"x".repeat(max_content));
    assert_eq!(ada.read(&id).string("/content").len(), max_content);
    let answer = ada.send(create("large").content(&"x".repeat(max_content + 1)));
    assert_eq!(answer.outcomes(), ["large error too_large"]);
    assert_eq!(answer.results()[0]["error"]["pointer"], "/operations/0/data/content");
    let max_yjs = limit(&ada, "max_yjs_bytes");
    let answer = ada.send(create("large").yjs(&vec![0; max_yjs + 1]));
    assert_eq!(answer.outcomes(), ["large error too_large"]);
    assert_eq!(answer.results()[0]["error"]["pointer"], "/operations/0/data/yjs_state_b64");
}

fn limits_are_configurable(database: Database) {
    let settings =
        [("LANDFALL_MAX_OPERATIONS", "3"), ("LANDFALL_MAX_BODY_BYTES", "100000"), ("LANDFALL_RATE_LIMIT", "off")];
    let server = TestServer::start_with(database, &settings);
    let ada = server.register("ada");
    assert_eq!((limit(&ada, "max_operations"), limit(&ada, "max_body_bytes")), (3, 100_000));
    let creates = |count: usize| (0..count).map(|n| create(&format!("op_{n}")));
    ada.batch().with_all(creates(3)).send().expect(200);
    ada.batch().with_all(creates(4)).send().expect_problem(422, "too_many_operations");
    ada.send(create("large").content(&"x".repeat(100_000))).expect_problem(413, "payload_too_large");
}

fn out_of_time_means_rolled_back(database: Database) {
    let settings = [("LANDFALL_TIMEOUT_MS", "1"), ("LANDFALL_RATE_LIMIT", "off")];
    let server = TestServer::start_with(database, &settings);
    let ada = server.register("ada");
    let text = "x".repeat(50_000);
    let creates = (0..100).map(|n| create(&format!("op_{n}")).content(&text));
    let refused = ada.batch().with_all(creates).send().expect_problem(503, "timeout");
    refused.header("retry-after");
    assert_eq!(ada.list("").items().len(), 0, "what is refused is not applied");
}

fn a_full_queue_says_when_to_come_back(database: Database) {
    let settings = [("LANDFALL_WRITER_QUEUE", "1"), ("LANDFALL_RATE_LIMIT", "off")];
    let server = TestServer::start_with(database, &settings);
    let ada = server.register("ada");
    std::thread::scope(|scope| {
        for writer in 0..24 {
            let ada = &ada;
            scope.spawn(move || {
                let batch = ada.batch().device(&format!("device-{writer}"));
                let batch = batch.with_all((0..10).map(|n| create(&format!("op_{n}"))));
                loop {
                    let answer = batch.clone().send();
                    if answer.status == 200 {
                        return assert_eq!(answer.body["successful"], 10);
                    }
                    answer.expect_problem(503, "busy").header("retry-after");
                }
            });
        }
    });
    assert_eq!(ada.list("&page_size=500").items().len(), 240);
}

/// The same bytes in gzip's form, stored in blocks (RFC 1951 §3.2.4) without being made smaller.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 65_535;
    let mut zipped = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks = bytes.chunks(BLOCK).count();
    for (at, block) in bytes.chunks(BLOCK).enumerate() {
        let length = block.len() as u16;
        zipped.push(u8::from(at + 1 == blocks));
        zipped.extend(length.to_le_bytes());
        zipped.extend((!length).to_le_bytes());
        zipped.extend(block);
    }
    let crc = bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    zipped.extend((!crc).to_le_bytes());
    zipped.extend((bytes.len() as u32).to_le_bytes());
    zipped
}
