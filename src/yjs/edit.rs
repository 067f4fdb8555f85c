//! Edits of a state's text, as a Yjs update.
//!
//! yrs makes the edit where the state is of a size that it takes in quickly; else, and where yrs reads the state otherwise,
//! the edit is put together from the placed nodes. Either way our own reading decides (`edit_check`): the update has to fit the
//! state and to make exactly the text that was wanted.

use crate::domain::operation::{Digest, digest_of};
use crate::domain::text_edits::{TextEdit, edits_between};
use crate::domain::yjs_facts::{Client, Clock, DeleteSet};
use crate::yjs::document::{Document, Kind, Owner};
use crate::yjs::edit_check::makes;
use crate::yjs::merge::squash;
use crate::yjs::reader::{Id, MAX_CLOCK, put_length, utf16_length};
use crate::yjs::structs::{Parent, Place, put_text};
use crate::yjs::text::{CONTENT_ROOT, placed, plain_text, root_of};
use crate::yjs::weave::{put_deletes, put_section};
use crate::yjs::yrs_edit;

/// Nodes of a state, and nodes times edits, up to which yrs makes an edit: a millisecond or two. It reads the whole state first.
const YRS_NODES: usize = 4_000;
const YRS_STEPS: usize = 4_000_000;

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
    let document = placed(parts.iter().map(Vec::as_slice))?;
    let Some(root) = root_of_text(&document) else { return Ok(Edited::RichText) };
    let text = plain_text(&document, Owner::Root(root));
    if wanted.from.is_some_and(|digest| digest != digest_of(&text)) {
        return Ok(Edited::OtherText(text));
    }
    let edits = edits_between(&text, &wanted.text);
    let nodes = document.nodes.len();
    let is_right = |made: &Vec<u8>| makes(&document, root, made, wanted.client, &wanted.text);
    if wanted.by_yrs && nodes <= YRS_NODES && nodes.saturating_mul(edits.len()) <= YRS_STEPS {
        let state = if parts.is_empty() { None } else { Some(squash(parts).map_err(|error| error.to_string())?) };
        let made = yrs_edit::edit(state.as_deref(), root, wanted.client, &edits);
        if let Some(made) = made.filter(is_right) {
            return Ok(Edited::Made(made));
        }
    }
    let made = put_together(&document, root, wanted.client, &edits)?;
    if is_right(&made) { Ok(Edited::Made(made)) } else { Err("its text cannot be edited".to_owned()) }
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
    /// In order, without what is deleted.
    runs: Vec<VisibleRun>,
    /// The very first node, deleted or not.
    first: Option<Id>,
}

/// Visible units that stand side by side, and have names that do.
struct VisibleRun {
    position: u32,
    id: Id,
    length: Clock,
    /// What comes directly behind them, deleted or not.
    behind: Option<Id>,
}

impl Units {
    fn of(document: &Document<'_>, owner: Owner<'_>) -> Self {
        let mut units = Self { runs: Vec::new(), first: None };
        let (mut position, mut was_visible) = (0_u32, false);
        for (_, node) in document.sequence(owner) {
            if units.first.is_none() {
                units.first = Some(node.id);
            }
            if let Some(run) = units.runs.last_mut().filter(|_| was_visible) {
                run.behind = Some(node.id);
            }
            was_visible = matches!(node.kind, Kind::Text { .. });
            if was_visible {
                units.runs.push(VisibleRun { position, id: node.id, length: node.length, behind: None });
                position = position.saturating_add(node.length);
            }
        }
        units
    }

    /// The unit before a position, and what stands directly behind that, deleted or not.
    fn neighbours(&self, position: u32) -> (Option<Id>, Option<Id>) {
        let reached = self.runs.partition_point(|run| run.position < position);
        let Some(VisibleRun { position: start, id, length, behind }) = self.runs.get(..reached).and_then(<[_]>::last)
        else {
            return (None, self.first);
        };
        let offset = (position - start).min(*length);
        let left = Id { client: id.client, clock: id.clock + offset - 1 };
        let right = if offset < *length { Some(Id { client: id.client, clock: id.clock + offset }) } else { *behind };
        (Some(left), right)
    }

