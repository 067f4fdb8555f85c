//! An upload read whole: what is wrong with it.

use super::finding::Finding;
use crate::domain::upload::{UploadKey, UploadState};
use crate::store::uploads::RawUpload;
use crate::store::{Store, StoreError};

/// An upload that was read whole.
#[derive(Debug)]
pub(super) struct Examined {
    /// What it is.
    pub raw: RawUpload,
    /// Operations that were read.
    pub operations: u64,
    /// What is not right.
    pub faults: Vec<Fault>,
}

/// A part that is not right.
#[derive(Debug)]
pub(super) struct Fault {
    /// Which part, in words.
    part: String,
    /// The same, as a file's name.
    pub file: String,
    /// What is wrong.
    pub reason: String,
    /// As it is stored, if anything is.
    pub bytes: Option<Vec<u8>>,
}

/// Reads an upload whole.
///
/// # Errors
/// What the store said.
pub(super) fn examine(store: &Store, key: UploadKey) -> Result<Option<Examined>, StoreError> {
    let (mut operations, mut faults) = (0, Vec::new());
    let raw = store.read_raw_upload(key, |operation| {
        operations += 1;
        if let Err(error) = operation.body {
            let (part, number) = operation.place;
            faults.push(Fault {
                part: format!("operation {:?}", operation.client_id),
                file: format!("operation-{part}-{number}"),
                reason: error.to_string(),
                bytes: Some(operation.stored),
            });
        }
    })?;
    let Some(raw) = raw else { return Ok(None) };
    let fault = |part: &str, error: &StoreError, bytes: Option<Vec<u8>>| Fault {
        part: part.to_owned(),
        file: part.to_owned(),
        reason: error.to_string(),
        bytes,
    };
    if let Err(error) = &raw.upload {
        faults.push(fault("state", error, None));
    }
    if let Err(error) = &raw.is_whole {
        faults.push(fault("operations", error, None));
    }
    if let Some((stored, Err(error))) = &raw.answer {
        faults.push(fault("answer", error, Some(stored.clone())));
    }
    Ok(Some(Examined { raw, operations, faults }))
}

impl Examined {
    /// What is not right, for a report.
    pub fn findings(&self, UploadKey { workspace_id, user_id, upload_id }: UploadKey) -> impl Iterator<Item = Finding> {
        self.faults.iter().map(move |Fault { part, reason, .. }| {
            let part = format!("upload {upload_id} of user {user_id} {part}");
            Finding { workspace_id, document_id: None, part, reason: reason.clone() }
        })
    }

    /// Whether it was applied.
    pub fn is_committed(&self) -> bool {
        self.raw.upload.as_ref().is_ok_and(|upload| upload.state == UploadState::Committed)
    }
}
