//! Queries: words, `"phrases"`, and `-` before what must not be there. Whatever is typed is a query; what cannot be read as
//! one is searched for its words.

use super::pieces::{Piece, pieces};

/// Words and phrases of a query at most; what comes after them is ignored.
const MAX_UNITS: usize = 32;
/// Pieces of all of them at most.
const MAX_PIECES: usize = 128;
/// A word of so many characters also finds words that begin with it.
pub const MIN_PREFIX_CHARS: usize = 3;

/// What is searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Each must be there. Nothing answers a query without any.
    pub wanted: Vec<Unit>,
    /// None may be there.
    pub unwanted: Vec<Unit>,
}

/// A word, or several pieces that must follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The pieces, at least one.
    pub parts: Vec<Part>,
    /// Whether the last one may be the beginning of a longer word.
    pub is_open: bool,
}

/// A piece of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its folded text.
    pub folded: String,
    /// Whether it is a sign of a script without spaces.
    pub is_sign: bool,
    /// Whether it stands directly behind the part before it.
    pub follows: bool,
}

/// A term that a document which answers a query has in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// This very term.
    Exact(String),
    /// A term that begins so.
    Prefix(String),
}

impl Unit {
    /// The terms that a document with this unit has. It need not have the unit if it has them, unless there is only one.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            let next = self.parts.get(at + 1).filter(|next| next.is_sign && next.follows);
            let is_paired = at > 0 && part.follows && self.parts.get(at - 1).is_some_and(|before| before.is_sign);
            match next {
                _ if !part.is_sign => keys.push(if self.is_prefix(at) {
                    Key::Prefix(part.folded.clone())
                } else {
                    Key::Exact(part.folded.clone())
                }),
                Some(next) => keys.push(Key::Exact(format!("{}{}", part.folded, next.folded))),
                None if is_paired => {}
                None => keys.push(Key::Prefix(part.folded.clone())),
            }
        }
        keys
    }

    /// Whether the part at this place may be the beginning of a longer word.
    #[must_use]
    pub fn is_prefix(&self, at: usize) -> bool {
        let is_long = |part: &Part| !part.is_sign && part.folded.chars().nth(MIN_PREFIX_CHARS - 1).is_some();
        self.is_open && at + 1 == self.parts.len() && self.parts.get(at).is_some_and(is_long)
    }
}

impl Query {
    /// Reads a query.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let mut rest = text;
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                return query;
            }
            let is_unwanted = rest.starts_with('-');
            let begun = rest.strip_prefix('-').unwrap_or(rest);
            let (chunk, is_phrase, after) = chunk(begun);
            query.add(chunk, is_phrase, is_unwanted);
            rest = after;
        }
    }

    fn add(&mut self, chunk: &str, is_phrase: bool, is_unwanted: bool) {
        let known = self.wanted.iter().chain(&self.unwanted);
        let (units, parts) = known.fold((0, 0), |(units, parts), unit| (units + 1, parts + unit.parts.len()));
        let mut before: Option<Piece<'_>> = None;
        let read = pieces(chunk).take(MAX_PIECES.saturating_sub(parts)).map(|piece| {
            let follows = before.as_ref().is_some_and(|before| piece.follows(before));
            before = Some(piece.clone());
            Part { folded: piece.folded.into_owned(), is_sign: piece.is_sign, follows }
        });
        let unit = Unit { parts: read.collect(), is_open: !is_phrase };
        let list = if is_unwanted { &mut self.unwanted } else { &mut self.wanted };
        if units < MAX_UNITS && !unit.parts.is_empty() && !list.contains(&unit) {
            list.push(unit);
        }
    }
}

const fn is_quote(character: char) -> bool {
    matches!(character, '"' | '“' | '”' | '„')
}

/// The next phrase or word, whether it is a phrase, and what comes after it. A quotation mark that nothing closes is none.
fn chunk(text: &str) -> (&str, bool, &str) {
    let mut characters = text.chars();
    if characters.next().is_some_and(is_quote) {
        let inner = characters.as_str();
        match inner.find(is_quote) {
            Some(end) => {
                let after = inner.get(end..).unwrap_or_default();
                return (inner.get(..end).unwrap_or_default(), true, after.trim_start_matches(is_quote));
            }
            None => return chunk(inner),
        }
    }
    let end = text.find(|character: char| character.is_whitespace() || is_quote(character)).unwrap_or(text.len());
    (text.get(..end).unwrap_or_default(), false, text.get(end..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(units: &[Unit]) -> Vec<String> {
        let show = |unit: &Unit| {
            let parts: Vec<_> = unit.parts.iter().map(|part| part.folded.as_str()).collect();
            format!("{}{}", parts.join("+"), if unit.is_prefix(unit.parts.len() - 1) { "*" } else { "" })
        };
        units.iter().map(show).collect()
    }

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let query = Query::parse(text);
        (shown(&query.wanted), shown(&query.unwanted))
    }

    #[test]
    fn queries_are_words_phrases_and_what_must_not_be_there() {
        for (text, wanted, unwanted) in [
            ("one TWO", vec!["one*", "two*"], vec![]),
            ("\"one two\" -three -\"four five\"", vec!["one+two"], vec!["three*", "four+five"]),
            ("“Über uns”", vec!["uber+uns"], vec![]),
            ("foo-bar a@b.org", vec!["foo+bar*", "a+b+org*"], vec![]),
            ("in a", vec!["in", "a"], vec![]),
            ("one one", vec!["one*"], vec![]),
            ("東京都 iPhone手机", vec!["東+京+都", "iphone+手+机"], vec![]),
            // What means something to databases, or nothing at all.
            ("\"one two", vec!["one*", "two*"], vec![]),
            ("one\"two\"three", vec!["one*", "two", "three*"], vec![]),
            (
                "title: NEAR(one, 2) AND (two*) | !x & y <-> z':A",
                vec!["title*", "near+one*", "2", "and*", "two*", "x", "y", "z+a"],
                vec![],
            ),
            ("- -- \"\" \" ( ) ^ \\ \0", vec![], vec![]),
            ("--one", vec![], vec!["one*"]),
        ] {
            let shown = read(text);
            assert_eq!(shown.0, wanted, "{text}");
            assert_eq!(shown.1, unwanted, "{text}");
        }
    }

    #[test]
    fn queries_are_bounded() {
        let long: String = (0..1_000).map(|number| format!("w{number} ")).collect();
        assert_eq!(Query::parse(&long).wanted.len(), MAX_UNITS);
        let signs = Query::parse(&"東京".repeat(10_000));
        assert_eq!(signs.wanted.iter().map(|unit| unit.parts.len()).sum::<usize>(), MAX_PIECES);
        assert!(Query::parse(&"\"".repeat(100_000)).wanted.is_empty());
    }

    #[test]
    fn keys_are_terms_of_the_index() {
        let keys = |text: &str| Query::parse(text).wanted.iter().flat_map(Unit::keys).collect::<Vec<_>>();
        let (exact, prefix) = (|key: &str| Key::Exact(key.to_owned()), |key: &str| Key::Prefix(key.to_owned()));
        assert_eq!(keys("one"), [prefix("one")]);
        assert_eq!(keys("\"one two\" in"), [exact("one"), exact("two"), exact("in")]);
        assert_eq!(keys("東"), [prefix("東")]);
        assert_eq!(keys("東京都"), [exact("東京"), exact("京都")]);
        assert_eq!(keys("\"東京 都\""), [exact("東京"), prefix("都")]);
        assert_eq!(keys("手机box"), [exact("手机"), prefix("box")]);
    }
}
