//! Which document a name means. A note is called what its file would be called in a folder, less `.md`.

use std::str::FromStr;

use super::server::{Listed, Server};
use crate::client::error::ClientError;
use crate::client::model::paths::Paths;
use crate::client::names::folded;
use crate::client::plain::one_line;
use crate::client::state::DocId;

/// Notes that a message lists at most.
const SHOWN: usize = 10;
/// How much alike two names must be for one to be taken for the other's misspelling.
const ALIKE: f64 = 0.8;

/// A note on the server.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub document: Listed,
    pub name: String,
}

/// The notes with their names, by name.
pub(super) fn named(listed: Vec<Listed>) -> Vec<Note> {
    let mut paths = Paths::default();
    listed.iter().for_each(|document| paths.put(document.document_id, &document.title));
    let mut notes: Vec<Note> = listed
        .into_iter()
        .map(|document| {
            let path = paths.path_of(document.document_id).and_then(Result::ok);
            // What no folder can hold is known by its id.
            let name = path.map_or_else(|| document.document_id.to_string(), |path| without_ending(&path).to_owned());
            Note { document, name }
        })
        .collect();
    notes.sort_by(|a, b| a.name.cmp(&b.name));
    notes
}

/// The id of the note of this name; `None` if there is none.
///
/// # Errors
/// `Usage` if it is the name of several, which are listed; or what the server says.
pub(super) fn find(server: &Server, name: &str) -> Result<Option<DocId>, ClientError> {
    if let Ok(id) = DocId::from_str(name)
        && id.to_string().eq_ignore_ascii_case(name)
    {
        return Ok(Some(id));
    }
    let stem = without_ending(name);
    let is_meant = |title: &str| title == name || without_ending(title) == stem;
    // Most names are titles; only for the others the whole list is fetched.
    let titled: Vec<Listed> =
        server.list(Some(stem))?.into_iter().filter(|document| is_meant(&document.title)).collect();
    if let [only] = titled.as_slice() {
        return Ok(Some(only.document_id));
    }
    let notes = named(server.list(None)?);
    let is_called = |note: &&Note| folded(&note.name) == folded(stem) || folded(&note.name) == folded(name);
    let called: Vec<&Note> = notes.iter().filter(is_called).collect();
    let of_title: Vec<&Note> = notes.iter().filter(|note| is_meant(&note.document.title)).collect();
    match (called.as_slice(), of_title.as_slice()) {
        ([only], []) => Ok(Some(only.document.document_id)),
        ([], []) => Ok(None),
        (called, titled) => Err(several(name, if titled.is_empty() { called } else { titled })),
    }
}

fn several(name: &str, notes: &[&Note]) -> ClientError {
    let shown = notes.iter().take(SHOWN).map(|note| {
        let Listed { document_id, version, updated_at, .. } = &note.document;
        format!("{document_id}  {}  (version {version}, {updated_at})", one_line(&note.name))
    });
    let list: Vec<String> = shown.collect();
    let rest = notes.len().saturating_sub(SHOWN);
    let rest = if rest > 0 { format!("\nand {rest} more") } else { String::new() };
    ClientError::Usage(format!("{name:?} is the name of several notes; use the id of one:\n{}{rest}", list.join("\n")))
}

/// As [`find`], of a note that must be there.
///
/// # Errors
/// Those of [`find`]; `Usage` if there is none.
pub(super) fn find_one(server: &Server, name: &str) -> Result<DocId, ClientError> {
    if let Some(id) = find(server, name)? {
        return Ok(id);
    }
    let notes = named(server.list(None)?);
    let mut alike: Vec<(f64, &Note)> = notes
        .iter()
        .map(|note| (strsim::jaro_winkler(&folded(&note.name), &folded(without_ending(name))), note))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let hint = match alike.first() {
        Some((_, note)) => format!("did you mean {:?}? ", note.name),
        None => String::new(),
    };
    Err(ClientError::Usage(format!("there is no note {name:?}; {hint}`landfall ls` lists them")))
}

fn without_ending(name: &str) -> &str {
    name.strip_suffix(".md").filter(|stem| !stem.is_empty() && !stem.ends_with('/')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_called_like_their_files() {
        let listed = |number: u128, title: &str| Listed {
            document_id: DocId(uuid::Uuid::from_u128(number)),
            title: title.to_owned(),
            version: 1,
            updated_at: String::new(),
        };
        let titles = [(1, "Plans"), (2, "plans.md"), (3, "a/b"), (4, "log.txt"), (5, "../x")];
        let notes = named(titles.map(|(number, title)| listed(number, title)).into());
        let names: Vec<&str> = notes.iter().map(|note| note.name.as_str()).collect();
        let by_id = "00000000-0000-0000-0000-000000000005";
        assert_eq!(names, [by_id, "Plans", "a/b", "log.txt", "plans (00000002)"]);
    }
}
