//! What two sides each changed of a common list of lines or words, grouped where their changes meet.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::domain::line_diff::{self, Budget};

/// Steps that one comparison may take. What they do not reach counts as changed, so that somebody is asked.
const MAX_STEPS: usize = 20_000_000;

pub(super) fn pieces<'b, 'a>(all: &'b [&'a str], range: Range<usize>) -> &'b [&'a str] {
    all.get(range).unwrap_or_default()
}

/// A piece of the common text, and what one side has in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hunk<'a> {
    pub(super) before: Range<usize>,
    pub(super) after: Vec<&'a str>,
}

impl Hunk<'_> {
    const fn is_insertion(&self) -> bool {
        self.before.start == self.before.end
    }

    /// Whether the lines of both belong together: two insertions at one place, or changes side by side that have lines in
    /// common, so that those must come once.
    pub(super) fn is_at_one_place_with(&self, next: &Self) -> bool {
        (self.is_insertion() && self.before == next.before)
            || (self.before.end == next.before.start && shares_lines(&self.after, &next.after))
    }
}

/// What one side changed, in order.
pub(super) struct Side<'a>(pub(super) Vec<Hunk<'a>>);

impl<'a> Side<'a> {
    pub(super) fn of(base: &[&'a str], side: &[&'a str]) -> Self {
        let hunk = |hunk: line_diff::Hunk| Hunk { before: hunk.old, after: pieces(side, hunk.new).to_vec() };
        Self(line_diff::hunks(base, side, &mut Budget::of(MAX_STEPS)).into_iter().map(hunk).collect())
    }

    /// The same changes; those with nothing but a gap between them that `joins` are one.
    pub(super) fn joined(self, base: &[&'a str], joins: fn(&[&str]) -> bool) -> Self {
        let mut joined: Vec<Hunk<'a>> = Vec::new();
        for hunk in self.0 {
            match joined.last_mut() {
                Some(last) if joins(pieces(base, last.before.end..hunk.before.start)) => {
                    last.after.extend(pieces(base, last.before.end..hunk.before.start));
                    last.after.extend(hunk.after);
                    last.before.end = hunk.before.end;
                }
                _ => joined.push(hunk),
            }
        }
        Self(joined)
    }
}

/// What both sides changed.
pub(super) struct Sides<'a> {
    pub(super) ours: Side<'a>,
    pub(super) theirs: Side<'a>,
}

/// Changes of either side that overlap or touch, and the piece of the common text that they are in.
pub(super) struct Group<'a> {
    pub(super) region: Range<usize>,
    pub(super) ours: Vec<Hunk<'a>>,
    pub(super) theirs: Vec<Hunk<'a>>,
}

impl<'a> Sides<'a> {
    /// The changes in order, grouped where nothing but a gap that `joins` is between them.
    pub(super) fn groups(self, base: &[&'a str], joins: fn(&[&str]) -> bool) -> Vec<Group<'a>> {
        let theirs = self.theirs.0.into_iter().map(|hunk| (hunk, false));
        let mut all: Vec<(Hunk<'a>, bool)> = theirs.chain(self.ours.0.into_iter().map(|hunk| (hunk, true))).collect();
        all.sort_by_key(|(hunk, is_ours)| (hunk.before.start, hunk.before.end, *is_ours));
        let mut groups: Vec<Group<'a>> = Vec::new();
        for (hunk, is_ours) in all {
            let is_near = |group: &Group<'_>| joins(pieces(base, group.region.end..hunk.before.start));
            if !groups.last().is_some_and(is_near) {
                groups.push(Group { region: hunk.before.clone(), ours: Vec::new(), theirs: Vec::new() });
            }
            if let Some(group) = groups.last_mut() {
                group.region.end = group.region.end.max(hunk.before.end);
                if is_ours { group.ours.push(hunk) } else { group.theirs.push(hunk) }
            }
        }
        groups
    }
}

impl<'a> Group<'a> {
    /// What a side has in the place of the region.
    pub(super) fn applied(&self, base: &[&'a str], hunks: &[Hunk<'a>]) -> Vec<&'a str> {
        let (mut applied, mut at) = (Vec::new(), self.region.start);
        for hunk in hunks {
            applied.extend(pieces(base, at..hunk.before.start));
            applied.extend(&hunk.after);
            at = hunk.before.end;
        }
        applied.extend(pieces(base, at..self.region.end));
        applied
    }

    /// The outcome where only one side changed something, or both the same.
    pub(super) fn plain<'s>(&self, ours: &'s [&'a str], theirs: &'s [&'a str]) -> Option<&'s [&'a str]> {
        if self.theirs.is_empty() || ours == theirs {
            return Some(ours);
        }
        self.ours.is_empty().then_some(theirs)
    }
}

fn shares_lines(one: &[&str], other: &[&str]) -> bool {
    let known: BTreeSet<&str> = one.iter().copied().filter(|line| !line.trim().is_empty()).collect();
    other.iter().any(|line| known.contains(line))
}
