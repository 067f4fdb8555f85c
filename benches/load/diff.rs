//! Bytes on the wire for a small change to a large document: a diff against the document.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use uuid::Uuid;
use yrs::updates::encoder::Encode;
use yrs::{Doc, GetString, ReadTxn, Text, Transact};

use crate::Outcome;
use crate::client::Connection;
use crate::corpus;
use crate::large_document::{ROOT, document, grow, load};

const DIFF: &str = "/api/v1/documents/diff";
/// How often each answer is asked for.
const REPEATS: usize = 20;
const WORD: &str = "landfall";
const PAGE_CHARACTERS: usize = 3_000;

/// What an editor who lacks one change is sent.
#[derive(Debug)]
pub struct Diff {
    /// The change, and how it was asked for.
    pub name: String,
    /// Bytes of the Yjs update; 0 if nothing was sent.
    pub update_bytes: usize,
    /// Bytes of the answer's body.
    pub answer_bytes: usize,
    /// The same, compressed by zstd.
    pub compressed_bytes: usize,
    /// From the request to the whole answer; half of them were faster.
    pub latency: Duration,
}

/// A large document, and what its readers are sent.
#[derive(Debug)]
pub struct LargeDiffs {
    /// Bytes of the answer that carries the whole document.
    pub document_bytes: usize,
    /// The diffs.
    pub diffs: Vec<Diff>,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    yjs_state_b64: Option<String>,
}

/// Changes a word, then a page, of a paper made of so many edits, and asks for what an editor lacks who has not.
pub fn run(owner: &Connection, edits: usize) -> Outcome<LargeDiffs> {
    let (state, text) = grow(&corpus::edits(edits))?;
    let workspace_id = owner.create_workspace("diffs")?;
    let paper = Paper { owner, workspace_id, document_id: Uuid::new_v4() };
    paper.create(&state, &text)?;
    let (reader, writer) = (document(2), document(3));
    load(&reader, &state)?;
    load(&writer, &state)?;
    let mut diffs = Vec::new();
    paper.measure("nothing", &reader, 1, &mut diffs)?;
    let version = paper.change("word", &writer, |text| type_word(&writer, text))?;
    paper.measure("a word of eight letters", &reader, 1, &mut diffs)?;
    let reader = document(2);
    load(&reader, &writer.transact().encode_state_as_update_v1(&yrs::StateVector::default()))?;
    paper.change("page", &writer, |text| rewrite_page(&writer, text))?;
    paper.measure("a page rewritten, 3,000 characters", &reader, version, &mut diffs)?;
    let document_bytes =
        owner.get(&format!("/api/v1/documents/{}?workspace_id={}", paper.document_id, paper.workspace_id))?;
    Ok(LargeDiffs { document_bytes: document_bytes.len(), diffs })
}

/// Letter by letter in the middle, as typed.
fn type_word(writer: &Doc, middle: u32) -> Vec<Vec<u8>> {
    let text = writer.get_or_insert_text(ROOT);
    let letters = (middle..).zip(WORD.chars());
    letters
        .map(|(place, letter)| {
            let mut transaction = writer.transact_mut();
            text.insert(&mut transaction, place, &letter.to_string());
            transaction.encode_update_v1()
        })
        .collect()
}

/// Deletes a page in the middle and types another one, word by word.
fn rewrite_page(writer: &Doc, middle: u32) -> Vec<Vec<u8>> {
    let text = writer.get_or_insert_text(ROOT);
    let mut updates = Vec::new();
    let mut transaction = writer.transact_mut();
    let length = u32::try_from(PAGE_CHARACTERS).unwrap_or(u32::MAX);
    text.remove_range(&mut transaction, middle, length);
    updates.push(transaction.encode_update_v1());
    drop(transaction);
    let mut place = middle;
    for number in 0..PAGE_CHARACTERS / 10 {
        let mut transaction = writer.transact_mut();
        let word = format!("word {number:04} ");
        text.insert(&mut transaction, place, &word);
        place += u32::try_from(word.len()).unwrap_or_default();
        updates.push(transaction.encode_update_v1());
    }
    updates
}

struct Paper<'a> {
    owner: &'a Connection,
    workspace_id: String,
    document_id: Uuid,
}

impl Paper<'_> {
    fn create(&self, state: &[u8], text: &str) -> Outcome<()> {
        let data = serde_json::json!({ "title": "A paper", "content": text, "yjs_state_b64": STANDARD.encode(state) });
        self.owner.push(&format!(
            r#"{{"workspace_id":"{}","operations":[{{"operation":"create","client_id":"create","document_id":"{}","data":{data}}}]}}"#,
            self.workspace_id, self.document_id
        ))?;
        Ok(())
    }

    /// Makes a change in the middle of the text and pushes it; the version after it.
    fn change(&self, name: &str, writer: &Doc, edit: impl FnOnce(u32) -> Vec<Vec<u8>>) -> Outcome<i64> {
        let text = writer.get_or_insert_text(ROOT).get_string(&writer.transact());
        let middle = u32::try_from(text.encode_utf16().count() / 2)?;
        let updates: Vec<String> = edit(middle).iter().map(|update| STANDARD.encode(update)).collect();
        let data = serde_json::json!({ "yjs_updates_b64": updates });
        let answer = self.owner.post(
            "/api/v1/documents/batch",
            &format!(
                r#"{{"workspace_id":"{}","operations":[{{"operation":"update","client_id":"{name}","document_id":"{}","data":{data}}}]}}"#,
                self.workspace_id, self.document_id
            ),
        )?;
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        let version = answer.pointer("/results/0/version").and_then(serde_json::Value::as_i64);
        version.ok_or_else(|| format!("the change was not applied: {answer}").into())
    }

    /// Asks for what the reader lacks, by its state vector alone and with the version that it has.
    fn measure(&self, change: &str, reader: &Doc, version: i64, diffs: &mut Vec<Diff>) -> Outcome<()> {
        let vector = STANDARD.encode(reader.transact().state_vector().encode_v1());
        for (how, named) in
            [("state vector", String::new()), ("state vector and version", format!(r#","version":{version}"#))]
        {
            let body = format!(
                r#"{{"workspace_id":"{}","documents":[{{"document_id":"{}","state_vector_b64":"{vector}"{named}}}]}}"#,
                self.workspace_id, self.document_id
            );
            let mut latencies = Vec::with_capacity(REPEATS);
            let mut answer = Vec::new();
            for _ in 0..REPEATS {
                let started = Instant::now();
                answer = self.owner.post(DIFF, &body)?;
                latencies.push(started.elapsed());
            }
            latencies.sort();
            let item = serde_json::from_slice::<Answer>(&answer)?.items.pop().ok_or("an empty answer")?;
            let update = item.yjs_state_b64.map(|encoded| STANDARD.decode(encoded)).transpose()?;
            diffs.push(Diff {
                name: format!("{change}, by {how}"),
                update_bytes: update.map_or(0, |update| update.len()),
                answer_bytes: answer.len(),
                compressed_bytes: self.owner.post_accepting(DIFF, &body, "zstd")?.len(),
                latency: latencies.get(REPEATS / 2).copied().unwrap_or_default(),
            });
        }
        Ok(())
    }
}
