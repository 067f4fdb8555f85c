//! Putting a document's nodes where yjs puts them, in the order in which yjs integrates a whole state.
//!
//! An item whose neighbours are not in one list, the left one before the right one, has no place that all editors agree
//! on: it is left out, with what hangs on it. `lists` finds the place of a single node.

use crate::domain::yjs_facts::Clock;
use crate::yjs::document::{Document, Index, NONE, Node, Section, at};
use crate::yjs::lists::{Lists, TooDear};
use crate::yjs::structs::Parent;

/// How often items are placed anew because others have to be left out.
const MAX_ROUNDS: usize = 4;

impl Document<'_> {
    /// Places all nodes, and marks those that have to be left out. What was left out before stays so.
    ///
    /// # Errors
    /// If that takes more than `max_steps` steps.
    pub(super) fn place(&mut self, max_steps: u64) -> Result<(), TooDear> {
        self.steps = 0;
        for _ in 0..MAX_ROUNDS {
            Placing::new(self, max_steps).place_all()?;
            let misplaced = self.misplaced();
            if misplaced.is_empty() {
                break;
            }
            for index in misplaced {
                if let Some(node) = self.nodes.get_mut(at(index)) {
                    node.flags.left_out = true;
                }
            }
        }
        Ok(())
    }

    /// The places of nodes in their lists, to be compared within a list only.
    fn positions(&self) -> Vec<Index> {
        let mut positions = vec![0; self.nodes.len()];
        let mut position = 0;
        for list in &self.lists {
            let mut next = list.first;
            while let Some(node) = self.node(next) {
                if let Some(place) = positions.get_mut(at(next)) {
                    *place = position;
                }
                position += 1;
                next = node.next;
            }
        }
        positions
    }

    /// Nodes in a list whose neighbours cannot have been side by side: the right one does not come after the left one, or
    /// what it was put behind itself comes after the left one. Where yjs puts those depends on what came before them.
    fn misplaced(&self) -> Vec<Index> {
        let positions = self.positions();
        // Before the first of a list comes none.
        let position = |index: Index| positions.get(at(index)).copied();
        let is_misplaced = |node: &Node| {
            let left = position(node.left_node);
            let behind = |right: &Node| position(node.right_node) <= left || position(right.left_node) > left;
            node.list != NONE && !node.flags.continues && self.node(node.right_node).is_some_and(behind)
        };
        (0..).zip(&self.nodes).filter(|(_, node)| is_misplaced(node)).map(|(index, _)| index).collect()
    }
}

struct Placing<'d, 'a> {
    lists: Lists<'d, 'a>,
    /// For each section the node that is next.
    next: Vec<Index>,
    /// Sections whose next node waits for another section.
    waiting: Vec<bool>,
}

/// What a node needs before it can be placed.
enum Need {
    Nothing,
    /// The next node of this section first.
    Section(usize),
    /// What is not there.
    Missing,
}

impl<'d, 'a> Placing<'d, 'a> {
    fn new(document: &'d mut Document<'a>, max_steps: u64) -> Self {
        let next = document.sections.iter().map(|section| section.from).collect();
        let waiting = vec![false; document.sections.len()];
        Self { lists: Lists::new(document, max_steps), next, waiting }
    }

