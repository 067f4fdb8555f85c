//! Rows of uploads, and what a commit leaves of its answer.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::StoreError;
use super::super::connection::AnyConnection;
use super::super::encoding::{decode_text, encode_text};
use super::super::rows::{digest, kind_code, kind_from_code};
use super::super::schema::{staged_operations, uploads};
use super::super::sql_uuid::DbUuid;
use crate::domain::ids::{BatchId, DocumentId, UploadId, UserId, WorkspaceId};
use crate::domain::operation::{OperationKind, digest_of};
use crate::domain::timestamp::Timestamp;
use crate::domain::upload::{Size, Upload, UploadKey, UploadOutcome, UploadState};

/// The key of an upload.
pub(super) type Key = (DbUuid, DbUuid, DbUuid);

pub(super) fn ids(key: UploadKey) -> Key {
    (DbUuid(key.workspace_id.0), DbUuid(key.user_id.0), DbUuid(key.upload_id.0))
}

pub(super) fn key_of(workspace_id: WorkspaceId, user: DbUuid, upload: DbUuid) -> UploadKey {
    UploadKey { workspace_id, user_id: UserId(user.0), upload_id: UploadId(upload.0) }
}

/// The upload, without its operations.
pub(in crate::store) fn find(connection: &mut AnyConnection, key: UploadKey) -> Result<Option<Upload>, StoreError> {
    let row: Option<UploadRow> =
        uploads::table.find(ids(key)).select(UploadRow::as_select()).get_result(connection).optional()?;
    row.map(Upload::try_from).transpose()
}

/// The columns of [`Upload`].
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = uploads)]
pub(super) struct UploadRow {
    state: i16,
    revision: i64,
    operations: i64,
    bytes: i64,
    since: i64,
    batch_id: Option<DbUuid>,
}

impl TryFrom<UploadRow> for Upload {
    type Error = StoreError;

    fn try_from(row: UploadRow) -> Result<Self, StoreError> {
        Ok(Self {
            state: state_of(row.state)?,
            revision: row.revision,
            size: Size { operations: row.operations, bytes: row.bytes },
            since: Timestamp(row.since),
            batch_id: row.batch_id.map(|id| BatchId(id.0)),
        })
    }
}

pub(super) const OPEN: i16 = 0;
pub(super) const COMMITTED: i16 = 1;
pub(super) const DROPPED: i16 = 2;

fn state_of(code: i16) -> Result<UploadState, StoreError> {
    match code {
        OPEN => Ok(UploadState::Open),
        COMMITTED => Ok(UploadState::Committed),
        DROPPED => Ok(UploadState::Dropped),
        _ => Err(StoreError::Corrupt(format!("unknown state of an upload {code}"))),
    }
}

/// A staged operation as it is read.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = staged_operations)]
pub(super) struct StagedRow {
    pub part: i64,
    pub number: i64,
    pub client_id: String,
    digest: Vec<u8>,
    pub body: Vec<u8>,
}

impl StagedRow {
    /// The operation as it was sent.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn read(&self) -> Result<String, StoreError> {
        let body = decode_text(&self.body)?;
        if digest(&self.digest)? == digest_of(&body) {
            Ok(body)
        } else {
            Err(StoreError::Corrupt("a staged operation is not what its digest was made of".to_owned()))
        }
    }
}

/// An open upload of which operations are missing must not be applied.
///
/// # Errors
/// `Corrupt`.
pub(super) fn check_count(upload: &Upload, found: usize) -> Result<(), StoreError> {
    let staged = upload.size.operations;
    if i64::try_from(found).is_ok_and(|found| found == staged) {
        Ok(())
    } else {
        Err(StoreError::Corrupt(format!("{found} of {staged} staged operations are there")))
    }
}

/// A staged operation as it is written.
#[derive(Debug, Insertable)]
#[diesel(table_name = staged_operations)]
pub(super) struct NewStagedRow<'a> {
    pub workspace_id: DbUuid,
    pub user_id: DbUuid,
    pub upload_id: DbUuid,
    pub client_id: &'a str,
    pub part: i64,
    pub number: i64,
    pub digest: &'a [u8],
    pub bytes: i64,
    pub body: &'a [u8],
}

/// An outcome as it lies in the answer: name, kind, document, version, whether the answer carried the document, and the
/// digest of the contents, which older ones lack.
#[derive(Serialize, Deserialize)]
struct Kept<Name>(Name, i16, Option<Uuid>, Option<i64>, bool, #[serde(default)] Option<Uuid>);

/// What a commit came to, as it is stored.
pub(super) fn encode_answer(outcomes: &[UploadOutcome]) -> Result<Vec<u8>, StoreError> {
    let kept: Vec<Kept<&str>> = outcomes
        .iter()
        .map(|outcome| {
            let document = outcome.document_id.map(|id| id.0);
            let (kind, digest) = (kind_code(outcome.kind), outcome.digest.map(Uuid::from_bytes));
            Kept(outcome.client_id.as_str(), kind, document, outcome.version, outcome.shows_document, digest)
        })
        .collect();
    let json = serde_json::to_string(&kept).map_err(|error| StoreError::Refused(error.to_string()))?;
    Ok(encode_text(&json))
}

/// What a commit came to.
///
/// # Errors
/// `Corrupt`.
pub(super) fn decode_answer(stored: &[u8]) -> Result<Vec<UploadOutcome>, StoreError> {
    let kept: Vec<Kept<String>> = serde_json::from_str(&decode_text(stored)?)
        .map_err(|error| StoreError::Corrupt(format!("the answer of an upload: {error}")))?;
    kept.into_iter()
        .map(|Kept(client_id, kind, document_id, version, shows_document, digest)| {
            let kind =
                if kind == kind_code(OperationKind::Check) { OperationKind::Check } else { kind_from_code(kind)? };
            let (document_id, digest) = (document_id.map(DocumentId), digest.map(Uuid::into_bytes));
            Ok(UploadOutcome { client_id, kind, document_id, version, shows_document, digest })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let outcome = |kind, document_id, version| UploadOutcome {
            client_id: "op \u{e9}\n".to_owned(),
            kind,
            document_id,
            version,
            shows_document: version.is_some(),
            digest: version.map(|version| digest_of(&version.to_string())),
        };
        let outcomes = [
            outcome(OperationKind::Check, None, None),
            outcome(OperationKind::Create, Some(DocumentId(Uuid::from_u128(7))), Some(1)),
            outcome(OperationKind::Update, Some(DocumentId(Uuid::from_u128(8))), Some(i64::MAX)),
            outcome(OperationKind::Delete, Some(DocumentId(Uuid::from_u128(9))), None),
        ];
        assert_eq!(decode_answer(&encode_answer(&outcomes).unwrap()).unwrap(), outcomes);
        let older = encode_text(r#"[["a",0,null,7,true]]"#);
        assert_eq!(decode_answer(&older).unwrap().pop().unwrap().digest, None);
        assert!(matches!(decode_answer(b"\0[[1]]"), Err(StoreError::Corrupt(_))));
    }
}
