//! Whether an update fits the state that it is for: the rules that need the state.
//!
//! Each rule is about what never changes once it is true: which shared type or key an item belongs to, the order of
//! two items of one list, what was accepted first under a name. So a check holds however the document goes on, and no
//! lock is needed between the check and the commit.

use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::{Client, Clock, ScannedUpdate, StateVector};
use crate::yjs::document::{Document, Index, Kind, NONE, Node, at};
use crate::yjs::overlap::has_other_contents;
use crate::yjs::reader::Id;
use crate::yjs::scan_error::ScanError;
use crate::yjs::structs::{Parent, Struct};
use crate::yjs::walk::{Listener, NO_CAPS, Section, walk_update};
use crate::yjs::weave::Weave;

/// Steps of placing that each node of a document may take, besides [`YjsCaps::max_yjs_steps`] for all of them.
const STEPS_PER_NODE: u64 = 64;

/// Steps within which a document is measured that was too dear before there was a limit.
const MEASURED_STEPS: u64 = 15_000_000;

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

/// Whether updates, which the scanner accepted, fit the union of `parts` (none for a new document), which knows `known`:
/// each as if those before it that fit were applied. All that they lean on has to be there.
///
/// # Errors
/// For each update why it does not; also if a part cannot be read.
pub fn check_fits(
    parts: &[Vec<u8>],
    known: &StateVector,
    updates: &[&ScannedUpdate],
    caps: &YjsCaps,
) -> Vec<Result<(), Misfit>> {
    let mut parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let mut known = known.clone();
    // Most often all is well, and one look at all of them tells.
    if updates.len() > 1 && fit_together(&parts, &known, updates, caps) {
        return updates.iter().map(|_| Ok(())).collect();
    }
    let mut checked = Vec::with_capacity(updates.len());
    for update in updates {
        let fit = check_fit(&parts, &known, update, caps);
        if fit.is_ok() {
            update.spans.iter().for_each(|span| known.advance(span.client, span.end));
            parts.push(&update.bytes);
        }
        checked.push(fit);
    }
    checked
}

/// Whether updates that have nothing under known names fit, one after the other.
fn fit_together(parts: &[&[u8]], known: &StateVector, updates: &[&ScannedUpdate], caps: &YjsCaps) -> bool {
    let mut reached = known.clone();
    let is_new = |update: &&ScannedUpdate| {
        let is_new = !repeats(update, &reached);
        update.spans.iter().for_each(|span| reached.advance(span.client, span.end));
        is_new
    };
    if !updates.iter().all(is_new) {
        return false;
    }
    let new = updates.iter().map(|update| update.bytes.as_slice());
    let Ok(mut document) = Document::of(parts.iter().copied().chain(new)) else { return false };
    document.place(allowed_steps(&document, caps)).is_ok()
        && !is_too_deep(&document, known, caps)
        && breaches(&document, known).next().is_none()
}

/// Whether an update has changes under names that are known.
fn repeats(update: &ScannedUpdate, known: &StateVector) -> bool {
    update.spans.iter().any(|span| span.start < known.get(span.client))
}

fn check_fit(parts: &[&[u8]], known: &StateVector, update: &ScannedUpdate, caps: &YjsCaps) -> Result<(), Misfit> {
    if repeats(update, known) {
        let mut spans = Spans::default();
        walk_update(&update.bytes, &NO_CAPS, &mut spans)?;
        let weave = Weave::of(parts.iter().copied())?;
        if let Some(client) = has_other_contents(&weave, known, &spans.sections)? {
            return Err(Misfit::Divergent { client });
        }
    }
    if !update.has_structs_beyond(known) {
        return Ok(());
    }
    let with_update = || parts.iter().copied().chain([update.bytes.as_slice()]);
    let mut document = Document::of(with_update())?;
    if document.place(allowed_steps(&document, caps)).is_err() {
        let mut before = Document::of(parts.iter().copied())?;
        document = Document::of(with_update())?;
        if before.nodes.is_empty() || !is_cheap_by_itself(&mut before, &mut document, known) {
            return Err(ScanError::TooLarge { limit: "max_yjs_steps", max: caps.max_yjs_steps }.into());
        }
    }
    if is_too_deep(&document, known, caps) {
        return Err(ScanError::TooLarge { limit: "max_yjs_nesting", max: caps.max_yjs_nesting }.into());
    }
    match breaches(&document, known).next() {
        None => Ok(()),
        Some((id, reason)) => Err(ScanError::Invalid { reason, offset: offset_of(&update.bytes, id) }.into()),
    }
}

