//! How deep an update nests shared types.
//!
//! Editors and yrs walk down nested types by recursion; a few thousand levels and one deletion overflow their stacks.
//! Only what the update itself contains can be counted: what lies outside counts as the top.

use std::collections::BTreeMap;

use crate::domain::yjs_facts::{Client, Clock};
use crate::yjs::reader::Id;
use crate::yjs::structs::{Body, Content, Parent, Struct};
use crate::yjs::walk::{Listener, Section};

/// Where an item's level is to be found.
#[derive(Clone, Copy)]
enum Link {
    /// At the top, or unknown.
    Top,
    /// Beside this item.
    Beside(Id),
    /// Within this item.
    Within(Id),
}

struct Node {
    clock: Clock,
    link: Link,
    is_type: bool,
    level: Option<usize>,
}

/// The structs of an update, linked to their neighbours and parents.
#[derive(Default)]
pub(super) struct Nesting {
    nodes: Vec<Node>,
    /// Where a client's nodes lie: from, to, and the end of its clocks.
    sections: BTreeMap<Client, (usize, usize, Clock)>,
}

impl Nesting {
    /// The depth of the deepest shared type; roots not counted. To be asked of updates without circles only.
    pub(super) fn depth(&mut self) -> usize {
        let mut deepest = 0;
        let mut path = Vec::new();
        for index in 0..self.nodes.len() {
            let mut level = self.climb(index, &mut path);
            while let Some(below) = path.pop() {
                if let Some(node) = self.nodes.get_mut(below) {
                    level += usize::from(matches!(node.link, Link::Within(_)));
                    node.level = Some(level);
                    if node.is_type {
                        deepest = deepest.max(level + 1);
                    }
                }
            }
        }
        deepest
    }

    /// Follows links from a node to one whose level is known. Leaves the nodes on the way in `path`.
    fn climb(&self, from: usize, path: &mut Vec<usize>) -> usize {
        let mut next = Some(from);
        while let Some((index, node)) = next.and_then(|index| Some((index, self.nodes.get(index)?))) {
            if let Some(level) = node.level {
                return level;
            }
            path.push(index);
            next = match node.link {
                Link::Top => None,
                Link::Beside(id) | Link::Within(id) => self.find(id),
            };
        }
        0
    }

    fn find(&self, id: Id) -> Option<usize> {
        let (from, to, end) = *self.sections.get(&id.client)?;
        let nodes = self.nodes.get(from..to)?;
        let at = nodes.partition_point(|node| node.clock <= id.clock);
        if id.clock >= end { None } else { Some(from + at.checked_sub(1)?) }
    }
}

impl<'a> Listener<'a> for Nesting {
    fn on_struct(&mut self, _client: Client, clock: Clock, item: &Struct<'a>) -> Result<(), &'static str> {
        let (link, is_type) = match &item.body {
            Body::Collected => (Link::Top, false),
            Body::Item(item) => {
                let place = item.place;
                let link = match (place.parent, place.origin.or(place.right_origin)) {
                    (Some(Parent::Nested(id)), _) => Link::Within(id),
                    (None, Some(id)) => Link::Beside(id),
                    (Some(Parent::Root(_)), _) | (None, None) => Link::Top,
                };
                (link, matches!(item.content, Content::Type(_)))
            }
        };
        self.nodes.push(Node { clock, link, is_type, level: None });
        Ok(())
    }

    fn on_section(&mut self, section: Section<'a>) {
        let to = self.nodes.len();
        self.sections.insert(section.client, (to - section.structs, to, section.end));
    }

    fn on_deletion(&mut self, _client: Client, _start: Clock, _end: Clock) {}
}
