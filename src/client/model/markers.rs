//! The two sides of a conflict in one text, with markers where they differ, for a person to make one of. Pure.

use crate::domain::text_merge::{INCOMING_LABEL, SERVER_LABEL, TextMerge, common_lines, merge_texts};

/// Begins the line before the text of the file here.
const MINE: &str = "<<<<<<< mine";
/// Begins the line behind the text of the server's document.
const THEIRS: &str = ">>>>>>> theirs";

/// Both sides in one text: what only one of them changed as it is, the rest between markers. Without a `base` that both
/// began with, the lines that they have in common are taken for it. `None` if the texts are too long for that.
#[must_use]
pub fn marked_up(base: Option<&str>, mine: &str, theirs: &str) -> Option<String> {
    let common = base.map_or_else(|| common_lines(mine, theirs), str::to_owned);
    match merge_texts(&common, mine, theirs) {
        TextMerge::Clean(text) => Some(text),
        TextMerge::Clash(text) => Some(relabelled(&text)),
        TextMerge::TooLarge => None,
    }
}

/// The number of the first line, from 1, that is a marker and stands in neither side.
#[must_use]
pub fn find_marker(text: &str, sides: &[&str]) -> Option<usize> {
    let stands_in_a_side = |line: &str| sides.iter().any(|side| side.lines().any(|other| other == line));
    text.lines().position(|line| is_marker(line) && !stands_in_a_side(line)).map(|at| at + 1)
}

/// A line of equals signs is none: it underlines a heading in Markdown.
fn is_marker(line: &str) -> bool {
    ["<<<<<<< ", ">>>>>>> "].iter().any(|marker| line.starts_with(marker))
}

fn relabelled(text: &str) -> String {
    let (incoming, server) = (format!("<<<<<<< {INCOMING_LABEL}"), format!(">>>>>>> {SERVER_LABEL}"));
    let lines = text.split('\n').map(|line| match line {
        line if line == incoming => MINE,
        line if line == server => THEIRS,
        line => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clashes_stands_between_markers() {
        let clash = "top\n<<<<<<< mine\nold, by me\n=======\nold, by you\n>>>>>>> theirs\nend\n";
        for (base, mine, theirs, expected) in [
            (Some("top\nold\nend\n"), "top\nold, by me\nend\n", "top\nold, by you\nend\n", clash),
            (None, "top\nold, by me\nend\n", "top\nold, by you\nend\n", clash),
            (Some("a\nb\nc\nd\n"), "A\nb\nc\nd\n", "a\nb\nc\nD\n", "A\nb\nc\nD\n"),
            (None, "one\ntwo\n", "one\n", "one\ntwo\n"),
            (None, "one\nthree\n", "one\ntwo\nthree\n", "one\ntwo\nthree\n"),
            (None, "mine\n", "yours\n", "<<<<<<< mine\nmine\n=======\nyours\n>>>>>>> theirs\n"),
            (None, "", "", ""),
        ] {
            assert_eq!(marked_up(base, mine, theirs).as_deref(), Some(expected), "{base:?} {mine:?} {theirs:?}");
        }
        assert_eq!(marked_up(None, &"x\n".repeat(600_000), ""), None);
    }

    #[test]
    fn markers_are_found_unless_a_side_has_them() {
        for (text, sides, found) in [
            ("a\n<<<<<<< mine\nb\n", &["a", "b"][..], Some(2)),
            ("a\n>>>>>>> theirs\n", &["a", "b"], Some(2)),
            ("Heading\n=======\n", &["a", "b"], None),
            ("how git marks:\n<<<<<<< HEAD\n", &["x\n<<<<<<< HEAD\ny", "b"], None),
            ("<<<<<<<", &["a", "b"], None),
            ("fine\n", &["a", "b"], None),
        ] {
            assert_eq!(find_marker(text, sides), found, "{text:?}");
        }
    }
}
