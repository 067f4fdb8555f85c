//! The pieces of a text that can be searched for: words, and the signs of scripts that put no spaces between words. Case
//! and diacritics are folded away.

use std::borrow::Cow;
use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// Characters of a word that count: two words that begin with the same ones are the same.
const MAX_WORD_CHARS: usize = 64;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Where it stands, in bytes.
    pub place: Range<usize>,
    /// What it is searched by.
    pub folded: Cow<'a, str>,
    /// Whether it is a sign of a script without spaces.
    pub is_sign: bool,
}

impl Piece<'_> {
    /// Whether it stands directly behind another one, without anything between them.
    #[must_use]
    pub fn follows(&self, other: &Self) -> bool {
        other.place.end == self.place.start
    }
}

/// The pieces of `text`, in order.
pub fn pieces(text: &str) -> Pieces<'_> {
    Pieces { text, characters: text.char_indices().peekable() }
}

/// Iterates over the pieces of a text.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    text: &'a str,
    characters: Peekable<CharIndices<'a>>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let (start, first) = self.characters.next()?;
            if !is_of_word(first) {
                continue;
            }
            let is_sign = is_sign(first);
            let goes_on = if is_sign { is_attached } else { is_of_same_word };
            let mut end = start + first.len_utf8();
            while let Some((at, next)) = self.characters.next_if(|(_, next)| goes_on(*next)) {
                end = at + next.len_utf8();
            }
            let folded = fold(self.text.get(start..end).unwrap_or_default());
            if !folded.is_empty() {
                return Some(Piece { place: start..end, folded, is_sign });
            }
        }
    }
}

fn combining_class(character: char) -> u8 {
    if character.is_ascii() { 0 } else { CanonicalCombiningClassMapBorrowed::new().get_u8(character) }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || combining_class(character) != 0 || is_invisible(character)
}

/// Characters without width that stand inside words: the soft hyphen, the joiners of Persian and of Indian scripts, and
/// those that forbid a break.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}')
}

fn is_of_same_word(character: char) -> bool {
    is_of_word(character) && !is_sign(character)
}

/// Whether a character belongs to the sign before it: combining marks, half-width voicing marks, later parts of a Hangul
/// syllable.
fn is_attached(character: char) -> bool {
    combining_class(character) != 0 || matches!(character, '\u{ff9e}' | '\u{ff9f}' | '\u{1160}'..='\u{11ff}')
}

/// Whether a character belongs to a script whose words are not told apart by spaces, or grow endings without one: Han,
/// Kana, Bopomofo, Yi, Hangul; Thai, Lao, Burmese, Khmer and their relatives.
fn is_sign(character: char) -> bool {
    matches!(character,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{1950}'..='\u{19df}' | '\u{1a20}'..='\u{1aaf}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{3035}' | '\u{3038}'..='\u{303c}' | '\u{3040}'..='\u{31bf}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{a4cf}' | '\u{a960}'..='\u{a97f}'
        | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ffdc}' | '\u{1aff0}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}')
}

/// A word without case, without diacritics, in its plainest form.
#[must_use]
pub fn fold(word: &str) -> Cow<'_, str> {
    if !word.is_ascii() {
        return Cow::Owned(fold_any(word));
    }
    let kept = word.get(..MAX_WORD_CHARS).unwrap_or(word);
    if kept.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(kept.to_ascii_lowercase())
    } else {
        Cow::Borrowed(kept)
    }
}

fn fold_any(word: &str) -> String {
    let plain = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(word.chars());
    let mut bare = String::with_capacity(word.len());
    for character in plain.filter(|character| !is_diacritic(*character)) {
        match simplified(character) {
            "" => bare.extend(character.to_lowercase().map(|lower| if lower == 'ς' { 'σ' } else { lower })),
            letters => bare.push_str(letters),
        }
    }
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&bare);
    let counts = |character: &char| character.is_alphanumeric() || combining_class(*character) != 0;
    composed.chars().filter(counts).take(MAX_WORD_CHARS).collect()
}

