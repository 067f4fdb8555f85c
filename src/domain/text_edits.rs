//! The difference between two texts as a few small edits: what an editor would have typed, found afterwards.
//!
//! Small edits matter: an edit that replaces a whole paragraph would take away what somebody else types into it
//! meanwhile. Lines are compared first, then the words of changed lines, then the ends of changed words.
//!
//! A text with CR LF that is to have LF first loses each CR, and nothing else: whoever edits it makes these very deletions,
//! and two of them come to the same.

use std::ops::Range;

use super::line_diff::{Budget, hunks};
use super::line_ends::inside;

/// Changed lines longer than this are replaced as they are, without a comparison of their words.
const MAX_COMPARED_BYTES: usize = 64 * 1024;
/// Steps that a comparison may take, lines and words together: some milliseconds. What they do not reach is replaced
/// as it is.
const MAX_STEPS: usize = 2_000_000;

/// One edit: at `position`, `removed` units go and `inserted` comes. Positions and lengths are UTF-16 units, as Yjs
/// counts, in the text as the edits before this one left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    /// Where.
    pub position: u32,
    /// How many units go.
    pub removed: u32,
    /// What comes in their place.
    pub inserted: String,
}

/// The edits that make `new` of `old`, from front to back.
#[must_use]
pub fn edits_between(old: &str, new: &str) -> Vec<TextEdit> {
    let bare = inside(old);
    if bare == old || inside(new) != new {
        return edits_between_lines(old, new);
    }
    let mut edits = removals(old, &bare);
    edits.extend(edits_between_lines(&bare, new));
    edits
}

/// The edits that take out of `old` what `bare` lacks, one character each.
fn removals(old: &str, bare: &str) -> Vec<TextEdit> {
    let (mut edits, mut position) = (Vec::new(), 0_u32);
    let mut kept = bare.chars().peekable();
    for character in old.chars() {
        if kept.next_if_eq(&character).is_some() {
            position = position.saturating_add(units(character.encode_utf8(&mut [0; 4])));
        } else {
            edits.push(TextEdit { position, removed: 1, inserted: String::new() });
        }
    }
    edits
}

fn edits_between_lines(old: &str, new: &str) -> Vec<TextEdit> {
    let mut script = Script::default();
    let mut budget = Budget::of(MAX_STEPS);
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let changes = hunks(&old, &new, &mut budget);
    let mut at = 0;
    for hunk in changes {
        script.keep_all(&old, at..hunk.old.start);
        at = hunk.old.end;
        let (removed, inserted) = (joined(&old, hunk.old), joined(&new, hunk.new));
        if removed.is_empty() || inserted.is_empty() || removed.len().max(inserted.len()) > MAX_COMPARED_BYTES {
            script.replace(&removed, &inserted);
        } else {
            compare_words(&removed, &inserted, &mut script, &mut budget);
        }
    }
    script.edits
}

/// Compares changed lines by their words.
fn compare_words(removed: &str, inserted: &str, script: &mut Script, budget: &mut Budget) {
    let (old, new) = (words(removed), words(inserted));
    let mut at = 0;
    for hunk in hunks(&old, &new, budget) {
        script.keep_all(&old, at..hunk.old.start);
        at = hunk.old.end;
        script.replace(&joined(&old, hunk.old), &joined(&new, hunk.new));
    }
    script.keep_all(&old, at..old.len());
}

fn joined(pieces: &[&str], range: Range<usize>) -> String {
    pieces.get(range).unwrap_or_default().concat()
}

/// Runs of letters and digits; everything else stands alone.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (at, character) in text.char_indices() {
        let belongs = character.is_alphanumeric();
        if at > start && !(belongs && in_word) {
            words.extend(text.get(start..at));
            start = at;
        }
        in_word = belongs;
    }
    words.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    words
}

/// The edits so far.
#[derive(Default)]
struct Script {
    edits: Vec<TextEdit>,
    /// UTF-16 units of the new text that are settled.
    position: u32,
}

impl Script {
    fn keep(&mut self, text: &str) {
        self.position = self.position.saturating_add(units(text));
    }

    fn keep_all(&mut self, pieces: &[&str], range: Range<usize>) {
        for piece in pieces.get(range).unwrap_or_default() {
            self.keep(piece);
        }
    }

