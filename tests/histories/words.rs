//! What is typed: sentences of prose, with scripts and signs of every width, and lines of code.

use super::numbers::Numbers;

/// What somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Paragraphs, with headings and lists.
    Prose,
    /// A program.
    Code,
}

const WORDS: &[&str] = &[
    "the",
    "a",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "it",
    "for",
    "on",
    "with",
    "as",
    "was",
    "at",
    "by",
    "from",
    "or",
    "harbour",
    "ferry",
    "morning",
    "keeper",
    "lantern",
    "tide",
    "letter",
    "chart",
    "engine",
    "whistle",
    "rope",
    "island",
    "winter",
    "captain",
    "weather",
    "signal",
    "coffee",
    "ticket",
    "window",
    "market",
    "kitchen",
    "garden",
    "paper",
    "carries",
    "leaves",
    "waits",
    "returns",
    "counts",
    "writes",
    "answers",
    "remembers",
    "forgets",
    "crosses",
    "repairs",
    "slowly",
    "before",
    "after",
    "again",
    "never",
    "always",
    "without",
    "between",
    "under",
    "small",
    "old",
    "quiet",
    "twelve",
    "seven",
    "naïve",
    "café",
    "Übung",
    "señora",
    "coöperate",
    "smörgås",
    "Łódź",
    "ελιά",
    "корабль",
    "שלום",
];

/// Chinese, Japanese and Korean; signs outside the basic plane; signs made of several.
const WIDE: &[&str] = &[
    "東京",
    "港で待つ",
    "船が出る",
    "燈塔",
    "海邊的早晨",
    "항구",
    "등대지기",
    "𠮷野家",
    "😀",
    "🚢",
    "👩‍🔧",
    "🇮🇸",
    "✍🏽",
    "e\u{301}té",
];

const NAMES: &[&str] =
    &["tide", "port", "berth", "cargo", "crew", "depth", "speed", "route", "signal", "anchor", "log", "fare", "dock"];

/// The next piece of text: a sentence with what separates it from the one before, or a line.
pub fn piece(style: Style, numbers: &mut Numbers) -> String {
    match style {
        Style::Prose => sentence(numbers),
        Style::Code => line(numbers),
    }
}

/// A word or two, to be put in between.
pub fn phrase(style: Style, numbers: &mut Numbers) -> String {
    match style {
        Style::Prose => format!("{} ", word(numbers)),
        Style::Code => format!("{}_", numbers.pick(NAMES)),
    }
}

fn word(numbers: &mut Numbers) -> &'static str {
    if numbers.percent(4) { numbers.pick(WIDE) } else { numbers.pick(WORDS) }
}

/// So many words, the first in upper case where its script has that.
pub fn words(numbers: &mut Numbers, count: usize) -> String {
    let words: Vec<&str> = (0..count).map(|_| word(numbers)).collect();
    let text = words.join(" ");
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

fn sentence(numbers: &mut Numbers) -> String {
    let count = numbers.between(4, 14);
    let text = words(numbers, count);
    match numbers.below(20) {
        0 => format!("\n\n## {text}\n\n"),
        1 => format!("\n- {text}"),
        2 => format!("\n- [ ] {text}"),
        3..=5 => format!("\n\n{text}."),
        6 => format!(" {text}?"),
        _ => format!(" {text}."),
    }
}

fn line(numbers: &mut Numbers) -> String {
    let (first, second) = (numbers.pick(NAMES), numbers.pick(NAMES));
    let number = numbers.below(10_000);
    let indent = "  ".repeat(numbers.below(4));
    match numbers.below(7) {
        0 => format!("\n{indent}function {first}({second}) {{\n{indent}}}\n"),
        1 => format!("{indent}const {first} = {second}.map(x => x + {number});\n"),
        2 => format!("{indent}if ({first} > {number}) return {second};\n"),
        3 => format!("{indent}// {}\n", words(numbers, 6)),
        4 => format!("{indent}<li class=\"{first}\">{{{second}}}</li>\n"),
        5 => format!("{indent}{first}[{number}] = \"{}\";\n", word(numbers)),
        _ => format!("{indent}await {first}({second}, {{ {first}: {number} }});\n"),
    }
}
