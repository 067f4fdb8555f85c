//! Updates made by hand, for the tests of this module.

use crate::domain::yjs_facts::{Client, Clock};
use crate::yjs::reader::{Id, put_length, put_number};
use crate::yjs::structs::{Parent, Place, put_text};

/// An update of sections `(client, first clock, structs)` and deletions `(client, [(clock, length)])`.
pub(super) fn update(sections: &[(Client, Clock, &[Vec<u8>])], deletes: &[(Client, &[(Clock, Clock)])]) -> Vec<u8> {
    let mut out = Vec::new();
    put_length(&mut out, sections.len());
    for (client, clock, structs) in sections {
        put_length(&mut out, structs.len());
        put_number(&mut out, *client);
        put_number(&mut out, u64::from(*clock));
        out.extend(structs.concat());
    }
    put_length(&mut out, deletes.len());
    for (client, ranges) in deletes {
        put_number(&mut out, *client);
        put_length(&mut out, ranges.len());
        for (clock, length) in *ranges {
            put_number(&mut out, u64::from(*clock));
            put_number(&mut out, u64::from(*length));
        }
    }
    out
}

/// The first text of a root.
pub(super) fn root_text(root: &str, text: &str) -> Vec<u8> {
    item(None, None, Some(Parent::Root(root)), None, text)
}

/// A text behind another.
pub(super) fn text_after(client: Client, clock: Clock, text: &str) -> Vec<u8> {
    item(Some(Id { client, clock }), None, None, None, text)
}

/// A text between two others.
pub(super) fn text_between(left: (Client, Clock), right: (Client, Clock), text: &str) -> Vec<u8> {
    let id = |(client, clock)| Some(Id { client, clock });
    item(id(left), id(right), None, None, text)
}

/// A text under a key of a root.
pub(super) fn keyed_text(root: &str, key: &str, text: &str) -> Vec<u8> {
    item(None, None, Some(Parent::Root(root)), Some(key), text)
}

/// The first array in a root, or in an item.
pub(super) fn array_in(parent: Parent<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    Place { origin: None, right_origin: None, parent: Some(parent), key: None }.put(&mut out, 7, false);
    out.push(0);
    out
}

fn item(
    origin: Option<Id>,
    right_origin: Option<Id>,
    parent: Option<Parent<'_>>,
    key: Option<&str>,
    text: &str,
) -> Vec<u8> {
    let mut out = Vec::new();
    put_text(&mut out, Place { origin, right_origin, parent, key }, text.as_bytes());
    out
}
