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
    /// The same text, or one that is much like it, at another path.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::folder::Look;

    const IDS: [u128; 4] = [1, 2, 3, 4];

    fn id(number: u128) -> DocId {
        DocId(uuid::Uuid::from_u128(number))
    }

    fn tracked(number: u128, path: &str, text: &str) -> Tracked {
        let file = TrackedFile {
            document_id: id(number),
            path: path.to_owned(),
            folded: path.to_lowercase(),
            title: path.to_owned(),
            version: 1,
            digest: text.as_bytes().to_vec(),
            size: 0,
            modified_ns: 0,
            seen_ns: 0,
            changed_ns: 0,
            inode: 0,
        };
        Tracked { file, is_held: false, is_deletion_queued: false }
    }

    fn files(texts: &[(&str, &str)]) -> BTreeMap<String, LocalFile> {
        let file = |text: &str| LocalFile { digest: text.as_bytes().to_vec(), look: Look::default() };
        texts.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect()
    }

    fn changes(tracked: &[Tracked], now: &[(&str, &str)]) -> Vec<LocalChange> {
        local_changes(tracked, &files(now), |_| true)
    }

    fn moved(number: u128, to: &str) -> LocalChange {
        LocalChange::Move { id: id(number), to: to.to_owned() }
    }

    fn created(path: &str) -> LocalChange {
        LocalChange::Create { path: path.to_owned() }
    }

    #[test]
    fn each_change_is_recognised() {
        let [one, two, three, four] = IDS;
        let before = [
            tracked(one, "a.md", "A"),
            tracked(two, "b.md", "B"),
            tracked(three, "c.md", "C"),
            tracked(four, "d.md", "D"),
        ];
        assert_eq!(changes(&before, &[("a.md", "A"), ("b.md", "B"), ("c.md", "C"), ("d.md", "D")]), []);
        assert_eq!(
            changes(&before, &[("a.md", "A2"), ("x.md", "B"), ("c.md", "C"), ("new.md", "N")]),
            [
                LocalChange::Edit { id: id(one) },
                moved(two, "x.md"),
                created("new.md"),
                LocalChange::Delete { id: id(four) },
            ]
        );
        assert_eq!(changes(&[], &[("b.md", ""), ("a.md", "")]), [created("a.md"), created("b.md")]);
    }

    #[test]
    fn equal_texts_are_paired_one_to_one() {
        let before = [tracked(1, "a.md", ""), tracked(2, "b.md", ""), tracked(3, "c.md", "")];
        assert_eq!(
            changes(&before, &[("x.md", ""), ("y.md", "")]),
            [moved(1, "x.md"), moved(2, "y.md"), LocalChange::Delete { id: id(3) }]
        );
        assert_eq!(changes(&before[..1], &[("a.md", ""), ("copy.md", "")]), [created("copy.md")], "a copy is no move");
        let swapped = [tracked(1, "a.md", "A"), tracked(2, "b.md", "B")];
        assert_eq!(
            changes(&swapped, &[("a.md", "B"), ("b.md", "A")]),
            [LocalChange::Edit { id: id(1) }, LocalChange::Edit { id: id(2) }]
        );
    }

    #[test]
    fn what_is_held_or_merely_unseen_is_left_alone() {
        let held = Tracked { is_held: true, ..tracked(1, "a.md", "A") };
        assert_eq!(changes(std::slice::from_ref(&held), &[("a.md", "other")]), []);
        assert_eq!(changes(&[held], &[]), []);
        assert_eq!(local_changes(&[tracked(1, "a.md", "A")], &files(&[]), |_| false), []);
        let deleted = Tracked { is_deletion_queued: true, ..tracked(1, "a.md", "A") };
        assert_eq!(changes(std::slice::from_ref(&deleted), &[]), []);
        assert_eq!(changes(&[deleted], &[("a.md", "A")]), [LocalChange::Reappear { id: id(1) }]);
    }

    #[test]
    fn mass_deletions_are_both_many_and_a_large_part() {
        for (deletions, all, is_mass) in [
            (0, 0, false),
            (20, 20, false),
            (21, 21, true),
            (21, 83, true),
            (21, 84, false),
            (100, 1_000, false),
            (251, 1_000, true),
        ] {
            assert_eq!(is_mass_deletion(deletions, all), is_mass, "{deletions} of {all}");
        }
    }

    #[test]
    fn every_meeting_of_file_and_document_is_decided() {
        use FileSide::{Absent, AsServer, AsSynced, Different, Unreadable};
        for (synced, file, version, is_deleted, expected) in [
            (None, Absent, 1, false, TakeIn::Write),
            (None, AsServer, 1, false, TakeIn::Adopt),
            (None, Different, 1, false, TakeIn::AskWhich),
            (None, Unreadable, 1, false, TakeIn::Postpone),
            (None, Absent, 2, true, TakeIn::Nothing),
            (None, Different, 2, true, TakeIn::Nothing),
            (Some(3), Different, 3, false, TakeIn::Nothing),
            (Some(3), Absent, 2, false, TakeIn::Nothing),
            (Some(3), Different, 3, true, TakeIn::Nothing),
            (Some(3), Absent, 4, false, TakeIn::Restore),
            (Some(3), AsSynced, 4, false, TakeIn::Write),
            (Some(3), AsServer, 4, false, TakeIn::Adopt),
            (Some(3), Different, 4, false, TakeIn::Unite),
            (Some(3), Unreadable, 4, false, TakeIn::Postpone),
            (Some(0), Different, 1, false, TakeIn::Unite),
            (Some(3), Absent, 4, true, TakeIn::Forget),
            (Some(3), AsSynced, 4, true, TakeIn::Remove),
            (Some(3), Different, 4, true, TakeIn::AskDeleted),
            (Some(3), Unreadable, 4, true, TakeIn::AskDeleted),
        ] {
            assert_eq!(
                take_in(synced, file, version, is_deleted),
                expected,
                "{synced:?} {file:?} {version} {is_deleted}"
            );
        }
    }
}
