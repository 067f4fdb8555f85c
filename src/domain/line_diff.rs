//! The differences between two lists of pieces (lines, or words), found within a budget of steps.
//!
//! Pieces that occur once on each side anchor the comparison (Bram Cohen's patience diff); what lies between two
//! anchors is compared by the classic table of longest common subsequences. Whatever would cost more than is left of
//! the budget is not compared: it counts as one change. Such a change is larger than it needs to be, but never wrong.

use std::collections::HashMap;
use std::ops::Range;

/// Steps that are left for comparing. A step is one comparison of two pieces, or one look at a piece; it takes some
/// nanoseconds. Counted and not measured, so that every server and every test comes to the same result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    left: usize,
    ran_out: bool,
}

impl Budget {
    /// A budget of so many steps.
    #[must_use]
    pub const fn of(steps: usize) -> Self {
        Self { left: steps, ran_out: false }
    }

    /// Steps that are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.left
    }

    /// Whether something was not compared for want of steps: with more of them the result may be another.
    #[must_use]
    pub const fn ran_out(&self) -> bool {
        self.ran_out
    }

    /// Takes the steps, if there are as many; otherwise takes none.
    pub(crate) const fn spend(&mut self, steps: usize) -> bool {
        let is_enough = steps <= self.left;
        self.ran_out |= !is_enough;
        self.left -= if is_enough { steps } else { 0 };
        is_enough
    }
}

/// A change: these pieces of the old list became those of the new one. One of the two ranges may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) old: Range<usize>,
    pub(super) new: Range<usize>,
}

/// The changes that make `new` of `old`, in order. Between two of them is at least one equal piece. A pure insertion or
/// deletion that could stand at several places stands at the last.
pub(super) fn hunks(old: &[&str], new: &[&str], budget: &mut Budget) -> Vec<Hunk> {
    let mut whole = Hunk { old: 0..old.len(), new: 0..new.len() };
    strip_common(&mut whole, old, new);
    let changes = if whole.old.is_empty() || whole.new.is_empty() || !budget.spend(whole.old.len() + whole.new.len()) {
        vec![whole]
    } else {
        let mut comparison = Comparison::new(part(old, &whole.old), part(new, &whole.new), budget);
        comparison.run();
        let shift = |hunk: Hunk| Hunk {
            old: hunk.old.start + whole.old.start..hunk.old.end + whole.old.start,
            new: hunk.new.start + whole.new.start..hunk.new.end + whole.new.start,
        };
        comparison.changes.into_iter().map(shift).collect()
    };
    settle(changes, old, new, budget)
}

fn part<'a, T>(pieces: &'a [T], range: &Range<usize>) -> &'a [T] {
    pieces.get(range.clone()).unwrap_or_default()
}

/// Cuts off what both sides begin and end with; the number of pieces cut off on each side.
fn strip_common<T: PartialEq>(hunk: &mut Hunk, old: &[T], new: &[T]) -> usize {
    let length = |pairs: &mut dyn Iterator<Item = (&T, &T)>| pairs.take_while(|(one, other)| one == other).count();
    let (one, other) = (part(old, &hunk.old), part(new, &hunk.new));
    let prefix = length(&mut one.iter().zip(other));
    let (one, other) = (one.get(prefix..).unwrap_or_default(), other.get(prefix..).unwrap_or_default());
    let suffix = length(&mut one.iter().rev().zip(other.iter().rev()));
    hunk.old = hunk.old.start + prefix..hunk.old.end - suffix;
    hunk.new = hunk.new.start + prefix..hunk.new.end - suffix;
    prefix + suffix
}

/// Where a piece stands in the part that is being looked at.
#[derive(Clone, Copy, Default)]
struct Occurrences {
    old: usize,
    new: usize,
    /// The last place on the old side.
    old_place: usize,
}

/// The comparison of two lists whose equal pieces have equal numbers.
struct Comparison<'b> {
    old: Vec<usize>,
    new: Vec<usize>,
    /// By the piece's number; all zero between two looks.
    occurrences: Vec<Occurrences>,
    changes: Vec<Hunk>,
    budget: &'b mut Budget,
}

