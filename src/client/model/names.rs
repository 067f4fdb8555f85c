//! Which paths a folder may hold, and which path a title asks for. Pure.
//!
//! A title is a path with `/` between its parts. The title of a file keeps its name wherever a system can hold it. What
//! other editors call a document is made into a name that every system can hold, and the title is remembered beside it, so
//! that `Plans: 2027` stays what it is on the server.

use icu_normalizer::ComposingNormalizerBorrowed;
use sha2::{Digest as _, Sha256};

/// Endings of the files that are synced.
pub const EXTENSIONS: [&str; 3] = ["md", "markdown", "txt"];

/// Bytes of one part of a path, on every common file system.
pub const MAX_PART_BYTES: usize = 255;

/// Longer parts of a title are shortened: what is left is for the marks that tell documents of one name apart.
const MAX_WISH_BYTES: usize = 240;

/// Names that Windows keeps for devices, whatever their ending.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Whether the name's ending is one that is synced.
#[must_use]
pub fn is_synced_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty() && EXTENSIONS.iter().any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// Checks that a path can be synced, and that this system can hold it.
///
/// # Errors
/// What is wrong with it, for people.
pub fn check_path(path: &str) -> Result<(), String> {
    path.split('/').try_for_each(check_part)
}

fn check_part(part: &str) -> Result<(), String> {
    if part.is_empty() || part == "." || part == ".." {
        return Err("a path must not have empty parts, `.` or `..`".to_owned());
    }
    if part.starts_with('.') {
        return Err("hidden files and folders are not synced".to_owned());
    }
    if let Some(barred) = part.chars().find(|c| c.is_control()) {
        return Err(format!("{barred:?} cannot stand in a file's name"));
    }
    if part.len() > MAX_PART_BYTES {
        return Err(format!("a part of the path is longer than {MAX_PART_BYTES} bytes"));
    }
    Ok(())
}

/// Why some other system cannot hold a path, if that is so.
#[must_use]
pub fn not_everywhere(path: &str) -> Option<String> {
    path.split('/').find_map(|part| {
        if let Some(barred) = part.chars().find(|c| is_barred(*c)) {
            return Some(format!("{barred:?} cannot stand in a file's name on Windows"));
        }
        if part.ends_with(['.', ' ']) {
            return Some("Windows cannot hold names that end in a dot or a space".to_owned());
        }
        is_reserved(part).then(|| format!("{part:?} is a reserved name on Windows"))
    })
}

fn is_barred(c: char) -> bool {
    c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\\')
}

fn is_reserved(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let is_numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|number| number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit()))
    };
    RESERVED.contains(&stem.as_str()) || is_numbered("com") || is_numbered("lpt")
}

/// The path that a title asks for. `mark` stands in a name that had to be shortened.
///
/// # Errors
/// Why no path can stand for it, for people.
pub fn natural_path(title: &str, mark: &str) -> Result<String, String> {
    let is_files = is_synced_name(title.rsplit('/').next().unwrap_or_default());
    let mut parts: Vec<String> = title.split('/').map(|part| holdable(part, is_files)).collect();
    let name = parts.pop().unwrap_or_default();
    let name = if is_synced_name(&name) { name } else { format!("{name}.md") };
    let mut path: Vec<String> = parts.into_iter().map(|part| shortened_folder(&part)).collect();
    path.push(if name.len() > MAX_WISH_BYTES { marked(&name, mark, MAX_WISH_BYTES) } else { name });
    let path = path.join("/");
    check_path(&path).map(|()| path)
}

/// The part with what cannot stand in names replaced; of a file's name only what can stand in none. `.`, `..` and the like
/// stay, to be refused.
fn holdable(part: &str, is_files: bool) -> String {
    let is_bad = |c: char| c.is_control() || (!is_files && is_barred(c));
    let mut held: String = part.chars().map(|c| if is_bad(c) { '_' } else { c }).collect();
    if !is_files && held.ends_with(['.', ' ']) && !held.trim_matches('.').is_empty() {
        held.pop();
        held.push('_');
    }
    held
}

/// A folder's name, of a long one the beginning and a digest of it all.
fn shortened_folder(part: &str) -> String {
    if part.len() <= MAX_WISH_BYTES {
        return part.to_owned();
    }
    let digest = Sha256::digest(folded(part));
    let mark: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    marked(part, &mark, MAX_WISH_BYTES)
}

/// The path with a mark in its name, before the ending; of a name that leaves no room for it the end is cut off.
#[must_use]
pub fn marked_path(path: &str, mark: &str) -> String {
    match path.rsplit_once('/') {
        Some((parent, name)) => format!("{parent}/{}", marked(name, mark, MAX_PART_BYTES)),
        None => marked(path, mark, MAX_PART_BYTES),
    }
}

