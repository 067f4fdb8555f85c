//! Which documents are meant by names of files, and which moment by a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::client::clock::now_us;
use crate::client::error::ClientError;
use crate::client::names::natural_path;
use crate::client::remote::Remote;
use crate::client::state::DocId;
use crate::client::wire::WireDocument;
use crate::client::workplace::Workplace;
use crate::domain::timestamp::Timestamp;

/// Documents that one request may name.
const MAX_DOCUMENTS: usize = 1_000;

/// The moment of the command line: a time, or how long ago.
pub(super) fn moment(text: &str) -> Result<String, ClientError> {
    if let Some(time) = Timestamp::parse(text) {
        return Ok(time.to_string());
    }
    let seconds = ago(text).ok_or_else(|| {
        ClientError::Usage("--as-of must be a time, as in 2026-01-31T12:00:00Z, or how long ago, as in 30m".to_owned())
    })?;
    Ok(Timestamp(now_us()).plus_seconds(-seconds).to_string())
}

fn ago(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds)
}

/// A page of documents as they were.
#[derive(Deserialize)]
struct Page {
    items: Vec<WireDocument>,
    next_page_token: Option<String>,
}

/// The documents of files and folders: those that are here, and those that had these names then.
pub(super) fn documents_named(
    workplace: &mut Workplace,
    remote: &Remote,
    names: &[String],
    as_of: &str,
) -> Result<Vec<DocId>, ClientError> {
    let files = workplace.state.read(|change| change.load_files())?;
    let mut found = BTreeSet::new();
    for name in names {
        let path = inside(workplace, name)?;
        let folder = format!("{path}/");
        let is_named = |candidate: &str| path.is_empty() || candidate == path || candidate.starts_with(&folder);
        let here = files.iter().filter(|file| is_named(&file.path) || is_named(&file.title));
        let mut ids: BTreeSet<DocId> = here.map(|file| file.document_id).collect();
        // A title without an ending stands for a file that has one.
        let title = path.strip_suffix(".md").unwrap_or(&path);
        for document in past_documents(remote, &workplace.identity.workspace, as_of, title)? {
            let was = document.title.as_deref().unwrap_or_default();
            if is_named(was) || was == title {
                ids.extend(document.document_id);
            }
        }
        if ids.is_empty() {
            return Err(ClientError::Usage(format!("{name}: no document has this name, or had it then")));
        }
        found.extend(ids);
    }
    if found.len() > MAX_DOCUMENTS {
        let found = found.len();
        return Err(ClientError::Usage(format!(
            "{found} documents are too many for one command; name {MAX_DOCUMENTS}"
        )));
    }
    Ok(found.into_iter().collect())
}

/// The path in the folder of a file that was named from there, or from the current folder.
fn inside(workplace: &Workplace, name: &str) -> Result<String, ClientError> {
    let root = workplace.folder.root();
    let absolute = std::path::absolute(name).map_err(|cause| ClientError::io(name, cause))?;
    let from_here = absolute.strip_prefix(root).ok().filter(|_| absolute.exists());
    let path = from_here.unwrap_or_else(|| Path::new(name));
    let path = path.to_str().ok_or_else(|| ClientError::Usage(format!("{name:?} is not Unicode")))?;
    Ok(path.trim_start_matches("./").trim_end_matches('/').to_owned())
}

fn past_documents(
    remote: &Remote,
    workspace: &str,
    as_of: &str,
    prefix: &str,
) -> Result<Vec<WireDocument>, ClientError> {
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let page: Page = remote.get(&format!(
            "/api/v1/documents?workspace_id={workspace}&as_of={as_of}&page_size=500&title_prefix={}&page_token={token}",
            encoded(prefix)
        ))?;
        found.extend(page.items);
        match page.next_page_token {
            Some(next) => token = next,
            None => return Ok(found),
        }
    }
}

/// What the files of these documents are called that have none here, since they are deleted or were never synced.
pub(super) fn paths_elsewhere(
    remote: &Remote,
    workspace: &str,
    mut wanted: BTreeSet<&str>,
) -> Result<BTreeMap<String, String>, ClientError> {
    let (mut found, mut token) = (BTreeMap::new(), String::new());
    while !wanted.is_empty() {
        let page: Page = remote.get(&format!(
            "/api/v1/documents?workspace_id={workspace}&include_deleted=true&page_size=500&page_token={token}"
        ))?;
        for document in page.items {
            let id = document.document_id.map(|id| id.to_string()).unwrap_or_default();
            if let (true, Some(title)) = (wanted.remove(id.as_str()), document.title) {
                found.insert(id, natural_path(&title, "").unwrap_or(title));
            }
        }
        match page.next_page_token {
            Some(next) => token = next,
            None => break,
        }
    }
    Ok(found)
}

/// A text in a query.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago() {
        assert_eq!(moment("2026-01-31T12:00:00+01:00").unwrap(), "2026-01-31T11:00:00.000000Z");
        assert_eq!([ago("30m"), ago("2h"), ago("3d"), ago("5s")], [Some(1_800), Some(7_200), Some(259_200), Some(5)]);
        for wrong in ["", "m", "-1m", "0h", "1w", "yesterday", "9223372036854775807d", "é"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_stands_in_a_query_is_encoded() {
        assert_eq!(encoded("a b/ü&1"), "a%20b%2F%C3%BC%261");
    }
}
