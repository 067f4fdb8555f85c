//! A sync run as its owner drives it, and what must hold whenever its progress is read.

use serde_json::{Value, json};

use super::answer::Answer;
use super::batch::Batch;
use super::operation::{Operation, create};
use super::user::{User, new_id};

/// The device that every batch of a [`Run`] comes from.
pub const DEVICE: &str = "laptop";

/// A run of a user in the workspace that they are at work in.
pub struct Run<'a> {
    /// Whose.
    pub user: &'a User,
    /// Its id.
    pub sync_id: String,
}

impl<'a> Run<'a> {
    /// A run under a new id, not opened.
    pub fn new(user: &'a User) -> Self {
        Self { user, sync_id: new_id() }
    }

    /// An open run of so many operations.
    pub fn open(user: &'a User, total: i64) -> Self {
        let run = Self::new(user);
        run.put(&json!({ "total": total, "device_id": DEVICE })).expect(201);
        run
    }

    /// Its path, continued by `end`.
    pub fn path(&self, end: &str) -> String {
        format!("/api/v1/syncs/{}{end}", self.sync_id)
    }

    /// Opens it, or corrects its total.
    pub fn put(&self, body: &Value) -> Answer {
        let mut body = body.clone();
        body["workspace_id"] = json!(self.user.workspace_id);
        self.user.put(&self.path(""), &body)
    }

    /// Reads its progress.
    pub fn read(&self) -> Answer {
        self.user.get(&self.path(&format!("?workspace_id={}", self.user.workspace_id)))
    }

    /// Calls it off.
    pub fn cancel(&self) -> Answer {
        let path = self.path(&format!("/cancel?workspace_id={}", self.user.workspace_id));
        self.user.request("POST", &path).send()
    }

    /// A batch that counts towards it.
    pub fn batch(&self, operations: impl IntoIterator<Item = Operation>) -> Batch {
        self.user.batch().device(DEVICE).field("sync_id", self.sync_id.clone()).with_all(operations)
    }

    /// Sends a batch that counts towards it.
    pub fn push(&self, operations: impl IntoIterator<Item = Operation>) -> Answer {
        self.batch(operations).send()
    }

    /// Status, and processed = succeeded + failed + skipped of total.
    #[track_caller]
    pub fn progress(&self) -> String {
        progress_of(&self.read().expect(200).body)
    }

    /// Each failure as name, code and retries, newest first.
    pub fn errors(&self) -> Vec<String> {
        let answer = self.read().expect(200);
        let errors = answer.body["errors"].as_array().expect("errors");
        errors
            .iter()
            .map(|error| {
                let name = error["client_id"].as_str().unwrap_or("null");
                format!("{name} {} x{}", error["code"].as_str().unwrap(), error["retry_count"])
            })
            .collect()
    }
}

/// What [`Run::progress`] says of a run, whose sums must be right.
#[track_caller]
pub fn progress_of(run: &Value) -> String {
    let count = |name: &str| run[name].as_i64().unwrap_or_else(|| panic!("no {name} in {run}"));
    assert_eq!(count("processed"), count("succeeded") + count("failed") + count("skipped"), "{run}");
    assert_eq!(count("error_count"), count("failed") + count("skipped"), "{run}");
    assert!(count("processed") <= count("total"), "{run}");
    let status = run["status"].as_str().unwrap();
    let (processed, total) = (count("processed"), count("total"));
    format!("{status} {processed}={}+{}+{} of {total}", count("succeeded"), count("failed"), count("skipped"))
}

/// Creates named `op_{n}`.
pub fn creates(from: usize, count: usize) -> impl Iterator<Item = Operation> {
    (from..from + count).map(|n| create(&format!("op_{n}")).title(&format!("{n}")))
}