fn marked(name: &str, mark: &str, most: usize) -> String {
    let (stem, ending) = split_name(name);
    let room = most.saturating_sub(mark.len() + ending.len() + 3);
    format!("{} ({mark}){ending}", stem.get(..stem.floor_char_boundary(room)).unwrap_or(stem))
}

/// The name in at most so many bytes; its ending stays.
#[must_use]
pub fn shortened(name: &str, room: usize) -> String {
    let (stem, ending) = split_name(name);
    let end = stem.floor_char_boundary(room.saturating_sub(ending.len()));
    format!("{}{ending}", stem.get(..end).unwrap_or(stem))
}

/// A name before its ending, and the ending with its dot, if it is one that is synced.
fn split_name(name: &str) -> (&str, &str) {
    let at = if is_synced_name(name) { name.rfind('.') } else { None };
    at.and_then(|at| name.split_at_checked(at)).unwrap_or((name, ""))
}

/// The title for a file that was moved to `path`. A title without the file's ending stays one.
#[must_use]
pub fn title_for_path(path: &str, old_title: &str) -> String {
    let had_no_ending = !is_synced_name(old_title.rsplit('/').next().unwrap_or_default());
    match path.strip_suffix(".md") {
        Some(stem) if had_no_ending => stem.to_owned(),
        _ => path.to_owned(),
    }
}

/// What two paths have in common that some system cannot tell apart: composed (Unicode's NFC), without upper and lower case.
#[must_use]
pub fn folded(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    let composed = ComposingNormalizerBorrowed::new_nfc();
    let cased: String =
        composed.normalize(path).chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    composed.normalize(&cased).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_no_system_can_hold_are_refused() {
        for path in ["a.md", "Über uns/naïve 文 🎈.txt", "a/b/c.md", "com10.md", "a..b.md", "a:b.md", "end./con.md"]
        {
            check_path(path).unwrap_or_else(|reason| panic!("{path}: {reason}"));
        }
        for path in ["", "/a.md", "a//b.md", "../a.md", "a/../b.md", "./a.md", ".a.md", "a/.git/b.md", "a\u{7}.md"] {
            assert!(check_path(path).is_err(), "{path}");
        }
        assert!(check_path(&format!("{}.md", "x".repeat(253))).is_err());
    }

    #[test]
    fn names_that_another_system_cannot_hold_are_known() {
        for path in ["a:b.md", "a\\b.md", "what?.md", "con.md", "NUL", "Aux.txt", "x/lpt1.md", "end./a.md", "end /a.md"]
        {
            assert!(not_everywhere(path).is_some(), "{path}");
        }
        for path in ["a.md", "console.md", "com10.md", "a..b.md", "Über uns/naïve 文 🎈.txt"] {
            assert_eq!(not_everywhere(path), None, "{path}");
        }
    }

    #[test]
    fn titles_ask_for_paths() {
        for (title, path) in [
            ("a.md", "a.md"),
            ("sub/a.TXT", "sub/a.TXT"),
            ("notes.markdown", "notes.markdown"),
            ("Groceries", "Groceries.md"),
            ("v1.2 notes", "v1.2 notes.md"),
            ("Plans: 2027?", "Plans_ 2027_.md"),
            ("The end.", "The end_.md"),
            ("a: b.md", "a: b.md"),
        ] {
            assert_eq!(natural_path(title, "").as_deref(), Ok(path));
        }
        for title in ["", "..", "../../etc/passwd", "/etc/passwd", ".landfall/state.db", "a//b", "a/../b.md"] {
            assert!(natural_path(title, "").is_err(), "{title}");
        }
    }

    #[test]
    fn a_moved_file_keeps_the_form_of_its_title() {
        assert_eq!(title_for_path("food.md", "Groceries"), "food");
        assert_eq!(title_for_path("food.txt", "Groceries"), "food.txt");
        assert_eq!(title_for_path("food.md", "groceries.md"), "food.md");
    }

    #[test]
    fn a_marked_name_is_never_too_long() {
        for name in [format!("{}.md", "x".repeat(252)), format!("{}.txt", "語".repeat(83)), "é".repeat(127)] {
            let marked = marked_path(&format!("sub/{name}"), "mine");
            let marked = marked.strip_prefix("sub/").unwrap();
            assert!(marked.len() <= 255 && marked.len() > 250 && marked.contains(" (mine)"), "{marked}");
            assert_eq!(is_synced_name(marked), is_synced_name(&name));
        }
    }
}
