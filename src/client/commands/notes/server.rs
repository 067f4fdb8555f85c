//! A workspace on a server, and what is asked of it.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::commands::init::{check_address, choose, warn_if_in_the_open};
use crate::client::commands::{patience, remote_of};
use crate::client::credentials;
use crate::client::error::ClientError;
use crate::client::interrupt::Interrupt;
use crate::client::note_options::PlaceOptions;
use crate::client::remote::{Remote, Until};
use crate::client::state::DocId;
use crate::client::wire::{BatchAnswer, List, OperationResult, WireDocument, Workspace};
use crate::client::workplace::{Access, Workplace, find_root};

/// The device of changes that are made without a folder: what was done once under a name is done, wherever it is tried
/// again.
const DEVICE: &str = "landfall-command";
const LIST_PAGE: usize = 500;

/// A workspace on a server.
pub(super) struct Server {
    remote: Remote,
    workspace: String,
}

/// A document in a list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Listed {
    pub document_id: DocId,
    pub title: String,
    pub version: i64,
    pub updated_at: String,
}

#[derive(Deserialize)]
struct ListPage {
    items: Vec<Listed>,
    next_page_token: Option<String>,
}

/// A document that was found by its words.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Hit {
    pub document_id: DocId,
    pub title: String,
    pub version: i64,
    pub snippet: Vec<Stretch>,
    pub updated_at: String,
}

/// A part of a snippet.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Stretch {
    pub text: String,
    #[serde(default)]
    pub mark: bool,
}

#[derive(Deserialize)]
struct SearchPage {
    items: Vec<Hit>,
    next_cursor: Option<String>,
}

impl Server {
    /// The server that the options name, or that of the folder.
    ///
    /// # Errors
    /// `Usage` if neither is there, or the workspace must be chosen; `Login`, `Unreachable`, `Refused`.
    pub(super) fn of(options: &PlaceOptions) -> Result<Self, ClientError> {
        let Some(server) = &options.server else {
            if options.folder == Path::new(".") && find_root(&options.folder).is_err() {
                let hint = "which server? Name it with --server URL, or run this in a synced folder";
                return Err(ClientError::Usage(hint.to_owned()));
            }
            let workplace = Workplace::open(&options.folder, Access::Read)?;
            let remote = remote_of(&workplace, options.patience, Interrupt::default())?;
            return Ok(Self { remote, workspace: workplace.identity.workspace.clone() });
        };
        let server = check_address(server)?;
        warn_if_in_the_open(server);
        let remote = Remote::new(server, credentials::find(None)?, patience(options.patience), Interrupt::default());
        let workspaces: List<Workspace> = remote.get("/api/v1/workspaces")?;
        let workspace = choose(&workspaces.items, options.workspace.as_deref())?.workspace_id.clone();
        Ok(Self { remote, workspace })
    }

    /// The live documents, or those whose titles begin with `prefix`, letter for letter.
    pub(super) fn list(&self, prefix: Option<&str>) -> Result<Vec<Listed>, ClientError> {
        let (mut listed, mut token) = (Vec::new(), String::new());
        let prefix = prefix.map(|prefix| format!("&title_prefix={}", encoded(prefix))).unwrap_or_default();
        loop {
            let path = format!(
                "/api/v1/documents?workspace_id={}&page_size={LIST_PAGE}&page_token={token}{prefix}",
                self.workspace
            );
            let page: ListPage = self.remote.get(&path)?;
            listed.extend(page.items);
            match page.next_page_token {
                Some(next) => token = next,
                None => return Ok(listed),
            }
        }
    }

    /// A document as it is; `None` if there is none of this id, or it was deleted.
    pub(super) fn read(&self, id: DocId) -> Result<Option<WireDocument>, ClientError> {
        let found: Result<WireDocument, _> =
            self.remote.get(&format!("/api/v1/documents/{id}?workspace_id={}", self.workspace));
        match found {
            // The workspace was there when it was chosen; what is not there is the document.
            Err(ClientError::Refused { code, .. }) if code == "not_found" => Ok(None),
            found => found.map(|document| Some(document).filter(|document| !document.deleted)),
        }
    }

    /// What a query finds, best first.
    pub(super) fn search(&self, words: &str, limit: usize) -> Result<Vec<Hit>, ClientError> {
        let (mut found, mut cursor): (Vec<Hit>, _) = (Vec::new(), String::new());
        loop {
            let left = limit.saturating_sub(found.len());
            let path = format!(
                "/api/v1/documents/search?workspace_id={}&q={}&limit={}&cursor={cursor}",
                self.workspace,
                encoded(words),
                left.min(100)
            );
            let page: SearchPage = self.remote.get(&path)?;
            found.extend(page.items);
            match page.next_cursor.filter(|_| found.len() < limit) {
                Some(next) => cursor = next,
                None => return Ok(found),
            }
        }
    }

    /// Sends operations: all are made, or none. The result of each, in order. A lost answer costs nothing: sent again, they are
    /// answered from their receipts.
    pub(super) fn send(&self, operations: &[Value], dry_run: bool) -> Result<Vec<OperationResult>, ClientError> {
        let body = json!({
            "workspace_id": self.workspace, "device_id": DEVICE, "dry_run": dry_run, "atomic": operations.len() > 1,
            "operations": operations,
        });
        let answer: Result<BatchAnswer, _> =
            self.remote.post("/api/v1/documents/batch", body.to_string().as_bytes(), Until::NothingHelps);
        let answer = answer.map_err(|error| error.into_client_error(self.remote.server()))?;
        if answer.results.is_empty() {
            return Err(ClientError::Unreachable {
                server: self.remote.server().to_owned(),
                reason: "its answer has no result".to_owned(),
            });
        }
        Ok(answer.results)
    }
}

/// A text as a part of a query string.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_can_stand_in_a_query() {
        assert_eq!(encoded("a b&c=ü/-_.~"), "a%20b%26c%3D%C3%BC%2F-_.~");
    }
}
