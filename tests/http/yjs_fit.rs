//! Yjs updates that would split or break editors, over HTTP: the corpus of the differential fuzz.

use std::time::{Duration, Instant};

use crate::harness::operation::base64;
use crate::harness::{Database, TestServer, create, on_both_databases, update};
use crate::yjs_support::hand;
use crate::yjs_support::hand::{between, in_root, text};
use crate::yjs_support::hostile::from_hex;

on_both_databases!(
    known_cases_are_refused_or_shown,
    updates_of_one_batch_are_checked_together,
    what_is_too_dear_to_read_is_refused,
    what_was_accepted_first_stays,
);

fn known_cases_are_refused_or_shown(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let corpus = include_str!("../yjs_differential/corpus.txt");
    for (number, line) in corpus.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).enumerate() {
        let (name, rest) = line.split_once(": ").unwrap();
        let (updates, expected) = rest.split_once(" = ").unwrap();
        let updates: Vec<Vec<u8>> = updates.split(' ').map(from_hex).collect();
        let made = ada.send(create(&format!("case_{number}")).yjs(&updates[0]));
        let id = made.document_id(&format!("case_{number}"));
        for (at, bytes) in updates.iter().enumerate().skip(1) {
            let step = format!("case_{number}_{at}");
            let answer = ada.send(update(&step, &id).yjs(bytes));
            let result = answer.result(&step);
            let wanted = match expected.strip_prefix("refused ") {
                Some("other contents") if at + 1 == updates.len() => "divergent_history",
                Some(_) if at + 1 == updates.len() => "yjs_invalid",
                _ => "",
            };
            assert_eq!(result["error"]["code"].as_str().unwrap_or_default(), wanted, "{name}: {answer}");
            if wanted == "yjs_invalid" {
                let message = result["error"]["message"].as_str().unwrap();
                assert!(message.contains("at byte"), "{name}: {message}");
            }
        }
        let content = ada.read(&id).string("/content");
        if !expected.starts_with("refused") {
            assert_eq!(content, expected.trim_matches('"'), "{name}");
        }
        assert!(!content.is_empty(), "{name}: a document is never without its text because of one item");
    }
}

fn updates_of_one_batch_are_checked_together(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let base = hand::update(&[(1, 0, vec![in_root("content", &text("abcd"))])], &[]);
    let id = ada.send(create("made").yjs(&base)).document_id("made");
    let at = |client, left, right, letter| {
        hand::update(&[(client, 0, vec![between((1, left), (1, right), &text(letter))])], &[])
    };
    let batch = ada
        .batch()
        .with(update("good", &id).yjs(&at(2, 0, 1, "x")))
        .with(update("bad", &id).yjs(&at(3, 3, 1, "y")))
        .with(update("later", &id).yjs(&at(4, 1, 2, "z")));
    let answer = batch.send().expect(200);
    assert_eq!(answer.result("good")["status"], "success", "{answer}");
    assert_eq!(answer.result("bad")["error"]["code"], "yjs_invalid", "{answer}");
    assert_eq!(answer.result("bad")["error"]["pointer"], "/operations/1/data/yjs_state_b64", "{answer}");
    assert_eq!(answer.result("later")["error"]["code"], "dependency_failed", "{answer}");
    assert_eq!(ada.read(&id).string("/content"), "axbcd");
    // Made and changed in one batch: the update is checked against what the create brings.
    let answer = ada
        .batch()
        .with(create("new").yjs(&base))
        .with(update("bad_2", "").made_by("new").yjs(&at(3, 3, 1, "y")))
        .send()
        .expect(200);
    assert_eq!(answer.result("new")["status"], "success", "{answer}");
    assert_eq!(answer.result("bad_2")["error"]["code"], "yjs_invalid", "{answer}");
}

fn what_is_too_dear_to_read_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let dear = |count: u64| -> Vec<u8> {
        let letter = |right| between((1, 0), (1, right), &text("x"));
        let long = in_root("content", &text(&"-".repeat(usize::try_from(count).unwrap() + 2)));
        hand::update(&[(2, 0, (1..=count).map(letter).collect()), (1, 0, vec![long])], &[])
    };
    let started = Instant::now();
    let answer = ada.send(create("dear").data("yjs_state_b64", base64(&dear(5_000))));
    assert_eq!(answer.result("dear")["error"]["code"], "too_large", "{answer}");
    assert!(answer.result("dear")["error"]["message"].as_str().unwrap().contains("max_yjs_steps"), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    // Few of them cost little, and break the rule about neighbours all the same.
    let answer = ada.send(create("few").data("yjs_state_b64", base64(&dear(5))));
    assert_eq!(answer.result("few")["error"]["code"], "yjs_invalid", "{answer}");
}

fn what_was_accepted_first_stays(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let typed = |typed: &str| hand::update(&[(77, 0, vec![in_root("content", &text(typed))])], &[]);
    let id = ada.send(create("made").yjs(&typed("hello"))).document_id("made");
    ada.send(update("longer", &id).base(1).yjs(&typed("hello world"))).expect_outcomes(["longer success v2"]);
    let other = ada.send(update("other", &id).yjs(&typed("HELLO world and more")));
    other.expect_outcomes(["other conflict divergent_history v2"]);
    let collected = hand::update(&[(77, 0, vec![vec![0, 11]])], &[]);
    let answer = ada.send(update("collected", &id).base(2).yjs(&collected));
    assert_eq!(answer.result("collected")["status"], "success", "{answer}");
    assert_eq!(ada.read(&id).string("/content"), "hello world");
}
