//! Edits of a state's text, as a Yjs update.
//!
//! yrs makes the edit where the state is of a size that it takes in quickly; else, and where yrs reads the state otherwise,
//! the edit is put together from the placed nodes. Either way our own reading decides: the update has to fit the state and
//! to make exactly the text that was wanted.

use std::collections::BTreeMap;

use crate::domain::limits::YjsCaps;
use crate::domain::operation::{Digest, digest_of};
use crate::domain::text_edits::{TextEdit, edits_between};
use crate::domain::yjs_facts::{Client, Clock, DeleteSet, StateVector};
use crate::yjs::document::{Document, Kind, Owner};
use crate::yjs::fit::check_fits;
use crate::yjs::merge::{facts_of, squash};
use crate::yjs::reader::{Id, MAX_CLOCK, put_length, utf16_length};
use crate::yjs::scan::scan_update;
use crate::yjs::structs::{Parent, Place, put_text};
use crate::yjs::text::{CONTENT_ROOT, derive_text, placed, plain_text, root_of};
use crate::yjs::weave::{put_deletes, put_section};
use crate::yjs::yrs_edit;

/// Nodes of a state, and nodes times edits, up to which yrs makes an edit: some ten milliseconds.
const YRS_NODES: usize = 30_000;
const YRS_STEPS: usize = 20_000_000;

/// What is wanted of a state's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Who makes the edit.
    pub(super) client: Client,
    /// The digest of the text that the edit starts from, where another one would make it another edit.
    pub(super) from: Option<Digest>,
    /// The text to be reached.
    pub(super) text: String,
    /// Whether yrs may make the edit.
    pub(super) by_yrs: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edited {
    /// The Yjs update.
    Made(Vec<u8>),
    /// The text is another one than was thought.
    OtherText(String),
    /// The root is no plain text.
    RichText,
}

/// Makes the text that is wanted of the union of `parts`; without parts, of nothing.
///
/// # Errors
/// A reason without any of the document's contents.
pub(super) fn make_edit(parts: &[Vec<u8>], wanted: &Wanted) -> Result<Edited, String> {
    let state = if parts.is_empty() { Vec::new() } else { vec![squash(parts).map_err(|error| error.to_string())?] };
    let document = placed(state.iter().map(Vec::as_slice))?;
    let Some(root) = root_of_text(&document) else { return Ok(Edited::RichText) };
    let text = plain_text(&document, Owner::Root(root));
    if wanted.from.is_some_and(|digest| digest != digest_of(&text)) {
        return Ok(Edited::OtherText(text));
    }
    let edits = edits_between(&text, &wanted.text);
    let nodes = document.nodes.len();
    if wanted.by_yrs && nodes <= YRS_NODES && nodes.saturating_mul(edits.len()) <= YRS_STEPS {
        let made = yrs_edit::edit(state.first().map(Vec::as_slice), root, wanted.client, &edits);
        if let Some(made) = made.filter(|made| makes(&state, made, wanted)) {
            return Ok(Edited::Made(made));
        }
    }
    let made = put_together(&document, root, wanted.client, &edits)?;
    if makes(&state, &made, wanted) { Ok(Edited::Made(made)) } else { Err("its text cannot be edited".to_owned()) }
}

/// The Yjs update by which `client` makes `target` of the text of the union of `parts`; without parts, of nothing. By our own
/// code alone, in the caller's process.
///
/// # Errors
/// A reason without any of the document's contents; that its text is not plain text, among others.
pub fn edit_text<'a>(
    parts: impl IntoIterator<Item = &'a [u8]>,
    client: Client,
    target: &str,
) -> Result<Vec<u8>, String> {
    let document = placed(parts)?;
    let rich = || "it is rich text, which cannot be edited as plain text".to_owned();
    let root = root_of_text(&document).ok_or_else(rich)?;
    put_together(&document, root, client, &edits_between(&plain_text(&document, Owner::Root(root)), target))
}

/// The root that is edited; none if it is no text, or cannot be told.
fn root_of_text<'a>(document: &Document<'a>) -> Option<&'a str> {
    let root = match root_of(document) {
        None if document.nodes.is_empty() => return Some(CONTENT_ROOT),
        root => root?,
    };
    is_plain(document, root).then_some(root)
}

/// Whether a root is a text: it holds, or held, nothing that only lists and XML hold, and is no map.
fn is_plain(document: &Document<'_>, root: &str) -> bool {
    let mut sequence = document.sequence(Owner::Root(root)).peekable();
    if sequence.peek().is_none() {
        let is_entry = |(parent, key): &(Parent<'_>, Option<&str>)| *parent == Parent::Root(root) && key.is_some();
        return !document.parents.iter().any(is_entry);
    }
    sequence.all(|(_, node)| !node.kind.is_type() && node.kind != Kind::Value)
}

/// Whether an update is one by the client alone, fits the state, and makes the text that is wanted of it.
fn makes(state: &[Vec<u8>], update: &[u8], wanted: &Wanted) -> bool {
    // What the server accepts of others is bounded by its limits; this is as large as the text that was accepted.
    let caps = YjsCaps { max_yjs_structs: usize::MAX, max_yjs_delete_ranges: usize::MAX, ..YjsCaps::default() };
    let known = if state.is_empty() { Ok(StateVector::default()) } else { facts_of(state).map(|(known, ..)| known) };
    let (Ok(known), Ok(scanned)) = (known, scan_update(update.to_vec(), &caps)) else { return false };
    let is_own = scanned.spans.iter().all(|span| (span.client, span.start) == (wanted.client, known.get(span.client)));
    is_own
        && scanned.is_complete_for(&known)
        && check_fits(state, &known, &[&scanned], &caps).iter().all(Result::is_ok)
        && derive_text(state.iter().map(Vec::as_slice).chain([update])).is_ok_and(|text| text == wanted.text)
}

/// The update, put together from the nodes of a document.
fn put_together(document: &Document<'_>, root: &str, client: Client, edits: &[TextEdit]) -> Result<Vec<u8>, String> {
    let units = Units::of(document, Owner::Root(root));
    let start = document.section_of(client).and_then(|section| document.sections.get(section)).map_or(0, |s| s.end);
    let mut typed = Typed { client, clock: start, structs: 0, body: Vec::new() };
    let mut deletes = DeleteSet::default();
    // Positions in the text as it was: less what was inserted before, and what was removed added.
    let (mut inserted, mut removed) = (0_u32, 0_u32);
    for edit in edits {
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
