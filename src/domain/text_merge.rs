//! Three-way merge of texts, line by line, within a budget of steps.
//!
//! A line is what stands between line feeds; the text after the last line feed is a line too, empty or not, so that
//! appending to a text without a final line feed does not change its last line. Changes that overlap or touch without
//! an unchanged line between them are a clash, unless both sides say the same.

use std::ops::Range;

use super::line_diff::{Budget, Hunk, hunks};

/// Texts longer than this are not merged but answered as a conflict.
pub const MAX_MERGE_BYTES: usize = 1024 * 1024;
/// Steps that one merge may take: some milliseconds. A merge beyond them is a clash, and never another text.
pub const MERGE_STEPS: usize = 2_000_000;

/// The label of the editor's side in a marked-up text.
pub const INCOMING_LABEL: &str = "incoming";
/// The label of the server's side in a marked-up text.
pub const SERVER_LABEL: &str = "server";

/// What a merge comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextMerge {
    /// Both sides' changes, in one text.
    Clean(String),
    /// The merged text with `<<<<<<<` / `=======` / `>>>>>>>` around each clash.
    Clash(String),
    /// A text is over [`MAX_MERGE_BYTES`].
    TooLarge,
}

/// Merges what `incoming` and `server` each made of `base`, within [`MERGE_STEPS`].
#[must_use]
pub fn merge_texts(base: &str, incoming: &str, server: &str) -> TextMerge {
    merge_texts_within(base, incoming, server, &mut Budget::of(MERGE_STEPS))
}

/// As [`merge_texts`], within another budget.
#[must_use]
pub fn merge_texts_within(base: &str, incoming: &str, server: &str, budget: &mut Budget) -> TextMerge {
    if [base, incoming, server].iter().any(|text| text.len() > MAX_MERGE_BYTES) {
        return TextMerge::TooLarge;
    }
    if incoming == server || server == base {
        return TextMerge::Clean(incoming.to_owned());
    }
    if incoming == base {
        return TextMerge::Clean(server.to_owned());
    }
    let base_lines: Vec<&str> = base.split('\n').collect();
    let mut own = Budget::of(budget.left());
    let incoming = Side::new(&base_lines, incoming, &mut own);
    let server = Side::new(&base_lines, server, &mut own);
    *budget = Budget::of(own.left());
    let regions = changed_regions(&incoming, &server);
    let merged = merge_regions(&base_lines, &incoming, &server, &regions);
    if !own.ran_out() || matches!(merged, TextMerge::Clash(_)) {
        return merged;
    }
    // Lines that were not compared may have been matched otherwise: all that was changed is one clash.
    let whole = regions.first().map_or(0, |first| first.start)..regions.last().map_or(0, |last| last.end);
    merge_regions(&base_lines, &incoming, &server, &[whole])
}

fn merge_regions(base: &[&str], incoming: &Side<'_>, server: &Side<'_>, regions: &[Range<usize>]) -> TextMerge {
    let mut merged = Merged::default();
    let mut at = 0;
    for region in regions {
        merged.keep(lines_of(base, at..region.start));
        at = region.end;
        merged.decide(lines_of(base, region.clone()), incoming.lines_for(region), server.lines_for(region));
    }
    merged.keep(lines_of(base, at..base.len()));
    merged.finish()
}

/// The lines that two texts have in common, in their order.
#[must_use]
pub fn common_lines(one: &str, other: &str) -> String {
    let lines: Vec<&str> = one.split('\n').collect();
    let others: Vec<&str> = other.split('\n').collect();
    let (mut common, mut at) = (Vec::new(), 0);
    for hunk in hunks(&lines, &others, &mut Budget::of(MERGE_STEPS)) {
        common.extend_from_slice(lines_of(&lines, at..hunk.old.start));
        at = hunk.old.end;
    }
    common.extend_from_slice(lines_of(&lines, at..lines.len()));
    common.join("\n")
}

/// One side: its lines, and its differences from the base.
struct Side<'a> {
    lines: Vec<&'a str>,
    hunks: Vec<Hunk>,
}

