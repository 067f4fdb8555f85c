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

impl DocumentResult {
    /// What happened to the document, or would, for people.
    pub(super) fn what(&self, is_preview: bool) -> String {
        if let Some(error) = &self.error {
            return format!("{} ({}); it stays as it is", error.message, error.code);
        }
        let Some(change) = &self.change else {
            return match self.operation.as_deref() {
                _ if self.unchanged => "nothing to take back".to_owned(),
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
        let what = if parts.is_empty() { "nothing to take back".to_owned() } else { parts.join(", ") };
        if is_preview && change.omitted { format!("{what} (not shown)") } else { what }
    }
}
