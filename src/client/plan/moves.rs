//! Files that were moved and changed between two syncs, recognised by how much of their text they have in common. Pure.
//!
//! A text is cut into pieces of a few words. Where a piece ends is said by its last word alone, so a change of one word
//! costs the piece around it and no other, wherever it stands. Two texts are one document if the pieces that both have
//! make up most of the longer one. Pairs that are worth a comparison are found by the few pieces with the smallest
//! digests (Broder's bottom-k sketch): the work grows with the bytes of the texts, not with the number of pairs.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::client::model::{LocalChange, LocalFile, Tracked};
use crate::client::state::DocId;

/// Shorter texts have too little in them to be recognised: they are moved only if nothing in them changed.
const MIN_BYTES: usize = 64;
/// Longer texts are not compared: it bounds memory.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Of the longer text's bytes, so many hundredths must be common.
const MIN_PERCENT: usize = 60;
/// A piece ends with every fourth word, on average.
const WORDS_OF_A_PIECE: u64 = 4;
/// Pieces of a text by which others like it are found.
const SKETCH_PIECES: usize = 48;
/// A piece that so many new texts have says nothing about any of them.
const MAX_HOLDERS: usize = 64;
/// Comparisons for one text, at most: with those that share the most of the sketch.
const MAX_COMPARISONS: usize = 8;

/// A text, as its pieces.
#[derive(Clone, Debug, Default)]
struct Pieces {
    bytes: usize,
    /// Digest of each piece, with the bytes of all pieces that are equal to it, by digest.
    weights: Vec<(u64, usize)>,
}

/// Sizes in bytes by which texts are left out before they are read; `None` where none is known.
#[derive(Clone, Debug, Default)]
struct Sizes {
    /// Of the tracked files.
    old: BTreeMap<DocId, Option<usize>>,
    /// Of the files that are there, by path.
    new: BTreeMap<String, usize>,
}

impl Sizes {
    /// Of what is tracked, and of the files that are there.
    fn of(tracked: &[Tracked], files: &BTreeMap<String, LocalFile>) -> Self {
        let bytes = |size: i64| usize::try_from(size).ok();
        Self {
            old: tracked.iter().map(|one| (one.file.document_id, bytes(one.file.size))).collect(),
            new: files.iter().map(|(path, file)| (path.clone(), bytes(file.look.size).unwrap_or(0))).collect(),
        }
    }
}

/// Makes a move of each deletion and creation that are one document whose text has been changed a little. The texts of
/// those that may be are asked for.
pub(super) fn recognise_moves<E>(
    changes: Vec<LocalChange>,
    tracked: &[Tracked],
    files: &BTreeMap<String, LocalFile>,
    old_text: impl FnMut(DocId) -> Result<Option<String>, E>,
    new_text: impl FnMut(&str) -> Option<String>,
) -> Result<Vec<LocalChange>, E> {
    if changes.iter().any(|one| deleted(one).is_some()) && changes.iter().any(|one| created(one).is_some()) {
        return recognise(changes, &Sizes::of(tracked, files), old_text, new_text);
    }
    Ok(changes)
}

fn recognise<E>(
    changes: Vec<LocalChange>,
    sizes: &Sizes,
    mut old_text: impl FnMut(DocId) -> Result<Option<String>, E>,
    mut new_text: impl FnMut(&str) -> Option<String>,
) -> Result<Vec<LocalChange>, E> {
    let gone: Vec<DocId> = changes.iter().filter_map(deleted).collect();
    let size_of = |id: &DocId| sizes.old.get(id).copied().flatten();
    let has_unknown = gone.iter().any(|id| size_of(id).is_none());
    let old_sizes = sorted(gone.iter().filter_map(size_of));
    let mut new: Vec<(&str, Pieces)> = Vec::new();
    for path in changes.iter().filter_map(created) {
        let size = sizes.new.get(path).copied().unwrap_or(0);
        if is_comparable(size) && !gone.is_empty() && (has_unknown || has_like_size(&old_sizes, size)) {
            new.extend(new_text(path).map(|text| (path, Pieces::of(&text))));
        }
    }
    let new_sizes = sorted(new.iter().map(|(_, pieces)| pieces.bytes));
    let mut old: Vec<(DocId, Pieces)> = Vec::new();
    for id in gone.into_iter().filter(|_| !new_sizes.is_empty()) {
        if size_of(&id).is_none_or(|size| is_comparable(size) && has_like_size(&new_sizes, size)) {
            old.extend(old_text(id)?.map(|text| (id, Pieces::of(&text))));
        }
    }
    let pairs: BTreeMap<DocId, String> = pair(&old, &new).into_iter().map(|(id, to)| (id, to.to_owned())).collect();
    Ok(with_moves(changes, &pairs))
}

