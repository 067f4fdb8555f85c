//! What an index holds of a document: its words, and its signs by twos.

use std::borrow::Cow;
use std::collections::HashSet;

use super::pieces::{Piece, pieces};
use super::searched;

/// Terms of a document at most; those of the title come first.
pub const MAX_TERMS: usize = 20_000;
/// Bytes of all of them at most: Postgres holds less than a megabyte of a document, and a name goes before each.
const MAX_BYTES: usize = 512 * 1024;

/// The terms of a document, each once, in no order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Those of its title.
    pub title: HashSet<String>,
    /// Those of title and text.
    pub all: HashSet<String>,
}

impl Terms {
    /// The terms of a document, as many as fit.
    #[must_use]
    pub fn of(title: &str, text: &str) -> Self {
        let mut room = Room { terms: MAX_TERMS, bytes: MAX_BYTES };
        let mut terms = Self::default();
        // A title's terms stand in both.
        each_term(title, |term| room.add(&mut terms.title, term));
        for term in &terms.title {
            if !room.add(&mut terms.all, Cow::Borrowed(term)) {
                break;
            }
        }
        each_term(searched(text), |term| room.add(&mut terms.all, term));
        terms
    }
}

/// What still fits.
struct Room {
    terms: usize,
    bytes: usize,
}

impl Room {
    /// Adds a term, if it is not there; whether there may be room for more.
    fn add(&mut self, to: &mut HashSet<String>, term: Cow<'_, str>) -> bool {
        let size = term.len();
        if self.terms == 0 || size > self.bytes {
            return false;
        }
        // Most words of a text stood in it before: they are not copied.
        if !to.contains(&*term) {
            to.insert(term.into_owned());
            self.terms -= 1;
            self.bytes -= size;
        }
        true
    }
}

/// Hands out the terms of a text, until `take` wants no more. Of a run of signs that is each two that follow each other,
/// and the last alone, so that any one sign begins a term.
fn each_term(text: &str, mut take: impl FnMut(Cow<'_, str>) -> bool) {
    let mut before: Option<Piece<'_>> = None;
    for piece in pieces(text) {
        let pair = before.take().map(|sign| match piece.is_sign && piece.follows(&sign) {
            true => Cow::Owned(format!("{}{}", sign.folded, piece.folded)),
            false => sign.folded,
        });
        if pair.is_some_and(|pair| !take(pair)) {
            return;
        }
        if piece.is_sign {
            before = Some(piece);
        } else if !take(piece.folded) {
            return;
        }
    }
    if let Some(sign) = before {
        take(sign.folded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(terms: HashSet<String>) -> Vec<String> {
        let mut terms: Vec<String> = terms.into_iter().collect();
        terms.sort();
        terms
    }

    fn all(text: &str) -> Vec<String> {
        sorted(Terms::of("", text).all)
    }

    #[test]
    fn words_stand_once_and_signs_by_twos() {
        assert_eq!(all("One two, ONE"), ["one", "two"]);
        assert_eq!(all("東京都 a京"), ["a", "京", "京都", "東京", "都"]);
        let terms = Terms::of("Plan 東京", "the plan");
        assert_eq!(sorted(terms.title), ["plan", "京", "東京"]);
        assert_eq!(sorted(terms.all), ["plan", "the", "京", "東京"]);
    }

    #[test]
    fn a_document_has_so_many_terms() {
        let many: String = (0..100_000).map(|number| format!("w{number} ")).collect();
        let terms = Terms::of("Title", &many);
        assert_eq!(terms.title.len() + terms.all.len(), MAX_TERMS);
        assert!(terms.all.contains("title"));
        let long: String = (0..20_000).map(|number| format!("{number:050} ")).collect();
        let bytes: usize = Terms::of("", &long).all.iter().map(String::len).sum();
        assert!(bytes <= MAX_BYTES && bytes > MAX_BYTES - 100, "{bytes}");
    }
}
