//! A reader of the feed that goes on over every kill: in the end it has what a new reader gets.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::findings::{Findings, Kind};
use crate::harness::{User, YjsEditor};

/// Documents by id, as the feed told them last.
pub type Documents = BTreeMap<String, Value>;

/// A reader, and what it has.
pub struct Mirror {
    ways: Vec<User>,
    cursor: String,
    pub documents: Documents,
    pub pages: usize,
}

impl Mirror {
    pub fn new(ways: Vec<User>) -> Self {
        Self { ways, cursor: String::new(), documents: Documents::new(), pages: 0 }
    }

    /// Follows the feed until told to stop.
    pub fn follow(&mut self, stop: &(dyn Fn() -> bool + Sync), findings: &Findings) {
        while !stop() {
            if !self.take_page(findings) {
                thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Reads to the end of the feed.
    pub fn catch_up(&mut self, findings: &Findings) {
        while self.take_page(findings) {}
    }

    /// Takes in a page; whether there are more.
    fn take_page(&mut self, findings: &Findings) -> bool {
        let way = &self.ways[self.pages % self.ways.len()];
        let path =
            format!("/api/v1/documents/changes?workspace_id={}&limit=100&cursor={}", way.workspace_id, self.cursor);
        self.pages += 1;
        let Ok(page) = way.client.request("GET", &path).try_send() else { return false };
        match page.status {
            200 => {}
            503 => return false,
            _ => {
                findings.add(Kind::Wrong, format!("a reader was refused: {page}"));
                return false;
            }
        }
        for item in page.items() {
            let document = without_bytes(item, findings);
            self.documents.insert(item["document_id"].as_str().unwrap().to_owned(), document);
        }
        self.cursor = page.string("/next_cursor");
        page.body["has_more"] == true
    }
}

/// The document with the text that its Yjs state holds instead of the state: the same text may be stored as several states.
fn without_bytes(item: &Value, findings: &Findings) -> Value {
    let mut document = item.clone();
    let fields = document.as_object_mut().unwrap();
    fields.remove("state_vector_b64");
    if let Some(state) = fields.remove("yjs_state_b64") {
        let state = STANDARD.decode(state.as_str().unwrap()).unwrap();
        let text = YjsEditor::from_state(1, &state).text();
        if fields.get("content") != Some(&Value::String(text)) {
            findings.add(Kind::Wrong, format!("the text is not that of the Yjs state: {item}"));
        }
    }
    document
}