    /// In the order in which yjs integrates an update that holds the whole state.
    fn place_all(&mut self) -> Result<(), TooDear> {
        let mut stack = Vec::new();
        for first in 0..self.lists.document.sections.len() {
            stack.push(first);
            while let Some(section) = stack.last().copied() {
                let Some(index) = self.upcoming(section) else {
                    self.leave(&mut stack);
                    continue;
                };
                match self.need(section, index) {
                    Need::Nothing => {
                        self.place_struct(section, index)?;
                        if stack.len() > 1 {
                            self.leave(&mut stack);
                        }
                    }
                    Need::Section(other) if !self.waiting.get(other).copied().unwrap_or(true) && other != section => {
                        self.set_waiting(section, true);
                        stack.push(other);
                    }
                    // A circle, or something missing: this client's changes wait for ever.
                    Need::Section(_) | Need::Missing => {
                        self.leave_out_from(section, index);
                        self.leave(&mut stack);
                    }
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, stack: &mut Vec<usize>) {
        stack.pop();
        if let Some(below) = stack.last() {
            self.set_waiting(*below, false);
        }
    }

    fn set_waiting(&mut self, section: usize, waits: bool) {
        if let Some(waiting) = self.waiting.get_mut(section) {
            *waiting = waits;
        }
    }

    fn section(&self, section: usize) -> Option<&Section> {
        self.lists.document.sections.get(section)
    }

    fn upcoming(&self, section: usize) -> Option<Index> {
        let next = self.next.get(section).copied()?;
        (next < self.section(section)?.to).then_some(next)
    }

    fn advance(&mut self, section: usize) {
        if let Some(next) = self.next.get_mut(section) {
            *next += 1;
        }
    }

    fn leave_out_from(&mut self, section: usize, index: Index) {
        let Some(end) = self.section(section).map(|section| section.to) else { return };
        for left_out in index..end {
            if let Some(node) = self.lists.document.nodes.get_mut(at(left_out)) {
                (node.flags.left_out, node.list) = (true, NONE);
            }
        }
        if let Some(next) = self.next.get_mut(section) {
            *next = end;
        }
    }

    fn need(&self, own: usize, index: Index) -> Need {
        let Some((node, section)) = self.lists.document.node(index).zip(self.section(own)) else {
            return Need::Missing;
        };
        if section.start > 0 {
            return Need::Missing;
        }
        if node.flags.continues {
            return Need::Nothing;
        }
        let parent = self.lists.document.parents.get(at(node.parent));
        let parent = parent.and_then(|(parent, _)| if let Parent::Nested(id) = parent { Some(*id) } else { None });
        for id in [node.origin, node.right_origin, parent].into_iter().flatten() {
            if id.client == section.client {
                continue;
            }
            let Some(other) = self.lists.document.section_of(id.client) else { return Need::Missing };
            if id.clock >= self.reached(other) {
                let ends = self.section(other).map_or(0, |section| section.end);
                return if id.clock < ends { Need::Section(other) } else { Need::Missing };
            }
        }
        Need::Nothing
    }

    /// The first clock of a section that is not placed yet.
    fn reached(&self, section: usize) -> Clock {
        let end = self.section(section).map_or(0, |section| section.end);
        self.upcoming(section).and_then(|next| self.lists.document.node(next)).map_or(end, |node| node.id.clock)
    }

    /// Places a node and the rest of its struct.
    fn place_struct(&mut self, section: usize, index: Index) -> Result<(), TooDear> {
        self.lists.put(index)?;
        self.advance(section);
        while let Some(next) = self.upcoming(section)
            && self.lists.document.node(next).is_some_and(|node| node.flags.continues)
        {
            self.lists.put(next)?;
            self.advance(section);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yjs::document::{Kind, Owner};
    use crate::yjs::reader::Id;
    use crate::yjs::samples::{array_in, keyed_text, root_text, text_after, text_between, update};
    use crate::yjs::text::derive_text;

    fn placed(bytes: &[u8]) -> Document<'_> {
        let mut document = Document::of([bytes]).unwrap();
        document.place(u64::MAX).unwrap();
        document
    }

    /// The nodes of a root in order: first clock, length, and whether they hold text.
    fn order(document: &Document<'_>, root: &str) -> Vec<(u64, Clock, Clock, bool)> {
        let nodes = document.sequence(Owner::Root(root));
        nodes
            .map(|(_, node)| (node.id.client, node.id.clock, node.length, matches!(node.kind, Kind::Text { .. })))
            .collect()
    }

    #[test]
    fn texts_are_cut_where_others_name_them_and_where_they_are_deleted() {
        let state = update(
            &[
                (9, 0, &[text_between((5, 2), (5, 3), "X"), text_after(9, 0, "Y")]),
                (5, 0, &[root_text("notes", "abcdefgh"), text_after(5, 7, "i")]),
            ],
            &[(9, &[(0, 1)]), (5, &[(4, 2)])],
        );
        assert_eq!(
            order(&placed(&state), "notes"),
            [(5, 0, 3, true), (9, 0, 1, false), (9, 1, 1, true), (5, 3, 1, true), (5, 4, 2, false), (5, 6, 3, true),]
        );
        assert_eq!(derive_text([state.as_slice()]).unwrap(), "abcYdghi");
    }

    #[test]
    fn what_yjs_collects_is_in_no_list() {
        let in_text = array_in(Parent::Nested(Id { client: 5, clock: 0 }));
        let state = update(
            &[(5, 0, &[root_text("t", "ab"), in_text, vec![0, 2], text_after(5, 3, "c"), text_after(5, 5, "d")])],
            &[],
        );
        let document = placed(&state);
        assert_eq!(order(&document, "t"), [(5, 0, 2, true)]);
        assert!(document.nodes.iter().skip(1).all(|node| node.list == NONE));
    }

    #[test]
    fn an_item_between_neighbours_in_the_wrong_order_is_left_out_with_what_hangs_on_it() {
        let state = update(
            &[
                (9, 0, &[text_between((5, 3), (5, 1), "x"), text_after(9, 0, "y"), text_after(5, 0, "z")]),
                (5, 0, &[root_text("t", "abcd"), keyed_text("t", "k", "v")]),
            ],
            &[],
        );
        assert_eq!(derive_text([state.as_slice()]).unwrap(), "abcdz");
    }

    #[test]
    fn a_client_whose_changes_lean_on_what_is_not_there_waits() {
        let state = update(&[(9, 0, &[root_text("t", "a"), text_after(7, 0, "b"), text_after(9, 0, "c")])], &[]);
        assert_eq!(derive_text([state.as_slice()]).unwrap(), "a");
        let late = update(&[(9, 3, &[text_after(9, 2, "x")]), (5, 0, &[root_text("t", "a")])], &[]);
        assert_eq!(derive_text([late.as_slice()]).unwrap(), "a");
        let circle =
            update(&[(9, 0, &[root_text("t", "a"), text_after(5, 0, "b")]), (5, 0, &[text_after(9, 1, "c")])], &[]);
        assert_eq!(derive_text([circle.as_slice()]).unwrap(), "a");
    }

    #[test]
    fn steps_are_counted_and_bounded() {
        let many: Vec<_> = (1..=100).map(|clock| text_between((1, 0), (1, clock), "x")).collect();
        let state = update(&[(2, 0, &many), (1, 0, &[root_text("t", &"-".repeat(102))])], &[]);
        let document = placed(&state);
        assert_eq!(document.steps, 99 * 100, "each passes the other's items and its own");
        assert_eq!(Document::of([state.as_slice()]).unwrap().place(1_000), Err(TooDear));
        let typed = update(&[(1, 0, &[root_text("t", "a"), text_after(1, 0, "b"), text_after(1, 1, "c")])], &[]);
        assert_eq!(placed(&typed).steps, 0);
    }
}
