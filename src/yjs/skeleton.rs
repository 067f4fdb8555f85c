//! The part of a state that its text depends on, as an update that is safe and cheap to integrate.
//!
//! Where an item stands follows from names and neighbours alone, never from what it holds. So everything that is not
//! text becomes a tombstone of the same length before a document sees it: formats, embeds, lists, subdocuments,
//! shared types that are not XML, and whatever is deleted (a deleted type takes what it held with it: its children
//! have no parent then). Entries of maps, which never reach a text, become garbage-collected runs, and what was put
//! beside or into them follows. No deletion is left to be applied, and texts are cut beforehand wherever another item
//! names a place inside them. What is left of a hostile update is its shape.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::yjs_facts::{Client, Clock, StateVector};
use crate::yjs::reader::{Id, put_length};
use crate::yjs::scan::ScanError;
use crate::yjs::squash::Joiner;
use crate::yjs::structs::{Body, Content, Item, Parent, Place, SharedType};
use crate::yjs::weave::{Run, Strand, Weave};

/// The root whose text is a document's text, where there is one of that name.
pub(super) const CONTENT_ROOT: &str = "content";

/// A state reduced to its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Skeleton {
    /// A v1 update, whole by itself, without deletions.
    pub(super) update: Vec<u8>,
    /// The root that the text is read from; none if the state has no root, or several and none of them `content`.
    pub(super) root: Option<String>,
}

impl Skeleton {
    /// Whether there is nothing in the state at all.
    pub(super) fn is_empty(&self) -> bool {
        self.update == [0, 0]
    }

    /// The skeleton of the union of `parts`.
    ///
    /// # Errors
    /// If a part cannot be read, or the union is not a whole state.
    pub(super) fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, ScanError> {
        let weave = Weave::of(parts)?;
        let known = weave.state_vector()?;
        let survey = Survey::of(&weave, &known)?;
        let mut update = Vec::new();
        put_length(&mut update, weave.runs.len());
        for run in &weave.runs {
            let deleted = survey.deleted.get(&run.client).map_or(&[][..], Vec::as_slice);
            let seams = survey.seams.get(&run.client).map_or(&[][..], Vec::as_slice);
            let mut carver = Carver { client: run.client, joiner: Joiner::new(run.client, run.start), deleted, seams };
            run.for_each(|strand| {
                carver.carve(strand);
                Ok(())
            })?;
            carver.joiner.finish(&mut update);
        }
        put_length(&mut update, 0);
        Ok(Self { update, root: survey.root() })
    }
}

/// What has to be known of the whole state before its structs can be cut.
struct Survey {
    /// For each client the clocks at which another item's neighbourhood ends or begins, sorted.
    seams: BTreeMap<Client, Vec<Clock>>,
    /// For each client the deleted ranges, sorted.
    deleted: BTreeMap<Client, Vec<(Clock, Clock)>>,
    roots: BTreeSet<String>,
}

impl Survey {
    fn of(weave: &Weave<'_>, known: &StateVector) -> Result<Self, ScanError> {
        let mut survey = Self { seams: BTreeMap::new(), deleted: BTreeMap::new(), roots: BTreeSet::new() };
        for (client, start, end) in weave.deletes.iter() {
            survey.deleted.entry(client).or_default().push((start, end));
        }
        for run in &weave.runs {
            survey.visit(run, known)?;
        }
        for seams in survey.seams.values_mut() {
            seams.sort_unstable();
            seams.dedup();
        }
        Ok(survey)
    }

