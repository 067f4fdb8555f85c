//! Which paths a folder may hold so that every system can hold them, and which path stands for which title. Pure.
//!
//! A title is a path with `/` between its parts. What cannot stand in a file's name on some system is replaced in the
//! path, and the title is remembered beside it, so that `Plans: 2027` stays what it is on the server.

use crate::client::state::DocId;

/// Endings of the files that are synced.
pub const EXTENSIONS: [&str; 2] = ["md", "txt"];

/// Bytes of one part of a path, on every common file system.
pub const MAX_PART_BYTES: usize = 255;

/// Bytes kept free in a name for the ending of a second document of the same title.
const SUFFIX_BYTES: usize = 16;

/// Names that Windows keeps for devices, whatever their ending.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Whether the name's ending is one that is synced.
#[must_use]
pub fn is_synced_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty() && EXTENSIONS.iter().any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// Checks that every system can hold a path of the folder.
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
    if let Some(barred) = part.chars().find(|c| is_barred(*c)) {
        return Err(format!("{barred:?} cannot stand in a file's name on every system"));
    }
    if part.ends_with(['.', ' ']) {
        return Err("names that end in a dot or a space cannot be held by every system".to_owned());
    }
    if is_reserved(part) {
        return Err(format!("{part:?} is a reserved name on Windows"));
    }
    if part.len() > MAX_PART_BYTES {
        return Err(format!("a part of the path is longer than {MAX_PART_BYTES} bytes"));
    }
    Ok(())
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

/// The path that stands for a title.
///
/// # Errors
/// Why no path can stand for it, for people.
pub fn path_for_title(title: &str) -> Result<String, String> {
    let parts: Vec<String> = title.split('/').map(holdable).collect();
    let mut path = parts.join("/");
    if !is_synced_name(parts.last().map_or("", String::as_str)) {
        path.push_str(".md");
    }
    check_path(&path)?;
    match path.rsplit('/').next() {
        Some(name) if name.len() + SUFFIX_BYTES > MAX_PART_BYTES => {
            Err(format!("the title is too long for a file's name ({} bytes)", name.len()))
        }
        _ => Ok(path),
    }
}

/// The part with what cannot stand in names replaced. `.`, `..` and the like stay, to be refused.
fn holdable(part: &str) -> String {
    let mut held: String = part.chars().map(|c| if is_barred(c) { '_' } else { c }).collect();
    if held.ends_with(['.', ' ']) && !held.trim_matches('.').is_empty() {
        held.pop();
        held.push('_');
    }
    held
}

/// The path for a further document whose title's path is taken: the same on every device.
#[must_use]
pub fn second_path(path: &str, id: DocId) -> String {
    let id = id.0.simple().to_string();
    marked_path(path, id.get(24..).unwrap_or_default())
}

/// The path with a mark in its name, before the ending; of a name that leaves no room for it the end is cut off.
#[must_use]
pub fn marked_path(path: &str, mark: &str) -> String {
    let (parent, name) = path.rsplit_once('/').map_or((None, path), |(parent, name)| (Some(parent), name));
    let (stem, ending) = split_name(name);
    let room = MAX_PART_BYTES.saturating_sub(mark.len() + ending.len() + 3);
    let name = format!("{} ({mark}){ending}", stem.get(..stem.floor_char_boundary(room)).unwrap_or(stem));
    parent.map_or(name.clone(), |parent| format!("{parent}/{name}"))
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

/// What two paths have in common that a system without upper and lower case cannot tell apart.
#[must_use]
pub fn folded(path: &str) -> String {
    path.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_some_system_cannot_hold_are_refused() {
        for path in ["a.md", "Über uns/naïve 文 🎈.txt", "a/b/c.md", "console.md", "com10.md", "a..b.md"] {
            check_path(path).unwrap_or_else(|reason| panic!("{path}: {reason}"));
        }
        for path in [
            "",
            "/a.md",
            "a//b.md",
            "../a.md",
            "a/../b.md",
            "./a.md",
            ".a.md",
            "a/.git/b.md",
            "a:b.md",
            "a\\b.md",
            "what?.md",
            "a\u{7}.md",
            "con.md",
            "NUL",
            "Aux.txt",
            "x/lpt1.md",
            "end./a.md",
            "end /a.md",
        ] {
            assert!(check_path(path).is_err(), "{path}");
        }
        assert!(check_path(&format!("{}.md", "x".repeat(253))).is_err());
    }

    #[test]
    fn titles_have_paths() {
        for (title, path) in [
            ("a.md", "a.md"),
            ("sub/a.TXT", "sub/a.TXT"),
            ("Groceries", "Groceries.md"),
            ("v1.2 notes", "v1.2 notes.md"),
            ("Plans: 2027?", "Plans_ 2027_.md"),
            ("The end.", "The end_.md"),
        ] {
            assert_eq!(path_for_title(title).as_deref(), Ok(path));
        }
        for title in ["", "..", "../../etc/passwd", "/etc/passwd", ".landfall/state.db", "a//b", "a/../b.md", "nul"] {
            assert!(path_for_title(title).is_err(), "{title}");
        }
        assert!(path_for_title(&"x".repeat(240)).is_err());
    }

    #[test]
    fn a_moved_file_keeps_the_form_of_its_title() {
        assert_eq!(title_for_path("food.md", "Groceries"), "food");
        assert_eq!(title_for_path("food.txt", "Groceries"), "food.txt");
        assert_eq!(title_for_path("food.md", "groceries.md"), "food.md");
    }

    #[test]
    fn a_second_document_of_a_title_has_a_path_of_its_own() {
        let id: DocId = "0190b6a1-0000-7000-8000-0000deadbeef".parse().unwrap();
        assert_eq!(second_path("a/todo.md", id), "a/todo (deadbeef).md");
        assert_eq!(second_path("v1.2/todo", id), "v1.2/todo (deadbeef)");
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
