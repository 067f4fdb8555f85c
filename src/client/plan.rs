//! What has to be done, as functions of what is there: the folder, what was last synced, the server. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::scan::LocalFile;
use crate::client::state::DocId;
use crate::client::state::files::TrackedFile;

/// Deletions that need no asking, however small the workspace.
const UNQUESTIONED_DELETIONS: usize = 20;

/// A tracked file, and what keeps it from being looked at.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The file as it was last synced.
    pub file: TrackedFile,
    /// Whether a person has to choose first, or a write is not finished.
    pub is_held: bool,
    /// Whether its deletion is queued already.
    pub is_deletion_queued: bool,
}

/// A change made in the folder since it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalChange {
    /// A new file.
    Create {
        /// Where.
        path: String,
    },
    /// Another text.
    Edit {
        /// The document.
        id: DocId,
    },
    /// The same text at another path.
    Move {
        /// The document.
        id: DocId,
        /// Where it is now.
        to: String,
    },
    /// The file is gone.
    Delete {
        /// The document.
        id: DocId,
    },
    /// The file is there again although its deletion was queued.
    Reappear {
        /// The document.
        id: DocId,
    },
}

/// Compares the folder with what was last synced. `is_gone` says of a tracked path without a file in `files` that
/// nothing stands there (it may be ignored now, or unreadable).
///
/// A file that vanished and a new one with the same text are one file that was moved; among several with the same text
/// the first by path goes to the first. Edits come before moves, moves before creates, deletions last.
#[must_use]
pub fn local_changes(
    tracked: &[Tracked],
    files: &BTreeMap<String, LocalFile>,
    is_gone: impl Fn(&str) -> bool,
) -> Vec<LocalChange> {
    let known: BTreeSet<&str> = tracked.iter().map(|one| one.file.path.as_str()).collect();
    let mut new_by_digest: BTreeMap<&[u8], Vec<&str>> = BTreeMap::new();
    for (path, file) in files.iter().rev().filter(|(path, _)| !known.contains(path.as_str())) {
        new_by_digest.entry(&file.digest).or_default().push(path);
    }
    let (mut edits, mut moves, mut deletions) = (Vec::new(), Vec::new(), Vec::new());
    for one in tracked.iter().filter(|one| !one.is_held) {
        let id = one.file.document_id;
        match files.get(&one.file.path) {
            Some(_) if one.is_deletion_queued => edits.push(LocalChange::Reappear { id }),
            Some(file) if file.digest != one.file.digest => edits.push(LocalChange::Edit { id }),
            Some(_) => {}
            None if one.is_deletion_queued || !is_gone(&one.file.path) => {}
            None => match new_by_digest.get_mut(one.file.digest.as_slice()).and_then(Vec::pop) {
                Some(to) => moves.push(LocalChange::Move { id, to: to.to_owned() }),
                None => deletions.push(LocalChange::Delete { id }),
            },
        }
    }
    let mut new: Vec<&str> = new_by_digest.into_values().flatten().collect();
    new.sort_unstable();
    let creates = new.into_iter().map(|path| LocalChange::Create { path: path.to_owned() });
    edits.into_iter().chain(moves).chain(creates).chain(deletions).collect()
}

/// Whether so many deletions need the person's word: more than 20, and more than a quarter of all.
#[must_use]
pub const fn is_mass_deletion(deletions: usize, all: usize) -> bool {
    deletions > UNQUESTIONED_DELETIONS && deletions.saturating_mul(4) > all
}

/// What the folder has of a document that the server speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSide {
    /// No file.
    Absent,
    /// The text that was last synced.
    AsSynced,
    /// The very text that the server's document comes to.
    AsServer,
    /// Another text.
    Different,
    /// Something that cannot be read as a text, or must not be touched.
    Unreadable,
}

/// What to do about a document that the server speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeIn {
    /// Nothing.
    Nothing,
    /// Note that the file stands for the document; it has the text already.
    Adopt,
    /// Write the text to the file, which is not there or as it was last synced.
    Write,
    /// Write the text to a file that was deleted here: a change weighs more than a deletion.
    Restore,
    /// Take the file's changes into the document first, then write what both come to.
    Unite,
    /// Leave the file alone and let the person choose: both sides have a text, and nothing is known that both began with.
    AskWhich,
    /// Leave the file alone and let the person choose: it was changed here and deleted there.
    AskDeleted,
    /// Take the file away.
    Remove,
    /// Nothing is left of it on either side.
    Forget,
    /// Leave it for another time.
    Postpone,
}

/// Decides about a document of the server's; `synced_version` is none for one that is not tracked.
#[must_use]
pub const fn take_in(synced_version: Option<i64>, file: FileSide, version: i64, is_deleted: bool) -> TakeIn {
    match (synced_version, is_deleted) {
        (None, true) => TakeIn::Nothing,
        (None, false) => match file {
            FileSide::Absent => TakeIn::Write,
            FileSide::AsServer => TakeIn::Adopt,
            FileSide::AsSynced | FileSide::Different => TakeIn::AskWhich,
            FileSide::Unreadable => TakeIn::Postpone,
        },
        (Some(synced), _) if version <= synced => TakeIn::Nothing,
        (Some(_), true) => match file {
            FileSide::Absent => TakeIn::Forget,
            FileSide::AsSynced => TakeIn::Remove,
            FileSide::AsServer | FileSide::Different | FileSide::Unreadable => TakeIn::AskDeleted,
        },
        (Some(_), false) => match file {
            FileSide::Absent => TakeIn::Restore,
            FileSide::AsSynced => TakeIn::Write,
            FileSide::AsServer => TakeIn::Adopt,
            FileSide::Different => TakeIn::Unite,
            FileSide::Unreadable => TakeIn::Postpone,
        },
    }
}
