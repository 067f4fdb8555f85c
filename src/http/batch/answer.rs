//! The answer to a batch as JSON (protocol §1.7): a pure function of what became of its operations.
//!
//! Fields that have nothing to say are left out; base64 is written straight into the output. Which number an
//! [`AnswerKind`] is in HTTP is not known here.

use serde::Serialize;

use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{BatchId, DocumentId, SyncId, UploadId, Version};
use crate::domain::operation::{OperationError, OperationKind};
use crate::domain::outcome::{Base, Outcome, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::upload::UploadState;
use crate::http::changes_body::{ChangesBody, changes_size_estimate};
use crate::http::document_body::{self, Base64, DocumentBody};
use crate::sync::{BatchAnswer, OperationAnswer, Preview, Restored, ServerSide, UploadView};

/// How the batch as a whole ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// Processed, whatever its operations met.
    Processed,
    /// Atomic and rolled back, and every culprit is a conflict.
    RolledBackByConflicts,
    /// Atomic and rolled back, with a culprit that is an error.
    RolledBackByErrors,
}

impl AnswerKind {
    /// How this batch ended. A dry run ends as the real run would.
    #[must_use]
    pub fn of(answer: &BatchAnswer) -> Self {
        let mut kind = Self::Processed;
        if answer.atomic {
            for result in &answer.results {
                match result.outcome.status() {
                    Status::Error => return Self::RolledBackByErrors,
                    Status::Conflict => kind = Self::RolledBackByConflicts,
                    // Skipped operations are not culprits.
                    Status::Success | Status::Skipped => {}
                }
            }
        }
        kind
    }
}

/// What a rolled back batch says of itself as a problem (RFC 9457); the answer's own fields are its extensions.
#[derive(Debug, Serialize)]
pub struct ProblemMembers<'a> {
    /// URI of the kind of problem.
    #[serde(rename = "type")]
    pub type_uri: &'a str,
    /// The kind of problem, for people.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// This problem, for people.
    pub detail: String,
    /// The kind of problem, for programs.
    pub code: &'a str,
    /// As in `X-Request-Id`.
    pub request_id: &'a str,
}

/// How many operations ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them: successful, failed and skipped.
    pub total: usize,
    /// Applied, or already so.
    pub successful: usize,
    /// Conflicts and errors.
    pub failed: usize,
    /// Not tried, or undone.
    pub skipped: usize,
    /// How many of `failed` are conflicts.
    pub conflicts: usize,
    /// How many were applied onto a newer version.
    pub merged: usize,
    /// How many were answered from their receipts.
    pub replayed: usize,
}

impl Counts {
    /// Counts the results.
    #[must_use]
    pub fn of(results: &[OperationAnswer]) -> Self {
        let mut counts = Self { total: results.len(), ..Self::default() };
        for OperationAnswer { outcome, .. } in results {
            match outcome.status() {
                Status::Success => counts.successful += 1,
                Status::Error => counts.failed += 1,
                Status::Conflict => {
                    counts.failed += 1;
                    counts.conflicts += 1;
                }
                Status::Skipped => counts.skipped += 1,
            }
            counts.merged += usize::from(outcome.merged());
            counts.replayed += usize::from(outcome.replayed());
        }
        counts
    }
}

/// The answer as JSON; `problem` for a batch that was rolled back.
///
/// # Errors
/// None that is known: the output is memory and every name a string.
pub fn encode_answer(
    answer: &BatchAnswer,
    problem: Option<ProblemMembers<'_>>,
    processing_time_ms: u64,
) -> Result<Vec<u8>, serde_json::Error> {
    let body = AnswerBody {
        problem,
        counts: Counts::of(&answer.results),
        committed: answer.committed,
        dry_run: answer.dry_run,
        batch_id: answer.batch_id,
        restored: answer.restored.map(RestoredBody::from),
        upload: answer.upload.map(UploadBody::from),
        results: Results(&answer.results),
        changes: answer.changes.as_ref().map(ChangesBody::from),
        processing_time_ms,
    };
    let mut json = Vec::with_capacity(size_estimate(answer));
    serde_json::to_writer(&mut json, &body)?;
    Ok(json)
}

/// Bytes that the answer will have, roughly, so that its buffer need not grow often.
fn size_estimate(answer: &BatchAnswer) -> usize {
    const RESULT: usize = 256;
    let changes = answer.changes.as_ref().map_or(0, changes_size_estimate);
    answer.results.iter().fold(RESULT.saturating_add(changes), |size, result| {
        let carried = match &result.server {
            ServerSide::Document(document) => document_body::size_estimate(document),
            ServerSide::Nothing | ServerSide::StateVector(_) | ServerSide::Omitted { .. } => 0,
        };
        size.saturating_add(RESULT).saturating_add(carried).saturating_add(result.outcome.text_bytes())
    })
}

#[derive(Serialize)]
struct AnswerBody<'a> {
    #[serde(flatten)]
    problem: Option<ProblemMembers<'a>>,
    #[serde(flatten)]
    counts: Counts,
    committed: bool,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<BatchId>,
    #[serde(flatten)]
    restored: Option<RestoredBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<UploadBody>,
    results: Results<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<ChangesBody<'a>>,
    processing_time_ms: u64,
}

