//! The wire protocol as the client speaks it: what it sends and what it understands of the answers.
//! Everything that comes from the server is checked before it is used: Yjs bytes pass the scanner.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::state::{DocId, QueuedOperation};
use crate::domain::limits::YjsCaps;
use crate::domain::line_ends::inside;
use crate::yjs::scan::scan_update;

/// A batch to be pushed.
#[derive(Debug, Serialize)]
pub struct Batch<'a> {
    /// The workspace.
    pub workspace_id: &'a str,
    /// The folder's device.
    pub device_id: &'a str,
    /// All or nothing.
    pub atomic: bool,
    /// Only say what would happen.
    pub dry_run: bool,
    /// The sync run that the batch counts towards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_id: Option<&'a str>,
    /// The upload that it is a part of.
    #[serde(flatten)]
    pub upload: Option<Upload<'a>>,
    /// Present, if only as null, to pull as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Option<&'a str>>,
    /// The operations, already written.
    pub operations: Vec<&'a RawValue>,
}

/// What a batch says of its upload.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Upload<'a> {
    /// Which one.
    pub upload_id: &'a str,
    /// Whether it is to be applied.
    pub commit: bool,
    /// The place of the batch's operations in it.
    pub part: usize,
}

#[derive(Debug, Serialize)]
struct OperationBody<'a> {
    operation: &'a str,
    client_id: &'a str,
    document_id: DocId,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_version: Option<i64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    force: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restore: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<ChangesBody<'a>>,
}

#[derive(Debug, Serialize)]
struct ChangesBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    yjs_state_b64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_vector_b64: Option<String>,
}

/// Writes an operation; `state_vector` asks for no more of the merged document than is missing here.
pub fn encode_operation(
    operation: &QueuedOperation,
    state_vector: Option<&[u8]>,
) -> Result<Box<RawValue>, serde_json::Error> {
    let has_data = operation.kind != "delete";
    serde_json::value::to_raw_value(&OperationBody {
        operation: &operation.kind,
        client_id: &operation.client_id,
        document_id: operation.document_id,
        base_version: operation.base_version,
        force: operation.force,
        restore: operation.restore,
        data: has_data.then(|| ChangesBody {
            title: operation.title.as_deref(),
            content: operation.content.as_deref(),
            yjs_state_b64: operation.yjs_update.as_deref().map(|bytes| STANDARD.encode(bytes)),
            state_vector_b64: state_vector.map(|bytes| STANDARD.encode(bytes)),
        }),
    })
}

/// The answer to a batch.
#[derive(Debug, Deserialize)]
pub struct BatchAnswer {
    /// What became of each operation.
    pub results: Vec<OperationResult>,
    /// The page of the feed that was asked for.
    pub changes: Option<ChangesPage>,
    /// The upload after it.
    upload: Option<UploadBody>,
}

impl BatchAnswer {
    /// Whether its upload can still be committed.
    #[must_use]
    pub fn upload_is_open(&self) -> bool {
        self.upload.as_ref().is_none_or(|UploadBody { status }| status == "open")
    }
}

#[derive(Debug, Deserialize)]
struct UploadBody {
    status: String,
}

/// What became of an operation.
#[derive(Debug, Deserialize)]
pub struct OperationResult {
    /// The operation's name.
    pub client_id: Option<String>,
    /// How it ended.
    pub status: ResultStatus,
    /// The document's version now.
    pub version: Option<i64>,
    /// Whether it was applied onto a newer version.
    #[serde(default)]
    pub merged: bool,
    /// Whether it was answered from its receipt.
    #[serde(default)]
    pub replayed: bool,
    /// Whether it replaced a title that somebody else had set.
    #[serde(default)]
    pub title_overwritten: bool,
    /// Why it was not applied.
    pub error: Option<ResultError>,
    /// The server's document, or what the server knows of it.
    pub server: Option<WireDocument>,
    /// What both sides began with.
    pub base: Option<BaseBody>,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultStatus {
    /// Applied, or already so.
    Success,
    /// It clashes with the server's document.
    Conflict,
    /// A mistake.
    Error,
    /// Not tried, or undone.
    Skipped,
}

/// Why an operation was not applied.
#[derive(Clone, Debug, Deserialize)]
pub struct ResultError {
    /// The code, of a published set.
    pub code: String,
    /// For people.
    pub message: String,
    /// Whether the same operation may succeed later.
    pub retryable: bool,
}

/// What both sides began with.
#[derive(Clone, Debug, Deserialize)]
pub struct BaseBody {
    /// Its text.
    pub content: Option<String>,
}

/// A page of the feed.
#[derive(Debug, Deserialize)]
pub struct ChangesPage {
    /// The documents.
    pub items: Vec<WireDocument>,
    /// Where the next page starts.
    pub next_cursor: String,
    /// Whether there is one.
    pub has_more: bool,
}

/// What is asked for of documents whose changes are to be fetched.
#[derive(Debug, Serialize)]
pub struct DiffRequest<'a> {
    /// The workspace.
    pub workspace_id: &'a str,
    /// The documents.
    pub documents: Vec<DiffItem>,
}

