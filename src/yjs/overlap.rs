//! Comparing changes of an update with those that are known under the same names.
//!
//! Editors write one change in several forms: cut elsewhere, or deleted, or collected. Places and texts are compared,
//! since every form that has them has the same; of other contents only the kind.

use crate::domain::yjs_facts::{Client, Clock, StateVector};
use crate::yjs::reader::{Id, Reader};
use crate::yjs::scan_error::ScanError;
use crate::yjs::structs::{Body, Content, Item, Place, Struct};
use crate::yjs::text_cursor::TextCursor;
use crate::yjs::walk::Section;
use crate::yjs::weave::{RunStruct, Weave};

/// What stands for half of a surrogate pair that was cut.
const REPLACEMENT: u16 = 0xfffd;

/// A client of whom `sections` have something else than `weave`, which knows `known`, under a name that both have.
pub(super) fn has_other_contents(
    weave: &Weave<'_>,
    known: &StateVector,
    sections: &[Section<'_>],
) -> Result<Option<Client>, ScanError> {
    for section in sections.iter().filter(|section| section.start < known.get(section.client)) {
        let Some(run) = weave.runs.iter().find(|run| run.client == section.client) else { continue };
        let mut theirs = Structs { reader: Reader::new(section.bytes), clock: section.start, current: None };
        let mut differs = false;
        run.for_each(|RunStruct { clock, offset, item }| {
            let to = (clock + item.length).min(section.end);
            let mut from = (clock + offset).max(section.start);
            let mut ours = Part::new(run.client, clock, item);
            while from < to && !differs {
                let Some(their) = theirs.at(section.client, from)? else { break };
                let end = to.min(their.end());
                // An item cannot go on a run that was collected: yjs fails at that.
                let goes_on = matches!(ours.item.body, Body::Collected) && matches!(their.item.body, Body::Item(_));
                differs = ours.differs(their, from, end) || (goes_on && end == run.end && their.end() > end);
                from = end;
            }
            Ok(())
        })?;
        if differs {
            return Ok(Some(section.client));
        }
    }
    Ok(None)
}

/// A section's structs, read in step with others.
struct Structs<'a> {
    reader: Reader<'a>,
    clock: Clock,
    current: Option<Part<'a>>,
}

impl<'a> Structs<'a> {
    /// The struct that holds a clock; clocks come in ascending order.
    fn at(&mut self, client: Client, clock: Clock) -> Result<Option<&mut Part<'a>>, ScanError> {
        while self.current.as_ref().is_none_or(|part| part.end() <= clock) {
            if self.reader.rest().is_empty() {
                return Ok(None);
            }
            let item = Struct::read(&mut self.reader, usize::MAX)?;
            let start = self.clock;
            self.clock = start.saturating_add(item.length);
            self.current = Some(Part::new(client, start, item));
        }
        Ok(self.current.as_mut())
    }
}

/// A struct that is compared from front to back.
struct Part<'a> {
    client: Client,
    clock: Clock,
    item: Struct<'a>,
    text: Option<TextCursor<'a>>,
    /// The clock at which the text is read on.
    next: Clock,
}

impl<'a> Part<'a> {
    fn new(client: Client, clock: Clock, item: Struct<'a>) -> Self {
        let text = match &item.body {
            Body::Item(Item { content: Content::Text(text), .. }) => Some(TextCursor::at(text, 0)),
            _ => None,
        };
        Self { client, clock, item, text, next: clock }
    }

    const fn end(&self) -> Clock {
        self.clock + self.item.length
    }

    /// Whether another struct has something else at the clocks `[from, to)`.
    fn differs(&mut self, other: &mut Self, from: Clock, to: Clock) -> bool {
        let units = (self.units(from, to), other.units(from, to));
        let (Body::Item(ours), Body::Item(theirs)) = (&self.item.body, &other.item.body) else { return false };
        if self.place(ours, from) != other.place(theirs, from) {
            return true;
        }
        match (&ours.content, &theirs.content) {
            (Content::Deleted, _) | (_, Content::Deleted) => false,
            (Content::Text(_), Content::Text(_)) => {
                let same = |(ours, theirs)| ours == theirs || ours == REPLACEMENT || theirs == REPLACEMENT;
                !units.0.encode_utf16().zip(units.1.encode_utf16()).all(same)
            }
            (Content::Type(ours), Content::Type(theirs)) => ours != theirs,
            (Content::Values(_), Content::Values(_)) | (Content::Opaque, Content::Opaque) => false,
            _ => true,
        }
    }

    fn place(&self, item: &Item<'a>, from: Clock) -> Place<'a> {
        match from.checked_sub(1) {
            Some(last) if from > self.clock => item.place.after(Id { client: self.client, clock: last }),
            _ => item.place,
        }
    }

    fn units(&mut self, from: Clock, to: Clock) -> String {
        let mut units = String::new();
        if let Some(text) = &mut self.text {
            text.skip(from.saturating_sub(self.next));
            text.take(to.saturating_sub(from), &mut units);
            self.next = to;
        }
        units
    }
}
