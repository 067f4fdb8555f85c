//! What the server says of a folder's workspace: for `landfall status --server`.

use serde::{Deserialize, Serialize};

use super::remote_of;
use crate::client::error::ClientError;
use crate::client::interrupt::Interrupt;
use crate::client::options::PatienceOptions;
use crate::client::report::write_line;
use crate::client::workplace::Workplace;

/// Figures of a workspace, as `GET …/stats` answers them.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Figures {
    documents: u64,
    deleted_documents: u64,
    text_bytes: u64,
    yjs_bytes: u64,
    history_bytes: u64,
    members: u64,
    documents_left: Option<u64>,
    bytes_left: Option<u64>,
    syncs: Syncs,
}

/// What sync runs did.
#[derive(Debug, Deserialize, Serialize)]
struct Syncs {
    days: u64,
    runs: u64,
    operations: u64,
    failed: u64,
    conflicts: u64,
    median_duration_ms: Option<u64>,
    median_operations_per_s: Option<f64>,
}

/// Asks for them.
pub(super) fn ask(workplace: &Workplace, patience: PatienceOptions) -> Result<Figures, ClientError> {
    let remote = remote_of(workplace, patience, Interrupt::default())?;
    remote.get(&format!("/api/v1/workspaces/{}/stats", workplace.identity.workspace))
}

/// Prints them.
pub(super) fn show(figures: &Figures) {
    let Figures { documents, deleted_documents, text_bytes, yjs_bytes, history_bytes, members, .. } = figures;
    write_line(&format!("server     {documents} documents, {deleted_documents} deleted, {members} members"));
    let bytes = text_bytes.saturating_add(*yjs_bytes);
    write_line(&format!(
        "           {bytes} bytes: {text_bytes} of texts, {yjs_bytes} of Yjs states; {history_bytes} of them in versions"
    ));
    match (figures.documents_left, figures.bytes_left) {
        (None, None) => {}
        (documents, bytes) => {
            let left = |left: Option<u64>| left.map_or_else(|| "any number of".to_owned(), |left| left.to_string());
            write_line(&format!("           room for {} documents, {} bytes", left(documents), left(bytes)));
        }
    }
    let Syncs { days, runs, operations, failed, conflicts, .. } = &figures.syncs;
    let middle = figures.syncs.median_duration_ms.map(|ms| format!("; {ms} ms in the middle")).unwrap_or_default();
    write_line(&format!(
        "           {runs} syncs in {days} days: {operations} operations, {failed} failed, {conflicts} conflicts{middle}"
    ));
}