/// A document that is here in part, or not at all.
#[derive(Debug, Serialize)]
pub struct DiffItem {
    /// Its id.
    pub document_id: DocId,
    /// What is known of its Yjs state here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_vector_b64: Option<String>,
    /// The version of which everything is known here, deletions too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// What is missing here of a document, or why that cannot be told.
#[derive(Debug, Deserialize)]
pub struct DiffAnswer {
    /// Its id.
    pub document_id: DocId,
    /// Whether it was deleted meanwhile.
    #[serde(default)]
    pub deleted: bool,
    /// The part of the Yjs state that is missing here.
    pub yjs_state_b64: Option<String>,
    /// Why there is no answer.
    pub error: Option<ResultError>,
}

/// A document as the server sends it, in parts or whole.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct WireDocument {
    /// Its id.
    pub document_id: Option<DocId>,
    /// Its version.
    pub version: Option<i64>,
    /// Its title.
    pub title: Option<String>,
    /// Its text.
    pub content: Option<String>,
    /// Its Yjs state, or the part that was missing here.
    pub yjs_state_b64: Option<String>,
    /// What the server knows of its Yjs state.
    pub state_vector_b64: Option<String>,
    /// Whether it is deleted.
    #[serde(default)]
    pub deleted: bool,
    /// Whether it did not fit into the answer: only its id and version came.
    #[serde(default)]
    pub omitted: bool,
}

/// A document of the server's, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerDocument {
    /// Its id.
    pub document_id: DocId,
    /// Its version.
    pub version: i64,
    /// Its title.
    pub title: String,
    /// Whether it is deleted.
    pub deleted: bool,
    /// Its text, where the server sent it, with LF.
    pub content: Option<String>,
    /// The same as the server has it, where its line ends are others and it has no Yjs state.
    pub raw: Option<String>,
    /// Its Yjs state, or a part of it; `None` for a document without one.
    pub yjs_state: Option<Vec<u8>>,
}

impl WireDocument {
    /// Whether it has Yjs state that was not sent along.
    #[must_use]
    pub const fn is_vector_alone(&self) -> bool {
        self.state_vector_b64.is_some() && self.yjs_state_b64.is_none() && self.content.is_none() && !self.deleted
    }

    /// Checks what is said of a document.
    ///
    /// # Errors
    /// What is wrong with it, for people, and the id and title if they are known.
    pub fn check(self) -> Result<ServerDocument, (Option<DocId>, String, String)> {
        let title = self.title.unwrap_or_default();
        let wrong = |id, reason: &str| (id, title.clone(), reason.to_owned());
        let Some(document_id) = self.document_id else { return Err(wrong(None, "the server sent no document_id")) };
        let Some(version) = self.version else { return Err(wrong(Some(document_id), "the server sent no version")) };
        let yjs_state = match self.yjs_state_b64 {
            Some(encoded) => {
                let bytes = STANDARD
                    .decode(encoded)
                    .map_err(|error| wrong(Some(document_id), &format!("its Yjs state is no base64: {error}")))?;
                let scanned = scan_update(bytes, &YjsCaps::default())
                    .map_err(|error| wrong(Some(document_id), &format!("its Yjs state cannot be read: {error}")))?;
                Some(scanned.bytes)
            }
            // A state that the client has in full is answered without bytes, but with its vector.
            None if self.state_vector_b64.is_some() => Some(vec![0, 0]),
            None => None,
        };
        let raw = self.content;
        let content = raw.as_deref().map(|content| inside(content).into_owned());
        let raw = raw.filter(|raw| content.as_ref() != Some(raw) && yjs_state.is_none());
        Ok(ServerDocument { document_id, version, title, deleted: self.deleted, content, raw, yjs_state })
    }
}

/// A problem (RFC 9457), as far as the client looks at it.
#[derive(Debug, Default, Deserialize)]
pub struct Problem {
    /// Its code.
    #[serde(default)]
    pub code: String,
    /// For people.
    #[serde(default)]
    pub detail: String,
}

/// A login, or a renewed one.
#[derive(Debug, Deserialize)]
pub struct Tokens {
    /// Goes with each request.
    pub access_token: String,
    /// Seconds.
    pub expires_in: i64,
    /// Renews the login, once.
    pub refresh_token: String,
}

/// A workspace of the user's.
#[derive(Clone, Debug, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub workspace_id: String,
    /// Its name.
    pub name: String,
    /// The owner who answers for it; older servers do not say.
    pub owner: Option<String>,
    /// What the user may do there.
    pub role: String,
}

/// A list without pages.
#[derive(Debug, Deserialize)]
pub struct List<T> {
    /// What it lists.
    pub items: Vec<T>,
}

/// The server's limits, as far as the client looks at them.
#[derive(Clone, Debug, Deserialize)]
pub struct ServerLimits {
    /// Operations of a batch.
    pub max_operations: usize,
    /// Bytes of a request.
    pub max_body_bytes: usize,
    /// Characters of a title.
    pub max_title_chars: usize,
    /// Bytes of a text.
    pub max_content_bytes: usize,
    /// Bytes of an operation's Yjs updates.
    pub max_yjs_bytes: usize,
    /// What may be staged; none of an older server, which stages nothing.
    pub upload: Option<UploadLimits>,
}

/// What may be staged, and then applied at once.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct UploadLimits {
    /// Operations.
    pub max_operations: usize,
    /// Bytes of them.
    pub max_bytes: usize,
}

impl ServerLimits {
    /// Where no server was asked.
    pub const UNKNOWN: Self = Self {
        max_operations: usize::MAX,
        max_body_bytes: usize::MAX,
        max_title_chars: usize::MAX,
        max_content_bytes: usize::MAX,
        max_yjs_bytes: usize::MAX,
        upload: None,
    };

    /// What a request needs besides its operations, and an operation besides its bytes.
    const FRAME_BYTES: usize = 4096;

    /// Bytes that the operations of one request may have together.
    #[must_use]
    pub const fn batch_bytes(&self) -> usize {
        self.max_body_bytes.saturating_sub(Self::FRAME_BYTES)
    }

    /// Bytes of a file that fits into one operation, as a Yjs update in base64.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        let in_body = self.batch_bytes().saturating_sub(Self::FRAME_BYTES) / 4 * 3;
        let bytes = self.max_content_bytes.min(self.max_yjs_bytes.saturating_sub(Self::FRAME_BYTES)).min(in_body);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}
