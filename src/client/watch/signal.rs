//! What a watch hears: of the folder, of the server, of its user.

use std::path::PathBuf;

use serde::Deserialize;

use crate::client::error::ClientError;
use crate::client::plan::Head;
use crate::client::state::DocId;

/// What the loop hears.
#[derive(Debug)]
pub enum Signal {
    /// Of the folder.
    Folder(FolderNews),
    /// Of the server.
    Server(ServerNews),
    /// The user asked to stop.
    Stop,
}

/// What is heard of the folder.
#[derive(Debug)]
pub enum FolderNews {
    /// A file may have changed.
    File,
    /// A folder came, went or was moved, or what is ignored has changed. What went, if anything.
    Tree(Vec<PathBuf>),
    /// The system does not tell any more, and why.
    Deaf(String),
}

/// What is heard from the server.
#[derive(Debug)]
pub enum ServerNews {
    /// The stream is open; whether it goes on where the last one, or the last sync, ended.
    Connected {
        /// Nothing was missed.
        resumed: bool,
    },
    /// A document has a new version.
    Changed(DocumentChange),
    /// More has changed than the stream tells.
    Pull,
    /// There is no stream, and the next try is under way.
    Lost(String),
    /// There will be no stream.
    Refused(ClientError),
}

/// A document's new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct DocumentChange {
    /// Which document.
    pub document_id: DocId,
    /// Its version now.
    pub version: i64,
    /// Whether it was deleted.
    pub deleted: bool,
}

impl DocumentChange {
    /// As the feed says it.
    #[must_use]
    pub const fn head(&self) -> Head {
        let Self { document_id, version, deleted } = *self;
        Head { document_id: Some(document_id), version: Some(version), is_deleted: deleted }
    }
}
