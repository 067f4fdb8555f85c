//! One entry of `operations`: from its JSON to a valid operation, or to the answer why it is none.
//!
//! Everything that the protocol lets be checked without the database is checked here (§1.2). The first mistake
//! found is the one answered; the name, the kind and the document are read even so, so that the answer can be
//! matched to its operation and later operations on the document can be skipped.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::changes::{Payload, read_payload};
use super::fields::{self, Fault};
use super::wire::RawOperation;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, Version};
use crate::domain::limits::Limits;
use crate::domain::operation::{Operation, OperationKind, RejectedOperation, Submitted, Target};

/// What reading an operation needs beside the operation.
pub(super) struct Reading<'a> {
    /// What is enforced.
    pub limits: &'a Limits,
    /// Makes ids for creates without one.
    pub mint: &'a mut dyn FnMut() -> DocumentId,
    /// The names that stood before in this batch.
    pub names: HashSet<String>,
}

/// Reads the operation at `index`.
pub(super) fn read_operation(index: usize, raw: &RawValue, reading: &mut Reading<'_>) -> Submitted {
    let fields = match RawOperation::split(raw) {
        Ok(fields) => fields,
        Err(error) => return unreadable(index, raw, &error),
    };
    let client_id = read_client_id(&fields);
    let kind = read_kind(&fields);
    let target = read_target(&fields, kind.as_ref().ok().copied());
    let known =
        (client_id.as_ref().ok().cloned(), kind.as_ref().ok().copied(), target.as_ref().ok().cloned().flatten());
    match check(index, &fields, client_id, kind, target, reading) {
        Ok(operation) => Submitted::Valid(Box::new(operation)),
        Err(fault) => {
            let (client_id, kind, target) = known;
            Submitted::Rejected(RejectedOperation { index, client_id, kind, target, error: fault.into_error(index) })
        }
    }
}

/// An entry whose fields cannot be told apart.
fn unreadable(index: usize, raw: &RawValue, error: &serde_json::Error) -> Submitted {
    let fault = if raw.get().starts_with('{') {
        Fault::invalid(format!("has a name or a text that is not Unicode ({})", fields::what_is_wrong(error)))
    } else {
        Fault::invalid("must be an object")
    };
    Submitted::Rejected(RejectedOperation {
        index,
        client_id: None,
        kind: None,
        target: None,
        error: fault.into_error(index),
    })
}

fn check(
    index: usize,
    raw: &RawOperation<'_>,
    client_id: Result<String, Fault>,
    kind: Result<OperationKind, Fault>,
    target: Result<Option<Target>, Fault>,
    reading: &mut Reading<'_>,
) -> Result<Operation, Fault> {
    let client_id = client_id?;
    if !reading.names.insert(client_id.clone()) {
        let message = "stands twice in this batch: only the first operation of this name is carried out";
        return Err(Fault::new(ErrorCode::DuplicateClientId, message).under("client_id"));
    }
    let kind = kind?;
    let target = target?;
    let base_version = match kind {
        OperationKind::Check => Some(read_checked_version(raw)?),
        OperationKind::Create => None,
        OperationKind::Update | OperationKind::Delete => read_base_version(raw)?,
    };
    let takes_force = matches!(kind, OperationKind::Update | OperationKind::Delete);
    let force = takes_force && read_flag(raw.force, "force")?;
    let restore = kind == OperationKind::Update && read_flag(raw.restore, "restore")?;
    let Payload { changes, reader_state_vector, digest } = read_payload(kind, restore, &raw.data, reading.limits)?;
    Ok(Operation {
        index,
        client_id,
        kind,
        target: target.unwrap_or_else(|| Target::Minted((reading.mint)())),
        base_version,
        force,
        restore,
        changes,
        reader_state_vector,
        payload_digest: digest,
    })
}

fn read_client_id(raw: &RawOperation<'_>) -> Result<String, Fault> {
    match raw.client_id {
        Some(value) => fields::name(value),
        None => Err(Fault::invalid("is missing: each operation needs a name, unique in its batch")),
    }
    .map_err(|fault| fault.under("client_id"))
}

fn read_kind(raw: &RawOperation<'_>) -> Result<OperationKind, Fault> {
    const WRONG: &str = "must be \"create\", \"update\", \"delete\" or \"check\"";
    let named = raw.operation.map(fields::string).transpose();
    match named.as_ref().map(Option::as_deref) {
        Ok(Some("check")) => Ok(OperationKind::Check),
        Ok(Some("create")) => Ok(OperationKind::Create),
        Ok(Some("update")) => Ok(OperationKind::Update),
        Ok(Some("delete")) => Ok(OperationKind::Delete),
        Ok(Some(_) | None) | Err(_) => Err(Fault::invalid(WRONG).under("operation")),
    }
}

/// The document meant; `None` for a create that leaves its id to the server.
///
/// Where the kind is unknown the document is read as for an update, for the sake of what comes after it.
fn read_target(raw: &RawOperation<'_>, kind: Option<OperationKind>) -> Result<Option<Target>, Fault> {
    // Neither refers to another operation: a check looks at what was there before the batch.
    let refers = !matches!(kind, Some(OperationKind::Create | OperationKind::Check));
    let document_ref = raw.document_ref.filter(|_| refers);
    match (raw.document_id, document_ref) {
        (Some(id), None) => match fields::uuid(id) {
            Ok(id) => Ok(Some(Target::Id(DocumentId(id)))),
            Err(fault) => Err(fault.under("document_id")),
        },
        (None, Some(name)) => match fields::name(name) {
            Ok(name) => Ok(Some(Target::Ref(name))),
            Err(fault) => Err(fault.under("document_ref")),
        },
        (Some(_), Some(_)) => {
            Err(Fault::invalid("must not stand beside document_id: name the document once").under("document_ref"))
        }
        (None, None) if kind == Some(OperationKind::Create) => Ok(None),
        (None, None) if kind == Some(OperationKind::Check) => {
            Err(Fault::invalid("is missing: a check needs it").under("document_id"))
        }
        (None, None) => {
            let message = "is missing: an update and a delete need it, or the document_ref of an earlier create";
            Err(Fault::invalid(message).under("document_id"))
        }
    }
}

fn read_base_version(raw: &RawOperation<'_>) -> Result<Option<Version>, Fault> {
    raw.base_version.map(fields::version).transpose().map_err(|fault| fault.under("base_version"))
}

fn read_checked_version(raw: &RawOperation<'_>) -> Result<Version, Fault> {
    match raw.base_version {
        Some(value) => fields::version_or_none(value),
        None => {
            Err(Fault::new(ErrorCode::BaseVersionRequired, "is missing: say which version the document must be at"))
        }
    }
    .map_err(|fault| fault.under("base_version"))
}

fn read_flag(value: Option<&RawValue>, field: &str) -> Result<bool, Fault> {
    value.map_or(Ok(false), fields::boolean).map_err(|fault| fault.under(field))
}
