//! Full-text search, as far as it needs no database: the pieces of a text (`pieces`), the terms that an index holds of a
//! document (`terms`), queries (`query`), and what of a text answers one (`matching`).
//!
//! A database only narrows down which documents may answer a query. Whether one does is decided here, on its current
//! text, so that every database finds the same.

pub mod matching;
pub mod pieces;
pub mod query;
pub mod terms;

/// The form of the terms. A document that was indexed in another form is indexed again.
pub const FORM: i16 = 1;

/// Bytes of a text that are searched; what comes after them is not found.
pub const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// The beginning of a text that is searched.
#[must_use]
pub fn searched(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}
