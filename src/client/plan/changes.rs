//! What was done in the folder since it was last synced. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::model::{LocalChange, LocalFile, Tracked, folded};
use crate::client::state::{DocId, TrackedFile};
use crate::domain::operation::digest_of;

/// Compares the folder with what was last synced. `is_gone` says of a tracked path without a file in `files` that
/// nothing stands there (it may be ignored now, or unreadable). Files that wait for a choice are `asked` about already.
///
/// A file that vanished and a new one with the same text, or with the same name written in another way, are one file that was
/// moved; among several with the same text the first by path goes to the first. So are files that took the name of another
/// one, or changed names with each other. Edits come before moves, moves before creates, deletions last.
pub(super) fn local_changes(
    tracked: &[Tracked],
    asked: &BTreeSet<String>,
    files: &BTreeMap<String, LocalFile>,
    is_gone: &dyn Fn(&str) -> bool,
) -> Vec<LocalChange> {
    let known: BTreeSet<&str> = tracked.iter().map(|one| one.file.path.as_str()).collect();
    let mut new =
        NewFiles::of(files.iter().filter(|(path, _)| !known.contains(path.as_str()) && !asked.contains(*path)));
    let (mut edits, mut moves, mut deletions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut changed, mut missing) = (Vec::new(), Vec::new());
    for one in tracked.iter().filter(|one| !one.is_held) {
        let id = one.file.document_id;
        match files.get(&one.file.path) {
            Some(_) if one.is_deletion_queued => edits.push(LocalChange::Reappear { id }),
            Some(file) if file.digest != one.file.digest => changed.push((&one.file, file)),
            Some(_) => {}
            None if one.is_deletion_queued || !is_gone(&one.file.path) => {}
            None => missing.push(&one.file),
        }
    }
    let missing = missing.into_iter().filter(|file| match new.take(file) {
        Some(to) => {
            moves.push(LocalChange::Move { id: file.document_id, to });
            false
        }
        None => true,
    });
    let missing: Vec<&TrackedFile> = missing.collect();
    let takers = taken_names(&changed, &missing);
    let moved: BTreeSet<DocId> = takers.values().copied().collect();
    for (file, _) in &changed {
        let id = file.document_id;
        match takers.get(file.path.as_str()) {
            Some(taker) => {
                moves.push(LocalChange::Move { id: *taker, to: file.path.clone() });
                match new.take_exact(file).filter(|_| !moved.contains(&id)) {
                    Some(to) => moves.push(LocalChange::Move { id, to }),
                    None if !moved.contains(&id) => deletions.push(LocalChange::Delete { id }),
                    None => {}
                }
            }
            None => edits.push(LocalChange::Edit { id }),
        }
    }
    let gone = missing.iter().filter(|file| !moved.contains(&file.document_id));
    deletions.extend(gone.map(|file| LocalChange::Delete { id: file.document_id }));
    let creates = new.rest().into_iter().map(|path| LocalChange::Create { path });
    edits.into_iter().chain(moves).chain(creates).chain(deletions).collect()
}

/// Files that stand for no document yet.
struct NewFiles<'f> {
    by_digest: BTreeMap<&'f [u8], Vec<&'f str>>,
    /// Built when a file is missing.
    by_folded: Option<BTreeMap<String, &'f str>>,
    all: BTreeMap<&'f str, &'f [u8]>,
}

impl<'f> NewFiles<'f> {
    fn of(files: impl Iterator<Item = (&'f String, &'f LocalFile)>) -> Self {
        let all: BTreeMap<&str, &[u8]> = files.map(|(path, file)| (path.as_str(), file.digest.as_slice())).collect();
        let mut by_digest: BTreeMap<&[u8], Vec<&str>> = BTreeMap::new();
        for (path, digest) in all.iter().rev() {
            by_digest.entry(digest).or_default().push(path);
        }
        Self { by_digest, by_folded: None, all }
    }

    /// Where a file went that is missing: its name is written in another way, or its text stands elsewhere.
    fn take(&mut self, file: &TrackedFile) -> Option<String> {
        let all = &self.all;
        let by_folded = self.by_folded.get_or_insert_with(|| all.keys().map(|path| (folded(path), *path)).collect());
        match by_folded.get(&folded(&file.path)).copied().filter(|path| all.contains_key(path)) {
            Some(path) => self.remove(path),
            None => self.take_exact(file),
        }
    }

