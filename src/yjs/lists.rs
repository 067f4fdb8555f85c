//! The place of one node among those that are placed: yjs' integration of an item, step by step.
//!
//! What yjs would collect (an item whose parent or neighbour is collected, or whose parent is no shared type) is in no
//! list, and neither is what hangs on it.

use crate::yjs::document::{Document, Index, Kind, List, ListName, NONE, Owner, at};
use crate::yjs::reader::Id;
use crate::yjs::structs::Parent;

/// Placing the nodes takes more steps than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooDear;

/// Marks of a node while others are placed.
#[derive(Clone, Copy, Default)]
struct Marks {
    /// The node for which it was passed last.
    passed_for: Index,
    /// When it became a candidate to be passed, see [`Lists::epoch`].
    epoch: u64,
}

/// The lists of a document while its nodes are put into them.
pub(super) struct Lists<'d, 'a> {
    pub(super) document: &'d mut Document<'a>,
    marks: Vec<Marks>,
    /// Grows whenever yjs empties its set of conflicting items.
    epoch: u64,
    max_steps: u64,
}

impl<'d, 'a> Lists<'d, 'a> {
    /// The lists without any nodes.
    pub(super) fn new(document: &'d mut Document<'a>, max_steps: u64) -> Self {
        document.lists.clear();
        document.names.clear();
        let unpassed = Marks { passed_for: NONE, epoch: 0 };
        let marks = vec![unpassed; document.nodes.len()];
        Self { document, marks, epoch: 0, max_steps }
    }

    /// Puts a node behind all that yjs puts before it. Its neighbours, where it has any, were put before.
    pub(super) fn put(&mut self, index: Index) -> Result<(), TooDear> {
        let Some(node) = self.document.node(index) else { return Ok(()) };
        let (origin, right_origin, continues) = (node.origin, node.right_origin, node.flags.continues);
        let find = |id: Option<Id>| id.and_then(|id| self.document.find(id)).unwrap_or(NONE);
        let (left, right) = (find(origin), find(right_origin));
        let list = self.list_for(index, left, right);
        if let Some(node) = self.document.nodes.get_mut(at(index)) {
            (node.left_node, node.right_node, node.list, node.next) = (left, right, list, NONE);
        }
        if list == NONE {
            return Ok(());
        }
        let left = if continues { left } else { self.left_of(index, list, left, right)? };
        self.link(index, list, left);
        Ok(())
    }

    /// The list that a node belongs into.
    fn list_for(&mut self, index: Index, left: Index, right: Index) -> Index {
        let Some(node) = self.document.node(index) else { return NONE };
        if node.flags.left_out || node.kind == Kind::Collected {
            return NONE;
        }
        let (has_left, has_right) = (node.origin.is_some(), node.right_origin.is_some() && !node.flags.continues);
        let list_of = |index: Index| self.document.node(index).map_or(NONE, |node| node.list);
        match (has_left, has_right) {
            (true, true) if list_of(left) != list_of(right) => NONE,
            (true, _) => list_of(left),
            (false, true) => list_of(right),
            (false, false) => self.list_of_parent(node.parent),
        }
    }

    fn list_of_parent(&mut self, parent: Index) -> Index {
        let Some((parent, key)) = self.document.parents.get(at(parent)).copied() else { return NONE };
        let owner = match parent {
            Parent::Root(name) => Owner::Root(name),
            Parent::Nested(id) => match self.document.find(id) {
                Some(index) if self.is_type_in_list(index) => Owner::Node(index),
                _ => return NONE,
            },
        };
        self.document.list_named(ListName { parent: owner, key })
    }

    fn is_type_in_list(&self, index: Index) -> bool {
        self.document.node(index).is_some_and(|node| node.kind.is_type() && node.list != NONE)
    }

    /// The node behind which a node comes, of those between its neighbours: yjs' resolution of conflicts.
    fn left_of(&mut self, index: Index, list: Index, origin: Index, right: Index) -> Result<Index, TooDear> {
        let client = self.document.node(index).map_or(0, |node| node.id.client);
        let mut left = origin;
        let mut other = self.behind(list, origin);
        self.epoch += 1;
        while other != right
            && let Some(node) = self.document.nodes.get(at(other))
        {
            self.document.steps += 1;
            if self.document.steps > self.max_steps {
                return Err(TooDear);
            }
            if let Some(marks) = self.marks.get_mut(at(other)) {
                *marks = Marks { passed_for: index, epoch: self.epoch };
            }
            let others_origin = self.marks.get(at(node.left_node));
            if node.left_node == origin {
                if node.id.client < client {
                    left = other;
                    self.epoch += 1;
                } else if node.right_node == right {
                    break;
                }
            } else if let Some(marks) = others_origin.filter(|marks| marks.passed_for == index) {
                if marks.epoch != self.epoch {
                    left = other;
                    self.epoch += 1;
                }
            } else {
                break;
            }
            other = node.next;
        }
        Ok(left)
    }

    /// The node behind `left`, or the first of the list.
    fn behind(&self, list: Index, left: Index) -> Index {
        match self.document.node(left) {
            Some(node) => node.next,
            None => self.document.lists.get(at(list)).map_or(NONE, |list| list.first),
        }
    }

    fn link(&mut self, index: Index, list: Index, left: Index) {
        let next = self.behind(list, left);
        if let Some(node) = self.document.nodes.get_mut(at(index)) {
            node.next = next;
        }
        match self.document.nodes.get_mut(at(left)) {
            Some(left) => left.next = index,
            None => {
                if let Some(List { first, .. }) = self.document.lists.get_mut(at(list)) {
                    *first = index;
                }
            }
        }
    }
}