    fn visit(&mut self, run: &Run<'_>, known: &StateVector) -> Result<(), ScanError> {
        run.for_each(|Strand { clock, offset, item }| {
            let Body::Item(item) = &item.body else { return Ok(()) };
            let Place { origin, right_origin, parent, .. } = item.place;
            let parent_id = if let Some(Parent::Nested(id)) = parent { Some(id) } else { None };
            let named = [origin, right_origin, parent_id];
            if named.into_iter().flatten().any(|id| id.clock >= known.get(id.client)) {
                return Err(ScanError::Invalid { reason: "an item names a change that is not there", offset: 0 });
            }
            // An item that goes on where the one before it ended is joined to it, which needs no seam.
            let goes_on = |id: &Id| id.client == run.client && id.clock + 1 == clock;
            if offset == 0
                && let Some(origin) = origin.filter(|origin| !goes_on(origin))
            {
                self.seams.entry(origin.client).or_default().push(origin.clock + 1);
            }
            if let Some(right) = right_origin {
                let seams = self.seams.entry(right.client).or_default();
                if seams.last() != Some(&right.clock) {
                    seams.push(right.clock);
                }
            }
            if let Some(Parent::Root(name)) = parent
                && !self.roots.contains(name)
            {
                self.roots.insert(name.to_owned());
            }
            Ok(())
        })
    }

    fn root(self) -> Option<String> {
        if self.roots.contains(CONTENT_ROOT) {
            return Some(CONTENT_ROOT.to_owned());
        }
        let mut roots = self.roots.into_iter();
        roots.next().filter(|_| roots.next().is_none())
    }
}

/// Cuts one client's structs at seams and deletions, and tells the joiner what becomes of each piece.
struct Carver<'a, 's> {
    client: Client,
    joiner: Joiner<'a>,
    /// Deleted ranges that do not end before the clock that is next.
    deleted: &'s [(Clock, Clock)],
    /// Seams that are not before the clock that is next.
    seams: &'s [Clock],
}

impl<'a> Carver<'a, '_> {
    fn carve(&mut self, strand: Strand<'a>) {
        let Strand { clock, offset, item } = strand;
        let (start, end) = (clock + offset, clock + item.length);
        let Body::Item(inner) = &item.body else { return self.joiner.collected(end - start) };
        if inner.has_key() {
            return self.joiner.collected(end - start);
        }
        let mut text = if let Content::Text(text) = inner.content { Some(TextCursor::at(text, offset)) } else { None };
        let mut at = start;
        while at < end {
            let (is_deleted, piece_end) = self.next_piece(at, end);
            let length = piece_end - at;
            let place =
                if at == clock { inner.place } else { inner.place.after(Id { client: self.client, clock: at - 1 }) };
            let utf8 = text.as_mut().map(|cursor| cursor.take(length));
            match utf8 {
                Some(utf8) if !is_deleted => self.joiner.text(place, utf8.as_bytes(), length),
                _ if !is_deleted && is_xml(inner) => {
                    self.joiner.verbatim(length, |out| out.extend_from_slice(item.bytes));
                }
                _ => self.joiner.deleted(place, length),
            }
            at = piece_end;
        }
    }

    /// Whether the piece at `at` is deleted, and where it ends: at a seam, a deletion's border, or `end`.
    fn next_piece(&mut self, at: Clock, end: Clock) -> (bool, Clock) {
        if self.seams.first() == Some(&at) {
            self.joiner.seam();
        }
        while let Some((_, rest)) = self.seams.split_first().filter(|(seam, _)| **seam <= at) {
            self.seams = rest;
        }
        while let Some((_, rest)) = self.deleted.split_first().filter(|((_, deleted_end), _)| *deleted_end <= at) {
            self.deleted = rest;
        }
        let seam = self.seams.first().copied().unwrap_or(end);
        let (is_deleted, border) = match self.deleted.first() {
            Some((start, deleted_end)) if *start <= at => (true, *deleted_end),
            Some((start, _)) => (false, *start),
            None => (false, end),
        };
        (is_deleted, end.min(seam).min(border))
    }
}

/// Fragments are roots; nested in something else they are no part of a text.
fn is_xml(item: &Item<'_>) -> bool {
    matches!(item.content, Content::Type(SharedType::XmlElement(_) | SharedType::XmlText))
}

/// A text that is cut from front to back at UTF-16 offsets, in one pass.
struct TextCursor<'a> {
    rest: &'a str,
    /// Whether the last cut went through a surrogate pair, of which the second half is still to come.
    owes_half: bool,
}

