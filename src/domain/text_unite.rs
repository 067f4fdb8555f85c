//! One text of what two sides each made of a common text, for clients: by lines, and inside lines by words.
//!
//! A change that both sides made comes once. Changes at different places are both kept. Two insertions of lines at one place
//! are both kept too, lines that both have only once. Different changes of the same words are no text: somebody has to
//! choose, since a mixture of two values is a value that nobody wrote.

use std::collections::BTreeSet;

use crate::domain::text_hunks::{Group, Hunk, Side, Sides, pieces};

/// Changed lines longer than this are not compared by words: it bounds the time.
const MAX_COMPARED_BYTES: usize = 64 * 1024;

/// What `ours` and `theirs` made of `base`, in one text; `None` if the same words were changed in different ways.
#[must_use]
pub fn unite_texts(base: &str, ours: &str, theirs: &str) -> Option<String> {
    if ours == theirs || theirs == base {
        return Some(ours.to_owned());
    }
    if ours == base {
        return Some(theirs.to_owned());
    }
    let (base, ours, theirs) = (lines(base), lines(ours), lines(theirs));
    let sides = Sides { ours: Side::of(&base, &ours), theirs: Side::of(&base, &theirs) };
    let mut united: Vec<String> = Vec::new();
    let mut at = 0;
    for group in sides.groups(&base, is_nothing) {
        united.extend(owned(pieces(&base, at..group.region.start)));
        at = group.region.end;
        united.extend(unite_lines(&group, &base)?);
    }
    united.extend(owned(pieces(&base, at..base.len())));
    Some(united.join("\n"))
}

/// What stands between line feeds. The text after the last one is a line too, empty or not.
fn lines(text: &str) -> Vec<&str> {
    text.split('\n').collect()
}

/// Runs of characters between white space; white space and ideographs stand alone.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut is_in_word = false;
    for (at, character) in text.char_indices() {
        let belongs = !character.is_whitespace() && !is_ideograph(character);
        if at > start && !(belongs && is_in_word) {
            words.extend(text.get(start..at));
            start = at;
        }
        is_in_word = belongs;
    }
    words.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    words
}

/// Scripts that are written without spaces between words.
const fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn owned<'a>(pieces: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
    pieces.iter().map(|piece| (*piece).to_owned())
}

fn is_nothing(gap: &[&str]) -> bool {
    gap.is_empty()
}

/// Words that are only a space apart are read as one: their changes are one change.
fn is_space(gap: &[&str]) -> bool {
    gap.iter().all(|piece| *piece != "\n" && piece.chars().all(char::is_whitespace))
}

fn unite_lines(group: &Group<'_>, base: &[&str]) -> Option<Vec<String>> {
    let (ours, theirs) = (group.applied(base, &group.ours), group.applied(base, &group.theirs));
    if let Some(plain) = group.plain(&ours, &theirs) {
        return Some(owned(plain).collect());
    }
    if let Some(composed) = compose(group, base) {
        return Some(composed.into_iter().map(str::to_owned).collect());
    }
    let common = pieces(base, group.region.clone());
    if common.is_empty() || ours.is_empty() || theirs.is_empty() {
        return None;
    }
    if common.iter().all(|line| line.trim().is_empty()) {
        return Some(owned(&united_lines(&theirs, &ours)?).collect());
    }
    let united = unite_words(&common.join("\n"), &ours.join("\n"), &theirs.join("\n"))?;
    Some(owned(&lines(&united)).collect())
}

