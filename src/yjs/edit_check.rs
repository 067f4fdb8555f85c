//! Whether an update makes one text of another: read against the document as it is placed already.
//!
//! The updates that edit a text are of one form: texts, each put between two units that stand side by side, and deletions of
//! units that are shown. Where such a text comes does not depend on anything else that the document holds, so the document need
//! not be placed again with the update. Whatever is of another form is refused.

use std::collections::BTreeMap;

use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::{Client, Clock};
use crate::yjs::document::{Document, Index, Kind, ListName, NONE, Node, Owner, at};
use crate::yjs::reader::Id;
use crate::yjs::scan::scan_update;
use crate::yjs::structs::{Body, Content, Parent, Place, Struct};
use crate::yjs::text_cursor::TextCursor;
use crate::yjs::walk::{Listener, NO_CAPS, Section, walk_update};

/// What an update does to one node: texts behind so many of its units, and the units that it deletes.
#[derive(Default)]
struct Touch<'u> {
    inserted: BTreeMap<Clock, &'u str>,
    deleted: Vec<(Clock, Clock)>,
}

/// A root's text and what an update does to it.
struct Check<'d, 'a, 'u> {
    document: &'d Document<'a>,
    root: &'d str,
    /// The list of the root's nodes; none in a document without any.
    list: Index,
    touched: BTreeMap<Index, Touch<'u>>,
    /// What comes before the first node.
    at_front: Option<&'u str>,
}

/// Whether `update` is one by the client alone, from its next clock on, fits the document, and makes `text` of the plain text
/// in the root. The document is placed, and nothing of it is missing.
pub(super) fn makes(document: &Document<'_>, root: &str, update: &[u8], client: Client, text: &str) -> bool {
    // What the server accepts of others is bounded by its limits; this is as large as the text that was accepted.
    let caps = YjsCaps { max_yjs_structs: usize::MAX, max_yjs_delete_ranges: usize::MAX, ..YjsCaps::default() };
    let Ok(scanned) = scan_update(update.to_vec(), &caps) else { return false };
    let next = document.section_of(client).and_then(|section| document.sections.get(section)).map_or(0, |own| own.end);
    if scanned.spans.iter().any(|span| (span.client, span.start) != (client, next))
        || document.sections.iter().any(|section| section.start > 0)
    {
        return false;
    }
    let name = ListName { parent: Owner::Root(root), key: None };
    let list = document.names.get(&name).copied().unwrap_or(NONE);
    let mut check = Check { document, root, list, touched: BTreeMap::new(), at_front: None };
    walk_update(update, &NO_CAPS, &mut check).is_ok()
        && scanned.deletes.iter().all(|(client, start, end)| check.delete(client, start, end))
        && check.text() == text
}

impl<'u> Check<'_, '_, 'u> {
    fn insert(&mut self, place: &Place<'_>, text: &'u str) -> Option<()> {
        let first = self.document.lists.get(at(self.list)).map_or(NONE, |list| list.first);
        let Some(left) = place.origin else {
            let has_parent = place.parent == Some(Parent::Root(self.root));
            let is_in_front = match place.right_origin {
                Some(right) => Some(right) == self.document.node(first).map(|first| first.id),
                None => has_parent && first == NONE,
            };
            let is_first = is_in_front && self.at_front.is_none();
            self.at_front = Some(text).filter(|_| is_first);
            return is_first.then_some(());
        };
        let (index, node) = self.in_list(left)?;
        let units = left.clock - node.id.clock + 1;
        let behind = if units < node.length {
            Some(Id { client: left.client, clock: left.clock + 1 })
        } else {
            self.document.node(node.next).map(|next| next.id)
        };
        let is_first = self.touched.entry(index).or_default().inserted.insert(units, text).is_none();
        (is_first && place.right_origin == behind).then_some(())
    }

    fn delete(&mut self, client: Client, start: Clock, end: Clock) -> bool {
        let mut from = start;
        while from < end {
            let Some((index, node)) = self.in_list(Id { client, clock: from }) else { return false };
            if !matches!(node.kind, Kind::Text { .. }) {
                return false;
            }
            let (first, to) = (node.id.clock, end.min(node.id.clock + node.length));
            self.touched.entry(index).or_default().deleted.push((from - first, to - first));
            from = to;
        }
        true
    }

    /// The node of the list that holds a unit.
    fn in_list(&self, id: Id) -> Option<(Index, &Node)> {
        let index = self.document.find(id)?;
        let node = self.document.node(index)?;
        (node.list == self.list && self.list != NONE).then_some((index, node))
    }

    /// The text that the update makes.
    fn text(&self) -> String {
        let mut text = self.at_front.unwrap_or_default().to_owned();
        for (index, node) in self.document.sequence(Owner::Root(self.root)) {
            let shown = match node.kind {
                Kind::Text { from, to } => self.document.texts.get(from..to).unwrap_or_default(),
                _ => "",
            };
            match self.touched.get(&index) {
                None => text.push_str(shown),
                Some(touch) => touch.put(shown, node.length, &mut text),
            }
        }
        text
    }
}

impl Touch<'_> {
    /// Appends what becomes of a node that shows this.
    fn put(&self, shown: &str, length: Clock, out: &mut String) {
        let (mut cursor, mut at) = (TextCursor::at(shown, 0), 0);
        let mut deleted = self.deleted.iter().copied().peekable();
        let ends = self.inserted.iter().map(|(units, text)| (*units, *text)).chain([(length, "")]);
        for (end, inserted) in ends {
            while at < end {
                while deleted.next_if(|(_, to)| *to <= at).is_some() {}
                match deleted.peek() {
                    Some((from, to)) if *from <= at => {
                        cursor.skip(end.min(*to) - at);
                        at = end.min(*to);
                    }
                    next => {
                        let to = next.map_or(end, |(from, _)| end.min(*from));
                        cursor.take(to - at, out);
                        at = to;
                    }
                }
            }
            out.push_str(inserted);
        }
    }
}

impl<'u> Listener<'u> for Check<'_, '_, 'u> {
    fn on_struct(&mut self, _client: Client, _clock: Clock, item: &Struct<'u>) -> Result<(), &'static str> {
        const OTHER: &str = "it is no edit of a text";
        let Body::Item(item) = &item.body else { return Err(OTHER) };
        match item.content {
            Content::Text(text) if !item.has_key() => self.insert(&item.place, text).ok_or(OTHER),
            _ => Err(OTHER),
        }
    }

    fn on_section(&mut self, _section: Section<'u>) {}

    fn on_deletion(&mut self, _client: Client, _start: Clock, _end: Clock) {}
}
