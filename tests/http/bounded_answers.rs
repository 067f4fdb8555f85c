//! An answer to a batch is bounded, whatever the batch met: what does not fit is named, and read by itself.

use serde_json::{Value, json};

use crate::harness::{Answer, Database, TestServer, User, create, on_both_databases, update};

on_both_databases!(
    a_hundred_conflicts_of_large_texts_come_as_one_bounded_answer,
    a_hundred_replays_of_one_large_document_come_as_one_bounded_answer,
    small_edits_of_large_texts_do_not_fill_the_database,
);

/// About 8 MB of documents, and one more.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// What the server may come to beside what it needs anyway.
const MAX_PEAK_BYTES: u64 = 300 * 1024 * 1024;

fn text_of(kilobytes: usize, word: &str) -> String {
    format!("{word}\n").repeat(kilobytes * 1024 / (word.len() + 1))
}

/// Documents of this text, a few at a time.
fn documents_of(ada: &User, count: usize, text: &str) -> Vec<String> {
    let at_once = 9 * 1024 * 1024 / text.len();
    let names: Vec<String> = (0..count).map(|n| format!("new_{n}")).collect();
    let mut ids = Vec::new();
    for names in names.chunks(at_once.max(1)) {
        let batch = ada.batch().with_all(names.iter().map(|name| create(name).title(name).content(text)));
        let answer = batch.send().expect(200);
        ids.extend(names.iter().map(|name| answer.document_id(name)));
    }
    ids
}

/// How many results carry their document, and how many name it alone.
fn whole_and_omitted(answer: &Answer) -> (usize, usize) {
    let is_omitted = |result: &&Value| result["server"]["omitted"] == true;
    let omitted = answer.results().iter().filter(is_omitted).count();
    (answer.results().len() - omitted, omitted)
}

fn a_hundred_conflicts_of_large_texts_come_as_one_bounded_answer(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let text = text_of(1100, "a line that is there");
    let ids = documents_of(&ada, 100, &text);
    let other = format!("{text}one more line\n");
    for ids in ids.chunks(8) {
        let edits = ids.iter().enumerate().map(|(n, id)| update(&format!("edit_{n}"), id).base(1).content(&other));
        ada.batch().with_all(edits).send().expect(200);
    }
    let before = server.peak_bytes();
    let stale = ids.iter().enumerate().map(|(n, id)| update(&format!("op_{n}"), id).base(1).content("mine"));
    let answer = ada.batch().with_all(stale).send().expect(200);
    assert_eq!(answer.body["conflicts"], 100);
    assert!(answer.bytes.len() < MAX_ANSWER_BYTES, "{} bytes", answer.bytes.len());
    let (whole, omitted) = whole_and_omitted(&answer);
    assert!(whole >= 3 && omitted >= 80, "{whole} whole, {omitted} omitted");
    let first = answer.result("op_0");
    assert_eq!((first["server"]["content"] == other.as_str(), first["base"]["content"] == text.as_str()), (true, true));
    let last = answer.result("op_99");
    assert_eq!(last["server"], json!({ "document_id": ids[99], "version": 2, "omitted": true }));
    assert_eq!((&last["base"], &last["merge"]), (&Value::Null, &Value::Null));
    assert_eq!(ada.read(&ids[99]).expect(200).string("/content"), other);
    let peak = server.peak_bytes();
    assert!(peak < before.max(MAX_PEAK_BYTES), "{before} bytes before, {peak} after");
}

fn a_hundred_replays_of_one_large_document_come_as_one_bounded_answer(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Large", &text_of(4096, "a line that is there"));
    let retitled = || {
        let titles = (0..100).map(|n| update(&format!("op_{n}"), &id).force().title(&format!("title {n}")));
        ada.batch().device("laptop").with_all(titles)
    };
    let first = retitled().send().expect(200);
    assert_eq!(first.body["successful"], 100);
    assert!(first.bytes.len() < MAX_ANSWER_BYTES, "{} bytes", first.bytes.len());
    let again = retitled().send().expect(200);
    assert_eq!(again.body["replayed"], 100);
    let (_, omitted) = whole_and_omitted(&again);
    assert!(omitted > 90 && again.bytes.len() < MAX_ANSWER_BYTES, "{omitted} omitted, {} bytes", again.bytes.len());
    // With room in the answer for one document, the first of each batch is never omitted.
    let alone = update("op_0", &id).force().title("title 0");
    let alone = ada.batch().device("laptop").with(alone).send().expect(200);
    assert_eq!(alone.result("op_0")["server"]["title"], "title 99");
    assert!(server.peak_bytes() < MAX_PEAK_BYTES, "{} bytes", server.peak_bytes());
}

fn small_edits_of_large_texts_do_not_fill_the_database(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Log", "first\nsecond\n");
    let large = format!("first\nsecond\n{}", text_of(900, "a line that is there"));
    ada.send(update("large", &id).base(1).content(&large)).expect(200);
    let edits = (0..100).map(|n| update(&format!("op_{n}"), &id).base(1).content(&format!("first {n}\nsecond\n")));
    let answer = ada.batch().with_all(edits).send().expect(200);
    let merged = answer.body["merged"].as_u64().unwrap();
    assert!((20..60).contains(&merged), "{merged} merged texts of 900 KB");
    assert!(answer.bytes.len() < MAX_ANSWER_BYTES, "{} bytes", answer.bytes.len());
    assert!(server.peak_bytes() < MAX_PEAK_BYTES, "{} bytes", server.peak_bytes());
}
