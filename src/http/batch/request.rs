//! The body of `POST /api/v1/documents/batch`, parsed: a pure function of bytes and limits.
//!
//! A mistake in the request's own fields refuses the request; a mistake in an operation costs that operation only.
//! Knows nothing of the store, of users or of actix.

use std::collections::HashSet;

use serde_json::error::Category;
use serde_json::value::RawValue;

use super::fields::{self, Fault};
use super::operation::{Reading, read_operation};
use super::wire::{RawOperations, RawRequest};
use crate::domain::ids::{DocumentId, SyncId, UploadId, UserId, WorkspaceId};
use crate::domain::limits::Limits;
use crate::domain::operation::Submitted;
use crate::sync::Batch;

/// Why a request is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not a batch: not UTF-8, not JSON, or a field of the request itself is missing or wrong.
    #[error("{detail}")]
    Malformed {
        /// What is wrong and what it must be; holds no text of a document.
        detail: String,
        /// RFC 6901 pointer, where one place is at fault.
        pointer: Option<String>,
    },
    /// More operations than the limit.
    #[error("the batch has {found} operations; at most {max} are taken at once")]
    TooManyOperations {
        /// How many came.
        found: usize,
        /// The limit `max_operations`.
        max: usize,
    },
}

/// A request to the batch endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The batch that it carries.
    pub batch: Batch,
    /// The upload that it is about.
    pub upload: Option<UploadRequest>,
}

/// What a request wants of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRequest {
    /// Which one.
    pub upload_id: UploadId,
    /// Whether it is to be applied.
    pub commit: bool,
    /// Where the request's operations stand among those of other requests.
    pub part: i64,
    /// The operations as they were sent.
    pub bodies: Vec<String>,
}

/// Parses a request of this author; whether they may write to its workspace is not known yet. `mint` makes the ids of
/// documents whose creator left the choice to the server.
///
/// # Errors
/// See [`RequestError`].
pub fn parse_push(
    body: &[u8],
    limits: &Limits,
    author: UserId,
    mint: &mut dyn FnMut() -> DocumentId,
) -> Result<Push, RequestError> {
    let raw = split(body, limits)?;
    let workspace_id = match raw.workspace_id {
        Some(value) => fields::uuid(value).map(WorkspaceId).map_err(|fault| refused(fault.under("workspace_id")))?,
        None => return Err(refused(Fault::invalid("is missing: say which workspace").under("workspace_id"))),
    };
    let device_id = optional(raw.device_id, fields::name, "device_id")?;
    let atomic = optional(raw.atomic, fields::boolean, "atomic")?;
    let dry_run = optional(raw.dry_run, fields::boolean, "dry_run")?.unwrap_or(false);
    let sync_id = optional(raw.sync_id, fields::uuid, "sync_id")?.map(SyncId);
    let pull = optional(raw.cursor, fields::pull_from, "cursor")?;
    let mut upload = read_upload(&raw, atomic, dry_run)?;
    let operations = match raw.operations {
        RawOperations::List { found, .. } if found > limits.max_operations => {
            return Err(RequestError::TooManyOperations { found, max: limits.max_operations });
        }
        RawOperations::List { kept, .. } => {
            if let Some(upload) = &mut upload {
                upload.bodies = kept.iter().map(|operation| operation.get().to_owned()).collect();
            }
            read_operations(&kept, limits, mint)
        }
        RawOperations::Missing if upload.as_ref().is_some_and(|upload| upload.commit) => Vec::new(),
        RawOperations::Missing => {
            return Err(refused(Fault::invalid("is missing: send a list, if only an empty one").under("operations")));
        }
        RawOperations::NotAList => return Err(refused(Fault::invalid("must be a list").under("operations"))),
    };
    let atomic = upload.is_some() || atomic.unwrap_or(false);
    let batch = Batch {
        workspace_id,
        user_id: author,
        device_id,
        atomic,
        dry_run,
        sync_id,
        pull,
        upload: None,
        authors: Vec::new(),
        operations,
    };
    Ok(Push { batch, upload })
}

