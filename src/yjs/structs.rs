//! One struct of a Yjs update: a garbage-collected run or an item, as read, and as written when it is cut.
//!
//! An item keeps its bytes: whatever need not change is copied, never encoded anew.

use std::borrow::Cow;

use crate::domain::yjs_facts::{Client, Clock};
use crate::yjs::reader::{Id, MAX_CLOCK, Reader, put_id, put_length, put_number, put_string, utf16_length};
use crate::yjs::scan_error::ScanError;
use crate::yjs::values::{skip_any, skip_json};

const HAS_ORIGIN: u8 = 0x80;
const HAS_RIGHT_ORIGIN: u8 = 0x40;
const HAS_KEY: u8 = 0x20;
const CONTENT: u8 = 0x1f;

pub(super) const GC: u8 = 0;
pub(super) const DELETED: u8 = 1;
pub(super) const STRING: u8 = 4;
const ANY: u8 = 8;

/// A struct and its length in clocks.
#[derive(Clone, Debug)]
pub(super) struct Struct<'a> {
    pub(super) length: Clock,
    pub(super) body: Body<'a>,
    /// The struct as it was read.
    pub(super) bytes: &'a [u8],
}

/// What a struct is.
#[derive(Clone, Debug)]
pub(super) enum Body<'a> {
    /// What is left of items whose parent was deleted: nothing but their length.
    Collected,
    Item(Item<'a>),
}

/// An insertion.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    pub(super) place: Place<'a>,
    /// Whether the item carries the mark of a map's entry. Beside an origin yjs writes it and does not read it.
    has_key: bool,
    pub(super) content: Content<'a>,
}

/// Where an item was inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) origin: Option<Id>,
    pub(super) right_origin: Option<Id>,
    /// Named only when there is no neighbour to find it from.
    pub(super) parent: Option<Parent<'a>>,
    /// Key in a map or attribute of an XML element; named only with the parent.
    pub(super) key: Option<&'a str>,
}

/// The shared type that holds an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parent<'a> {
    Root(&'a str),
    Nested(Id),
}

