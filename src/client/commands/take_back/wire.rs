//! What the server answers to an undo and a restore, as far as it is looked at here.

use serde::{Deserialize, Serialize};

use crate::client::wire::ResultError;

/// The answer.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// It is done, or was only shown.
    Done(TakenBack),
    /// It goes on by itself.
    Begun(Progress),
}

/// What became of each document.
#[derive(Debug, Deserialize)]
pub(super) struct TakenBack {
    pub successful: usize,
    pub failed: usize,
    pub documents: Option<usize>,
    pub results: Vec<DocumentResult>,
}

impl TakenBack {
    /// Documents of those shown that were, or would be, left as they are, since there is nothing to take back.
    pub(super) fn unaffected(&self) -> usize {
        self.results.iter().filter(|result| !result.has_effect()).count()
    }

    /// All documents, also those that are not shown.
    pub(super) fn documents(&self) -> usize {
        self.documents.unwrap_or(self.results.len())
    }
}

/// What became of a document.
#[derive(Debug, Deserialize)]
pub(super) struct DocumentResult {
    pub document_id: Option<String>,
    pub operation: Option<String>,
    pub status: String,
    #[serde(default)]
    pub unchanged: bool,
    pub error: Option<ResultError>,
    pub change: Option<Change>,
}

/// What would change in a document.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Change {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<FromTo<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<FromTo<bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub omitted: bool,
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct FromTo<T> {
    pub from: T,
    pub to: T,
}

/// How far a restore is.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Progress {
    pub sync_id: String,
    pub status: Status,
    pub succeeded: usize,
    pub failed: usize,
    pub skipped: usize,
}

/// Where a restore stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Idle,
    Processing,
    Completed,
    Error,
    Cancelled,
}

impl Change {
    const fn is_empty(&self) -> bool {
        self.title.is_none() && self.deleted.is_none() && self.diff.is_none() && !self.omitted
    }
}

impl DocumentResult {
    /// Whether something was, or would be, taken back, or could not be.
    fn has_effect(&self) -> bool {
        self.error.is_some() || !(self.unchanged || self.change.as_ref().is_some_and(Change::is_empty))
    }

    /// What happened to the document, or would, for people.
    pub(super) fn what(&self, is_preview: bool) -> String {
        if let Some(error) = &self.error {
            return format!("{}, so it stays as it is", reason(error));
        }
        if !self.has_effect() {
            return "nothing to take back".to_owned();
        }
        let Some(change) = &self.change else {
            return match self.operation.as_deref() {
                Some("delete") => "deleted".to_owned(),
                _ => "taken back".to_owned(),
            };
        };
        let mut parts = Vec::new();
        match change.deleted.as_ref().map(|deleted| deleted.to) {
            Some(true) => parts.push("is deleted".to_owned()),
            Some(false) => parts.push("comes back".to_owned()),
            None => {}
        }
        parts.extend(change.title.as_ref().map(|title| format!("is called {:?} again", title.to)));
        if change.diff.is_some() || change.omitted {
            parts.push("its text changes".to_owned());
        }
        let what = parts.join(", ");
        if is_preview && change.omitted { format!("{what} (not shown)") } else { what }
    }
}

/// Why a document cannot be taken back, for people.
fn reason(error: &ResultError) -> String {
    match error.code.as_str() {
        "version_mismatch" => "a later change clashes with that".to_owned(),
        "deleted" => "it was deleted since".to_owned(),
        "rich_text" => "it is rich text, which only an editor can change".to_owned(),
        "quota_exceeded" => "there is no room for it in the workspace".to_owned(),
        "rolled_back" => "another document could not be taken back".to_owned(),
        "transient" => "it is being written to all the time (try again in a moment)".to_owned(),
        _ => format!("{} ({})", error.message, error.code),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(results: &serde_json::Value) -> TakenBack {
        serde_json::from_value(json!({ "successful": 3, "failed": 1, "results": results })).unwrap()
    }

    #[test]
    fn what_is_unchanged_is_not_taken_back() {
        let error = json!({ "code": "version_mismatch", "message": "look at server", "retryable": false });
        let answer = answer(&json!([
            { "status": "success", "operation": "update", "unchanged": true },
            { "status": "success", "operation": "update", "change": {} },
            { "status": "success", "operation": "update", "change": { "diff": "+a" } },
            { "status": "conflict", "operation": "update", "error": error },
        ]));
        let what: Vec<String> = answer.results.iter().map(|result| result.what(true)).collect();
        let said = [
            "nothing to take back",
            "nothing to take back",
            "its text changes",
            "a later change clashes with that, so it stays as it is",
        ];
        assert_eq!((what, answer.unaffected()), (said.map(str::to_owned).into(), 2));
    }
}