/// Points of Hebrew, Arabic and Syriac, and marks above, below and through letters. Marks that make another letter (the
/// voicing of Kana, the nukta and virama of Indian scripts, tones of Thai) stay.
fn is_diacritic(character: char) -> bool {
    matches!(combining_class(character), 1 | 10..=36 | 200..)
}

/// Letters that people write without their stroke or as two, and that have no decomposition.
const fn simplified(character: char) -> &'static str {
    match character {
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ø' | 'Ø' => "o",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'ł' | 'Ł' => "l",
        'ħ' | 'Ħ' => "h",
        'ŧ' | 'Ŧ' => "t",
        'þ' | 'Þ' => "th",
        'ı' => "i",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        pieces(text).map(|piece| piece.folded.into_owned()).collect()
    }

    #[test]
    fn words_are_folded() {
        for (text, words) in [
            ("Hello, WORLD!", vec!["hello", "world"]),
            ("naïve Ærø Straße ŁÓDŹ", vec!["naive", "aero", "strasse", "lodz"]),
            ("cafe\u{301} café CAFÉ", vec!["cafe", "cafe", "cafe"]),
            ("İstanbul ısı", vec!["istanbul", "isi"]),
            ("ΌΔΟΣ οδός", vec!["οδοσ", "οδοσ"]),
            ("Ёлка ещё й", vec!["елка", "еще", "и"]),
            ("ﬁne Ａ１ ½", vec!["fine", "a1", "12"]),
            ("שָׁלוֹם", vec!["שלום"]),
            ("कि की", vec!["कि", "की"]),
            ("snake_case don't a-b", vec!["snake", "case", "don", "t", "a", "b"]),
            ("\u{301} \u{200d} -- \u{ad} \u{feff} 🚀", vec![]),
            ("co\u{ad}ope\u{ad}rate \u{feff}no\u{2060}where", vec!["cooperate", "nowhere"]),
        ] {
            assert_eq!(folded(text), words, "{text}");
        }
        assert_eq!(folded(&"x".repeat(100)), ["x".repeat(64)]);
        assert_eq!(folded(&"é".repeat(100)), ["e".repeat(64)]);
    }

    #[test]
    fn signs_stand_alone() {
        assert_eq!(folded("東京 iPhone手机2"), ["東", "京", "iphone", "手", "机", "2"]);
        // Half-width Kana with its voicing mark, decomposed Kana and decomposed Hangul are what they look like.
        assert_eq!(folded("ｶﾞ か\u{3099}"), ["ガ", "が"]);
        assert_eq!(folded("\u{1112}\u{1161}\u{11ab}글"), ["한", "글"]);
        let read: Vec<_> = pieces("a東京").map(|piece| (piece.place.clone(), piece.is_sign)).collect();
        assert_eq!(read, [(0..1, false), (1..4, true), (4..7, true)]);
    }

    #[test]
    fn a_folded_word_is_its_own_fold() {
        for text in ["Ǆ ǅ ŉ ẖ ΐ ﬃ ß İ ς", "한글 がぎ ｶﾞ", "क़ख़ग़ ง่าย", "x\u{345}\u{301}\u{316}y"]
        {
            for word in folded(text) {
                assert_eq!(fold(&word), word, "{text}");
            }
        }
    }

    proptest::proptest! {
        /// What is folded holds nothing that a query language could read, and is found by itself.
        #[test]
        fn any_text_has_pieces(text in "\\PC{0,40}") {
            let mut last = 0;
            for piece in pieces(&text) {
                assert!(piece.place.start >= last && text.get(piece.place.clone()).is_some());
                last = piece.place.end;
                let harmless = |c: char| c.is_alphanumeric() || combining_class(c) != 0;
                assert!(!piece.folded.is_empty() && piece.folded.chars().all(harmless), "{piece:?}");
                assert!(!piece.folded.bytes().any(|byte| byte.is_ascii_uppercase()), "{piece:?}");
            }
        }
    }
}