fn deleted(change: &LocalChange) -> Option<DocId> {
    if let LocalChange::Delete { id } = change { Some(*id) } else { None }
}

fn created(change: &LocalChange) -> Option<&str> {
    if let LocalChange::Create { path } = change { Some(path) } else { None }
}

const fn is_comparable(bytes: usize) -> bool {
    bytes >= MIN_BYTES && bytes <= MAX_BYTES
}

/// What is common to two texts is no longer than the shorter one.
fn is_like_size(one: usize, other: usize) -> bool {
    one.min(other) * 100 >= one.max(other) * MIN_PERCENT
}

fn sorted(sizes: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut sizes: Vec<usize> = sizes.filter(|size| is_comparable(*size)).collect();
    sizes.sort_unstable();
    sizes
}

/// Whether one of the sorted sizes is like `size`: the smallest that is not too small for it must not be too large.
fn has_like_size(sorted: &[usize], size: usize) -> bool {
    let first = sorted.partition_point(|other| other * 100 < size * MIN_PERCENT);
    sorted.get(first).is_some_and(|other| is_like_size(*other, size))
}

/// The same changes, with moves in the place of the deletions and creations that `pairs` names; edits come before moves,
/// moves before creations, deletions last, as before.
fn with_moves(changes: Vec<LocalChange>, pairs: &BTreeMap<DocId, String>) -> Vec<LocalChange> {
    let rank = |change: &LocalChange| match change {
        LocalChange::Edit { .. } | LocalChange::Reappear { .. } => 0,
        LocalChange::Move { .. } => 1,
        LocalChange::Create { .. } => 2,
        LocalChange::Delete { .. } => 3,
    };
    let taken: BTreeSet<&str> = pairs.values().map(String::as_str).collect();
    let is_moved_here = |change: &LocalChange| created(change).is_some_and(|path| taken.contains(path));
    let kept = changes.into_iter().filter(|change| !is_moved_here(change));
    let mut changed: Vec<LocalChange> = kept
        .map(|change| match deleted(&change).and_then(|id| Some((id, pairs.get(&id)?))) {
            Some((id, to)) => LocalChange::Move { id, to: to.clone() },
            None => change,
        })
        .collect();
    changed.sort_by_key(rank);
    changed
}

/// Pairs old and new texts one to one, the most alike first.
fn pair<'p>(old: &[(DocId, Pieces)], new: &[(&'p str, Pieces)]) -> Vec<(DocId, &'p str)> {
    let mut holders: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, (_, pieces)) in new.iter().enumerate() {
        for digest in pieces.sketch() {
            holders.entry(digest).or_default().push(at);
        }
    }
    let mut found: Vec<(usize, DocId, &'p str)> = Vec::new();
    for (id, pieces) in old {
        for at in candidates(pieces, &holders) {
            if let Some((path, other)) = new.get(at)
                && let Some(percent) = pieces.percent_in_common(other)
            {
                found.push((percent, *id, path));
            }
        }
    }
    found.sort_by(|(a, id_a, path_a), (b, id_b, path_b)| b.cmp(a).then(path_a.cmp(path_b)).then(id_a.cmp(id_b)));
    let (mut paired, mut used) = (BTreeMap::new(), BTreeSet::new());
    for (_, id, path) in found {
        if !paired.contains_key(&id) && used.insert(path) {
            paired.insert(id, path);
        }
    }
    paired.into_iter().collect()
}

/// The new texts that share the most of the sketch.
fn candidates(pieces: &Pieces, holders: &BTreeMap<u64, Vec<usize>>) -> Vec<usize> {
    let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
    for digest in pieces.sketch() {
        for at in holders.get(&digest).filter(|held| held.len() <= MAX_HOLDERS).into_iter().flatten() {
            *shared.entry(*at).or_default() += 1;
        }
    }
    let mut ranked: Vec<(usize, usize)> = shared.into_iter().map(|(at, count)| (count, at)).collect();
    ranked.sort_by(|(a, at_a), (b, at_b)| b.cmp(a).then(at_a.cmp(at_b)));
    ranked.into_iter().take(MAX_COMPARISONS).map(|(_, at)| at).collect()
}