impl<'a> Side<'a> {
    fn new(base_lines: &[&'a str], text: &'a str, budget: &mut Budget) -> Self {
        let lines: Vec<&str> = text.split('\n').collect();
        let hunks = hunks(base_lines, &lines, budget);
        Self { lines, hunks }
    }

    /// This side's lines for a region of the base that begins and ends outside its hunks or at their borders.
    fn lines_for(&self, region: &Range<usize>) -> &[&'a str] {
        let start = self.position_of(region.start, false);
        let end = self.position_of(region.end, true);
        self.lines.get(start..end.max(start)).unwrap_or_default()
    }

    /// Where the base position `at` stands on this side; at an insertion, before it or (`after`) behind it.
    fn position_of(&self, at: usize, after: bool) -> usize {
        let passed = self.hunks.partition_point(|Hunk { old, .. }| {
            if after { old.end <= at } else { old.end < at || (old.end == at && old.start < at) }
        });
        match passed.checked_sub(1).and_then(|last| self.hunks.get(last)) {
            Some(Hunk { old, new }) => new.end + (at - old.end),
            None => at,
        }
    }
}

fn lines_of<'a, 'b>(lines: &'b [&'a str], range: Range<usize>) -> &'b [&'a str] {
    lines.get(range).unwrap_or_default()
}

/// Regions of the base that a side changed, joined where they overlap or touch; in order.
fn changed_regions(incoming: &Side<'_>, server: &Side<'_>) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> =
        incoming.hunks.iter().chain(&server.hunks).map(|hunk| hunk.old.clone()).collect();
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut regions: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match regions.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => regions.push(range),
        }
    }
    regions
}

/// The text under way.
#[derive(Default)]
struct Merged {
    text: String,
    lines: usize,
    clashes: bool,
}

impl Merged {
    fn keep(&mut self, lines: &[&str]) {
        for line in lines {
            if self.lines > 0 {
                self.text.push('\n');
            }
            self.text.push_str(line);
            self.lines += 1;
        }
    }

    fn decide(&mut self, base: &[&str], incoming: &[&str], server: &[&str]) {
        if incoming == server || server == base {
            self.keep(incoming);
        } else if incoming == base {
            self.keep(server);
        } else {
            self.clashes = true;
            self.keep(&[&format!("<<<<<<< {INCOMING_LABEL}")]);
            self.keep(incoming);
            self.keep(&["======="]);
            self.keep(server);
            self.keep(&[&format!(">>>>>>> {SERVER_LABEL}")]);
        }
    }

