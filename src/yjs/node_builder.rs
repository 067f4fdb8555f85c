//! Making the nodes of a document: structs cut and joined.
//!
//! Where an item stands follows from names and neighbours alone. Items are cut beforehand wherever another one names a
//! place inside them and wherever a deletion begins or ends, so that nothing is ever split later; what was typed in a
//! row stays one node. Memory is in proportion to the structs.

use std::collections::HashMap;

use crate::domain::yjs_facts::{Client, Clock};
use crate::yjs::document::{Document, Flags, Index, Kind, NONE, Node, Section, at, index_of};
use crate::yjs::reader::Id;
use crate::yjs::scan_error::ScanError;
use crate::yjs::structs::{Body, Content, Item, Place, SharedType};
use crate::yjs::text_cursor::TextCursor;
use crate::yjs::weave::{Run, RunStruct, Weave};

impl<'a> Document<'a> {
    /// The union of `parts`, its nodes not yet placed.
    ///
    /// # Errors
    /// If a part cannot be read or a client's changes have a gap.
    pub(super) fn of(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, ScanError> {
        let weave = Weave::of(parts)?;
        let mut cuts = Cuts::of(&weave)?;
        let mut document = Self {
            nodes: Vec::new(),
            sections: Vec::with_capacity(weave.runs.len()),
            parents: Vec::new(),
            lists: Vec::new(),
            names: HashMap::new(),
            texts: String::new(),
            steps: 0,
        };
        for run in &weave.runs {
            let (seams, deleted) = cuts.of_client(run.client);
            let from = index_of(document.nodes.len());
            let mut builder =
                NodeBuilder { document: &mut document, client: run.client, from, seams, deleted, last_seam: None };
            run.for_each(|part| {
                builder.build(&part);
                Ok(())
            })?;
            let to = index_of(document.nodes.len());
            document.sections.push(Section { client: run.client, start: run.start, end: run.end, from, to });
        }
        if document.nodes.len() >= at(NONE) {
            return Err(ScanError::Invalid { reason: "the state has more than 2^32 - 2 structs", offset: 0 });
        }
        Ok(document)
    }
}

/// Where nodes begin and end, for each client.
#[derive(Default)]
struct Cuts {
    /// Clocks at which another item's neighbourhood begins or ends.
    seams: HashMap<Client, Vec<Clock>>,
    deleted: HashMap<Client, Vec<(Clock, Clock)>>,
}

impl Cuts {
    fn of(weave: &Weave<'_>) -> Result<Self, ScanError> {
        let mut cuts = Self::default();
        for (client, start, end) in weave.deletes.iter() {
            cuts.deleted.entry(client).or_default().push((start, end));
        }
        for run in &weave.runs {
            cuts.visit(run)?;
        }
        for seams in cuts.seams.values_mut() {
            seams.sort_unstable();
            seams.dedup();
        }
        Ok(cuts)
    }

    fn visit(&mut self, run: &Run<'_>) -> Result<(), ScanError> {
        run.for_each(|RunStruct { clock, offset, item }| {
            let Body::Item(item) = &item.body else { return Ok(()) };
            let Place { origin, right_origin, .. } = item.place;
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
            Ok(())
        })
    }

    /// A client's seams and deleted ranges, both sorted.
    fn of_client(&mut self, client: Client) -> (&[Clock], &[(Clock, Clock)]) {
        let seams = self.seams.entry(client).or_default();
        let deleted = self.deleted.entry(client).or_default();
        (seams, deleted)
    }
}

/// Makes nodes of one client's structs.
struct NodeBuilder<'d, 'a, 's> {
    document: &'d mut Document<'a>,
    client: Client,
    /// The client's first node.
    from: Index,
    /// Seams that are not before the clock that is next.
    seams: &'s [Clock],
    /// Deleted ranges that do not end before the clock that is next.
    deleted: &'s [(Clock, Clock)],
    /// The last seam that was passed.
    last_seam: Option<Clock>,
}

impl<'a> NodeBuilder<'_, 'a, '_> {
    fn build(&mut self, part: &RunStruct<'a>) {
        let RunStruct { clock, offset, item } = part;
        let (start, end) = (clock + offset, clock + item.length);
        let Body::Item(inner) = &item.body else {
            let length = end - start;
            return self.push(start, Piece { length, kind: Kind::Collected, place: None, flags: Flags::default() });
        };
        let mut text = if let Content::Text(text) = inner.content { Some(TextCursor::at(text, *offset)) } else { None };
        let flags = flags_of(inner, item.length);
        let mut from = start;
        while from < end {
            let (is_deleted, to) = self.next_piece(from, end);
            let length = to - from;
            let kind = match &mut text {
                Some(text) => self.text(text, length, is_deleted),
                None => kind_of(inner, is_deleted),
            };
            let place = if from == *clock {
                inner.place
            } else {
                inner.place.after(Id { client: self.client, clock: from - 1 })
            };
            let flags = Flags { continues: from > start, is_deleted, ..flags };
            self.push(from, Piece { length, kind, place: Some(place), flags });
            from = to;
        }
    }

