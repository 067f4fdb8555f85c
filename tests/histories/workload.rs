//! The workload: documents as people make them, each with an edit that another device made offline.

use yrs::{Doc, GetString, Map, ReadTxn, StateVector, Text, TextRef, Transact};

use super::numbers::Numbers;
use super::together::{apply, document};
use super::words::{Style, piece, words};
use super::{Edit, ROOT};

/// How many documents there are.
pub const DOCUMENTS: u64 = 512;

/// A document, and its second version.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The first title.
    pub title: String,
    /// The first text: about 1.7 KB of Markdown.
    pub content: String,
    /// The Yjs state of both: about 2 KB.
    pub state: Vec<u8>,
    /// The second title.
    pub new_title: String,
    /// The second text.
    pub new_content: String,
    /// The Yjs update that leads from the first to the second: about 190 bytes.
    pub update: Vec<u8>,
}

/// The documents; always the same.
pub fn documents() -> Vec<Sample> {
    (0..DOCUMENTS).map(sample).collect()
}

fn sample(number: u64) -> Sample {
    let mut numbers = Numbers::new(number.wrapping_mul(0x0100_0001) ^ 0x1a4d_fa11);
    let count = numbers.between(3, 8);
    let title = words(&mut numbers, count);
    let doc = document(client(&mut numbers));
    let text = doc.get_or_insert_text(ROOT);
    set_title(&doc, &title);
    append(&doc, &text, &format!("# {title}\n"));
    let length = numbers.between(1_000, 2_300);
    while len(&doc, &text) < length {
        let style = if numbers.percent(80) { Style::Prose } else { Style::Code };
        append(&doc, &text, &piece(style, &mut numbers));
        // Nobody writes from the beginning to the end.
        if numbers.percent(12) {
            put_in(&doc, &text, &words(&mut numbers, 2), &mut numbers);
        }
        if numbers.percent(12) {
            take_out(&doc, &text, &mut numbers);
        }
    }
    let content = text.get_string(&doc.transact());
    let state = doc.transact().encode_state_as_update_v1(&StateVector::default());

    let known = doc.transact().state_vector();
    let other = document(client(&mut numbers));
    let text = other.get_or_insert_text(ROOT);
    other.transact_mut().apply_update(yrs::updates::decoder::Decode::decode_v1(&state).unwrap()).unwrap();
    let new_title = format!("{title} (2)");
    set_title(&other, &new_title);
    let count = numbers.between(5, 10);
    append(&other, &text, &format!("\n\n{}.", words(&mut numbers, count)));
    put_in(&other, &text, &words(&mut numbers, 3), &mut numbers);
    let new_content = text.get_string(&other.transact());
    let update = other.transact().encode_diff_v1(&known);
    Sample { title, content, state, new_title, new_content, update }
}

fn client(numbers: &mut Numbers) -> u64 {
    1 + numbers.below(u32::MAX as usize - 1) as u64
}

fn set_title(doc: &Doc, title: &str) {
    let meta = doc.get_or_insert_map("meta");
    meta.insert(&mut doc.transact_mut(), "title", title);
}

fn len(doc: &Doc, text: &TextRef) -> usize {
    text.len(&doc.transact()) as usize
}

fn append(doc: &Doc, text: &TextRef, inserted: &str) {
    let position = text.len(&doc.transact());
    apply(doc, text, &Edit { position, deleted: 0, inserted: inserted.to_owned() });
}

fn put_in(doc: &Doc, text: &TextRef, inserted: &str, numbers: &mut Numbers) {
    let position = space(doc, text, numbers);
    apply(doc, text, &Edit { position, deleted: 0, inserted: format!(" {inserted}") });
}

fn take_out(doc: &Doc, text: &TextRef, numbers: &mut Numbers) {
    let position = space(doc, text, numbers);
    let deleted = (len(doc, text) as u32 - position).min(3);
    let units: Vec<u16> = text.get_string(&doc.transact()).encode_utf16().collect();
    let gone = &units[position as usize..(position + deleted) as usize];
    // Half a character is never deleted.
    if gone.iter().all(|unit| !(0xd800..0xe000).contains(unit)) {
        apply(doc, text, &Edit { position, deleted, inserted: String::new() });
    }
}

/// Somewhere before a space, in UTF-16 units.
fn space(doc: &Doc, text: &TextRef, numbers: &mut Numbers) -> u32 {
    let units: Vec<u16> = text.get_string(&doc.transact()).encode_utf16().collect();
    let from = numbers.below(units.len());
    let after = units[from..].iter().position(|unit| *unit == u16::from(b' '));
    after.map_or(units.len(), |at| from + at) as u32
}