/// What an item holds. Only text, nested types and lists are told apart further: nothing else is ever looked into.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    Deleted,
    Text(&'a str),
    Type(SharedType<'a>),
    /// A list of `any` values, encoded one after the other.
    Values(&'a [u8]),
    /// An embed, a format mark, binary or a subdocument: one clock long.
    Opaque,
}

/// The kind of a nested shared type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SharedType<'a> {
    Array,
    Map,
    Text,
    XmlElement(&'a str),
    XmlFragment,
    XmlText,
}

impl<'a> Struct<'a> {
    /// Reads one struct.
    pub(super) fn read(reader: &mut Reader<'a>, max_nesting: usize) -> Result<Self, ScanError> {
        let start = reader.rest();
        let info = reader.byte()?;
        let (length, body) = match info {
            GC => (reader.clock()?, Body::Collected),
            10 => return Err(reader.invalid("a Skip struct: the update has a hole")),
            _ => {
                let place = Place::read(reader, info)?;
                let (length, content) = Content::read(reader, info & CONTENT, max_nesting)?;
                (length, Body::Item(Item { place, has_key: info & HAS_KEY != 0, content }))
            }
        };
        if length == 0 {
            return Err(reader.invalid("a struct of length zero"));
        }
        Ok(Self { length, body, bytes: reader.since(start) })
    }

    /// The root that this is put into as an item of a sequence that names no neighbour.
    pub(super) fn root_of_sequence(&self) -> Option<&'a str> {
        match &self.body {
            Body::Item(Item { place: Place { parent: Some(Parent::Root(name)), key: None, .. }, .. }) => Some(name),
            _ => None,
        }
    }

    /// Writes what is left of the struct after its first `offset` clocks; `id` is the name of its first clock.
    pub(super) fn put_from(&self, out: &mut Vec<u8>, id: Id, offset: Clock) {
        if offset == 0 {
            out.extend_from_slice(self.bytes);
            return;
        }
        match &self.body {
            Body::Collected => put_collected(out, self.length - offset),
            Body::Item(item) => {
                let place = item.place.after(Id { client: id.client, clock: id.clock + offset - 1 });
                match item.content {
                    Content::Deleted => {
                        place.put(out, DELETED, item.has_key);
                        put_number(out, u64::from(self.length - offset));
                    }
                    Content::Text(text) => {
                        place.put(out, STRING, item.has_key);
                        put_string(out, &cut_text(text, offset, self.length));
                    }
                    Content::Values(values) => {
                        place.put(out, ANY, item.has_key);
                        put_number(out, u64::from(self.length - offset));
                        out.extend_from_slice(skip_values(values, offset));
                    }
                    // One clock long: there is no inside to cut at.
                    Content::Type(_) | Content::Opaque => out.extend_from_slice(self.bytes),
                }
            }
        }
    }
}

impl<'a> Place<'a> {
    fn read(reader: &mut Reader<'a>, info: u8) -> Result<Self, ScanError> {
        let origin = if info & HAS_ORIGIN == 0 { None } else { Some(reader.id()?) };
        let right_origin = if info & HAS_RIGHT_ORIGIN == 0 { None } else { Some(reader.id()?) };
        if origin.is_some() || right_origin.is_some() {
            return Ok(Self { origin, right_origin, parent: None, key: None });
        }
        let parent = match reader.number()? {
            1 => Parent::Root(reader.string()?),
            0 => Parent::Nested(reader.id()?),
            _ => return Err(reader.invalid("a parent is neither a root nor an item")),
        };
        let key = if info & HAS_KEY == 0 { None } else { Some(reader.string()?) };
        Ok(Self { origin, right_origin, parent: Some(parent), key })
    }

    /// The place of the rest of an item, behind its clock `last`.
    pub(super) fn after(self, last: Id) -> Self {
        Self { origin: Some(last), right_origin: self.right_origin, parent: None, key: None }
    }

    /// Writes an item up to its content.
    pub(super) fn put(self, out: &mut Vec<u8>, content: u8, has_key: bool) {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        out.push(
            content
                | flag(self.origin.is_some(), HAS_ORIGIN)
                | flag(self.right_origin.is_some(), HAS_RIGHT_ORIGIN)
                | flag(has_key, HAS_KEY),
        );
        for id in [self.origin, self.right_origin].into_iter().flatten() {
            put_id(out, id);
        }
        match self.parent {
            Some(Parent::Root(name)) => {
                out.push(1);
                put_string(out, name);
            }
            Some(Parent::Nested(id)) => {
                out.push(0);
                put_id(out, id);
            }
            None => {}
        }
        if let Some(key) = self.key {
            put_string(out, key);
        }
    }
}

impl<'a> Item<'a> {
    /// Whether the item carries the mark of a map's entry or an attribute. It is one if the list that it is in is.
    pub(super) fn has_key(&self) -> bool {
        self.has_key
    }
}

impl<'a> Content<'a> {
    fn read(reader: &mut Reader<'a>, kind: u8, max_nesting: usize) -> Result<(Clock, Self), ScanError> {
        match kind {
            DELETED => Ok((reader.clock()?, Self::Deleted)),
            3 => {
                reader.buffer()?;
                Ok((1, Self::Opaque))
            }
            STRING => {
                let text = reader.string()?;
                match Clock::try_from(utf16_length(text)) {
                    Ok(length) if length <= MAX_CLOCK => Ok((length, Self::Text(text))),
                    _ => Err(reader.invalid("a text is longer than 2^31 - 1")),
                }
            }
            5 => {
                skip_json(reader, max_nesting)?;
                Ok((1, Self::Opaque))
            }
            6 => {
                reader.string()?;
                skip_json(reader, max_nesting)?;
                Ok((1, Self::Opaque))
            }
            7 => Ok((1, Self::Type(SharedType::read(reader)?))),
            ANY => {
                let length = reader.clock()?;
                let start = reader.rest();
                for _ in 0..length {
                    skip_any(reader, max_nesting)?;
                }
                Ok((length, Self::Values(reader.since(start))))
            }
            9 => {
                reader.string()?;
                if reader.rest().first() != Some(&118) {
                    return Err(reader.invalid("the options of a subdocument are not a map"));
                }
                skip_any(reader, max_nesting)?;
                Ok((1, Self::Opaque))
            }
            2 => Err(reader.invalid("legacy JSON content is not accepted")),
            _ => Err(reader.invalid("an unknown kind of struct")),
        }
    }
}

impl<'a> SharedType<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ScanError> {
        match reader.number()? {
            0 => Ok(Self::Array),
            1 => Ok(Self::Map),
            2 => Ok(Self::Text),
            3 => Ok(Self::XmlElement(reader.string()?)),
            4 => Ok(Self::XmlFragment),
            5 => Err(reader.invalid("XML hooks are not accepted")),
            6 => Ok(Self::XmlText),
            _ => Err(reader.invalid("an unknown shared type")),
        }
    }
}

