//! Reading a text from front to back in pieces of so many UTF-16 units, in one pass.

use crate::domain::yjs_facts::Clock;

/// A text that is cut from front to back at UTF-16 offsets.
pub(super) struct TextCursor<'a> {
    rest: &'a str,
    /// Whether the last cut went through a surrogate pair, of which the second half is still to come.
    owes_half: bool,
}

impl<'a> TextCursor<'a> {
    /// At the offset `offset` of a text.
    pub(super) fn at(text: &'a str, offset: Clock) -> Self {
        let mut cursor = Self { rest: text, owes_half: false };
        cursor.skip(offset);
        cursor
    }

    /// Passes over the next `units` UTF-16 units.
    pub(super) fn skip(&mut self, units: Clock) {
        self.advance(units, |_| {});
    }

    /// Appends the next `units` UTF-16 units to `out`; halves of a surrogate pair are U+FFFD, as in yjs.
    pub(super) fn take(&mut self, units: Clock, out: &mut String) {
        self.advance(units, |piece| out.push_str(piece));
    }

    fn advance(&mut self, units: Clock, mut each: impl FnMut(&str)) {
        let mut units = usize::try_from(units).unwrap_or(usize::MAX);
        if self.owes_half && units > 0 {
            each("\u{fffd}");
            self.owes_half = false;
            units -= 1;
        }
        let (whole, units) = whole_characters(self.rest, units);
        let (taken, rest) = self.rest.split_at_checked(whole).unwrap_or((self.rest, ""));
        each(taken);
        self.rest = rest;
        let mut characters = rest.chars();
        if units > 0 && characters.next().is_some() {
            self.owes_half = true;
            each("\u{fffd}");
            self.rest = characters.as_str();
        }
    }
}

/// The bytes of the characters that fit into `units` whole, and the units that are left then.
fn whole_characters(text: &str, units: usize) -> (usize, usize) {
    if text.as_bytes().get(..units).is_some_and(<[u8]>::is_ascii) {
        return (units, 0);
    }
    let (mut bytes, mut left) = (0, units);
    for character in text.chars() {
        if character.len_utf16() > left {
            break;
        }
        left -= character.len_utf16();
        bytes += character.len_utf8();
        if left == 0 {
            break;
        }
    }
    (bytes, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_cuts_through_surrogate_pairs() {
        let mut cursor = TextCursor::at("a😀b😀", 0);
        let pieces: Vec<_> = [1, 1, 1, 2, 1]
            .into_iter()
            .map(|units| {
                let mut piece = String::new();
                cursor.take(units, &mut piece);
                piece
            })
            .collect();
        assert_eq!(pieces, ["a", "\u{fffd}", "\u{fffd}", "b\u{fffd}", "\u{fffd}"]);
        let mut rest = String::new();
        TextCursor::at("😀b", 1).take(2, &mut rest);
        assert_eq!(rest, "\u{fffd}b");
        rest.clear();
        TextCursor::at("abc", 1).take(9, &mut rest);
        assert_eq!(rest, "bc");
    }
}