/// The changes one behind the other, if none overlaps another.
fn compose<'a>(group: &Group<'a>, base: &[&'a str]) -> Option<Vec<&'a str>> {
    let theirs = group.theirs.iter().map(|hunk| (hunk, false));
    let mut all: Vec<(&Hunk<'a>, bool)> = theirs.chain(group.ours.iter().map(|hunk| (hunk, true))).collect();
    all.sort_by_key(|(hunk, is_ours)| (hunk.before.start, hunk.before.end, *is_ours));
    let (mut composed, mut at) = (Vec::new(), group.region.start);
    let mut last: Option<Hunk<'a>> = None;
    for (hunk, _) in all {
        match &mut last {
            Some(last) if last == hunk => continue,
            Some(last) if last.is_at_one_place_with(hunk) => {
                composed.truncate(composed.len() - last.after.len());
                last.after = united_lines(&last.after, &hunk.after)?;
                composed.extend(&last.after);
                at = at.max(hunk.before.end);
                last.before.end = at;
                continue;
            }
            Some(last) if last.after.is_empty() && hunk.after.is_empty() && hunk.before.start < at => {
                at = at.max(hunk.before.end);
                continue;
            }
            Some(last) if last.before == hunk.before || hunk.before.start < at => return None,
            _ => {}
        }
        composed.extend(pieces(base, at..hunk.before.start));
        composed.extend(&hunk.after);
        at = hunk.before.end;
        last = Some(hunk.clone());
    }
    composed.extend(pieces(base, at..group.region.end));
    Some(composed)
}

/// The lines of both, theirs first; common ones once. `None` if both set one key, as of a heading in YAML, differently.
fn united_lines<'a>(theirs: &[&'a str], ours: &[&'a str]) -> Option<Vec<&'a str>> {
    let (mut united, mut at) = (Vec::new(), 0);
    for hunk in Side::of(theirs, ours).0 {
        let replaced = pieces(theirs, hunk.before.clone());
        let keys: BTreeSet<&str> = replaced.iter().filter_map(|line| key_of(line)).collect();
        if hunk.after.iter().filter_map(|line| key_of(line)).any(|key| keys.contains(key)) {
            return None;
        }
        united.extend(pieces(theirs, at..hunk.before.end));
        united.extend(hunk.after);
        at = hunk.before.end;
    }
    united.extend(pieces(theirs, at..theirs.len()));
    Some(united)
}

/// The key of a line like `date: 2024-05-01`.
fn key_of(line: &str) -> Option<&str> {
    let (key, value) = line.split_once(':')?;
    let is_key = !key.is_empty() && !key.contains(char::is_whitespace);
    (is_key && (value.is_empty() || value.starts_with(' '))).then_some(key)
}

/// The same inside lines that both sides changed.
fn unite_words(base: &str, ours: &str, theirs: &str) -> Option<String> {
    if [base, ours, theirs].iter().any(|text| text.len() > MAX_COMPARED_BYTES) {
        return None;
    }
    let (base, ours, theirs) = (words(base), words(ours), words(theirs));
    let sides = Sides {
        ours: Side::of(&base, &ours).joined(&base, is_space),
        theirs: Side::of(&base, &theirs).joined(&base, is_space),
    };
    let (mut united, mut at) = (String::new(), 0);
    for group in sides.groups(&base, is_space) {
        united.push_str(&pieces(&base, at..group.region.start).concat());
        at = group.region.end;
        let (ours, theirs) = (group.applied(&base, &group.ours), group.applied(&base, &group.theirs));
        let words = match group.plain(&ours, &theirs) {
            Some(plain) => plain.concat(),
            None => united_words(pieces(&base, group.region.clone()), &ours, &theirs)?,
        };
        united.push_str(&words);
    }
    united.push_str(&pieces(&base, at..base.len()).concat());
    Some(united)
}

/// Both made more of the same words: one goes on where the other ends, or both begin new lines.
fn united_words(base: &[&str], ours: &[&str], theirs: &[&str]) -> Option<String> {
    let [base, ours, theirs] = [base, ours, theirs].map(<[&str]>::concat);
    let known: BTreeSet<&str> = base.lines().filter(|line| !line.trim().is_empty()).collect();
    for (longer, shorter) in [(&ours, &theirs), (&theirs, &ours)] {
        let more = longer.strip_prefix(shorter.as_str()).map(|more| (more, base.ends_with(more)));
        let more = more.or_else(|| longer.strip_suffix(shorter.as_str()).map(|more| (more, base.starts_with(more))));
        match more.filter(|_| !shorter.trim().is_empty() && *shorter != base) {
            // What one has more was there before: the other took it away.
            Some((_, true)) => return Some(shorter.clone()),
            // Some of it was there before: it cannot be told what the other took away.
            Some((more, false)) if more.lines().any(|line| known.contains(line)) => return None,
            Some((_, false)) => return Some(longer.clone()),
            None => {}
        }
    }
    let new_lines = |side: &str| side.strip_prefix(base.as_str())?.strip_prefix('\n').map(str::to_owned);
    let (ours, theirs) = (new_lines(&ours)?, new_lines(&theirs)?);
    Some(format!("{base}\n{}", united_lines(&lines(&theirs), &lines(&ours))?.join("\n")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn assert_united(base: &str, ours: &str, theirs: &str, expected: &str) {
        assert_eq!(unite_texts(base, ours, theirs).as_deref(), Some(expected));
    }

    #[test]
    fn the_same_change_comes_once() {
        assert_united("- [ ] a\n", "- [x] a\n", "- [x] a\n- [ ] b\n", "- [x] a\n- [ ] b\n");
        assert_united("- [ ] a\n- [ ] b\n", "- [x] a\n- [ ] b\n", "- [x] a\n- [ ] b c\n", "- [x] a\n- [ ] b c\n");
        assert_united("fix teh bug", "fix the bug", "fix the big bug", "fix the big bug");
        assert_united("teh end\n", "the end\nmore\n", "the end\n", "the end\nmore\n");
        assert_united(
            "a\n",
            "a\n\n## Monday\n- mine\n",
            "a\n\n## Monday\n- yours\n",
            "a\n\n## Monday\n- yours\n- mine\n",
        );
        assert_united(
            "---\ntitle: x\n---\n",
            "---\ntitle: x\ndate: 2024-05-11\n---\nmine\n",
            "---\ntitle: x\ndate: 2024-05-11\n---\n",
            "---\ntitle: x\ndate: 2024-05-11\n---\nmine\n",
        );
        assert_united("a\nb\nc\nd\n", "a\nc\nd\n", "a\nd\n", "a\nd\n");
        assert_united("a\nb\nc\n", "x\nc\n", "x\nb\nc\n", "x\nc\n");
        assert_united("date: 1\n\nx\n", "date: 2\n\nx\ny\n", "date: 2\n\nx z\n", "date: 2\n\nx z\ny\n");
        // What one side took away beside it stays away.
        assert_united("a\nb\nc\n", "a\nb\nnew\nc\n", "a\nnew\nc\n", "a\nnew\nc\n");
        assert_united("a\nb\nc\n", "a\nnew\nb\nc\n", "a\nnew\nc\n", "a\nnew\nc\n");
        assert_united("a\nb\nc\nd\n", "a\nb\nnew\nd\n", "a\nc\nnew\nd\n", "a\nnew\nd\n");
    }

    #[test]
    fn changes_at_different_places_are_both_kept() {
        assert_united("milk\n", "oat milk\n", "milk and honey\n", "oat milk and honey\n");
        assert_united("one two three four", "ONE two three four", "one two three FOUR", "ONE two three FOUR");
        assert_united("a\nb\n", "A\nb\n", "a\nB\n", "A\nB\n");
        assert_united("a\nb\nc\n", "b\nc\n", "a\nx\nb\nc\n", "x\nb\nc\n");
        assert_united("", "mine\n", "yours\n", "yours\nmine\n");
        assert_united("", "mine", "yours", "yours\nmine");
        assert_united("log\n", "log\nmine\n", "log\nyours\n", "log\nyours\nmine\n");
        assert_united("一二三四五", "一甲二三四五", "一二三四乙五", "一甲二三四乙五");
    }

    #[test]
    fn different_values_at_one_place_are_no_text() {
        for (base, ours, theirs) in [
            ("status: draft\n", "status: one\n", "status: published\n"),
            ("date: 2024-05-01\n", "date: 2024-05-11\n", "date: 2024-06-01\n"),
            ("date:\n", "date: 1\n", "date: 2\n"),
            ("---\n---\n", "---\ndate: 1\n---\n", "---\ndate: 2\n---\n"),
            ("January 5\n", "January 6\n", "February 5\n"),
            ("a\nb\nc\n", "a\nc\n", "a\nb, changed\nc\n"),
            ("milk", "milk and honey", "milk or tea"),
        ] {
            assert_eq!(unite_texts(base, ours, theirs), None, "{base:?} {ours:?} {theirs:?}");
        }
    }

    /// What a side does to the line with this number.
    #[derive(Clone, Debug)]
    enum Change {
        Delete,
        Replace(u8),
        Insert(u8),
    }

    fn changes() -> impl Strategy<Value = BTreeMap<usize, Change>> {
        let change =
            prop_oneof![Just(Change::Delete), (0..4_u8).prop_map(Change::Replace), (0..4_u8).prop_map(Change::Insert)];
        prop::collection::btree_map(0..12_usize, change, 0..5)
    }

    /// A text of twelve lines with words that stand nowhere else, after these changes. Changes that are equal on both sides make
    /// equal lines.
    fn text_after(changes: &BTreeMap<usize, Change>) -> String {
        let line = |n: usize| match changes.get(&n) {
            None => format!("base{n}\n"),
            Some(Change::Delete) => String::new(),
            Some(Change::Replace(with)) => format!("other{n}x{with}\n"),
            Some(Change::Insert(what)) => format!("new{n}x{what}\nbase{n}\n"),
        };
        (0..12).map(line).collect()
    }

    proptest! {
        #[test]
        fn laws(base in "[ab \n]{0,30}", ours in "[abc \n]{0,30}", theirs in "[abd \n]{0,30}") {
            prop_assert_eq!(unite_texts(&base, &base, &theirs), Some(theirs.clone()));
            prop_assert_eq!(unite_texts(&base, &ours, &base), Some(ours.clone()));
            prop_assert_eq!(unite_texts(&base, &ours, &ours), Some(ours.clone()));
            let both = [unite_texts(&base, &ours, &theirs), unite_texts(&base, &theirs, &ours)];
            prop_assert_eq!(both[0].is_some(), both[1].is_some());
        }

        #[test]
        fn no_word_is_lost_or_doubled(ours in changes(), theirs in changes()) {
            let base = text_after(&BTreeMap::new());
            let (mine, yours) = (text_after(&ours), text_after(&theirs));
            if let Some(united) = unite_texts(&base, &mine, &yours) {
                let mut found: Vec<&str> = united.lines().collect();
                found.sort_unstable();
                let kept = base.lines().filter(|line| mine.contains(&format!("{line}\n")) && yours.contains(&format!("{line}\n")));
                let new: BTreeSet<&str> = mine.lines().chain(yours.lines()).filter(|line| !line.starts_with("base")).collect();
                let mut expected: Vec<&str> = kept.chain(new).collect();
                expected.sort_unstable();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