/// Writes a garbage-collected run.
pub(super) fn put_collected(out: &mut Vec<u8>, length: Clock) {
    out.push(GC);
    put_number(out, u64::from(length));
}

/// Writes a deleted item.
pub(super) fn put_deleted(out: &mut Vec<u8>, place: Place<'_>, length: Clock) {
    place.put(out, DELETED, place.key.is_some());
    put_number(out, u64::from(length));
}

/// Writes a text item from its UTF-8 bytes.
pub(super) fn put_text(out: &mut Vec<u8>, place: Place<'_>, utf8: &[u8]) {
    place.put(out, STRING, place.key.is_some());
    put_length(out, utf8.len());
    out.extend_from_slice(utf8);
}

/// The UTF-16 units `from..to` of `text`. Half of a surrogate pair becomes U+FFFD, as in yjs.
pub(super) fn cut_text(text: &str, from: Clock, to: Clock) -> Cow<'_, str> {
    let (start, starts_inside) = byte_offset(text, from);
    let (end, ends_inside) = byte_offset(text, to);
    // Past the halved character where the cut begins inside it, before it where the cut ends inside it.
    let middle = text.get(start..end.max(start)).unwrap_or_default();
    let middle = if ends_inside { middle.strip_suffix(|c: char| c.len_utf16() == 2).unwrap_or(middle) } else { middle };
    if !starts_inside && !ends_inside {
        return Cow::Borrowed(middle);
    }
    let replacement = |cut: bool| if cut { "\u{fffd}" } else { "" };
    Cow::Owned([replacement(starts_inside), middle, replacement(ends_inside)].concat())
}

/// The byte offset of a UTF-16 offset, and whether that lies inside a character (then: the offset behind it).
fn byte_offset(text: &str, utf16_offset: Clock) -> (usize, bool) {
    let target = usize::try_from(utf16_offset).unwrap_or(usize::MAX);
    if text.is_ascii() {
        return (target.min(text.len()), false);
    }
    let mut units = 0;
    for (index, character) in text.char_indices() {
        if units >= target {
            return (index, units > target);
        }
        units += character.len_utf16();
    }
    (text.len(), units > target)
}

/// The encoded values behind the first `offset` ones.
fn skip_values(values: &[u8], offset: Clock) -> &[u8] {
    let mut reader = Reader::new(values);
    for _ in 0..offset {
        if skip_any(&mut reader, usize::MAX).is_err() {
            break;
        }
    }
    reader.rest()
}

/// An id behind which the struct that starts at `id` and is `length` long ends: its last clock.
pub(super) fn last_id(client: Client, end: Clock) -> Id {
    Id { client, clock: end.saturating_sub(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_utf16_offsets() {
        assert_eq!(cut_text("hello", 2, 5), "llo");
        assert_eq!(cut_text("hello", 1, 3), "el");
        assert_eq!(cut_text("aé😀b", 2, 5), "😀b");
        assert_eq!(cut_text("aé😀b", 3, 5), "\u{fffd}b");
        assert_eq!(cut_text("aé😀b", 0, 3), "aé\u{fffd}");
        assert_eq!(cut_text("😀😀", 1, 3), "\u{fffd}\u{fffd}");
        assert_eq!(cut_text("😀", 0, 1), "\u{fffd}");
        assert_eq!(cut_text("😀", 1, 2), "\u{fffd}");
        assert_eq!(cut_text("😀😀😀", 1, 5), "\u{fffd}😀\u{fffd}");
    }
}
