//! A state as a document: nodes in lists.
//!
//! `node_builder` makes the nodes, `placing` links them.

use std::collections::HashMap;

use crate::domain::yjs_facts::{Client, Clock};
use crate::yjs::reader::Id;
use crate::yjs::structs::Parent;

/// The index of a node or list in its table.
pub(super) type Index = u32;

/// No node, or no list.
pub(super) const NONE: Index = Index::MAX;

/// An index as the standard library wants it; [`NONE`] is past the end of every table.
pub(super) fn at(index: Index) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// A place in a table as an index.
pub(super) fn index_of(length: usize) -> Index {
    Index::try_from(length).unwrap_or(NONE)
}

/// What a node holds, as far as a text depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A garbage-collected run: it is in no list.
    Collected,
    /// Deleted, and no shared type: yjs knows the items of a deleted type until it collects them.
    Deleted,
    /// Text: a range of the document's `texts`.
    Text {
        from: usize,
        to: usize,
    },
    Element {
        is_break: bool,
    },
    XmlText,
    /// A shared type without a text of its own here.
    OtherType,
    /// A value of a list: a text has none.
    Value,
    /// A format, an embed.
    Other,
}

impl Kind {
    pub(super) const fn is_type(self) -> bool {
        matches!(self, Self::Element { .. } | Self::XmlText | Self::OtherType)
    }
}

/// Some clocks of one client that stay together.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) id: Id,
    pub(super) length: Clock,
    pub(super) kind: Kind,
    /// What it names; resolved when it is placed.
    pub(super) origin: Option<Id>,
    pub(super) right_origin: Option<Id>,
    /// The entry of `parents`, for a node without neighbours.
    pub(super) parent: Index,
    pub(super) flags: Flags,
    /// The nodes that `origin` and `right_origin` name.
    pub(super) left_node: Index,
    pub(super) right_node: Index,
    /// The list that holds it; none where yjs would collect it.
    pub(super) list: Index,
    /// The next node of its list.
    pub(super) next: Index,
}

/// What is asked of a node besides its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// It is the rest of a struct whose first part is the node before.
    pub(super) continues: bool,
    /// It holds a struct of text or values that is longer than one clock.
    pub(super) is_long: bool,
    /// It holds a live struct without the mark of a map's entry.
    pub(super) is_unmarked: bool,
    /// It cannot be placed, and is left out with what hangs on it.
    pub(super) left_out: bool,
    /// It is deleted.
    pub(super) is_deleted: bool,
}

/// A sequence of nodes: the items of a shared type, or the values that one of its keys has had.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) first: Index,
    pub(super) is_keyed: bool,
    /// In how many shared types it lies; roots not counted.
    pub(super) depth: usize,
}

/// Whose list it is, and under which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ListName<'a> {
    pub(super) parent: Owner<'a>,
    pub(super) key: Option<&'a str>,
}

/// A root, or the node of a nested type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner<'a> {
    Root(&'a str),
    Node(Index),
}

/// A client's nodes, in the order of their clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub(super) client: Client,
    /// The first clock; more than 0 if the first changes are missing.
    pub(super) start: Clock,
    pub(super) end: Clock,
    pub(super) from: Index,
    pub(super) to: Index,
}

/// A state in nodes.
pub(super) struct Document<'a> {
    pub(super) nodes: Vec<Node>,
    /// By client in descending order.
    pub(super) sections: Vec<Section>,
    pub(super) parents: Vec<(Parent<'a>, Option<&'a str>)>,
    pub(super) lists: Vec<List>,
    pub(super) names: HashMap<ListName<'a>, Index>,
    pub(super) texts: String,
    /// How many nodes were looked at to find the places of others.
    pub(super) steps: u64,
}

impl<'a> Document<'a> {
    /// The place of a client in `sections`.
    pub(super) fn section_of(&self, client: Client) -> Option<usize> {
        self.sections.binary_search_by(|section| client.cmp(&section.client)).ok()
    }

    /// The node that holds a clock.
    pub(super) fn find(&self, id: Id) -> Option<Index> {
        let section = self.sections.get(self.section_of(id.client)?)?;
        if !(section.start..section.end).contains(&id.clock) {
            return None;
        }
        let nodes = self.nodes.get(at(section.from)..at(section.to))?;
        let behind = nodes.partition_point(|node| node.id.clock <= id.clock);
        Some(section.from + index_of(behind.checked_sub(1)?))
    }

    pub(super) fn node(&self, index: Index) -> Option<&Node> {
        self.nodes.get(at(index))
    }

    /// The list of this name, made if there is none yet.
    pub(super) fn list_named(&mut self, name: ListName<'a>) -> Index {
        if let Some(list) = self.names.get(&name) {
            return *list;
        }
        let depth = match name.parent {
            Owner::Root(_) => 0,
            Owner::Node(index) => {
                let list = self.node(index).and_then(|node| self.lists.get(at(node.list)));
                list.map_or(0, |list| list.depth) + 1
            }
        };
        self.lists.push(List { first: NONE, is_keyed: name.key.is_some(), depth });
        let list = index_of(self.lists.len() - 1);
        self.names.insert(name, list);
        list
    }

    /// The nodes of a root's or type's sequence, in order; deleted ones too.
    pub(super) fn sequence(&self, owner: Owner<'a>) -> impl Iterator<Item = (Index, &Node)> {
        let list = self.names.get(&ListName { parent: owner, key: None });
        let first = list.and_then(|list| self.lists.get(at(*list))).map_or(NONE, |list| list.first);
        let with_node = |index: Index| self.node(index).map(|node| (index, node));
        std::iter::successors(with_node(first), move |(_, node)| with_node(node.next))
    }
}
