//! Whether an update fits the state that it is for: the rules that need the state.
//!
//! Each rule is about what never changes once it is true: which shared type or key an item belongs to, the order of
//! two items of one list, what was accepted first under a name. So a check holds however the document goes on, and no
//! lock is needed between the check and the commit.

use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::{Client, Clock, StateVector};
use crate::yjs::document::{Document, Index, Kind, NONE, Node, at};
use crate::yjs::overlap::has_other_contents;
use crate::yjs::reader::Id;
use crate::yjs::scan::ScanError;
use crate::yjs::structs::{Parent, Struct};
use crate::yjs::walk::{Listener, NO_CAPS, Section, walk_update};
use crate::yjs::weave::Weave;

/// Steps of placing that each node of a document may take, besides [`YjsCaps::max_yjs_steps`] for all of them.
const STEPS_PER_NODE: u64 = 64;

/// Steps within which a document is measured that was too dear before there was a limit.
const MEASURED_STEPS: u64 = 50_000_000;

/// Why an update does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It breaks a rule, or goes over a limit.
    #[error(transparent)]
    Refused(#[from] ScanError),
    /// Under a name that is known it has other contents.
    #[error("it has other contents than the document for changes of client {client} that the document has")]
    Divergent {
        /// Whose changes.
        client: Client,
    },
}

/// Whether `update`, which the scanner accepted, fits the union of `parts` (none for a new document). An update that
/// leans on what is not there fits as far as this goes.
///
/// # Errors
/// Why it does not; also if a part cannot be read.
pub fn check_fit(parts: &[Vec<u8>], update: &[u8], caps: &YjsCaps) -> Result<(), Misfit> {
    let weave = Weave::of(parts.iter().map(Vec::as_slice))?;
    let known = weave.state_vector()?;
    let mut spans = Spans::default();
    walk_update(update, &NO_CAPS, &mut spans)?;
    if let Some(client) = has_other_contents(&weave, &known, &spans.sections)? {
        return Err(Misfit::Divergent { client });
    }
    drop(weave);
    if spans.sections.iter().all(|section| section.end <= known.get(section.client)) {
        return Ok(());
    }
    let mut document = Document::of(parts.iter().map(Vec::as_slice).chain([update]))?;
    let allowed = STEPS_PER_NODE.saturating_mul(u64::try_from(document.nodes.len()).unwrap_or(u64::MAX));
    let max_steps = u64::try_from(caps.max_yjs_steps).unwrap_or(u64::MAX).saturating_add(allowed);
    if document.place(max_steps).is_err() && !is_cheap_by_itself(parts, update, &known)? {
        return Err(ScanError::TooLarge { limit: "max_yjs_steps", max: caps.max_yjs_steps }.into());
    }
    match breaches(&document, &known).next() {
        None => Ok(()),
        Some((id, reason)) => Err(ScanError::Invalid { reason, offset: offset_of(update, id) }.into()),
    }
}

/// Changes that have no place in a document, and are left out of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unplaceable {
    /// Whose changes.
    pub client: Client,
    /// The first one's clock.
    pub clock: Clock,
    /// How many.
    pub length: Clock,
    /// Why.
    pub reason: &'static str,
}

/// What of the union of `parts` has no place: what was accepted before there were rules against it.
///
/// # Errors
/// If a part cannot be read or a client's changes have a gap.
pub fn unplaceable(parts: &[Vec<u8>]) -> Result<Vec<Unplaceable>, ScanError> {
    let mut document = Document::of(parts.iter().map(Vec::as_slice))?;
    if document.place(u64::MAX).is_err() {
        return Ok(Vec::new());
    }
    let nothing = StateVector::default();
    let found = breaches(&document, &nothing).map(|(id, reason)| {
        let length = document.find(id).and_then(|index| document.node(index)).map_or(0, |node| node.length);
        Unplaceable { client: id.client, clock: id.clock, length, reason }
    });
    Ok(found.collect())
}

