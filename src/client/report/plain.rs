//! Text of others on a terminal: names, titles and messages may hold characters that move its cursor, change its title or
//! turn the direction of what follows. They are shown as what they are.

use std::path::Path;

/// One line, whatever stands in it.
#[must_use]
pub fn one_line(text: &str) -> String {
    escaped(text, is_active)
}

/// Lines as they are, with what a terminal would act on shown.
#[must_use]
pub fn lines(text: &str) -> String {
    escaped(text, |c| is_active(c) && !matches!(c, '\n' | '\t'))
}

/// A word of a command line, so that it can be pasted.
#[must_use]
pub fn quoted(word: &str) -> String {
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '~' | '+' | ',' | ':' | '@' | '=');
    if word.starts_with('-') {
        // It would be an option.
        return quoted(&format!("./{word}"));
    }
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A command that can be pasted: what stands before the folder, the folder as the user named it, and what follows.
#[must_use]
pub fn command(before: &str, folder: &Path, after: &str) -> String {
    let folder = folder.to_string_lossy();
    let folder = if folder == "." { String::new() } else { quoted(&folder) };
    let words = ["landfall", before, &folder, after].into_iter().filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str, is_barred: impl Fn(char) -> bool) -> String {
    if !text.contains(&is_barred) {
        return text.to_owned();
    }
    text.chars().map(|c| if is_barred(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// Control characters, line separators, and those that embed, override or isolate a direction (Unicode Standard
/// Annex 9, 2.1 to 2.5).
const fn is_active(c: char) -> bool {
    matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_shown() {
        assert_eq!(one_line("naïve 文 🎈 שלום.md"), "naïve 文 🎈 שלום.md");
        assert_eq!(one_line("a\u{1b}]0;t\u{7}\n\tb\u{9b}2J"), r"a\u{1b}]0;t\u{7}\n\tb\u{9b}2J");
        assert_eq!(one_line("x\u{202e}dm.exe\u{2069}"), r"x\u{202e}dm.exe\u{2069}");
    }

    #[test]
    fn commands_can_be_pasted() {
        assert_eq!(command("sync", Path::new("."), ""), "landfall sync");
        assert_eq!(command("status", Path::new("my notes"), "--skipped"), "landfall status 'my notes' --skipped");
        assert_eq!(command("sync", Path::new("/home/ada/notes"), ""), "landfall sync /home/ada/notes");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!((quoted("-n").as_str(), quoted("").as_str()), ("./-n", "''"));
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("a\n\tb\r\n\u{1b}[2J"), "a\n\tb\\r\n\\u{1b}[2J");
    }
}