/// The steps that placing a document may take.
fn allowed_steps(document: &Document<'_>, caps: &YjsCaps) -> u64 {
    let nodes = u64::try_from(document.nodes.len()).unwrap_or(u64::MAX);
    u64::try_from(caps.max_yjs_steps).unwrap_or(u64::MAX).saturating_add(STEPS_PER_NODE.saturating_mul(nodes))
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
/// If a part cannot be read, a client's changes have a gap, or it takes far more steps than any honest document does.
pub fn unplaceable(parts: &[Vec<u8>]) -> Result<Vec<Unplaceable>, ScanError> {
    let mut document = Document::of(parts.iter().map(Vec::as_slice))?;
    let max = STEPS_PER_NODE.saturating_mul(u64::try_from(document.nodes.len()).unwrap_or(u64::MAX));
    let max = max.saturating_add(MEASURED_STEPS);
    if document.place(max).is_err() {
        return Err(ScanError::TooLarge { limit: "steps", max: usize::try_from(max).unwrap_or(usize::MAX) });
    }
    let nothing = StateVector::default();
    let found = breaches(&document, &nothing).map(|(id, reason)| {
        let length = document.find(id).and_then(|index| document.node(index)).map_or(0, |node| node.length);
        Unplaceable { client: id.client, clock: id.clock, length, reason }
    });
    Ok(found.collect())
}

/// Whether an update costs little to place, in a document that is dear already. Places both.
fn is_cheap_by_itself(before: &mut Document<'_>, after: &mut Document<'_>, known: &StateVector) -> bool {
    let placed = before.place(MEASURED_STEPS).and_then(|()| after.place(MEASURED_STEPS));
    let new = after.nodes.iter().filter(|node| is_new(node, known)).count();
    let allowed = STEPS_PER_NODE.saturating_mul(u64::try_from(new).unwrap_or(u64::MAX));
    placed.is_ok() && after.steps.saturating_sub(before.steps) <= allowed
}

fn is_new(node: &Node, known: &StateVector) -> bool {
    node.id.clock.saturating_add(node.length) > known.get(node.id.client)
}

/// Whether a new shared type lies in too many others: editors take them apart by recursion.
fn is_too_deep(document: &Document<'_>, known: &StateVector, caps: &YjsCaps) -> bool {
    let depth = |node: &Node| document.lists.get(at(node.list)).map_or(0, |list| list.depth);
    let new_types = document.nodes.iter().filter(|node| node.kind.is_type() && is_new(node, known));
    new_types.map(depth).any(|depth| depth >= caps.max_yjs_nesting)
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
            (left, right) if left == right => Some("an item's neighbours were never side by side"),
            (left, right) if left == NONE || right == NONE => Some("one of an item's neighbours is collected"),
            _ => Some("an item's neighbours are in different lists"),
        };
    }
    if node.flags.left_out && node.right_node != NONE {
        return Some("an item's neighbours were never side by side");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits::Limits;
    use crate::yjs::samples::{array_in, root_text, text_after, text_between, update};
    use crate::yjs::scan::scan_update;

    fn check(parts: &[Vec<u8>], update: Vec<u8>, caps: &YjsCaps) -> Result<(), Misfit> {
        let known = Weave::of(parts.iter().map(Vec::as_slice)).unwrap().state_vector().unwrap();
        let scanned = scan_update(update, &Limits::default().yjs).unwrap();
        check_fits(parts, &known, &[&scanned], caps).pop().unwrap()
    }

    #[test]
    fn a_breach_is_named_with_its_place() {
        let base = vec![update(&[(1, 0, &[root_text("t", "abcd")])], &[])];
        let wrong = update(&[(2, 0, &[text_after(1, 0, "x"), text_between((1, 3), (1, 1), "y")])], &[]);
        let Err(Misfit::Refused(ScanError::Invalid { reason, offset })) =
            check(&base, wrong.clone(), &Limits::default().yjs)
        else {
            panic!("it fits")
        };
        assert_eq!(reason, "an item's neighbours were never side by side");
        assert_eq!(wrong.get(offset..).unwrap(), [text_between((1, 3), (1, 1), "y"), vec![0]].concat());
        // Accepted before there was a rule, it is named, and the rest is shown.
        let found = unplaceable(&[base, vec![wrong]].concat()).unwrap();
        assert_eq!(found, [Unplaceable { client: 2, clock: 1, length: 1, reason }]);
    }

    #[test]
    fn a_document_that_is_dear_already_takes_what_is_cheap() {
        let crowd: Vec<_> = (1..200).map(|client| update(&[(client, 0, &[root_text("t", "x")])], &[])).collect();
        let caps = YjsCaps { max_yjs_steps: 0, ..Limits::default().yjs };
        // Each comes behind all others: 200 steps, where an item may have 64.
        let dear = update(&[(1_000, 0, &[root_text("t", "y")])], &[]);
        assert!(check(&crowd, dear.clone(), &Limits::default().yjs).is_ok());
        let over: Vec<_> = crowd.iter().cloned().chain([update(&[(2_000, 0, &[root_text("t", "z")])], &[])]).collect();
        assert!(check(&over, update(&[(2_000, 1, &[text_after(2_000, 0, "!")])], &[]), &caps).is_ok());
    }

    #[test]
    fn types_are_counted_through_the_whole_document() {
        let caps = YjsCaps { max_yjs_nesting: 3, ..Limits::default().yjs };
        let within = |clock| array_in(Parent::Nested(Id { client: 1, clock }));
        let base = vec![update(&[(1, 0, &[array_in(Parent::Root("t")), within(0)])], &[])];
        let third = update(&[(1, 2, &[within(1)])], &[]);
        assert!(check(&base, third.clone(), &caps).is_ok());
        let fourth = update(&[(1, 3, &[within(2)])], &[]);
        let refused = check(&[base, vec![third]].concat(), fourth, &caps);
        assert!(matches!(refused, Err(Misfit::Refused(ScanError::TooLarge { limit: "max_yjs_nesting", .. }))));
    }

    #[test]
    fn other_contents_under_a_known_name_are_found() {
        let caps = Limits::default().yjs;
        let base = vec![update(&[(7, 0, &[root_text("t", "hello")])], &[])];
        let of = |structs: &[Vec<u8>]| check(&base, update(&[(7, 0, structs)], &[]), &caps);
        assert_eq!(of(&[root_text("t", "HELLO world")]), Err(Misfit::Divergent { client: 7 }));
        assert_eq!(of(&[root_text("u", "hello")]), Err(Misfit::Divergent { client: 7 }));
        assert_eq!(of(&[root_text("t", "hel"), text_after(7, 2, "LO")]), Err(Misfit::Divergent { client: 7 }));
        // The same, cut elsewhere, deleted, collected.
        assert_eq!(of(&[root_text("t", "hel"), text_after(7, 2, "lo world")]), Ok(()));
        assert_eq!(of(&[vec![1, 1, 1, b't', 5]]), Ok(()));
        assert_eq!(of(&[vec![0, 9]]), Ok(()));
    }
}
