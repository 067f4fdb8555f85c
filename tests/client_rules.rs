//! The rules that every client keeps, on the folder client: the cases of `tests/client_rules`, which the TypeScript client runs
//! too. What needs a server is in `tests/client_sync`, which reads cases from there as well.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must fail, loudly")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use landfall::client::plan::{is_given_up, is_mass_deletion};
use landfall::client::push::batch_size::{BatchSize, Sent};
use landfall::client::transport::remote::{RemoteError, parse, refusal};
use landfall::client::transport::retry::{LONGEST_ASKED, retry_after_at};
use landfall::client::transport::wire::{BatchAnswer, ResultStatus};
use landfall::domain::line_ends::{FileForm, inside, outside};
use landfall::domain::text_edits::edits_between;
use landfall::domain::text_unite::unite_texts;
use serde_json::Value;

/// The cases of a rule that the folder client can be in. A key that is not among `keys` fails.
fn cases(rule: &str, keys: &[&str]) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client_rules").join(format!("{rule}.json"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let known: BTreeSet<&str> = keys.iter().copied().chain(["name", "only", "why"]).collect();
    let mut names = BTreeSet::new();
    let all = file["cases"].as_array().unwrap().clone();
    for case in &all {
        let unknown = case.as_object().unwrap().keys().find(|key| !known.contains(key.as_str()));
        assert_eq!(unknown, None, "{rule}: {case}");
        assert!(names.insert(case["name"].as_str().unwrap().to_owned()), "{rule}: two cases are named {case}");
    }
    all.into_iter().filter(|case| case["only"] != "typescript").collect()
}

fn text<'c>(case: &'c Value, key: &str) -> Option<&'c str> {
    case[key].as_str()
}

#[test]
fn merges() {
    for case in cases("merges", &["base", "mine", "theirs", "merged", "merged_other", "order", "clash"]) {
        let [base, mine, theirs] = ["base", "mine", "theirs"].map(|key| text(&case, key).unwrap());
        let expected: Vec<Option<&str>> = match text(&case, "merged") {
            Some(merged) => [Some(merged), text(&case, "merged_other")].into_iter().filter(Option::is_some).collect(),
            None => vec![None],
        };
        for (one, other) in [(mine, theirs), (theirs, mine)] {
            let united = unite_texts(base, one, other);
            assert!(expected.contains(&united.as_deref()), "{}: {united:?}", case["name"]);
        }
    }
}

#[test]
fn line_ends() {
    for case in cases("line_ends", &["stored", "kind", "shown", "wanted", "after", "file", "file_after"]) {
        let name = &case["name"];
        let stored = text(&case, "stored").unwrap();
        let shown = inside(stored);
        if let Some(expected) = text(&case, "shown") {
            assert_eq!(shown, expected, "{name}");
        }
        let after = match (text(&case, "kind").unwrap(), text(&case, "wanted")) {
            (_, None) => stored.to_owned(),
            ("yjs", Some(wanted)) => applied(stored, wanted),
            (_, Some(wanted)) => outside(wanted, Some(stored), FileForm::default()),
        };
        assert_eq!(after, text(&case, "after").unwrap(), "{name}");
        if let Some(file) = text(&case, "file") {
            assert_eq!(inside(file), shown, "{name}");
            let written = outside(&after, Some(file), FileForm::of(file));
            assert_eq!(written, text(&case, "file_after").unwrap(), "{name}");
        }
    }
}

/// The text that an edit makes of a stored one, by the deletions and insertions that it consists of.
fn applied(stored: &str, wanted: &str) -> String {
    let mut units: Vec<u16> = stored.encode_utf16().collect();
    for edit in edits_between(stored, wanted) {
        let at = usize::try_from(edit.position).unwrap();
        let end = at + usize::try_from(edit.removed).unwrap();
        units.splice(at..end, edit.inserted.encode_utf16());
    }
    String::from_utf16(&units).unwrap()
}

#[test]
fn mass_deletion() {
    let keys = ["documents", "deleted_here", "deleted_elsewhere", "edited_here", "edited_elsewhere", "asks"];
    for case in cases("mass_deletion", &keys) {
        let count = |key: &str| usize::try_from(case[key].as_u64().unwrap()).unwrap();
        let asks = ["deleted_here", "deleted_elsewhere"].map(|key| is_mass_deletion(count(key), count("documents")));
        assert_eq!(asks[0] || asks[1], case["asks"].as_bool().unwrap(), "{}", case["name"]);
    }
}

#[test]
fn retry_after() {
    for case in cases("retry_after", &["retry_after", "date", "now", "wait_s", "end_s", "end", "none"]) {
        let name = &case["name"];
        let now = text(&case, "now").unwrap().parse().unwrap();
        let asked = retry_after_at(text(&case, "retry_after"), text(&case, "date"), now);
        let seconds = asked.map(|asked| asked.as_secs());
        if case["none"] == true {
            assert_eq!(asked, None, "{name}");
        } else if case["end"] == true {
            assert!(asked.unwrap() > LONGEST_ASKED, "{name}");
        } else {
            assert_eq!(seconds, case["wait_s"].as_u64().or(case["end_s"].as_u64()), "{name}");
            assert_eq!(asked.unwrap() > LONGEST_ASKED, case["end_s"].is_u64(), "{name}");
        }
    }
}