    fn finish(self) -> TextMerge {
        if self.clashes { TextMerge::Clash(self.text) } else { TextMerge::Clean(self.text) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(base: &str, incoming: &str, server: &str) -> String {
        match merge_texts(base, incoming, server) {
            TextMerge::Clean(text) => text,
            other => panic!("not clean: {other:?}"),
        }
    }

    #[test]
    fn different_paragraphs_are_both_kept() {
        assert_eq!(clean("a\n\nb\n\nc\n", "A\n\nb\n\nc\n", "a\n\nb\n\nC\n"), "A\n\nb\n\nC\n");
        assert_eq!(clean("x\ny", "x\ny\nz", "w\ny"), "w\ny\nz");
        assert_eq!(clean("one\ntwo\nthree", "two\nthree", "one\ntwo\nthree\nfour"), "two\nthree\nfour");
        assert_eq!(clean("", "a", ""), "a");
        assert_eq!(clean("a\nb\nc", "a\nc", "a\nc"), "a\nc");
    }

    #[test]
    fn the_same_line_is_marked_up() {
        let marked = "top\n<<<<<<< incoming\nmine\n=======\ntheirs\n>>>>>>> server\nend\n";
        assert_eq!(
            merge_texts("top\nold\nend\n", "top\nmine\nend\n", "top\ntheirs\nend\n"),
            TextMerge::Clash(marked.to_owned())
        );
    }

    #[test]
    fn two_insertions_at_one_place_clash() {
        let marked = "a\n<<<<<<< incoming\nx\n=======\ny\n>>>>>>> server\nb";
        assert_eq!(merge_texts("a\nb", "a\nx\nb", "a\ny\nb"), TextMerge::Clash(marked.to_owned()));
    }

    #[test]
    fn touching_changes_clash() {
        assert!(matches!(merge_texts("a\nb", "A\nb", "a\nB"), TextMerge::Clash(_)));
    }

    #[test]
    fn an_insertion_beside_a_change_is_not_lost() {
        assert_eq!(clean("a\nb\nc\nd", "a\nb\nc\nd\ne", "A\nb\nc\nd"), "A\nb\nc\nd\ne");
        assert!(matches!(merge_texts("a\nb\nc", "a\nX\nb\nc", "a\nB\nc"), TextMerge::Clash(_)));
    }

    #[test]
    fn repetitive_text_of_a_megabyte_is_merged_in_bounded_time() {
        let base = "same\n".repeat(MAX_MERGE_BYTES / 5 - 100);
        let incoming = format!("first\n{base}");
        let server = format!("{base}last\n");
        assert_eq!(clean(&base, &incoming, &server), format!("first\n{base}last\n"));
        assert_eq!(merge_texts(&"x".repeat(MAX_MERGE_BYTES + 1), "", ""), TextMerge::TooLarge);
    }

    /// A text of so many short lines, those whose number leaves `rest` when divided by 2 changed by `name`.
    fn alternating(lines: usize, name: &str, rest: usize) -> String {
        (0..lines).map(|line| if line % 2 == rest { format!("{name}{line}\n") } else { format!("{line}\n") }).collect()
    }

    #[test]
    fn alternate_changes_of_a_hundred_thousand_lines_are_merged_within_the_budget() {
        let base = alternating(100_000, "", 2);
        let mut budget = Budget::of(MERGE_STEPS);
        // Every changed line of one side touches one of the other: all of it is one clash.
        let merged =
            merge_texts_within(&base, &alternating(100_000, "a", 0), &alternating(100_000, "b", 1), &mut budget);
        assert!(matches!(merged, TextMerge::Clash(_)));
        let merged =
            merge_texts_within(&base, &alternating(100_000, "a", 0), &alternating(100_000, "a", 0), &mut budget);
        assert_eq!(merged, TextMerge::Clean(alternating(100_000, "a", 0)));
    }

    #[test]
    fn a_merge_beyond_the_budget_is_a_clash() {
        // 400 KB in which no line stands once: nothing anchors the comparison.
        let lines = |of: &[&str]| of.iter().cycle().take(200_000).copied().collect::<String>();
        let base = lines(&["a\n", "b\n"]);
        let incoming = format!("{}x\n{}", lines(&["b\n", "a\n"]), "a\n");
        let server = format!("y\n{}z\n", lines(&["b\n", "b\n", "a\n"]));
        assert!(matches!(merge_texts(&base, &incoming, &server), TextMerge::Clash(_)));
        // Where one side alone was changed no budget is needed.
        let nothing = &mut Budget::of(0);
        assert_eq!(merge_texts_within(&base, &incoming, &base, nothing), TextMerge::Clean(incoming));
    }

    #[test]
    fn what_was_not_compared_is_never_merged() {
        let (base, incoming, server) = ("\n", "ca\n\n\nc\n", "\n\n");
        assert!(matches!(merge_texts(base, incoming, server), TextMerge::Clash(_)));
        // The empty lines of the incoming text are matched otherwise when the steps end between the two comparisons.
        let merged = merge_texts_within(base, incoming, server, &mut Budget::of(10));
        assert!(matches!(merged, TextMerge::Clash(_)), "{merged:?}");
    }

    proptest! {
        /// With few steps a merge comes to what it comes to with many, or clashes.
        #[test]
        fn a_tight_budget_makes_no_other_text(base in "[ab\n]{0,30}", incoming in "[abc\n]{0,30}", server in "[abd\n]{0,30}", steps in 0..200_usize) {
            if let TextMerge::Clean(text) = merge_texts_within(&base, &incoming, &server, &mut Budget::of(steps)) {
                prop_assert_eq!(TextMerge::Clean(text), merge_texts(&base, &incoming, &server));
            }
        }

        #[test]
        fn laws(base in "[ab\n]{0,30}", incoming in "[abc\n]{0,30}", server in "[abd\n]{0,30}") {
            prop_assert_eq!(clean(&base, &base, &server), server.clone());
            prop_assert_eq!(clean(&base, &incoming, &base), incoming.clone());
            prop_assert_eq!(clean(&base, &incoming, &incoming), incoming.clone());
            // Sides may be exchanged: clean both ways, with the same text, or clash both ways.
            match (merge_texts(&base, &incoming, &server), merge_texts(&base, &server, &incoming)) {
                (TextMerge::Clean(one), TextMerge::Clean(other)) => prop_assert_eq!(one, other),
                (TextMerge::Clash(_), TextMerge::Clash(_)) => {}
                (one, other) => prop_assert!(false, "{:?} but {:?}", one, other),
            }
        }
    }
}