    fn text(&mut self, text: &mut TextCursor<'a>, length: Clock, is_deleted: bool) -> Kind {
        let from = self.document.texts.len();
        if is_deleted {
            text.skip(length);
            return Kind::Deleted;
        }
        text.take(length, &mut self.document.texts);
        Kind::Text { from, to: self.document.texts.len() }
    }

    /// Whether the piece at `from` is deleted, and where it ends: at a seam, a deletion's border, or `end`.
    fn next_piece(&mut self, from: Clock, end: Clock) -> (bool, Clock) {
        while let Some((seam, rest)) = self.seams.split_first().filter(|(seam, _)| **seam <= from) {
            self.last_seam = Some(*seam);
            self.seams = rest;
        }
        while let Some((_, rest)) = self.deleted.split_first().filter(|((_, deleted_end), _)| *deleted_end <= from) {
            self.deleted = rest;
        }
        let seam = self.seams.first().copied().unwrap_or(end);
        let (is_deleted, border) = match self.deleted.first() {
            Some((start, deleted_end)) if *start <= from => (true, *deleted_end),
            Some((start, _)) => (false, *start),
            None => (false, end),
        };
        (is_deleted, end.min(seam).min(border))
    }

    /// Adds a node, or lets the one before it go on.
    fn push(&mut self, clock: Clock, piece: Piece<'a>) {
        if self.goes_on(clock, &piece) {
            return;
        }
        let Piece { length, kind, place, flags } = piece;
        let (origin, right_origin) = place.map_or((None, None), |place| (place.origin, place.right_origin));
        let parent = place.and_then(|place| place.parent.map(|parent| (parent, place.key)));
        let document = &mut *self.document;
        document.nodes.push(Node {
            id: Id { client: self.client, clock },
            length,
            kind,
            origin,
            right_origin,
            parent: parent.map_or(NONE, |parent| {
                document.parents.push(parent);
                index_of(document.parents.len() - 1)
            }),
            flags,
            left_node: NONE,
            right_node: NONE,
            list: NONE,
            next: NONE,
        });
    }

    /// Nothing can come between two structs of which the second continues the first, unless something names the place
    /// between them: there would be a seam then.
    fn goes_on(&mut self, clock: Clock, piece: &Piece<'a>) -> bool {
        let index = index_of(self.document.nodes.len());
        if index <= self.from || self.last_seam == Some(clock) {
            return false;
        }
        let Some(last) = self.document.nodes.last_mut() else { return false };
        let behind_last = piece.place.is_some_and(|place| {
            place.origin == Some(Id { client: self.client, clock: clock - 1 })
                && place.right_origin == last.right_origin
        });
        match (&mut last.kind, piece.kind) {
            (Kind::Collected, Kind::Collected) => {}
            (Kind::Deleted, Kind::Deleted) if behind_last => {}
            (Kind::Text { to, .. }, Kind::Text { from: next, to: end }) if behind_last && *to == next => *to = end,
            _ => return false,
        }
        last.length += piece.length;
        last.flags.is_long |= piece.flags.is_long;
        last.flags.is_unmarked |= piece.flags.is_unmarked;
        true
    }
}

/// A part of a struct that becomes a node.
struct Piece<'a> {
    length: Clock,
    kind: Kind,
    place: Option<Place<'a>>,
    flags: Flags,
}

fn flags_of(item: &Item<'_>, length: Clock) -> Flags {
    let holds_units = matches!(item.content, Content::Text(_) | Content::Values(_));
    let is_unmarked = !item.has_key() && !matches!(item.content, Content::Deleted);
    Flags { is_long: holds_units && length > 1, is_unmarked, ..Flags::default() }
}

fn kind_of(item: &Item<'_>, is_deleted: bool) -> Kind {
    match item.content {
        Content::Deleted => Kind::Deleted,
        Content::Type(SharedType::XmlElement(tag)) => {
            Kind::Element { is_break: matches!(tag, "hardBreak" | "hard_break") }
        }
        Content::Type(SharedType::XmlText) => Kind::XmlText,
        Content::Type(_) => Kind::OtherType,
        _ if is_deleted => Kind::Deleted,
        Content::Values(_) => Kind::Value,
        Content::Text(_) | Content::Opaque => Kind::Other,
    }
}
