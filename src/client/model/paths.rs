//! Which path each document has: a function of the titles and ids of the live documents alone, so that it is the same in
//! every folder, whatever came first there. Pure.
//!
//! Names are compared in Unicode's NFC and without upper and lower case, and kept as they were typed. Of documents with one
//! path the eldest (by id) has it; the others have a part of their id in the name. A folder is spelled as its eldest
//! document spells it, and is a folder even where another document's file would have its name.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::model::names::{folded, marked_path, natural_path};
use crate::client::state::DocId;

/// Digits of an id that tell documents of one name apart.
const MARK_DIGITS: usize = 8;

/// The live documents, by title.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    documents: BTreeMap<DocId, Named>,
    /// By what [`folded`] makes of the path that a title asks for.
    holders: BTreeMap<String, BTreeSet<DocId>>,
    /// By folded path: the documents below, and how each spells the folder's name.
    folders: BTreeMap<String, BTreeMap<DocId, String>>,
    /// Documents whose path may have changed.
    changed: BTreeSet<DocId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    title: String,
    /// The path that the title asks for, or why no path can stand for it.
    wish: Result<String, String>,
}

impl Paths {
    /// A document is there, with this title.
    pub fn put(&mut self, id: DocId, title: &str) {
        if self.documents.get(&id).is_some_and(|known| known.title == title) {
            return;
        }
        self.remove(id);
        let wish = natural_path(title, &mark_of(id, MARK_DIGITS));
        if let Ok(path) = &wish {
            let key = folded(path);
            let holders = self.holders.entry(key.clone()).or_default();
            self.changed.extend(holders.first());
            holders.insert(id);
            self.note_marked(&key);
            for (folder, name) in folders_of(path) {
                let within = self.folders.entry(folded(folder)).or_default();
                let spelled = within.values().next().cloned();
                within.insert(id, name.to_owned());
                let is_respelled = spelled.is_some() && within.values().next() != spelled.as_ref();
                self.note_folder(folder, spelled.is_none(), is_respelled);
            }
        }
        self.changed.insert(id);
        self.documents.insert(id, Named { title: title.to_owned(), wish });
    }

    /// A document is there no more.
    pub fn remove(&mut self, id: DocId) {
        let Some(Named { wish: Ok(path), .. }) = self.documents.remove(&id) else { return };
        let key = folded(&path);
        if let Some(holders) = self.holders.get_mut(&key) {
            holders.remove(&id);
            self.changed.extend(holders.first());
            if holders.is_empty() {
                self.holders.remove(&key);
            }
        }
        self.note_marked(&key);
        for (folder, _) in folders_of(&path) {
            let Some(within) = self.folders.get_mut(&folded(folder)) else { continue };
            let spelled = within.values().next().cloned();
            within.remove(&id);
            let is_gone = within.is_empty();
            let is_respelled = !is_gone && within.values().next() != spelled.as_ref();
            if is_gone {
                self.folders.remove(&folded(folder));
            }
            self.note_folder(folder, is_gone, is_respelled);
        }
    }

