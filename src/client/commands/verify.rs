//! `landfall verify`: compares every document with its file, by digest and title, and lists what differs. Changes nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::remote_of;
use crate::client::error::{ClientError, exit};
use crate::client::folder::scan::{FileLimits, scan};
use crate::client::folder::{Folder, Held};
use crate::client::interrupt::Interrupt;
use crate::client::options::VerifyOptions;
use crate::client::report::{write_json, write_line};
use crate::client::state::{DocId, TrackedFile};
use crate::client::transport::Remote;
use crate::client::transport::wire::{ChangesPage, WireDocument};
use crate::client::workplace::{Access, Workplace};
use crate::domain::line_ends::inside;
use crate::domain::operation::digest_of;

/// A difference between the folder and the server.
#[derive(Serialize)]
struct Difference {
    path: String,
    what: &'static str,
    /// The document's title on the server, if it is that.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

impl Difference {
    fn of(path: impl Into<String>, what: &'static str) -> Self {
        Self { path: path.into(), what, title: None }
    }
}

pub(super) fn run(options: &VerifyOptions) -> Result<u8, ClientError> {
    let mut workplace = Workplace::open(&options.folder.folder, Access::Read)?;
    let remote = remote_of(&workplace, options.patience, Interrupt::default())?;
    let tracked = workplace.state.read(|change| change.load_files())?;
    let mut by_id: BTreeMap<DocId, TrackedFile> = tracked.iter().map(|file| (file.document_id, file.clone())).collect();
    let mut differences = Vec::new();
    let mut compared = 0_usize;
    let mut cursor = String::new();
    loop {
        let page = read_page(&remote, &workplace.identity.workspace, &cursor)?;
        for document in page.items.into_iter().filter(|document| !document.deleted) {
            compared += 1;
            let known = document.document_id.and_then(|id| by_id.remove(&id));
            differences.extend(compare(&workplace.folder, known.as_ref(), &document));
        }
        cursor = page.next_cursor;
        if !page.has_more {
            break;
        }
    }
    let unmatched = by_id.into_values().map(|file| Difference::of(file.path, "not on the server"));
    differences.extend(unmatched);
    let untracked = scan(&workplace.folder, &tracked, FileLimits::UNKNOWN, true).files;
    let is_tracked = |path: &String| tracked.iter().any(|file| file.path == *path);
    let new = untracked.into_keys().filter(|path| !is_tracked(path));
    differences.extend(new.map(|path| Difference::of(path, "not synced yet")));
    for difference in &differences {
        if options.json {
            write_json(difference);
        } else {
            let title = difference.title.as_ref().map(|title| format!(" ({title:?} on the server)"));
            write_line(&format!("{}: {}{}", difference.path, difference.what, title.unwrap_or_default()));
        }
    }
    if !options.json {
        write_line(&format!("{compared} documents compared, {} differences", differences.len()));
    }
    Ok(if differences.is_empty() { exit::IN_SYNC } else { exit::INCOMPLETE })
}

fn read_page(remote: &Remote, workspace: &str, cursor: &str) -> Result<ChangesPage, ClientError> {
    let from = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
    remote.get(&format!("/api/v1/documents/changes?workspace_id={workspace}&limit=500{from}"))
}

fn compare(folder: &Folder, known: Option<&TrackedFile>, document: &WireDocument) -> Vec<Difference> {
    let title = document.title.as_deref().unwrap_or_default();
    let Some(file) = known else { return vec![Difference::of(title, "not in this folder")] };
    let mut differences = Vec::new();
    differences.extend(compare_texts(folder, file, document).map(|what| Difference::of(&file.path, what)));
    if file.title != title {
        let title = Some(title.to_owned());
        differences.push(Difference { path: file.path.clone(), what: "the titles differ", title });
    }
    differences
}

fn compare_texts(folder: &Folder, file: &TrackedFile, document: &WireDocument) -> Option<&'static str> {
    match folder.read(&file.path) {
        Held::Nothing => Some("the file is gone"),
        Held::Other(_) | Held::NoText(_) => Some("the file cannot be read as text"),
        Held::Text(text, _) => match document.content.as_deref().map(|content| digest_of(&inside(content))) {
            Some(digest) if digest == digest_of(&text) => None,
            Some(_) => Some("the texts differ"),
            None => Some("the server shows no text"),
        },
    }
}
