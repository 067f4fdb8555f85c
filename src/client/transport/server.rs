//! One workspace at the server: what a folder's sync asks of it, and where.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;

use crate::client::error::ClientError;
use crate::client::model::Identity;
use crate::client::state::DocId;
use crate::client::transport::remote::{Remote, RemoteError, Until};
use crate::client::transport::wire::{
    BaseBody, BatchAnswer, ChangesPage, DiffAnswer, DiffItem, DiffRequest, List, ServerLimits, WireDocument,
};

/// Where batches go.
const BATCH_PATH: &str = "/api/v1/documents/batch";
/// Documents of a page.
const PAGE_DOCUMENTS: usize = 200;
/// The code of a cursor that is too old, or of another database.
const CURSOR_EXPIRED: &str = "cursor_expired";
/// How long the server may take to hear that a run is over. It hears it for the sake of those who watch.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// A workspace at the server.
pub struct Server<'a> {
    remote: &'a Remote,
    identity: Identity,
}

impl<'a> Server<'a> {
    /// The workspace of a folder.
    #[must_use]
    pub const fn new(remote: &'a Remote, identity: Identity) -> Self {
        Self { remote, identity }
    }

    /// Who the folder is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The shortest time that any answer has taken.
    #[must_use]
    pub fn shortest_answer(&self) -> Option<Duration> {
        self.remote.shortest_answer()
    }

    /// What the command says of a request that failed.
    #[must_use]
    pub fn failure(&self, error: RemoteError) -> ClientError {
        self.remote.failure(error)
    }

    /// The server cannot serve now.
    #[must_use]
    pub fn unreachable(&self, reason: String) -> ClientError {
        ClientError::Unreachable { server: self.remote.server().to_owned(), reason }
    }

    /// What the server takes.
    pub fn read_limits(&self) -> Result<ServerLimits, ClientError> {
        self.remote.get("/api/v1/limits")
    }

    /// A page of the feed, with whole documents or with their state vectors; `None` if the cursor is too old, or of another
    /// database.
    pub fn read_page(&self, cursor: Option<&str>, is_whole: bool) -> Result<Option<ChangesPage>, ClientError> {
        let workspace = &self.identity.workspace;
        let from = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let yjs = if is_whole { "whole" } else { "vector" };
        let path = format!("/api/v1/documents/changes?workspace_id={workspace}&limit={PAGE_DOCUMENTS}&yjs={yjs}{from}");
        match cursor {
            Some(_) => unless_refused_as(CURSOR_EXPIRED, self.remote.get(&path)),
            None => self.remote.get(&path).map(Some),
        }
    }

    /// A document as the server has it now; `None` if it has none.
    pub fn read_document(&self, id: DocId) -> Result<Option<WireDocument>, ClientError> {
        self.read_if_there(&format!("/api/v1/documents/{id}"))
    }

    /// The text of one version; `None` if the history does not have it.
    pub fn read_version(&self, id: DocId, version: i64) -> Result<Option<BaseBody>, ClientError> {
        self.read_if_there(&format!("/api/v1/documents/{id}/versions/{version}"))
    }

    fn read_if_there<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ClientError> {
        let path = format!("{path}?workspace_id={}", self.identity.workspace);
        unless_refused_as("not_found", self.remote.get(&path))
    }

    /// What is missing here of documents.
    pub fn read_missing(&self, documents: Vec<DiffItem>) -> Result<Vec<DiffAnswer>, ClientError> {
        let request = DiffRequest { workspace_id: &self.identity.workspace, documents };
        let body = serde_json::to_vec(&request).map_err(|error| ClientError::Usage(error.to_string()))?;
        let answer = self.remote.post("/api/v1/documents/diff", &body, Until::NothingHelps);
        answer.map(|list: List<DiffAnswer>| list.items).map_err(|error| self.failure(error))
    }

    /// Opens a run on the server, so that others can watch it; whether it knows of runs.
    #[must_use]
    pub fn open_run(&self, run_id: &str, total: usize, direction: &str) -> bool {
        let body = json!({
            "workspace_id": self.identity.workspace,
            "total": total,
            "direction": direction,
            "device_id": self.identity.device,
        });
        self.remote.put(&format!("/api/v1/syncs/{run_id}"), body.to_string().as_bytes()).is_ok()
    }

    /// Says that no more comes of a run. What the server answers changes nothing here.
    pub fn cancel_run(&self, run_id: &str) {
        let path = format!("/api/v1/syncs/{run_id}/cancel?workspace_id={}", self.identity.workspace);
        drop(self.remote.post_shortly(&path, CANCEL_TIMEOUT));
    }

    /// Sends a batch that is already written; and how long the last try took.
    pub fn push(&self, body: &[u8], until: Until) -> (Result<BatchAnswer, RemoteError>, Duration) {
        self.remote.post_timed(BATCH_PATH, body, until)
    }

    /// Drops an upload; fine if there is none that is open.
    pub fn drop_upload(&self, upload_id: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/uploads/{upload_id}?workspace_id={}", self.identity.workspace);
        match self.remote.delete(&path) {
            Err(RemoteError::Refused { status: 404 | 409 | 410, .. }) | Ok(()) => Ok(()),
            Err(error) => Err(self.failure(error)),
        }
    }

    /// Whether batches get through, for which an empty one is good enough.
    pub fn check_batches(&self) -> Result<(), ClientError> {
        let Identity { workspace, device } = &self.identity;
        let body = json!({ "workspace_id": workspace, "device_id": device, "operations": [] }).to_string();
        let answer = self.remote.post::<Box<RawValue>>(BATCH_PATH, body.as_bytes(), Until::LessHelps);
        answer.map(drop).map_err(|error| self.failure(error))
    }

    /// Whether the server serves.
    pub fn check_health(&self) -> Result<(), ClientError> {
        self.remote.check_health().map_err(|error| self.failure(error))
    }
}

/// The answer, or none where it is refused with this code.
fn unless_refused_as<T>(wanted: &str, outcome: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match outcome {
        Err(ClientError::Refused { code, .. }) if code == wanted => Ok(None),
        outcome => outcome.map(Some),
    }
}