    /// Where the text of a file stands now.
    fn take_exact(&mut self, file: &TrackedFile) -> Option<String> {
        let path = self.by_digest.get(file.digest.as_slice())?.last().copied()?;
        self.remove(path)
    }

    fn remove(&mut self, path: &'f str) -> Option<String> {
        let digest = self.all.remove(path)?;
        if let Some(paths) = self.by_digest.get_mut(digest) {
            paths.retain(|other| *other != path);
        }
        Some(path.to_owned())
    }

    fn rest(self) -> Vec<String> {
        self.all.into_keys().map(str::to_owned).collect()
    }
}

/// Which documents' texts stand under the names of others now, by those names: of files that are missing, and of files that
/// are in each other's places. Empty texts are alike and say nothing.
fn taken_names<'t>(changed: &[(&'t TrackedFile, &LocalFile)], missing: &[&'t TrackedFile]) -> BTreeMap<&'t str, DocId> {
    let empty = digest_of("");
    let mut lost: BTreeMap<&[u8], Vec<(DocId, Option<&str>)>> = BTreeMap::new();
    for (file, _) in changed.iter().rev() {
        lost.entry(&file.digest).or_default().push((file.document_id, Some(&file.path)));
    }
    for file in missing.iter().rev() {
        lost.entry(&file.digest).or_default().push((file.document_id, None));
    }
    let mut takers: BTreeMap<&str, (DocId, Option<&str>)> = BTreeMap::new();
    for (file, now) in changed.iter().filter(|(_, now)| now.digest != empty) {
        if let Some(taker) = lost.get_mut(now.digest.as_slice()).and_then(Vec::pop) {
            takers.insert(&file.path, taker);
        }
    }
    // A file that still stands under its own name has left it only if another one came there.
    loop {
        let stays = |own: &Option<&str>| own.is_some_and(|own| !takers.contains_key(own));
        let Some(path) = takers.iter().find(|(_, (_, own))| stays(own)).map(|(path, _)| *path) else { break };
        takers.remove(path);
    }
    takers.into_iter().map(|(path, (id, _))| (path, id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::state::Look;

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
        local_changes(tracked, &BTreeSet::new(), &files(now), &|_| true)
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
        assert_eq!(changes(&swapped, &[("a.md", "B"), ("b.md", "A")]), [moved(2, "a.md"), moved(1, "b.md")]);
    }

    #[test]
    fn names_that_others_took_are_moves() {
        let before = [tracked(1, "p.md", "P"), tracked(2, "q.md", "Q")];
        let gone = LocalChange::Delete { id: id(2) };
        assert_eq!(changes(&before, &[("q.md", "P")]), [moved(1, "q.md"), gone]);
        assert_eq!(changes(&before, &[("q.md", "P"), ("r.md", "Q")]), [moved(1, "q.md"), moved(2, "r.md")]);
        let edit = |number| LocalChange::Edit { id: id(number) };
        assert_eq!(changes(&before, &[("p.md", "P"), ("q.md", "P")]), [edit(2)], "a copy over another one");
        assert_eq!(changes(&before, &[("p.md", "new"), ("q.md", "P")]), [edit(1), edit(2)]);
        let three = [tracked(1, "p.md", "P"), tracked(2, "q.md", "Q"), tracked(3, "r.md", "R")];
        assert_eq!(
            changes(&three, &[("p.md", "Q"), ("q.md", "R"), ("r.md", "P")]),
            [moved(2, "p.md"), moved(3, "q.md"), moved(1, "r.md")]
        );
        assert_eq!(changes(&before[..1], &[("P.md", "other")]), [moved(1, "P.md")], "a name in another case");
    }

    #[test]
    fn what_is_held_or_merely_unseen_is_left_alone() {
        let held = Tracked { is_held: true, ..tracked(1, "a.md", "A") };
        assert_eq!(changes(std::slice::from_ref(&held), &[("a.md", "other")]), []);
        assert_eq!(changes(&[held], &[]), []);
        assert_eq!(local_changes(&[tracked(1, "a.md", "A")], &BTreeSet::new(), &files(&[]), &|_| false), []);
        let deleted = Tracked { is_deletion_queued: true, ..tracked(1, "a.md", "A") };
        assert_eq!(changes(std::slice::from_ref(&deleted), &[]), []);
        assert_eq!(changes(&[deleted], &[("a.md", "A")]), [LocalChange::Reappear { id: id(1) }]);
    }
}
