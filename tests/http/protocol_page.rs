//! `docs/protocol.md` says what the server does: its examples are requests that are sent, in order, and the answers that
//! they get.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::answer::Answer;
use crate::harness::events::EventReader;
use crate::harness::user::User;
use crate::harness::{Database, TestServer, on_both_databases};

const PAGE: &str = include_str!("../../docs/protocol.md");
/// Stands for any value.
const ANY: &str = "…";

on_both_databases!(the_examples_of_the_page_are_what_happens);

/// A fenced block of the page.
struct Block {
    language: &'static str,
    /// Its first line on the page, from 1.
    line: usize,
    text: String,
}

impl Block {
    /// The first line, the headers, and what stands behind an empty line.
    fn parts(&self) -> (&str, Vec<(&str, &str)>, &str) {
        let (head, body) = self.text.split_once("\n\n").unwrap_or((&self.text, ""));
        let (first, headers) = head.split_once('\n').unwrap_or((head, ""));
        let headers = headers.lines().map(|line| line.split_once(": ").unwrap_or_else(|| panic!("{self}: {line}")));
        (first.trim_end(), headers.collect(), body)
    }
}

impl std::fmt::Display for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "docs/protocol.md:{}", self.line)
    }
}

fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_inside = false;
    for (at, line) in PAGE.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(language) if !is_inside => {
                blocks.push(Block { language, line: at + 2, text: String::new() });
                is_inside = true;
            }
            Some(_) => is_inside = false,
            None if is_inside => {
                let block = blocks.last_mut().unwrap();
                block.text += line;
                block.text += "\n";
            }
            None => {}
        }
    }
    blocks
}

/// What the page is run with.
struct Run<'a> {
    server: &'a TestServer,
    /// Values that answers have given, by their names on the page.
    names: BTreeMap<String, Value>,
    answer: Option<Answer>,
    events: Option<EventReader>,
}

impl Run<'_> {
    /// Names in braces replaced by what they stand for.
    fn fill(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| match value.as_str() {
            Some(value) => text.replace(&format!("{{{name}}}"), value),
            None => text,
        })
    }

    fn request(&mut self, block: &Block) {
        assert!(self.answer.is_none(), "{block}: the answer to the request before is not on the page");
        let (first, headers, body) = block.parts();
        let (method, path) = first.split_once(' ').unwrap_or_else(|| panic!("{block}: {first}"));
        let path = self.fill(path);
        assert!(!path.contains('{'), "{block}: {path}");
        let client = match self.names.get("token").and_then(Value::as_str) {
            Some(token) => self.server.client().with_token(token),
            None => self.server.client().clone(),
        };
        if path.contains("/documents/events?") {
            let user = User::login(self.server.client(), "ada");
            self.events = Some(user.events());
            return;
        }
        let mut request = client.request(method, &path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if !body.trim().is_empty() {
            let body: Value = serde_json::from_str(&self.fill(body)).unwrap_or_else(|error| panic!("{block}: {error}"));
            request = request.json(&body);
        }
        self.answer = Some(request.send());
    }

    fn check(&mut self, block: &Block) {
        let answer = self.answer.take().unwrap_or_else(|| panic!("{block}: nothing was asked"));
        let (first, headers, body) = block.parts();
        let status = first.rsplit(' ').next().unwrap_or_default();
        assert_eq!(answer.status.to_string(), status, "{block}: {}", answer.text());
        for (name, value) in headers {
            assert_eq!(answer.header(&name.to_lowercase()), value, "{block}: {name}");
        }
        if body.trim().is_empty() {
            assert!(answer.text().is_empty(), "{block}: {}", answer.text());
            return;
        }
        let expected: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{block}: {error}"));
        let found: Value = serde_json::from_str(&answer.text()).unwrap();
        self.compare(&expected, &found).unwrap_or_else(|place| panic!("{block}: {place}\n{found:#}"));
    }

    fn expect_event(&mut self, block: &Block) {
        let reader = self.events.as_mut().unwrap_or_else(|| panic!("{block}: no stream is open"));
        let (name, data) = block.text.split_once("\ndata: ").unwrap();
        let found = reader.expect_event(name.trim_start_matches("event: "));
        let expected: Value = serde_json::from_str(data).unwrap_or_else(|error| panic!("{block}: {error}"));
        self.compare(&expected, &found).unwrap_or_else(|place| panic!("{block}: {place}\n{found:#}"));
    }

    /// Whether what was found holds all that the page shows; learns names that are new.
    fn compare(&mut self, expected: &Value, found: &Value) -> Result<(), String> {
        match (expected, found) {
            (Value::String(text), _) if text == ANY => Ok(()),
            (Value::String(text), _) if text.starts_with('{') && text.ends_with('}') => {
                let name = text.trim_matches(['{', '}']).to_owned();
                let known = self.names.entry(name).or_insert_with(|| found.clone());
                if known == found { Ok(()) } else { Err(format!("{text} was {known}, and is {found}")) }
            }
            (Value::Object(expected), Value::Object(found)) => expected.iter().try_for_each(|(field, expected)| {
                let found = found.get(field).ok_or_else(|| format!("{field} is missing"))?;
                self.compare(expected, found).map_err(|place| format!("{field}: {place}"))
            }),
            (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
                expected.iter().zip(found).try_for_each(|(expected, found)| self.compare(expected, found))
            }
            _ if expected == found => Ok(()),
            _ => Err(format!("{expected} on the page, {found} in the answer")),
        }
    }
}

fn the_examples_of_the_page_are_what_happens(database: Database) {
    let server = TestServer::start(database);
    let mut run = Run { server: &server, names: BTreeMap::new(), answer: None, events: None };
    let mut count = 0;
    for block in blocks() {
        match block.language {
            "http" if block.text.starts_with("HTTP/") => run.check(&block),
            "http" => {
                run.request(&block);
                count += 1;
            }
            "sse" => run.expect_event(&block),
            language => panic!("{block}: a block of {language:?} is run by nothing"),
        }
    }
    assert!(run.answer.is_none(), "the last request has no answer on the page");
    assert!(count > 20, "{count} requests were found");
}

/// Every code is explained, and no code is made up.
#[test]
fn the_page_has_every_code() {
    for code in landfall::domain::error_code::ErrorCode::ALL {
        let row = format!(
            "\n| `{}` | {} | {} |",
            code.as_str(),
            status_of(code),
            if code.retryable() { "yes" } else { "no" }
        );
        assert!(PAGE.contains(&row), "{row}");
    }
    let contract = crate::harness::contract::CONTRACT.document();
    for code in contract["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap() {
        assert!(PAGE.contains(&format!("`{}`", code.as_str().unwrap())), "{code}");
    }
}

fn status_of(code: landfall::domain::error_code::ErrorCode) -> &'static str {
    use landfall::domain::error_code::ErrorCode;
    match code {
        _ if code.is_conflict() => "conflict",
        ErrorCode::RolledBack | ErrorCode::DependencyFailed => "skipped",
        _ => "error",
    }
}
