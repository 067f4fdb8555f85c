//! The bodies of undo and restore: from JSON to what is to be taken back.

use serde::Deserialize;
use uuid::Uuid;

use crate::domain::ids::{BatchId, DocumentId, SyncId, UserId, WorkspaceId};
use crate::http::error::ApiError;
use crate::http::parameters::{ParameterError, parse_as_of, parse_uuid};
use crate::sync::take_back::{Since, TakeBack, What};

/// Characters of a name at most.
const MAX_NAME_CHARS: usize = 128;
/// Documents that a request may name.
const MAX_DOCUMENT_IDS: usize = 1_000;

/// The body that undoes a batch.
#[derive(Debug, Deserialize)]
pub struct UndoRequest {
    workspace_id: WorkspaceId,
    dry_run: Option<bool>,
    device_id: Option<String>,
    client_id: Option<String>,
}

/// The body of a restore.
#[derive(Debug, Deserialize)]
pub struct RestoreRequest {
    #[serde(flatten)]
    common: UndoRequest,
    as_of: Option<String>,
    document_ids: Option<Vec<DocumentId>>,
    title_prefix: Option<String>,
    by_user: Option<String>,
    by_device: Option<String>,
    sync_id: Option<SyncId>,
}

impl UndoRequest {
    /// The request of this user for this batch.
    ///
    /// # Errors
    /// `Invalid`, with the field that breaks its rule.
    pub fn check(self, user_id: UserId, batch: BatchId) -> Result<TakeBack, ApiError> {
        self.check_for(user_id, What::Batch(batch))
    }

    fn check_for(self, user_id: UserId, what: What) -> Result<TakeBack, ApiError> {
        let Self { workspace_id, dry_run, device_id, client_id } = self;
        check_name(device_id.as_deref(), "device_id")?;
        check_name(client_id.as_deref(), "client_id")?;
        // Without a name of its own each request is another one.
        let client_id = client_id.unwrap_or_else(|| Uuid::now_v7().to_string());
        let dry_run = dry_run.unwrap_or_default();
        Ok(TakeBack { workspace_id, user_id, device_id, client_id, dry_run, what })
    }
}

impl RestoreRequest {
    /// The request of this user.
    ///
    /// # Errors
    /// `Invalid`, with the field that breaks its rule.
    pub fn check(self, user_id: UserId) -> Result<TakeBack, ApiError> {
        let Self { common, as_of, document_ids, title_prefix, by_user, by_device, sync_id } = self;
        if as_of.is_none() && sync_id.is_none() {
            return Err(ApiError::invalid_at("/as_of", "as_of must say to which moment; only a sync run needs none"));
        }
        let wrong = |wrong: ParameterError| ApiError::invalid_at("/as_of", wrong.to_string());
        let as_of = as_of.as_deref().map(parse_as_of).transpose().map_err(wrong)?;
        if document_ids.as_ref().is_some_and(|ids| ids.len() > MAX_DOCUMENT_IDS) {
            let rule = format!("document_ids names at most {MAX_DOCUMENT_IDS} documents; leave it out for all");
            return Err(ApiError::invalid_at("/document_ids", rule));
        }
        let document_ids = document_ids.map(|mut ids| {
            ids.sort_unstable();
            ids.dedup();
            ids
        });
        let title_prefix = title_prefix.filter(|prefix| !prefix.is_empty());
        let since = Since { as_of, document_ids, title_prefix, by_user, by_device, sync_id };
        common.check_for(user_id, What::Since(since))
    }
}

fn check_name(name: Option<&str>, field: &str) -> Result<(), ApiError> {
    let is_name = |name: &str| (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && !name.contains('\0');
    if name.is_none_or(is_name) {
        return Ok(());
    }
    let rule = format!("{field} must have 1 to {MAX_NAME_CHARS} characters, none of them NUL");
    Err(ApiError::invalid_at(format!("/{field}"), rule))
}

/// The path segment `batch_id`.
///
/// # Errors
/// It is no UUID.
pub fn parse_batch_id(segment: &str) -> Result<BatchId, ParameterError> {
    parse_uuid(segment, "batch_id").map(BatchId)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const WORKSPACE: &str = "550e8400-e29b-41d4-a716-446655440000";

    fn restore(fields: serde_json::Value) -> Result<TakeBack, ApiError> {
        let mut body = json!({ "workspace_id": WORKSPACE, "as_of": "2026-01-01T00:00:00Z" });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        serde_json::from_value::<RestoreRequest>(body).unwrap().check(UserId(Uuid::nil()))
    }

    #[test]
    fn a_restore_names_what_it_is_about() {
        let ids = [Uuid::from_u128(2), Uuid::from_u128(1), Uuid::from_u128(2)];
        let read = restore(json!({ "document_ids": ids, "by_user": "ada", "dry_run": true })).unwrap();
        let What::Since(since) = read.what else { panic!("a restore") };
        assert_eq!(since.document_ids, Some(vec![DocumentId(ids[1]), DocumentId(ids[0])]));
        assert_eq!((since.by_user.as_deref(), read.dry_run), (Some("ada"), true));
        let read = restore(json!({ "by_user": null, "dry_run": null, "client_id": null })).unwrap();
        assert!(!read.dry_run && matches!(read.what, What::Since(since) if since.by_user.is_none()));
    }

    #[test]
    fn what_breaks_a_rule_is_named() {
        let many: Vec<Uuid> = (0..1_001).map(Uuid::from_u128).collect();
        for (fields, place) in [
            (json!({ "as_of": "2026-01-01" }), "/as_of"),
            (json!({ "as_of": null, "by_user": "ada" }), "/as_of"),
            (json!({ "document_ids": many }), "/document_ids"),
            (json!({ "device_id": "" }), "/device_id"),
            (json!({ "client_id": "x".repeat(129) }), "/client_id"),
        ] {
            match restore(fields) {
                Err(ApiError::Invalid { pointer, .. }) => assert_eq!(pointer.as_deref(), Some(place)),
                other => panic!("{place}: {other:?}"),
            }
        }
    }
}
