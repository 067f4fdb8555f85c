//! Files that wait to be written together.

use std::fs::File;

use crate::client::state::PendingWrite;

/// Files that wait for their group.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) writes: Vec<Write>,
    pub(super) bytes: usize,
}

/// A file whose draft is written.
pub(super) struct Write {
    pub(super) pending: PendingWrite,
    pub(super) text: String,
    /// The draft.
    pub(super) file: File,
}
