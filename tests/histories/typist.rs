//! One person at a keyboard: types, mistypes, goes back, deletes, pastes.

use super::Edit;
use super::numbers::Numbers;
use super::words::{Style, phrase, piece};

/// A key that will be pressed.
enum Key {
    Letter(char),
    Back,
}

/// Somebody who writes a text.
pub struct Typist {
    numbers: Numbers,
    style: Style,
    /// In UTF-16 units, as editors count.
    text: Vec<u16>,
    cursor: usize,
    /// The next one last.
    keys: Vec<Key>,
}

impl Typist {
    /// Somebody with an empty page.
    pub fn new(seed: u64, style: Style) -> Self {
        Self { numbers: Numbers::new(seed), style, text: Vec::new(), cursor: 0, keys: Vec::new() }
    }

    /// What has been written.
    pub fn text(&self) -> String {
        String::from_utf16_lossy(&self.text)
    }

    /// Others have changed the text: takes it as it is now, and looks for a new place.
    pub fn take(&mut self, text: &str) {
        self.text = text.encode_utf16().collect();
        self.keys.clear();
        self.cursor = self.somewhere();
    }

    /// The next edit.
    pub fn edit(&mut self) -> Edit {
        loop {
            match self.keys.pop() {
                Some(Key::Letter(letter)) => return self.replace(self.cursor, 0, &letter.to_string()),
                Some(Key::Back) if self.cursor > 0 => {
                    let from = self.before(self.cursor);
                    return self.replace(from, self.cursor - from, "");
                }
                Some(Key::Back) => {}
                None => {
                    if let Some(edit) = self.decide() {
                        return edit;
                    }
                }
            }
        }
    }

    /// What to do next: an edit at once, or keys to press.
    fn decide(&mut self) -> Option<Edit> {
        match self.numbers.below(100) {
            0..=7 => {
                self.cursor = self.somewhere();
                let text = phrase(self.style, &mut self.numbers);
                self.press(&text);
                None
            }
            8..=13 => self.rewrite_word(false),
            14..=17 => self.rewrite_word(true),
            18..=20 => {
                let text = piece(self.style, &mut self.numbers);
                let place = self.somewhere_near_the_end();
                Some(self.replace(place, 0, &text))
            }
            21..=24 => {
                let count = self.numbers.between(2, 20);
                self.keys.extend((0..count).map(|_| Key::Back));
                None
            }
            _ => {
                self.cursor = self.text.len();
                let text = piece(self.style, &mut self.numbers);
                self.press(&text);
                None
            }
        }
    }

    fn press(&mut self, text: &str) {
        let mut keys = Vec::new();
        for letter in text.chars() {
            if self.numbers.percent(3) {
                keys.extend([Key::Letter('x'), Key::Back]);
            }
            keys.push(Key::Letter(letter));
        }
        self.keys.extend(keys.into_iter().rev());
    }

    /// Deletes a word, or writes another in its place.
    fn rewrite_word(&mut self, is_replaced: bool) -> Option<Edit> {
        let from = self.somewhere();
        let is_end = |unit: &u16| *unit == u16::from(b' ') || *unit == u16::from(b'\n');
        let length = self.text[from..].iter().position(is_end).map_or(0, |at| at + 1);
        if length == 0 {
            return None;
        }
        let text = if is_replaced { phrase(self.style, &mut self.numbers) } else { String::new() };
        Some(self.replace(from, length, &text))
    }

    fn replace(&mut self, position: usize, deleted: usize, inserted: &str) -> Edit {
        let units: Vec<u16> = inserted.encode_utf16().collect();
        self.cursor = position + units.len();
        self.text.splice(position..position + deleted, units);
        Edit { position: position as u32, deleted: deleted as u32, inserted: inserted.to_owned() }
    }

    fn somewhere(&mut self) -> usize {
        let at = self.numbers.below(self.text.len() + 1);
        self.boundary(at)
    }

    fn somewhere_near_the_end(&mut self) -> usize {
        let at = self.text.len() - self.numbers.below(self.text.len().min(400) + 1);
        self.boundary(at)
    }

    /// The next place that is not inside a character.
    fn boundary(&self, at: usize) -> usize {
        let is_inside = self.text.get(at).is_some_and(|unit| (0xdc00..0xe000).contains(unit));
        if is_inside { at + 1 } else { at }
    }

    /// The place before the character that ends here.
    fn before(&self, at: usize) -> usize {
        let is_second_half = (0xdc00..0xe000).contains(&self.text[at - 1]);
        if is_second_half { at - 2 } else { at - 1 }
    }
}
