//! Line ends and byte order marks: a document's text has LF and no mark, a file keeps those that it has. Pure.
//!
//! A line end is a line feed with the carriage returns before it. A carriage return that stands elsewhere is a character
//! like any other.

use std::borrow::Cow;

use super::line_diff::{Budget, hunks};

/// Steps that a comparison of two texts may take. What they do not reach counts as new.
const MAX_STEPS: usize = 20_000_000;

/// The byte order mark, as a character.
pub const MARK: char = '\u{feff}';

/// How a file writes what every text has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileForm {
    /// Whether its lines end in CR LF.
    pub has_crlf: bool,
    /// Whether it begins with a byte order mark.
    pub has_mark: bool,
}

impl FileForm {
    /// The form of a file that holds this; of several line ends the most frequent.
    #[must_use]
    pub fn of(raw: &str) -> Self {
        let (with, all) = (raw.matches("\r\n").count(), raw.matches('\n').count());
        Self { has_crlf: with * 2 > all, has_mark: raw.starts_with(MARK) }
    }

    const fn line_end(self) -> &'static str {
        if self.has_crlf { "\r\n" } else { "\n" }
    }
}

/// A text as documents have it.
#[must_use]
pub fn inside(raw: &str) -> Cow<'_, str> {
    let text = raw.strip_prefix(MARK).unwrap_or(raw);
    if !text.contains("\r\n") {
        return Cow::Borrowed(text);
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let last = lines.len().saturating_sub(1);
    let bare = |(at, line): (usize, &&'_ str)| if at < last { line.trim_end_matches('\r') } else { line }.to_owned();
    Cow::Owned(lines.iter().enumerate().map(bare).collect::<Vec<_>>().join("\n"))
}

/// A text as a file is to have it that holds `old` now, or held another text in this form: each line that stays keeps its
/// end, others get the usual one.
#[must_use]
pub fn outside(text: &str, old: Option<&str>, form: FileForm) -> String {
    let form = old.filter(|old| old.contains('\n')).map_or(form, FileForm::of);
    let mark = if form.has_mark { MARK.to_string() } else { String::new() };
    let old = old.map(|old| old.strip_prefix(MARK).unwrap_or(old)).unwrap_or_default();
    let ends: Vec<&str> = old.split_inclusive('\n').filter_map(end_of).collect();
    if ends.iter().all(|end| *end == form.line_end()) {
        return mark + &text.replace('\n', form.line_end());
    }
    let (bare, lines): (Vec<&str>, Vec<&str>) =
        (old.split('\n').map(|line| line.trim_end_matches('\r')).collect(), text.split('\n').collect());
    let mut written = mark;
    let mut put = |line: &str, end: Option<&&str>, number: usize| {
        written.push_str(line);
        if number + 1 < lines.len() {
            written.push_str(end.copied().unwrap_or(form.line_end()));
        }
    };
    let mut at = 0;
    let mut old_at = 0;
    for hunk in hunks(&bare, &lines, &mut Budget::of(MAX_STEPS)) {
        for (line, number) in lines.get(at..hunk.new.start).unwrap_or_default().iter().zip(at..) {
            put(line, ends.get(old_at + number - at), number);
        }
        for (line, number) in lines.get(hunk.new.clone()).unwrap_or_default().iter().zip(hunk.new.start..) {
            put(line, None, number);
        }
        (at, old_at) = (hunk.new.end, hunk.old.end);
    }
    for (line, number) in lines.get(at..).unwrap_or_default().iter().zip(at..) {
        put(line, ends.get(old_at + number - at), number);
    }
    written
}

/// What ends a line: carriage returns and the line feed; `None` for a last line without one.
fn end_of(line: &str) -> Option<&str> {
    let rest = line.strip_suffix('\n')?;
    line.get(rest.trim_end_matches('\r').len()..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn documents_have_line_feeds_alone() {
        assert_eq!(inside("a\nb"), "a\nb");
        assert_eq!(inside("\u{feff}a\r\nb\r\r\n\r\nc\rd\r"), "a\nb\n\nc\rd\r");
    }

    #[test]
    fn a_file_keeps_its_line_ends() {
        let crlf = FileForm { has_crlf: true, has_mark: true };
        assert_eq!(outside("a\nb\nc", Some("a\r\nb"), FileForm::default()), "a\r\nb\r\nc");
        assert_eq!(outside("a\nb", Some("\u{feff}a\n"), crlf), "\u{feff}a\nb");
        assert_eq!(outside("a\nb\n", None, crlf), "\u{feff}a\r\nb\r\n");
        assert_eq!(outside("a\nb\n", Some("a"), crlf), "\u{feff}a\r\nb\r\n");
        assert_eq!(outside("x\na\nb\nc\ny\n", Some("a\r\nb\nc\r\n"), crlf), "x\r\na\r\nb\nc\r\ny\r\n");
        assert_eq!(outside("a\nc\n", Some("a\r\r\nb\nc\n"), crlf), "a\r\r\nc\n");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            old in "\u{feff}?([ab]{0,2}(\n|\r\n|\r\r\n)){0,6}[ab]?", new in "([ab\r]{0,2}[ab]?\n){0,6}[ab]?", crlf: bool
        ) {
            let new = inside(&new).into_owned();
            let form = FileForm { has_crlf: crlf, has_mark: false };
            for old in [Some(old.as_str()), None] {
                let written = outside(&new, old, form);
                prop_assert_eq!(inside(&written), new.as_str());
            }
            let bare = inside(&old);
            prop_assert_eq!(inside(&bare), bare.as_ref());
            if old.contains('\n') {
                prop_assert_eq!(outside(&bare, Some(&old), form), old.as_str());
            }
        }
    }
}
