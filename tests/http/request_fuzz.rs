//! Requests spoiled by chance: of wrong types, nested, with names that stand twice, cut off. SQLite and Postgres give the same
//! answers, none of them is a fault, and the server goes on.
//!
//! `FUZZ_REQUESTS` says how many (`just fuzz-requests 20000`), `FUZZ_REQUESTS_SEED` where to begin.

use serde_json::{Value, json};

use crate::harness::operation::base64;
use crate::harness::{Answer, Database, TestServer, User, YjsEditor};

const BATCH: &str = "/api/v1/documents/batch";
const WORKSPACE: &str = "550e8400-e29b-41d4-a716-446655440000";

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

/// Random numbers, the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

fn document(number: usize) -> String {
    format!("7d444840-9dc0-11d1-b245-5ffdce74fa{number:02x}")
}

/// An honest operation.
fn operation(random: &mut Random, at: usize) -> Value {
    let id = document(random.below(6));
    let base = [Value::Null, json!(1), json!(2), json!(5)];
    let kind = *random.pick(&["create", "update", "update", "delete", "check"]);
    let texts = ["", "one\ntwo\n", "é😀\u{feff}", "a\u{2028}b"];
    let mut data = json!({ "title": format!("T{}", random.below(4)), "content": random.pick(&texts) });
    if random.below(4) == 0 {
        let editor = YjsEditor::new(1 + random.below(3) as u64);
        editor.insert(0, ["yjs", "😀"][random.below(2)]);
        data["yjs_state_b64"] = base64(&editor.state()).into();
    }
    if random.below(4) == 0 && kind == "update" {
        data = json!({ "edits": [{ "find": "one", "replace": "two", "all": random.below(2) == 0 }] });
    }
    json!({ "operation": kind, "client_id": format!("op_{}", if random.below(9) == 0 { 0 } else { at }),
            "document_id": id, "base_version": random.pick(&base), "force": random.below(3) == 0,
            "restore": random.below(4) == 0, "data": data })
}

/// A value of another type, or one that is nested deep.
fn odd(random: &mut Random) -> Value {
    match random.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(1.5),
        4 => json!(9_223_372_036_854_775_807_i64),
        5 => json!(""),
        6 => json!("\u{0}"),
        7 => json!([]),
        8 => json!({}),
        9 => json!([[["deep"]], { "operation": "create" }]),
        10 => (0..100).fold(json!(1), |inner, _| json!([inner])),
        _ => json!("x".repeat(600)),
    }
}

/// Spoils one value somewhere below.
fn spoil(value: &mut Value, random: &mut Random) {
    if random.below(4) == 0 {
        *value = odd(random);
        return;
    }
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let name = fields.keys().nth(random.below(fields.len())).unwrap().clone();
            if random.below(6) == 0 {
                fields.remove(&name);
            } else {
                spoil(&mut fields[&name], random);
            }
        }
        Value::Array(entries) if !entries.is_empty() => {
            let at = random.below(entries.len());
            spoil(&mut entries[at], random);
        }
        other => *other = odd(random),
    }
}

/// A request's body.
fn body(random: &mut Random) -> Vec<u8> {
    let operations: Vec<Value> = (0..1 + random.below(4)).map(|at| operation(random, at)).collect();
    let mut request = json!({ "workspace_id": WORKSPACE, "operations": operations, "atomic": random.below(3) == 0,
                              "dry_run": random.below(5) == 0 });
    if random.below(2) == 0 {
        request["device_id"] = json!(format!("d{}", random.below(3)));
    }
    for _ in 0..random.below(3) {
        spoil(&mut request, random);
    }
    let mut text = request.to_string();
    match random.below(8) {
        // A name that stands twice.
        0 => {
            let name = *random.pick(&["operations", "workspace_id", "client_id", "data", "title", "operation", "find"]);
            let twice = format!("\"{name}\":{},\"{name}\":", odd(random));
            text = text.replacen(&format!("\"{name}\":"), &twice, 1);
        }
        1 => text.truncate(text.char_indices().nth(random.below(text.chars().count())).map_or(0, |(at, _)| at)),
        2 => text.push_str(["}", " ", "\u{0}", "{}"][random.below(4)]),
        3 => text = text.replacen('a', ["\\ud83d", "\\u0000", "\\x"][random.below(3)], 1),
        _ => {}
    }
    let mut bytes = text.into_bytes();
    if random.below(20) == 0 && !bytes.is_empty() {
        let at = random.below(bytes.len());
        bytes[at] = random.next().to_le_bytes()[0];
    }
    bytes
}

/// An answer without what differs from server to server.
fn comparable(answer: &Answer) -> (u16, Value) {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for name in ["request_id", "batch_id", "processing_time_ms", "created_at", "updated_at", "deleted_at"] {
                    fields.remove(name);
                }
                fields.values_mut().for_each(strip);
            }
            Value::Array(entries) => entries.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut body = answer.body.clone();
    strip(&mut body);
    (answer.status, body)
}

fn start(database: Database) -> (TestServer, User) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.post("/api/v1/workspaces", &json!({ "name": "Fuzz", "workspace_id": WORKSPACE })).expect(201);
    let ada = ada.in_workspace(WORKSPACE);
    (server, ada)
}

#[test]
fn spoiled_requests_are_answered_alike_by_both_databases() {
    let (seed, wanted) = (setting("FUZZ_REQUESTS_SEED", 1), setting("FUZZ_REQUESTS", 400));
    let servers = [Database::Sqlite, Database::Postgres].map(start);
    let mut random = Random(seed);
    let (mut taken, mut refused) = (0_u64, 0_u64);
    for number in 0..wanted {
        let bytes = body(&mut random);
        // What has no id gets one that nobody knows before.
        let mints = minted(&bytes);
        let answers = servers.each_ref().map(|(_, ada)| {
            ada.request("POST", BATCH).header("content-type", "application/json").bytes(bytes.clone()).send()
        });
        let [sqlite, postgres] = answers.each_ref().map(comparable);
        let shown = || String::from_utf8_lossy(&bytes).into_owned();
        assert!(sqlite.0 < 500, "seed {seed}, request {number}: {}\n{}", shown(), answers[0]);
        if mints {
            assert_eq!(sqlite.0, postgres.0, "seed {seed}, request {number}: {}", shown());
        } else {
            assert_eq!(sqlite, postgres, "seed {seed}, request {number}: {}", shown());
        }
        if sqlite.0 == 200 { taken += 1 } else { refused += 1 }
    }
    eprintln!("seed {seed}: {taken} requests were processed and {refused} refused, alike by both databases");
    assert!(taken > 0 && refused > 0);
}

/// Whether an operation of the request is a create without an id.
fn minted(bytes: &[u8]) -> bool {
    let Ok(request) = serde_json::from_slice::<Value>(bytes) else { return false };
    let operations = request["operations"].as_array();
    operations.is_some_and(|all| all.iter().any(|one| one["operation"] == "create" && !one["document_id"].is_string()))
}
