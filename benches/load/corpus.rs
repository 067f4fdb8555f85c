//! The documents that the load is made of: texts with Yjs states, and an offline edit of each.

use std::io::Read;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};

use crate::Outcome;

/// One document of the corpus, its requests' `data` written out beforehand: making JSON is not what is measured.
#[derive(Debug)]
pub struct Sample {
    /// `data` of the create.
    pub create: String,
    /// `data` of the create without Yjs state.
    pub create_text: String,
    /// `data` of the update.
    pub update: String,
    /// The first title.
    pub title: String,
    /// The first text.
    pub content: String,
    /// The first Yjs state.
    pub state: Vec<u8>,
}

#[derive(Deserialize)]
struct Line {
    title: String,
    content: String,
    state: String,
    title2: String,
    content2: String,
    update: String,
}

#[derive(Serialize)]
struct Data<'a> {
    title: &'a str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    yjs_state_b64: Option<&'a str>,
}

/// The corpus.
pub fn load() -> Outcome<Vec<Sample>> {
    let text = read_gzip("workload/corpus.jsonl.gz")?;
    let samples: Vec<Sample> = text.lines().map(sample).collect::<Outcome<_>>()?;
    if samples.is_empty() { Err("the corpus is empty".into()) } else { Ok(samples) }
}

fn sample(line: &str) -> Outcome<Sample> {
    let line: Line = serde_json::from_str(line)?;
    let create = Data { title: &line.title, content: &line.content, yjs_state_b64: Some(&line.state) };
    let update = Data { title: &line.title2, content: &line.content2, yjs_state_b64: Some(&line.update) };
    Ok(Sample {
        create: serde_json::to_string(&create)?,
        create_text: serde_json::to_string(&Data { yjs_state_b64: None, ..create })?,
        update: serde_json::to_string(&update)?,
        state: STANDARD.decode(&line.state)?,
        title: line.title,
        content: line.content,
    })
}

/// One insertion or deletion of a recorded history: position, characters deleted, text inserted.
pub type Edit = (u32, u32, String);

#[derive(Deserialize)]
struct Trace {
    txns: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    patches: Vec<Edit>,
}

/// The first `count` edits of the history of a paper.
pub fn load_edits(count: usize) -> Outcome<Vec<Edit>> {
    let trace: Trace = serde_json::from_str(&read_gzip("traces/automerge-paper.json.gz")?)?;
    Ok(trace.txns.into_iter().flat_map(|transaction| transaction.patches).take(count).collect())
}

fn read_gzip(name: &str) -> Outcome<String> {
    let shared = std::env::var_os("LANDFALL_SHARED_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
    let path = shared.join("data").join(name);
    let file = std::fs::File::open(&path)
        .map_err(|error| format!("{}: {error}; LANDFALL_SHARED_DIR names the directory of data/", path.display()))?;
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text)?;
    Ok(text)
}
