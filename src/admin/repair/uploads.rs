//! What becomes of an upload of which a part cannot be read. The rest of it must not be applied alone, so that it is dropped as
//! a whole: its editor gets the answer that it gets when its time is over, and begins again. All of it is exported first.

use std::error::Error;

use super::export::Export;
use super::plan::Part;
use crate::admin::staged::Examined;
use crate::domain::timestamp::Timestamp;
use crate::domain::upload::UploadKey;
use crate::store::Store;

/// Exports and ends an upload; whether it was still as it was examined.
///
/// # Errors
/// What the store or the file system said.
pub(super) fn end_damaged(
    store: &Store,
    export: &Export,
    key: UploadKey,
    examined: &Examined,
    now: Timestamp,
) -> Result<bool, Box<dyn Error>> {
    let of = format!("upload-{}-of-{}", key.upload_id, key.user_id);
    for fault in &examined.faults {
        if let Some(bytes) = &fault.bytes {
            let part = Part { name: fault.file.clone(), reason: fault.reason.clone(), bytes: bytes.clone() };
            export.save(key.workspace_id, &of, &part)?;
        }
    }
    let mut readable = Vec::new();
    store.read_raw_upload(key, |operation| {
        if let Ok(body) = operation.body {
            readable.push((operation.place, body));
        }
    })?;
    if !readable.is_empty() {
        readable.sort_unstable();
        let bytes = readable.into_iter().flat_map(|(_, body)| body.into_bytes().into_iter().chain([b'\n'])).collect();
        let reason = "what can be read of a damaged upload".to_owned();
        export.save(key.workspace_id, &of, &Part { name: "operations.jsonl".to_owned(), reason, bytes })?;
    }
    Ok(store.end_damaged_upload(key, examined.raw.revision, now)?)
}