/// The results, each turned into its JSON form only when it is written.
struct Results<'a>(&'a [OperationAnswer]);

impl Serialize for Results<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ResultBody::from))
    }
}

#[derive(Serialize)]
struct ResultBody<'a> {
    client_id: Option<&'a str>,
    operation: Option<&'static str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<DocumentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    #[serde(skip_serializing_if = "is_false")]
    merged: bool,
    #[serde(skip_serializing_if = "is_false")]
    unchanged: bool,
    #[serde(skip_serializing_if = "is_false")]
    replayed: bool,
    #[serde(skip_serializing_if = "is_false")]
    title_overwritten: bool,
    #[serde(skip_serializing_if = "is_false")]
    damaged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<ServerBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<BaseBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merge: Option<MergeBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<ChangeBody<'a>>,
}

impl<'a> From<&'a OperationAnswer> for ResultBody<'a> {
    fn from(answer: &'a OperationAnswer) -> Self {
        let outcome: &Outcome = &answer.outcome;
        Self {
            client_id: outcome.client_id.as_deref(),
            operation: outcome.kind.map(OperationKind::as_str),
            status: outcome.status().as_str(),
            document_id: outcome.document_id,
            version: outcome.version,
            merged: outcome.merged(),
            unchanged: outcome.unchanged(),
            replayed: outcome.replayed(),
            title_overwritten: outcome.title_overwritten(),
            damaged: outcome.error().is_some_and(|error| error.code == ErrorCode::Damaged),
            error: outcome.error().map(ErrorBody::from),
            server: match &answer.server {
                ServerSide::Nothing => None,
                ServerSide::StateVector(bytes) => Some(ServerBody::StateVector { state_vector_b64: Base64(bytes) }),
                ServerSide::Omitted { document_id, version } => {
                    Some(ServerBody::Omitted { document_id: *document_id, version: *version, omitted: true })
                }
                ServerSide::Document(document) => Some(ServerBody::Document(Box::new(DocumentBody::from(&**document)))),
            },
            base: outcome.conflict().and_then(|conflict| conflict.base.as_ref()).map(BaseBody::from),
            merge: outcome
                .conflict()
                .and_then(|conflict| conflict.merge_text.as_deref())
                .map(|content| MergeBody { content }),
            change: answer.preview.as_deref().map(ChangeBody::from),
        }
    }
}

/// What a request about an upload is answered besides.
#[derive(Serialize)]
struct UploadBody {
    upload_id: UploadId,
    status: &'static str,
    operations: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<i64>,
    expires_at: Timestamp,
}

impl From<UploadView> for UploadBody {
    fn from(view: UploadView) -> Self {
        let UploadView { upload_id, state, operations, bytes, expires_at } = view;
        let status = match state {
            UploadState::Open => "open",
            UploadState::Committed => "committed",
            UploadState::Dropped => "dropped",
        };
        Self { upload_id, status, operations, bytes, expires_at }
    }
}

/// What a restore's answer says besides.
#[derive(Serialize)]
struct RestoredBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_id: Option<SyncId>,
    documents: usize,
    #[serde(skip_serializing_if = "is_false")]
    has_more: bool,
}

impl From<Restored> for RestoredBody {
    fn from(restored: Restored) -> Self {
        let Restored { sync_id, documents, has_more } = restored;
        Self { sync_id, documents, has_more }
    }
}

/// What a dry run would change in a document.
#[derive(Serialize)]
struct ChangeBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<FromTo<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<FromTo<bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    omitted: bool,
}

#[derive(Serialize)]
struct FromTo<T> {
    from: T,
    to: T,
}

impl<'a> From<&'a Preview> for ChangeBody<'a> {
    fn from(preview: &'a Preview) -> Self {
        Self {
            title: preview.title.as_ref().map(|(from, to)| FromTo { from: from.as_str(), to: to.as_str() }),
            deleted: preview.deleted.map(|(from, to)| FromTo { from, to }),
            diff: preview.diff.as_deref(),
            omitted: preview.omitted,
        }
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'static str,
    message: &'a str,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
}

impl<'a> From<&'a OperationError> for ErrorBody<'a> {
    fn from(error: &'a OperationError) -> Self {
        Self {
            code: ErrorCode::as_str(error.code),
            message: &error.message,
            retryable: error.code.retryable(),
            pointer: error.pointer.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum ServerBody<'a> {
    StateVector { state_vector_b64: Base64<'a> },
    Omitted { document_id: DocumentId, version: Version, omitted: bool },
    Document(Box<DocumentBody<'a>>),
}

#[derive(Serialize)]
struct BaseBody<'a> {
    version: Version,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

impl<'a> From<&'a Base> for BaseBody<'a> {
    fn from(base: &'a Base) -> Self {
        Self { version: base.version, title: &base.title, content: base.content.as_deref() }
    }
}

#[derive(Serialize)]
struct MergeBody<'a> {
    content: &'a str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests;
