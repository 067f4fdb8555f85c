//! A batch under construction, and what must hold for the answer to any batch.

use serde_json::{Value, json};

use super::answer::Answer;
use super::operation::Operation;
use super::user::User;

/// A batch under construction.
#[derive(Clone)]
pub struct Batch {
    user: User,
    body: Value,
}

impl Batch {
    /// An empty batch for the user's workspace.
    pub fn new(user: &User) -> Self {
        Self { user: user.clone(), body: json!({ "workspace_id": user.workspace_id, "operations": [] }) }
    }

    /// Turns on receipts.
    pub fn device(self, device_id: &str) -> Self {
        self.field("device_id", device_id)
    }

    /// All or nothing.
    pub fn atomic(self) -> Self {
        self.field("atomic", true)
    }

    /// Answer, but store nothing.
    pub fn dry_run(self) -> Self {
        self.field("dry_run", true)
    }

    /// Sets any field of the request.
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body[name] = value.into();
        self
    }

    /// Adds an operation.
    pub fn with(mut self, operation: Operation) -> Self {
        self.body["operations"].as_array_mut().expect("a list").push(operation.0);
        self
    }

    /// Adds operations.
    pub fn with_all(self, operations: impl IntoIterator<Item = Operation>) -> Self {
        operations.into_iter().fold(self, Self::with)
    }

    /// The request's body.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// Sends it; checks what must hold for every batch answer.
    #[track_caller]
    pub fn send(self) -> Answer {
        let answer = self.user.post("/api/v1/documents/batch", &self.body);
        check_batch_answer(&self.body, &answer);
        answer
    }

    /// As [`send`](Self::send), for a server that may be killed before it answers: `None` if it was.
    pub fn try_send(self) -> Option<Answer> {
        let answer = self.user.client.request("POST", "/api/v1/documents/batch").json(&self.body).try_send().ok()?;
        check_batch_answer(&self.body, &answer);
        Some(answer)
    }
}

/// What holds for the answer to any batch: one result for each operation, in order and under its name, and counts that
/// are those of the results.
#[track_caller]
pub fn check_batch_answer(request: &Value, answer: &Answer) {
    let Some(results) = answer.body["results"].as_array() else {
        return; // a refusal of the whole request
    };
    let operations = request["operations"].as_array().expect("a list of operations");
    assert_eq!(results.len(), operations.len(), "one result for each operation\n{answer}");
    for (operation, result) in operations.iter().zip(results) {
        if !result["client_id"].is_null() {
            assert_eq!(result["client_id"], operation["client_id"], "results in submitted order\n{answer}");
        }
        if !result["operation"].is_null() {
            assert_eq!(result["operation"], operation["operation"], "results in submitted order\n{answer}");
        }
    }
    let count = |is_counted: &dyn Fn(&Value) -> bool| results.iter().filter(|result| is_counted(result)).count();
    let status = |wanted: &'static str| count(&|result| result["status"] == wanted);
    let flag = |name: &'static str| count(&|result| result[name] == true);
    for (field, counted) in [
        ("total", results.len()),
        ("successful", status("success")),
        ("failed", status("conflict") + status("error")),
        ("skipped", status("skipped")),
        ("conflicts", status("conflict")),
        ("merged", flag("merged")),
        ("replayed", flag("replayed")),
    ] {
        assert_eq!(answer.body[field], counted, "{field} counts the results\n{answer}");
    }
    let dry_run = request["dry_run"] == true;
    let rolled_back = answer.status != 200;
    assert_eq!(answer.body["dry_run"], dry_run, "{answer}");
    assert_eq!(answer.body["committed"], !dry_run && !rolled_back, "{answer}");
}
