//! Yjs bytes made to kill a server cost their own operation (or document) and nothing else.

use std::fs;
use std::time::{Duration, Instant};

use crate::harness::operation::base64;
use crate::harness::{Database, TestServer, create, on_both_databases, update};
use crate::yjs_support::hand;
use crate::yjs_support::hand::{behind, in_map, in_root, text};
use crate::yjs_support::hostile::cases;

/// Longer than any of these may hold up a batch, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(30);
/// Resident memory, in KiB, that the server (without its workers) may have come to.
const MAX_RESIDENT_KIB: u64 = 512 * 1024;

fn known() -> Vec<(String, Vec<Vec<u8>>)> {
    cases().map(|(name, updates)| (name.to_owned(), updates)).collect()
}

/// What the grammar allows to be made worse: depth, counts, crowds, cuts, trailing bytes.
fn generated() -> Vec<(String, Vec<Vec<u8>>)> {
    let deep = [vec![8, 1], [117, 1].repeat(30_000), vec![126]].concat();
    let nested: Vec<Vec<u8>> = (0..8_000_u64)
        .map(|n| if n == 0 { in_root("list", &hand::list()) } else { hand::in_item((1, n - 1), &hand::list()) })
        .collect();
    let crowd: Vec<(u64, u64, Vec<Vec<u8>>)> =
        (1..32_001).rev().map(|client| (client, 0, vec![in_map("map", "key", &text("x"))])).collect();
    let from_the_back: Vec<Vec<u8>> = (0..32_000_u64).map(|n| behind((1, 32_000 - n), &text("x"))).collect();
    let long = in_root("content", &text(&"y".repeat(32_001)));
    let mut list = vec![
        ("deep values", hand::update(&[(1, 0, vec![in_root("list", &deep)])], &[])),
        ("nested types and a deletion", hand::update(&[(1, 0, nested)], &[(1, 0, 1)])),
        ("a crowd on one key", hand::update(&crowd, &[])),
        ("a string cut from the back", hand::update(&[(2, 0, from_the_back), (1, 0, vec![long])], &[])),
        ("bytes after the end", [hand::update(&[(1, 0, vec![in_root("content", &text("a"))])], &[]), vec![0]].concat()),
    ];
    for count in [1_u64 << 28, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32] {
        list.push(("clients", hand::number(count)));
        list.push(("structs", [vec![1], hand::number(count), vec![1, 0]].concat()));
        list.push(("clock", [vec![1, 1, 1], hand::number(count), vec![4, 1, 1, 97, 1, 97, 0]].concat()));
        list.push(("deletions", [vec![0, 1, 1], hand::number(count)].concat()));
        list.push(("deleted clients", [vec![0], hand::number(count)].concat()));
    }
    list.into_iter().map(|(name, update)| (name.to_owned(), vec![update])).collect()
}

fn resident_kib(process_id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process_id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn hostile_updates_cost_their_own_operation(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for (number, (name, updates)) in known().into_iter().chain(generated()).enumerate() {
        let started = Instant::now();
        let hostile = format!("hostile_{number}");
        let mut batch = ada
            .batch()
            .with(create("before"))
            .with(create(&hostile).data("yjs_state_b64", base64(&updates[0])))
            .with(create("after").data("content", "unharmed"));
        for (later, bytes) in updates.iter().enumerate().skip(1) {
            let next = update(&format!("{hostile}_{later}"), "").made_by(&hostile);
            batch = batch.with(next.data("yjs_state_b64", base64(bytes)));
        }
        let answer = batch.send().expect(200);
        assert_eq!(answer.result("before")["status"], "success", "{name}");
        let neighbour = answer.document_id("after");
        if answer.result(&hostile)["status"] == "success" {
            // The document may be beyond showing; the request for it is answered all the same.
            let shown = ada.read(&answer.document_id(&hostile));
            assert!(shown.status == 200 || shown.status == 503, "{name}: {}", shown.status);
        }
        assert_eq!(ada.read(&neighbour).expect(200).string("/content"), "unharmed", "{name}");
        assert!(started.elapsed() < PATIENCE, "{name} took {:?}", started.elapsed());
    }
    let kib = resident_kib(server.process_id());
    assert!(kib < MAX_RESIDENT_KIB, "the server came to {kib} KiB");
}

fn a_state_vector_that_claims_millions_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("T", "x");
    let claim = base64(&hand::number(1 << 28));
    let asked = update("op", &id).field("base_version", 1).data("content", "y").data("state_vector_b64", claim);
    ada.send(asked).expect(200).expect_outcomes(["op error yjs_invalid v1"]);
}

on_both_databases!(hostile_updates_cost_their_own_operation, a_state_vector_that_claims_millions_is_refused);