    /// The documents whose paths may have changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<DocId> {
        std::mem::take(&mut self.changed)
    }

    /// The path of a document; `None` if it is not there.
    ///
    /// # Errors
    /// Why no path can stand for its title, for people.
    #[must_use]
    pub fn path_of(&self, id: DocId) -> Option<Result<String, String>> {
        let wish = match &self.documents.get(&id)?.wish {
            Ok(wish) => wish,
            Err(reason) => return Some(Err(reason.clone())),
        };
        let key = folded(wish);
        let path = self.spelled(wish);
        let holders = self.holders.get(&key)?;
        if holders.first() == Some(&id) && !self.folders.contains_key(&key) {
            return Some(Ok(path));
        }
        let mark = mark_of(id, MARK_DIGITS);
        let short = marked_path(&path, &mark);
        let is_twin = |other: &DocId| *other != id && mark_of(*other, MARK_DIGITS) == mark;
        if self.is_free(&folded(&short)) && !holders.iter().any(is_twin) {
            return Some(Ok(short));
        }
        let long = marked_path(&path, &mark_of(id, usize::MAX));
        let is_free = self.is_free(&folded(&long));
        Some(if is_free { Ok(long) } else { Err("other documents have every name that it could have".to_owned()) })
    }

    fn is_free(&self, key: &str) -> bool {
        !self.holders.contains_key(key) && !self.folders.contains_key(key)
    }

    /// The path, its folders spelled as the eldest document below each does.
    fn spelled(&self, path: &str) -> String {
        let mut spelled = String::new();
        for (folder, name) in folders_of(path) {
            let eldest = self.folders.get(&folded(folder)).and_then(|within| within.values().next());
            spelled.push_str(eldest.map_or(name, String::as_str));
            spelled.push('/');
        }
        spelled + name_of(path)
    }

    /// A path that others may have with their marks was taken or freed.
    fn note_marked(&mut self, key: &str) {
        let Some((base, mark)) = unmarked(key) else { return };
        let holders = self.holders.get(&base).into_iter().flatten();
        let is_marked = |id: &&DocId| mark_of(**id, MARK_DIGITS).starts_with(mark.get(..MARK_DIGITS).unwrap_or(mark));
        self.changed.extend(holders.filter(is_marked));
    }

    fn note_folder(&mut self, folder: &str, is_turned: bool, is_respelled: bool) {
        let key = folded(folder);
        if is_turned {
            self.changed.extend(self.holders.get(&key).into_iter().flatten());
            self.note_marked(&key);
        }
        if is_respelled {
            self.changed.extend(self.folders.get(&key).into_iter().flat_map(BTreeMap::keys));
        }
    }
}

/// A document's own path: where its file goes when another has the path that it had.
#[must_use]
pub fn own_path(path: &str, id: DocId) -> String {
    marked_path(path, &mark_of(id, usize::MAX))
}

/// The last digits of an id, which are the random ones.
fn mark_of(id: DocId, digits: usize) -> String {
    let id = id.0.simple().to_string();
    id.get(id.len().saturating_sub(digits)..).unwrap_or(&id).to_owned()
}