    /// Replaces a piece, but for what both begin and end with.
    fn replace(&mut self, removed: &str, inserted: &str) {
        let prefix = common_prefix(removed.chars(), inserted.chars());
        let (kept, removed) = removed.split_at(prefix);
        let inserted = inserted.get(prefix..).unwrap_or_default();
        let suffix = common_prefix(removed.chars().rev(), inserted.chars().rev());
        let (removed, tail) = removed.split_at(removed.len() - suffix);
        let inserted = inserted.get(..inserted.len() - suffix).unwrap_or_default();
        self.keep(kept);
        if !removed.is_empty() || !inserted.is_empty() {
            self.edits.push(TextEdit {
                position: self.position,
                removed: units(removed),
                inserted: inserted.to_owned(),
            });
        }
        self.keep(inserted);
        self.keep(tail);
    }
}

/// Bytes of what two sequences of characters begin with alike.
fn common_prefix(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

fn units(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn apply(old: &str, edits: &[TextEdit]) -> String {
        let mut text: Vec<u16> = old.encode_utf16().collect();
        for edit in edits {
            let at = |n: u32| usize::try_from(n).unwrap();
            text.splice(at(edit.position)..at(edit.position + edit.removed), edit.inserted.encode_utf16());
        }
        String::from_utf16(&text).expect("no half of a surrogate pair is left behind")
    }

    fn edit(position: u32, removed: u32, inserted: &str) -> TextEdit {
        TextEdit { position, removed, inserted: inserted.to_owned() }
    }

    #[test]
    fn equal_texts_need_no_edit() {
        assert_eq!(edits_between("", ""), []);
        assert_eq!(edits_between("one\ntwo", "one\ntwo"), []);
    }

    #[test]
    fn what_was_typed_is_found() {
        assert_eq!(edits_between("", "one"), [edit(0, 0, "one")]);
        assert_eq!(edits_between("one", ""), [edit(0, 3, "")]);
        assert_eq!(edits_between("one\ntwo\n", "one\nand two\n"), [edit(4, 0, "and ")]);
        assert_eq!(edits_between("the old house\n", "the older house\n"), [edit(7, 0, "er")]);
        assert_eq!(edits_between("a b c d\n", "a x c y\n"), [edit(2, 1, "x"), edit(6, 1, "y")]);
        assert_eq!(edits_between("a\nb\nc", "b\nc\nd"), [edit(0, 2, ""), edit(3, 0, "\nd")]);
    }

    #[test]
    fn positions_count_utf16_units() {
        assert_eq!(edits_between("😀 one", "😀 two"), [edit(3, 3, "two")]);
        // Both begin with the same half of a surrogate pair.
        assert_eq!(edits_between("😀", "😁"), [edit(0, 2, "😁")]);
    }

    #[test]
    fn line_ends_lose_their_carriage_returns_alone() {
        let cuts = [edit(1, 1, ""), edit(3, 1, ""), edit(3, 1, "")];
        assert_eq!(edits_between("a\r\nb\r\r\n", "a\nb\n"), cuts);
        assert_eq!(edits_between("a\r\n", "a\nb"), [edit(1, 1, ""), edit(2, 0, "b")]);
        assert_eq!(edits_between("\u{feff}a\r\n", "a\n"), [edit(0, 1, ""), edit(1, 1, "")]);
        assert_eq!(edits_between("a\r\n", "a\r\nb"), [edit(3, 0, "b")], "who wants them may have them");
        let long = "a line of some words\r\n".repeat(10_000);
        let edits = edits_between(&long, &long.replace('\r', ""));
        assert!(edits.len() == 10_000 && edits.iter().all(|edit| edit.removed == 1 && edit.inserted.is_empty()));
    }

    #[test]
    fn very_long_lines_are_compared_in_bounded_time() {
        let old = "word ".repeat(200_000);
        let new = format!("{}other {}", &old[..500_000], &old[500_000..]);
        assert_eq!(edits_between(&old, &new), [edit(500_000, 0, "other ")]);
    }

    #[test]
    fn alternate_changes_of_a_hundred_thousand_lines_are_found() {
        let old: String = (0..100_000).map(|line| format!("{line}\n")).collect();
        let new: String =
            (0..100_000).map(|line| if line % 2 == 0 { format!("{line}!\n") } else { format!("{line}\n") }).collect();
        let edits = edits_between(&old, &new);
        assert_eq!(edits.len(), 50_000);
        assert_eq!(edits[1], edit(6, 0, "!"));
    }

    proptest! {
        #[test]
        fn the_edits_make_the_new_text(old in "\u{feff}?[ab😀é \n\r]{0,60}", new in "[ab😀é \n\r]{0,60}") {
            prop_assert_eq!(apply(&old, &edits_between(&old, &new)), new);
        }
    }
}
