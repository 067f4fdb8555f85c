//! `landfall verify`: compares every document with its file, by digest, and lists what differs. Changes nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::remote_of;
use crate::client::error::{ClientError, exit};
use crate::client::folder::{Folder, Held};
use crate::client::interrupt::Interrupt;
use crate::client::options::VerifyOptions;
use crate::client::remote::Remote;
use crate::client::report::{write_json, write_line};
use crate::client::scan::scan;
use crate::client::state::DocId;
use crate::client::state::files::TrackedFile;
use crate::client::wire::{ChangesPage, WireDocument};
use crate::client::workplace::{Access, Workplace};
use crate::domain::operation::digest_of;

/// A difference between the folder and the server.
#[derive(Serialize)]
struct Difference {
    path: String,
    what: &'static str,
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
    let unmatched = by_id.into_values().map(|file| Difference { path: file.path, what: "not on the server" });
    differences.extend(unmatched);
    let untracked = scan(&workplace.folder, &tracked, u64::MAX, true).files;
    let is_tracked = |path: &String| tracked.iter().any(|file| file.path == *path);
    let new = untracked.into_keys().filter(|path| !is_tracked(path));
    differences.extend(new.map(|path| Difference { path, what: "not synced yet" }));
    for difference in &differences {
        if options.json {
            write_json(difference);
        } else {
            write_line(&format!("{}: {}", difference.path, difference.what));
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

fn compare(folder: &Folder, known: Option<&TrackedFile>, document: &WireDocument) -> Option<Difference> {
    let title = document.title.clone().unwrap_or_default();
    let Some(file) = known else { return Some(Difference { path: title, what: "not in this folder" }) };
    let what = match folder.read(&file.path) {
        Held::Nothing => "the file is gone",
        Held::Other(_) => "the file cannot be read as text",
        Held::Text(text, _) => {
            let server = document.content.as_deref().map(digest_of);
            match server {
                Some(digest) if digest == digest_of(&text) => return None,
                Some(_) => "the texts differ",
                None => "the server shows no text",
            }
        }
    };
    Some(Difference { path: file.path.clone(), what })
}