impl<'b> Comparison<'b> {
    fn new(old: &[&str], new: &[&str], budget: &'b mut Budget) -> Self {
        let mut numbers: HashMap<&str, usize> = HashMap::with_capacity(old.len());
        let [old, new] = [old, new].map(|pieces| {
            let mut numbered = Vec::with_capacity(pieces.len());
            for piece in pieces {
                let next = numbers.len();
                numbered.push(*numbers.entry(piece).or_insert(next));
            }
            numbered
        });
        let occurrences = vec![Occurrences::default(); numbers.len()];
        Self { old, new, occurrences, changes: Vec::new(), budget }
    }

    fn run(&mut self) {
        // From front to back: the part that comes first lies on top.
        let mut parts = vec![Hunk { old: 0..self.old.len(), new: 0..self.new.len() }];
        while let Some(mut hunk) = parts.pop() {
            let equal = strip_common(&mut hunk, &self.old, &self.new);
            let looked_at = equal + hunk.old.len() + hunk.new.len();
            if hunk.old.is_empty() || hunk.new.is_empty() || !self.budget.spend(looked_at) {
                self.push(hunk);
                continue;
            }
            let anchors = self.anchors(&hunk);
            if anchors.is_empty() {
                self.compare(hunk);
                continue;
            }
            let mut end = (hunk.old.end, hunk.new.end);
            for (old, new) in anchors.into_iter().rev() {
                parts.push(Hunk { old: old + 1..end.0, new: new + 1..end.1 });
                end = (old, new);
            }
            parts.push(Hunk { old: hunk.old.start..end.0, new: hunk.new.start..end.1 });
        }
    }

    fn push(&mut self, hunk: Hunk) {
        if !(hunk.old.is_empty() && hunk.new.is_empty()) {
            self.changes.push(hunk);
        }
    }

    fn count(&mut self, hunk: &Hunk) {
        for place in hunk.old.clone() {
            if let Some(found) = self.old.get(place).and_then(|piece| self.occurrences.get_mut(*piece)) {
                found.old += 1;
                found.old_place = place;
            }
        }
        for piece in part(&self.new, &hunk.new) {
            if let Some(found) = self.occurrences.get_mut(*piece) {
                found.new += 1;
            }
        }
    }

    fn forget(&mut self, hunk: &Hunk) {
        for piece in part(&self.old, &hunk.old).iter().chain(part(&self.new, &hunk.new)) {
            if let Some(found) = self.occurrences.get_mut(*piece) {
                *found = Occurrences::default();
            }
        }
    }

    /// Places of pieces that stand once on each side, as many as keep their order on both.
    fn anchors(&mut self, hunk: &Hunk) -> Vec<(usize, usize)> {
        self.count(hunk);
        let unique = hunk.new.clone().filter_map(|place| {
            let found = self.new.get(place).and_then(|piece| self.occurrences.get(*piece))?;
            (found.old == 1 && found.new == 1).then_some((found.old_place, place))
        });
        let anchors = longest_increasing(unique.collect());
        self.forget(hunk);
        anchors
    }

    /// Compares a part piece by piece, those left out that stand on one side only.
    fn compare(&mut self, hunk: Hunk) {
        self.count(&hunk);
        let is_shared = |piece: Option<&usize>| {
            piece.and_then(|piece| self.occurrences.get(*piece)).is_some_and(|found| found.old > 0 && found.new > 0)
        };
        let old: Vec<usize> = hunk.old.clone().filter(|place| is_shared(self.old.get(*place))).collect();
        let new: Vec<usize> = hunk.new.clone().filter(|place| is_shared(self.new.get(*place))).collect();
        self.forget(&hunk);
        if !self.budget.spend(old.len().saturating_mul(new.len())) {
            self.push(hunk);
            return;
        }
        let mut start = (hunk.old.start, hunk.new.start);
        for (old, new) in common_subsequence(&old, &new, |old, new| self.old.get(old) == self.new.get(new)) {
            self.push(Hunk { old: start.0..old, new: start.1..new });
            start = (old + 1, new + 1);
        }
        self.push(Hunk { old: start.0..hunk.old.end, new: start.1..hunk.new.end });
    }
}

