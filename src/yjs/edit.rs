//! Edits of a state's text, as a Yjs update.

use std::collections::BTreeMap;

use crate::domain::text_edits::edits_between;
use crate::domain::yjs_facts::{Client, Clock, DeleteSet};
use crate::yjs::document::{Document, Kind, Owner};
use crate::yjs::reader::{Id, MAX_CLOCK, put_length, utf16_length};
use crate::yjs::structs::{Parent, Place, put_text};
use crate::yjs::text::{CONTENT_ROOT, children, placed, plain_text, root_of};
use crate::yjs::weave::{put_deletes, put_section};

/// The Yjs update by which `client` makes `target` of the text of the union of `parts`; without parts, of nothing.
///
/// # Errors
/// A reason without any of the document's contents; that its text is not plain text, among others.
pub fn edit_text<'a>(
    parts: impl IntoIterator<Item = &'a [u8]>,
    client: Client,
    target: &str,
) -> Result<Vec<u8>, String> {
    let document = placed(parts)?;
    let root = match root_of(&document) {
        Some(root) => root,
        None if document.nodes.is_empty() => CONTENT_ROOT,
        None => return Err("it has several roots, and none of them is named content".to_owned()),
    };
    let owner = Owner::Root(root);
    if !children(&document, owner).is_empty() {
        return Err("it is rich text, which cannot be edited as plain text".to_owned());
    }
    let units = Units::of(&document, owner);
    let start = document.section_of(client).and_then(|section| document.sections.get(section)).map_or(0, |s| s.end);
    let mut typed = Typed { client, clock: start, structs: 0, body: Vec::new() };
    let mut deletes = DeleteSet::default();
    // Positions in the text as it was: less what was inserted before, and what was removed added.
    let (mut inserted, mut removed) = (0_u32, 0_u32);
    for edit in edits_between(&plain_text(&document, owner), target) {
        let position = edit.position.saturating_sub(inserted).saturating_add(removed);
        units.delete(position, edit.removed, &mut deletes);
        if !edit.inserted.is_empty() {
            let (origin, right_origin) = units.neighbours(position);
            let parent = if origin.is_none() && right_origin.is_none() { Some(Parent::Root(root)) } else { None };
            typed.insert(Place { origin, right_origin, parent, key: None }, &edit.inserted)?;
        }
        removed = removed.saturating_add(edit.removed);
        inserted = inserted.saturating_add(Clock::try_from(utf16_length(&edit.inserted)).unwrap_or(Clock::MAX));
    }
    Ok(typed.finish(start, &deletes))
}

/// The units of a text and where they stand among what is deleted.
struct Units {
    /// Runs of visible units: the position of the first one, its name, and how many follow.
    runs: BTreeMap<u32, (Id, Clock)>,
    /// What comes directly behind each run, by the run's first position.
    behind: BTreeMap<u32, Id>,
    /// The very first node, deleted or not.
    first: Option<Id>,
}

impl Units {
    fn of(document: &Document<'_>, owner: Owner<'_>) -> Self {
        let mut units = Self { runs: BTreeMap::new(), behind: BTreeMap::new(), first: None };
        let (mut position, mut last_run) = (0_u32, None);
        for (_, node) in document.sequence(owner) {
            if units.first.is_none() {
                units.first = Some(node.id);
            }
            if let Some(run) = last_run.take() {
                units.behind.insert(run, node.id);
            }
            if matches!(node.kind, Kind::Text { .. }) {
                units.runs.insert(position, (node.id, node.length));
                last_run = Some(position);
                position = position.saturating_add(node.length);
            }
        }
        units
    }

    /// The unit before a position, and what stands directly behind that, deleted or not.
    fn neighbours(&self, position: u32) -> (Option<Id>, Option<Id>) {
        let Some((start, (id, length))) = self.runs.range(..position).next_back() else { return (None, self.first) };
        let offset = (position - start).min(*length);
        let left = Id { client: id.client, clock: id.clock + offset - 1 };
        let right = if offset < *length {
            Some(Id { client: id.client, clock: id.clock + offset })
        } else {
            self.behind.get(start).copied()
        };
        (Some(left), right)
    }

    fn delete(&self, position: u32, count: u32, deletes: &mut DeleteSet) {
        let end = position.saturating_add(count);
        let first = self.runs.range(..=position).next_back().map_or(position, |(start, _)| *start);
        for (start, (id, length)) in self.runs.range(first..end.max(first)) {
            let from = position.max(*start) - start;
            let to = (end - start).min(*length);
            deletes.insert(id.client, id.clock + from, id.clock + to.max(from));
        }
    }
}

/// The new items.
struct Typed {
    client: Client,
    clock: Clock,
    structs: usize,
    body: Vec<u8>,
}

impl Typed {
    fn insert(&mut self, place: Place<'_>, text: &str) -> Result<(), String> {
        let length = Clock::try_from(utf16_length(text)).ok().filter(|length| *length <= MAX_CLOCK - self.clock);
        let Some(length) = length else { return Err("the client has no clocks left".to_owned()) };
        put_text(&mut self.body, place, text.as_bytes());
        self.clock += length;
        self.structs += 1;
        Ok(())
    }

    fn finish(self, start: Clock, deletes: &DeleteSet) -> Vec<u8> {
        let mut out = Vec::new();
        put_length(&mut out, usize::from(self.structs > 0));
        if self.structs > 0 {
            put_section(&mut out, self.client, start, self.structs, &self.body);
        }
        put_deletes(&mut out, deletes);
        out
    }
}
