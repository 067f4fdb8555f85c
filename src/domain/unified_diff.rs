//! The difference between two texts as people read it: the unified form, without a header.

use std::fmt::Write as _;

use super::line_diff::{Budget, Hunk, hunks};

/// Unchanged lines that are shown around a change.
const CONTEXT: usize = 3;
/// Steps of a comparison. What they do not reach is one change.
const MAX_STEPS: usize = 2_000_000;

/// The difference between two texts; empty if they are equal.
#[must_use]
pub fn unified_diff(old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let changes = hunks(&old_lines, &new_lines, &mut Budget::of(MAX_STEPS));
    let mut shown = String::new();
    let mut rest = changes.as_slice();
    while let Some(first) = rest.first() {
        let mut count = 1;
        let mut end = first.old.end;
        while let Some(next) = rest.get(count).filter(|next| next.old.start - end <= 2 * CONTEXT) {
            end = next.old.end;
            count += 1;
        }
        let (group, later) = rest.split_at(count);
        rest = later;
        show(&mut shown, group, &old_lines, &new_lines);
    }
    shown
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Changes that lie close together, with the lines around them.
fn show(shown: &mut String, group: &[Hunk], old: &[&str], new: &[&str]) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return };
    let before = first.old.start.min(CONTEXT);
    let after = (old.len() - last.old.end).min(CONTEXT);
    let from = first.old.start - before..last.old.end + after;
    let to = first.new.start - before..last.new.end + after;
    // An empty range is named by the line before it.
    let place = |range: &std::ops::Range<usize>| range.start + usize::from(!range.is_empty());
    // Writing to a string does not fail.
    let _ = writeln!(shown, "@@ -{},{} +{},{} @@", place(&from), from.len(), place(&to), to.len());
    let mut at = from.start;
    for hunk in group {
        put(shown, ' ', old.get(at..hunk.old.start));
        put(shown, '-', old.get(hunk.old.clone()));
        put(shown, '+', new.get(hunk.new.clone()));
        at = hunk.old.end;
    }
    put(shown, ' ', old.get(at..from.end));
}

fn put(shown: &mut String, sign: char, lines: Option<&[&str]>) {
    for line in lines.unwrap_or_default() {
        shown.push(sign);
        shown.push_str(line);
        if !line.ends_with('\n') {
            shown.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(unified_diff("a\n", "a\n"), "");
    }

    #[test]
    fn a_change_is_shown_with_the_lines_around_it() {
        let old: String = (1..=12).map(|line| format!("{line}\n")).collect();
        let new = old.replace("6\n", "six\n");
        let expected = "@@ -3,7 +3,7 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n 9\n";
        assert_eq!(unified_diff(&old, &new), expected);
        let far = new.replace("12\n", "twelve");
        let tail = "@@ -10,3 +10,3 @@\n 10\n 11\n-12\n+twelve\n\\ No newline at end of file\n";
        // Three and three lines lie between: one group.
        assert!(!unified_diff(&old, &far).contains(tail));
        assert_eq!(unified_diff(&old, &far).matches("@@ -").count(), 1);
    }

    #[test]
    fn a_text_that_comes_or_goes_is_all_change() {
        assert_eq!(unified_diff("", "a\n"), "@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(unified_diff("a\n", ""), "@@ -1,1 +0,0 @@\n-a\n");
    }
}