    fn delete(&self, position: u32, count: u32, deletes: &mut DeleteSet) {
        let end = position.saturating_add(count);
        let first = self.runs.partition_point(|run| run.position <= position).saturating_sub(1);
        let runs = self.runs.get(first..).unwrap_or_default();
        for VisibleRun { position: start, id, length, .. } in runs.iter().take_while(|run| run.position < end) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::limits::YjsCaps;
    use crate::yjs::fit::check_fits;
    use crate::yjs::merge::facts_of;
    use crate::yjs::samples::{keyed_text, root_text, text_after, text_between, update};
    use crate::yjs::scan::scan_update;
    use crate::yjs::text::derive_text;

    fn slices(parts: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
        parts.iter().map(Vec::as_slice)
    }

    #[test]
    fn an_edit_is_checked_against_the_placed_document() {
        // "ab" and "efgh" are shown.
        let state =
            update(&[(5, 0, &[root_text("t", "abcdefgh")]), (3, 0, &[root_text("u", "other")])], &[(5, &[(2, 2)])]);
        let document = placed([state.as_slice()]).unwrap();
        let of = |update: &[u8], text: &str| makes(&document, "t", update, 7, text);
        let one = update(&[(7, 0, &[text_between((5, 0), (5, 1), "X😀")])], &[(5, &[(5, 2)])]);
        assert!(of(&one, "aX😀beh"));
        assert!(!of(&one, "aX😀befgh") && !of(&one, "aX😀be"), "it makes another text");
        assert!(!makes(&document, "t", &one, 8, "aX😀beh"), "it is another client's");
        assert!(!makes(&document, "u", &one, 7, "aX😀beh"), "it edits another root");
        // Between deleted units, before all, and behind all.
        assert!(of(&update(&[(7, 0, &[text_between((5, 2), (5, 3), "X")])], &[]), "abXefgh"));
        assert!(of(&update(&[(7, 0, &[text_after(5, 7, "X")])], &[]), "abefghX"));
        let wrong = [
            ("not side by side", update(&[(7, 0, &[text_between((5, 0), (5, 4), "X")])], &[])),
            ("in the wrong order", update(&[(7, 0, &[text_between((5, 1), (5, 0), "X")])], &[])),
            ("without its right neighbour", update(&[(7, 0, &[text_after(5, 0, "X")])], &[])),
            ("behind what is not there", update(&[(7, 0, &[text_after(5, 8, "X")])], &[])),
            ("in another root", update(&[(7, 0, &[text_after(3, 4, "X")])], &[])),
            ("anew in its root", update(&[(7, 0, &[root_text("t", "X")])], &[])),
            ("a value of a map", update(&[(7, 0, &[keyed_text("t", "k", "X")])], &[])),
            ("from a later clock", update(&[(7, 1, &[text_after(5, 7, "X")])], &[])),
            ("twice at one place", update(&[(7, 0, &[text_after(5, 7, "X"), text_after(5, 7, "X")])], &[])),
            ("collected", update(&[(7, 0, &[vec![0, 1]])], &[])),
            ("deletes what is not there", update(&[], &[(5, &[(7, 2)])])),
            ("deletes what is deleted", update(&[], &[(5, &[(1, 2)])])),
            ("deletes in another root", update(&[], &[(3, &[(0, 1)])])),
            ("no update", vec![1]),
        ];
        for (why, wrong) in wrong {
            let texts = ["abefgh", "abefghX", "aXbefgh", "Xabefgh", "abefghXX", "abefg", "aefgh"];
            assert!(texts.iter().all(|text| !of(&wrong, text)), "{why}");
        }
    }

    proptest! {
        /// Whatever two editors wrote at the same time: an edit of what is there is accepted, and whatever is accepted fits and
        /// makes that text, placed with the document.
        #[test]
        fn what_is_accepted_fits(
            rounds in prop::collection::vec(("[ab\n😀]{0,9}", "[ab\n😀]{0,9}"), 0..6),
            target in "[abc\n😀]{0,9}",
            is_behind: bool,
        ) {
            let (mut parts, mut known): (Vec<Vec<u8>>, usize) = (Vec::new(), 0);
            for (one, other) in &rounds {
                known = parts.len();
                let made = [(1, one), (2, other)].map(|(client, text)| edit_text(slices(&parts), client, text).unwrap());
                parts.extend(made);
            }
            let known = if is_behind { known } else { parts.len() };
            let made = edit_text(slices(&parts[..known]), 9, &target).unwrap();
            let document = placed(slices(&parts)).unwrap();
            let text = derive_text(slices(&parts).chain([made.as_slice()])).unwrap();
            let is_accepted = makes(&document, CONTENT_ROOT, &made, 9, &text);
            if known == parts.len() {
                prop_assert!(is_accepted && text == target);
            }
            if is_accepted {
                let caps = YjsCaps::default();
                let vector = facts_of(&parts).unwrap().0;
                let scanned = scan_update(made.clone(), &caps).unwrap();
                prop_assert!(scanned.is_complete_for(&vector));
                prop_assert!(check_fits(&parts, &vector, &[&scanned], &caps).iter().all(Result::is_ok));
            }
            let other = format!("{text}x");
            prop_assert!(!makes(&document, CONTENT_ROOT, &made, 9, &other));
        }
    }
}
