//! Operations of a batch, written as a client would queue them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Bytes as the wire wants them.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// One operation of a batch.
#[derive(Clone, Debug)]
pub struct Operation(pub Value);

/// A create named `client_id`, with a title (take it away with [`Operation::without`]).
pub fn create(client_id: &str) -> Operation {
    Operation(json!({ "operation": "create", "client_id": client_id, "data": { "title": "Untitled" } }))
}

/// An update of a document.
pub fn update(client_id: &str, document_id: &str) -> Operation {
    Operation(json!({ "operation": "update", "client_id": client_id, "document_id": document_id, "data": {} }))
}

/// A deletion of a document.
pub fn delete(client_id: &str, document_id: &str) -> Operation {
    Operation(json!({ "operation": "delete", "client_id": client_id, "document_id": document_id }))
}

/// Asks whether a document is at a version.
pub fn check(client_id: &str, document_id: &str, version: i64) -> Operation {
    let (operation, base_version) = ("check", version);
    Operation(json!({
        "operation": operation, "client_id": client_id, "document_id": document_id, "base_version": base_version,
    }))
}

impl Operation {
    /// Sets any field.
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0[name] = value.into();
        self
    }

    /// Takes a field away.
    pub fn without(mut self, name: &str) -> Self {
        self.0.as_object_mut().expect("an object").remove(name);
        self
    }

    /// Sets any field of `data`.
    pub fn data(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0["data"][name] = value.into();
        self
    }

    /// The editor's own id of the document.
    pub fn id(self, document_id: &str) -> Self {
        self.field("document_id", document_id)
    }

    /// Means the document of the create named `client_id`, instead of a document id.
    pub fn made_by(self, client_id: &str) -> Self {
        self.without("document_id").field("document_ref", client_id)
    }

    /// The version that the editor last saw.
    pub fn base(self, version: i64) -> Self {
        self.field("base_version", version)
    }

    /// Apply whatever the version.
    pub fn force(self) -> Self {
        self.field("force", true)
    }

    /// Revive the document if it is deleted.
    pub fn restore(self) -> Self {
        self.field("restore", true)
    }

    /// The title.
    pub fn title(self, title: &str) -> Self {
        self.data("title", title)
    }

    /// The text.
    pub fn content(self, content: &str) -> Self {
        self.data("content", content)
    }

    /// A Yjs update.
    pub fn yjs(self, update: &[u8]) -> Self {
        self.data("yjs_state_b64", base64(update))
    }

    /// A list of Yjs updates.
    pub fn yjs_list(self, updates: &[Vec<u8>]) -> Self {
        self.data("yjs_updates_b64", updates.iter().map(|update| base64(update)).collect::<Vec<_>>())
    }

    /// What the editor has.
    pub fn state_vector(self, vector: &[u8]) -> Self {
        self.data("state_vector_b64", base64(vector))
    }
}
