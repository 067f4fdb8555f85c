//! A user with an account, a token and a workspace.

use std::ops::Deref;

use serde_json::json;
use uuid::Uuid;

use super::answer::Answer;
use super::batch::Batch;
use super::client::Client;
use super::operation::{Operation, create};
use super::yjs_editor::YjsEditor;

/// The password of every user of the tests.
pub const PASSWORD: &str = "correct horse battery staple";

/// A user who is logged in, at work in one workspace. Sends plain requests through [`Client`].
#[derive(Clone)]
pub struct User {
    /// Sends with the user's token.
    pub client: Client,
    /// The name.
    pub username: String,
    /// The token in use.
    pub access_token: String,
    /// What renews it.
    pub refresh_token: String,
    /// The workspace at work in: the user's first one, unless [`in_workspace`](Self::in_workspace) says otherwise.
    pub workspace_id: String,
}

impl Deref for User {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl User {
    /// Makes an account, which is a login too.
    pub fn register(client: &Client, username: &str) -> Self {
        let credentials = json!({ "username": username, "password": PASSWORD });
        Self::of_session(client, username, &client.post("/api/v1/auth/register", &credentials).expect(201))
    }

    /// Logs in again.
    pub fn login(client: &Client, username: &str) -> Self {
        let credentials = json!({ "username": username, "password": PASSWORD });
        Self::of_session(client, username, &client.post("/api/v1/auth/login", &credentials).expect(200))
    }

    fn of_session(client: &Client, username: &str, session: &Answer) -> Self {
        let access_token = session.string("/access_token");
        Self {
            client: client.with_token(&access_token),
            username: username.to_owned(),
            access_token,
            refresh_token: session.string("/refresh_token"),
            workspace_id: session.string("/workspace_id"),
        }
    }

    /// The same user, at work in another workspace.
    pub fn in_workspace(&self, workspace_id: &str) -> Self {
        Self { workspace_id: workspace_id.to_owned(), ..self.clone() }
    }

    /// Makes another workspace and goes to work there.
    pub fn new_workspace(&self, name: &str) -> Self {
        let answer = self.post("/api/v1/workspaces", &json!({ "name": name })).expect(201);
        self.in_workspace(&answer.string("/workspace_id"))
    }

    /// Gives another user a role in the workspace, as a member or by an invitation that the other one accepts; the other
    /// user, at work there.
    pub fn invite(&self, other: &Self, role: &str) -> Self {
        let path = format!("/api/v1/workspaces/{}/members/{}", self.workspace_id, other.username);
        let answer = self.put(&path, &json!({ "role": role }));
        if answer.status == 202 {
            let accept = format!("/api/v1/invitations/{}/accept", self.workspace_id);
            other.request("POST", &accept).send().expect(200);
        } else {
            answer.expect(200);
        }
        other.in_workspace(&self.workspace_id)
    }

    /// A batch for the workspace.
    pub fn batch(&self) -> Batch {
        Batch::new(self)
    }

    /// Creates a document with a text; its id.
    #[track_caller]
    pub fn new_document(&self, title: &str, content: &str) -> String {
        let answer = self.batch().with(create("new").title(title).content(content)).send();
        answer.expect_outcomes(["new success v1"]).document_id("new")
    }

    /// Creates a document with a Yjs state; its id.
    #[track_caller]
    pub fn new_yjs_document(&self, title: &str, editor: &YjsEditor) -> String {
        let operation = create("new").title(title).content(&editor.text()).yjs(&editor.state());
        self.batch().with(operation).send().expect_outcomes(["new success v1"]).document_id("new")
    }

    /// Sends one operation in a batch of its own.
    #[track_caller]
    pub fn send(&self, operation: Operation) -> Answer {
        self.batch().with(operation).send()
    }

    /// Reads a document.
    pub fn read(&self, document_id: &str) -> Answer {
        self.get(&format!("/api/v1/documents/{document_id}?workspace_id={}", self.workspace_id))
    }

    /// Lists the workspace's documents; `query` begins with `&` if it is not empty.
    pub fn list(&self, query: &str) -> Answer {
        self.get(&format!("/api/v1/documents?workspace_id={}{query}", self.workspace_id))
    }

    /// Pulls a page of the feed; `query` begins with `&` if it is not empty.
    pub fn pull(&self, query: &str) -> Answer {
        self.get(&format!("/api/v1/documents/changes?workspace_id={}{query}", self.workspace_id))
    }

    /// Lists a document's versions.
    pub fn versions(&self, document_id: &str, query: &str) -> Answer {
        self.get(&format!("/api/v1/documents/{document_id}/versions?workspace_id={}{query}", self.workspace_id))
    }

    /// Reads one version of a document.
    pub fn version(&self, document_id: &str, version: i64) -> Answer {
        self.get(&format!("/api/v1/documents/{document_id}/versions/{version}?workspace_id={}", self.workspace_id))
    }
}

/// An id that no document has yet.
pub fn new_id() -> String {
    Uuid::now_v7().to_string()
}