/// The folders on the way to a path, each with its own name, the outermost first.
fn folders_of(path: &str) -> impl Iterator<Item = (&str, &str)> {
    path.match_indices('/').filter_map(|(end, _)| path.get(..end)).map(|folder| (folder, name_of(folder)))
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The path without the mark in its name, and the mark.
fn unmarked(path: &str) -> Option<(String, &str)> {
    let (start, rest) = path.rsplit_once(" (")?;
    let (mark, ending) = rest.split_once(')')?;
    let is_mark = mark.len() >= MARK_DIGITS && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_mark && !ending.contains('/')).then(|| (format!("{start}{ending}"), mark))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: u128) -> DocId {
        DocId(uuid::Uuid::from_u128(number))
    }

    fn paths(titles: &[(u128, &str)]) -> Paths {
        let mut paths = Paths::default();
        titles.iter().for_each(|(number, title)| paths.put(id(*number), title));
        paths
    }

    #[track_caller]
    fn assert_paths(titles: &[(u128, &str)], expected: &[&str]) {
        let paths = paths(titles);
        let found: Vec<String> = titles.iter().map(|(n, _)| paths.path_of(id(*n)).unwrap().unwrap()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_eldest_has_the_path() {
        assert_paths(&[(2, "a.md"), (1, "a.md"), (3, "A.md")], &["a (00000002).md", "a.md", "A (00000003).md"]);
        let mut paths = paths(&[(1, "a.md"), (2, "a.md"), (3, "b.md")]);
        paths.take_changed();
        paths.remove(id(1));
        assert_eq!(paths.path_of(id(2)), Some(Ok("a.md".to_owned())));
        assert_eq!(paths.take_changed(), [id(2)].into());
    }

    #[test]
    fn names_are_compared_without_case_and_composed() {
        assert_paths(&[(1, "In/a.md"), (2, "in/b.md"), (3, "IN/a.md")], &["In/a.md", "In/b.md", "In/a (00000003).md"]);
        assert_paths(&[(1, "Caf\u{e9}.md"), (2, "cafe\u{301}.md")], &["Caf\u{e9}.md", "cafe\u{301} (00000002).md"]);
        assert_paths(&[(1, "ΣΑΣ.md"), (2, "σας.md")], &["ΣΑΣ.md", "σας (00000002).md"]);
    }

    #[test]
    fn a_folder_stays_one_beside_a_file_of_its_name() {
        assert_paths(&[(1, "A1.md"), (2, "A1.md/x.md")], &["A1 (00000001).md", "A1.md/x.md"]);
    }

    #[test]
    fn long_names_are_shortened_with_the_id() {
        let cases = [("x".repeat(241) + ".md", 1), ("語".repeat(85), 2), (format!("{}/a.md", "é".repeat(130)), 3)];
        for (title, number) in cases {
            let paths = paths(&[(number, &title)]);
            let path = paths.path_of(id(number)).unwrap().unwrap();
            assert!(path.split('/').all(|part| part.len() <= 240), "{path}");
            assert!(path.ends_with(".md"), "{path}");
        }
        let long = "x".repeat(236) + ".md";
        assert_paths(&[(1, &long)], &[&long]);
        assert!(paths(&[(7, "../a.md")]).path_of(id(7)).unwrap().is_err());
    }

    #[test]
    fn a_mark_that_is_taken_is_longer() {
        let own = "a (00000000000000000000000000000002).md";
        assert_paths(&[(1, "a.md"), (2, "a.md"), (3, "a (00000002).md")], &["a.md", own, "a (00000002).md"]);
    }

    fn titles() -> impl Strategy<Value = Vec<(u128, Option<String>)>> {
        let name = prop::sample::select(vec!["a", "A", "b.md", "a.md", "a (00000002).md", "É.md", "e\u{301}.md"]);
        let title = prop::collection::vec(name, 1..4).prop_map(|parts| Some(parts.join("/")));
        prop::collection::vec((1..9_u128, prop_oneof![4 => title, 1 => Just(None)]), 0..30)
    }

    proptest! {
        /// Whatever happened in whatever order, the same documents have the same paths, and no two have one.
        #[test]
        fn two_devices_agree(steps in titles()) {
            let (mut one, mut last) = (Paths::default(), BTreeMap::new());
            for (number, title) in steps {
                let before: BTreeMap<DocId, _> = last.keys().map(|n| (id(*n), one.path_of(id(*n)))).collect();
                one.take_changed();
                match title {
                    Some(title) => {
                        one.put(id(number), &title);
                        last.insert(number, title);
                    }
                    None => {
                        one.remove(id(number));
                        last.remove(&number);
                    }
                }
                let changed = one.take_changed();
                for n in last.keys() {
                    let same = before.get(&id(*n)) == Some(&one.path_of(id(*n)));
                    prop_assert!(same || changed.contains(&id(*n)), "{n} of {last:?}");
                }
            }
            let mut other = Paths::default();
            last.iter().rev().for_each(|(number, title)| other.put(id(*number), title));
            let mut taken = BTreeSet::new();
            for number in last.keys() {
                let path = one.path_of(id(*number)).unwrap();
                prop_assert_eq!(&path, &other.path_of(id(*number)).unwrap());
                let path = path.unwrap();
                prop_assert!(taken.insert(folded(&path)), "{} twice of {:?}", path, last);
            }
            let is_folder = |path: &String| taken.iter().any(|other| other.starts_with(&format!("{path}/")));
            prop_assert!(!taken.iter().any(is_folder), "{taken:?}");
        }
    }
}