/// Whether the update costs little to place, in a document that is dear already.
fn is_cheap_by_itself(parts: &[Vec<u8>], update: &[u8], known: &StateVector) -> Result<bool, Misfit> {
    let mut before = Document::of(parts.iter().map(Vec::as_slice))?;
    let mut after = Document::of(parts.iter().map(Vec::as_slice).chain([update]))?;
    let placed = before.place(MEASURED_STEPS).and_then(|()| after.place(MEASURED_STEPS));
    let new = after.nodes.iter().filter(|node| is_new(node, known)).count();
    let allowed = STEPS_PER_NODE.saturating_mul(u64::try_from(new).unwrap_or(u64::MAX));
    Ok(placed.is_ok() && after.steps.saturating_sub(before.steps) <= allowed)
}

fn is_new(node: &Node, known: &StateVector) -> bool {
    node.id.clock.saturating_add(node.length) > known.get(node.id.client)
}

/// Nodes beyond `known` that break a rule.
fn breaches<'d>(document: &'d Document<'_>, known: &'d StateVector) -> impl Iterator<Item = (Id, &'static str)> + 'd {
    let new = document.nodes.iter().filter(|node| is_new(node, known));
    new.filter_map(|node| breach(document, node).map(|reason| (node.id, reason)))
}

/// The rule that a node breaks.
fn breach(document: &Document<'_>, node: &Node) -> Option<&'static str> {
    if node.kind == Kind::Collected {
        return None;
    }
    if node.list == NONE {
        return why_in_no_list(document, node);
    }
    let list = document.lists.get(at(node.list))?;
    match node.flags {
        _ if !list.is_keyed => None,
        flags if flags.is_long => Some("an entry of a map is longer than one clock"),
        flags if flags.is_unmarked => Some("an entry of a map is not marked as one"),
        _ if node.right_origin.is_some() => Some("an entry of a map has a right neighbour"),
        _ => None,
    }
}

fn why_in_no_list(document: &Document<'_>, node: &Node) -> Option<&'static str> {
    let list_of = |index: Index| document.node(index).map_or(NONE, |node| node.list);
    if node.origin.is_some() && node.right_origin.is_some() {
        return match (list_of(node.left_node), list_of(node.right_node)) {
            // Collected with its neighbours, as yjs does it: they were in something that is deleted.
            (left, right) if left == right && left == NONE => None,
            (left, right) if left == right => Some("an item's right neighbour does not come after its left one"),
            (left, right) if left == NONE || right == NONE => Some("one of an item's neighbours is collected"),
            _ => Some("an item's neighbours are in different lists"),
        };
    }
    if node.flags.left_out {
        return Some("an item leans on changes that are not there");
    }
    let Some((Parent::Nested(id), _)) = document.parents.get(at(node.parent)) else { return None };
    let kind = document.find(*id).and_then(|index| document.node(index)).map(|parent| parent.kind);
    match kind {
        Some(kind) if kind.is_type() || matches!(kind, Kind::Deleted | Kind::Collected) => None,
        _ => Some("an item's parent is no shared type"),
    }
}

/// Where in an update a change is written.
fn offset_of(update: &[u8], id: Id) -> usize {
    let mut finder = Finder { id, start: update.as_ptr().addr(), offset: None };
    drop(walk_update(update, &NO_CAPS, &mut finder));
    finder.offset.unwrap_or(update.len())
}

struct Finder {
    id: Id,
    start: usize,
    offset: Option<usize>,
}

impl<'a> Listener<'a> for Finder {
    fn on_struct(&mut self, client: Client, clock: Clock, item: &Struct<'a>) -> Result<(), &'static str> {
        if client == self.id.client && (clock..clock.saturating_add(item.length)).contains(&self.id.clock) {
            self.offset = Some(item.bytes.as_ptr().addr() - self.start);
        }
        Ok(())
    }

    fn on_section(&mut self, _section: Section<'a>) {}

    fn on_deletion(&mut self, _client: Client, _start: Clock, _end: Clock) {}
}

/// The sections of an update.
#[derive(Default)]
struct Spans<'a> {
    sections: Vec<Section<'a>>,
}

impl<'a> Listener<'a> for Spans<'a> {
    fn on_struct(&mut self, _client: Client, _clock: Clock, _item: &Struct<'a>) -> Result<(), &'static str> {
        Ok(())
    }

    fn on_section(&mut self, section: Section<'a>) {
        self.sections.push(section);
    }

    fn on_deletion(&mut self, _client: Client, _start: Clock, _end: Clock) {}
}