#[test]
fn dead_letters() {
    for case in cases("dead_letters", &["tries", "over_s", "others", "outcome"]) {
        let over = Duration::from_secs(case["over_s"].as_u64().unwrap());
        let is_dead = is_given_up(case["tries"].as_i64().unwrap(), over, case["others"].as_bool().unwrap());
        assert_eq!(is_dead, case["outcome"] == "dead_letter", "{}", case["name"]);
    }
}

#[test]
fn answers() {
    for case in cases("answers", &["operations", "answer", "outcome"]) {
        let answer = &case["answer"];
        let body = match &answer["body"] {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
        let kind = text(answer, "content_type").unwrap();
        let is_alone = case["operations"] == 1;
        let outcome = if (200..300).contains(&status) {
            parse::<BatchAnswer>(body.as_bytes())
                .map_or_else(|failure| outcome_of(&failure, is_alone), |answer| settled(&answer))
        } else {
            outcome_of(&refusal(status, kind.starts_with("application/problem+json"), body.as_bytes(), None), is_alone)
        };
        assert_eq!(outcome, case["outcome"], "{}", case["name"]);
    }
}

fn outcome_of(failure: &RemoteError, is_alone: bool) -> &'static str {
    match failure {
        RemoteError::Unauthorized(_) => "log_in",
        RemoteError::Foreign { .. } | RemoteError::Unintelligible(_) => "unreachable",
        failure if failure.asks_for_less() && !is_alone => "split",
        failure if failure.asks_for_less() && failure.is_servers_fault() => "failed_alone",
        failure if failure.asks_for_less() => "dead_letter",
        failure if failure.is_passing() => "later",
        _ => "refused",
    }
}

fn settled(answer: &BatchAnswer) -> &'static str {
    let error = answer.results.iter().find_map(|result| result.error.as_ref());
    let has_failed = answer.results.iter().any(|result| result.status == ResultStatus::Error);
    match error.filter(|_| has_failed) {
        Some(error) if error.retryable => "failed_alone",
        Some(_) => "dead_letter",
        None => "settled",
    }
}

#[test]
fn streams() {
    for case in cases("streams", &["silent_s", "outcome"]) {
        let silent = Duration::from_secs(case["silent_s"].as_u64().unwrap());
        let is_dead = silent >= landfall::client::watch::MAX_SILENCE;
        assert_eq!(is_dead, case["outcome"] == "reconnect", "{}", case["name"]);
    }
}

/// What a server takes, unless a case says otherwise.
const MOST: BatchSize = BatchSize { operations: 100, bytes: 16 * 1024 * 1024 };

fn count(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("{key} of {value}"))
}

fn batch_size_of(value: &Value) -> BatchSize {
    let number = |key| usize::try_from(count(value, key)).unwrap();
    BatchSize { operations: number("operations"), bytes: number("bytes") }
}

#[test]
fn batch_size() {
    let keys = ["most", "sent", "next", "line", "document_bytes", "batches", "settles"];
    for case in cases("batch_size", &keys) {
        let most = if case["most"].is_object() { batch_size_of(&case["most"]) } else { MOST };
        let mut next = BatchSize::first(most);
        if case["line"].is_object() {
            let last = on_line(next, &case);
            let expected = count(&case["settles"], "least")..=count(&case["settles"], "most");
            assert!(expected.contains(&last), "{}: {last}", case["name"]);
            continue;
        }
        for sent in case["sent"].as_array().unwrap() {
            let known = ["operations", "bytes", "ms", "latency_ms", "too_much"];
            assert!(sent.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{sent}");
            let sent = Sent {
                size: batch_size_of(sent),
                ms: count(sent, "ms"),
                latency_ms: count(sent, "latency_ms"),
                was_too_much: sent["too_much"] == true,
            };
            next = next.after(&sent, most);
        }
        assert_eq!(next, batch_size_of(&case["next"]), "{}", case["name"]);
    }
}

/// The operations of the last batch that one sends after the other over a line, whose speed may change halfway.
fn on_line(first: BatchSize, case: &Value) -> u64 {
    let (line, document, batches) = (&case["line"], count(case, "document_bytes"), count(case, "batches"));
    let known = ["bytes_per_s", "latency_ms", "then_bytes_per_s"];
    assert!(line.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{line}");
    let (mut next, mut operations) = (first, 0);
    for batch in 0..batches {
        let fits = u64::try_from(next.bytes).unwrap() / document;
        operations = u64::try_from(next.operations).unwrap().min(fits).max(1);
        let is_later = batch * 2 >= batches && line["then_bytes_per_s"].is_u64();
        let speed = count(line, if is_later { "then_bytes_per_s" } else { "bytes_per_s" });
        let (bytes, latency_ms) = (operations * document, count(line, "latency_ms"));
        let size =
            BatchSize { operations: usize::try_from(operations).unwrap(), bytes: usize::try_from(bytes).unwrap() };
        let sent = Sent { size, ms: latency_ms + bytes * 1_000 / speed, latency_ms, was_too_much: false };
        next = next.after(&sent, MOST);
    }
    operations
}
