//! Uploads: staged operations on their way to a batch, and the endpoint that drops an upload.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use uuid::Uuid;

use super::request::parse_operations;
use crate::domain::access::Action;
use crate::domain::ids::{DocumentId, UploadId};
use crate::domain::operation::Submitted;
use crate::domain::upload::{Committing, Size, StagedOperation, UploadKey};
use crate::http::blocking::run_by;
use crate::http::current_user::{CurrentUser, deadline_of};
use crate::http::error::ApiError;
use crate::http::parameters::parse_workspace;
use crate::http::request_layer::Named;
use crate::http::state::AppState;
use crate::sync::apply::AppliedBatch;
use crate::sync::uploads::Opened;
use crate::sync::{Batch, BatchRefusal, StoreError, SyncError};

/// How often an upload is read again because more was staged meanwhile.
const TRIES: u32 = 3;

/// Adds the route.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/api/v1/uploads/{upload_id}").route(web::delete().to(drop_upload)));
}

async fn drop_upload(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let upload_id = Uuid::try_parse(request.match_info().query("upload_id")).map(UploadId);
    let upload_id = upload_id.map_err(|_unreadable| ApiError::UploadNotFound)?;
    let workspace_id = parse_workspace(request.query_string())?;
    request.extensions_mut().insert(Named(workspace_id));
    let (user_id, caller) = (user.user_id, user.caller());
    let dropped = run_by(deadline_of(&request), move || {
        state.authenticator.check_access(caller, workspace_id, Action::Write)?;
        Ok(state.sync.drop_upload(UploadKey { workspace_id, user_id, upload_id })?)
    });
    dropped.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Applies an upload with the operations of the committing request, which `own` are as they were sent; or answers the
/// commit of before.
///
/// # Errors
/// As those of a batch, and those of an upload.
pub(super) fn commit(
    state: &AppState,
    request: &Batch,
    upload_id: UploadId,
    own: &[String],
    deadline: Instant,
) -> Result<AppliedBatch, SyncError> {
    let key = UploadKey { workspace_id: request.workspace_id, user_id: request.user_id, upload_id };
    for _ in 0..TRIES {
        let (upload, staged) = match state.sync.open_upload(key)? {
            Opened::Committed(upload, outcomes) => {
                return state.sync.replay_upload(request.clone(), &upload, outcomes, deadline);
            }
            Opened::Open { upload, operations } => (upload, operations),
        };
        let bodies = joined(staged, &request.operations, own);
        let limits = &state.limits;
        limits.upload.check(size_of(&bodies)).map_err(SyncError::Upload)?;
        let operations = parse_operations(&bodies, limits, &mut || DocumentId(Uuid::now_v7()));
        let operations = operations.ok_or_else(|| unreadable(key))?;
        drop(bodies);
        let committing = Some(Committing { upload_id, revision: upload.revision });
        match state.sync.apply_batch(Batch { operations, upload: committing, ..request.clone() }, deadline) {
            Err(SyncError::Refused(BatchRefusal::UploadChanged)) => {}
            applied => return applied,
        }
    }
    Err(BatchRefusal::UploadChanged.into())
}

/// What was staged was JSON.
fn unreadable(key: UploadKey) -> SyncError {
    let UploadKey { workspace_id, upload_id, .. } = key;
    let reason = format!("an operation of the upload {upload_id} in the workspace {workspace_id} is no JSON");
    StoreError::Corrupt(reason).into()
}

/// The operations of an upload: those that were staged, each in its place also where the committing request has one of the
/// same name, and then the other ones of that request.
fn joined(staged: Vec<StagedOperation>, read: &[Submitted], own: &[String]) -> Vec<String> {
    let mut replacing: HashMap<&str, &String> = HashMap::new();
    for (operation, body) in read.iter().zip(own) {
        if let Some(name) = operation.client_id() {
            replacing.entry(name).or_insert(body);
        }
    }
    let (mut bodies, mut placed) = (Vec::with_capacity(staged.len()), HashSet::new());
    for StagedOperation { client_id, body } in staged {
        match replacing.get(client_id.as_str()) {
            Some(newer) => {
                bodies.push((*newer).clone());
                placed.insert(client_id);
            }
            None => bodies.push(body),
        }
    }
    let mut once: HashSet<&str> = HashSet::new();
    for (operation, body) in read.iter().zip(own) {
        // A second one of a name is a mistake, and stays to be reported.
        let is_placed = operation.client_id().is_some_and(|name| placed.contains(name) && once.insert(name));
        if !is_placed {
            bodies.push(body.clone());
        }
    }
    bodies
}

fn size_of(bodies: &[String]) -> Size {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    Size { operations: count(bodies.len()), bytes: count(bodies.iter().map(String::len).sum()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits::Limits;

    fn body(name: &str, title: &str) -> String {
        format!(r#"{{"operation":"create","client_id":"{name}","data":{{"title":"{title}"}}}}"#)
    }

    fn read(bodies: &[String]) -> Vec<Submitted> {
        parse_operations(bodies, &Limits::default(), &mut || DocumentId(Uuid::nil())).unwrap()
    }

    #[test]
    fn what_the_commit_carries_takes_its_place() {
        let staged = ["a", "b"].map(|name| StagedOperation { client_id: name.to_owned(), body: body(name, "staged") });
        let own = [body("c", "own"), body("b", "own"), body("b", "again")];
        let joined = joined(staged.to_vec(), &read(&own), &own);
        let expected = [body("a", "staged"), body("b", "own"), body("c", "own"), body("b", "again")];
        assert_eq!(joined, expected);
        let last = read(&joined).pop().unwrap();
        assert!(matches!(last, Submitted::Rejected(_)), "a name that stands twice in the request is a mistake");
    }
}