/// The longest subsequence whose first places increase; the second ones do already.
fn longest_increasing(pairs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    // For each length, the pair that ends the subsequence which ends lowest; and for each pair the one before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    let first_of = |at: usize| pairs.get(at).map_or(0, |pair| pair.0);
    for (at, (first, _)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| first_of(*end) < *first);
        before.push(length.checked_sub(1).and_then(|shorter| ends.get(shorter).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut longest: Vec<(usize, usize)> = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(at) = next {
        longest.extend(pairs.get(at));
        next = before.get(at).copied().flatten();
    }
    longest.reverse();
    longest
}

/// The places of a longest common subsequence, by the table of its lengths.
fn common_subsequence(old: &[usize], new: &[usize], equal: impl Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Step {
        Both,
        Old,
        New,
    }
    // From the back, so that the way through the table leads from the front; ties go on in the old list.
    let mut table: Vec<Step> = Vec::with_capacity(old.len().saturating_mul(new.len()));
    let mut below: Vec<u32> = vec![0; new.len()];
    for old in old.iter().rev() {
        let (mut beside, mut diagonal) = (0, 0);
        for (new, length) in new.iter().rev().zip(&mut below) {
            let (best, step) = if equal(*old, *new) {
                (diagonal + 1, Step::Both)
            } else if *length >= beside {
                (*length, Step::Old)
            } else {
                (beside, Step::New)
            };
            table.push(step);
            diagonal = *length;
            *length = best;
            beside = best;
        }
    }
    let (mut rows, mut columns) = (old.len(), new.len());
    let mut common = Vec::new();
    while let (Some(row), Some(column)) = (rows.checked_sub(1), columns.checked_sub(1)) {
        let step = table.get(row * new.len() + column).copied().unwrap_or(Step::Both);
        if step == Step::Both {
            common.extend(old.get(old.len() - rows).copied().zip(new.get(new.len() - columns).copied()));
        }
        rows -= usize::from(step != Step::New);
        columns -= usize::from(step != Step::Old);
    }
    common
}

/// Moves pure insertions and deletions down as far as the text is the same, and joins what then touches.
fn settle(changes: Vec<Hunk>, old: &[&str], new: &[&str], budget: &mut Budget) -> Vec<Hunk> {
    let mut settled: Vec<Hunk> = Vec::with_capacity(changes.len());
    for mut hunk in changes.into_iter().rev() {
        loop {
            let end = settled.last().map_or((old.len(), new.len()), |next| (next.old.start, next.new.start));
            slide_down(&mut hunk, end, old, new, budget);
            if (hunk.old.end, hunk.new.end) != end {
                break;
            }
            let Some(next) = settled.pop() else { break };
            hunk = Hunk { old: hunk.old.start..next.old.end, new: hunk.new.start..next.new.end };
        }
        if !(hunk.old.is_empty() && hunk.new.is_empty()) {
            settled.push(hunk);
        }
    }
    settled.reverse();
    settled
}

fn slide_down(hunk: &mut Hunk, end: (usize, usize), old: &[&str], new: &[&str], budget: &mut Budget) {
    let (changed, pieces) = match (hunk.old.is_empty(), hunk.new.is_empty()) {
        (true, false) => (hunk.new.clone(), new),
        (false, true) => (hunk.old.clone(), old),
        _ => return,
    };
    let room = end.0.saturating_sub(hunk.old.end).min(end.1.saturating_sub(hunk.new.end));
    let heads = pieces.get(changed.start..).unwrap_or_default();
    let tails = pieces.get(changed.end..).unwrap_or_default();
    let pairs = heads.iter().zip(tails).take(room.min(budget.left()));
    let moved = pairs.take_while(|(head, tail)| head == tail).count();
    budget.spend(moved);
    budget.ran_out |= budget.left == 0 && moved < room;
    hunk.old = hunk.old.start + moved..hunk.old.end + moved;
    hunk.new = hunk.new.start + moved..hunk.new.end + moved;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLENTY: usize = 2_000_000;

    fn pieces(text: &str) -> Vec<&str> {
        text.split("").filter(|piece| !piece.is_empty()).collect()
    }

    fn changes(old: &str, new: &str) -> Vec<(Range<usize>, Range<usize>)> {
        let found = hunks(&pieces(old), &pieces(new), &mut Budget::of(PLENTY));
        found.into_iter().map(|hunk| (hunk.old, hunk.new)).collect()
    }

    /// Carries the changes out; fails if they do not fit.
    fn carried_out(old: &[&str], new: &[&str], found: &[Hunk]) -> String {
        let (mut made, mut at) = (String::new(), 0);
        for hunk in found {
            made.push_str(&old[at..hunk.old.start].concat());
            made.push_str(&new[hunk.new.clone()].concat());
            at = hunk.old.end;
        }
        made.push_str(&old[at..].concat());
        made
    }

    #[test]
    fn equal_lists_have_no_changes() {
        assert_eq!(changes("", ""), []);
        assert_eq!(changes("abc", "abc"), []);
    }

    #[test]
    fn changes_are_small() {
        assert_eq!(changes("abcd", "abXd"), [(2..3, 2..3)]);
        assert_eq!(changes("abcdefg", "aXcdeYg"), [(1..2, 1..2), (5..6, 5..6)]);
        assert_eq!(changes("aab", "aaab"), [(2..2, 2..3)]);
        // Moved: the longer part stays.
        assert_eq!(changes("abcde", "deabc"), [(0..0, 0..2), (3..5, 5..5)]);
        // Nothing here stands once.
        assert_eq!(changes("ababab", "xababaxb"), [(0..0, 0..1), (5..5, 6..7)]);
    }

    #[test]
    fn an_insertion_stands_at_its_last_place() {
        assert_eq!(changes("1kab", "2kazab"), [(0..1, 0..1), (3..3, 3..5)]);
    }

    /// The lines of a long text, each of them its own, but for what `change` makes of some.
    fn long(lines: usize, change: impl Fn(usize) -> Option<String>) -> String {
        (0..lines).map(|line| change(line).unwrap_or_else(|| format!("{line}")) + "\n").collect()
    }

    #[test]
    fn alternate_changes_in_a_long_text_cost_little() {
        let old = long(100_000, |_| None);
        let new = long(100_000, |line| (line % 2 == 0).then(|| "x".to_owned()));
        let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
        let mut budget = Budget::of(PLENTY);
        let found = hunks(&old, &new, &mut budget);
        assert_eq!(found.len(), 50_000);
        assert!(PLENTY - budget.left() < 1_000_000, "{} left", budget.left());
    }

    #[test]
    fn what_costs_too_much_is_one_change() {
        let old = "ab".repeat(5_000);
        let new = "ba".repeat(2_000) + "b" + &"ab".repeat(2_000);
        let (old, new) = (pieces(&old), pieces(&new));
        let mut budget = Budget::of(PLENTY);
        let found = hunks(&old, &new, &mut budget);
        assert!(found.len() < 3);
        assert_eq!(carried_out(&old, &new, &found), new.concat());
    }

    proptest! {
        #[test]
        fn changes_make_the_new_list(old in "[a-e]{0,40}", new in "[a-e]{0,40}", steps in 0..600_usize) {
            let (old, new) = (pieces(&old), pieces(&new));
            let found = hunks(&old, &new, &mut Budget::of(steps));
            prop_assert_eq!(carried_out(&old, &new, &found), new.concat());
            for pair in found.windows(2) {
                prop_assert!(pair[0].old.end < pair[1].old.start && pair[0].new.end < pair[1].new.start);
            }
        }
    }
}