impl Pieces {
    /// The pieces of a text.
    fn of(text: &str) -> Self {
        let mut weights: BTreeMap<u64, usize> = BTreeMap::new();
        let (mut start, mut end) = (0, 0);
        for word in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
            end += word.len();
            if digest(word).is_multiple_of(WORDS_OF_A_PIECE) {
                let piece = text.get(start..end).unwrap_or_default();
                *weights.entry(digest(piece)).or_default() += piece.len();
                start = end;
            }
        }
        let rest = text.get(start..).unwrap_or_default();
        if !rest.is_empty() {
            *weights.entry(digest(rest)).or_default() += rest.len();
        }
        Self { bytes: text.len(), weights: weights.into_iter().collect() }
    }

    /// The pieces with the smallest digests: a sample that texts with the same pieces agree on.
    fn sketch(&self) -> impl Iterator<Item = u64> {
        self.weights.iter().take(SKETCH_PIECES).map(|(digest, _)| *digest)
    }

    /// How much of the longer text both have, in hundredths; `None` if that is too little to be one document.
    fn percent_in_common(&self, other: &Self) -> Option<usize> {
        if !is_comparable(self.bytes) || !is_comparable(other.bytes) || !is_like_size(self.bytes, other.bytes) {
            return None;
        }
        let (mut common, mut theirs) = (0, other.weights.iter().peekable());
        for (digest, bytes) in &self.weights {
            while theirs.next_if(|(other, _)| other < digest).is_some() {}
            if let Some((_, others)) = theirs.next_if(|(other, _)| other == digest) {
                common += *bytes.min(others);
            }
        }
        let longer = self.bytes.max(other.bytes);
        (common * 100 >= longer * MIN_PERCENT).then(|| common * 100 / longer)
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> DocId {
        DocId(uuid::Uuid::from_u128(number))
    }

    /// A text of `words` words that no other seed has.
    fn prose(seed: usize, words: usize) -> String {
        let word = |n: usize| {
            let end = if n % 12 == 11 { ".\n" } else { " " };
            format!("w{:x}{end}", (seed * 7_919 + n * 104_729) % 1_000_003)
        };
        (0..words).map(word).collect()
    }

    /// What becomes of deletions of `old` texts and creations of `new` ones.
    fn recognised(old: &[(u128, &str)], new: &[(&str, &str)]) -> Vec<LocalChange> {
        let creates = new.iter().map(|(path, _)| LocalChange::Create { path: (*path).to_owned() });
        let deletes = old.iter().map(|(number, _)| LocalChange::Delete { id: id(*number) });
        let sizes = Sizes {
            old: old.iter().map(|(number, text)| (id(*number), Some(text.len()))).collect(),
            new: new.iter().map(|(path, text)| ((*path).to_owned(), text.len())).collect(),
        };
        recognise(
            creates.chain(deletes).collect(),
            &sizes,
            |wanted| {
                let text = old.iter().find(|(number, _)| id(*number) == wanted).map(|(_, text)| (*text).to_owned());
                Ok::<_, std::convert::Infallible>(text)
            },
            |path| new.iter().find(|(other, _)| *other == path).map(|(_, text)| (*text).to_owned()),
        )
        .unwrap()
    }

    fn moved(number: u128, to: &str) -> LocalChange {
        LocalChange::Move { id: id(number), to: to.to_owned() }
    }

    #[test]
    fn a_changed_text_is_known_again() {
        let text = prose(1, 200);
        let half = text.len() / 2;
        let word = text.split(' ').nth(90).unwrap();
        let cases = [
            ("a word in the middle", text.replace(word, "another"), true),
            ("a line in front", format!("# A new heading\n\n{text}"), true),
            ("a line at the end", format!("{text}And one more thing.\n"), true),
            ("a third more", format!("{text}{}", prose(2, 66)), true),
            ("twice as long", format!("{text}{}", prose(2, 200)), false),
            ("the second half anew", format!("{}{}", &text[..half], prose(2, 100)), false),
            ("the last quarter anew", format!("{}{}", &text[..half + half / 2], prose(2, 50)), true),
            ("paragraphs in another order", format!("{}{}", &text[half..], &text[..half]), true),
            ("another text", prose(3, 200), false),
            ("nothing", String::new(), false),
        ];
        for (what, now, is_one) in cases {
            let expected = if is_one {
                vec![moved(1, "b.md")]
            } else {
                vec![LocalChange::Create { path: "b.md".to_owned() }, LocalChange::Delete { id: id(1) }]
            };
            assert_eq!(recognised(&[(1, &text)], &[("b.md", &now)]), expected, "{what}");
        }
    }

    #[test]
    fn texts_without_spaces_are_compared_too() {
        let line = |n: u32| -> String {
            let letters = (0..20).filter_map(|at| char::from_u32(0x4e00 + (n * 31 + at * 17) % 5_000));
            letters.chain(['。', '\n']).collect()
        };
        let text: String = (0..30).map(line).collect();
        let now = text.replacen(&line(7), &line(99), 1);
        assert_eq!(recognised(&[(1, &text)], &[("b.md", &now)]), [moved(1, "b.md")]);
    }

    #[test]
    fn short_texts_are_not_guessed_at() {
        let short = "- milk\n- bread\n- eggs\n- butter\n";
        let now = format!("{short}- jam\n");
        let changes = recognised(&[(1, short)], &[("b.md", &now)]);
        assert!(!changes.contains(&moved(1, "b.md")), "{changes:?}");
    }

    #[test]
    fn the_most_alike_are_paired_first() {
        let base = prose(1, 300);
        let (near, far) = (format!("{base}one more word\n"), format!("{base}{}", prose(4, 60)));
        let changes = recognised(&[(1, &base), (2, &far)], &[("far.md", &far), ("near.md", &near)]);
        assert_eq!(changes, [moved(1, "near.md"), moved(2, "far.md")]);
        let changes = recognised(&[(1, &base)], &[("far.md", &far), ("near.md", &near)]);
        assert_eq!(changes, [moved(1, "near.md"), LocalChange::Create { path: "far.md".to_owned() }]);
        let changes = recognised(&[(2, &far), (1, &base)], &[("near.md", &near)]);
        assert_eq!(changes, [moved(1, "near.md"), LocalChange::Delete { id: id(2) }]);
    }

    #[test]
    fn edits_and_moves_stay_in_front() {
        let text = prose(1, 100);
        let edit = LocalChange::Edit { id: id(9) };
        let mut changes = vec![edit.clone(), moved(8, "x.md")];
        changes.push(LocalChange::Create { path: "b.md".to_owned() });
        changes.push(LocalChange::Create { path: "c.md".to_owned() });
        changes.push(LocalChange::Delete { id: id(1) });
        let sizes = Sizes { old: [(id(1), None)].into(), new: [("c.md".to_owned(), text.len())].into() };
        let old = |_| Ok::<_, std::convert::Infallible>(Some(text.clone()));
        let changes = recognise(changes, &sizes, old, |_| Some(format!("{text}more\n"))).unwrap();
        let create = LocalChange::Create { path: "b.md".to_owned() };
        assert_eq!(changes, [edit, moved(8, "x.md"), moved(1, "c.md"), create]);
    }

    #[test]
    fn texts_whose_sizes_do_not_fit_are_not_read() {
        let changes = vec![LocalChange::Create { path: "b.md".to_owned() }, LocalChange::Delete { id: id(1) }];
        for (old, new) in [(1_000, 10), (1_000, 599), (599, 1_000), (10, 10), (5_000_000, 5_000_000)] {
            let sizes = Sizes { old: [(id(1), Some(old))].into(), new: [("b.md".to_owned(), new)].into() };
            let read = |_| -> Result<Option<String>, ()> { panic!("the old text of {old} and {new} was read") };
            let same = recognise(changes.clone(), &sizes, read, |_| panic!("the new text was read"));
            assert_eq!(same, Ok(changes.clone()));
        }
    }

    /// A folder of a thousand notes was moved, each changed: pairs are found by the pieces that few have.
    #[test]
    fn a_thousand_by_a_thousand_are_paired() {
        let heading = "# Notes of the day\n\n- weather:\n- mood:\n\n";
        let texts: Vec<String> = (0..1_000).map(|n| format!("{heading}{}", prose(n * 31, 150))).collect();
        let now: Vec<(String, String)> = texts
            .iter()
            .enumerate()
            .map(|(n, text)| (format!("new/{n:04}.md"), format!("{text}changed {n}\n")))
            .collect();
        let old: Vec<(u128, &str)> = (0_u128..).zip(texts.iter().map(String::as_str)).collect();
        let new: Vec<(&str, &str)> = now.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let expected: Vec<LocalChange> = (0..1_000).map(|n| moved(n, &format!("new/{n:04}.md"))).collect();
        assert_eq!(recognised(&old, &new), expected);
    }
}