/// As [`parse_push`], of the batch alone.
///
/// # Errors
/// See [`RequestError`].
pub fn parse_batch(
    body: &[u8],
    limits: &Limits,
    author: UserId,
    mint: &mut dyn FnMut() -> DocumentId,
) -> Result<Batch, RequestError> {
    parse_push(body, limits, author, mint).map(|push| push.batch)
}

/// Reads operations one by one, as they were sent and staged: a batch that was put together from several requests.
#[must_use]
pub fn parse_operations(
    bodies: &[String],
    limits: &Limits,
    mint: &mut dyn FnMut() -> DocumentId,
) -> Option<Vec<Submitted>> {
    let raw: Vec<&RawValue> = bodies.iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>().ok()?;
    Some(read_operations(&raw, limits, mint))
}

fn split<'a>(body: &'a [u8], limits: &Limits) -> Result<RawRequest<'a>, RequestError> {
    let text = std::str::from_utf8(body).map_err(|error| not_a_batch(&format!("is not UTF-8: {error}")))?;
    RawRequest::split(text, limits.max_operations).map_err(|error| match error.classify() {
        // Such an error would quote the value, which may be anyone's text.
        Category::Data if !text.trim_start().starts_with('{') => not_a_batch("must be a JSON object"),
        Category::Io | Category::Syntax | Category::Data | Category::Eof => {
            not_a_batch(&format!("is not well-formed JSON: {error}"))
        }
    })
}

/// What the request wants of an upload; its operations are still to be read.
fn read_upload(
    raw: &RawRequest<'_>,
    atomic: Option<bool>,
    dry_run: bool,
) -> Result<Option<UploadRequest>, RequestError> {
    let fault = |message: &str, field: &str| Err(refused(Fault::invalid(message).under(field)));
    let commit = optional(raw.commit, fields::boolean, "commit")?;
    let part = optional(raw.part, fields::part, "part")?;
    let Some(upload_id) = optional(raw.upload_id, fields::uuid, "upload_id")?.map(UploadId) else {
        // Without this, a batch that was only to be staged would be applied.
        return match (commit, part) {
            (None, None) => Ok(None),
            _ => fault("is missing: it says which upload is staged or committed", "upload_id"),
        };
    };
    let Some(commit) = commit else {
        return fault("is missing: false stages the operations, true applies all that are staged", "commit");
    };
    if atomic == Some(false) {
        return fault("must be true, or left out, with an upload_id: an upload is applied as a whole", "atomic");
    }
    if !commit && dry_run {
        return fault("goes with the commit of an upload: nothing is applied before", "dry_run");
    }
    if !commit && raw.cursor.is_some() {
        return fault("goes with the commit of an upload: nothing is applied before", "cursor");
    }
    Ok(Some(UploadRequest { upload_id, commit, part: part.unwrap_or(0), bodies: Vec::new() }))
}

fn read_operations(operations: &[&RawValue], limits: &Limits, mint: &mut dyn FnMut() -> DocumentId) -> Vec<Submitted> {
    let mut reading = Reading { limits, mint, names: HashSet::with_capacity(operations.len()) };
    operations.iter().enumerate().map(|(index, raw)| read_operation(index, raw, &mut reading)).collect()
}

fn optional<'a, T>(
    value: Option<&'a RawValue>,
    read: impl FnOnce(&'a RawValue) -> Result<T, Fault>,
    field: &str,
) -> Result<Option<T>, RequestError> {
    value.map(read).transpose().map_err(|fault| refused(fault.under(field)))
}

fn refused(fault: Fault) -> RequestError {
    RequestError::Malformed { detail: fault.sentence("the body"), pointer: Some(fault.place) }
}

fn not_a_batch(what: &str) -> RequestError {
    RequestError::Malformed { detail: format!("the body {what}"), pointer: None }
}

#[cfg(test)]
mod tests;
