//! The documents that the load is made of: texts with Yjs states, and an offline edit of each.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::Outcome;
use crate::histories::{Edit, History, workload};

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

#[derive(Serialize)]
struct Data<'a> {
    title: &'a str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    yjs_state_b64: Option<&'a str>,
}

/// The corpus.
pub fn load() -> Outcome<Vec<Sample>> {
    workload::documents().into_iter().map(sample).collect()
}

fn sample(made: workload::Sample) -> Outcome<Sample> {
    let (state, update) = (STANDARD.encode(&made.state), STANDARD.encode(&made.update));
    let create = Data { title: &made.title, content: &made.content, yjs_state_b64: Some(&state) };
    let update = Data { title: &made.new_title, content: &made.new_content, yjs_state_b64: Some(&update) };
    Ok(Sample {
        create: serde_json::to_string(&create)?,
        create_text: serde_json::to_string(&Data { yjs_state_b64: None, ..create })?,
        update: serde_json::to_string(&update)?,
        state: made.state,
        title: made.title,
        content: made.content,
    })
}

/// The first `count` edits of somebody who writes a paper.
pub fn edits(count: usize) -> Vec<Edit> {
    History::prose(count).transactions.into_iter().flat_map(|transaction| transaction.edits).collect()
}