impl<'a> TextCursor<'a> {
    fn at(text: &'a str, offset: Clock) -> Self {
        let mut cursor = Self { rest: text, owes_half: false };
        cursor.take(offset);
        cursor
    }

    /// The next `units` UTF-16 units; halves of a surrogate pair are U+FFFD, as in yjs.
    fn take(&mut self, units: Clock) -> String {
        let mut units = usize::try_from(units).unwrap_or(usize::MAX);
        let mut taken = String::new();
        if self.owes_half && units > 0 {
            taken.push('\u{fffd}');
            self.owes_half = false;
            units -= 1;
        }
        let mut bytes = 0;
        for character in self.rest.chars() {
            if units == 0 {
                break;
            }
            bytes += character.len_utf8();
            if units < character.len_utf16() {
                self.owes_half = true;
                taken.push('\u{fffd}');
                break;
            }
            taken.push(character);
            units -= character.len_utf16();
        }
        self.rest = self.rest.get(bytes..).unwrap_or_default();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yjs::samples::{array_in, keyed_text, root_text, text_after, text_between, update};

    fn skeleton(bytes: &[u8]) -> Skeleton {
        Skeleton::of([bytes]).unwrap()
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
        let deleted = |client, clock, length| vec![0x81, client, clock, length];
        assert_eq!(
            skeleton(&state),
            Skeleton {
                update: update(
                    &[
                        (9, 0, &[vec![0xc1, 5, 2, 5, 3, 1], text_after(9, 0, "Y")]),
                        (
                            5,
                            0,
                            &[
                                root_text("notes", "abc"),
                                text_after(5, 2, "d"),
                                deleted(5, 3, 2),
                                text_after(5, 5, "ghi"),
                            ]
                        ),
                    ],
                    &[],
                ),
                root: Some("notes".to_owned()),
            }
        );
    }

    #[test]
    fn what_is_no_text_is_emptied() {
        let paragraph = vec![7, 1, 1, b'd', 3, 1, b'p'];
        let state = update(
            &[(
                5,
                0,
                &[
                    paragraph.clone(),
                    vec![0x86, 5, 0, 4, b'b', b'o', b'l', b'd', 4, b't', b'r', b'u', b'e'],
                    vec![0x88, 5, 1, 2, 126, 126],
                    array_in(Parent::Root("d")),
                    keyed_text("d", "key", "value"),
                ],
            )],
            &[],
        );
        let tombstones = vec![0x81, 5, 0, 3];
        let array = vec![1, 1, 1, b'd', 1];
        assert_eq!(skeleton(&state).update, update(&[(5, 0, &[paragraph, tombstones, array, vec![0, 5]])], &[]));
    }

    #[test]
    fn the_root_is_content_or_the_only_one() {
        let roots = |names: &[&str]| {
            let structs: Vec<_> = names.iter().map(|name| root_text(name, "x")).collect();
            skeleton(&update(&[(5, 0, &structs)], &[])).root
        };
        assert_eq!(roots(&["prosemirror"]).as_deref(), Some("prosemirror"));
        assert_eq!(roots(&["a", "content", "z"]).as_deref(), Some("content"));
        assert_eq!(roots(&["a", "b"]), None);
        assert_eq!(skeleton(&[0, 0]).root, None);
    }

    #[test]
    fn states_with_holes_are_refused() {
        assert!(Skeleton::of([&update(&[(5, 1, &[text_after(5, 0, "x")])], &[])[..]]).is_err());
        assert!(Skeleton::of([&update(&[(5, 0, &[text_after(6, 0, "x")])], &[])[..]]).is_err());
    }

    #[test]
    fn a_cursor_cuts_through_surrogate_pairs() {
        let mut cursor = TextCursor::at("a😀b😀", 0);
        let pieces: Vec<_> = [1, 1, 1, 2, 1].into_iter().map(|units| cursor.take(units)).collect();
        assert_eq!(pieces, ["a", "\u{fffd}", "\u{fffd}", "b\u{fffd}", "\u{fffd}"]);
        assert_eq!(TextCursor::at("😀b", 1).take(2), "\u{fffd}b");
    }
}
